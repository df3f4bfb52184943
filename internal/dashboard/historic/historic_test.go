package historic

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/baseline"
	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/memory"
	"github.com/pacer-perf/pacer/internal/history/sqlite"
	"github.com/pacer-perf/pacer/internal/history/storetest"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

var start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

var (
	here  = &run.Environment{OS: "linux", Arch: "amd64", CPU: "AMD EPYC", Cores: 8, Memory: 32 << 30}
	there = &run.Environment{OS: "linux", Arch: "arm64", CPU: "Neoverse", Cores: 4, Memory: 16 << 30}
)

// some makes up n runs of an app, some on another branch, elsewhere, with other
// labels, or of another app; a step lies in the middle.
func some(n int) []*run.Run {
	rng := rand.New(rand.NewPCG(4, 4))
	var list []*run.Run
	for i := range n {
		r := &run.Run{ID: fmt.Sprintf("R%04d", i), App: "app", Version: fmt.Sprint("1.", i/2), Commit: fmt.Sprintf("%040x", i/2+0xabc000), Branch: "main",
			Timestamp: start.Add(time.Duration(i) * time.Hour), Environment: here}
		level := 1.0
		if i >= n/2 {
			level = 1.4
		}
		switch i % 9 {
		case 3:
			r.Branch = "fix"
		case 5:
			r.Environment, level = there, level*2
		case 7:
			r.Labels = map[string]string{"dataset": "1k"}
		case 8:
			r.App = "other"
		}
		for _, name := range []string{"startup", "work"} {
			m := run.Metric{Name: name, Unit: "s"}
			for range 12 {
				m.Samples = append(m.Samples, level*(1+0.01*rng.NormFloat64()))
			}
			r.Metrics = append(r.Metrics, m)
		}
		r.Metrics = append(r.Metrics, run.Metric{Name: "filter", Unit: "s", Labels: map[string]string{"rows": "10"}, Samples: []float64{level}})
		list = append(list, r)
	}
	return list
}

