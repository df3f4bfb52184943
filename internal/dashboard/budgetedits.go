package dashboard

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/nearest"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// written writes a limit as policies have it, exactly: 2s, 1200ms, 500MB. It is
// the shortest way that is no fraction of its unit, if there is one.
func written(q judge.Quantity) string {
	best := ""
	small := false // a fraction of its unit, as in 0.25s
	for _, name := range scalesOf(q.Unit) {
		size, _, err := unit.Parse("1" + name)
		if err != nil {
			continue
		}
		text, ok := inScale(q, size, name)
		below := q.Value != 0 && math.Abs(q.Value) < size
		if ok && (best == "" || small || !below && len(text) < len(best)) {
			best, small = text, below
		}
	}
	if best != "" {
		return best
	}
	return strings.TrimSpace(strconv.FormatFloat(q.Value, 'f', -1, 64) + " " + q.Unit)
}

// inScale writes a quantity in a scale, and tells whether that reads back as it
// was: 1e-4 s over 1e-6 s is not quite 100.
func inScale(q judge.Quantity, size float64, name string) (string, bool) {
	for _, digits := range []int{12, -1} {
		x, err := strconv.ParseFloat(strconv.FormatFloat(q.Value/size, 'g', digits, 64), 64)
		if err != nil {
			continue
		}
		text := strconv.FormatFloat(x, 'f', -1, 64) + name
		if v, base, err := unit.Parse(text); err == nil && v == q.Value && (base == q.Unit || q.Value == 0) {
			return text, true
		}
	}
	return "", false
}

// scalesOf are the names that quantities of a unit may have, the largest first.
func scalesOf(base string) []string {
	switch base {
	case unit.Seconds:
		return []string{"s", "ms", "us", "ns"}
	case unit.Bytes:
		return []string{"GB", "MB", "KB", "B"}
	case unit.Ratio:
		return []string{"%"}
	case unit.Speed:
		return []string{" items/s"}
	}
	return []string{""}
}

// units says in which unit numbers of a row are that have none of their own: in
// that of its limits, else in the one in which the metric is shown.
func (e *editor) units() {
	for i := range e.Rows {
		r := &e.Rows[i]
		if r.Unit != "" {
			continue
		}
		for _, f := range []*budgetField{&r.Target, &r.Warning, &r.Critical} {
			if name := unitIn(f.Value); name != "" && r.Unit == "" {
				r.Unit = name
			}
		}
		if m := e.literal(r.Metric); r.Unit == "" && m != nil && (m.Unit == unit.Seconds || m.Unit == unit.Bytes) {
			center, _ := m.Center()
			r.Unit = strings.Replace(unit.ScaleOf(center, m.Unit).Name, "µs", "us", 1)
		}
	}
}

// unitIn is the unit behind a number: ms in 200ms.
func unitIn(s string) string {
	return strings.TrimSpace(strings.TrimLeft(s, "0123456789.+-eE"))
}

// literal is the metric of the newest run that a pattern without * names.
func (e *editor) literal(pattern string) *run.Metric {
	if e.newest == nil || pattern == "" || strings.Contains(pattern, "*") {
		return nil
	}
	for i := range e.newest.Metrics {
		if m := &e.newest.Metrics[i]; m.Count() > 0 && judge.Pattern(pattern).Matches(m.Name, m.Labels) {
			return m
		}
	}
	return nil
}

// withUnit puts the row's unit behind a number that has none.
func (r *budgetRow) withUnit(s string) string {
	if _, base, err := unit.Parse(s); err != nil || base != "" || r.Unit == "" {
		return s
	}
	return s + r.Unit
}

