package twosample

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/noise"
	"github.com/pacer-perf/pacer/internal/stat"
)

// draw returns n samples around a level.
func draw(rng *rand.Rand, n int, level, deviation float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = level * (1 + deviation*rng.NormFloat64())
	}
	return values
}

func pair(baseline, current []float64) Metric {
	return Metric{Baseline: [][]float64{baseline}, Current: [][]float64{current}, Threshold: 0.05}
}

func one(m Metric) Result { return Compare([]Metric{m}, Options{})[0] }

func TestOutcomes(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	flat := func(n int, v float64) []float64 { return slices.Repeat([]float64{v}, n) }
	tests := []struct {
		name string
		m    Metric
		want Outcome
	}{
		{"clearly up", pair(draw(rng, 20, 1, 0.01), draw(rng, 20, 1.2, 0.01)), Up},
		{"clearly down", pair(draw(rng, 20, 1, 0.01), draw(rng, 20, 0.8, 0.01)), Down},
		{"the same", pair(draw(rng, 30, 1, 0.01), draw(rng, 30, 1, 0.01)), Same},
		{"real, below the threshold", pair(draw(rng, 100, 1, 0.01), draw(rng, 100, 1.03, 0.01)), Same},
		{"too noisy to tell", pair(draw(rng, 6, 1, 0.2), draw(rng, 6, 1.1, 0.2)), Unsure},
		{"constants", pair(flat(5, 3), flat(7, 3)), Same},
		{"constants that differ", pair(flat(5, 3), flat(7, 4)), Up},
		{"too few", pair(draw(rng, 4, 1, 0.01), draw(rng, 9, 1, 0.01)), ""},
		{"nothing", Metric{}, ""},
		{"zeros", pair([]float64{0, 0, 0, 1, 1}, flat(5, 1)), ""},
		{"a stray zero", pair(append(draw(rng, 30, 1, 0.01), 0), draw(rng, 30, 1.15, 0.01)), Up},
		{"negatives", pair([]float64{-1, -1, -1, 1, 1}, flat(5, 1)), ""},
		{"far too small to add up", pair(flat(5, 5e-324), flat(5, 5e-324)), Same},
		{"extremes", pair(flat(5, 1e-300), flat(5, 1e300)), Up},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := one(tt.m)
			if r.Outcome != tt.want {
				t.Errorf("%q, want %q: %+v", r.Outcome, tt.want, r)
			}
			for _, v := range []float64{r.Low, r.P, r.Adjusted, r.Within, r.Between, r.Effective[0], r.Effective[1]} {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Errorf("not finite: %+v", r)
				}
			}
		})
	}
	if r := one(tests[3].m); !r.Real {
		t.Errorf("3%% with 100 samples is real: %+v", r)
	}
}

// A clock that cannot tell 0 from its tick.
func TestTick(t *testing.T) {
	t.Parallel()
	m := pair([]float64{0, 1, 1, 0, 1, 1}, []float64{1, 1, 0, 1, 1, 1})
	m.Tick = 1
	if r := one(m); r.Outcome != Unsure {
		t.Errorf("%+v", r)
	}
	// Values of one tick are as far apart as their rounding at least.
	m = pair(slices.Repeat([]float64{10}, 8), slices.Repeat([]float64{11}, 8))
	m.Tick = 1
	if r := one(m); r.Within < 0.02 {
		t.Errorf("spread %v of values of 10 ticks", r.Within)
	}
}

func TestMinChange(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 3))
	m := pair(draw(rng, 30, 1e-3, 0.01), draw(rng, 30, 1.3e-3, 0.01))
	m.MinChange = 1e-3
	if r := one(m); r.Outcome != Same {
		t.Errorf("a third of what matters is %q", r.Outcome)
	}
	m.MinChange = 1e-4
	if r := one(m); r.Outcome != Up {
		t.Errorf("three times what matters is %q", r.Outcome)
	}
}

// A baseline of runs of one sample each tells what a run may be.
func TestSingleValues(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 5))
	for factor, want := range map[float64]Outcome{1: Same, 1.5: Up} {
		m := Metric{Current: [][]float64{{factor}}, Threshold: 0.1}
		for range 10 {
			m.Baseline = append(m.Baseline, draw(rng, 1, 1, 0.01))
		}
		if r := one(m); r.Outcome != want || r.BetweenFrom != FromRuns {
			t.Errorf("%v beside ten runs of 1: %+v", factor, r)
		}
		m.Baseline = m.Baseline[:4]
		if r := one(m); r.Outcome != "" {
			t.Errorf("four runs are too few: %+v", r)
		}
	}
}

