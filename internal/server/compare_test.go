package server

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/baseline"
)

// That the server is in no repository, or not in the app's, is no fault of the
// server: who asks for the merge base is told, and what to ask for instead.
func TestCompareWithoutRepository(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(c *Config) {
		c.Lineage = func(context.Context, string, string) (baseline.Ancestry, error) {
			return baseline.Ancestry{}, errors.New("git: not a git repository")
		}
	})
	token := h.token("", "admin")
	h.want(201, nil, "POST", "/api/v1/runs", token, []byte(`{"id":"A1","app":"app","commit":"abcdef0","startup_time":1}`), "Content-Type", jsonType)
	w := h.want(400, nil, "GET", "/api/v1/compare?run=A1&baseline=merge-base", token, nil)
	for _, want := range []string{"merge-base: git: not a git repository", "name a baseline: ?baseline=RUN"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("it does not say %q: %s", want, w.Body)
		}
	}
}

// The audit log is read to its end by what each page says in next.
func TestAuditPages(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	token := h.token("", "admin")
	for range 5 {
		h.token("", "read")
	}
	for _, limit := range []string{"1", "2", "3", "6", "7"} {
		seen, pages, before := make(map[string]bool), 0, ""
		for {
			var log AuditLog
			h.want(200, &log, "GET", "/api/v1/audit?limit="+limit+before, token, nil)
			for _, e := range log.Entries {
				seen[e.ID] = true
			}
			if pages++; len(log.Entries) == 0 || pages > 6 {
				t.Fatalf("page %d, of %s, has %d entries", pages, limit, len(log.Entries))
			}
			if log.Next == "" {
				break
			}
			before = "&before=" + log.Next
		}
		if len(seen) != 6 {
			t.Errorf("by %s: %d entries of 6", limit, len(seen))
		}
	}
}
