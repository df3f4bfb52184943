package judge

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pacer-perf/pacer/run"
)

// Rounds that differ more than their samples do are told as what they are: an
// offset of a round is noise, and only what all rounds have is a change.
func TestRounds(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(11, 12))
	rounds := func(levels ...float64) []*run.Run {
		list := make([]*run.Run, len(levels))
		for i, level := range levels {
			m := run.Metric{Name: "op", Unit: "s", Better: run.Lower}
			for range 100 {
				m.Samples = append(m.Samples, level*(1+0.005*rng.NormFloat64()))
			}
			list[i] = &run.Run{ID: fmt.Sprint(level, i), App: "a", Metrics: []run.Metric{m}}
		}
		return list
	}
	merge := func(list []*run.Run) *run.Run {
		all := make([]run.Run, len(list))
		for i, r := range list {
			all[i] = *r
		}
		whole, err := run.Merge(all...)
		if err != nil {
			t.Fatal(err)
		}
		return &whole
	}
	base := rounds(1, 1.12, 0.93, 1.06, 0.97, 1.1)
	for _, tt := range []struct {
		name   string
		levels []float64
		want   Change
	}{
		{"offsets", []float64{1.14, 1.02, 1.18, 0.98, 1.09, 1.11}, Inconclusive},
		{"a change of all", []float64{1.5, 1.62, 1.43, 1.56, 1.47, 1.6}, Regressed},
	} {
		current := rounds(tt.levels...)
		v, err := Judge(Case{Current: merge(current), Rounds: current, Baseline: Baseline{Runs: base}})
		if err != nil {
			t.Fatal(err)
		}
		m := v.Metrics[0]
		if m.Change != tt.want || m.N != [2]int64{600, 600} || m.Test.BetweenFrom != "the runs themselves" {
			t.Errorf("%s: %s, n %v, noise from %s", tt.name, m.Change, m.N, m.Test.BetweenFrom)
		}
	}
}
