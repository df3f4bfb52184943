package judge

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/pacer-perf/pacer/run"
)

// SelfTest is how well the gate would have worked on data like the current
// run's: what it would catch, and how often it would cry wolf.
type SelfTest struct {
	Trials int    `json:"trials"` // of each size
	Source string `json:"source"` // what the copies were drawn from
	Sizes  []Size `json:"sizes"`  // by how much is worse, none first
	// Metrics says what each metric needs, those that need most last.
	Metrics  []Caught `json:"metrics"`
	Warnings []string `json:"warnings,omitempty"`
}

// Size is one slowdown that was injected into every metric.
type Size struct {
	Worse  float64 `json:"worse"`  // 0.1: times 1.1 where lower is better
	Failed float64 `json:"failed"` // share of trials in which the gate failed
	Metric float64 `json:"metric"` // share of metrics that were called regressed
}

// Caught says which slowdown the gate catches in one metric.
type Caught struct {
	Name   string            `json:"name"`
	Unit   string            `json:"unit"`
	Labels map[string]string `json:"labels,omitempty"`
	Rule   string            `json:"rule"`
	Caught []float64         `json:"caught"`          // for each of Sizes, share of trials
	Least  *float64          `json:"least,omitempty"` // least of Sizes that was caught in 80% of trials; absent: none
}

// Key is the metric's name and labels.
func (c *Caught) Key() string { return run.Key(c.Name, c.Labels) }

// injected are the sizes of the slowdowns.
var injected = []float64{0, 0.02, 0.05, 0.1, 0.2, 0.5, 1}

// trials is how often each size is injected.
const trials = 40

// SelfTestTrials is how many copies NewSelfTest judges.
var SelfTestTrials = trials * len(injected)

// reliably is in which share of trials a slowdown has to be caught to count.
const reliably = 0.8

// NewSelfTest draws copies of what was measured, makes one of them worse by a known
// amount in every metric, and judges it by the case's policy, budgets left
// aside. With a baseline of two runs or more, the copies are drawn from its
// runs, one of which is held against the others, so that what runs differ by
// is in them; else all are drawn from the current run. It is deterministic.
//
// Samples are drawn in blocks, so that neighbours stay neighbours. Its cost is
// that of Judge for every trial; an error of progress ends it.
func NewSelfTest(c Case, progress func(done int) error) (SelfTest, error) {
	rng := rand.New(rand.NewPCG(20, 26))
	t := SelfTest{Trials: trials, Source: "the current run alone: how much runs of the same code differ is not in it"}
	sources := []*run.Run{c.Current}
	if len(c.Baseline.Runs) >= 2 {
		sources = ofToday(&c.Baseline)
		t.Source = "the runs of the baseline, one held against the others"
	}
	policy := c.Policy
	policy.Budgets, policy.Waivers = nil, nil
	at := make(map[string]int)
	for i, worse := range injected {
		size := Size{Worse: worse}
		regressed, compared := 0, 0
		for trial := range trials {
			v, err := Judge(Case{Policy: policy, Current: slowed(rng, pick(sources, trial), worse), Now: c.Now,
				Baseline: Baseline{Runs: others(rng, sources, trial), Chosen: "copies", First: true}})
			if err != nil {
				return t, err
			}
			if v.Verdict == Fail {
				size.Failed++
			}
			for k := range v.Metrics {
				m := &v.Metrics[k]
				if m.Test == nil || m.Better == "" {
					continue
				}
				compared++
				id := Identity(m.Key(), m.Unit)
				if _, known := at[id]; !known {
					at[id] = len(t.Metrics)
					t.Metrics = append(t.Metrics, Caught{Name: m.Name, Unit: m.Unit, Labels: m.Labels, Rule: m.Test.Rule, Caught: make([]float64, len(injected))})
				}
				if m.Change == Regressed {
					regressed++
					t.Metrics[at[id]].Caught[i]++
				}
			}
			if progress != nil {
				if err := progress(i*trials + trial); err != nil {
					return t, err
				}
			}
		}
		size.Failed /= trials
		size.Metric = float64(regressed) / float64(max(1, compared))
		t.Sizes = append(t.Sizes, size)
	}
	t.summarise()
	if n := still(sources); n > 0 && len(sources) == 1 {
		t.Warnings = append(t.Warnings, fmt.Sprintf("%d metrics have a single value, of which every copy is the same: how often they would cry wolf, only a baseline of several runs tells", n))
	}
	return t, nil
}

