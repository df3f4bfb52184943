package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// fill appends n runs that edit makes of a small one, an hour apart, in one
// batch.
func fill(t *testing.T, s history.Store, n int, edit func(int, *run.Run)) {
	t.Helper()
	var b history.Batch
	for i := range n {
		r := Sample(fmt.Sprintf("R%05d", i))
		r.Timestamp = r.Timestamp.Add(time.Duration(i) * time.Hour)
		edit(i, r)
		e, err := history.Pack(r)
		if err != nil {
			t.Fatal(err)
		}
		b.Entries = append(b.Entries, e)
	}
	if _, err := s.AppendBatch(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// The last points of a branch are found also where they are far back, among
// runs that did not measure the metric.
func lastOfBranch(t *testing.T, s history.Store) {
	const n, every = 2500, 600
	main := 0
	fill(t, s, n, func(i int, r *run.Run) {
		r.Metrics[0].Samples = []float64{float64(i)}
		switch {
		case i%every == 0:
			r.Branch = "rare"
		case i == n-1:
			r.Branch = "once"
		case i%7 == 0:
			r.Metrics[0].Name = "another"
		default:
			main++
		}
	})
	start := Sample("").Timestamp
	for _, tt := range []struct {
		filter history.SeriesFilter
		want   string
	}{
		{history.SeriesFilter{Branch: "once", Last: 3}, "R02499=2499"},
		{history.SeriesFilter{Branch: "rare", Last: 1}, "R02400=2400"},
		{history.SeriesFilter{Branch: "rare", Last: 3}, "R01200=1200 R01800=1800 R02400=2400"},
		{history.SeriesFilter{Branch: "rare", Last: 9}, "R00000=0 R00600=600 R01200=1200 R01800=1800 R02400=2400"},
		{history.SeriesFilter{Branch: "rare"}, "R00000=0 R00600=600 R01200=1200 R01800=1800 R02400=2400"},
		{history.SeriesFilter{Branch: "rare", Last: 9, Since: start.Add(time.Hour), Until: start.Add(2000 * time.Hour)}, "R00600=600 R01200=1200 R01800=1800"},
		{history.SeriesFilter{Branch: "main", Last: 2}, "R02497=2497 R02498=2498"},
		{history.SeriesFilter{Branch: "nobody", Last: 2}, ""},
	} {
		tt.filter.Key, tt.filter.Unit = "startup", "s"
		want := ""
		if tt.want != "" {
			want = "app startup s: " + tt.want + "\n"
		}
		list, err := s.Series(t.Context(), tt.filter)
		if err != nil || Describe(list) != want {
			t.Errorf("%+v: %s, %v", tt.filter, Describe(list), err)
		}
	}
	list, err := s.Series(t.Context(), history.SeriesFilter{Branch: "main", Key: "startup", Unit: "s"})
	if err != nil || len(list) != 1 || len(list[0].Points) != main {
		t.Errorf("the branch main: not %d points: %.200s, %v", main, Describe(list), err)
	}
	if list, err := s.Series(t.Context(), history.SeriesFilter{Branch: "rare", Last: 1}); err != nil || Describe(list) != "app startup s: R02400=2400\n" {
		t.Errorf("of all metrics: %s, %v", Describe(list), err)
	}
}

// Each run has its own machine's environment, whichever were read before it.
func hosts(t *testing.T, s history.Store) {
	host := func(i int) string { return fmt.Sprintf("host%d", i*7%50) }
	fill(t, s, 100, func(i int, r *run.Run) { r.Environment.Host = host(i) })
	for i := 99; i >= 0; i -= 9 {
		list, err := s.Heads(t.Context(), history.Filter{IDPrefix: fmt.Sprintf("R%05d", i)})
		if err != nil || len(list) != 1 || list[0].Environment.Host != host(i) {
			t.Fatalf("run %d: %+v, %v", i, list, err)
		}
	}
	for range 2 {
		list, err := s.Heads(t.Context(), history.Filter{})
		if err != nil || len(list) != 100 {
			t.Fatalf("%d heads, %v", len(list), err)
		}
		for k := range list {
			if i := 99 - k; list[k].Environment.Host != host(i) {
				t.Errorf("run %d is of %s, want %s", i, list[k].Environment.Host, host(i))
			}
		}
		Fill(t, s, Sample("R00100")) // an environment that is new
		if err := first(s.Delete(t.Context(), "R00100")); err != nil {
			t.Fatal(err)
		}
	}
}

func first(_ int, err error) error { return err }

// Branches and versions of any length are kept and found, also those that only
// differ at the end.
func longBranches(t *testing.T, s history.Store) {
	rng := rand.New(rand.NewPCG(8, 9))
	var b strings.Builder // nothing that can be compressed into an entry of an index
	for b.Len() < run.MaxName {
		fmt.Fprintf(&b, "%x", rng.Uint64())
	}
	long := b.String()[:run.MaxName-1]
	fill(t, s, 4, func(i int, r *run.Run) {
		r.Branch, r.Version = long+fmt.Sprint(i%2), long+fmt.Sprint(i/2)
	})
	for _, tt := range []struct {
		filter history.Filter
		want   string
	}{
		{history.Filter{App: "app", Branch: long + "1"}, "R00003 R00001"},
		{history.Filter{App: "app", Version: long + "1"}, "R00003 R00002"},
		{history.Filter{App: "app", Version: long + "1", Branch: long + "0", Limit: 1}, "R00002"},
		{history.Filter{Version: long + "0", Limit: 1}, "R00001"},
		{history.Filter{App: "app", Branch: long}, ""},
		{history.Filter{App: "app", IDPrefix: "r00001"}, "R00001"},
		{history.Filter{App: "other", IDPrefix: "r00001"}, ""},
		{history.Filter{App: "app", Commit: "ABC", Limit: 1}, "R00003"},
		{history.Filter{App: "other", Commit: "abc"}, ""},
	} {
		if got := IDs(t, s, tt.filter); got != tt.want {
			t.Errorf("%+.40v: %q, want %q", tt.filter, got, tt.want)
		}
	}
}

// Jobs come oldest first, also those that were given back, and those that were
// leased too often do not come at all.
func oldestFirst(t *testing.T, s history.Store) {
	ctx := t.Context()
	var tasks []history.Task
	for i := range 20 {
		tasks = append(tasks, history.Task{Kind: "k", Key: fmt.Sprintf("%02d", 19-i)})
	}
	for _, task := range tasks {
		if _, err := s.Enqueue(ctx, task); err != nil {
			t.Fatal(err)
		}
	}
	lease := func(n int) []history.Job {
		t.Helper()
		jobs, err := s.Lease(ctx, "k", "w", n, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return jobs
	}
	release := func(j history.Job) {
		t.Helper()
		if err := s.Release(ctx, j, 0, ""); err != nil {
			t.Fatal(err)
		}
	}
	jobs := lease(20)
	for i := range jobs {
		if jobs[i].Key != tasks[i].Key {
			t.Fatalf("job %d is %s, want %s", i, jobs[i].Key, tasks[i].Key)
		}
	}
	// Given back in another order.
	for _, i := range []int{7, 3, 11} {
		release(jobs[i])
	}
	again := lease(20)
	if len(again) != 3 || again[0].Key != tasks[3].Key || again[1].Key != tasks[7].Key || again[2].Key != tasks[11].Key {
		t.Errorf("given back: %+v", again)
	}
	release(again[1])
	for range history.MaxAttempts - 2 {
		one := lease(20)
		if len(one) != 1 {
			t.Fatalf("%d jobs", len(one))
		}
		release(one[0])
	}
	release(again[2])
	if last := lease(20); len(last) != 1 || last[0].Key != tasks[11].Key {
		t.Errorf("after too many attempts: %+v", last)
	}
	if j, err := s.Job(ctx, "k", tasks[7].Key); err != nil || j.State != history.JobGivenUp || j.Attempts != history.MaxAttempts {
		t.Errorf("%+v, %v", j, err)
	}
}

// The longest texts that a run may have are kept and found, also where nothing
// in them repeats, so that no index can compress them; longer ones are refused by
// name.
func longTexts(t *testing.T, s history.Store) {
	ctx := t.Context()
	rng := rand.New(rand.NewPCG(7, 8))
	text := func(n int, letters string) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = letters[rng.IntN(len(letters))]
		}
		return string(b)
	}
	const usual = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i, letters := range []string{usual, "\x00\x01", "\x00\x01\x02" + usual} {
		r := Sample(fmt.Sprint(i, ".", strings.Repeat("I", 62)))
		for _, into := range []*string{&r.App, &r.Version, &r.Commit, &r.Branch} {
			*into = text(run.MaxName, letters)
		}
		r.Environment.CPU, r.Environment.Host = text(30_000, letters), text(3000, letters)
		r.Labels = map[string]string{"a": text(20_000, letters), "b": text(3000, letters)}
		r.Metrics[0].Name = text(run.MaxName, usual)
		r.Metrics[0].Unit = text(5000, usual)
		Fill(t, s, r, r)
		list, err := s.Heads(ctx, history.Filter{App: r.App, Version: r.Version, Commit: r.Commit, Branch: r.Branch})
		want := *r
		want.Metrics = nil
		if diff := cmp.Diff([]run.Run{want}, list); err != nil || diff != "" {
			t.Errorf("heads of %d: %v (-want +got):\n%s", i, err, diff)
		}
		points, err := s.Series(ctx, history.SeriesFilter{App: r.App, Key: r.Metrics[0].Name, Unit: r.Metrics[0].Unit})
		if err != nil || len(points) != 1 || len(points[0].Points) != 1 || points[0].Points[0].Run.Environment.CPU != r.Environment.CPU {
			t.Errorf("%d series of %d, %v", len(points), i, err)
		}
		for _, id := range []string{r.ID, r.ID} {
			if err := s.SetBaseline(ctx, id); err != nil {
				t.Fatal(err)
			}
		}
		if id, err := s.Baseline(ctx, r.App, r.Labels); err != nil || id != r.ID {
			t.Errorf("baseline %q, %v", id, err)
		}
		if list, err := s.Baselines(ctx); err != nil || len(list) != i+1 {
			t.Errorf("%d baselines of %d, %v", len(list), i+1, err)
		}
		if err := s.ClearBaseline(ctx, r.App, map[string]string{"a": r.Labels["a"]}); !errors.Is(err, history.ErrNotFound) {
			t.Errorf("a baseline for other labels: %v", err)
		}
	}
	for name, edit := range map[string]func(r *run.Run, text string){
		"app":     func(r *run.Run, text string) { r.App = text },
		"version": func(r *run.Run, text string) { r.Version = text },
		"commit":  func(r *run.Run, text string) { r.Commit = text },
		"branch":  func(r *run.Run, text string) { r.Branch = text },
	} {
		r := Sample("long")
		edit(r, text(3000, usual))
		if _, err := s.Append(ctx, r); err == nil || !strings.Contains(err.Error(), name+" has 3000 bytes: at most 1024") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if heads, err := s.Heads(ctx, history.Filter{}); err != nil || len(heads) != 3 {
		t.Errorf("%d runs are there, %v", len(heads), err)
	}
}
