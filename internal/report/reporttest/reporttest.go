// Package reporttest makes reports for the tests of the media: made-up runs,
// judged by the real judge.
package reporttest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/run"
)

const mb = 1 << 20

// at is when the worked example is made.
var at = time.Date(2026, 11, 23, 7, 12, 0, 0, time.UTC)

// spec is a metric of the worked example: its level before and now.
type spec struct {
	name        string
	labels      map[string]string
	unit        string
	before, now float64 // 0: not measured
	spread      float64
	samples     int
	budget      []float64 // target, warning, critical
}

var worked = []spec{
	{name: "startup", unit: "s", before: 1.70, now: 2.04, spread: 0.015, samples: 20, budget: []float64{2, 3, 5}},
	{name: "export.csv", labels: map[string]string{"tracks": "1000"}, unit: "s", before: 0.48, spread: 0.03, samples: 20},
	{name: "table.filter", labels: map[string]string{"rows": "1000"}, unit: "s", before: 0.150, now: 0.156, spread: 0.14, samples: 18, budget: []float64{0.2, 0.5, 1}},
	{name: "track.process", unit: "s", before: 0.200, now: 0.182, spread: 0.03, samples: 40, budget: []float64{0.25, 0.5, 1}},
	{name: "memory.peak", unit: "bytes", before: 484 * mb, now: 496 * mb, spread: 0.001, samples: 20, budget: []float64{500 * mb, 750 * mb, 1000 * mb}},
	{name: "startup.warm", unit: "s", before: 0.62, now: 0.621, spread: 0.02, samples: 20, budget: []float64{0.8}},
	{name: "ui.response", unit: "s", before: 0.080, now: 0.0802, spread: 0.03, samples: 40, budget: []float64{0.1, 0.2, 0.5}},
	{name: "processing.speed", unit: "items/s", before: 870, now: 868, spread: 0.01, samples: 20},
}

// Worked returns the worked example: one metric regressed, one is missing, one
// cannot be told, one improved, the others did not change.
func Worked() *report.Report {
	rng := rand.New(rand.NewPCG(1, 2))
	var policy judge.Policy
	for i, s := range worked {
		if s.budget == nil {
			continue
		}
		b := judge.Budget{Metric: judge.Pattern(run.Key(s.name, s.labels)), Limits: make(map[judge.Tier]judge.Quantity), Place: fmt.Sprintf("pacer.yaml:%d:3", i+3)}
		for k, limit := range s.budget {
			b.Limits[[]judge.Tier{judge.Target, judge.Warning, judge.Critical}[k]] = judge.Quantity{Value: limit, Unit: s.unit}
		}
		policy.Budgets = append(policy.Budgets, b)
	}
	policy.File = "pacer.yaml"
	var baseline []*run.Run
	for i := range 3 {
		r := newRun("2.4.0", "a81c07d2b9e14f60", at.Add(time.Duration(i-120)*time.Hour), i)
		for _, s := range worked {
			r.Metrics = append(r.Metrics, s.metric(rng, s.before))
		}
		r.Stages = stages(20, 0.063, 0.118, 0.472, 0.560, 0.400)
		baseline = append(baseline, r)
	}
	current := newRun("2.4.1", "3fa9c1e07c5d4b22", at.Add(-time.Minute), 9)
	for _, s := range worked {
		if s.now != 0 {
			current.Metrics = append(current.Metrics, s.metric(rng, s.now))
		}
	}
	current.Stages = stages(20, 0.063, 0.121, 0.787, 0.566, 0.411)
	history := make([]judge.Series, len(worked))
	for k, s := range worked {
		h := judge.Series{Name: s.name, Unit: s.unit, Labels: s.labels}
		for i := range 42 {
			r := newRun(fmt.Sprintf("2.%d.%d", 3+i/21, i%21), fmt.Sprintf("%07x%09x", rng.Uint32()>>4, i), at.AddDate(0, 0, i-60), i)
			h.Runs = append(h.Runs, judge.HeadOf(r))
			level := s.before
			if s.name == "track.process" && i < 17 {
				level *= 1.12
			}
			h.Values = append(h.Values, level*(1+s.spread*rng.NormFloat64()/2))
		}
		history[k] = h
	}
	return of(judge.Case{Current: current, Baseline: judge.Baseline{Runs: baseline, Chosen: "the 3 runs of version 2.4.0"}, History: history, Policy: policy, Now: at})
}

// First returns a report of a run that has nothing before it.
func First() *report.Report {
	r := Worked()
	c := judge.Case{Current: r.Current, Baseline: judge.Baseline{First: true, Chosen: "no earlier run of this app and these labels"}, Now: at,
		Policy: judge.Policy{Budgets: []judge.Budget{{Metric: "startup", Limits: map[judge.Tier]judge.Quantity{judge.Target: {Value: 2, Unit: "s"}}}}}}
	return of(c)
}

// Elsewhere returns a report whose baseline was measured on another machine.
func Elsewhere() *report.Report {
	r := Worked()
	for _, b := range r.Baseline {
		other := *b.Environment
		other.CPU, other.Cores = "Another CPU", 4
		b.Environment = &other
	}
	return of(judge.Case{Current: r.Current, Baseline: judge.Baseline{Runs: r.Baseline, Chosen: "the 3 runs of version 2.4.0"}, Now: at})
}

