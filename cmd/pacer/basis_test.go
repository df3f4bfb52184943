package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/baseline"
	"github.com/pacer-perf/pacer/internal/history/sqlite"
	"github.com/pacer-perf/pacer/run"
)

// What a policy's rule does not find is no trouble, but a doubt; before there
// was anything, not even that.
func TestByPolicy(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "h.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var last run.Run
	ask := func(rule string) string {
		t.Helper()
		b, err := byPolicy(t.Context(), store, baseline.Question{Current: &last}, rule)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(len(b.Runs), b.First, " ", b.Chosen)
	}
	for i := range 2 {
		last = run.Run{
			ID: fmt.Sprint("A", i), App: "a", Branch: "main", Commit: fmt.Sprint("c0ffee", i), Timestamp: time.Unix(int64(i), 0),
			Metrics: []run.Metric{{Name: "startup", Unit: "s", Samples: []float64{1}}},
		}
		if _, err := store.Append(t.Context(), &last); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if got := ask("branch:main"); got != "0 true no earlier run of this app and these labels" {
				t.Errorf("the first run: %s", got)
			}
		}
	}
	for rule, want := range map[string]string{
		"":            "1 false the newest earlier comparable run",
		"branch:main": "1 false the last run of branch main",
		"branch:next": "0 false branch:next: no earlier run of this branch: there are runs of main",
		"merge-base":  "0 false merge-base: there is no repository to ask",
		"1.0":         `0 false run "1.0": not found in the history`,
	} {
		if got := ask(rule); got != want {
			t.Errorf("%s: %s; want %s", rule, got, want)
		}
	}
	if _, err := byPolicy(t.Context(), store, baseline.Question{Current: &run.Run{ID: "x"}}, "A"); err == nil || !strings.Contains(err.Error(), "several") {
		t.Errorf("an ambiguous rule: %v", err)
	}
}
