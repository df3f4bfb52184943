package judge

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/run"
)

// pairedCase measures two sides in pairs until they are sure: the ratio of the
// sides of each metric, by name.
func pairedCase(t *testing.T, policy Policy, most int, ratios map[string]float64, noise float64, main ...string) (Verdict, *Pairs) {
	t.Helper()
	rng := rand.New(rand.NewPCG(8, 15))
	pairs := NewPairs(&policy, 0, main...)
	var sides [2][]run.Run
	for range most {
		var pair [2]run.Run
		for side := range pair {
			for _, name := range []string{"process.wall", "process.cpu", "process.instructions"} {
				ratio, there := ratios[name]
				if !there {
					continue
				}
				m := run.Metric{Name: name, Unit: "s", Better: run.Lower}
				v := 0.1 * math.Pow(ratio, float64(side))
				if name == "process.instructions" {
					m.Unit, v = "instructions", math.Round(1e9*v)
				} else {
					v *= math.Exp(noise * rng.NormFloat64())
				}
				m.Samples = []float64{v}
				pair[side].Metrics = append(pair[side].Metrics, m)
			}
			sides[side] = append(sides[side], pair[side])
		}
		if err := pairs.Add(&pair[0], &pair[1]); err != nil {
			t.Fatal(err)
		}
		if pairs.Sure() {
			break
		}
	}
	var whole [2]run.Run
	for side := range whole {
		var err error
		if whole[side], err = run.Merge(sides[side]...); err != nil {
			t.Fatal(err)
		}
	}
	v, err := Judge(Case{Current: &whole[1], Baseline: Baseline{Runs: []*run.Run{&whole[0]}, Set: true}, Policy: policy, Pairs: pairs})
	if err != nil {
		t.Fatal(err)
	}
	return v, pairs
}

func TestPairs(t *testing.T) {
	t.Parallel()
	wide := 0.2
	tests := []struct {
		name    string
		policy  Policy
		most    int
		ratios  map[string]float64
		main    string
		word    Word
		changes string
	}{
		{name: "slower", most: 200, ratios: map[string]float64{"process.wall": 1.05, "process.cpu": 1.2}, main: "process.wall", word: Fail, changes: "process.cpu=regressed process.wall=regressed"},
		{name: "faster", most: 200, ratios: map[string]float64{"process.wall": 0.9}, main: "process.wall", word: Pass, changes: "process.wall=improved"},
		{name: "the same", most: 200, ratios: map[string]float64{"process.wall": 1}, main: "process.wall", word: Pass, changes: "process.wall=unchanged"},
		{name: "too few pairs", most: 5, ratios: map[string]float64{"process.wall": 1.05}, main: "process.wall", word: Undecided, changes: "process.wall=inconclusive"},
		{name: "another metric slower", most: 200, ratios: map[string]float64{"process.wall": 1, "process.cpu": 1.2}, main: "process.wall", word: Fail, changes: "process.cpu=regressed process.wall=unchanged"},
		{name: "more instructions", most: 200, ratios: map[string]float64{"process.wall": 1, "process.instructions": 1.01}, main: "process.instructions", word: Fail, changes: "process.instructions=regressed process.wall=inconclusive"},
		{name: "the same instructions", most: 200, ratios: map[string]float64{"process.instructions": 1}, main: "process.instructions", word: Pass, changes: "process.instructions=unchanged"},
		{name: "by the policy", policy: Policy{Thresholds: []Threshold{{Metric: "process.wall", Change: &wide}}}, most: 200, ratios: map[string]float64{"process.wall": 1.05}, main: "process.wall", word: Pass, changes: "process.wall=unchanged"},
		{name: "too small to matter", policy: Policy{Thresholds: []Threshold{{Metric: "process.wall", MinChange: &Quantity{0.02, "s"}}}}, most: 200, ratios: map[string]float64{"process.wall": 1.05}, main: "process.wall", word: Pass, changes: "process.wall=unchanged"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v, pairs := pairedCase(t, tt.policy, tt.most, tt.ratios, 0.02, tt.main)
			var words []string
			for i := range v.Metrics {
				m := &v.Metrics[i]
				words = append(words, fmt.Sprintf("%s=%s", m.Key(), m.Change))
				if m.Test == nil || m.Test.Rule != ByPairs || m.Ratio == nil || m.N[0] != int64(pairs.Count()) {
					t.Errorf("%s: %+v", m.Key(), m)
				}
				if m.Change == Inconclusive && (m.Needed == nil || len(m.Reasons) == 0) {
					t.Errorf("%s does not say what it would take", m.Key())
				}
			}
			if got := strings.Join(words, " "); got != tt.changes || v.Verdict != tt.word || v.Pairs == nil || v.Pairs.Count != pairs.Count() {
				t.Errorf("%s, %s; want %s, %s\n%q", v.Verdict, got, tt.word, tt.changes, v.Reasons)
			}
			if (tt.word != Undecided) != pairs.Sure() {
				t.Errorf("sure: %v", pairs.Sure())
			}
		})
	}
}

