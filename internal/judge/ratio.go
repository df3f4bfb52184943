package judge

import (
	"fmt"
	"math"

	"github.com/pacer-perf/pacer/internal/twosample"
	"github.com/pacer-perf/pacer/run"
)

// The default rule: how much worse one value may be than another.
const (
	worseLower  = 1.2 // where lower is better
	worseHigher = 0.8 // where higher is better
	defaultRule = "ratio of medians: worse by more than 1.2 where lower is better, under 0.8 where higher is"
)

// worse tells whether current is a regression from baseline. Improvement is
// the same rule with the sides swapped.
func (l *limit) worse(baseline, current float64, better run.Better) bool {
	lower, higher := worseLower, worseHigher
	if l.said {
		lower, higher = 1+l.change, 1/(1+l.change)
	}
	if better == run.Higher {
		return current/baseline < higher
	}
	return current/baseline > lower
}

// tellByRatio judges the change of one metric by the default rule, with the
// policy's threshold where it has one.
func tellByRatio(out *Metric, c *couple, l limit) {
	b, n := centers(c.pooled, c.current)
	before, after := b.value, n.value
	out.Statistic = n.statistic
	out.Threshold = worseLower - 1
	out.MinChange = l.minChange
	out.Test = &Test{Rule: ByRatio, Method: defaultRule, Place: l.place, MinChangePlace: l.minPlace}
	if l.said {
		out.Threshold = l.change
		out.Test.Method = fmt.Sprintf("ratio of medians: worse by more than %.3g%%", 100*l.change)
	}
	few := min(c.pooled.Count(), c.current.Count())
	if few > 1 && few < twosample.EnoughSamples {
		out.Test.Method += fmt.Sprintf(" (statistics take %d samples on either side)", twosample.EnoughSamples)
	}
	direction := c.current.Direction()
	switch {
	case math.IsNaN(before) || math.IsNaN(after):
		out.Change = Incomparable
		out.Warnings = append(out.Warnings, "the two sides have no statistic in common")
		return
	case before == 0:
		out.Change = Incomparable
		if after == 0 {
			out.Change = Unchanged
		}
		out.Warnings = append(out.Warnings, "the baseline is zero: skipped, there is no ratio")
		return
	case before < 0 || after < 0:
		out.Change = Incomparable
		out.Warnings = append(out.Warnings, "a side is negative: there is no ratio")
		return
	}
	ratio := after / before
	out.Ratio = &ratio
	switch {
	case direction != c.pooled.Direction():
		disagree(out, c)
	case before == after:
		out.Change = Unchanged
	case direction == "" && (l.worse(before, after, run.Lower) || l.worse(before, after, run.Higher)):
		out.Change = Inconclusive
		out.Warnings = append(out.Warnings, undirected(c.current))
	case math.Abs(after-before) < l.minChange:
		out.Change = Unchanged
		if l.worse(before, after, direction) || l.worse(after, before, direction) {
			out.Reasons = append(out.Reasons, TooSmall)
		}
	case l.worse(before, after, direction):
		out.Change = Regressed
		out.Reasons = append(out.Reasons, regression(c.current, ratio))
		if few > 1 && few < twosample.EnoughSamples {
			out.Reasons = append(out.Reasons, fmt.Sprintf("medians were compared, and noise may be all there is to it: statistics take %d samples on either side, there are %d", twosample.EnoughSamples, few))
		}
	case l.worse(after, before, direction):
		out.Change = Improved
	default:
		out.Change = Unchanged
	}
}

// disagree marks a metric whose sides do not agree on what is better.
func disagree(out *Metric, c *couple) {
	out.Change = Incomparable
	out.Warnings = append(out.Warnings, fmt.Sprintf("the two sides disagree on what is better: %q and %q", c.pooled.Direction(), c.current.Direction()))
}

// TooSmall is the reason of a metric whose ratio says that it changed, by less
// than matters.
const TooSmall = "the change is too small to matter: below min_change"

type center struct {
	value     float64
	statistic string
}

// centers returns the values by which two metrics are compared: by the same
// statistic on both sides.
func centers(baseline, current *run.Metric) (b, c center) {
	b.value, b.statistic = baseline.Center()
	c.value, c.statistic = current.Center()
	if b.statistic == c.statistic {
		return b, c
	}
	// One side is a summary that lacks the median.
	for _, name := range []string{b.statistic, c.statistic} {
		x, errX := baseline.Statistic(name)
		y, errY := current.Statistic(name)
		if errX == nil && errY == nil && !math.IsNaN(x) && !math.IsNaN(y) {
			return center{x, name}, center{y, name}
		}
	}
	nan := center{value: math.NaN()}
	return nan, nan
}

// specificationNames are the names that the specification gives to metrics.
var specificationNames = map[string]string{
	run.Startup: "startup_time", run.MemoryPeak: "memory_usage", run.Speed: "processing_speed",
}

// regression says a regression in the specification's words.
func regression(m *run.Metric, ratio float64) string {
	name := m.Key()
	if flat, ok := specificationNames[name]; ok {
		name = flat
	}
	if m.Direction() == run.Higher {
		return fmt.Sprintf("%s: %.2fx slower", name, ratio)
	}
	return fmt.Sprintf("%s: %.2fx slower/higher", name, ratio)
}
