package policy

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// made is a run of made-up metrics.
func made(metrics ...run.Metric) *run.Run {
	return &run.Run{App: "app", Version: "1.2", Metrics: metrics}
}

func metric(name, unit string, samples ...float64) run.Metric {
	return run.Metric{Name: name, Unit: unit, Samples: samples}
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	var runs []*run.Run
	// The relative steps of startup have the median 0.04 of the median 1, so
	// the deviation is 1.4826·0.04/√2 = 4.2 %: 13 % are three of them.
	for _, x := range []float64{1, 1.04, 1, 0.96, 1, 1.04, 1} {
		runs = append(runs, made(
			metric("startup", "s", x),
			metric("table.filter", "s", 0.2, 0.2),
			run.Metric{Name: "table.filter", Unit: "s", Labels: map[string]string{"rows": "9"}, Samples: []float64{0.0101}},
			metric("track/search", "s", 0.1),
			metric("go.heap", "bytes", 1),
			metric("processing.speed", "items/s", 875*x),
			run.Metric{Name: "process.cpu", Unit: "s", Resolution: 0.01, Samples: []float64{0.05}},
			metric("frames", "frames", 60), // nobody knows what is better
		))
	}
	runs[6].Metrics = append(runs[6].Metrics, metric("late", "s", 1))
	got, err := Suggest(runs)
	if err != nil {
		t.Fatal(err)
	}
	want := `# Suggested from 7 comparable runs.
app: app
budgets:
  process.cpu:            {target: 55ms}         # +10%; the worst median of 7 runs is 50.00ms; runs differ by 0.0%
  processing.speed:       {target: 730 items/s}  # -13%; the worst median of 7 runs is 840 items/s; runs differ by 4.2%
  startup:                {target: 1.2s}         # +15%; the worst median of 7 runs is 1.04s; runs differ by 4.2%
  table.filter:           {target: 220ms}        # +10%; the worst p95 of 7 runs is 200.00ms; runs differ by 0.0%
  "table.filter{rows=9}": {target: 12ms}         # +19%; the worst p95 of 7 runs is 10.10ms; runs differ by 0.0%
thresholds:
  process.cpu:      {min_change: 20ms}  # it is read in steps of 10.00ms
  processing.speed: {change: 13%}       # 7 runs differ by 4.2%
  startup:          {change: 13%}       # 7 runs differ by 4.2%
# Metrics for which the default threshold is enough: 5.
# In too few runs (5 are needed): late (1)
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	p, err := Read(bytes.NewReader(got), "pacer.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range runs {
		v, err := judge.Judge(judge.Case{Current: r, Baseline: judge.Baseline{First: true}, Policy: p})
		if err != nil || v.Verdict != judge.Pass {
			t.Errorf("a run that it was made from: %s %q, %v", v.Verdict, v.Reasons, err)
		}
	}
	var few *TooFewError
	if _, err := Suggest(runs[:4]); !errors.As(err, &few) || few.Have != 4 {
		t.Errorf("error = %v; want a TooFewError", err)
	}
}

// Whatever was measured, what is suggested reads, and fits every run that it
// was made from.
func TestSuggestLaws(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(4, 1))
	units := []string{"s", "bytes", "items/s", "count", "ratio", "MB/s"}
	for range 200 {
		names := []string{"a", "b.c", "on", "{x}", "*", "é: #", "c,d=e"}
		scale := math.Pow(10, float64(rng.IntN(14)-7))
		var runs []*run.Run
		for range MinRuns + rng.IntN(5) {
			r := &run.Run{}
			for i, name := range names {
				m := metric(name, units[i%len(units)], scale*rng.ExpFloat64(), scale*rng.ExpFloat64())
				if i%2 == 0 {
					m.Labels = map[string]string{"k": names[(i+1)%len(names)]}
				}
				r.Metrics = append(r.Metrics, m)
			}
			runs = append(runs, r)
		}
		text, err := Suggest(runs)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Read(bytes.NewReader(text), "p")
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if len(p.Budgets) == 0 {
			t.Fatalf("no budgets:\n%s", text)
		}
		for _, r := range runs {
			v, err := judge.Judge(judge.Case{Current: r, Baseline: judge.Baseline{First: true}, Policy: p})
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			for _, m := range v.Metrics {
				if m.Budget != nil && m.Budget.Status != judge.Within {
					t.Fatalf("%s is %s\n%s", m.Key(), m.Budget.Status, text)
				}
			}
		}
	}
}

// The deviation is that of the noise, whatever steps and spikes are in it.
func TestNoise(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(4, 2))
	values := make([]float64, 2000)
	for i := range values {
		values[i] = 10 + 0.2*rng.NormFloat64()
		if i > 900 {
			values[i]++ // a step of five deviations
		}
		if i%50 == 0 {
			values[i] *= 3
		}
	}
	// 2 % of a center that is between 10 and 11; 2000 steps give it to 5 %.
	if got := noise(values); got < 0.0175 || got > 0.0215 {
		t.Errorf("noise = %v", got)
	}
	if got := noise([]float64{5, 5, 5}); got != 0 {
		t.Errorf("noise of equal values = %v", got)
	}
	if got := noise([]float64{10, 10, 10, 11, 11, 11}); got == 0 {
		t.Error("a count that moved once has no noise at all")
	}
	for _, none := range [][]float64{nil, {1}, {0, 0, 0}, {-1, -1}} {
		if got := noise(none); !math.IsNaN(got) {
			t.Errorf("noise(%v) = %v", none, got)
		}
	}
}

func TestQuantityText(t *testing.T) {
	t.Parallel()
	tests := []struct {
		v    float64
		unit string
		up   bool
		want string
	}{
		{0.2061, "s", true, "210ms"},
		{0.2, "s", true, "200ms"},
		{1.301, "s", true, "1.4s"},
		{90, "s", true, "90s"},
		{9.96e-4, "s", true, "1000us"},
		{3e-10, "s", true, "0.3ns"},
		{130.5 * (1 << 20), "bytes", true, "140MB"},
		{100, "bytes", true, "100B"},
		{878, "items/s", false, "870 items/s"},
		{0.0123, "ratio", true, "0.013"},
		{0, "s", true, ""},
		{math.Inf(1), "s", true, ""},
	}
	for _, tt := range tests {
		if got := quantityText(tt.v, tt.unit, tt.up); got != tt.want {
			t.Errorf("quantityText(%v, %q, %v) = %q; want %q", tt.v, tt.unit, tt.up, got, tt.want)
		}
	}
}

func TestLint(t *testing.T) {
	t.Parallel()
	p, err := Read(strings.NewReader(`budgets:
  startup: {target: 2s}
  tabel.filter: {target: 2s}
  "gone.*": {target: 2s}
  memory.peak: {target: 2s}
thresholds:
  "table.filter{rows=1}": {change: 8%}
  frames: {ignore: true}
`), "p")
	if err != nil {
		t.Fatal(err)
	}
	p.Waivers, err = ReadWaivers(strings.NewReader(`waivers:
  - {metric: startup, reason: long enough, until: 2026-11-01}
  - {metric: startup, reason: long enough, until_version: "1.2"}
  - {metric: startup, reason: long enough, worse_by: 5%}
  - {metric: strtup, reason: long enough, worse_by: 5%}
`), "w")
	if err != nil {
		t.Fatal(err)
	}
	labelled := metric("table.filter", "s", 1)
	labelled.Labels = map[string]string{"rows": "1000"}
	runs := []*run.Run{made(metric("startup", "s", 1), metric("frames", "", 1), labelled), made(metric("memory.peak", "bytes", 1), metric("other", "s", 1), metric("startup", "s", 2))}
	want := Findings{
		Rules: []Finding{
			{"p:3:3", "budget", "tabel.filter", "matches no metric"},
			{"p:4:3", "budget", "gone.*", "matches no metric"},
			{"p:7:3", "threshold", "table.filter{rows=1}", "matches no metric: did you mean table.filter{rows=1000}?"},
			{"w:2:5", "waiver", "startup", "it ended with 2026-11-01"},
			{"w:3:5", "waiver", "startup", "it was for versions before 1.2, this is 1.2"},
			{"w:5:5", "waiver", "strtup", "matches no metric: did you mean startup?"},
			{"p:5:3", "rule", "memory.peak", `memory.peak is measured in "bytes", not in "s": write 500MB`},
		},
		Metrics: []string{"other", "table.filter{rows=1000}"},
	}
	got := Lint(p, runs, day(2026, time.November, 23))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := Lint(judge.Policy{}, nil, time.Time{}); len(got.Rules)+len(got.Metrics) != 0 {
		t.Errorf("nothing to look at: %+v", got)
	}
}

func TestNearestMetrics(t *testing.T) {
	t.Parallel()
	keys := []string{"startup", "startup.ui", "table.filter{rows=1000}", "table.filter{rows=10}", "track.process"}
	for in, want := range map[judge.Pattern]string{
		"tabel.filter{rows=10}": "[table.filter{rows=10} table.filter{rows=1000}]",
		"table.filter{cols=1}":  "[table.filter{rows=1000} table.filter{rows=10}]",
		"track.proces":          "[track.process]",
		"nothing.like.it":       "[]",
	} {
		if got := fmt.Sprint(NearestMetrics(in, keys)); got != want {
			t.Errorf("NearestMetrics(%s) = %s; want %s", in, got, want)
		}
	}
}

func BenchmarkSuggest(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprintf("metrics=%d", n), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(4, 3))
			var runs []*run.Run
			for range 30 {
				r := &run.Run{}
				for i := range n {
					m := metric(fmt.Sprintf("m.%d", i), "s")
					for range 30 {
						m.Samples = append(m.Samples, rng.ExpFloat64())
					}
					r.Metrics = append(r.Metrics, m)
				}
				runs = append(runs, r)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Suggest(runs); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
