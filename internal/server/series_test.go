package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// What is written of a series by hand is a SeriesList, field by field.
func TestAppendSeries(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	full := history.Point{Run: &run.Run{ID: "a", Version: `1.0 "<β>"`, Commit: "c", Branch: "b", Timestamp: time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)},
		Center: 1e-9, Statistic: "median", Stats: run.Stats{Count: 3, Mean: 1234567.5, Min: 0, Max: 1e300, P95: -2, P99: 1e21}}
	bare := history.Point{Run: &run.Run{ID: "z"}, Center: 2, Statistic: "mean", Stats: run.Stats{Mean: nan, Min: nan, Max: nan, P95: nan, P99: math.Inf(1)}}
	list := []history.Series{
		{App: "app", RunLabels: map[string]string{"runner": "x&y"}, Name: "m", Labels: map[string]string{"rows": "1"}, Unit: "s", Points: []history.Point{full, bare}},
		{Name: "empty"},
	}
	text := appendSeries(nil, list)
	var got SeriesList
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	want := SeriesList{Series: []Series{
		{App: "app", RunLabels: list[0].RunLabels, Name: "m", Labels: list[0].Labels, Unit: "s", Points: []Point{
			{Run: "a", Version: `1.0 "<β>"`, Commit: "c", Branch: "b", Time: full.Run.Timestamp, Value: 1e-9, Statistic: "median", Count: 3,
				Mean: 1234567.5, Min: 0, Max: 1e300, P95: -2, P99: 1e21},
			{Run: "z", Value: 2, Statistic: "mean"},
		}},
		{Name: "empty", Points: []Point{}},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s\nreads as %+v\nwant %+v", text, got, want)
	}
	if got := string(appendSeries(nil, nil)); got != "{\"series\":[]}\n" {
		t.Errorf("no series: %q", got)
	}
	// What is not known is not written, and 0 is.
	if bytes.Count(text, []byte(`"min":0`)) != 1 || bytes.Contains(text, []byte("NaN")) || bytes.Contains(text, []byte("Inf")) {
		t.Errorf("%s", text)
	}
}

// manySeries is a store of so many series, with so many points each.
type manySeries struct {
	history.Store
	series, points int
	asked          func(history.SeriesFilter) // is called before it answers

	mu   sync.Mutex
	most int // points that it was asked for at once
}

func (m *manySeries) Series(_ context.Context, f history.SeriesFilter) ([]history.Series, error) {
	if m.asked != nil {
		m.asked(f)
	}
	n := min(m.points, f.Last)
	m.mu.Lock()
	m.most = max(m.most, n*m.series)
	m.mu.Unlock()
	list := make([]history.Series, m.series)
	for i := range list {
		list[i] = history.Series{App: "app", Name: "m", Unit: "s", Points: slices.Repeat([]history.Point{{Run: &run.Run{ID: "a"}}}, n)}
	}
	return list, nil
}

// However many series there are, an answer has no more points than it may, and
// the store is not asked for more.
func TestSeriesPoints(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name           string
		series, points int
		last           string
		status, want   int // points of each
		says           string
	}{
		{"one", 1, 30_000, "", 200, usualPoints, ""},
		{"one, as many as can be", 1, 30_000, "20000", 200, mostPoints, ""},
		{"many, by default", 100, 2000, "", 200, allPoints / 100, ""},
		{"many that are short", 100, 400, "20000", 200, 400, ""},
		{"many that are long", 100, 2000, "20000", 400, 0, "last=500"},
		{"many, as many as it said", 100, 2000, "500", 200, 500, ""},
		{"too many", allPoints + 1, 3, "", 400, 0, "app="},
	} {
		store := &manySeries{Store: newHarness(t, nil).store, series: tt.series, points: tt.points}
		h := over(t, store, func(c *Config) { c.Insecure = true })
		path := "/api/v1/series?metric=m"
		if tt.last != "" {
			path += "&last=" + tt.last
		}
		w := h.want(tt.status, nil, "GET", path, "", nil)
		if store.most > max(allPoints, tt.series) || !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%s: asked for %d points: %.300s", tt.name, store.most, w.Body)
		}
		if n := strings.Count(w.Body.String(), `"run":`); n != tt.want*tt.series && tt.status == 200 {
			t.Errorf("%s: %d points, want %d", tt.name, n, tt.want*tt.series)
		}
	}
}

// Few large answers are made at a time, and not all of them for one.
func TestLargeAnswers(t *testing.T) {
	t.Parallel()
	reading, ended := make(chan bool), make(chan bool)
	store := &manySeries{Store: newHarness(t, nil).store, series: 1, points: mostPoints, asked: func(f history.SeriesFilter) {
		if f.Last == mostPoints {
			reading <- true
			<-ended
		}
	}}
	h := over(t, store, nil)
	one, other := h.token("app", "read"), h.token("app", "read")
	var all sync.WaitGroup
	ask := func(token string, n int) {
		for range n {
			all.Go(func() {
				if w := h.ask("GET", "/api/v1/series?metric=m&last=20000", token, nil); w.Code != 200 {
					t.Errorf("status %d: %.300s", w.Code, w.Body)
				}
			})
		}
	}
	ask(one, mostReads)
	for range mostReads / 2 {
		<-reading
	}
	select {
	case <-reading:
		t.Error("one holds more than half of the places")
	default:
	}
	ask(other, 1)
	<-reading // whoever else asks does not wait for that
	h.want(200, nil, "GET", "/api/v1/series?metric=m&last=10", one, nil)
	go func() {
		for range mostReads / 2 {
			<-reading
		}
	}()
	close(ended)
	all.Wait()
}

// A database that nothing can be written to is no fault of a request, nor for
// good.
func TestFull(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err    error
		status int
		after  time.Duration
	}{{history.ErrFull, 503, fullAfter}, {sqlState("25006"), 503, fullAfter}, {history.ErrUnavailable, 503, retryAfter}, {sqlState("22021"), 500, 0}} {
		if r := refusalOf(fmt.Errorf("history: %w", tt.err)); r.status != tt.status || r.after != tt.after {
			t.Errorf("%v: %+v", tt.err, r)
		}
	}
}

type sqlState string

func (s sqlState) SQLState() string { return string(s) }
func (s sqlState) Error() string    { return "SQLSTATE " + string(s) }
