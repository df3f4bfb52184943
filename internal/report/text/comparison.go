package text

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Comparison writes what changed between two sides: both values, the change
// with its interval, and the word; the changes first.
func Comparison(w io.Writer, v *judge.Verdict, o Options) error {
	p := printer{w: w, color: o.Color}
	p.heads(v)
	p.line("")
	metrics := report.ByGravity(v.Metrics)
	slices.SortStableFunc(metrics, func(a, b judge.Metric) int { return boring(&a) - boring(&b) })
	t := table{right: []bool{false, true, true, true, false, false}, gaps: []int{1, 1, 2, 1, 2}, limit: nameWidth}
	t.add(cell{"metric", faint}, cell{"baseline", faint}, cell{"current", faint}, cell{"change", faint},
		cell{fmt.Sprintf("%.3g%% interval", 100*v.Policy.Confidence), faint}, cell{})
	same := 0
	for i := range metrics {
		m := &metrics[i]
		if boring(m) == 1 && !o.All {
			if same++; same > few {
				continue
			}
		}
		change, interval := "", ""
		if m.Ratio != nil {
			change = unit.Percent(*m.Ratio)
		}
		if m.Interval != nil {
			interval = unit.Percent(m.Interval[0]) + " " + unit.Percent(m.Interval[1])
		}
		t.add(cell{m.Key(), plain}, cell{side(m, 0), plain}, cell{side(m, 1), bold},
			cell{change, plain}, cell{interval, faint}, word(m))
	}
	if p.err == nil {
		p.err = t.write(w, o.Color)
	}
	if same > few {
		p.line("and %d more, unchanged (--all shows them)", same-few)
	}
	p.reasons(v)
	p.warnings(v)
	p.line("")
	p.line("%s", tally(v.Metrics))
	return p.err
}

// boring sorts what did not change behind what did.
func boring(m *judge.Metric) int {
	if m.Change == judge.Unchanged || m.Ignored {
		return 1
	}
	return 0
}

// side is what a side of a metric is compared by.
func side(m *judge.Metric, i int) string {
	s, base := []*run.Stats{m.Baseline, m.Current}[i], m.Unit
	switch {
	case m.Levels != nil:
		return unit.Format(m.Levels[i], base)
	case s == nil:
		return "-"
	case math.IsNaN(s.P50):
		return unit.Format(s.Mean, base)
	}
	return unit.Format(s.P50, base)
}

// tally counts the changes: 1 regressed, 12 unchanged.
func tally(metrics []judge.Metric) string {
	counts := make(map[judge.Change]int)
	for i := range metrics {
		counts[metrics[i].Change]++
	}
	var words []string
	for _, c := range []judge.Change{judge.Regressed, judge.Improved, judge.Inconclusive, judge.Incomparable, judge.Missing, judge.New, judge.Unchanged} {
		if counts[c] > 0 {
			words = append(words, fmt.Sprintf("%d %s", counts[c], c))
		}
	}
	if words == nil {
		return "no metrics"
	}
	return strings.Join(words, ", ")
}
