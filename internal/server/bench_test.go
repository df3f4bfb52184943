package server

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/sqlite"
)

// What taking runs in costs, without a network: in batches of 200 runs of 20
// metrics x 30 samples, into a file.
func BenchmarkIngest(b *testing.B) {
	store, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "history.db"))
	if err != nil {
		b.Fatal(err)
	}
	s := New(Config{Open: func(context.Context, bool) (history.Store, error) { return store, nil }, Insecure: true, Log: slog.New(slog.DiscardHandler), Limits: Limits{Rate: 1e9, Burst: 1e9}})
	defer s.Close()
	const batch = 200
	body := lined("app", 0, batch)
	n := 0
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		n++
		// Other ids, of the same length, of the next day.
		text := bytes.ReplaceAll(body, []byte(`"id":"R000`), fmt.Appendf(nil, `"id":"R%03d`, n%1000))
		text = bytes.ReplaceAll(text, []byte(`"timestamp":"2026-01-01`), []byte(`"timestamp":"`+time.Date(2026, 1, 1+n, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)))
		r := httptest.NewRequest(http.MethodPost, "/api/v1/runs", bytes.NewReader(text))
		r.Header.Set("Content-Type", ndjson)
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != 200 {
			b.Fatal(w.Code, w.Body)
		}
	}
	b.ReportMetric(float64(n*batch)/b.Elapsed().Seconds(), "runs/s")
}

// What a whole series of 10,000 points costs.
func BenchmarkSeries(b *testing.B) {
	points := make([]history.Point, 10_000)
	one, _ := typical("app", 1)
	for i := range points {
		points[i] = history.Point{Run: one, Center: 0.0451234, Statistic: "median"}
	}
	series := history.Series{App: "app", Name: "metric.03", Unit: "s", Points: points}
	for b.Loop() {
		writeBody(httptest.NewRecorder(), 200, appendSeries(nil, []history.Series{series}))
	}
}
