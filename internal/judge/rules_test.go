package judge

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/run"
)

// one returns a run with one metric.
func one(m run.Metric) *run.Run { return &run.Run{Metrics: []run.Metric{m}} }

// judgeOne judges one metric against runs of it.
func judgeOne(t *testing.T, policy Policy, current run.Metric, baseline ...run.Metric) (Metric, Verdict) {
	t.Helper()
	c := Case{Current: one(current), Policy: policy, Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)}
	for _, m := range baseline {
		c.Baseline.Runs = append(c.Baseline.Runs, one(m))
	}
	v, err := Judge(c)
	if err != nil {
		t.Fatal(err)
	}
	return v.Metrics[0], v
}

func values(unit string, samples ...float64) run.Metric {
	return run.Metric{Name: "op", Unit: unit, Samples: samples}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	loose := 0.1
	tests := []struct {
		name          string
		policy        Policy
		unit          string
		before, after []float64
		change        Change
		reason        string
		ratio         bool
	}{
		{name: "one more", unit: "allocs/op", before: []float64{100}, after: []float64{101}, change: Regressed, reason: "op: 1.01x slower/higher", ratio: true},
		{name: "one less", unit: "B/op", before: []float64{512}, after: []float64{511}, change: Improved, ratio: true},
		{name: "the same", unit: "instructions", before: []float64{7, 7, 7}, after: []float64{7, 7}, change: Unchanged, ratio: true},
		{name: "from nothing", unit: "allocs/op", before: []float64{0}, after: []float64{1}, change: Regressed, reason: "op: 0 allocs/op before, 1 allocs/op now"},
		{name: "to nothing", unit: "allocs/op", before: []float64{2}, after: []float64{0}, change: Improved, ratio: true},
		{name: "overlapping", unit: "B/op", before: []float64{512, 530}, after: []float64{529, 540}, change: Unchanged, reason: "the counts vary by as much on either side", ratio: true},
		{name: "apart", unit: "B/op", before: []float64{512, 514}, after: []float64{525, 526, 527, 528, 529, 530}, change: Regressed, reason: "op: 1.03x slower/higher", ratio: true},
		{name: "threshold", unit: "B/op", policy: Policy{Thresholds: []Threshold{{Metric: "*", Change: &loose}}}, before: []float64{100}, after: []float64{110}, change: Unchanged, reason: BelowThreshold, ratio: true},
		{name: "min_change", unit: "B/op", policy: Policy{Thresholds: []Threshold{{Metric: "op", MinChange: &Quantity{Value: 20, Unit: ""}}}}, before: []float64{100}, after: []float64{110}, change: Unchanged, reason: TooSmall, ratio: true},
		{name: "instructions vary", unit: "instructions", before: []float64{1000}, after: []float64{1007}, change: Unchanged, reason: BelowThreshold, ratio: true},
		{name: "more instructions", unit: "instructions", before: []float64{1000}, after: []float64{1020}, change: Regressed, reason: "op: 1.02x slower/higher", ratio: true},
		{name: "no direction", unit: "count", before: []float64{1}, after: []float64{2}, change: Inconclusive, ratio: true},
		{name: "times are not counts", unit: "s", before: []float64{100}, after: []float64{101}, change: Unchanged, ratio: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, v := judgeOne(t, tt.policy, values(tt.unit, tt.after...), values(tt.unit, tt.before...))
			if m.Change != tt.change || (m.Ratio != nil) != tt.ratio || m.Interval != nil {
				t.Errorf("%s, ratio %v, interval %v", m.Change, m.Ratio, m.Interval)
			}
			if tt.reason != "" && (len(m.Reasons) == 0 || m.Reasons[0] != tt.reason) {
				t.Errorf("reasons %q, want %q", m.Reasons, tt.reason)
			}
			if (v.Verdict == Fail) != (tt.change == Regressed) {
				t.Errorf("verdict %s", v.Verdict)
			}
		})
	}
}

