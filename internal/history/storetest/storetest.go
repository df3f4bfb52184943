// Package storetest is the suite that every store of runs passes.
package storetest

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// Place is where a store is kept. Each call opens it once more, as another
// process would.
type Place func() history.Store

// Run runs the suite on stores in fresh places.
func Run(t *testing.T, fresh func(*testing.T) Place) {
	for name, test := range map[string]func(*testing.T, history.Store){
		"append and read": appendAndRead,
		"batch":           batch,
		"odd content":     oddContent,
		"long texts":      longTexts,
		"heads":           heads,
		"pages of heads":  pages,
		"untimed":         untimed,
		"baseline":        baselines,
		"series":          series,
		"series bounded":  seriesBounded,
		"last of branch":  lastOfBranch,
		"hosts":           hosts,
		"long branches":   longBranches,
		"oldest first":    oldestFirst,
		"revision":        revision,
		"refused":         refused,
		"delete":          deletes,
		"thin":            thins,
		"walk":            walks,
		"acts":            acts,
		"audit":           audit,
		"queue":           queue,
		"queue once":      queueOnce,
		"maintenance":     maintenance,
		"tokens":          tokens,
		"sessions":        sessions,
		"audited":         audited,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, fresh(t)())
		})
	}
	for name, test := range map[string]func(*testing.T, Place){
		"order of appending": nil,
		"openers at once":    openersAtOnce,
		"writers at once":    writersAtOnce,
		"acts at once":       actsAtOnce,
		"revision at once":   revisionAtOnce,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test == nil {
				orderOfAppending(t, fresh)
				return
			}
			test(t, fresh(t))
		})
	}
}

// Sample is a small run.
func Sample(id string) *run.Run {
	return &run.Run{
		ID: id, App: "app", Version: "1.0", Commit: "abc123", Branch: "main",
		Timestamp:   time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC),
		Environment: &run.Environment{OS: "linux", Cores: 2},
		Metrics:     []run.Metric{{Name: "startup", Unit: "s", Better: run.Lower, Samples: []float64{1, 2, 3}}},
	}
}

// Several are runs that have little in common, three of them of one time.
func Several() []*run.Run {
	nan := math.NaN()
	var list []*run.Run
	for i, edit := range []func(*run.Run){
		func(*run.Run) {},
		func(r *run.Run) { r.Branch = "fix"; r.Dirty = true; r.Environment = nil },
		func(r *run.Run) { r.Timestamp = r.Timestamp.Add(-time.Hour) }, // of the time of the first two
		func(r *run.Run) { r.Labels = map[string]string{"dataset": "1k"} },
		func(r *run.Run) { r.App = "other" },
		func(r *run.Run) {
			r.Metrics = append(r.Metrics,
				run.Metric{Name: "filter", Unit: "s", Labels: map[string]string{"rows": "10"}, Samples: []float64{4}, Resolution: 1e-9},
				run.Metric{Name: "startup", Unit: "ms", Summary: &run.Stats{Mean: 7, Min: nan, Max: nan, Stddev: nan, P50: nan, P90: nan, P95: nan, P99: nan, P999: nan}},
				run.Metric{Name: "nothing", Unit: "s"})
		},
	} {
		r := Sample(fmt.Sprintf("R%d", i))
		r.Timestamp = r.Timestamp.Add(time.Duration(i/2) * time.Hour)
		r.Metrics[0].Samples = []float64{float64(i), float64(i + 1)}
		edit(r)
		list = append(list, r)
	}
	return list
}

