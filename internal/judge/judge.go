// Package judge says whether a run is good. Of every metric it asks three
// questions: is it inside its budget, did it change against the baseline, and
// did its history move.
//
// Judge is a pure function of the Case it is given: the same input gives the
// same verdict, byte for byte, whatever the order of the metrics. Doubts are
// part of the answer, in Warnings. Nothing here reads a clock, a file or a
// database.
//
// A change is told by one of three rules. Where both sides have enough
// samples, by statistics over all metrics together (package twosample), for
// times and sizes are noise. Counts, which are not, strictly. What is left,
// single values above all, by the specification's fixed ratios.
package judge

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/changepoint"
	"github.com/pacer-perf/pacer/internal/explain"
	"github.com/pacer-perf/pacer/internal/paired"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Case is what a run is judged by.
type Case struct {
	Current *run.Run
	// Rounds are the runs that Current was merged of, where it was measured in
	// turns with those of the baseline: then both sides tell how much runs of the
	// same code differ.
	Rounds   []*run.Run
	Baseline Baseline
	History  []Series // of the metrics, before the current run
	Policy   Policy
	Pairs    *Pairs             // of the one run of the baseline and the current one, if they were measured so
	Session  PairsHead          // how; without Pairs, nothing
	Now      time.Time          // when waivers are asked whether they still hold
	Find     changepoint.Finder // nil: changepoint.Find
}

// Baseline is what the current run is compared with.
type Baseline struct {
	Runs   []*run.Run // oldest first; none: there is no baseline
	Chosen string     // by which rule, as people read it; without a run, why not
	// First tells that there is no baseline because nothing was measured
	// before: no reason for doubt.
	First bool
	// Set tells that a person chose it, and with it what happened before.
	Set      bool
	Warnings []string // doubts about the choice
	// Since tells, by the key and unit of a metric (Identity), from which of
	// Runs on its level is that of today; without an entry, from the first.
	Since map[string]int
}

// Series is the history of one metric: what comparable runs measured, oldest
// first.
type Series struct {
	Name   string
	Unit   string
	Labels map[string]string
	Better run.Better
	Tick   float64   // resolution of the values; 0: unknown
	Values []float64 // one for each run: the metric's center
	Runs   []Head    // as many
}

// Key is the metric's name and labels.
func (s *Series) Key() string { return run.Key(s.Name, s.Labels) }

// Judge judges the current run. The error is a *PolicyError: a budget or
// threshold that does not fit the metric it is for.
func Judge(c Case) (Verdict, error) {
	current, policy := c.Current, &c.Policy
	if policy.App != "" && current.App != "" && policy.App != current.App {
		return Verdict{}, &PolicyError{Place: policy.File, Msg: fmt.Sprintf("the policy is for %s, the run is of %s", policy.App, current.App)}
	}
	v := newVerdict(&c)
	differences := v.meet(&c)
	list := slices.DeleteFunc(couples(current, &c.Baseline, c.Rounds), func(c couple) bool { return policy.unjudged(c.metric()) })
	changes, err := tellChanges(list, policy, c.Pairs, len(differences) > 0)
	if err != nil {
		return Verdict{}, err
	}
	histories := make(map[string]*Series, len(c.History))
	for i := range c.History {
		s := &c.History[i]
		histories[Identity(s.Key(), s.Unit)] = s
	}
	moves := findMoves(list, histories, c.Find)
	var why reasons
	judged := make(map[string]bool)
	for i := range list {
		j := judgement{Case: &c, couple: &list[i], past: histories[list[i].id], moves: moves[i], out: changes[i]}
		if err := j.judge(differences); err != nil {
			return Verdict{}, err
		}
		j.out.Fails = len(j.why.fail) > 0
		judged[j.out.Name], judged[j.out.Key()] = true, true
		why.add(j.why)
		v.Metrics = append(v.Metrics, j.out)
	}
	for i := range policy.Budgets {
		b := &policy.Budgets[i]
		if judged[string(b.Metric)] || !b.Metric.Literal() {
			continue
		}
		// Nothing by that name on either side.
		v.Metrics = append(v.Metrics, Metric{Name: string(b.Metric), Change: Missing, Fails: true, Budget: &BudgetResult{Status: NoBudget, Statistic: b.Statistic},
			Reasons: []string{"it has a budget but was not measured"}})
		why.fail = append(why.fail, string(b.Metric)+" has a budget but was not measured")
	}
	slices.SortStableFunc(v.Metrics, func(a, b Metric) int {
		return cmp.Or(strings.Compare(a.Key(), b.Key()), strings.Compare(a.Unit, b.Unit))
	})
	for _, failure := range current.Failures {
		why.fail = append(why.fail, "while it was measured: "+failure)
	}
	v.decide(&c, differences, why)
	return v, nil
}