// A policy may have a count compared as noise, and noise as a count.
func TestCountedByPolicy(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	if m, _ := judgeOne(t, Policy{Thresholds: []Threshold{{Metric: "o*", Counted: &yes, Place: "p:1:1"}}}, values("s", 1.01), values("s", 1)); m.Change != Regressed || m.Test.Rule != ByCount || m.Test.Place != "p:1:1" {
		t.Errorf("a time as a count: %s by %+v", m.Change, m.Test)
	}
	if m, _ := judgeOne(t, Policy{Thresholds: []Threshold{{Metric: "op", Counted: &no}}}, values("B/op", 101), values("B/op", 100)); m.Change != Unchanged || m.Test.Rule != ByRatio {
		t.Errorf("a count as noise: %s by %+v", m.Change, m.Test)
	}
}

// The policy's threshold replaces 1.2 and 0.8 for single values too.
func TestRatioThreshold(t *testing.T) {
	t.Parallel()
	ten := 0.1
	policy := Policy{Thresholds: []Threshold{{Metric: "op", Change: &ten, Place: "p:4:3"}}}
	for after, want := range map[float64]Change{1.09: Unchanged, 1.11: Regressed, 0.92: Unchanged, 0.9: Improved} {
		if m, _ := judgeOne(t, policy, values("s", after), values("s", 1)); m.Change != want || m.Threshold != ten || m.Test.Place != "p:4:3" {
			t.Errorf("1 s to %v s is %s with threshold %v", after, m.Change, m.Threshold)
		}
	}
}

func TestIgnored(t *testing.T) {
	t.Parallel()
	yes := true
	policy := Policy{Thresholds: []Threshold{{Metric: "o*", Ignore: &yes}}}
	m, v := judgeOne(t, policy, values("s", 9), values("s", 1))
	if m.Change != Regressed || !m.Ignored || m.Fails || v.Verdict != Pass {
		t.Errorf("%s, ignored %v, fails %v, verdict %s", m.Change, m.Ignored, m.Fails, v.Verdict)
	}
	policy.Budgets = []Budget{{Metric: "op", Limits: limits(2, 0, 0)}}
	if m, v := judgeOne(t, policy, values("s", 9), values("s", 1)); !m.Fails || v.Verdict != Fail {
		t.Errorf("a budget is no change: it holds all the same: %s", v.Verdict)
	}
}

func TestWaivers(t *testing.T) {
	t.Parallel()
	waiver := Waiver{Metric: "o*", Reason: "worth it, see 41", Author: "A", WorseBy: 0.5, Place: "w:2:3"}
	policy := Policy{Waivers: []Waiver{waiver}}
	m, v := judgeOne(t, policy, values("s", 1.4), values("s", 1))
	if m.Change != Regressed || m.Accepted == nil || m.Accepted.Reason != waiver.Reason || m.Fails || v.Verdict != Pass {
		t.Errorf("covered: %s, accepted %+v, verdict %s", m.Change, m.Accepted, v.Verdict)
	}
	m, v = judgeOne(t, policy, values("s", 1.6), values("s", 1))
	if m.Accepted != nil || v.Verdict != Fail || !strings.Contains(m.Warnings[0], "w:2:3 covers up to +50.0%") {
		t.Errorf("worse than what was accepted: %+v, %s, %q", m.Accepted, v.Verdict, m.Warnings)
	}
	policy.Waivers[0].Until = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	m, v = judgeOne(t, policy, values("s", 1.4), values("s", 1))
	if m.Accepted != nil || v.Verdict != Fail || !strings.Contains(m.Warnings[0], "does not hold any more") {
		t.Errorf("ended: %+v, %s, %q", m.Accepted, v.Verdict, m.Warnings)
	}
	// Of two that are for it, one that covers it is enough.
	policy.Waivers = append(policy.Waivers, waiver)
	if m, v = judgeOne(t, policy, values("s", 1.4), values("s", 1)); m.Accepted == nil || v.Verdict != Pass || slices.ContainsFunc(m.Warnings, func(w string) bool { return strings.Contains(w, "waiver") }) {
		t.Errorf("one of two: %+v, %s, %q", m.Accepted, v.Verdict, m.Warnings)
	}
	// Where higher is better, worse is under 1.
	speed := func(v float64) run.Metric { return run.Metric{Name: "op", Unit: "items/s", Samples: []float64{v}} }
	for after, want := range map[float64]Word{70: Pass, 60: Fail} {
		if _, v := judgeOne(t, Policy{Waivers: []Waiver{waiver}}, speed(after), speed(100)); v.Verdict != want {
			t.Errorf("from 100 to %v items/s with 50%% accepted: %s, want %s", after, v.Verdict, want)
		}
	}
}

