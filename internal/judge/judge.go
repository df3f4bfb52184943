// Package judge says whether a run is good: is every metric inside its budget,
// and did it change against the baseline.
//
// Judge is a pure function of the current run, the baseline and the policy:
// the same input gives the same verdict, whatever the order of the metrics.
// Doubts are part of the answer, in Warnings. Nothing here reads a clock, a
// file or a database.
//
// This is the default rule alone: a ratio of medians against fixed limits. It
// knows nothing of noise.
package judge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Baseline is what the current run is compared with.
type Baseline struct {
	Run    *run.Run // nil: there is none
	Chosen string   // by which rule, as people read it; without a run, why not
	// First tells that there is no baseline because nothing was measured
	// before: no reason for doubt.
	First bool
}

// Judge judges the current run. The error is a *PolicyError: a budget or
// threshold that does not fit the metric it is for.
func Judge(current *run.Run, baseline Baseline, policy Policy) (Verdict, error) {
	if policy.App != "" && current.App != "" && policy.App != current.App {
		return Verdict{}, &PolicyError{Place: policy.File, Msg: fmt.Sprintf("the policy is for %s, the run is of %s", policy.App, current.App)}
	}
	v := Verdict{
		Schema: Schema, App: current.App, Current: HeadOf(current),
		Policy:   PolicyHead{File: policy.File, Budgets: len(policy.Budgets), FailOn: policy.FailOn, Rule: defaultRule},
		Baseline: BaselineHead{Runs: []Head{}, Chosen: baseline.Chosen},
		Metrics:  []Metric{}, Reasons: []string{}, Warnings: slices.Concat(current.Warnings, current.Doubts),
	}
	if v.App == "" {
		v.App = policy.App
	}
	differences := v.meet(current, baseline)

	var failed, doubted, warned []string
	judged := make(map[string]bool)
	pairs := pair(current, baseline.Run)
	for i := range pairs {
		m, reasons, err := judgePair(&pairs[i], differences, &policy, current)
		if err != nil {
			return Verdict{}, err
		}
		m.Fails = len(reasons.fail) > 0
		judged[m.Name], judged[m.Key()] = true, true
		failed = append(failed, reasons.fail...)
		doubted = append(doubted, reasons.doubt...)
		warned = append(warned, reasons.warn...)
		v.Metrics = append(v.Metrics, m)
	}
	for i := range policy.Budgets {
		b := &policy.Budgets[i]
		if judged[b.Metric] {
			continue
		}
		// Nothing by that name on either side.
		v.Metrics = append(v.Metrics, Metric{Name: b.Metric, Change: Missing, Fails: true, Budget: &BudgetResult{Status: NoBudget, Statistic: b.Statistic},
			Reasons: []string{"it has a budget but was not measured"}})
		failed = append(failed, b.Metric+" has a budget but was not measured")
	}
	slices.SortStableFunc(v.Metrics, func(a, b Metric) int {
		return cmp.Or(strings.Compare(a.Key(), b.Key()), strings.Compare(a.Unit, b.Unit))
	})
	if len(differences) > 0 {
		doubted = append([]string{"the baseline is not comparable (" + strings.Join(differences, "; ") + ")"}, doubted...)
	}
	if baseline.Run == nil && !baseline.First {
		doubted = append(doubted, "no baseline: "+baseline.Chosen)
	}
	if len(current.Metrics) == 0 {
		doubted = append(doubted, "the run has no metrics: did what writes it end too early?")
	}
	v.Verdict = Pass
	switch {
	case len(failed) > 0:
		v.Verdict = Fail
	case len(doubted) > 0:
		v.Verdict = Undecided
	case len(warned) > 0:
		v.Verdict = Warn
	}
	v.Reasons = append(v.Reasons, slices.Concat(failed, doubted, warned)...)
	if v.Warnings == nil {
		v.Warnings = []string{}
	}
	return v, nil
}

// meet notes the baseline, and returns what keeps the runs from being
// compared.
func (v *Verdict) meet(current *run.Run, baseline Baseline) []string {
	if baseline.Run == nil {
		return nil
	}
	v.Baseline.Runs = append(v.Baseline.Runs, HeadOf(baseline.Run))
	for _, w := range slices.Concat(baseline.Run.Warnings, baseline.Run.Doubts) {
		if w = "baseline: " + w; !slices.Contains(v.Warnings, w) {
			v.Warnings = append(v.Warnings, w)
		}
	}
	if unknown := Unknown(baseline.Run, current); len(unknown) > 0 {
		v.Warnings = append(v.Warnings, "not known on both sides: "+strings.Join(unknown, ", ")+"; compared as if on one machine")
	}
	return Differences(baseline.Run, current)
}

