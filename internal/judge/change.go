package judge

import (
	"fmt"
	"math"
	"strings"

	"github.com/pacer-perf/pacer/internal/twosample"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// The rules by which a change is told.
const (
	ByStatistics = "statistics"
	ByRatio      = "ratio"
	ByCount      = "count"

	ruleText = "statistics over all metrics together where both sides have enough samples, counts strictly, else a fixed ratio: " + defaultRule
)

// DefaultThreshold is the least relative change of times, sizes and rates that
// matters unless the policy says otherwise. Of counts, every change does.
const DefaultThreshold = 0.05

// InstructionsThreshold is the same for instructions. A program with a garbage
// collector or with threads executes up to 0.7 % more or fewer from run to run.
const InstructionsThreshold = 0.01

// DefaultConfidence is how sure the judge is unless the policy says otherwise.
const DefaultConfidence = 0.95

func (p *Policy) confidence() float64 {
	if p.Confidence == 0 {
		return DefaultConfidence
	}
	return p.Confidence
}

// tellChanges tells the change of every couple that can be compared: the
// statistics of all at once, because what is noise in one metric is learnt
// from all of them, and because many questions have more false answers than
// one. The result has an entry for each couple.
func tellChanges(list []couple, policy *Policy, pairs *Pairs, incomparable bool) ([]Metric, error) {
	out := make([]Metric, len(list))
	if incomparable {
		return out, nil
	}
	var samples []twosample.Metric
	var of []int
	limits := make([]limit, len(list))
	told := make([]bool, len(list))
	if pairs != nil {
		pairs.tell(list, out, told)
	}
	for i := range list {
		c := &list[i]
		if told[i] || c.current == nil || len(c.baseline) == 0 {
			continue
		}
		var err error
		if limits[i], err = policy.limit(c); err != nil {
			return nil, err
		}
		if limits[i].counted || c.pooled.Direction() != c.current.Direction() {
			continue
		}
		if m, ok := sampled(c); ok {
			m.Threshold, m.MinChange = limits[i].change, limits[i].minChange
			samples, of = append(samples, m), append(of, i)
		}
	}
	for k, r := range twosample.Compare(samples, twosample.Options{Confidence: policy.confidence()}) {
		if r.Outcome == "" {
			continue // too few samples, or values that have no ratio
		}
		i := of[k]
		tellByStatistics(&out[i], &list[i], &r, limits[i], policy.confidence())
		told[i] = true
	}
	for i := range list {
		if c := &list[i]; atMost(c) {
			m := &out[i]
			m.Change, m.Needed = Unchanged, nil
			m.Reasons = []string{fmt.Sprintf("at most %s on both sides: less cannot be told, and so it is not judged", unit.Format(max(c.current.Resolution, c.pooled.Resolution), c.current.Unit))}
			told[i] = true
		}
	}
	for i := range list {
		c := &list[i]
		switch {
		case told[i] || c.current == nil || len(c.baseline) == 0:
		case limits[i].counted && countable(c):
			tellByCount(&out[i], c, limits[i])
		default:
			tellByRatio(&out[i], c, limits[i])
		}
	}
	return out, nil
}

// atMost tells whether all that is known of a size is that it is below the
// least that can be told, on both sides.
func atMost(c *couple) bool {
	if c.current == nil || len(c.baseline) == 0 || c.current.Unit != unit.Bytes {
		return false
	}
	for _, m := range append([]*run.Metric{c.current}, c.baseline...) {
		if v, _ := m.Center(); !(v < m.Resolution) {
			return false
		}
	}
	return true
}

// limit is what a change of one metric is held to.
type limit struct {
	change    float64 // least relative change that matters
	said      bool    // by the policy
	minChange float64 // least absolute change that matters
	counted   bool
	place     string // of the threshold in the policy
	minPlace  string // of the least absolute change
}

// Matters returns the least changes of a metric that matter, relative and in
// its unit, and whether the policy ignores its changes. What does not fit the
// metric does not limit it: see Fits.
func (p *Policy) Matters(m *run.Metric) (change, minChange float64, ignored bool) {
	l, _ := p.limit(&couple{current: m})
	ignore := p.Rules(m).Ignore
	return l.change, l.minChange, ignore != nil && *ignore.Ignore
}

func (p *Policy) limit(c *couple) (limit, error) {
	m := c.current
	rules := p.Rules(m)
	l := limit{change: DefaultThreshold, counted: counted(m)}
	if t := rules.Counted; t != nil {
		l.counted, l.place = *t.Counted, t.Place
	}
	switch {
	case l.counted && m.Unit == unit.Instructions:
		l.change = InstructionsThreshold
	case l.counted:
		l.change = 0
	}
	if t := rules.Change; t != nil {
		l.change, l.said, l.place = *t.Change, true, t.Place
	}
	if t := rules.MinChange; t != nil {
		l.minPlace = t.Place
	}
	var err error
	l.minChange, err = p.minChange(m)
	return l, err
}

// sampled returns the samples of a couple, run by run. It returns false if a
// side has only summaries.
func sampled(c *couple) (twosample.Metric, bool) {
	m := twosample.Metric{Tick: max(c.current.Resolution, c.pooled.Resolution)}
	for _, b := range c.baseline {
		values := observations(b)
		if values == nil {
			return m, false
		}
		m.Baseline = append(m.Baseline, values)
	}
	current := c.rounds
	if len(current) == 0 {
		current = []*run.Metric{c.current}
	}
	for _, r := range current {
		values := observations(r)
		if values == nil {
			return m, false
		}
		m.Current = append(m.Current, values)
	}
	return m, true
}

// spread is how many values stand for a histogram.
const spread = 1000

// observations returns the samples of a metric, or values that spread as its
// histogram does, nil if it has neither.
func observations(m *run.Metric) []float64 {
	if m.Histogram == nil {
		return m.Samples
	}
	n := int(min(m.Count(), spread))
	values := make([]float64, n)
	// A Weyl sequence by the golden ratio visits the quantiles evenly and in
	// no order, for a histogram has lost the order.
	const golden = 0.6180339887498949
	for i := range values {
		_, q := math.Modf((float64(i) + 0.5) * golden)
		values[i] = m.Histogram.Quantile(q)
	}
	return values
}

// tellByStatistics says what the comparison of two samples found.
func tellByStatistics(out *Metric, c *couple, r *twosample.Result, l limit, confidence float64) {
	out.Statistic = "location"
	out.Threshold, out.MinChange, out.Levels = l.change, l.minChange, &r.Levels
	out.Ratio, out.Interval = &r.Ratio, &[2]float64{r.Low, r.High}
	out.Test = &Test{Rule: ByStatistics, Method: r.Method, P: &r.P, Adjusted: &r.Adjusted, Effective: &r.Effective,
		Within: &r.Within, Between: &r.Between, BetweenFrom: r.BetweenFrom, Place: l.place, MinChangePlace: l.minPlace}
	direction := c.current.Direction()
	switch {
	case r.Outcome == twosample.Same:
		out.Change = Unchanged
		if r.Real {
			out.Reasons = append(out.Reasons, BelowThreshold)
		}
		// What looks like a change by the ratio alone is one that does not matter.
		if l.minChange > 0 && math.Abs(math.Log(r.Ratio)) > math.Log1p(l.change) {
			out.Reasons = append(out.Reasons, TooSmall)
		}
	case r.Outcome == twosample.Unsure:
		out.Change = Inconclusive
		out.Needed = &Needed{Samples: r.Samples, Runs: r.Runs, SmallestEffect: r.SmallestEffect}
		out.Reasons = append(out.Reasons, doubt(out, confidence))
	case direction == "":
		out.Change = Inconclusive
		out.Warnings = append(out.Warnings, undirected(c.current))
	case (r.Outcome == twosample.Up) == (direction == run.Higher):
		out.Change = Improved
	default:
		out.Change = Regressed
		out.Reasons = append(out.Reasons, regression(c.current, r.Ratio), fmt.Sprintf("%s, and with %.3g%% confidence between %s and %s; more than %.3g%% matters",
			unit.Percent(r.Ratio), 100*confidence, unit.Percent(r.Low), unit.Percent(r.High), 100*l.change))
	}
}

// BelowThreshold is the reason of a metric that changed for sure, by less than
// its threshold.
const BelowThreshold = "a real change, below the threshold"

// undirected says why nothing can be said of a change of a metric without a
// direction.
func undirected(m *run.Metric) string {
	if m.Better == run.Neither {
		return "neither lower nor higher is better: it decides nothing"
	}
	return `it is not known whether lower or higher is better: say it in the run's "better"`
}

// doubt says what an inconclusive comparison could not see, and what it would
// take.
func doubt(out *Metric, confidence float64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "between %s and %s", unit.Percent(out.Interval[0]), unit.Percent(out.Interval[1]))
	fmt.Fprintf(&b, " with %.3g%% confidence", 100*confidence)
	if n := math.Abs(math.Log(*out.Ratio)); (out.Interval[0] > 1 || out.Interval[1] < 1) && n > math.Log1p(out.Threshold) {
		b.WriteString(", which one comparison of this many metrics cannot tell for sure from chance and from what runs of the same code differ by")
	}
	n := out.Needed
	if n.SmallestEffect > 0 {
		fmt.Fprintf(&b, "; changes under %s%% go unseen", roundUp(100*n.SmallestEffect))
	}
	switch {
	case n.Samples > 0 && n.Runs > 0:
		fmt.Fprintf(&b, "; it would take some %d runs, or %d samples, on each side", n.Runs, n.Samples)
	case n.Runs > 0:
		fmt.Fprintf(&b, "; it would take some %d runs on each side, more samples of these would not do", n.Runs)
	case n.Samples > 0:
		fmt.Fprintf(&b, "; it would take some %d samples on each side", n.Samples)
	}
	return b.String()
}

// roundUp prints a percentage rounded up to two digits.
func roundUp(v float64) string {
	if v > 0 && !math.IsInf(v, 0) {
		unit := math.Pow10(int(math.Floor(math.Log10(v))) - 1)
		v = math.Ceil(v/unit-1e-9) * unit
	}
	if v >= 1000 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// assumed returns the largest spread between runs that was assumed rather than
// seen, 0 if none was.
func assumed(metrics []Metric) float64 {
	most := 0.0
	for i := range metrics {
		if t := metrics[i].Test; t != nil && t.Between != nil && t.BetweenFrom != twosample.FromRuns {
			most = max(most, *t.Between)
		}
	}
	return most
}
