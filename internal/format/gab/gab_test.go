package gab

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/format/formattest"
	"github.com/pacer-perf/pacer/run"
)

// The direction of a list is in the name of the tool; without it, the unit's.
func TestList(t *testing.T) {
	t.Parallel()
	for better, read := range map[string]formattest.Reader{"-": Read, "lower": ReadSmaller, "higher": ReadBigger} {
		r := formattest.One(t, read, "list.json")
		formattest.Want(t, r, strings.ReplaceAll(`
			frames [frames/s] BETTER: 58.25
			memory [bytes] BETTER: {"mean":25690112,"interval":[2.491940864e+07,2.646081536e+07]}
			score [points] BETTER: 90
			startup [s] BETTER: {"mean":0.4125,"interval":[0.4045,0.4205]}`, "BETTER", better))
		if better == "-" {
			formattest.Notes(t, r.Warnings, "of 1 of 4 metrics the unit does not tell")
		} else {
			formattest.Notes(t, r.Warnings)
		}
	}
}

// A history becomes its runs, in the order of time: throughput of JMH is not
// upside down, the range of pytest is in another unit.
func TestHistory(t *testing.T) {
	t.Parallel()
	runs := formattest.All(t, Read, "data.js")
	if len(runs) != 5 {
		t.Fatalf("%d runs, want 5", len(runs))
	}
	want := []struct{ commit, suite, at, metrics string }{
		{"45d78258", "Rust", "2025-12-31T15:07:00Z", `bench_fib_10 [s] lower: {"mean":2.54e-07,"interval":[2.19e-07,2.89e-07]}
			bench_fib_20 [s] lower: {"mean":3.4001e-05,"interval":[3.1199e-05,3.6803e-05]}`},
		{"45d78258", "Java", "2025-12-31T15:07:10Z", "org.example.Open [s] lower: 2.5e-06\norg.example.Parse [ops/s] higher: 1520500"},
		{"b840614f", "Rust", "2026-01-01T15:10:02Z", `bench_fib_10 [s] lower: {"mean":2.42e-07,"interval":[1.69e-07,3.15e-07]}`},
		{"b840614f", "Python", "2026-01-01T15:11:40Z", "t.py::test_fib [iter/s] higher: 41513.25"},
		{"c0ffee4f", "Python", "2026-01-02T15:11:40Z", "score [points] higher: 95"},
	}
	for i, w := range want {
		r := &runs[i]
		if !strings.HasPrefix(r.Commit, w.commit) || r.Labels["suite"] != w.suite || r.Timestamp.Format(time.RFC3339) != w.at || r.App != "shop" {
			t.Errorf("run %d: %s %v %v %s", i, r.Commit, r.Labels, r.Timestamp, r.App)
		}
		formattest.Want(t, r, w.metrics)
	}
}

func TestDeviation(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text any
		want float64
	}{{"± 3%", 6}, {"± 1.2", 1.2}, {"2.1", 2.1}, {"+/- 2,802", 2802}, {"-4", 4}, {3.5, 3.5}, {"stddev: 1", math.NaN()}, {"", math.NaN()}, {nil, math.NaN()}, {true, math.NaN()}} {
		if got := deviation(tt.text, 200); got != tt.want && !(math.IsNaN(got) && math.IsNaN(tt.want)) {
			t.Errorf("deviation(%v) = %v, want %v", tt.text, got, tt.want)
		}
	}
}

// What each tool of the action is better in.
func TestBetter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		tool, unit string
		want       run.Better
	}{
		{"cargo", "ns/iter", run.Lower}, {"go", "ns/op", run.Lower}, {"go", "MB/s", run.Higher}, {"go", "widgets", run.Lower}, {"benchmarkjs", "ops/sec", run.Higher},
		{"pytest", "iter/sec", run.Higher}, {"jmh", "ops/s", run.Higher}, {"jmh", "ms/op", run.Lower}, {"jmh", "odd", ""}, {"customSmallerIsBetter", "ops/s", run.Lower}, {"customBiggerIsBetter", "ms", run.Higher},
	} {
		if got := better(tt.tool, tt.unit); got != tt.want {
			t.Errorf("%s in %s: %q, want %q", tt.tool, tt.unit, got, tt.want)
		}
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`[]`: "there are no entries",
		`[{"name":"a","unit":"s","value":"fast"}]`:                                                     "f:1:2: [0]: a: the value is no number",
		"[{\"name\":\"a\",\"unit\":\"s\",\"value\":1},\n{\"name\":\"a\",\"unit\":\"s\",\"value\":-2}]": "f:2:1: [1]: a: -2 s is a negative duration",
		"window.BENCHMARK_DATA = {\n\"entries\": {\"x\": [5]}}":                                        "f:2:19: entries.x[0]: expected an object, found a number",
		`window.BENCHMARK_DATA = {"entries": {}}`:                                                      "there are no entries",
		`window.BENCHMARK_DATA = {"entries": {"x": [{"benches":[{"name":"","unit":"s","value":1}]}]}}`: "entries.x[0]: the name is empty",
		`window.BENCHMARK_DATA = {"entries": {"x": [{"benches":`:                                       "ends too early",
	} {
		formattest.Refuses(t, Read, text, want)
	}
}

func FuzzRead(f *testing.F) { formattest.Fuzz(f, Read) }