// still counts the metrics whose copies cannot differ.
func still(sources []*run.Run) int {
	n := 0
	for i := range sources[0].Metrics {
		if m := &sources[0].Metrics[i]; m.Count() == 1 {
			n++
		}
	}
	return n
}

// ofToday returns the runs of a baseline without what was measured of a metric
// before its last change point.
func ofToday(b *Baseline) []*run.Run {
	list := make([]*run.Run, len(b.Runs))
	for i, r := range b.Runs {
		c := *r
		c.Metrics = slices.DeleteFunc(slices.Clone(r.Metrics), func(m run.Metric) bool {
			return i < b.Since[Identity(m.Key(), m.Unit)]
		})
		list[i] = &c
	}
	return list
}

// summarise turns counts into shares and finds what each metric needs.
func (t *SelfTest) summarise() {
	for k := range t.Metrics {
		m := &t.Metrics[k]
		for i := range m.Caught {
			m.Caught[i] /= trials
		}
		for i := len(injected) - 1; i > 0 && m.Caught[i] >= reliably; i-- {
			m.Least = &injected[i]
		}
	}
	slices.SortStableFunc(t.Metrics, func(a, b Caught) int { return compareCaught(&a, &b) })
	last := t.Sizes[len(t.Sizes)-1]
	switch {
	case len(t.Metrics) == 0:
		t.Warnings = append(t.Warnings, "no metric can be compared: the gate cannot fail")
	case last.Failed < reliably:
		t.Warnings = append(t.Warnings, "the gate would let everything twice as slow pass")
	}
	if t.Sizes[0].Failed > 0.1 {
		t.Warnings = append(t.Warnings, "the gate would cry wolf on unchanged data")
	}
}

func compareCaught(a, b *Caught) int {
	least := func(c *Caught) float64 {
		if c.Least == nil {
			return 2 * injected[len(injected)-1]
		}
		return *c.Least
	}
	switch x, y := least(a), least(b); {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	if a.Key() < b.Key() {
		return -1
	}
	return 1
}

func pick(sources []*run.Run, trial int) *run.Run { return sources[trial%len(sources)] }

// others returns copies of the sources without the one that is picked, of the
// one source if there is only one.
func others(rng *rand.Rand, sources []*run.Run, trial int) []*run.Run {
	var list []*run.Run
	for i, r := range sources {
		if len(sources) == 1 || i != trial%len(sources) {
			list = append(list, slowed(rng, r, 0))
		}
	}
	return list
}

// slowed returns a copy of a run: its samples drawn anew in blocks, and every
// metric worse by that much.
func slowed(rng *rand.Rand, r *run.Run, worse float64) *run.Run {
	out := *r
	out.Metrics = make([]run.Metric, len(r.Metrics))
	for i := range r.Metrics {
		m := r.Metrics[i]
		factor := 1 + worse
		if m.Direction() == run.Higher {
			factor = 1 / factor
		}
		switch {
		case m.Histogram != nil || len(m.Samples) > 0:
			m.Samples, m.Histogram = redrawn(rng, observations(&m)), nil
			for k := range m.Samples {
				m.Samples[k] *= factor
			}
		case m.Summary != nil:
			s := *m.Summary
			for _, v := range []*float64{&s.Mean, &s.Min, &s.Max, &s.P50, &s.P90, &s.P95, &s.P99, &s.P999} {
				*v *= factor
			}
			m.Summary = &s
		}
		out.Metrics[i] = m
	}
	return &out
}

// redrawn draws as many values with replacement, in blocks of about the cube
// root of their number.
//
// Source: Künsch (1989), Ann. Statist. 17(3), 1217-1241; length by Bühlmann &
// Künsch (1999), Comput. Stat. Data Anal. 31(3), 295-310.
func redrawn(rng *rand.Rand, values []float64) []float64 {
	n := len(values)
	block := 1
	for block*block*block < n {
		block++
	}
	out := make([]float64, 0, n+block)
	for len(out) < n {
		start := rng.IntN(n)
		for k := range block {
			out = append(out, values[(start+k)%n])
		}
	}
	return out[:n]
}
