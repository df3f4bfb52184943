package server

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/history"
)

// awayStore is a store that is not there when runs come.
type awayStore struct {
	history.Store
	err error
}

func (s *awayStore) AppendBatch(context.Context, history.Batch) ([]history.Outcome, error) {
	return nil, fmt.Errorf("history postgres://user@secret: %w", s.err)
}

// Whoever sends runs in whatever form is told to come back, and not where the
// history is.
func TestHistoryAway(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	token := h.token("app", "ingest")
	away := &awayStore{Store: h.store}
	h = over(t, away, nil)
	_, one := typical("app", 1)
	many := lined("app", 0, 30)
	for _, tt := range []struct {
		path string
		body []byte
		head []string
	}{
		{"/api/v1/runs", one, []string{"Content-Type", jsonType}},
		{"/api/v1/runs", one, []string{"Content-Type", ndjson}},
		{"/api/v1/runs", many, []string{"Content-Type", ndjson}},
		{"/api/v1/runs", gzipped(many), []string{"Content-Type", ndjson, "Content-Encoding", "gzip"}},
		{"/api/v1/runs", zstded(many), []string{"Content-Type", ndjson, "Content-Encoding", "zstd"}},
		{"/api/v1/import", one, nil},
		{otlpPath, []byte(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","gauge":{"dataPoints":[{"asDouble":1}]}}]}]}]}`), []string{"Content-Type", jsonType}},
	} {
		for _, err := range []error{history.ErrUnavailable, history.ErrFull, context.DeadlineExceeded} {
			away.err = err
			w := h.ask("POST", tt.path, token, tt.body, tt.head...)
			if w.Code != 503 || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("%v: %s %v: %d %v %.300s", err, tt.path, tt.head, w.Code, w.Header(), w.Body)
			}
		}
	}
}

// While the history is away, pages tell nobody where it is: who asks may be
// anybody.
func TestPagesAway(t *testing.T) {
	t.Parallel()
	h := newSite(t, func(c *Config) {
		c.Open = func(context.Context, bool) (history.Store, error) {
			return nil, fmt.Errorf("history postgres://user@secret: %w", history.ErrUnavailable)
		}
	})
	for _, path := range []string{"/", "/runs", "/tokens", "/settings", "/signin"} {
		if page := h.browser().page(503, "GET", path, nil); strings.Contains(page, "secret") || !strings.Contains(page, "Try again in a moment. The log of the server says why.") {
			t.Errorf("%s: %s", path, page)
		}
	}
}
