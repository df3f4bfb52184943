package dashboard

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/explain"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// clock is what every test page is made at.
var clock = time.Date(2026, 11, 23, 7, 17, 0, 0, time.UTC)

// fake is a Source of a few runs and a verdict written by hand: what pages look
// like does not depend on how the judge judges.
type fake struct {
	heads    []run.Run // newest first
	verdict  judge.Verdict
	series   map[string]*Series
	policy   judge.Policy
	runs     map[string]*run.Run
	err      error // of everything
	lag      error
	trendErr error
}

func (f *fake) Apps(context.Context) ([]App, error) {
	if f.err != nil || len(f.heads) == 0 {
		return nil, f.err
	}
	a := App{Name: f.heads[0].App, Runs: len(f.heads), Newest: f.heads[0].Timestamp}
	for i := range f.heads {
		h := &f.heads[i]
		name := EnvironmentName(h.Environment, h.Labels)
		if !slices.ContainsFunc(a.Environments, func(e Environment) bool { return e.Name == name }) {
			a.Environments = append(a.Environments, Environment{Key: fmt.Sprint("env", len(a.Environments)), Name: name, Runs: 1})
		}
		if !slices.ContainsFunc(a.Branches, func(b Branch) bool { return b.Name == h.Branch }) {
			a.Branches = append(a.Branches, Branch{Name: h.Branch, Runs: 1})
		}
	}
	return []App{a}, nil
}

func (f *fake) Runs(_ context.Context, q Filter) (Runs, error) {
	var list []run.Run
	for _, h := range f.heads {
		if (q.Branch == "" || h.Branch == q.Branch) && (q.Environment == "" || q.Environment == "env0") {
			list = append(list, h)
		}
	}
	total := len(list)
	list = list[min(q.Skip, total):]
	if q.Limit > 0 {
		list = list[:min(q.Limit, len(list))]
	}
	return Runs{Heads: list, Total: total}, f.err
}

func (f *fake) Find(_ context.Context, _, word string) (run.Run, error) {
	for _, h := range f.heads {
		if h.ID == word || h.Version == word || word == "latest" || len(word) >= 4 && strings.HasPrefix(h.Commit, word) {
			return h, nil
		}
	}
	return run.Run{}, fmt.Errorf("run %q: %w", word, history.ErrNotFound)
}

func (f *fake) Run(_ context.Context, id string) (*run.Run, error) {
	if r := f.runs[id]; r != nil {
		return r, nil
	}
	for i := range f.heads {
		if f.heads[i].ID == id {
			return &f.heads[i], nil
		}
	}
	return nil, fmt.Errorf("run %s: %w", id, history.ErrNotFound)
}

func (f *fake) Verdict(_ context.Context, id, word string) (*judge.Verdict, error) {
	v := f.verdict
	for i := range f.heads {
		if f.heads[i].ID == id {
			v.Current = judge.HeadOf(&f.heads[i])
		}
	}
	if word == "nobody" {
		return nil, fmt.Errorf("run %q: %w", word, history.ErrNotFound)
	}
	return &v, f.err
}

func (f *fake) Trends(_ context.Context, _ string, n int) ([]Trend, error) {
	var list []Trend
	for i := range f.verdict.Metrics {
		m := &f.verdict.Metrics[i]
		t := Trend{Key: m.Key(), Unit: m.Unit}
		base, current, _ := sides(m)
		if math.IsNaN(base) {
			base = current
		}
		for k := range n - 1 {
			t.Values = append(t.Values, base*(1+0.01*math.Sin(float64(k*k))))
		}
		if !math.IsNaN(current) {
			t.Values = append(t.Values, current)
		}
		list = append(list, t)
	}
	return list, f.trendErr
}

func (f *fake) Series(_ context.Context, q SeriesQuery) (*Series, error) {
	if s := f.series[q.Key]; s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("metric %s: %w", q.Key, history.ErrNotFound)
}

func (f *fake) Policy(context.Context, string) (*judge.Policy, error) { return &f.policy, f.err }

func (f *fake) Location(context.Context) (Location, error) {
	return Location{Place: "/home/dj/.pacer/history.db", Bytes: 3 << 20}, nil
}

func (f *fake) Lag() (time.Time, error) { return clock.Add(-12 * time.Minute), f.lag }

func stats(n int64, center float64) *run.Stats {
	return &run.Stats{Count: n, Mean: center, Min: center * 0.9, Max: center * 1.2, Stddev: center * 0.04, P50: center, P90: center * 1.05, P95: center * 1.08, P99: center * 1.1, P999: center * 1.2}
}

// metric is a judged metric; a ratio of 0 is none.
func metric(name, base string, change judge.Change, before, after float64, edit ...func(*judge.Metric)) judge.Metric {
	m := judge.Metric{Name: name, Unit: base, Change: change, Better: run.Lower, Statistic: "median", Threshold: 0.05, N: [2]int64{40, 40}}
	if before > 0 {
		m.Baseline = stats(40, before)
	}
	if after > 0 {
		m.Current = stats(40, after)
	}
	if before > 0 && after > 0 {
		r := after / before
		m.Ratio, m.Interval = &r, &[2]float64{r * 0.97, r * 1.03}
		m.Test = &judge.Test{Rule: judge.ByStatistics, Method: "by hand"}
	}
	for _, e := range edit {
		e(&m)
	}
	return m
}

