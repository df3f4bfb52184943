package main

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/run"
)

func TestRunHints(t *testing.T) {
	t.Parallel()
	steady := []float64{1, 1.01, 0.99, 1, 1.02, 0.98, 1, 1.01, 0.99, 1}
	with := func(values []float64, change func([]float64)) []float64 {
		values = slices.Clone(values)
		change(values)
		return values
	}
	cold := with(steady, func(v []float64) { v[0] = 3 })
	disturbed := with(steady, func(v []float64) { v[4], v[7] = 2.3, 1.7 })
	tests := []struct {
		name   string
		warmup int
		runs   [][]float64
		want   string
	}{
		{name: "steady", runs: [][]float64{steady}},
		{name: "one", runs: [][]float64{{1}}, want: "hint: one repetition tells little about noise: --runs 10\n"},
		{name: "too few to tell", runs: [][]float64{{3, 1, 1, 1}}},
		{name: "a slow first", runs: [][]float64{cold}, want: "hint: the first took 3.0x as long as the others: cold caches? --warmup 1\n"},
		{name: "warmed up too little", warmup: 1, runs: [][]float64{cold}, want: "hint: the first took 3.0x as long as the others: cold caches? --warmup 2\n"},
		{name: "a fast first", runs: [][]float64{with(steady, func(v []float64) { v[0] = 0.1 })}},
		{name: "disturbed", runs: [][]float64{disturbed}, want: "hint: 2 of 10 took up to 2.3x the median: is the machine busy? pacer doctor\n"},
		{name: "both", runs: [][]float64{append(slices.Clone(disturbed), steady...), with(append(slices.Clone(disturbed), steady...), func(v []float64) { v[0] = 9 })},
			want: "hint: {n=1}: the first took 9.0x as long as the others: cold caches? --warmup 1\n" +
				"hint: {n=0}: 2 of 20 took up to 2.3x the median: is the machine busy? pacer doctor (1 more like it)\n"},
	}
	for _, tt := range tests {
		var list []*run.Run
		for i, values := range tt.runs {
			list = append(list, &run.Run{Labels: map[string]string{"n": string('0' + rune(i))}, Metrics: []run.Metric{
				{Name: wallMetric, Unit: "s", Better: run.Lower, Samples: values}, {Name: cpuMetric, Unit: "s", Better: run.Lower, Samples: values}}})
		}
		var out bytes.Buffer
		runHints(&out, list, tt.warmup)
		if diff := cmp.Diff(tt.want, out.String()); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.name, diff)
		}
	}
}

// Nothing is said of what merely differs, however much.
func TestRunHintsQuiet(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(16, 7))
	for _, n := range []int{5, 10, 100} {
		for _, spread := range []float64{0.005, 0.05, 0.2} {
			const sessions = 2000
			first, far := 0, 0
			for range sessions {
				values := make([]float64, n)
				for i := range values {
					values[i] = math.Exp(spread * rng.NormFloat64())
				}
				if slowFirst(values) > 0 {
					first++
				}
				if n, _ := outliers(values); n > 0 {
					far++
				}
			}
			if first > sessions/50 || far > sessions/50 {
				t.Errorf("of %d sessions of %d that differ by %v: %d slow first ones, %d with outliers", sessions, n, spread, first, far)
			}
		}
	}
}
