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

// Why writes how the judge came to what it says of one metric.
func Why(w io.Writer, v *judge.Verdict, m *judge.Metric, o Options) error {
	p := newPrinter(w, o)
	how := cell{report.Change(m), paintOf(m)}
	p.line("%s  %s", p.paint(bold, printable(m.Key())), p.paint(how.paint, how.text))
	p.line("")
	p.heads(v, o)
	p.whyChange(v, m)
	p.whyBudget(m)
	p.whyHistory(m)
	if len(m.Stages) > 0 {
		p.section("where the time went")
		p.stages(m)
	}
	if len(m.Warnings) > 0 {
		p.line("")
		p.warned(m.Warnings)
	}
	return p.err
}

func (p *printer) section(title string) {
	p.line("")
	p.line("%s", p.paint(bold, title))
}

// fact writes one line of a section.
func (p *printer) fact(name, format string, args ...any) {
	p.wrapped(fmt.Sprintf("  %-11s ", name), strings.Repeat(" ", 14), fmt.Sprintf(format, args...))
}

func (p *printer) whyChange(v *judge.Verdict, m *judge.Metric) {
	p.section("did it change against the baseline?")
	for i, s := range []*run.Stats{m.Baseline, m.Current} {
		name := []string{"baseline", "current"}[i]
		if s == nil {
			p.fact(name, "not measured")
			continue
		}
		p.fact(name, "%s", stats(s, m.Unit))
	}
	if t := m.Test; t != nil {
		where := "the default"
		if t.Place != "" {
			where = t.Place
		}
		p.fact("rule", "%s", t.Method)
		matters := fmt.Sprintf("%.3g%%", 100*m.Threshold)
		if m.Threshold == 0 {
			matters = "any change"
		}
		if m.MinChange > 0 {
			matters += ", at least " + unit.Format(m.MinChange, m.Unit)
			if t.MinChangePlace != "" && t.MinChangePlace != t.Place {
				where += "; " + t.MinChangePlace
			}
		}
		p.fact("threshold", "%s (%s)", matters, where)
		p.numbers(v, m, t)
	}
	if m.Levels != nil {
		p.fact("levels", "%s before, %s now: means of logarithms, with spikes drawn in", unit.Format(m.Levels[0], m.Unit), unit.Format(m.Levels[1], m.Unit))
	}
	if m.Ratio != nil {
		p.fact("ratio", "%.4g, %s", *m.Ratio, unit.Percent(*m.Ratio))
	}
	if m.Interval != nil {
		p.fact("interval", "%s to %s with %.3g%% confidence", unit.Percent(m.Interval[0]), unit.Percent(m.Interval[1]), 100*v.Policy.Confidence)
	}
	if n := m.Needed; n != nil && n.SmallestEffect > 0 {
		p.fact("blind to", "changes under %.3g%%", 100*n.SmallestEffect)
	}
	p.fact("so", "%s", m.Change)
	for _, r := range m.Reasons {
		p.wrapped("              ", "              ", r)
	}
	if a := m.Accepted; a != nil {
		p.fact("accepted", "%s; it ends %s (%s)", a.Reason, a.Until, a.Place)
	}
	if m.Ignored {
		p.fact("ignored", "by the policy: it decides nothing")
	}
}

// numbers writes what the test found.
func (p *printer) numbers(v *judge.Verdict, m *judge.Metric, t *judge.Test) {
	if t.Effective != nil {
		p.fact("samples", "%d and %d, which count as %.3g and %.3g", m.N[0], m.N[1], t.Effective[0], t.Effective[1])
	}
	if t.Within != nil {
		p.fact("noise", "%.2g%% inside a run", 100**t.Within)
	}
	if t.Between != nil && t.BetweenFrom != "" {
		p.fact("", "%.2g%% between runs of the same code, from %s", 100**t.Between, t.BetweenFrom)
	}
	if t.P != nil && t.Adjusted != nil {
		p.fact("p", "%.3g, for all %d metrics together %.3g", *t.P, len(v.Metrics), *t.Adjusted)
	}
}

func stats(s *run.Stats, base string) string {
	words := []string{fmt.Sprintf("n %d", s.Count)}
	for _, f := range []struct {
		name  string
		value float64
	}{{"median", s.P50}, {"mean", s.Mean}, {"p95", s.P95}, {"min", s.Min}, {"max", s.Max}} {
		if !math.IsNaN(f.value) {
			words = append(words, f.name+" "+unit.Format(f.value, base))
		}
	}
	return strings.Join(words, ", ")
}

