package memory

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/sqlite"
	"github.com/pacer-perf/pacer/internal/history/storetest"
	"github.com/pacer-perf/pacer/run"
)

// It answers as the store in a file does, whatever it is asked.
func TestAnswersAsSQLite(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	file, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	runs := storetest.Several()
	rng := rand.New(rand.NewPCG(1, 1))
	pick := func(words ...string) string { return words[rng.IntN(len(words))] }
	for i := range 40 {
		r := storetest.Sample(fmt.Sprintf("S%02d", i))
		r.App, r.Branch, r.Version, r.Commit = pick("app", "other"), pick("main", "fix", ""), pick("1.0", "1.1"), pick("abc123", "ABCdef", "")
		r.Timestamp = r.Timestamp.Add(time.Duration(rng.IntN(20)) * time.Hour)
		r.Metrics = append(r.Metrics, run.Metric{Name: "filter", Unit: "s", Labels: map[string]string{"rows": pick("10", "20")}, Samples: []float64{rng.Float64(), 2}})
		if rng.IntN(3) == 0 {
			r.Labels = map[string]string{"dataset": pick("1k", "2k")}
		}
		runs = append(runs, r)
	}
	storetest.Fill(t, file, runs...)
	mem, err := New(runs...)
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []string{"S03", "S09", "S05"} {
		if err := mem.SetBaseline(set); err != nil {
			t.Fatal(err)
		}
		if err := file.SetBaseline(ctx, set); err != nil {
			t.Fatal(err)
		}
	}
	same := func(what string, ask func(history.Reader) (any, error)) {
		t.Helper()
		want, err := ask(file)
		got, err2 := ask(mem)
		if diff := cmp.Diff(want, got, storetest.Same); diff != "" || (err == nil) != (err2 == nil) {
			t.Fatalf("%s: %v, %v (-file +memory):\n%s", what, err, err2, diff)
		}
	}
	start := runs[0].Timestamp
	for range 100 {
		f := history.Filter{App: pick("", "app", "other"), Branch: pick("", "", "main"), Version: pick("", "", "1.1"), IDPrefix: pick("", "", "s0", "R"), Commit: pick("", "", "abc", "abcd"), Limit: rng.IntN(5) * 3}
		g := history.SeriesFilter{App: f.App, Branch: f.Branch, Key: pick("", "startup", "filter{rows=10}", "nobody"), Last: rng.IntN(3) * 4}
		if rng.IntN(2) == 0 {
			f.Since = start.Add(time.Duration(rng.IntN(10)) * time.Hour)
			f.Until = f.Since.Add(time.Duration(rng.IntN(10)) * time.Hour)
			f.Before = history.PositionOf(runs[rng.IntN(len(runs))])
			g.Since, g.Until = f.Since, f.Until
		}
		if rng.IntN(3) == 0 {
			g.Runs = []string{runs[rng.IntN(len(runs))].ID, runs[rng.IntN(len(runs))].ID, "nobody"}
		}
		same(fmt.Sprintf("heads %+v", f), func(r history.Reader) (any, error) { return r.Heads(ctx, f) })
		same(fmt.Sprintf("series %+v", g), func(r history.Reader) (any, error) { return r.Series(ctx, g) })
	}
	for _, app := range []string{"", "app", "other", "nobody"} {
		same("metrics of "+app, func(r history.Reader) (any, error) { return r.Metrics(ctx, app) })
		for _, labels := range []map[string]string{nil, {"dataset": "1k"}, {"dataset": "2k"}} {
			same("baseline of "+app, func(r history.Reader) (any, error) { return r.Baseline(ctx, app, labels) })
		}
	}
	same("apps", func(r history.Reader) (any, error) { return r.Apps(ctx) })
	for _, id := range []string{"R0", "S17", "nobody"} {
		same("run "+id, func(r history.Reader) (any, error) { return r.Run(ctx, id) })
	}
	if _, err := New(runs[0], runs[0]); err == nil {
		t.Error("the same run twice is taken")
	}
}
