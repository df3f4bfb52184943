package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/pacer-perf/pacer/internal/report/text"
	"github.com/pacer-perf/pacer/internal/stat"
	"github.com/pacer-perf/pacer/run"
)

// runHints says what the order and the spread of the repetitions suggest to do
// otherwise: each advice once, whatever the number of runs.
func runHints(w io.Writer, list []*run.Run, warmup int) {
	var first, far []string
	for _, r := range list {
		m := r.Find(wallMetric, nil)
		if m == nil {
			m = r.Find(run.Startup, nil)
		}
		if m == nil {
			continue
		}
		of := ""
		if len(list) > 1 {
			of = run.Key("", r.Labels) + ": "
		}
		values := m.Samples
		if times := slowFirst(values); times > 0 {
			first = append(first, fmt.Sprintf("%sthe first took %.1fx as long as the others: cold caches? --warmup %d", of, times, warmup+1))
			values = values[1:]
		}
		if n, times := outliers(values); n > 0 {
			far = append(far, fmt.Sprintf("%s%d of %d took up to %.1fx the median: is the machine busy? pacer doctor", of, n, len(values), times))
		}
	}
	for _, hints := range [][]string{first, far} {
		if len(hints) == 0 {
			continue
		}
		more := ""
		if n := len(hints) - 1; n > 0 {
			more = fmt.Sprintf(" (%d more like it)", n)
		}
		fmt.Fprintln(w, text.Wrap(width(w), "hint: "+hints[0]+more))
	}
	if len(list) == 1 {
		if m := list[0].Find(cpuMetric, nil); m != nil && m.Count() == 1 {
			fmt.Fprintln(w, "hint: one repetition tells little about noise: --runs 10")
		}
	}
}

// What is noticed is far off in two ways: in deviations, which are little where
// executions hardly differ, and as a share, which is much where they do.
const (
	farOff     = 8
	slowerBy   = 0.25 // of the first execution
	outlyingBy = 0.5
)

// slowFirst returns how often the median of the others fits into the first
// value, if that is slower than all of them and by far; else 0.
func slowFirst(values []float64) float64 {
	if len(values) < 5 {
		return 0
	}
	rest := values[1:]
	m := stat.Median(rest)
	if over := values[0] - m; values[0] <= slices.Max(rest) || over < slowerBy*m || over < farOff*stat.Scale(rest, 0) {
		return 0
	}
	return values[0] / m
}

// outliers returns how many values are above the others by far, and how often
// the median fits into the largest.
func outliers(values []float64) (n int, times float64) {
	if len(values) < 10 {
		return 0, 0
	}
	m := stat.Median(values)
	far := max(outlyingBy*m, farOff*stat.Scale(values, 0))
	for _, v := range values {
		if v-m > far {
			n, times = n+1, max(times, v/m)
		}
	}
	return n, times
}