// A metric with one sample a run is judged by its own runs, however noisy the
// metrics beside it are.
func TestSingleValuesBesideNoise(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(11, 11))
	var list []Metric
	for range 20 {
		m := Metric{Current: [][]float64{draw(rng, 10, 1, 0.2)}, Threshold: 0.05}
		for range 10 {
			m.Baseline = append(m.Baseline, draw(rng, 10, 1, 0.2))
		}
		list = append(list, m)
	}
	quiet := func(deviation, factor float64) Metric {
		m := Metric{Current: [][]float64{draw(rng, 1, factor, deviation)}, Threshold: 0.05}
		for range 10 {
			m.Baseline = append(m.Baseline, draw(rng, 1, 1, deviation))
		}
		return m
	}
	list = append(list, quiet(0, 1.2), quiet(0.002, 1.5), quiet(0.01, 1.5), quiet(0.002, 1))
	got := Compare(list, Options{})
	for i, want := range []Outcome{Up, Up, Up, Same} {
		if r := got[20+i]; r.Outcome != want {
			t.Errorf("quiet metric %d: %+v, want %s", i, r, want)
		}
	}
}

// Where the other metrics say that runs do not differ at all, single values are
// held to what they differ by themselves.
func TestSingleValuesBesideTheSame(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(16, 16))
	var list []Metric
	for range 20 {
		run := draw(rng, 10, 1, 0.2)
		list = append(list, Metric{Baseline: slices.Repeat([][]float64{run}, 10), Current: [][]float64{run}, Threshold: 0.05})
	}
	m := Metric{Current: [][]float64{{1}}, Threshold: 0.05}
	var logs []float64
	for range 10 {
		v := draw(rng, 1, 1, 0.02)
		m.Baseline, logs = append(m.Baseline, v), append(logs, math.Log(v[0]))
	}
	r := Compare(append(list, m), Options{})[20]
	if want := math.Sqrt(stat.Variance(logs)); math.Abs(r.Between/want-1) > 1e-9 {
		t.Errorf("runs that differ by %v are said to by %v", want, r.Between)
	}
}

// Half of a suite that changed by one amount is two clusters, not noise between
// runs; noise between runs is one.
func TestHalfOfTheSuite(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(12, 12))
	found, alarms := 0, 0
	const suites = 20
	for range suites {
		var list []Metric
		for i := range 50 {
			factor := 1.0
			if i%2 == 0 {
				factor = 1.1
			}
			list = append(list, pair(draw(rng, 10, 1, 0.025), draw(rng, 10, factor, 0.025)))
		}
		for i, r := range Compare(list, Options{}) {
			switch {
			case i%2 == 0 && r.Outcome == Up:
				found++
			case i%2 == 1 && r.Outcome != Same && r.Outcome != Unsure:
				alarms++
			}
		}
	}
	if found < suites*25*9/10 || alarms > suites {
		t.Errorf("%d of %d changes found, %d false", found, suites*25, alarms)
	}
	d := make([]float64, 50)
	for i := range d {
		d[i] = rng.NormFloat64()
	}
	one := slices.Clone(d)
	if together(one); !slices.Equal(one, d) {
		t.Error("one cluster was taken for two")
	}
}

// random returns a suite with ties, unequal sizes and several runs.
func random(rng *rand.Rand) []Metric {
	list := make([]Metric, 1+rng.IntN(30))
	families := noise.Families()
	k := 1 + rng.IntN(3)
	for i := range list {
		f := families[rng.IntN(len(families))]
		level, deviation := 1+rng.Float64(), 0.05*rng.Float64()
		side := func(runs int, factor float64) (out [][]float64) {
			for range runs {
				out = append(out, f.At(rng, 5+rng.IntN(20), level*factor, deviation))
			}
			return out
		}
		list[i] = Metric{Baseline: side(k, 1), Current: side(1+rng.IntN(2), 1+0.2*(rng.Float64()-0.5)), Tick: f.Tick, Threshold: 0.05}
	}
	return list
}

func swapped(list []Metric) []Metric {
	out := slices.Clone(list)
	for i := range out {
		out[i].Baseline, out[i].Current = out[i].Current, out[i].Baseline
	}
	return out
}

// Swapping the sides mirrors the result, exactly where it is a difference.
func TestMirror(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(6, 6))
	mirror := map[Outcome]Outcome{Up: Down, Down: Up, Same: Same, Unsure: Unsure}
	for range 200 {
		list := random(rng)
		forth, back := Compare(list, Options{}), Compare(swapped(list), Options{})
		for i, f := range forth {
			g := back[i]
			if g.Outcome != mirror[f.Outcome] || g.P != f.P || g.Adjusted != f.Adjusted || g.Samples != f.Samples || g.SmallestEffect != f.SmallestEffect {
				t.Fatalf("%+v one way, %+v the other", f, g)
			}
			if math.Abs(f.Ratio*g.Ratio-1) > 1e-15 || math.Abs(f.Low*g.High-1) > 1e-15 || math.Abs(f.High*g.Low-1) > 1e-15 {
				t.Fatalf("%v, %v to %v one way, %v, %v to %v the other", f.Ratio, f.Low, f.High, g.Ratio, g.Low, g.High)
			}
		}
	}
}