func newVerdict(c *Case) Verdict {
	p := &c.Policy
	v := Verdict{
		Schema: Schema, App: c.Current.App, Current: HeadOf(c.Current),
		Policy:   PolicyHead{File: p.File, Budgets: len(p.Budgets), FailOn: p.FailOn, Confidence: p.confidence(), Rule: ruleText},
		Baseline: BaselineHead{Runs: []Head{}, Chosen: c.Baseline.Chosen},
		Metrics:  []Metric{}, Reasons: []string{}, Warnings: []string{},
	}
	if v.App == "" {
		v.App = p.App
	}
	if c.Pairs != nil {
		v.Pairs = &c.Session
		v.Pairs.Count, v.Pairs.Main = c.Pairs.count, c.Pairs.main
		v.Policy.Rule = pairedRuleText
		for _, control := range c.Session.Control {
			if control.Change != Unchanged && control.Change != Inconclusive {
				v.warn("", []string{fmt.Sprintf("the control raised a false alarm: %s of the baseline against itself is %s (%s); chance does that in at most %.2g%% of sessions",
					control.Metric, control.Change, unit.Percent(control.Ratio), 100*paired.FalseAlarms(p.confidence()))})
			}
		}
	}
	v.warn("", c.Current.Warnings, c.Current.Doubts, c.Baseline.Warnings)
	return v
}

// warn adds the warnings that are not there yet.
func (v *Verdict) warn(prefix string, lists ...[]string) {
	for _, w := range slices.Concat(lists...) {
		if w = prefix + w; !slices.Contains(v.Warnings, w) {
			v.Warnings = append(v.Warnings, w)
		}
	}
}

// meet notes the baseline and returns what keeps its runs from being compared
// with the current one. Where some of several runs can be compared, the others
// are left out.
func (v *Verdict) meet(c *Case) (differences []string) {
	var alike []*run.Run
	since := make([]int, len(c.Baseline.Runs)+1) // how many of the runs before an index are alike
	for i, r := range c.Baseline.Runs {
		d := Differences(r, c.Current, c.Policy.AnyEnvironment...)
		if len(d) == 0 {
			alike = append(alike, r)
		} else if differences == nil {
			differences = d
		}
		since[i+1] = len(alike)
	}
	switch left := len(c.Baseline.Runs) - len(alike); {
	case len(alike) == 0:
		alike = c.Baseline.Runs
	case left > 0:
		v.warn("", []string{fmt.Sprintf("%d of %d runs of the baseline are not comparable and left out (%s)", left, len(c.Baseline.Runs), strings.Join(differences, "; "))})
		differences = nil
		moved := make(map[string]int, len(c.Baseline.Since))
		for key, i := range c.Baseline.Since {
			moved[key] = since[min(max(i, 0), len(since)-1)]
		}
		c.Baseline.Since = moved
	}
	c.Baseline.Runs = alike
	for _, r := range alike {
		v.Baseline.Runs = append(v.Baseline.Runs, HeadOf(r))
		doubts := slices.Concat(r.Warnings, r.Doubts)
		if c.Pairs != nil { // what holds of both sides is of the session
			doubts = slices.DeleteFunc(doubts, func(w string) bool { return slices.Contains(v.Warnings, w) })
		}
		v.warn("baseline: ", doubts)
		if changed := stateDifferences(r, c.Current); len(changed) > 0 {
			v.warn("", []string{"the machine was in another state (" + strings.Join(changed, "; ") + ")"})
		}
		if unknown := Unknown(r, c.Current); len(unknown) > 0 {
			v.warn("", []string{"not known on both sides: " + strings.Join(unknown, ", ") + "; compared as if on one machine"})
		}
	}
	return differences
}

