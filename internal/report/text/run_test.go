package text

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/run"
)

// A run says how well its medians are known, and why there are no instructions;
// with too few repetitions there is nothing to say of the first.
func TestRun(t *testing.T) {
	t.Parallel()
	r := run.Run{ID: "r", App: "a", Timestamp: time.Unix(0, 0), Environment: &run.Environment{OS: "linux", Counters: "the machine has none"}, Metrics: []run.Metric{
		{Name: "process.cpu", Unit: "s", Better: run.Lower, Samples: []float64{0.010, 0.009, 0.010, 0.010, 0.010, 0.014}},
		{Name: "process.faults.major", Unit: "", Better: run.Lower, Samples: []float64{0, 0, 0, 0, 0, 0}},
	}}
	table := func() string {
		var out bytes.Buffer
		if err := Run(&out, &r, Options{}); err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(out.String(), "\n\n")
		return after
	}
	want := `metric                n   median  known to     min      p95      max
process.cpu           6  10.00ms     40.0%  9.00ms  13.00ms  14.00ms
process.faults.major  6        0                 0        0        0
not measured: process.instructions; no hardware counters: the machine has none
`
	if diff := cmp.Diff(want, table()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	r.Environment.Counters = "hardware"
	for i := range r.Metrics {
		r.Metrics[i].Samples = r.Metrics[i].Samples[:2]
	}
	want = `metric                n  median     min     p95      max
process.cpu           2  9.50ms  9.00ms  9.95ms  10.00ms
process.faults.major  2       0       0       0        0
`
	if diff := cmp.Diff(want, table()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Where values are long, the least of them gives way to names.
func TestRunNarrow(t *testing.T) {
	t.Parallel()
	r := run.Run{ID: "r", App: "a", Timestamp: time.Unix(0, 0), Metrics: []run.Metric{
		{Name: "process.wall", Unit: "s", Better: run.Lower, Samples: []float64{1, 2, 3}},
		{Name: "throughput", Unit: "megatracks/s", Better: run.Higher, Samples: []float64{1, 2, 3}},
	}}
	for width, want := range map[int]string{
		80: `metric        n          median                p95             max
process.wall  3           2.00s              2.90s           3.00s
throughput    3  2 megatracks/s  2.90 megatracks/s  3 megatracks/s
`,
		120: `metric        n          median             min                p95             max
`,
	} {
		var out bytes.Buffer
		if err := Run(&out, &r, Options{Width: width}); err != nil {
			t.Fatal(err)
		}
		if _, after, _ := strings.Cut(out.String(), "\n\n"); !strings.HasPrefix(after, want) {
			t.Errorf("width %d: got\n%s\nwant\n%s", width, after, want)
		}
	}
}

// A long command is broken so that a shell takes it for one line.
func TestCommandLines(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		words []string
		want  []string
	}{
		{[]string{"app"}, []string{"app"}},
		{[]string{"app", "--one", "two"}, []string{"app --one two"}},
		{[]string{"app", "--one", "two", "three"}, []string{`app --one \`, "  two three"}},
		{[]string{"app", "a word that is long"}, []string{`app \`, "  'a word that is long'"}},
	} {
		if got := commandLines(tt.words, 13); !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q, want %q", tt.words, got, tt.want)
		}
	}
}

// The least value gives way, too, where that keeps a name on its line.
func TestRunLongName(t *testing.T) {
	t.Parallel()
	r := run.Run{ID: "r", App: "a", Timestamp: time.Unix(0, 0), Metrics: []run.Metric{
		{Name: "process.wall", Unit: "s", Better: run.Lower}, {Name: "process.switches.involuntary", Unit: "s", Better: run.Lower}}}
	for i := range r.Metrics {
		for k := range 12 {
			r.Metrics[i].Samples = append(r.Metrics[i].Samples, 0.150+float64(k)/1e3)
		}
	}
	for width, want := range map[int]string{80: "metric  n  median  known to  p95  max", 82: "metric  n  median  known to  min  p95  max"} {
		var out bytes.Buffer
		if err := Run(&out, &r, Options{Width: width}); err != nil {
			t.Fatal(err)
		}
		_, table, _ := strings.Cut(out.String(), "\n\n")
		lines := strings.Split(strings.TrimSpace(table), "\n")
		if got := strings.Fields(lines[0]); !slices.Equal(got, strings.Fields(want)) || len(lines) != 3 || len(lines[1]) != len(lines[2]) || len(lines[2]) > width {
			t.Errorf("width %d:\n%s", width, table)
		}
	}
}