// The results do not depend on the order of the metrics, to the last bit, and
// the arguments are left as they were.
func TestOrder(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 7))
	for range 50 {
		list := random(rng)
		before := fmt.Sprint(list)
		want := Compare(list, Options{})
		if fmt.Sprint(list) != before {
			t.Fatal("the arguments were changed")
		}
		perm := rng.Perm(len(list))
		shuffled := make([]Metric, len(list))
		for i, p := range perm {
			shuffled[i] = list[p]
		}
		got := Compare(shuffled, Options{})
		for i, p := range perm {
			if diff := cmp.Diff(want[p], got[i]); diff != "" {
				t.Fatalf("metric %d (-want +got):\n%s", p, diff)
			}
		}
	}
}

// A metric that is called changed stays so where it changed by more, and one
// that is not called changed does not become so where it changed by less.
func TestMonotone(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(13, 13))
	calls := 0
	for range 60 {
		list := random(rng)
		for i := range list {
			for len(list[i].Baseline) < 3 {
				list[i].Baseline = append(list[i].Baseline, list[i].Baseline[0])
			}
			list[i].Tick = 0
		}
		at := rng.IntN(len(list))
		m := &list[at]
		current := m.Current
		called, least := false, 0.0
		for factor := 0.9; factor < 1.5; factor *= 1.02 {
			m.Current = nil
			for _, run := range current {
				scaled := slices.Clone(run)
				for i := range scaled {
					scaled[i] *= factor
				}
				m.Current = append(m.Current, scaled)
			}
			switch r := Compare(list, Options{})[at]; {
			case r.Outcome == Up:
				called, least, calls = true, r.P, calls+1
			case called:
				t.Fatalf("called changed with a p-value of %v, and not with more: %+v", least, r)
			}
		}
	}
	if calls < 200 {
		t.Errorf("%d calls are too few to tell", calls)
	}
}

// Where the rest of a suite went up, a metric that did is called sooner than
// one that went down by the same amount.
func TestWays(t *testing.T) {
	t.Parallel()
	if w := (ways{}); w.part(0) != 0.5 || w.part(1) != 0.5 {
		t.Errorf("of nothing, parts of %v and %v", w.part(0), w.part(1))
	}
	if w := (ways{1, 5}); w.part(0) != 0.25 || w.part(1) != 0.75 { // by hand
		t.Errorf("of 1 and 5, parts of %v and %v", w.part(0), w.part(1))
	}
	rng := rand.New(rand.NewPCG(14, 14))
	var list []Metric
	for i := range 40 {
		m := Metric{Threshold: 0.05}
		for range 4 {
			m.Baseline = append(m.Baseline, draw(rng, 10, 1, 0.03))
		}
		factor := 1.0
		if i >= 20 {
			factor = 1.3
		}
		m.Current = [][]float64{draw(rng, 10, factor, 0.03)}
		list = append(list, m)
	}
	reciprocal := func(runs [][]float64) (out [][]float64) {
		for _, run := range runs {
			values := slices.Clone(run)
			for i := range values {
				values[i] = 1 / values[i]
			}
			out = append(out, values)
		}
		return out
	}
	up := Metric{Threshold: 0.05, Baseline: list[0].Baseline, Current: [][]float64{draw(rng, 10, 1.12, 0.03)}}
	down := Metric{Threshold: 0.05, Baseline: reciprocal(up.Baseline), Current: reciprocal(up.Current)}
	got := Compare(append(list, up, down), Options{})[40:]
	if math.Abs(got[0].P/got[1].P-1) > 1e-9 || got[0].Adjusted >= got[1].Adjusted {
		t.Errorf("up: p %v, adjusted %v; down: p %v, adjusted %v", got[0].P, got[0].Adjusted, got[1].P, got[1].Adjusted)
	}
}

// Words and numbers agree.
func TestWordsFitNumbers(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(8, 8))
	for range 100 {
		for _, r := range Compare(random(rng), Options{}) {
			const up = 1.05
			ok := r.Low <= r.Ratio && r.Ratio <= r.High && r.P > 0 && r.P <= 1 && r.Adjusted <= 1
			switch r.Outcome {
			case Up:
				ok = ok && r.Low > 1 && r.Ratio > up
			case Down:
				ok = ok && r.High < 1 && r.Ratio < 1/up
			case Same:
				ok = ok && r.Low >= 1/up-1e-12 && r.High <= up+1e-12
			case Unsure:
				ok = ok && r.SmallestEffect > 0.05
			default:
				ok = false
			}
			if !ok {
				t.Fatalf("%+v", r)
			}
		}
	}
}

