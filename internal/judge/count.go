package judge

import (
	"fmt"
	"math"
	"strings"

	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// counted tells whether a metric counts what a program does rather than what
// it happens to take: allocations, bytes per operation, instructions. What the
// SDK's own counters and gauges hold depends on the work as well.
func counted(m *run.Metric) bool {
	if m.Kind == run.ExactKind {
		return true
	}
	switch m.Unit {
	case "allocs/op", "B/op", "bytes/op", "allocs", unit.Instructions:
		return true
	case unit.Count:
		return m.Kind == "" && !strings.HasPrefix(m.Name, "go.")
	}
	return false
}

// countable tells whether both sides have values to be compared strictly.
func countable(c *couple) bool {
	b, n := c.pooled.Stats(), c.current.Stats()
	return !math.IsNaN(b.P50) && !math.IsNaN(n.P50) || b.Count == 1 && n.Count == 1
}

// span is where a side's counts lie.
type span struct{ middle, lo, hi float64 }

func spanOf(m *run.Metric) span {
	middle, _ := m.Center()
	s := m.Stats()
	r := span{middle, middle, middle}
	if !math.IsNaN(s.Min) && !math.IsNaN(s.Max) {
		r.lo, r.hi = s.Min, s.Max
	}
	return r
}

// apart tells whether two spans lie further apart than either is wide: counts
// that vary by themselves leave small gaps between a few of them by chance.
func (a span) apart(b span) bool {
	gap := max(b.lo-a.hi, a.lo-b.hi)
	return gap > 0 && gap >= max(a.hi-a.lo, b.hi-b.lo)
}

// tellByCount compares strictly. Where a side varies, only values well beyond
// what both sides reached are a change.
func tellByCount(out *Metric, c *couple, l limit) {
	before, after := spanOf(c.pooled), spanOf(c.current)
	b, a := before.middle, after.middle
	out.Threshold, out.MinChange = l.change, l.minChange
	out.Test = &Test{Rule: ByCount, Method: "counts are compared strictly: medians, where the ranges lie further apart than they are wide", Place: l.place, MinChangePlace: l.minPlace}
	out.Statistic = "median"
	if b > 0 {
		ratio := a / b
		out.Ratio = &ratio
	}
	direction := c.current.Direction()
	switch {
	case direction != c.pooled.Direction():
		disagree(out, c)
	case a == b:
		out.Change = Unchanged
	case !before.apart(after):
		out.Change = Unchanged
		out.Reasons = append(out.Reasons, "the counts vary by as much on either side")
	case direction == "":
		out.Change = Inconclusive
		out.Warnings = append(out.Warnings, undirected(c.current))
	case math.Abs(a-b) < l.minChange:
		out.Change = Unchanged
		out.Reasons = append(out.Reasons, TooSmall)
	case b > 0 && math.Abs(a-b) <= l.change*b:
		out.Change = Unchanged
		out.Reasons = append(out.Reasons, BelowThreshold)
	case (a > b) == (direction == run.Higher):
		out.Change = Improved
	default:
		out.Change = Regressed
		if out.Ratio != nil {
			out.Reasons = append(out.Reasons, regression(c.current, *out.Ratio))
		}
		out.Reasons = append(out.Reasons, fmt.Sprintf("%s: %s before, %s now", c.current.Key(), unit.Format(b, c.current.Unit), unit.Format(a, c.current.Unit)))
	}
}