func budget(status judge.BudgetStatus, statistic string, value, target, warning, critical float64) func(*judge.Metric) {
	return func(m *judge.Metric) {
		m.Budget = &judge.BudgetResult{Status: status, Statistic: statistic, Target: &target, Warning: &warning, Critical: &critical, Place: "pacer.yaml:4:3"}
		if value > 0 {
			m.Budget.Value = &value
		}
	}
}

// example is the worked example: one of everything.
func example() *fake {
	intel := &run.Environment{OS: "linux", Arch: "amd64", CPU: "AMD EPYC 7B13", Cores: 8, Memory: 32 << 30}
	f := &fake{series: make(map[string]*Series), runs: make(map[string]*run.Run)}
	for i := range 12 {
		f.heads = append(f.heads, run.Run{
			ID: fmt.Sprintf("01K%023d", 100-i), App: "cuepoint", Version: fmt.Sprintf("2.4.%d", 11-i), Commit: fmt.Sprintf("%040x", 0x3fa9c1e-i), Branch: "main",
			Timestamp: clock.Add(-5*time.Minute - time.Duration(i)*26*time.Hour), Environment: intel,
		})
	}
	f.heads[3].Branch = "artwork"
	f.verdict = judge.Verdict{
		Schema: judge.Schema, Verdict: judge.Fail, App: "cuepoint", Current: judge.HeadOf(&f.heads[0]),
		Baseline: judge.BaselineHead{Runs: []judge.Head{judge.HeadOf(&f.heads[1])}, Chosen: "the newest earlier comparable run"},
		Policy:   judge.PolicyHead{File: "pacer.yaml", Budgets: 5, Confidence: 0.95},
		Reasons:  []string{"startup_time: 1.20x slower/higher", "export.csv{tracks=1000} has a budget but was not measured"},
		Warnings: []string{"with one run as the baseline it is not known how much runs of the same code differ"},
		Metrics: []judge.Metric{
			metric("startup", "s", judge.Regressed, 1.736, 2.078, budget(judge.OverTarget, "median", 2.078, 2, 3, 5), func(m *judge.Metric) {
				m.Reasons = []string{"startup_time: 1.20x slower/higher", "+19.7%, and with 95% confidence between +16.4% and +23.1%; more than 5% matters"}
				m.Stages = []explain.Stage{{Path: "startup/open library db", Baseline: 0.472, Current: 0.787, Delta: 0.315, Share: 0.94}, {Path: "startup/plugin scan", Baseline: 0.56, Current: 0.566, Delta: 0.006, Share: 0.06}}
				m.Moved = &judge.Moved{Index: 11, Ago: 0, Run: f.heads[0].ID, Version: "2.4.11", Before: 1.736, After: 2.078, Ratio: 1.197, Confidence: 0.9}
			}),
			metric("export.csv", "s", judge.Missing, 0.512, 0, budget(judge.NoBudget, "p95", 0, 1, 1.2, 1.5), func(m *judge.Metric) { m.Labels = map[string]string{"tracks": "1000"} }),
			metric("table.filter", "s", judge.Inconclusive, 0.183, 0.189, budget(judge.Within, "p95", 0.189, 0.2, 0.5, 1), func(m *judge.Metric) {
				m.Labels = map[string]string{"rows": "1000"}
				m.Needed = &judge.Needed{Samples: 60, SmallestEffect: 0.09}
			}),
			metric("track.process", "s", judge.Improved, 0.212, 0.194, budget(judge.Within, "p95", 0.194, 0.25, 0.5, 1)),
			metric("memory.peak", "bytes", judge.Unchanged, 488<<20, 497<<20, budget(judge.Within, "max", 497<<20, 500<<20, 750<<20, 1000<<20), func(m *judge.Metric) { m.Reasons = []string{judge.BelowThreshold} }),
			metric("ui.response", "s", judge.Unchanged, 0.084, 0.085, budget(judge.OverCritical, "p95", 0.6, 0.1, 0.2, 0.5)),
			metric("artwork.decode", "s", judge.Regressed, 0.0028, 0.0031, func(m *judge.Metric) {
				m.Accepted = &judge.Accepted{Reason: "full size covers (issue 412)", Author: "the team", Until: "with version 2.6"}
			}),
			metric("go.goroutines", "count", judge.Regressed, 12, 40, func(m *judge.Metric) { m.Ignored = true; m.Interval = nil }),
			metric("processing.speed", "items/s", judge.Regressed, 5.9, 4.1, func(m *judge.Metric) { m.Better = run.Higher }),
			metric("cache.hits", "count", judge.New, 0, 31, func(m *judge.Metric) { m.Better = "" }),
		},
	}
	return f
}
