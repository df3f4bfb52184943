package judge

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/run"
)

// sampledRun returns a run of n metrics with samples each, full of ties.
func sampledRun(rng *rand.Rand, n, samples int, factor float64) *run.Run {
	r := &run.Run{App: "a"}
	for i := range n {
		m := run.Metric{Name: fmt.Sprint("op", i), Unit: "s", Resolution: 0.01}
		for range samples {
			v := (1 + float64(i)) * factor * (1 + 0.02*rng.NormFloat64())
			m.Samples = append(m.Samples, math.Round(v*100)/100)
		}
		r.Metrics = append(r.Metrics, m)
	}
	return r
}

// Swapping the sides mirrors every change and every number, with ties and
// unequal sizes.
func TestMirror(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 7))
	mirror := map[Change]Change{Regressed: Improved, Improved: Regressed, Unchanged: Unchanged, Inconclusive: Inconclusive}
	seen := make(map[Change]bool)
	for range 60 {
		a := sampledRun(rng, 6, 5+rng.IntN(20), 1)
		b := sampledRun(rng, 6, 5+rng.IntN(20), 1+0.3*(rng.Float64()-0.5))
		forth, err1 := Judge(Case{Current: b, Baseline: Baseline{Runs: []*run.Run{a}}})
		back, err2 := Judge(Case{Current: a, Baseline: Baseline{Runs: []*run.Run{b}}})
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		for i := range forth.Metrics {
			f, g := &forth.Metrics[i], &back.Metrics[i]
			seen[f.Change] = true
			if mirror[f.Change] != g.Change {
				t.Fatalf("%s one way, %s the other", f.Change, g.Change)
			}
			if f.Test.Rule != ByStatistics {
				t.Fatalf("told by %s", f.Test.Rule)
			}
			if *f.Test.P != *g.Test.P || *f.Test.Adjusted != *g.Test.Adjusted || math.Log(*f.Ratio) != 0 && math.Abs(*f.Ratio**g.Ratio-1) > 1e-15*4 ||
				math.Abs(f.Interval[0]*g.Interval[1]-1) > 1e-15*4 || math.Abs(f.Interval[1]*g.Interval[0]-1) > 1e-15*4 {
				t.Fatalf("%v %v %v one way, %v %v %v the other", *f.Test.P, *f.Ratio, *f.Interval, *g.Test.P, *g.Ratio, *g.Interval)
			}
		}
	}
	for change := range mirror {
		if !seen[change] {
			t.Errorf("nothing was %s: the test shows nothing of it", change)
		}
	}
}

// The words fit the numbers that are printed beside them.
func TestWordsFitNumbers(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(8, 8))
	for range 40 {
		v, err := Judge(Case{Current: sampledRun(rng, 20, 12, 1+0.2*rng.Float64()), Baseline: Baseline{Runs: []*run.Run{sampledRun(rng, 20, 9, 1)}}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range v.Metrics {
			m := &v.Metrics[i]
			lo, hi := m.Interval[0], m.Interval[1]
			if !(lo <= *m.Ratio && *m.Ratio <= hi) {
				t.Fatalf("%v is not between %v and %v", *m.Ratio, lo, hi)
			}
			switch m.Change {
			case Regressed:
				if lo <= 1 || *m.Ratio <= 1+DefaultThreshold {
					t.Fatalf("regressed at %v, %v to %v", *m.Ratio, lo, hi)
				}
			case Improved:
				if hi >= 1 || *m.Ratio >= 1/(1+DefaultThreshold) {
					t.Fatalf("improved at %v, %v to %v", *m.Ratio, lo, hi)
				}
			case Unchanged:
				if lo < 1/(1+DefaultThreshold) || hi > 1+DefaultThreshold {
					t.Fatalf("unchanged at %v, %v to %v", *m.Ratio, lo, hi)
				}
			case Inconclusive:
				if m.Needed == nil || m.Needed.SmallestEffect <= 0 {
					t.Fatalf("inconclusive, and nothing said of what is needed: %+v", m.Needed)
				}
			}
		}
	}
}

// Same input, same bytes, whatever the order of the metrics, with statistics.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(9, 9))
	runs := []*run.Run{sampledRun(rng, 30, 10, 1), sampledRun(rng, 30, 10, 1.01), sampledRun(rng, 30, 10, 1.08)}
	var first string
	for range 20 {
		for _, r := range runs {
			rng.Shuffle(len(r.Metrics), func(i, j int) { r.Metrics[i], r.Metrics[j] = r.Metrics[j], r.Metrics[i] })
		}
		v, err := Judge(Case{Current: runs[2], Baseline: Baseline{Runs: runs[:2]}})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = string(text)
		}
		if string(text) != first {
			t.Fatalf("differs:\n%s\n%s", first, text)
		}
	}
}

// A self-test of data that can be told apart says that the gate works, and on
// single values that it needs more than 20 percent.
func TestSelfTest(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(10, 10))
	calls := 0
	s, err := NewSelfTest(Case{Current: sampledRun(rng, 5, 20, 1)}, func(int) error { calls++; return nil })
	if err != nil || calls != SelfTestTrials || len(s.Warnings) != 0 {
		t.Fatalf("%+v after %d calls, %v", s, calls, err)
	}
	if first, last := s.Sizes[0], s.Sizes[len(s.Sizes)-1]; first.Failed > 0.1 || last.Failed != 1 || last.Metric != 1 {
		t.Errorf("unchanged copies fail in %v, doubled ones in %v", first.Failed, last.Failed)
	}
	again, _ := NewSelfTest(Case{Current: sampledRun(rand.New(rand.NewPCG(10, 10)), 5, 20, 1)}, nil)
	if fmt.Sprint(s.Sizes) != fmt.Sprint(again.Sizes) {
		t.Error("the same data gives another answer")
	}
	s, err = NewSelfTest(Case{Current: flat(1, 1, 1)}, nil)
	if err != nil || len(s.Metrics) != 3 || *s.Metrics[0].Least != 0.5 || s.Sizes[3].Failed != 0 || !strings.Contains(s.Warnings[0], "3 metrics have a single value") {
		t.Errorf("single values: %+v, %v", s, err)
	}
	if s, _ = NewSelfTest(Case{Current: &run.Run{}}, nil); len(s.Warnings) == 0 {
		t.Error("a gate that cannot fail is not called so")
	}
}

func BenchmarkJudge(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprintf("metrics=%d", n), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 1))
			c := Case{Current: sampledRun(rng, n, 30, 1), Baseline: Baseline{Runs: []*run.Run{sampledRun(rng, n, 30, 1)}}}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Judge(c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