// file is a store in a file with runs in it.
func file(t testing.TB, runs ...*run.Run) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for _, r := range runs {
		if _, err := s.Append(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// over is a source over a store that stays open.
func over(store history.Reader, p judge.Policy) *Source {
	return New(Config{
		Open:   func(context.Context) (history.Reader, error) { return store, nil },
		Policy: func(string) (judge.Policy, error) { return p, nil },
		Now:    func() time.Time { return start.Add(1000 * time.Hour) },
	})
}

// What it answers out of memory is what the store answers.
func TestPastAnswersAsStore(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	runs := some(60)
	store := file(t, runs...)
	s := over(store, judge.Policy{})
	x, err := s.current(ctx, "app")
	if err != nil {
		t.Fatal(err)
	}
	p := &past{Source: s, index: x}
	rng := rand.New(rand.NewPCG(5, 5))
	pick := func(words ...string) string { return words[rng.IntN(len(words))] }
	for range 80 {
		f := history.Filter{App: pick("app", "app", "other"), Branch: pick("", "", "main"), Version: pick("", "", "1.4"), IDPrefix: pick("", "", "r000"), Commit: pick("", "", runs[9].Commit[:38]), Limit: rng.IntN(3) * 4}
		if rng.IntN(2) == 0 {
			f.Since, f.Until = start.Add(5*time.Hour), start.Add(40*time.Hour)
			f.Before = history.PositionOf(runs[rng.IntN(len(runs))])
		}
		want, err := store.Heads(ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		if f.App == "other" {
			want = nil // it is the past of one app
		}
		got, err := p.Heads(ctx, f)
		if err != nil || len(want)+len(got) > 0 && !cmp.Equal(want, got) {
			t.Fatalf("heads %+v: %v\n%s", f, err, cmp.Diff(want, got))
		}
		g := history.SeriesFilter{App: "app"}
		for range 1 + rng.IntN(20) {
			g.Runs = append(g.Runs, runs[rng.IntN(len(runs))].ID)
		}
		g.Key = pick("", "", "startup")
		list, err := store.Series(ctx, g)
		if err != nil {
			t.Fatal(err)
		}
		same, err := p.Series(ctx, g)
		if diff := cmp.Diff(list, same, storetest.Same); err != nil || len(list)+len(same) > 0 && diff != "" {
			t.Fatalf("series %+v: %v\n%s", g, err, diff)
		}
	}
}

// A page says what pacer check says.
func TestVerdictIsThatOfTheCommandLine(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	runs := some(60)
	store := file(t, runs...)
	p := judge.Policy{Baseline: "branch:main", Budgets: []judge.Budget{{Metric: "startup", Limits: map[judge.Tier]judge.Quantity{judge.Target: {Value: 1.2, Unit: "s"}}}}}
	s := over(store, p)
	for _, i := range []int{0, 10, 31, 40, 57} {
		for _, word := range []string{"", "previous", "branch:fix", "1.2"} {
			current := *runs[i]
			q := baseline.Question{Current: &current, App: current.App}
			rule := word
			if word == "" {
				rule = p.Baseline
			}
			b, err := baseline.Choose(ctx, store, q, rule)
			if errors.Is(err, history.ErrNotFound) {
				continue // told differently on a page
			}
			if err != nil {
				t.Fatal(err)
			}
			h, err := baseline.History(ctx, store, q, rule)
			if err != nil {
				t.Fatal(err)
			}
			want, err := judge.Judge(judge.Case{Current: &current, Baseline: b, History: h, Policy: p, Now: s.Now()})
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Verdict(ctx, current.ID, word)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&want, got, storetest.Same); diff != "" {
				t.Errorf("run %s against %q:\n%s", current.ID, word, diff)
			}
		}
	}
	if _, err := s.Verdict(ctx, "nobody", ""); !errors.Is(err, history.ErrNotFound) {
		t.Errorf("a run that is not there: %v", err)
	}
	if _, err := s.Verdict(ctx, runs[9].ID, "9.9"); !errors.Is(err, history.ErrNotFound) {
		t.Errorf("a baseline that is not there: %v", err)
	}
	// On a page one may look forward, and at one run twice.
	if v, err := s.Verdict(ctx, runs[9].ID, runs[9].ID); err != nil || len(v.Baseline.Runs) != 1 || v.Baseline.Runs[0].ID != runs[9].ID {
		t.Errorf("a run against itself: %v", err)
	}
	if v, err := s.Verdict(ctx, runs[0].ID, "1.20"); err != nil || len(v.Baseline.Runs) != 1 {
		t.Errorf("a later baseline: %v", err)
	}
}

func TestFollowsTheStore(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	runs := some(20)
	store := file(t, runs[:10]...)
	s := over(store, judge.Policy{})
	newest := func() string {
		t.Helper()
		if _, err := s.Apps(ctx); err != nil { // as each page begins
			t.Fatal(err)
		}
		list, err := s.Runs(ctx, dashboard.Filter{App: "app", Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		return list.Heads[0].ID
	}
	if got := newest(); got != "R0009" {
		t.Errorf("the newest is %s", got)
	}
	before, err := s.Verdict(ctx, "R0009", "")
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := s.Verdict(ctx, "R0009", ""); again != before {
		t.Error("a verdict is worked out twice")
	}
	if _, err := store.Append(ctx, runs[10]); err != nil {
		t.Fatal(err)
	}
	if got := newest(); got != "R0010" {
		t.Errorf("the newest is %s after another run was kept", got)
	}
	if err := store.SetBaseline(ctx, "R0001"); err != nil {
		t.Fatal(err)
	}
	newest()
	after, err := s.Verdict(ctx, "R0009", "")
	if err != nil || len(after.Baseline.Runs) != 1 || after.Baseline.Runs[0].ID != "R0001" {
		t.Errorf("the baseline that was set does not count: %v, %+v", err, after.Baseline)
	}
}

// A store that does not exist yet, that fails for a while, whose file is
// replaced.
func TestComesAndGoes(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	first, err := memory.New(some(5)...)
	if err != nil {
		t.Fatal(err)
	}
	second, err := memory.New(some(9)...)
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("file is not a database")
	var store history.Reader
	var failure error
	moved := false
	clock := start
	s := New(Config{
		Open:  func(context.Context) (history.Reader, error) { moved = false; return store, failure },
		Moved: func() bool { return moved },
		Now:   func() time.Time { return clock },
	})
	apps := func() int {
		t.Helper()
		list, err := s.Apps(ctx)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, a := range list {
			n += a.Runs
		}
		return n
	}
	if n := apps(); n != 0 {
		t.Errorf("%d runs without a store", n)
	}
	store = first
	if n := apps(); n != 5 {
		t.Errorf("%d runs when the store is there", n)
	}
	clock = clock.Add(time.Minute)
	moved, failure = true, broken
	if n := apps(); n != 5 {
		t.Errorf("%d runs while the store fails", n)
	}
	if since, err := s.Lag(); !errors.Is(err, broken) || !since.Equal(start) {
		t.Errorf("lag since %v: %v", since, err)
	}
	store, failure = second, nil
	if n := apps(); n != 9 {
		t.Errorf("%d runs in the store's new file", n)
	}
	if _, err := s.Lag(); err != nil {
		t.Error(err)
	}
	dead := New(Config{Open: func(context.Context) (history.Reader, error) { return nil, broken }})
	if _, err := dead.Apps(ctx); !errors.Is(err, broken) {
		t.Errorf("a store that never opened: %v", err)
	}
}

func TestSeries(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	runs := some(90)
	s := over(file(t, runs...), judge.Policy{})
	ask := func(q dashboard.SeriesQuery) *dashboard.Series {
		t.Helper()
		if q.App == "" {
			q.App, q.Environment = "app", environmentOf(runs[0]).key
		}
		if q.Key == "" {
			q.Key = "startup"
		}
		out, err := s.Series(ctx, q)
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		return out
	}
	all := ask(dashboard.SeriesQuery{})
	if len(all.Points) != 60 || all.Total != 60 || len(all.Left) != 1 || all.Statistic != "median" || all.Better != run.Lower {
		t.Errorf("%d points of %d, left %v, %s", len(all.Points), all.Total, all.Left, all.Statistic)
	}
	if len(all.Changes) != 1 {
		t.Fatalf("changes %+v", all.Changes)
	}
	c := all.Changes[0]
	if at := all.Points[c.Index].Run.ID; at < "R0043" || at > "R0047" || math.Abs(c.After/c.Before-1.4) > 0.02 {
		t.Errorf("it moved at %s from %v to %v", at, c.Before, c.After)
	}
	for i, p := range all.Points {
		if p.Apart != (p.Run.Branch == "fix") {
			t.Errorf("point %d of branch %s: apart %v", i, p.Run.Branch, p.Apart)
		}
		if !(p.Low < p.Value && p.Value < p.High) || p.Count != 12 {
			t.Errorf("point %d: %v in %v to %v of %d", i, p.Value, p.Low, p.High, p.Count)
		}
	}
	if newest, err := s.Series(ctx, dashboard.SeriesQuery{App: "app", Key: "startup"}); err != nil || len(newest.Points) != 10 {
		t.Errorf("the newest run has labels that 10 runs have: %v", err)
	}
	last := ask(dashboard.SeriesQuery{Last: 10})
	if len(last.Points) != 10 || last.Total != 60 || last.Points[9].Run.ID != all.Points[59].Run.ID {
		t.Errorf("the last 10: %d of %d", len(last.Points), last.Total)
	}
	some := ask(dashboard.SeriesQuery{From: all.Points[20].Run.ID, To: all.Points[29].Run.ID})
	if len(some.Points) != 10 || some.Points[0].Run.ID != all.Points[20].Run.ID {
		t.Errorf("a part: %d points", len(some.Points))
	}
	fix := ask(dashboard.SeriesQuery{Branch: "fix", Statistic: "mean"})
	if len(fix.Points) != 10 || fix.Statistic != "mean" || fix.Points[0].Apart {
		t.Errorf("a branch: %d points, %s", len(fix.Points), fix.Statistic)
	}
	if p95 := ask(dashboard.SeriesQuery{Statistic: "p95"}); !math.IsNaN(p95.Points[0].Low) || p95.Points[0].Value <= all.Points[0].Value {
		t.Errorf("p95: %+v", p95.Points[0])
	}
	apps, err := s.Apps(ctx)
	if err != nil {
		t.Fatal(err)
	}
	envs := 0
	for _, e := range apps[0].Environments {
		one := ask(dashboard.SeriesQuery{App: apps[0].Name, Environment: e.Key})
		envs += len(one.Points)
	}
	if len(apps) != 2 || envs != apps[0].Runs {
		t.Errorf("environments of %d apps have %d points of %d", len(apps), envs, apps[0].Runs)
	}
	if _, err := s.Series(ctx, dashboard.SeriesQuery{App: "app", Key: "nobody"}); !errors.Is(err, history.ErrNotFound) {
		t.Errorf("a metric that is not there: %v", err)
	}
	if one := ask(dashboard.SeriesQuery{Key: "filter{rows=10}"}); one.Points[0].Count != 1 || !math.IsNaN(one.Points[0].Low) {
		t.Errorf("single values have an interval: %+v", one.Points[0])
	}
}

func TestTrends(t *testing.T) {
	t.Parallel()
	runs := some(90)
	s := over(file(t, runs...), judge.Policy{})
	list, err := s.Trends(t.Context(), "R0085", 24)
	if err != nil {
		t.Fatal(err)
	}
	for _, tr := range list {
		if len(tr.Values) != 24 {
			t.Errorf("%s: %d values", tr.Key, len(tr.Values))
		}
	}
	own, err := runs[85].Metrics[0].Statistic("median")
	if len(list) != 3 || err != nil || list[1].Key != "startup" || list[1].Values[23] != own {
		t.Errorf("%d trends; %v does not end with %v", len(list), list[1], own)
	}
}

func TestRunsFilter(t *testing.T) {
	t.Parallel()
	s := over(file(t, some(90)...), judge.Policy{})
	for _, tt := range []struct {
		f           dashboard.Filter
		total, here int
	}{
		{dashboard.Filter{App: "other"}, 10, 10},
		{dashboard.Filter{App: "nobody"}, 0, 0},
		{dashboard.Filter{App: "app"}, 80, 80},
		{dashboard.Filter{App: "app", Skip: 75, Limit: 50}, 80, 5},
		{dashboard.Filter{App: "app", Branch: "fix", Limit: 3}, 10, 3},
		{dashboard.Filter{App: "app", Text: "ABC02"}, 23, 23}, // of commits, in either case
		{dashboard.Filter{App: "other", Text: "r0017"}, 1, 1},
	} {
		got, err := s.Runs(t.Context(), tt.f)
		if err != nil || got.Total != tt.total || len(got.Heads) != tt.here {
			t.Errorf("%+v: %v, %d of %d, want %d of %d", tt.f, err, len(got.Heads), got.Total, tt.here, tt.total)
		}
	}
}

// A waiver that ends changes the verdict, though no run does.
func TestWaiverEnds(t *testing.T) {
	t.Parallel()
	clock := start.Add(1000 * time.Hour)
	p := judge.Policy{Baseline: "previous", Waivers: []judge.Waiver{{Metric: "*", Reason: "meant to be", Until: clock.Add(time.Hour)}}}
	store := file(t, some(60)...)
	s := New(Config{
		Open:   func(context.Context) (history.Reader, error) { return store, nil },
		Policy: func(string) (judge.Policy, error) { return p, nil },
		Now:    func() time.Time { return clock },
	})
	verdict := func() judge.Word {
		t.Helper()
		v, err := s.Verdict(t.Context(), "R0030", "")
		if err != nil {
			t.Fatal(err)
		}
		return v.Verdict
	}
	if got := verdict(); got == judge.Fail {
		t.Errorf("with the waiver: %s", got)
	}
	clock = clock.Add(2 * time.Hour)
	if got := verdict(); got != judge.Fail {
		t.Errorf("without it: %s", got)
	}
}

func TestEnvironmentKeys(t *testing.T) {
	t.Parallel()
	a := environmentOf(&run.Run{Environment: here})
	near := *here
	near.Memory, near.Go = here.Memory-100<<20, "go1.30"
	b := environmentOf(&run.Run{Environment: &near})
	c := environmentOf(&run.Run{Environment: here, Labels: map[string]string{"dataset": "1 k"}})
	d := environmentOf(&run.Run{})
	if a != b || a.key == c.key || a.key == d.key {
		t.Errorf("%v %v %v %v", a, b, c, d)
	}
	if !strings.HasPrefix(c.key, "linux-amd64-8-cores-dataset-1-k-") || c.name != "linux/amd64, AMD EPYC, 8 cores, dataset=1 k" || d.name != "environment not known" {
		t.Errorf("%v %v", c, d)
	}
}

// The interval around a run's median covers the true one as often as it says,
// and not by being so wide that it says nothing.
func TestIntervals(t *testing.T) {
	t.Parallel()
	for name, draw := range map[string]func(*rand.Rand) float64{
		"normal":      func(rng *rand.Rand) float64 { return 1 + 0.05*rng.NormFloat64() },
		"lognormal":   func(rng *rand.Rand) float64 { return math.Exp(0.4 * rng.NormFloat64()) },
		"exponential": func(rng *rand.Rand) float64 { return rng.ExpFloat64() / math.Ln2 },
		"long tail":   func(rng *rand.Rand) float64 { return math.Exp(1.9 * rng.NormFloat64()) },
		"spikes": func(rng *rand.Rand) float64 {
			if rng.IntN(20) == 0 {
				return 5 + rng.ExpFloat64()
			}
			return 1 + 0.05*rng.NormFloat64() - 0.003
		},
	} {
		for _, n := range []int{8, 40, 400} {
			rng := rand.New(rand.NewPCG(6, uint64(n)))
			covered, width := 0, 0.0
			const trials = 1000
			for range trials {
				m := run.Metric{Unit: "s"}
				for range n {
					m.Samples = append(m.Samples, draw(rng))
				}
				s := m.Stats()
				low, high := intervalOf("median", s.P50, &s) // of a true median of 1
				if low <= 1 && 1 <= high {
					covered++
				}
				width += (high - low) / trials
			}
			part := 100 * float64(covered) / trials
			t.Logf("%s, %d values: %.1f %% hold the median, %.3f wide", name, n, part, width)
			if part < 88 || n > 8 && part < 92 || width > 50/math.Sqrt(float64(n)) {
				t.Errorf("%s, %d values: %.1f %% of intervals hold the median, %.3f wide on average", name, n, part, width)
			}
		}
	}
}

func TestMemo(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	m := newMemo[int](10)
	made := 0
	get := func(key string, weight int) {
		t.Helper()
		if v, err := m.get(ctx, key, func() (int, int, error) { made++; return len(key), weight, nil }); v != len(key) || err != nil {
			t.Fatalf("%s: %d, %v", key, v, err)
		}
	}
	get("a", 4)
	get("b", 4)
	get("a", 4)
	get("c", 4) // b goes, which was used longest ago
	get("a", 4)
	if made != 3 {
		t.Errorf("made %d times, want 3", made)
	}
	if get("b", 4); made != 4 {
		t.Error("what is beyond the room is remembered")
	}
	if get("huge", 100); len(m.entries) != 1 {
		t.Errorf("%d entries beside one that takes all room", len(m.entries))
	}
	broken := errors.New("broken")
	if _, err := m.get(ctx, "e", func() (int, int, error) { return 0, 0, broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
	get("e", 1) // an error is not remembered
	func() {
		defer func() { recover() }()
		m.get(ctx, "p", func() (int, int, error) { panic("no") })
	}()
	get("p", 1) // nor does a panic keep the next one waiting
}

// However many ask, it is made once; who gives up does not wait.
func TestMemoAtOnce(t *testing.T) {
	t.Parallel()
	m := newMemo[int](10)
	var made atomic.Int32
	begun, go_ := make(chan struct{}), make(chan struct{})
	results := make(chan int)
	ask := func() {
		v, _ := m.get(t.Context(), "k", func() (int, int, error) {
			made.Add(1)
			close(begun)
			<-go_
			return 7, 1, nil
		})
		results <- v
	}
	go ask()
	<-begun
	for range 8 {
		go ask()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.get(ctx, "k", func() (int, int, error) { return 0, 0, nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up got %v", err)
	}
	close(go_)
	for range 9 {
		if v := <-results; v != 7 {
			t.Errorf("got %d", v)
		}
	}
	if made.Load() != 1 {
		t.Errorf("made %d times", made.Load())
	}
}

// A policy that is another app's says nothing of this one, on no page.
func TestPolicyOfAnotherApp(t *testing.T) {
	t.Parallel()
	p := judge.Policy{App: "app", File: "pacer.yaml", Baseline: "previous", AnyEnvironment: []string{"cpu"}, Budgets: []judge.Budget{{Metric: "startup"}}, Waivers: []judge.Waiver{{Metric: "*"}}}
	s := over(nil, p)
	if own, err := s.Policy(t.Context(), "app"); err != nil || len(own.Budgets) != 1 || own.File != "pacer.yaml" {
		t.Errorf("its own app is held to %+v, %v", own, err)
	}
	other, err := s.Policy(t.Context(), "other")
	if err != nil || len(other.Budgets)+len(other.Waivers) > 0 || other.File != "" {
		t.Errorf("another app is held to %+v, %v", other, err)
	}
	if other.Baseline != "previous" || len(other.AnyEnvironment) != 1 {
		t.Errorf("another app is compared by %+v", other)
	}
}
