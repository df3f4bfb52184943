package judge

import (
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/twosample"
	"github.com/pacer-perf/pacer/run"
)

// A regression of a few samples says that it was told without statistics; one of
// single values, of which more is not asked, does not.
func TestFewSamplesAreSaid(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]bool{1: false, 2: true, twosample.EnoughSamples - 1: true, twosample.EnoughSamples: false} {
		of := func(v float64) *run.Run {
			samples := make([]float64, n)
			for i := range samples {
				samples[i] = v * (1 + 0.001*float64(i))
			}
			return &run.Run{App: "a", Metrics: []run.Metric{{Name: "x", Unit: "s", Samples: samples}}}
		}
		v, err := Judge(Case{Current: of(2), Baseline: Baseline{Runs: []*run.Run{of(1)}}})
		if err != nil {
			t.Fatal(err)
		}
		m := v.Metrics[0]
		said := strings.Contains(strings.Join(m.Reasons, "\n"), "noise may be all there is to it")
		if m.Change != Regressed || said != want {
			t.Errorf("%d samples: %s, %q", n, m.Change, m.Reasons)
		}
	}
}

func TestRoundUp(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "0", 0.123: "0.13", 4.0: "4", 91.2: "92", 487: "490", 12900: "13000", 1e6: "1000000"} {
		if got := roundUp(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
}