// What is waived for one metric is not for another, and an accepted
// regression hides no other failure.
func TestWaiverIsOfItsMetric(t *testing.T) {
	t.Parallel()
	policy := Policy{Waivers: []Waiver{{Metric: "startup", Reason: "worth it, see 41", WorseBy: 9}}}
	v, err := Judge(Case{Current: flat(2, 300*mb, 1), Baseline: Baseline{Runs: []*run.Run{flat(1, 100*mb, 1)}}, Policy: policy})
	if err != nil || v.Verdict != Fail || !slices.Equal(v.Reasons, []string{"memory_usage: 3.00x slower/higher"}) {
		t.Errorf("%s %q, %v", v.Verdict, v.Reasons, err)
	}
}

// The environment may differ where the policy says so.
func TestAnyEnvironment(t *testing.T) {
	t.Parallel()
	a, b := flat(2, 1, 1), flat(4, 1, 1)
	a.Environment, b.Environment = &run.Environment{CPU: "A", OS: "linux"}, &run.Environment{CPU: "B", OS: "linux"}
	for _, tt := range []struct {
		any  []string
		want Word
	}{{nil, Undecided}, {[]string{"cpu"}, Fail}, {[]string{"os"}, Undecided}} {
		v, err := Judge(Case{Current: b, Baseline: Baseline{Runs: []*run.Run{a}}, Policy: Policy{AnyEnvironment: tt.any}})
		if err != nil || v.Verdict != tt.want {
			t.Errorf("any of %q: %s %q, %v; want %s", tt.any, v.Verdict, v.Reasons, err, tt.want)
		}
	}
}

// Of several runs those that can be compared are, and the verdict says so.
func TestBaselineOfSeveral(t *testing.T) {
	t.Parallel()
	env := func(cpu string, startup float64) *run.Run {
		r := flat(startup, 1, 1)
		r.Environment = &run.Environment{CPU: cpu}
		r.ID = fmt.Sprint(cpu, startup)
		return r
	}
	base := Baseline{Runs: []*run.Run{env("A", 1), env("B", 9), env("A", 2), env("A", 3)}}
	v, err := Judge(Case{Current: env("A", 2.3), Baseline: base})
	if err != nil || len(v.Baseline.Runs) != 3 || v.Metrics[2].N != [2]int64{3, 1} || v.Metrics[2].Change != Unchanged {
		t.Errorf("%+v, %v", v, err)
	}
	if len(v.Warnings) != 1 || !strings.Contains(v.Warnings[0], "1 of 4 runs of the baseline are not comparable and left out (cpu: B and A)") {
		t.Errorf("warnings %q", v.Warnings)
	}
	// From the third run on the level is that of today; the second is left out.
	base.Since = map[string]int{Identity("startup", "s"): 2}
	if v, err = Judge(Case{Current: env("A", 2.3), Baseline: base}); err != nil || v.Metrics[2].N != [2]int64{2, 1} {
		t.Errorf("since its change point: %+v, %v", v.Metrics[2].N, err)
	}
	// So does where the time went.
	for i, self := range []float64{9, 9, 1, 1} {
		base.Runs[i].Stages = []run.Stage{{Path: "startup", Count: 1, Total: self + 1, Self: 1}, {Path: "startup/load", Count: 1, Total: self, Self: self}}
	}
	slow := env("A", 9)
	slow.Stages = []run.Stage{{Path: "startup", Count: 1, Total: 8, Self: 1}, {Path: "startup/load", Count: 1, Total: 7, Self: 7}}
	if v, err = Judge(Case{Current: slow, Baseline: base}); err != nil || len(v.Metrics[2].Stages) != 2 || v.Metrics[2].Stages[0].Delta != 6 {
		t.Errorf("stages since its change point: %+v, %v", v.Metrics[2].Stages, err)
	}
	if v, _ = Judge(Case{Current: env("C", 2), Baseline: base}); v.Verdict != Undecided || v.Metrics[2].Change != Incomparable || len(v.Baseline.Runs) != 4 {
		t.Errorf("none comparable: %s, %s", v.Verdict, v.Metrics[2].Change)
	}
}