// decide gives the run its word.
func (v *Verdict) decide(c *Case, differences []string, why reasons) {
	if len(differences) > 0 {
		why.doubt = append([]string{"the baseline is not comparable (" + strings.Join(differences, "; ") + ")"}, why.doubt...)
	}
	if len(c.Baseline.Runs) == 0 && !c.Baseline.First {
		why.doubt = append(why.doubt, "no baseline: "+c.Baseline.Chosen)
	}
	if !slices.ContainsFunc(v.Metrics, func(m Metric) bool { return m.Current != nil }) {
		why.doubt = append(why.doubt, "the run has no values: did what writes it end too early?")
	}
	if b := assumed(v.Metrics); b > 0 {
		v.warn("", []string{fmt.Sprintf("with one run as the baseline it is not known how much runs of the same code differ (%.1f%% is assumed), and what slowed all metrics down together looks like a change: a baseline of several runs would tell", 100*b)})
	}
	v.Verdict = Pass
	switch {
	case len(why.fail) > 0:
		v.Verdict = Fail
	case len(why.doubt) > 0:
		v.Verdict = Undecided
	case len(why.warn) > 0:
		v.Verdict = Warn
	}
	v.Reasons = append(v.Reasons, slices.Concat(why.fail, why.doubt, why.warn)...)
}

// reasons are what speaks against a pass.
type reasons struct{ fail, doubt, warn []string }

func (r *reasons) add(other reasons) {
	r.fail = append(r.fail, other.fail...)
	r.doubt = append(r.doubt, other.doubt...)
	r.warn = append(r.warn, other.warn...)
}

// judgement is the work on one metric.
type judgement struct {
	*Case
	*couple
	past  *Series             // nil: it has no history
	moves []changepoint.Point // in it
	out   Metric              // with its change already told
	why   reasons
}

func (j *judgement) judge(differences []string) error {
	j.describe()
	rules := j.Policy.Rules(j.metric())
	budget := rules.Budget
	j.out.Ignored = rules.Ignore != nil && *rules.Ignore.Ignore || j.metric().Better == run.Neither
	switch {
	case j.current == nil:
		j.missing(budget)
		return nil
	case len(j.baseline) == 0:
		j.out.Change = New
	case len(differences) > 0:
		j.out.Change = Incomparable
		j.out.Reasons = append(j.out.Reasons, differences...)
	default:
		j.changed()
	}
	if budget != nil {
		if err := j.hold(budget); err != nil {
			return err
		}
	}
	if !j.out.Ignored {
		j.lookBack()
	}
	return nil
}

// describe fills in what the metric is.
func (j *judgement) describe() {
	m := j.metric()
	j.out.Name, j.out.Unit, j.out.Labels, j.out.Better = m.Name, m.Unit, m.Labels, m.Direction()
	for i, side := range []*run.Metric{j.pooled, j.current} {
		if side != nil {
			s := side.Stats()
			j.out.N[i] = side.Count()
			*[]**run.Stats{&j.out.Baseline, &j.out.Current}[i] = &s
		}
	}
}

