package historic

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/alert"
	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/memory"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// alertsOf asks without a limit of time.
func alertsOf(t *testing.T, s *Source, q dashboard.AlertQuery) *dashboard.Alerts {
	t.Helper()
	if _, err := s.Apps(t.Context()); err != nil { // looks at the store, as every page does
		t.Fatal(err)
	}
	q.App = "app"
	a, err := s.Alerts(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func line(a *alert.Alert) string {
	return fmt.Sprintf("%s %s %s %s", a.State, a.Finding.Key(), a.Finding.Run, a.Environment[:11])
}

func lines(list []alert.Alert) []string {
	var out []string
	for i := range list {
		out = append(out, line(&list[i]))
	}
	slices.Sort(out)
	return out
}

// What changes between runs of two environments and two sets of labels is found
// in each, on the branch that work is merged into, and nowhere else.
func TestAlerts(t *testing.T) {
	t.Parallel()
	runs := some(240)
	runs[207].Dirty = true
	s := over(file(t, runs...), judge.Policy{})
	a := alertsOf(t, s, dashboard.AlertQuery{})
	var want []string
	for _, name := range []string{"filter{rows=10}", "startup", "work"} {
		want = append(want, "open "+name+" R0121 linux-amd64", "open "+name+" R0122 linux-arm64", "open "+name+" R0124 linux-amd64")
	}
	if diff := cmp.Diff(want, lines(a.List)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if a.Branch != "main" || a.Newest == nil || a.Newest.ID != "R0239" || len(a.Left) != 1 || !strings.Contains(a.Left[0], "1 run of changes") || a.Behind {
		t.Errorf("branch %s, newest %+v, left %q", a.Branch, a.Newest, a.Left)
	}
	if b := alertsOf(t, s, dashboard.AlertQuery{Branch: "fix"}); b.Branch != "fix" || len(b.List) != 3 || b.List[0].Bad.Branch != "fix" {
		t.Errorf("another branch: %v", lines(b.List))
	}
	relaxed := over(file(t, runs...), judge.Policy{AnyEnvironment: []string{"os", "arch", "cpu", "cores", "memory"}, Thresholds: []judge.Threshold{{Metric: "work", Ignore: new(true)}}})
	if b := alertsOf(t, relaxed, dashboard.AlertQuery{}); slices.ContainsFunc(b.List, func(a alert.Alert) bool { return a.Finding.Name == "work" || a.Finding.Run == "R0122" }) {
		t.Errorf("with a relaxed policy: %v", lines(b.List))
	}
	if b, err := over(file(t), judge.Policy{}).Alerts(t.Context(), dashboard.AlertQuery{App: "app"}); err != nil || len(b.List) != 0 || b.Newest != nil {
		t.Errorf("nothing measured: %+v, %v", b, err)
	}
}

// Worked out bit by bit as runs come in, it is the same as all at once.
func TestAlertsFollowTheStore(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(8, 8))
	level := map[string]float64{"startup": 1, "work": 1}
	store := file(t)
	policy := judge.Policy{Baseline: "branch:main"}
	s := over(store, policy)
	asked := 0
	for i := range 265 {
		if rng.IntN(30) == 0 {
			level[[]string{"startup", "work"}[rng.IntN(2)]] = 1 + 0.5*rng.Float64()
		}
		r := &run.Run{ID: fmt.Sprintf("R%04d", i), App: "app", Version: fmt.Sprint("1.", i), Branch: "main", Timestamp: start.Add(time.Duration(i) * time.Hour), Environment: here}
		if rng.IntN(4) == 0 {
			r.Environment = there
		}
		for _, name := range []string{"startup", "work"} {
			m := run.Metric{Name: name, Unit: "s"}
			for range 8 {
				m.Samples = append(m.Samples, level[name]*(1+0.01*rng.NormFloat64()))
			}
			r.Metrics = append(r.Metrics, m)
		}
		if _, err := store.Append(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if i%20 != 0 && i < 261 {
			continue
		}
		a := alertsOf(t, s, dashboard.AlertQuery{})
		if i%60 == 0 || i > 262 {
			asked++
			if diff := cmp.Diff(alertsOf(t, over(store, policy), dashboard.AlertQuery{}), a); diff != "" {
				t.Fatalf("after %d runs (-at once +bit by bit):\n%s", i+1, diff)
			}
		}
	}
	if a := alertsOf(t, s, dashboard.AlertQuery{}); asked < 6 || len(a.List) < 4 {
		t.Errorf("only %d alerts, asked %d times", len(a.List), asked)
	}
	// A run that came late is among the others.
	late := &run.Run{ID: "R0100a", App: "app", Branch: "main", Timestamp: start.Add(100*time.Hour + time.Minute), Environment: here,
		Metrics: []run.Metric{{Name: "startup", Unit: "s", Samples: []float64{3, 3, 3, 3, 3, 3}}}}
	if _, err := store.Append(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(alertsOf(t, over(store, policy), dashboard.AlertQuery{}), alertsOf(t, s, dashboard.AlertQuery{})); diff != "" {
		t.Errorf("a late run (-at once +bit by bit):\n%s", diff)
	}
}

// What people did is seen at once, and belongs to the branch of its run.
func TestAlertsAreActedOn(t *testing.T) {
	t.Parallel()
	store, err := memory.New(some(240)...)
	if err != nil {
		t.Fatal(err)
	}
	s := over(store, judge.Policy{})
	a := alertsOf(t, s, dashboard.AlertQuery{}).List[0]
	act := history.Act{Kind: history.Acknowledged, Author: "somebody", Reason: "a reason that holds"}
	if _, err := alert.Do(t.Context(), store, &a, act); err != nil {
		t.Fatal(err)
	}
	of := func(branch string) (acknowledged int) {
		for _, b := range alertsOf(t, s, dashboard.AlertQuery{Branch: branch}).List {
			if b.State == history.StateAcknowledged {
				acknowledged++
				if b.ID != a.ID {
					t.Errorf("another one: %s", line(&b))
				}
			}
		}
		return acknowledged
	}
	if of("") != 1 || of("fix") != 0 {
		t.Errorf("acknowledged on main: %d, on another branch: %d", of(""), of("fix"))
	}
	// Whoever did not see that is told.
	_, err = alert.Do(t.Context(), store, &a, act)
	var stale *history.StaleError
	if !asStale(err, &stale) || stale.Newest.Author != "somebody" {
		t.Errorf("acted on what was seen before: %v", err)
	}
}

func asStale(err error, stale **history.StaleError) bool {
	e, ok := err.(*history.StaleError)
	*stale = e
	return ok
}

// slow is a store that gives no series until it is let.
type slow struct {
	history.Reader
	let chan struct{}
}

func (s *slow) Series(ctx context.Context, f history.SeriesFilter) ([]history.Series, error) {
	select {
	case <-s.let:
		return s.Reader.Series(ctx, f)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Whoever has no patience gets what there is; the work goes on.
func TestAlertsWithoutPatience(t *testing.T) {
	t.Parallel()
	store := &slow{Reader: file(t, some(240)...), let: make(chan struct{})}
	s := over(store, judge.Policy{})
	if a := alertsOf(t, s, dashboard.AlertQuery{Patience: 1}); !a.Behind || a.Newest != nil || len(a.List) > 0 {
		t.Errorf("%+v", a)
	}
	close(store.let)
	for !t.Failed() {
		if a := alertsOf(t, s, dashboard.AlertQuery{Patience: time.Millisecond}); !a.Behind {
			if len(a.List) != 9 {
				t.Errorf("%v", lines(a.List))
			}
			break
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	// Closing does not wait for what is never let.
	stuck := over(&slow{Reader: file(t, some(20)...), let: make(chan struct{})}, judge.Policy{})
	if a := alertsOf(t, stuck, dashboard.AlertQuery{Patience: 1}); !a.Behind {
		t.Errorf("%+v", a)
	}
	stuck.Close()
}
