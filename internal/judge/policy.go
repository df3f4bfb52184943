package judge

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Policy is what an application is held to. The zero Policy has no budgets and
// the default thresholds.
type Policy struct {
	File       string // where it was read; empty: none
	Aside      Aside
	App        string // the app it is for; empty: any
	Budgets    []Budget
	Thresholds []Threshold
	Waivers    []Waiver
	// FailOn lowers the tier at which budgets fail; without it, that is the
	// highest tier that a budget defines.
	FailOn Tier
	// Confidence is how sure the judge has to be; 0 means DefaultConfidence.
	Confidence float64
	// Baseline is the rule by which the baseline is chosen: "previous",
	// "branch:NAME", "merge-base", or a run; empty means previous. The judge
	// does not read it.
	Baseline string
	Strict   bool // undecided is no pass
	// AnyEnvironment lists the fields of the environment that may differ
	// between runs that are compared: cpu, memory, and so on.
	AnyEnvironment []string
}

// Aside is a policy that For put aside, since it is another app's.
type Aside struct{ File, App string }

// For returns the policy as it is for an app: of one that is another app's there
// remains how runs are compared.
func (p Policy) For(app string) Policy {
	if p.App == "" || app == "" || p.App == app {
		return p
	}
	return Policy{Aside: Aside{p.File, p.App}, Baseline: p.Baseline, AnyEnvironment: p.AnyEnvironment}
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
	Metric    Pattern
	Statistic string // as run.Metric.Statistic knows them; empty: DefaultStatistic
	Limits    map[Tier]Quantity
	// Better is the direction that the limits were written for, by < or >; ""
	// means that of the metric.
	Better run.Better
	Place  string // pacer.yaml:4:3, for errors
}

// Threshold is a relative limit against the baseline: how much worse, and how
// sure. Of several that match a metric, the most specific one that says a
// thing decides it; see Pattern.
type Threshold struct {
	Metric    Pattern
	Change    *float64  // least relative change that matters: 0.05; nil: not said
	MinChange *Quantity // least absolute change that matters; nil: not said
	Counted   *bool     // compared strictly, as a count is: any change is real; nil: by the unit
	Ignore    *bool     // its changes are shown and decide nothing; nil: not said
	Place     string
}

// Waiver is a change that was accepted, with a reason, for a time.
type Waiver struct {
	Metric Pattern
	Reason string
	Author string
	Since  time.Time // when it was accepted; zero: not known

	// At least one of these ends it.
	UntilVersion string    // accepted in versions before this one
	Until        time.Time // accepted before this moment
	WorseBy      float64   // accepted as long as the ratio is no worse than 1 + WorseBy; 0: however much

	Place string // pacer.waivers.yaml:4:3
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
	number := strconv.FormatFloat(q.Value, 'g', -1, 64)
	switch {
	case q.Unit == "" && m.Unit == unit.Seconds:
		example = number + "ms or " + number + "s"
	case q.Unit == "" && m.Unit == unit.Bytes:
		example = number + "B or " + number + "MB"
	case example == "":
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

// budget returns the most specific budget of a metric, nil if it has none.
func (p *Policy) budget(m *run.Metric) *Budget {
	var best *Budget
	for i := range p.Budgets {
		b := &p.Budgets[i]
		if b.Metric.Matches(m.Name, m.Labels) && (best == nil || b.Metric.weight() >= best.Metric.weight()) {
			best = b
		}
	}
	return best
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
	t := p.minChangeRule(m)
	if t == nil {
		return ownMinChange[m.Name], nil
	}
	return t.MinChange.of(m, t.Place)
}

// minChangeRule returns the threshold that says the smallest change of a
// metric. One for a glob is passed over where its unit is not the metric's:
// "*" reaches times, sizes and counts.
func (p *Policy) minChangeRule(m *run.Metric) *Threshold {
	return p.threshold(m, func(t *Threshold) bool {
		if t.MinChange == nil {
			return false
		}
		_, err := t.MinChange.of(m, "")
		return err == nil || t.Metric.Literal()
	})
}

// Rules are the parts of a policy that decide for one metric. Nil is the
// default.
type Rules struct {
	Budget    *Budget
	Change    *Threshold // says how much has to change
	MinChange *Threshold // says how much at least, in the metric's unit
	Counted   *Threshold // says whether it is compared as a count
	Ignore    *Threshold // says whether its changes decide nothing
}

// Rules returns what decides for a metric.
func (p *Policy) Rules(m *run.Metric) Rules {
	return Rules{
		Budget:    p.budget(m),
		Change:    p.threshold(m, func(t *Threshold) bool { return t.Change != nil }),
		MinChange: p.minChangeRule(m),
		Counted:   p.threshold(m, func(t *Threshold) bool { return t.Counted != nil }),
		Ignore:    p.threshold(m, func(t *Threshold) bool { return t.Ignore != nil }),
	}
}

// unjudged tells whether a metric says something about the measurement alone,
// which nobody asked to be judged by its name.
func (p *Policy) unjudged(m *run.Metric) bool {
	if m.Kind != run.WitnessKind {
		return false
	}
	rules := p.Rules(m)
	named := rules.Budget != nil && rules.Budget.Metric.Literal()
	for _, t := range []*Threshold{rules.Change, rules.MinChange, rules.Counted} {
		named = named || t != nil && t.Metric.Literal()
	}
	return !named
}

// Fits says whether the rules of a metric fit it: a *PolicyError if a unit, a
// statistic or a direction does not.
func (p *Policy) Fits(m *run.Metric) error {
	if b := p.budget(m); b != nil {
		if _, _, err := b.hold(m); err != nil {
			return err
		}
	}
	_, err := p.minChange(m)
	return err
}

// threshold returns the most specific threshold of a metric that says what is
// asked, nil if none does.
func (p *Policy) threshold(m *run.Metric, says func(*Threshold) bool) *Threshold {
	var best *Threshold
	for i := range p.Thresholds {
		t := &p.Thresholds[i]
		if says(t) && t.Metric.Matches(m.Name, m.Labels) && (best == nil || t.Metric.weight() >= best.Metric.weight()) {
			best = t
		}
	}
	return best
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

// Hold says how a metric stands in the budget. The error is a *PolicyError: the
// budget does not fit the metric.
func (b *Budget) Hold(m *run.Metric) (*BudgetResult, error) {
	result, _, err := b.hold(m)
	return result, err
}

// hold holds a metric to a budget. It returns the highest tier that the value
// is over, "" if none.
func (b *Budget) hold(m *run.Metric) (*BudgetResult, Tier, error) {
	result := &BudgetResult{Status: NoBudget, Statistic: b.Statistic, Place: b.Place}
	if result.Statistic == "" {
		result.Statistic = DefaultStatistic(m)
	}
	direction := m.Direction()
	if b.Better != "" && direction != "" && b.Better != direction {
		sign := map[run.Better]string{run.Lower: "<", run.Higher: ">"}
		return nil, "", &PolicyError{Place: b.Place, Msg: fmt.Sprintf("budget of %s: %s is better there: write %s in place of %s",
			m.Key(), direction, sign[direction], sign[b.Better])}
	}
	higher := cmp.Or(direction, b.Better) == run.Higher
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