// Describe writes series as short lines.
func Describe(list []history.Series) string {
	var b strings.Builder
	for i := range list {
		s := &list[i]
		fmt.Fprintf(&b, "%s %s %s:", run.Key(s.App, s.RunLabels), s.Key(), s.Unit)
		for _, p := range s.Points {
			fmt.Fprintf(&b, " %s=%v", p.Run.ID, p.Center)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Fill appends runs.
func Fill(t *testing.T, s history.Store, runs ...*run.Run) {
	t.Helper()
	for _, r := range runs {
		if _, err := s.Append(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

// Same compares numbers, of which none that is not known equals another.
var Same = cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })

// IDs are those of the runs that a filter selects.
func IDs(t *testing.T, s history.Reader, f history.Filter) string {
	t.Helper()
	heads, err := s.Heads(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, h := range heads {
		ids = append(ids, h.ID)
	}
	return strings.Join(ids, " ")
}

func appendAndRead(t *testing.T, s history.Store) {
	ctx := t.Context()
	want := Sample("A")
	for i, added := range []bool{true, false} { // the same run twice is one run
		if got, err := s.Append(ctx, want); got != added || err != nil {
			t.Fatalf("append %d: %v, %v", i, got, err)
		}
	}
	other := Sample("A")
	other.Version = "2.0"
	var conflict *history.ConflictError
	if _, err := s.Append(ctx, other); !errors.As(err, &conflict) || conflict.ID != "A" {
		t.Errorf("other content under the same id: %v", err)
	}
	got, err := s.Run(ctx, "A")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := s.Run(ctx, "B"); !errors.Is(err, history.ErrNotFound) {
		t.Errorf("a run that is not there: %v", err)
	}
	broken := Sample("C")
	broken.Metrics[0].Samples[0] = -1
	if _, err := s.Append(ctx, broken); err == nil {
		t.Error("a run that does not validate was kept")
	}
	if _, err := s.Append(ctx, Sample("")); err == nil {
		t.Error("a run without an id was kept")
	}
	apps, err := s.Apps(ctx)
	if diff := cmp.Diff([]history.App{{Name: "app", Runs: 1, Newest: want.Timestamp}}, apps); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func batch(t *testing.T, s history.Store) {
	ctx := t.Context()
	entry := func(r *run.Run) *history.Entry {
		e, err := history.Pack(r)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	Fill(t, s, Sample("A"))
	other := Sample("A")
	other.Version = "2.0"
	outcomes, err := s.AppendBatch(ctx, history.Batch{
		Entries: []*history.Entry{entry(Sample("B")), entry(other), entry(Sample("B")), entry(Sample("A")), entry(Sample("C"))},
		Enqueue: "verdict",
	})
	if err != nil {
		t.Fatal(err)
	}
	var conflict *history.ConflictError
	var got []string
	for _, o := range outcomes {
		switch {
		case errors.As(o.Err, &conflict):
			got = append(got, "conflict "+conflict.ID)
		case o.Err != nil:
			t.Error(o.Err)
		default:
			got = append(got, fmt.Sprint(o.Added))
		}
	}
	if want := "true, conflict A, false, false, true"; strings.Join(got, ", ") != want {
		t.Errorf("%s, want %s", strings.Join(got, ", "), want)
	}
	if ids := IDs(t, s, history.Filter{}); ids != "C B A" {
		t.Error(ids)
	}
	jobs, err := s.Lease(ctx, "verdict", "w", 10, time.Minute)
	if err != nil || len(jobs) != 2 || jobs[0].Key+jobs[1].Key != "BC" {
		t.Errorf("jobs %+v, %v", jobs, err)
	}
	if outcomes, err := s.AppendBatch(ctx, history.Batch{}); err != nil || len(outcomes) != 0 {
		t.Errorf("an empty batch: %v, %v", outcomes, err)
	}
	if list, err := s.Series(ctx, history.SeriesFilter{}); err != nil || Describe(list) != "app startup s: A=2 B=2 C=2\n" {
		t.Errorf("%s, %v", Describe(list), err)
	}
}

// What documents may hold, stores keep: text of any kind, numbers at the
// limits, times beyond those that fit an int64.
func oddContent(t *testing.T, s history.Store) {
	ctx := t.Context()
	r := Sample("odd")
	r.App, r.Version, r.Branch, r.Commit = "a\x00p\x01p'\"%", "1\x00\U0001f680", strings.Repeat("b", run.MaxName), "\x02"
	r.Labels = map[string]string{"k": "\x00\x01\x02", "o'k": ""}
	long := strings.Repeat("m", 1000)
	r.Metrics = []run.Metric{
		{Name: long, Unit: "u\x00", Labels: map[string]string{"l": strings.Repeat("v", 9000)}, Samples: []float64{math.MaxFloat64, -math.MaxFloat64, 5e-324}},
		{Name: "zero", Unit: "", Samples: []float64{0, math.Copysign(0, -1)}},
		{Name: "many", Unit: "s", Samples: make([]float64, run.MaxSamples+1)},
	}
	Fill(t, s, r)
	got, err := s.Run(ctx, "odd")
	if err != nil {
		t.Fatal(err)
	}
	a, _ := r.Encode()
	b, _ := got.Encode()
	if string(a) != string(b) {
		t.Error("the run is another one")
	}
	list, err := s.Heads(ctx, history.Filter{App: r.App, Branch: r.Branch, Version: r.Version, Commit: r.Commit})
	if err != nil || len(list) != 1 {
		t.Fatalf("%d heads, %v", len(list), err)
	}
	want := *r
	want.Metrics = nil
	if diff := cmp.Diff(want, list[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	points, err := s.Series(ctx, history.SeriesFilter{App: r.App, Key: r.Metrics[0].Key(), Unit: "u\x00"})
	if err != nil || len(points) != 1 || points[0].Points[0].Stats.Max != math.MaxFloat64 || points[0].RunLabels["k"] != "\x00\x01\x02" {
		t.Errorf("series %+v, %v", points, err)
	}
	bad := Sample("bad")
	bad.App, bad.Version = "not \xff\xfe text", "\xc3"
	for i, year := range []int{1, 1600, 2500, 9999} {
		far := Sample(fmt.Sprint("far", i))
		far.Timestamp = time.Date(year, 1, 2, 0, 0, 0, 0, time.UTC)
		Fill(t, s, far)
		if got, err := s.Run(ctx, far.ID); err != nil || !got.Timestamp.Equal(far.Timestamp) {
			t.Errorf("%v, %v", got.Timestamp, err)
		}
	}
	Fill(t, s, bad, bad)
	if ids := IDs(t, s, history.Filter{}); ids != "far3 far2 odd bad far1 far0" {
		t.Errorf("order: %s", ids)
	}
}

func heads(t *testing.T, s history.Store) {
	for i, edit := range []func(*run.Run){
		func(r *run.Run) { r.ID = "01AB" },
		func(r *run.Run) { r.ID = "01AC"; r.Branch = "fix"; r.Labels = map[string]string{"dataset": "1k"} },
		func(r *run.Run) { r.ID = "02X_"; r.Version = "2.0"; r.Commit = "def" },
		func(r *run.Run) { r.ID = "02XY"; r.App = "other" },
		func(r *run.Run) { r.ID = "old"; r.Timestamp = r.Timestamp.Add(-100 * time.Hour); r.Environment = nil },
	} {
		r := Sample("")
		r.Timestamp = r.Timestamp.Add(time.Duration(i) * time.Hour)
		edit(r)
		Fill(t, s, r)
	}
	at := Sample("").Timestamp
	for _, tt := range []struct {
		filter history.Filter
		want   string
	}{
		{history.Filter{}, "02XY 02X_ 01AC 01AB old"},
		{history.Filter{App: "app"}, "02X_ 01AC 01AB old"},
		{history.Filter{App: "app", Limit: 2}, "02X_ 01AC"},
		{history.Filter{Branch: "fix"}, "01AC"},
		{history.Filter{Version: "2.0"}, "02X_"},
		{history.Filter{IDPrefix: "01a"}, "01AC 01AB"},
		{history.Filter{IDPrefix: "02X_"}, "02X_"},
		{history.Filter{IDPrefix: "%"}, ""},
		{history.Filter{IDPrefix: "_"}, ""},
		{history.Filter{Commit: "abc"}, "02XY 01AC 01AB old"},
		{history.Filter{Commit: "ABC1"}, "02XY 01AC 01AB old"},
		{history.Filter{App: "nobody"}, ""},
		{history.Filter{App: "'; DROP TABLE runs; --"}, ""},
		{history.Filter{Since: at.Add(time.Hour)}, "02XY 02X_ 01AC"},
		{history.Filter{Since: at, Until: at.Add(2 * time.Hour)}, "01AC 01AB"},
		{history.Filter{App: "app", Before: &history.Position{Time: at.Add(time.Hour), ID: "01AC"}}, "01AB old"},
	} {
		if got := IDs(t, s, tt.filter); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.filter, got, tt.want)
		}
	}
	list, err := s.Heads(t.Context(), history.Filter{Branch: "fix"})
	if err != nil {
		t.Fatal(err)
	}
	want := Sample("01AC")
	want.Branch, want.Labels, want.Metrics = "fix", map[string]string{"dataset": "1k"}, nil
	want.Timestamp = want.Timestamp.Add(time.Hour)
	if diff := cmp.Diff(*want, list[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Pages, one after the other, are the whole list, also where runs are of one
// time.
func pages(t *testing.T, s history.Store) {
	var whole []string
	for i := range 25 {
		r := Sample(fmt.Sprintf("R%02d", i))
		r.Timestamp = r.Timestamp.Add(time.Duration(i/10) * time.Second)
		Fill(t, s, r)
		whole = append([]string{r.ID}, whole...)
	}
	var got []string
	var f history.Filter
	for f.Limit = 4; ; {
		page, err := s.Heads(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for i := range page {
			got = append(got, page[i].ID)
		}
		f.Before = history.PositionOf(&page[len(page)-1])
	}
	if diff := cmp.Diff(whole, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A run without a timestamp is dated by when it came, and stays as it was.
func untimed(t *testing.T, s history.Store) {
	r := Sample("A")
	r.Timestamp = time.Time{}
	Fill(t, s, r, r)
	list, err := s.Heads(t.Context(), history.Filter{})
	if err != nil || len(list) != 1 || time.Since(list[0].Timestamp).Abs() > time.Hour {
		t.Errorf("heads %+v, %v", list, err)
	}
	if got, err := s.Run(t.Context(), "A"); err != nil || !got.Timestamp.IsZero() {
		t.Errorf("run %v, %v", got.Timestamp, err)
	}
}

func baselines(t *testing.T, s history.Store) {
	ctx := t.Context()
	a, b := Sample("A"), Sample("B")
	b.Labels = map[string]string{"x": "1", "a": "2"}
	Fill(t, s, a, b)
	if _, err := s.Baseline(ctx, "app", nil); !errors.Is(err, history.ErrNotFound) {
		t.Errorf("before it was set: %v", err)
	}
	if err := s.SetBaseline(ctx, "nobody"); !errors.Is(err, history.ErrNotFound) {
		t.Errorf("of a run that is not there: %v", err)
	}
	for _, id := range []string{"A", "B", "A"} {
		if err := s.SetBaseline(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	if id, err := s.Baseline(ctx, "app", nil); id != "A" || err != nil {
		t.Errorf("without labels: %q, %v", id, err)
	}
	if id, err := s.Baseline(ctx, "app", map[string]string{"a": "2", "x": "1"}); id != "B" || err != nil {
		t.Errorf("with labels: %q, %v", id, err)
	}
	all, err := s.Baselines(ctx)
	if diff := cmp.Diff([]history.Baseline{{App: "app", Labels: b.Labels, Run: "B"}, {App: "app", Run: "A"}}, all); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if err := s.ClearBaseline(ctx, "app", nil); err != nil {
		t.Error(err)
	}
	if err := s.ClearBaseline(ctx, "app", nil); !errors.Is(err, history.ErrNotFound) {
		t.Errorf("cleared twice: %v", err)
	}
}

// The order in which runs were appended tells nothing.
func orderOfAppending(t *testing.T, fresh func(*testing.T) Place) {
	rng := rand.New(rand.NewPCG(1, 2))
	want := ""
	for i := range 5 {
		s := fresh(t)()
		runs := Several()
		rng.Shuffle(len(runs), func(a, b int) { runs[a], runs[b] = runs[b], runs[a] })
		Fill(t, s, runs...)
		list, err := s.Series(t.Context(), history.SeriesFilter{})
		if err != nil {
			t.Fatal(err)
		}
		got := Describe(list) + IDs(t, s, history.Filter{})
		if i == 0 {
			want = got
		}
		if got != want {
			t.Fatalf("appended in another order:\n%s\nwant\n%s", got, want)
		}
	}
}

// Openers that find nothing make one store together, and each sees what the
// others append.
func openersAtOnce(t *testing.T, open Place) {
	const n = 8
	stores := make([]history.Store, n)
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			stores[i] = open()
			if _, err := stores[i].Append(t.Context(), Sample(fmt.Sprint("R", i))); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	for _, s := range stores {
		if ids := IDs(t, s, history.Filter{}); ids != "R7 R6 R5 R4 R3 R2 R1 R0" {
			t.Error(ids)
		}
	}
}

// Of the same runs, written by several at once, each is added once.
func writersAtOnce(t *testing.T, open Place) {
	const writers, runs = 4, 30
	var added sync.Map
	var wait sync.WaitGroup
	for w := range writers {
		s := open()
		wait.Go(func() {
			rng := rand.New(rand.NewPCG(5, uint64(w)))
			for _, i := range rng.Perm(runs) {
				r := Sample(fmt.Sprintf("R%02d", i))
				r.Metrics[0].Name = fmt.Sprint("metric", i%7)
				r.Environment.Cores = i % 3
				isNew, err := s.Append(t.Context(), r)
				if err != nil {
					t.Error(err)
				}
				if _, twice := added.LoadOrStore(r.ID, true); isNew && twice {
					added.Store("twice", r.ID)
				} else if !isNew {
					continue
				}
			}
		})
	}
	wait.Wait()
	s := open()
	if list, err := s.Heads(t.Context(), history.Filter{}); err != nil || len(list) != runs {
		t.Errorf("%d runs, %v", len(list), err)
	}
	metrics, err := s.Metrics(t.Context(), "app")
	series, err2 := s.Series(t.Context(), history.SeriesFilter{App: "app"})
	n := 0
	for i := range series {
		n += len(series[i].Points)
	}
	if err = errors.Join(err, err2); err != nil || len(metrics) != 7 || n != runs {
		t.Errorf("%d points of %d metrics, %v", n, len(metrics), err)
	}
}
