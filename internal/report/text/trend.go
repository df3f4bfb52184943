package text

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// chartWidth is the width of a chart: with its indent, it keeps to 80 columns.
const chartWidth = 76

// Trend writes the history of metrics: for each a chart, its first and last
// level, and a table of its change points. Of many metrics, those that did not
// move take a line each.
func Trend(w io.Writer, t *report.Trend, o Options) error {
	p := newPrinter(w, o)
	brief := len(t.Metrics) > few
	for i := range t.Metrics {
		m := &t.Metrics[i]
		short := brief && len(m.ChangePoints) == 0
		if i > 0 && !short {
			p.line("")
		}
		p.metric(m, short, o)
	}
	for _, warning := range t.Warnings {
		p.line("%s %s", p.paint(yellow, "warning:"), printable(warning))
	}
	return p.err
}

// value prints a quantity in the unit of a metric.
func value(v float64, m *report.TrendMetric) string { return unit.Format(v, m.Unit) }

func (p *printer) metric(m *report.TrendMetric, short bool, o Options) {
	name := printable(m.Key())
	if len(m.RunLabels) > 0 {
		name += " of " + printable(strings.TrimSpace(m.App+" "+labels(m.RunLabels)))
	}
	runs := fmt.Sprintf("%d runs", m.N)
	if m.N == 1 {
		runs = "1 run"
	}
	values := make([]float64, len(m.Points))
	for i, point := range m.Points {
		values[i] = point.Value
	}
	switch {
	case m.N == 0:
		p.line("%s  no values", p.paint(bold, name))
		return
	case short:
		p.line("%s  %s, no change points in %s", p.paint(bold, name), value(report.Median(values), m), runs)
		return
	}
	p.line("%s  %s%s", p.paint(bold, name), runs, span(m.Points))
	p.line("  %s", report.Blocks(values, chartWidth, o.ASCII))
	if len(m.ChangePoints) == 0 {
		p.line("  level %s, values %s to %s: no change points in %s", value(report.Median(values), m),
			value(slices.Min(values), m), value(slices.Max(values), m), runs)
		return
	}
	p.line("  %s", p.paint(bold, marks(m)))
	first, last := m.ChangePoints[0].Before, m.ChangePoints[len(m.ChangePoints)-1].After
	change := ""
	if first > 0 && last > 0 {
		change = ", " + unit.Percent(last/first)
	}
	p.line("  level %s -> %s%s, values %s to %s", value(first, m), value(last, m), change,
		value(slices.Min(values), m), value(slices.Max(values), m))
	p.changes(m)
}

// changes writes the table of change points.
func (p *printer) changes(m *report.TrendMetric) {
	t := table{right: []bool{false, false, true, false, true, true, false, true, false}, gaps: []int{1, 1, 1, 1, 1, 1, 1, 1}}
	t.add(cell{"  when", faint}, cell{"what", faint}, cell{"before", faint}, cell{}, cell{"after", faint}, cell{"change", faint}, cell{}, cell{"sure", faint}, cell{})
	drifted := false
	for i := range m.ChangePoints {
		c := &m.ChangePoints[i]
		arrow := "->"
		if c.Drift {
			arrow, drifted = "~>", true
		}
		change, interval := "", ""
		if c.Ratio != nil {
			change = unit.Percent(*c.Ratio)
		}
		switch {
		case c.Interval != nil:
			interval = unit.Percent(c.Interval[0]) + " to " + unit.Percent(c.Interval[1])
		case c.Difference != nil:
			interval = "by " + value(c.Difference[0], m) + " to " + value(c.Difference[1], m)
		}
		word, how := direction(m, c)
		t.add(cell{"  " + whenMoved(c), plain}, cell{what(m, c), plain}, cell{value(c.Before, m), plain}, cell{arrow, plain}, cell{value(c.After, m), plain},
			cell{change, how}, cell{interval, plain}, cell{sure(c.Confidence), plain}, cell{word, how})
	}
	p.write(&t)
	if drifted {
		p.line("  %s", p.paint(faint, "~> it drifted there over many runs"))
	}
}

// whenMoved is the day of a change point, or its row.
func whenMoved(c *report.ChangePoint) string {
	if c.Time == nil {
		return fmt.Sprintf("row %d", c.Index)
	}
	return c.Time.UTC().Format(time.DateOnly)
}

// what names the code that moved the level: the version where it is a new one,
// else the commit.
func what(m *report.TrendMetric, c *report.ChangePoint) string {
	fresh := c.At == 0 || m.Points[c.At-1].Version != c.Version
	if c.Version != "" && (fresh || c.Commit == "") {
		return c.Version
	}
	return c.Commit[:min(9, len(c.Commit))]
}

func direction(m *report.TrendMetric, c *report.ChangePoint) (string, paint) {
	switch {
	case m.Better == "" || c.After == c.Before:
		return "", plain
	case (c.After > c.Before) == (m.Better == run.Higher):
		return "better", green
	}
	return "worse", red
}

// sure prints a probability without rounding it to certainty.
func sure(p float64) string {
	if p > 0.99 {
		return ">99%"
	}
	return fmt.Sprintf("%.0f%%", 100*p)
}

// span says from when to when the points are.
func span(points []report.TrendPoint) string {
	first, last := points[0].Time, points[len(points)-1].Time
	if first.IsZero() || last.IsZero() {
		return ""
	}
	return "  " + first.UTC().Format(time.DateOnly) + " to " + last.UTC().Format(time.DateOnly)
}

// marks points at the columns of a chart where the level moved.
func marks(m *report.TrendMetric) string {
	width := min(len(m.Points), chartWidth)
	line := []byte(strings.Repeat(" ", width))
	for i := range m.ChangePoints {
		// The column that the point is drawn in: the last that begins at or
		// before it.
		at := m.ChangePoints[i].At
		column := ((at+1)*width - 1) / len(m.Points)
		line[column] = '^'
	}
	return strings.TrimRight(string(line), " ")
}