// missing judges a metric that the current run lacks.
func (j *judgement) missing(budget *Budget) {
	m, key := j.metric(), j.out.Key()
	j.out.Change = Missing
	other := slices.IndexFunc(j.Current.Metrics, func(x run.Metric) bool { return x.Key() == m.Key() && x.Count() > 0 })
	switch {
	case other >= 0:
		j.why.warn = append(j.why.warn, fmt.Sprintf("%s is missing in %q: the current run has it in %q", key, m.Unit, j.Current.Metrics[other].Unit))
	case budget != nil:
		j.out.Budget = &BudgetResult{Status: NoBudget, Statistic: budget.Statistic}
		j.why.fail = append(j.why.fail, key+" has a budget but was not measured")
	case !j.out.Ignored:
		j.why.warn = append(j.why.warn, key+" is missing: the baseline has it")
	}
}

// changed draws the consequences of the change.
func (j *judgement) changed() {
	key := j.out.Key()
	switch j.out.Change {
	case Regressed:
		since := min(max(j.Baseline.Since[j.id], 0), len(j.Baseline.Runs))
		j.out.Stages = explain.Stages(j.Baseline.Runs[since:], j.Current, j.out.Name)
		j.accept()
		if !j.out.Ignored && j.out.Accepted == nil {
			j.why.fail = append(j.why.fail, j.out.Reasons[0])
		}
	case Inconclusive, Incomparable:
		if j.out.Ignored || j.Pairs != nil && !j.Pairs.isMain(key) { // others are told of if they are sure
			return
		}
		for _, w := range slices.Concat(j.out.Reasons, j.out.Warnings) {
			j.why.doubt = append(j.why.doubt, key+": "+w)
		}
	}
}

// accept looks for a waiver that covers the regression.
func (j *judgement) accept() {
	worse := 1.0
	switch {
	case j.out.Ratio == nil:
		worse = math.Inf(1) // from nothing to something
	case j.out.Better == run.Higher:
		worse = 1 / *j.out.Ratio
	default:
		worse = *j.out.Ratio
	}
	var short []string // those that are for the metric and do not cover it
	for i := range j.Policy.Waivers {
		w := &j.Policy.Waivers[i]
		ended := w.Expired(j.Current.Version, j.Now)
		switch {
		case w.Covers(j.out.Name, j.out.Labels, j.Current.Version, worse, j.Now):
			j.out.Accepted = &Accepted{Reason: w.Reason, Author: w.Author, Until: w.End(), Place: w.Place}
			return
		case !w.Metric.Matches(j.out.Name, j.out.Labels):
		case ended != "":
			short = append(short, "the waiver at "+w.Place+" does not hold any more: "+ended)
		default:
			short = append(short, fmt.Sprintf("the waiver at %s covers up to %s", w.Place, unit.Percent(1+w.WorseBy)))
		}
	}
	j.out.Warnings = append(j.out.Warnings, short...)
}

// hold holds the metric to its budget.
func (j *judgement) hold(budget *Budget) error {
	result, over, err := budget.hold(j.current)
	if err != nil {
		return err
	}
	j.out.Budget = result
	switch {
	case result.Value == nil:
		text := fmt.Sprintf("%s has a budget on its %s, which was not measured", j.out.Key(), result.Statistic)
		j.out.Reasons = append(j.out.Reasons, text)
		j.why.fail = append(j.why.fail, text)
	case over != "":
		limit, _ := result.limit(over)
		word := "over"
		if j.out.Better == run.Higher {
			word = "under"
		}
		text := fmt.Sprintf("%s: %s %s is %s its %s of %s", j.out.Key(), result.Statistic,
			unit.Format(*result.Value, j.out.Unit), word, over, unit.Format(limit, j.out.Unit))
		j.out.Reasons = append(j.out.Reasons, text)
		if budget.fails(over, j.Policy.FailOn) {
			j.why.fail = append(j.why.fail, text)
		} else {
			j.why.warn = append(j.why.warn, text)
		}
	}
	return nil
}