// What is to be said of both sides of a session is said once.
func TestWarningsOfPairs(t *testing.T) {
	t.Parallel()
	sides := [2]*run.Run{{Warnings: []string{"it was busy", "one"}}, {Warnings: []string{"it was busy", "other"}}}
	c := Case{Current: sides[1], Baseline: Baseline{Runs: sides[:1], Set: true}, Pairs: NewPairs(&Policy{}, 0)}
	v, err := Judge(c)
	if want := []string{"it was busy", "other", "baseline: one"}; err != nil || !slices.Equal(v.Warnings[:min(3, len(v.Warnings))], want) {
		t.Errorf("%q, %v; want %q", v.Warnings, err, want)
	}
	c.Pairs = nil
	if v, err = Judge(c); err != nil || !slices.Contains(v.Warnings, "baseline: it was busy") {
		t.Errorf("%q, %v", v.Warnings, err)
	}
}

func TestPairsWithout(t *testing.T) {
	t.Parallel()
	pairs := NewPairs(&Policy{}, 0, "process.wall")
	one := run.Run{Metrics: []run.Metric{{Name: "process.cpu", Unit: "s", Samples: []float64{1}}}}
	if err := pairs.Add(&one, &one); err == nil || !strings.Contains(err.Error(), "process.wall") {
		t.Errorf("without what they are measured for: %v", err)
	}
	none := run.Run{Metrics: []run.Metric{{Name: "process.wall", Unit: "s", Samples: []float64{0}}}}
	if err := NewPairs(&Policy{}, 0, "process.wall").Add(&none, &none); err == nil {
		t.Error("zero has a ratio")
	}
}

// What a control would have said is in the verdict, and a doubt if it is an
// alarm.
func TestControl(t *testing.T) {
	t.Parallel()
	_, pairs := pairedCase(t, Policy{}, 50, map[string]float64{"process.wall": 1.2}, 0.01, "process.wall")
	control := ControlOf(pairs)
	if len(control) != 1 || control[0].Change != Regressed || control[0].Interval == nil {
		t.Fatalf("%+v", control)
	}
	r := run.Run{Metrics: []run.Metric{{Name: "process.wall", Unit: "s", Samples: []float64{1}}}}
	v, err := Judge(Case{Current: &r, Baseline: Baseline{Runs: []*run.Run{&r}}, Pairs: pairs, Session: PairsHead{Control: control}})
	if err != nil || len(v.Warnings) == 0 || !strings.HasPrefix(v.Warnings[0], "the control raised a false alarm: process.wall of the baseline against itself is regressed (+2") {
		t.Errorf("%q, %v", v.Warnings, err)
	}
}

// A pair that lacks what is to be known leaves the others as they were.
func TestPairsLack(t *testing.T) {
	t.Parallel()
	pairs := NewPairs(&Policy{}, 0, "process.wall")
	of := func(v float64) *run.Run {
		return &run.Run{Metrics: []run.Metric{{Name: "process.wall", Unit: "s", Better: run.Lower, Samples: []float64{v}},
			{Name: "other", Unit: "s", Better: run.Lower, Samples: []float64{1}}}}
	}
	for i := range 3 {
		if err := pairs.Add(of(1), of(2)); err != nil {
			t.Fatal(err)
		}
		for _, lacks := range []*run.Run{of(0), of(math.NaN()), of(math.Inf(1)), {}} {
			for _, pair := range [][2]*run.Run{{of(1), lacks}, {lacks, of(1)}} {
				if err := pairs.Add(pair[0], pair[1]); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("of pair %d", i+2)) {
					t.Errorf("%v", err)
				}
			}
		}
		if r, ok := pairs.Known("process.wall"); pairs.Count() != i+1 || !ok || math.Abs(r.Ratio-2) > 1e-9 || r.Pairs != i+1 {
			t.Errorf("%d pairs, %+v", pairs.Count(), r)
		}
	}
}

// A size of which both sides say only that it is at most so much is not judged;
// if one side says more, it is.
func TestAtMost(t *testing.T) {
	t.Parallel()
	of := func(resolution float64, values ...float64) *run.Run {
		return &run.Run{Metrics: []run.Metric{{Name: "process.memory.peak", Unit: "bytes", Better: run.Lower, Resolution: resolution, Samples: values}}}
	}
	low, lower, high := []float64{9, 9.1, 9, 9.2, 9, 9.1}, []float64{8, 8.1, 8, 8.2, 8, 8.1}, []float64{90, 91, 90, 92, 90, 91}
	for _, tt := range []struct {
		name              string
		baseline, current *run.Run
		want              Change
	}{
		{"both at most", of(10, lower...), of(10, low...), Unchanged},
		{"one more", of(10, low...), of(10, high...), Regressed},
		{"told", of(0, lower...), of(0, low...), Regressed},
	} {
		pairs := NewPairs(&Policy{}, 0)
		for i := range tt.baseline.Metrics[0].Samples {
			one := func(r *run.Run) *run.Run { return of(10, r.Metrics[0].Samples[i]) }
			if err := pairs.Add(one(tt.baseline), one(tt.current)); err != nil {
				t.Fatal(err)
			}
		}
		v, err := Judge(Case{Current: tt.current, Baseline: Baseline{Runs: []*run.Run{tt.baseline}, Set: true}})
		if err != nil || v.Metrics[0].Change != tt.want {
			t.Errorf("%s: %+v, %v", tt.name, v.Metrics[0], err)
		}
		v, err = Judge(Case{Current: tt.current, Baseline: Baseline{Runs: []*run.Run{tt.baseline}, Set: true}, Pairs: pairs})
		if paired := v.Metrics[0].Change; err != nil || (paired == Unchanged) != (tt.want == Unchanged) {
			t.Errorf("%s, in pairs: %+v, %v", tt.name, v.Metrics[0], err)
		}
	}
}