// couple is one metric of both runs; a side that lacks it is nil.
type couple struct {
	key               string
	baseline, current *run.Metric
}

// pair couples the metrics of both runs by name, labels and unit, sorted by
// them. In a file of flat keys the main operation has no name of its own: it
// is coupled with the other's.
func pair(current, baseline *run.Run) []couple {
	var list []couple
	at := make(map[string]int)
	add := func(r, other *run.Run, put func(*couple, *run.Metric)) {
		if r == nil {
			return
		}
		for i := range r.Metrics {
			m := &r.Metrics[i]
			if m.Count() == 0 {
				continue // nothing was observed: not measured
			}
			name := m.Key()
			if name == run.Processing && r.Main == name && other != nil && other.Main != "" {
				name = other.Main
			}
			key := name + "\x00" + m.Unit
			j, there := at[key]
			if !there {
				j = len(list)
				at[key] = j
				list = append(list, couple{key: key})
			}
			put(&list[j], m)
		}
	}
	add(current, baseline, func(c *couple, m *run.Metric) { c.current = m })
	add(baseline, current, func(c *couple, m *run.Metric) { c.baseline = m })
	slices.SortFunc(list, func(a, b couple) int { return strings.Compare(a.key, b.key) })
	return list
}

// reasons are what one metric gives against a pass.
type reasons struct{ fail, doubt, warn []string }

func judgePair(c *couple, differences []string, policy *Policy, current *run.Run) (Metric, reasons, error) {
	m := c.current
	if m == nil {
		m = c.baseline
	}
	out := Metric{Name: m.Name, Unit: m.Unit, Labels: m.Labels, Better: m.Direction()}
	var why reasons
	for i, side := range []*run.Metric{c.baseline, c.current} {
		if side != nil {
			s := side.Stats()
			out.N[i] = side.Count()
			*[]**run.Stats{&out.Baseline, &out.Current}[i] = &s
		}
	}
	budget := policy.budget(m)
	switch {
	case c.current == nil:
		out.Change = Missing
		other := slices.IndexFunc(current.Metrics, func(x run.Metric) bool { return x.Key() == m.Key() })
		if other >= 0 {
			why.warn = append(why.warn, fmt.Sprintf("%s is missing in %q: the current run has it in %q", out.Key(), m.Unit, current.Metrics[other].Unit))
		} else if budget != nil {
			out.Budget = &BudgetResult{Status: NoBudget, Statistic: budget.Statistic}
			why.fail = append(why.fail, out.Key()+" has a budget but was not measured")
		} else {
			why.warn = append(why.warn, out.Key()+" is missing: the baseline has it")
		}
		return out, why, nil
	case c.baseline == nil:
		out.Change = New
	case len(differences) > 0:
		out.Change = Incomparable
		out.Reasons = append(out.Reasons, differences...)
	default:
		minChange, err := policy.minChange(m)
		if err != nil {
			return out, why, err
		}
		compare(&out, c.baseline, c.current, minChange)
		switch out.Change {
		case Regressed:
			why.fail = append(why.fail, out.Reasons...)
		case Inconclusive, Incomparable:
			for _, w := range out.Warnings {
				why.doubt = append(why.doubt, out.Key()+": "+w)
			}
		}
	}
	if budget == nil {
		return out, why, nil
	}
	result, over, err := budget.hold(c.current)
	if err != nil {
		return out, why, err
	}
	out.Budget = result
	switch {
	case result.Value == nil:
		text := fmt.Sprintf("%s has a budget on its %s, which was not measured", out.Key(), result.Statistic)
		out.Reasons = append(out.Reasons, text)
		why.fail = append(why.fail, text)
	case over != "":
		limit, _ := result.limit(over)
		word := "over"
		if out.Better == run.Higher {
			word = "under"
		}
		text := fmt.Sprintf("%s: %s %s is %s its %s of %s", out.Key(), result.Statistic,
			unit.Format(*result.Value, m.Unit), word, over, unit.Format(limit, m.Unit))
		out.Reasons = append(out.Reasons, text)
		if budget.fails(over, policy.FailOn) {
			why.fail = append(why.fail, text)
		} else {
			why.warn = append(why.warn, text)
		}
	}
	return out, why, nil
}
