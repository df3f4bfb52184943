package text

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Comparison writes what changed between two sides: both values, the change
// with its interval, and the word; the changes first.
func Comparison(w io.Writer, r *report.Report, o Options) error {
	p, v := newPrinter(w, o), r.Verdict
	if !o.Quiet {
		p.heads(v, o)
		p.line("")
	}
	metrics := report.ByGravity(v.Metrics)
	slices.SortStableFunc(metrics, func(a, b judge.Metric) int { return boring(&a) - boring(&b) })
	t := table{right: []bool{false, true, true, true, true, false}, limit: max(24, p.width-58)}
	t.add(cell{"  METRIC", faint}, cell{"BASELINE", faint}, cell{"CURRENT", faint}, cell{"CHANGE", faint},
		cell{fmt.Sprintf("%.3g%% INTERVAL", 100*v.Policy.Confidence), faint}, cell{})
	same := 0
	for i := range metrics {
		m := &metrics[i]
		if boring(m) == 1 {
			if same++; o.Quiet || same > few && !o.All {
				continue
			}
		}
		row := report.RowOf(m)
		t.add(cell{report.Symbol(m, o.ASCII) + " " + m.Key(), plain}, cell{side(m, 0), plain}, cell{side(m, 1), bold},
			cell{row.By, paintOf(m)}, cell{intervalCell(&row), faint}, cell{report.Change(m), paintOf(m)})
	}
	p.write(&t)
	if same > few && !o.All && !o.Quiet {
		p.line("and %d more, unchanged (--all shows them)", same-few)
	}
	p.control(v)
	p.below(r, o)
	p.verdictLine("", 0, v, o)
	return p.err
}

// control writes what pairs of the baseline with itself said.
func (p *printer) control(v *judge.Verdict) {
	if v.Pairs == nil || len(v.Pairs.Control) == 0 {
		return
	}
	p.line("")
	for _, c := range v.Pairs.Control {
		text := fmt.Sprintf("control: %s of the baseline against itself: %s", c.Metric, unit.Percent(c.Ratio))
		if c.Interval != nil {
			text += fmt.Sprintf(" (%s to %s)", unit.Percent(c.Interval[0]), unit.Percent(c.Interval[1]))
		}
		text += ": " + string(c.Change)
		if c.Change == judge.Unchanged || c.Change == judge.Inconclusive {
			text += ", no false alarm"
		}
		p.wrapped("", "  ", text)
	}
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
		return short(unit.FormatLike(m.Levels[i], m.Levels[0], base))
	case s == nil:
		return "-"
	case math.IsNaN(s.P50):
		return short(unit.Format(s.Mean, base))
	}
	return short(unit.Format(s.P50, base))
}