// The interval covers the truth as often as it says, for one metric and for
// many, with one run a side and with several.
func TestCoverage(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(9, 9))
	for _, tt := range []struct {
		name                 string
		metrics, runs, count int
		offset               float64
	}{{"one", 1, 1, 1500, 0}, {"suite", 30, 1, 50, 0}, {"several runs", 30, 4, 50, 0.015}, {"several runs of one", 1, 8, 1500, 0.015}} {
		covered, total := 0, 0
		for range tt.count {
			list := make([]Metric, tt.metrics)
			for i := range list {
				run := func(level float64) []float64 {
					return draw(rng, 12, level*math.Exp(tt.offset*rng.NormFloat64()), 0.02)
				}
				for range tt.runs {
					list[i].Baseline = append(list[i].Baseline, run(1))
				}
				list[i].Current, list[i].Threshold = [][]float64{run(1.02)}, 0.05
			}
			for _, r := range Compare(list, Options{}) {
				total++
				if r.Low <= 1.02 && 1.02 <= r.High {
					covered++
				}
			}
		}
		if share := float64(covered) / float64(total); share < 0.93 || share > 0.99 {
			t.Errorf("%s: %.1f%% of %d intervals cover the truth, want about 95%%", tt.name, 100*share, total)
		}
	}
}

// What it would take, if it is given, is about what it takes.
func TestNeeded(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(10, 10))
	unsure, decided := 0, 0
	for range 200 {
		r := one(pair(draw(rng, 8, 1, 0.06), draw(rng, 8, 1, 0.06)))
		if r.Outcome != Unsure || r.Samples == 0 || r.Samples > 5000 {
			continue
		}
		unsure++
		if r.Samples <= 8 {
			t.Fatalf("8 samples could not tell, and %d should: %+v", r.Samples, r)
		}
		if more := one(pair(draw(rng, r.Samples, 1, 0.06), draw(rng, r.Samples, 1, 0.06))); more.Outcome == Same {
			decided++
		}
	}
	if unsure < 100 || decided < unsure/2 {
		t.Errorf("of %d that could not tell, %d could with what it should take", unsure, decided)
	}
}

// Of a constant suite nothing is learnt, and nothing breaks.
func TestDegenerateSuites(t *testing.T) {
	t.Parallel()
	list := make([]Metric, 40)
	for i := range list {
		list[i] = pair([]float64{2, 2, 2, 2, 2}, []float64{2, 2, 2, 2, 2})
	}
	list[7] = pair([]float64{2, 2, 2, 2, 2}, []float64{3, 3, 3, 3, 3})
	for i, r := range Compare(list, Options{}) {
		want := Same
		if i == 7 {
			want = Up
		}
		if r.Outcome != want || math.IsNaN(r.Low) || math.IsNaN(r.P) {
			t.Errorf("metric %d: %+v", i, r)
		}
	}
	// Constants of one sample a run beside runs that differ by less than their
	// samples do: nothing says how much runs differ.
	rng := rand.New(rand.NewPCG(15, 15))
	for i := range list {
		values := []float64{2}
		if i%2 == 0 {
			values = draw(rng, 5, 2, 0.2)
		}
		list[i] = Metric{Baseline: slices.Repeat([][]float64{values}, 5), Current: [][]float64{values}, Threshold: 0.05}
	}
	forth := Compare(list, Options{})
	slices.Reverse(list)
	back := Compare(list, Options{})
	slices.Reverse(back)
	if diff := cmp.Diff(forth, back); diff != "" {
		t.Errorf("in the reverse order (-want +got):\n%s", diff)
	}
	for i, r := range forth {
		if i%2 == 1 && r.Outcome != Same || math.IsNaN(r.P) || math.IsNaN(r.Low) {
			t.Errorf("runs that are the same, metric %d: %+v", i, r)
		}
	}
	if got := Compare(nil, Options{}); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func BenchmarkCompare(b *testing.B) {
	for _, size := range [][2]int{{100, 30}, {1000, 30}, {100, 300}, {10, 10000}} {
		b.Run(fmt.Sprintf("metrics=%d/samples=%d", size[0], size[1]), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 1))
			list := make([]Metric, size[0])
			for i := range list {
				list[i] = pair(draw(rng, size[1], 1, 0.03), draw(rng, size[1], 1, 0.03))
			}
			b.ReportAllocs()
			for b.Loop() {
				Compare(list, Options{})
			}
		})
	}
}