// Calm returns a report in which nothing needs a person.
func Calm() *report.Report {
	r := Worked()
	current := *r.Baseline[2]
	current.ID, current.Version, current.Commit, current.Branch = r.Current.ID, "2.4.2", "9d20b7e41fa08c63", r.Current.Branch
	return of(judge.Case{Current: &current, Baseline: judge.Baseline{Runs: r.Baseline[:2], Chosen: "the 2 runs of version 2.4.0"}, Now: at})
}

// Hostile returns a report whose names and words try to break out of whatever
// they are written into.
func Hostile() *report.Report {
	const evil = "a|b`c<script>alert(1)</script>@someone --> ]]> $x$ \"q\" 'r' =1+1"
	base := newRun(evil, "a81c07d2b9e14f60", at.Add(-time.Hour), 1)
	current := newRun(evil, "3fa9c1e07c5d4b22", at, 2)
	base.Branch, current.Branch, base.App, current.App = evil, evil, evil, evil
	for i, r := range []*run.Run{base, current} {
		r.Warnings = []string{evil + "\x1b[31m\nsecond line ::error::x"}
		r.Metrics = []run.Metric{
			{Name: evil, Unit: "s", Labels: map[string]string{"k": evil}, Samples: []float64{1 + float64(i)}},
			{Name: "=cmd", Unit: "s", Samples: []float64{1}},
			{Name: "=cmd" + fmt.Sprint(i), Unit: evil, Samples: []float64{1}},
		}
		r.Stages = []run.Stage{{Path: evil, Count: 1, Total: 2, Self: 1}, {Path: evil + "/" + evil, Count: 1, Total: 1, Self: 1 + float64(i)}}
	}
	return of(judge.Case{Current: current, Baseline: judge.Baseline{Runs: []*run.Run{base}, Chosen: evil}, Now: at,
		Policy: judge.Policy{Waivers: []judge.Waiver{{Metric: "=cmd", Reason: evil, WorseBy: 1}}}})
}

// Many returns a report of n metrics, each with a history of so many versions
// and of every fifth of which it can be said that it regressed.
func Many(n, versions int) *report.Report {
	rng := rand.New(rand.NewPCG(3, 4))
	base, current := newRun("1.0", "a81c07d2b9e14f60", at.Add(-time.Hour), 1), newRun("1.1", "3fa9c1e07c5d4b22", at, 2)
	heads := make([]judge.Head, versions)
	for i := range heads {
		heads[i] = judge.HeadOf(newRun(fmt.Sprintf("0.%d", i), fmt.Sprintf("%016x", rng.Uint64()), at.AddDate(0, 0, i-versions-1), i))
	}
	var history []judge.Series
	for i := range n {
		s := spec{name: fmt.Sprintf("service.operation%05d", i), unit: "s", before: 0.1, now: 0.1, spread: 0.02, samples: 20}
		if i%5 == 0 {
			s.now *= 1.3
		}
		base.Metrics = append(base.Metrics, s.metric(rng, s.before))
		current.Metrics = append(current.Metrics, s.metric(rng, s.now))
		if versions > 0 {
			h := judge.Series{Name: s.name, Unit: s.unit, Runs: heads}
			for range versions {
				h.Values = append(h.Values, s.before*(1+s.spread*rng.NormFloat64()))
			}
			history = append(history, h)
		}
	}
	return of(judge.Case{Current: current, Baseline: judge.Baseline{Runs: []*run.Run{base}, Chosen: "the run before"}, History: history, Now: at})
}

func of(c judge.Case) *report.Report {
	v, err := judge.Judge(c)
	if err != nil {
		panic(err) // what this package makes up is judged
	}
	r := report.New(c, &v, at)
	r.Tool = "pacer 1.0.0"
	return r
}

func newRun(version, commit string, made time.Time, n int) *run.Run {
	return &run.Run{
		ID: fmt.Sprintf("01KF8Y0000000000000000%04d", n), App: "cuepoint", Version: version, Commit: commit, Branch: "main", Timestamp: made,
		Command:     []string{"./cuepoint", "--library", "1k.xml"},
		Environment: &run.Environment{OS: "linux", Arch: "amd64", CPU: "Sample CPU", Cores: 8, Memory: 32 << 30, Go: "go1.26.8"},
	}
}

func (s *spec) metric(rng *rand.Rand, level float64) run.Metric {
	m := run.Metric{Name: s.name, Unit: s.unit, Labels: s.labels}
	for range s.samples {
		m.Samples = append(m.Samples, level*(1+s.spread*rng.NormFloat64()))
	}
	return m
}

// stages is the call tree of the start-up of so many executions.
func stages(n int64, seconds ...float64) []run.Stage {
	names := []string{"runtime", "config", "open library", "scan", "first paint"}
	list := []run.Stage{{Path: "startup", Count: n}}
	for i, s := range seconds {
		list[0].Total += s * float64(n)
		list = append(list, run.Stage{Path: "startup/" + names[i], Count: n, Total: s * float64(n), Self: s * float64(n)})
	}
	return list
}

// Nothing is a verdict on a run that says nothing of itself.
func Nothing() *judge.Verdict {
	v, err := judge.Judge(judge.Case{Current: &run.Run{}})
	if err != nil {
		panic(err)
	}
	return &v
}
