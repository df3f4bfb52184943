package text

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// TrendOptions holds what the terminal can do. The zero value is plain text
// with block characters.
type TrendOptions struct {
	Color bool
	ASCII bool // nothing that only UTF-8 can say
}

// chartWidth is the width of a chart: with its indent, it keeps to 80 columns.
const chartWidth = 76

// Trend writes the history of metrics: for each a chart, its first and last
// level, and a table of its change points. Of many metrics, those that did not
// move take a line each.
func Trend(w io.Writer, t *report.Trend, o TrendOptions) error {
	p := trendPrinter{printer: printer{w: w, color: o.Color}, ascii: o.ASCII}
	brief := len(t.Metrics) > few
	for i := range t.Metrics {
		m := &t.Metrics[i]
		short := brief && len(m.ChangePoints) == 0
		if i > 0 && !short {
			p.line("")
		}
		p.metric(m, short)
	}
	for _, warning := range t.Warnings {
		p.line("%s %s", p.paint(yellow, "warning:"), printable(warning))
	}
	return p.err
}

type trendPrinter struct {
	printer
	ascii bool
}

// value prints a quantity in what the terminal can show.
func (p *trendPrinter) value(v float64, m *report.TrendMetric) string {
	s := unit.Format(v, m.Unit)
	if p.ascii {
		s = strings.ReplaceAll(s, "µ", "u")
	}
	return s
}

func (p *trendPrinter) metric(m *report.TrendMetric, short bool) {
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
		p.line("%s  %s, no change points in %s", p.paint(bold, name), p.value(median(values), m), runs)
		return
	}
	p.line("%s  %s%s", p.paint(bold, name), runs, span(m.Points))
	p.line("  %s", chart(values, p.ascii))
	if len(m.ChangePoints) == 0 {
		p.line("  level %s, values %s to %s: no change points in %s", p.value(median(values), m),
			p.value(slices.Min(values), m), p.value(slices.Max(values), m), runs)
		return
	}
	p.line("  %s", p.paint(bold, marks(m)))
	first, last := m.ChangePoints[0].Before, m.ChangePoints[len(m.ChangePoints)-1].After
	change := ""
	if first > 0 && last > 0 {
		change = ", " + unit.Percent(last/first)
	}
	p.line("  level %s -> %s%s, values %s to %s", p.value(first, m), p.value(last, m), change,
		p.value(slices.Min(values), m), p.value(slices.Max(values), m))
	p.changes(m)
}

// changes writes the table of change points.
func (p *trendPrinter) changes(m *report.TrendMetric) {
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
			interval = "by " + p.value(c.Difference[0], m) + " to " + p.value(c.Difference[1], m)
		}
		word, how := direction(m, c)
		t.add(cell{"  " + whenMoved(c), plain}, cell{what(m, c), plain}, cell{p.value(c.Before, m), plain}, cell{arrow, plain}, cell{p.value(c.After, m), plain},
			cell{change, how}, cell{interval, plain}, cell{sure(c.Confidence), plain}, cell{word, how})
	}
	if p.err == nil {
		p.err = t.write(p.w, p.color)
	}
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

// chart draws values as columns of eight heights, between the lowest and the
// highest of what it draws. Where there are more values than columns, each
// column is the median of its share, so that a spike is not taken for a level.
func chart(values []float64, ascii bool) string {
	ramp := []rune("▁▂▃▄▅▆▇█")
	if ascii {
		ramp = []rune("_.-:=+*#")
	}
	width := min(len(values), chartWidth)
	columns := make([]float64, width)
	for i := range columns {
		columns[i] = median(values[i*len(values)/width : (i+1)*len(values)/width])
	}
	low, high := slices.Min(columns), slices.Max(columns)
	var b strings.Builder
	for _, v := range columns {
		height := 0
		if part := (v/2 - low/2) / (high/2 - low/2); part > 0 { // halves, so that the difference is finite; NaN for 0/0
			height = min(int(part*float64(len(ramp))), len(ramp)-1)
		}
		b.WriteRune(ramp[height])
	}
	return b.String()
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

// median returns the middle of values, NaN if there are none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return sorted[(n-1)/2]/2 + sorted[n/2]/2
}
