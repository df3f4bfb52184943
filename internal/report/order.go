package report

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/judge"
)

// ByGravity returns the metrics of a verdict in the order in which a person
// wants them: over a critical budget, regressed, missing, over a warning,
// undecided, over a target, new, improved, the rest. What fails the run comes
// first in its class, then what changed most; what every app has comes after
// what is the app's own.
func ByGravity(metrics []judge.Metric) []judge.Metric {
	type weighed struct {
		at     int
		class  class
		common bool
		size   float64
		key    string
	}
	list := make([]weighed, len(metrics))
	for i := range metrics {
		m := &metrics[i]
		list[i] = weighed{i, classOf(m), m.Budget == nil && common(m.Name), size(m), m.Key()}
	}
	fails := func(w weighed) int { return flag(!metrics[w.at].Fails) }
	slices.SortStableFunc(list, func(a, b weighed) int {
		return cmp.Or(cmp.Compare(a.class, b.class), fails(a)-fails(b), flag(a.common)-flag(b.common),
			flag(metrics[a.at].Budget == nil)-flag(metrics[b.at].Budget == nil), cmp.Compare(b.size, a.size), strings.Compare(a.key, b.key))
	})
	sorted := make([]judge.Metric, len(metrics))
	for i, w := range list {
		sorted[i] = metrics[w.at]
	}
	return sorted
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// class is how grave the judgement of a metric is, the gravest first.
type class int

const (
	critical class = iota
	regressed
	missing
	warning
	undecided
	overTarget
	isNew
	improved
	plain
	ignored
)

func classOf(m *judge.Metric) class {
	status := Status(m)
	switch {
	case m.Ignored && !m.Fails:
		return ignored
	case status == judge.OverCritical:
		return critical
	case m.Change == judge.Regressed && m.Accepted == nil:
		return regressed
	case m.Fails && (status == judge.OverWarning || status == judge.OverTarget):
		return critical
	case m.Change == judge.Missing, m.Fails:
		return missing
	case status == judge.OverWarning:
		return warning
	case m.Change == judge.Inconclusive, m.Change == judge.Incomparable:
		return undecided
	case status == judge.OverTarget:
		return overTarget
	case m.Change == judge.New:
		return isNew
	case m.Change == judge.Improved:
		return improved
	}
	return plain
}

// Status is the budget status of a metric, "" if it has no budget.
func Status(m *judge.Metric) judge.BudgetStatus {
	if m.Budget == nil {
		return ""
	}
	return m.Budget.Status
}

// size is by how much a metric changed, where that says something.
func size(m *judge.Metric) float64 {
	if m.Ratio == nil || !(*m.Ratio > 0) || classOf(m) >= plain {
		return 0
	}
	return math.Abs(math.Log(*m.Ratio))
}

// common tells the metrics that every app has.
func common(name string) bool {
	for _, prefix := range []string{"memory.", "go.", "gc.", "process."} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// NeedsPerson tells whether somebody has to look at a metric.
func NeedsPerson(m *judge.Metric) bool { return classOf(m) <= undecided }

// Plain tells whether there is nothing to say of a metric: it did not change,
// or only got here, and no budget of it is exceeded.
func Plain(m *judge.Metric) bool {
	c := classOf(m)
	return c == isNew || c == plain && m.Accepted == nil || c == ignored
}

// NeedsAttention tells whether anything of a verdict needs a person. A value
// that is over a target alone does not.
func NeedsAttention(v *judge.Verdict) bool {
	for i := range v.Metrics {
		if NeedsPerson(&v.Metrics[i]) {
			return true
		}
	}
	return v.Verdict == judge.Fail || v.Verdict == judge.Undecided || len(OtherReasons(v)) > 0
}

// OtherReasons returns the reasons of a verdict that are not of a row which
// says them itself: a baseline that was not found, a level that drifts.
func OtherReasons(v *judge.Verdict) []string {
	said := make(map[string]bool)
	for i := range v.Metrics {
		m := &v.Metrics[i]
		key := m.Key()
		for _, text := range slices.Concat(m.Reasons, m.Warnings) {
			said[text], said[key+": "+text] = true, true
		}
		if m.Change == judge.Missing {
			said[key+" is missing: the baseline has it"] = true
			said[key+" has a budget but was not measured"] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(v.Reasons), func(s string) bool { return said[s] || isMissing(v, s) })
}

// isMissing tells whether a reason is that a metric is missing in its unit.
func isMissing(v *judge.Verdict, reason string) bool {
	return slices.ContainsFunc(v.Metrics, func(m judge.Metric) bool {
		return m.Change == judge.Missing && strings.HasPrefix(reason, m.Key()+" is missing in ")
	})
}

// FailsBeside tells whether a verdict fails for what is not of any metric.
func FailsBeside(v *judge.Verdict) bool {
	return v.Verdict == judge.Fail && !slices.ContainsFunc(v.Metrics, func(m judge.Metric) bool { return m.Fails })
}