// apply makes the changes of the form, one by one: what is wrong with one does
// not keep the others from being seen.
func (e *editor) apply() error {
	for i := range e.Rows {
		r := &e.Rows[i]
		if r.Metric == "" {
			if r.Target.Value+r.Warning.Value+r.Critical.Value != "" {
				r.MetricError = "Expected the metric that this is about."
			}
			continue
		}
		edit, changed := e.edit(r)
		if !changed {
			continue
		}
		if r.New && edit.Target+edit.Warning+edit.Critical == "" && !r.Remove {
			if r.Focus {
				continue // somebody is about to fill it in
			}
			r.Error = "Expected a target, a warning or a critical limit, as in 200ms."
			continue
		}
		out, err := e.May.Policy.Edit(e.out, PolicyEdits{Budgets: []BudgetEdit{edit}})
		if err != nil {
			if err := r.fail(err); err != nil {
				return err
			}
			continue
		}
		policy, err := e.May.Policy.Parse(out)
		if err != nil {
			return err
		}
		e.out, e.edited = out, policy
		e.edits.Budgets = append(e.edits.Budgets, edit)
		r.Edited = true
		e.Changes++
	}
	for i := range e.Checks {
		c := &e.Checks[i]
		if c.Value == c.Usual { // as it is
			continue
		}
		edit := CheckEdit{c.Key, c.Value}
		if _, base, err := unit.Parse(c.Value); err == nil && base == "" && c.Key != "fail_on" {
			edit.Value += "%"
		}
		out, err := e.May.Policy.Edit(e.out, PolicyEdits{Checks: []CheckEdit{edit}})
		var field *FieldError
		var no *RefusedError
		switch {
		case errors.As(err, &field):
			c.Error = field.Text
			continue
		case errors.As(err, &no):
			c.Error = no.Text + " " + no.Hint
			continue
		case err != nil:
			return err
		}
		if string(out) == string(e.out) {
			continue
		}
		policy, err := e.May.Policy.Parse(out)
		if err != nil {
			return err
		}
		e.out, e.edited = out, policy
		e.edits.Checks = append(e.edits.Checks, edit)
		e.Changes++
	}
	return nil
}

// edit is the change that a row asks for, and false if it asks for none.
func (e *editor) edit(r *budgetRow) (BudgetEdit, bool) {
	edit := BudgetEdit{Metric: judge.Pattern(r.Metric), Statistic: r.Statistic, Target: r.withUnit(r.Target.Value), Warning: r.withUnit(r.Warning.Value), Critical: r.withUnit(r.Critical.Value)}
	if p, err := judge.ParsePattern(r.Metric); err == nil {
		edit.Metric = p
	}
	if r.Remove {
		edit.Statistic, edit.Target, edit.Warning, edit.Critical = "", "", "", ""
	}
	for i := range e.policy.Budgets {
		if b := &e.policy.Budgets[i]; b.Metric == edit.Metric {
			was := rowOf(b)
			return edit, edit.Statistic != was.Statistic || edit.Target != was.Target.Value || edit.Warning != was.Warning.Value || edit.Critical != was.Critical.Value
		}
	}
	return edit, !r.Remove
}

// fail notes an error at its field; one that is not about the row is returned.
func (r *budgetRow) fail(err error) error {
	var field *FieldError
	var no *RefusedError
	switch {
	case errors.As(err, &field):
		switch field.Field {
		case "target":
			r.Target.Error = field.Text
		case "warning":
			r.Warning.Error = field.Text
		case "critical":
			r.Critical.Error = field.Text
		case "statistic":
			r.StatisticError = field.Text
		case "metric":
			r.MetricError = field.Text
		default:
			r.Error = field.Text
		}
	case errors.As(err, &no):
		r.Error = strings.TrimSpace(no.Text + " " + no.Hint)
	default:
		return err
	}
	return nil
}

// onto are the changes of the form for another text: of a budget that was
// changed, what was not touched is as that text has it.
func (e *editor) onto(now PolicyText) PolicyEdits {
	theirs, err := e.May.Policy.Parse(now.Text)
	if err != nil {
		return e.edits
	}
	edits := PolicyEdits{Checks: e.edits.Checks}
	for _, mine := range e.edits.Budgets {
		find := func(p *judge.Policy) budgetRow {
			for i := range p.Budgets {
				if p.Budgets[i].Metric == mine.Metric {
					return rowOf(&p.Budgets[i])
				}
			}
			return budgetRow{}
		}
		was, is := find(&e.policy), find(&theirs)
		if mine.Target+mine.Warning+mine.Critical != "" {
			for _, f := range []struct{ mine, was, is *string }{
				{&mine.Statistic, &was.Statistic, &is.Statistic}, {&mine.Target, &was.Target.Value, &is.Target.Value},
				{&mine.Warning, &was.Warning.Value, &is.Warning.Value}, {&mine.Critical, &was.Critical.Value, &is.Critical.Value},
			} {
				if *f.mine == *f.was {
					*f.mine = *f.is
				}
			}
		}
		edits.Budgets = append(edits.Budgets, mine)
	}
	return edits
}

