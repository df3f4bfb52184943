package dashboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// look holds what was measured to the budgets as the form would have them: the
// newest run, and the last versions, so that none is set blind.
func (e *editor) look(ctx context.Context) error {
	if e.newest == nil {
		return nil
	}
	var past []Recalled
	if source, ok := e.h.Source.(Recalling); ok && len(e.edited.Budgets) > 0 {
		var err error
		if past, err = source.Versions(ctx, e.newest.ID, whatIfVersions); err != nil {
			e.Note = fmt.Sprintf("What the last versions would have been judged is not known: %v.", err)
		}
	}
	for i := range e.Rows {
		r := &e.Rows[i]
		if r.Metric == "" || r.Remove {
			continue
		}
		var budget *judge.Budget
		for k := range e.edited.Budgets {
			if b := &e.edited.Budgets[k]; string(b.Metric) == r.Metric {
				budget = b
			}
		}
		metrics, note := e.matches(judge.Pattern(r.Metric))
		r.Matches = note
		if len(metrics) == 1 {
			r.Href = e.Link("metric", "m", metrics[0].Key())
			r.Usual = judge.DefaultStatistic(metrics[0])
		}
		if budget == nil {
			continue
		}
		if text := order(budget); text != "" && len(metrics) == 0 {
			r.Error = text
			continue
		}
		if !r.holdNow(budget, e.ruled(metrics, budget.Metric)) {
			continue
		}
		e.holdPast(r, budget, past)
	}
	return nil
}

// holdNow holds the newest run to a budget. It returns false if the budget does
// not fit.
func (r *budgetRow) holdNow(b *judge.Budget, metrics []*run.Metric) bool {
	var worst *judge.BudgetResult
	var of *run.Metric
	for _, m := range metrics {
		result, err := b.Hold(m)
		var misfit *judge.PolicyError
		if errors.As(err, &misfit) {
			r.Error = misfit.Msg
			return false
		}
		if err != nil {
			r.Error = err.Error()
			return false
		}
		if worst == nil || graver[result.Status] > graver[worst.Status] {
			worst, of = result, m
		}
	}
	if worst == nil {
		if len(metrics) == 0 && r.Matches != "" {
			return true
		}
		r.NowText = "another budget decides"
		return true
	}
	r.Now = budgetOf(&judge.Metric{Name: of.Name, Unit: of.Unit, Labels: of.Labels, Better: of.Direction(), Budget: worst})
	if worst.Value != nil {
		r.NowText = quantity(unit.ScaleOf(*worst.Value, of.Unit), *worst.Value)
	}
	if len(metrics) > 1 {
		r.NowText += " in " + of.Key()
	}
	return true
}

// holdPast holds the last versions to a budget.
func (e *editor) holdPast(r *budgetRow, b *judge.Budget, past []Recalled) {
	statuses := make(map[string]judge.BudgetStatus)
	heads := make(map[string]*judge.Head)
	higher := false
	missing := ""
	for i := range past {
		p := &past[i]
		m := run.Metric{Name: p.Name, Unit: p.Unit, Labels: p.Labels, Better: p.Better}
		if rule := e.edited.Rules(&m).Budget; rule == nil || rule.Metric != b.Metric {
			continue
		}
		higher = m.Direction() == run.Higher
		for k := range p.Stats {
			one := m
			one.Summary = &p.Stats[k]
			result, err := b.Hold(&one)
			switch {
			case err != nil:
			case result.Value == nil || math.IsNaN(*result.Value):
				missing = result.Statistic
			default:
				worst(statuses, p.Runs[k].ID, result.Status)
				heads[p.Runs[k].ID] = &p.Runs[k]
			}
		}
	}
	if len(statuses) == 0 {
		if missing != "" {
			r.Past = "the history does not keep the " + missing
		}
		return
	}
	var list []judge.BudgetStatus
	ids := slices.SortedFunc(maps.Keys(statuses), func(a, b string) int { return compareHeads(heads[a], heads[b]) })
	for x, id := range ids {
		s := statuses[id]
		list = append(list, s)
		r.Strip = append(r.Strip, strip{Class: statusChip(s, higher).Class + " " + statusChip(s, higher).Icon, Title: labelOf(heads[id], s), X: 5 * x})
	}
	r.Counts = tallyOf(list, higher)
	if len(list) < whatIfVersions {
		r.Past = "of " + report.Plural(len(list), "version")
	}
}

// compareHeads orders runs by time.
func compareHeads(a, b *judge.Head) int {
	var s, t time.Time
	if a.Timestamp != nil {
		s = *a.Timestamp
	}
	if b.Timestamp != nil {
		t = *b.Timestamp
	}
	return cmp.Or(s.Compare(t), strings.Compare(a.ID, b.ID))
}

// Last is how many versions a row looks back at.
func (r *budgetRow) Last() string { return fmt.Sprintf("last %d", len(r.Strip)) }
