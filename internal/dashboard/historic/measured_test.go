package historic

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/changepoint"
	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/storetest"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// countingPoints is a store that counts the points it was asked for.
type countingPoints struct {
	history.Reader
	points int
}

func (c *countingPoints) Series(ctx context.Context, f history.SeriesFilter) ([]history.Series, error) {
	list, err := c.Reader.Series(ctx, f)
	for i := range list {
		c.points += len(list[i].Points)
	}
	return list, err
}

// Revision keeps what the store itself can tell.
func (c *countingPoints) Revision(ctx context.Context) (string, error) {
	return c.Reader.(history.Revised).Revision(ctx)
}

// Whatever comes, goes, and is recorded anew: what is remembered of runs is what
// the store says of them, and verdicts and trends are those of a source that
// remembers nothing, and so are alerts.
func TestMeasuredIsAsStored(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	rng := rand.New(rand.NewPCG(21, 1))
	runs := some(90)
	store := file(t, runs[:30]...)
	p := judge.Policy{Baseline: "branch:main"}
	s := over(store, p)
	there := slices.Clone(runs[:30])
	next := 30
	for range 60 {
		switch rng.IntN(4) {
		case 0: // one that is older than others that are there
			if next+2 < len(runs) {
				at := next + 1 + rng.IntN(2)
				runs[next], runs[at] = runs[at], runs[next]
			}
			fallthrough
		case 1:
			if next < len(runs) {
				if _, err := store.Append(ctx, runs[next]); err != nil {
					t.Fatal(err)
				}
				there = append(there, runs[next])
				next++
			}
		case 2: // the same run, with other values and of another version
			i := rng.IntN(len(there))
			r := *there[i]
			r.Version += "x"
			r.Metrics = slices.Clone(r.Metrics[:1+rng.IntN(len(r.Metrics))])
			r.Metrics[0] = run.Metric{Name: r.Metrics[0].Name, Unit: "s", Samples: []float64{rng.Float64(), rng.Float64()}}
			if _, err := store.Delete(ctx, r.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := store.Append(ctx, &r); err != nil {
				t.Fatal(err)
			}
			there[i] = &r
		case 3:
			i := rng.IntN(len(there))
			if _, err := store.Delete(ctx, there[i].ID); err != nil {
				t.Fatal(err)
			}
			there = slices.Delete(there, i, i+1)
		}
		if _, err := s.Apps(ctx); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			f := history.SeriesFilter{App: []string{"app", "app", "other"}[rng.IntN(3)]}
			x, err := s.current(ctx, f.App)
			if err != nil {
				t.Fatal(err)
			}
			for range 1 + rng.IntN(25) {
				f.Runs = append(f.Runs, there[rng.IntN(len(there))].ID)
			}
			want, err := store.Series(ctx, f)
			if err != nil {
				t.Fatal(err)
			}
			got, err := (&past{Source: s, index: x}).Series(ctx, f)
			if diff := cmp.Diff(want, got, storetest.Same); err != nil || len(want)+len(got) > 0 && diff != "" {
				t.Fatalf("series %+v: %v\n%s", f, err, diff)
			}
		}
		id := there[rng.IntN(len(there))].ID
		bare := over(store, p)
		same(t, id, s, bare)
	}
}

// same compares what two sources say of a run.
func same(t *testing.T, id string, a, b *Source) {
	t.Helper()
	ask := func(s *Source) (answers []any) {
		v, err := s.Verdict(t.Context(), id, "")
		answers = append(answers, v, fmt.Sprint(err))
		trends, err := s.Trends(t.Context(), id, 12)
		answers = append(answers, trends, fmt.Sprint(err))
		alerts, err := s.Alerts(t.Context(), dashboard.AlertQuery{App: "app"})
		return append(answers, alerts, fmt.Sprint(err))
	}
	if diff := cmp.Diff(ask(b), ask(a), storetest.Same); diff != "" {
		t.Fatalf("run %s:\n%s", id, diff)
	}
}

// After a run was added, that run is read and nothing else.
func TestOnlyNewRunsAreRead(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	var runs []*run.Run
	for i := range 60 {
		r := sized(i, 5)
		runs = append(runs, &r)
	}
	store := file(t, runs[:50]...)
	counted := &countingPoints{Reader: store}
	s := over(counted, judge.Policy{Baseline: "branch:main"})
	s.Config.Now = func() time.Time { return start.Add(1000 * time.Hour) }
	for i := 50; i < 60; i++ {
		if _, err := store.Append(ctx, runs[i]); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Apps(ctx); err != nil {
			t.Fatal(err)
		}
		counted.points = 0
		if _, err := s.Verdict(ctx, runs[i].ID, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Trends(ctx, runs[i].ID, 24); err != nil {
			t.Fatal(err)
		}
		if want := 5; i > 50 && counted.points != want {
			t.Errorf("run %d: %d points were read, want the %d of the run", i, counted.points, want)
		}
	}
}

// What a memory finds is what changepoint.Find does, with errors that are not
// remembered, however many ask.
func TestFindIsChangepointFind(t *testing.T) {
	t.Parallel()
	s := over(nil, judge.Policy{})
	rng := rand.New(rand.NewPCG(22, 1))
	var wg sync.WaitGroup
	for range 40 {
		values := make([]float64, rng.IntN(120))
		for i := range values {
			values[i] = 1 + 0.02*rng.NormFloat64()
			if i > len(values)/2 {
				values[i] *= 1.2
			}
		}
		if len(values) > 9 && rng.IntN(5) == 0 {
			values[7] = math.NaN()
		}
		for _, o := range []changepoint.Options{{}, {Tick: 0.01}, {MinEffect: 0.3}, {Confidence: 0.5}} {
			want, broken := changepoint.Find(values, o)
			for range 3 {
				wg.Go(func() {
					if got, err := s.search(values, o); !slices.Equal(got, want) || fmt.Sprint(err) != fmt.Sprint(broken) {
						t.Errorf("%v %+v: %v, %v; want %v, %v", values, o, got, err, want, broken)
					}
				})
			}
		}
	}
	wg.Wait()
}

// In a history that is no longer than the judge looks back, a run costs one
// search a metric: what it is compared with was searched when the run before it
// was judged.
func TestOneSearchForEachMetric(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store := file(t)
	s := over(store, judge.Policy{Baseline: "branch:main"})
	searches := func() int {
		s.desk.points.mu.Lock()
		defer s.desk.points.mu.Unlock()
		return len(s.desk.points.entries)
	}
	before := 0
	for i := range 30 {
		r := sized(i, 7)
		if _, err := store.Append(ctx, &r); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Apps(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Verdict(ctx, r.ID, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Alerts(ctx, dashboard.AlertQuery{App: "app"}); err != nil {
			t.Fatal(err)
		}
		if now := searches(); i > 15 && now-before != 7 {
			t.Errorf("run %d took %d searches, want one for each of 7 metrics", i, now-before)
		} else {
			before = now
		}
	}
}