// steps returns n measurements at each level, with a little noise.
func steps(rng *rand.Rand, n int, levels ...float64) (list []float64) {
	for _, level := range levels {
		for range n {
			list = append(list, level*(1+0.01*rng.NormFloat64()))
		}
	}
	return list
}

func TestHistory(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(4, 4))
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	series := func(values []float64) []Series {
		s := Series{Name: "op", Unit: "s", Values: values}
		for i := range values {
			day := at.AddDate(0, 0, i)
			s.Runs = append(s.Runs, Head{ID: fmt.Sprint("run", i), Version: fmt.Sprint("1.", i), Timestamp: &day})
		}
		return []Series{s}
	}
	current := values("s", 1.3)
	before := one(values("s", 1.3))
	before.Timestamp = at.AddDate(0, 0, 25)
	stepped := steps(rng, 20, 1, 1.3)[:25]
	for _, tt := range []struct {
		name    string
		history []float64
		set     bool
		want    Word
	}{
		{"no step", steps(rng, 40, 1.3), false, Pass},
		{"a step for the worse", stepped, false, Warn},
		{"a step for the better", steps(rng, 20, 1.6, 1.3)[:25], false, Pass},
		{"one that a person accepted", stepped, true, Pass},
		{"long ago", steps(rng, 20, 1, 1.3, 1.3), false, Pass},
	} {
		v, err := Judge(Case{Current: one(current), Baseline: Baseline{Runs: []*run.Run{before}, Set: tt.set}, History: series(tt.history)})
		if err != nil || v.Verdict != tt.want {
			t.Errorf("%s: %s %q, %v; want %s", tt.name, v.Verdict, v.Reasons, err, tt.want)
		}
		if m := v.Metrics[0].Moved; tt.want == Warn && (m == nil || m.Run != "run20" || m.Version != "1.20" || m.Ago != 5 || m.Index != 20) {
			t.Errorf("%s: moved %+v", tt.name, m)
		}
	}
}

// What tells about the measurement alone is judged only where the policy
// names it.
func TestWitness(t *testing.T) {
	t.Parallel()
	switches := func(n float64) *run.Run {
		return &run.Run{Metrics: []run.Metric{
			{Name: "process.wall", Unit: "s", Samples: []float64{1}},
			{Name: "process.switches.involuntary", Unit: "count", Kind: run.WitnessKind, Better: run.Lower, Samples: []float64{n}},
		}}
	}
	change := 0.1
	for pattern, want := range map[Pattern]int{"process.wall": 1, "process.*": 1, "process.switches.involuntary": 2} {
		v, err := Judge(Case{Current: switches(90), Baseline: Baseline{Runs: []*run.Run{switches(1)}},
			Policy: Policy{Thresholds: []Threshold{{Metric: pattern, Change: &change}}}})
		if err != nil || len(v.Metrics) != want || (v.Verdict == Fail) != (want == 2) {
			t.Errorf("%s: %d metrics, %s, %v; want %d metrics", pattern, len(v.Metrics), v.Verdict, err, want)
		}
	}
}