func (p *printer) whyBudget(m *judge.Metric) {
	p.section("is it inside its budget?")
	b := m.Budget
	if b == nil {
		p.fact("budget", "none")
		return
	}
	p.fact("rule", "%s", b.Place)
	if b.Value != nil {
		p.fact(b.Statistic, "%s", unit.Format(*b.Value, m.Unit))
	}
	for _, t := range []struct {
		name  string
		limit *float64
	}{{"target", b.Target}, {"warning", b.Warning}, {"critical", b.Critical}} {
		if t.limit != nil {
			p.fact(t.name, "%s", unit.Format(*t.limit, m.Unit))
		}
	}
	p.fact("so", "%s", b.Status)
}

func (p *printer) whyHistory(m *judge.Metric) {
	p.section("did its history move?")
	if m.Moved == nil {
		p.fact("so", "no, or there are too few runs to tell")
		return
	}
	at := slices.DeleteFunc([]string{m.Moved.Version, m.Moved.Commit, m.Moved.Run}, func(s string) bool { return s == "" })
	p.fact("last move", "%d runs ago, at %s", m.Moved.Ago, strings.Join(at, ", "))
	p.fact("", "%s before, %s since: %s (%s to %s), confidence %.0f%%", unit.Format(m.Moved.Before, m.Unit), unit.Format(m.Moved.After, m.Unit),
		unit.Percent(m.Moved.Ratio), unit.Percent(m.Moved.Interval[0]), unit.Percent(m.Moved.Interval[1]), 100*m.Moved.Confidence)
	if m.Moved.Drift {
		p.fact("", "slowly: a drift rather than a step")
	}
}

// SelfTest writes what the gate would catch.
func SelfTest(w io.Writer, s *judge.SelfTest, o Options) error {
	p := newPrinter(w, o)
	p.wrapped("", "", fmt.Sprintf("The gate on copies of this data, %d of each size, drawn from %s.", s.Trials, s.Source))
	p.line("")
	t := table{right: []bool{false, true, true}}
	t.add(cell{"everything worse by", faint}, cell{"the gate fails", faint}, cell{"metrics called regressed", faint})
	for _, size := range s.Sizes {
		name := fmt.Sprintf("%.3g%%", 100*size.Worse)
		if size.Worse == 0 {
			name = "nothing: false alarms"
		}
		t.add(cell{name, plain}, cell{share(size.Failed), bold}, cell{share(size.Metric), plain})
	}
	p.write(&t)
	p.line("")
	t = table{right: []bool{false, false, true}, limit: 40}
	t.add(cell{"metric", faint}, cell{"told by", faint}, cell{"caught from", faint})
	for i := range s.Metrics {
		m := &s.Metrics[i]
		least := cell{"nothing tried", red}
		if m.Least != nil {
			least = cell{fmt.Sprintf("%.3g%% worse", 100**m.Least), plain}
		}
		t.add(cell{m.Key(), plain}, cell{m.Rule, plain}, least)
	}
	if len(s.Metrics) > 0 {
		p.write(&t)
	}
	if len(s.Warnings) > 0 {
		p.line("")
		p.warned(s.Warnings)
	}
	return p.err
}

func share(v float64) string { return fmt.Sprintf("%.3g%%", math.Round(1000*v)/10) }

// fewStages is how many stages of a regression are shown.
const fewStages = 5

// stages writes which stages carry the change of a metric.
func (p *printer) stages(m *judge.Metric) {
	if len(m.Stages) == 0 {
		return
	}
	t := table{right: []bool{false, true, true, true, true}, gaps: []int{2, 2, 2, 2}, limit: 38, indent: 4}
	t.add(cell{"self time of a call", faint}, cell{"before", faint}, cell{"now", faint}, cell{"more", faint}, cell{"share", faint})
	for i, s := range m.Stages {
		if i == fewStages || i > 0 && s.Share < 0.01 {
			break
		}
		t.add(cell{s.Path, plain}, cell{unit.Format(s.Baseline, unit.Seconds), plain}, cell{unit.Format(s.Current, unit.Seconds), plain},
			cell{report.Signed(s.Delta, unit.Seconds), plain}, cell{fmt.Sprintf("%.0f%%", 100*s.Share), bold})
	}
	p.write(&t)
}