// checks are the other keys that are edited.
func (e *editor) checks(entered func(key string) (string, bool)) {
	change := ""
	for i := range e.policy.Thresholds {
		if t := &e.policy.Thresholds[i]; t.Metric == "*" && t.Change != nil {
			change = percentWritten(*t.Change)
		}
	}
	confidence := ""
	if e.policy.Confidence != 0 {
		confidence = percentWritten(e.policy.Confidence)
	}
	e.Checks = []checkField{
		{Key: "change", Label: "A change matters from", Value: change, After: percentWritten(judge.DefaultThreshold) + " if empty"},
		{Key: "confidence", Label: "Confidence", Value: confidence, After: percentWritten(judge.DefaultConfidence) + " if empty"},
		{Key: "fail_on", Label: "Fail on", Value: string(e.policy.FailOn), Options: []option{
			{Value: "", Text: "the highest limit of a budget"}, {Value: "target", Text: "target and above"}, {Value: "warning", Text: "warning and above"}, {Value: "critical", Text: "critical"},
		}},
	}
	for i := range e.Checks {
		c := &e.Checks[i]
		c.Usual = c.Value
		if value, ok := entered(c.Key); ok {
			c.Value = value
		}
		for k := range c.Options {
			c.Options[k].Selected = c.Options[k].Value == c.Value
		}
	}
}

// order says what is wrong with limits that are not one above the other.
func order(b *judge.Budget) string {
	var limits []judge.Quantity
	for _, tier := range []judge.Tier{judge.Target, judge.Warning, judge.Critical} {
		if q, ok := b.Limits[tier]; ok {
			limits = append(limits, q)
		}
	}
	up := slices.IsSortedFunc(limits, func(a, b judge.Quantity) int { return cmp.Compare(a.Value, b.Value) })
	down := slices.IsSortedFunc(limits, func(a, b judge.Quantity) int { return cmp.Compare(b.Value, a.Value) })
	if !up && !down {
		return "Expected target, warning, critical from the strictest on."
	}
	return ""
}

// matches says what a pattern selects of the newest run.
func (e *editor) matches(pattern judge.Pattern) (list []*run.Metric, note string) {
	if e.newest == nil {
		return nil, ""
	}
	var keys []string
	for i := range e.newest.Metrics {
		m := &e.newest.Metrics[i]
		if m.Count() == 0 {
			continue
		}
		keys = append(keys, m.Key())
		if pattern.Matches(m.Name, m.Labels) {
			list = append(list, m)
		}
	}
	switch {
	case len(list) == 0:
		note = "matches no metric of the newest run"
		if near := nearest.Words(string(pattern), keys, max(2, len(pattern)/3), 1); len(near) > 0 {
			note += ": did you mean " + near[0] + "?"
		}
	case len(list) > 1:
		note = report.Plural(len(list), "metric")
		note = strings.Replace(note, "metrics", "metrics match", 1)
	case list[0].Key() != string(pattern):
		note = "matches " + list[0].Key()
	}
	return list, note
}

// ruled are the metrics of the newest run that a budget decides for.
func (e *editor) ruled(metrics []*run.Metric, pattern judge.Pattern) []*run.Metric {
	return slices.DeleteFunc(slices.Clone(metrics), func(m *run.Metric) bool {
		b := e.edited.Rules(m).Budget
		return b == nil || b.Metric != pattern
	})
}

// tally counts the statuses of versions, the best first.
func tallyOf(statuses []judge.BudgetStatus, higher bool) []countOf {
	counts := make(map[judge.BudgetStatus]int)
	for _, s := range statuses {
		counts[s]++
	}
	var list []countOf
	for _, s := range []judge.BudgetStatus{judge.Within, judge.OverTarget, judge.OverWarning, judge.OverCritical} {
		if counts[s] > 0 {
			list = append(list, countOf{counts[s], statusChip(s, higher)})
		}
	}
	return list
}

// statusChip says a status.
func statusChip(s judge.BudgetStatus, higher bool) chip {
	c := chip{Word: string(s)}
	switch s {
	case judge.Within:
		c.Class, c.Icon = "within", "full"
	case judge.OverTarget:
		c.Class, c.Icon = "warning", "half"
		if higher {
			c.Word = "under target"
		}
	case judge.OverWarning:
		c.Class, c.Icon = "warning", "triangle"
	case judge.OverCritical:
		c.Class, c.Icon = "critical", "octagon"
	default:
		c.Class, c.Icon, c.Word = "plain", "dash", "no data"
	}
	return c
}

// labelOf names a version in a strip.
func labelOf(h *judge.Head, s judge.BudgetStatus) string {
	return fmt.Sprintf("%s: %s", name(h), s)
}

// graver orders statuses.
var graver = map[judge.BudgetStatus]int{judge.NoBudget: 0, judge.Within: 1, judge.OverTarget: 2, judge.OverWarning: 3, judge.OverCritical: 4}

// worst keeps the gravest status of each run.
func worst(into map[string]judge.BudgetStatus, run string, s judge.BudgetStatus) {
	if old, ok := into[run]; !ok || graver[s] > graver[old] {
		into[run] = s
	}
}
