package judge

import (
	"fmt"
	"math"
	"strings"

	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Policy is what an application is held to. The zero Policy has no budgets and
// the default rule.
type Policy struct {
	File       string // where it was read; empty: none
	App        string // the app it is for; empty: any
	Budgets    []Budget
	Thresholds []Threshold
	// FailOn lowers the tier at which budgets fail; without it, that is the
	// highest tier that a budget defines.
	FailOn Tier
}

// Tier is one limit of a budget.
type Tier string

const (
	Target   Tier = "target"
	Warning  Tier = "warning"
	Critical Tier = "critical"
)

// tiers lists them from the lowest.
var tiers = []Tier{Target, Warning, Critical}

// ParseTier reads target, warning or critical.
func ParseTier(s string) (Tier, error) {
	for _, t := range tiers {
		if s == string(t) {
			return t, nil
		}
	}
	return "", fmt.Errorf("tier %q: expected target, warning or critical", s)
}

// Budget is an absolute limit on a statistic of a metric.
type Budget struct {
	// Metric is a name, which stands for the metric with any labels, or a name
	// with labels as run.Key writes them, which goes before.
	Metric    string
	Statistic string // as run.Metric.Statistic knows them; empty: DefaultStatistic
	Limits    map[Tier]Quantity
	Place     string // pacer.yaml:4:3, for errors
}

// Threshold tells which changes of a metric are too small to matter.
type Threshold struct {
	Metric    string // as in Budget
	MinChange Quantity
	Place     string
}

// Quantity is a number in a base unit; Unit is "" for a bare number.
type Quantity struct {
	Value float64
	Unit  string
}

// PolicyError is a policy that does not fit what it is applied to.
type PolicyError struct {
	Place string // pacer.yaml:4:3, or empty
	Msg   string
}

func (e *PolicyError) Error() string {
	if e.Place == "" {
		return e.Msg
	}
	return e.Place + ": " + e.Msg
}

// of returns the quantity in the unit of the metric, or an error if it is in
// another one. A bare number stands for any unit but times and sizes, where it
// could be milliseconds as well as seconds.
func (q Quantity) of(m *run.Metric, place string) (float64, error) {
	bare := q.Unit == "" && m.Unit != unit.Seconds && m.Unit != unit.Bytes
	if q.Unit == m.Unit || bare {
		return q.Value, nil
	}
	example := map[string]string{unit.Seconds: "200ms or 2s", unit.Bytes: "500MB", unit.Speed: "40 items/s"}[m.Unit]
	if example == "" {
		example = "a bare number"
	}
	return 0, &PolicyError{Place: place, Msg: fmt.Sprintf("%s is measured in %q, not in %q: write %s",
		m.Key(), m.Unit, q.Unit, example)}
}

// DefaultStatistic is the statistic that a budget holds unless it names one:
// the 95th percentile of timers, the median of start-up and of what the runner
// times from outside, the maximum of memory, the median of anything else.
func DefaultStatistic(m *run.Metric) string {
	switch {
	case m.Name == run.Startup, strings.HasPrefix(m.Name, "startup."), strings.HasPrefix(m.Name, "startup/"), strings.HasPrefix(m.Name, "process.") && m.Unit == unit.Seconds:
		return "median" // one observation for each repetition
	case m.Unit == unit.Seconds:
		return "p95"
	case m.Unit == unit.Bytes && isMemory(m.Name):
		return "max"
	}
	return "median"
}

func isMemory(name string) bool {
	for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return r == '.' || r == '/' }) {
		if part == "memory" {
			return true
		}
	}
	return false
}

// budget returns the budget of a metric: the one with its labels before the
// one with its name alone.
func (p *Policy) budget(m *run.Metric) *Budget {
	var byName *Budget
	for i := range p.Budgets {
		switch b := &p.Budgets[i]; b.Metric {
		case m.Key():
			return b
		case m.Name:
			byName = b
		}
	}
	return byName
}

// ownMinChange are the smallest changes that matter of what Pacer measures in
// every app: without them, a fourth goroutine beside three would stop a build.
var ownMinChange = map[string]float64{
	"go.goroutines":     10,
	"gc.pause":          1e-3,
	"memory.heap.live":  4 << 20,
	"memory.heap.total": 4 << 20,
}

// minChange returns the smallest change of a metric that matters, 0 if any
// does.
func (p *Policy) minChange(m *run.Metric) (float64, error) {
	var byName *Threshold
	for i := range p.Thresholds {
		t := &p.Thresholds[i]
		if t.Metric == m.Key() {
			byName = t
			break
		}
		if t.Metric == m.Name {
			byName = t
		}
	}
	if byName == nil {
		return ownMinChange[m.Name], nil
	}
	return byName.MinChange.of(m, byName.Place)
}

// BudgetStatus is where a value lies in its budget.
type BudgetStatus string

const (
	Within       BudgetStatus = "within"
	OverTarget   BudgetStatus = "over target"
	OverWarning  BudgetStatus = "warning"
	OverCritical BudgetStatus = "critical"
	NoBudget     BudgetStatus = "none"
)

var statusOf = map[Tier]BudgetStatus{Target: OverTarget, Warning: OverWarning, Critical: OverCritical}

// hold holds a metric to a budget. It returns the highest tier that the value
// is over, "" if none.
func (b *Budget) hold(m *run.Metric) (*BudgetResult, Tier, error) {
	result := &BudgetResult{Status: NoBudget, Statistic: b.Statistic}
	if result.Statistic == "" {
		result.Statistic = DefaultStatistic(m)
	}
	higher := m.Direction() == run.Higher
	below, belowIs := math.NaN(), Tier("")
	for _, tier := range tiers {
		q, ok := b.Limits[tier]
		if !ok {
			continue
		}
		limit, err := q.of(m, b.Place)
		if err != nil {
			return nil, "", err
		}
		if limit < below && !higher || limit > below && higher {
			return nil, "", &PolicyError{Place: b.Place, Msg: fmt.Sprintf("budget of %s: %s (%s) is stricter than %s (%s): expected target, warning, critical from the strictest on",
				m.Key(), tier, unit.Format(limit, m.Unit), belowIs, unit.Format(below, m.Unit))}
		}
		below, belowIs = limit, tier
		result.set(tier, limit)
	}
	value, err := m.Statistic(result.Statistic)
	if err != nil {
		return nil, "", &PolicyError{Place: b.Place, Msg: err.Error()}
	}
	if math.IsNaN(value) {
		return result, "", nil
	}
	result.Value = &value
	result.Status = Within
	var over Tier
	for _, tier := range tiers {
		limit, ok := result.limit(tier)
		if ok && (value > limit && !higher || value < limit && higher) {
			result.Status, over = statusOf[tier], tier
		}
	}
	return result, over, nil
}

// fails tells whether being over a tier fails: where it is the highest that
// the budget defines, or failOn or above.
func (b *Budget) fails(over, failOn Tier) bool {
	rank := func(t Tier) int {
		for i := range tiers {
			if tiers[i] == t {
				return i
			}
		}
		return -1
	}
	failing := -1
	for tier := range b.Limits {
		failing = max(failing, rank(tier))
	}
	if failOn != "" {
		failing = min(failing, rank(failOn))
	}
	return over != "" && rank(over) >= failing
}
