package judge

import (
	"fmt"
	"math"
	"slices"

	"github.com/pacer-perf/pacer/internal/paired"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// ByPairs is the rule for what was measured in pairs: both sides one right
// after the other, in an order drawn by chance.
const ByPairs = "pairs"

const (
	// PairedThreshold is the least relative change of times and sizes that
	// matters in pairs unless somebody says otherwise. Pairs see smaller
	// changes than runs of different days do.
	PairedThreshold = 0.02
	// PairedCountThreshold is the same for counts: those of a program with
	// threads vary a little.
	PairedCountThreshold = 0.005

	pairedMethod   = "bets on the signs of the pairs' log ratios: a confidence sequence, which may be looked at after every pair"
	pairedRuleText = pairedMethod + "; what was not measured in every pair: " + ruleText
)

// Pairs are the values of two runs that were measured in pairs, and what is
// known of their change so far. It may be asked after every pair.
type Pairs struct {
	policy    *Policy
	threshold float64  // 0: the default
	main      []string // keys of the metrics that they are measured for
	list      []*pairedMetric
	count     int
}

type pairedMetric struct {
	id       string // Identity
	key      string
	sequence *paired.Sequence
	limit    limit
}

// NewPairs returns pairs that are measured for the metrics of these keys:
// these are judged each by itself, all others together. The threshold holds
// where the policy has none; 0 is the default one.
func NewPairs(policy *Policy, threshold float64, main ...string) *Pairs {
	return &Pairs{policy: policy, threshold: threshold, main: main}
}

// Count returns how many pairs were added.
func (p *Pairs) Count() int { return p.count }

func (p *Pairs) isMain(key string) bool { return slices.Contains(p.main, key) }

// Add adds what one execution of either side measured; of a metric with
// several samples their center counts. The error is a threshold of the policy
// that does not fit a metric, or a main metric that was not measured.
func (p *Pairs) Add(baseline, current *run.Run) error {
	for i := range current.Metrics {
		m := &current.Metrics[i]
		at := slices.IndexFunc(baseline.Metrics, func(b run.Metric) bool { return b.Key() == m.Key() && b.Unit == m.Unit })
		if at < 0 || p.policy.unjudged(m) {
			continue
		}
		before, _ := baseline.Metrics[at].Center()
		after, _ := m.Center()
		one, err := p.metric(m, before)
		if err != nil {
			return err
		}
		if one != nil && one.sequence.Pairs() == p.count {
			one.sequence.Add(before, after)
		}
	}
	p.count++
	for _, key := range p.main {
		if !slices.ContainsFunc(p.list, func(m *pairedMetric) bool { return m.key == key && m.sequence.Pairs() == p.count }) {
			return fmt.Errorf("%s has no value above zero on both sides of pair %d", key, p.count)
		}
	}
	return nil
}

// metric returns the sequence of a metric, which begins with the first pair or
// never (nil).
func (p *Pairs) metric(m *run.Metric, before float64) (*pairedMetric, error) {
	id := Identity(m.Key(), m.Unit)
	if i := slices.IndexFunc(p.list, func(one *pairedMetric) bool { return one.id == id }); i >= 0 {
		return p.list[i], nil
	}
	if p.count > 0 {
		return nil, nil
	}
	l, err := p.policy.limit(&couple{current: m, pooled: m})
	if err != nil {
		return nil, err
	}
	switch {
	case l.said:
	case l.counted:
		l.change = PairedCountThreshold
	case p.threshold > 0:
		l.change = p.threshold
	default:
		l.change = PairedThreshold
	}
	matters := l.change
	if l.minChange > 0 && before > 0 {
		matters = max(matters, l.minChange/before)
	}
	one := &pairedMetric{id: id, key: m.Key(), limit: l,
		sequence: paired.New(paired.Options{Confidence: p.policy.confidence(), Threshold: matters})}
	p.list = append(p.list, one)
	return one, nil
}

// Sure tells whether enough is known of every metric that the pairs are
// measured for.
func (p *Pairs) Sure() bool {
	for _, m := range p.list {
		if p.isMain(m.key) && m.sequence.Outcome() == paired.Unsure {
			return false
		}
	}
	return p.count > 0
}

// Known returns what is known of a metric, false if it was not measured in
// every pair.
func (p *Pairs) Known(key string) (paired.Result, bool) {
	for _, m := range p.list {
		if m.key == key && m.sequence.Pairs() == p.count {
			return m.sequence.Result(), true
		}
	}
	return paired.Result{}, false
}

// PairsHead says how runs were measured in pairs.
type PairsHead struct {
	Count   int      `json:"count"`
	Main    []string `json:"main"`    // the metrics that they were measured for
	Stopped string   `json:"stopped"` // why no more: sure, or limit, time, interrupted
	// Control is the baseline against itself, in the same session: what would
	// have been said of it.
	Control []Control `json:"control,omitempty"`
}

// Control is what was said of one metric of the baseline against itself.
type Control struct {
	Metric   string      `json:"metric"`
	Change   Change      `json:"change"`
	Ratio    float64     `json:"ratio"`
	Interval *[2]float64 `json:"interval,omitempty"`
}

// ControlOf returns what is said of the metrics that pairs were measured for,
// where both sides are the same.
func ControlOf(p *Pairs) []Control {
	var list []Control
	for _, m := range p.list {
		if !p.isMain(m.key) || m.sequence.Pairs() < p.count {
			continue
		}
		r := m.sequence.Result()
		list = append(list, Control{Metric: m.key, Change: wordOf(r.Outcome, run.Lower), Ratio: r.Ratio, Interval: intervalOf(&r)})
	}
	return list
}

// wordOf says an outcome in the judge's words.
func wordOf(o paired.Outcome, direction run.Better) Change {
	switch {
	case o == paired.Same:
		return Unchanged
	case o == paired.Unsure || direction == "":
		return Inconclusive
	case (o == paired.Up) == (direction == run.Higher):
		return Improved
	}
	return Regressed
}

// intervalOf returns the interval of a result, nil while a side is open.
func intervalOf(r *paired.Result) *[2]float64 {
	if !(r.Low > 0) || math.IsInf(r.High, 0) {
		return nil
	}
	return &[2]float64{r.Low, r.High}
}

// tell tells the changes of those couples that were measured in every pair,
// and marks them.
func (p *Pairs) tell(list []couple, out []Metric, told []bool) {
	// The others are one family: each alone could cry wolf, and the more there
	// are the likelier.
	var others []*pairedMetric
	var evidence []float64
	at := make(map[*pairedMetric]int)
	for i := range list {
		for _, m := range p.list {
			if m.id == list[i].id && m.sequence.Pairs() == p.count && list[i].current != nil && len(list[i].baseline) == 1 {
				at[m] = i
				if !p.isMain(m.key) {
					others, evidence = append(others, m), append(evidence, m.sequence.Evidence())
				}
			}
		}
	}
	found := make(map[*pairedMetric]bool)
	for k, discovered := range paired.Discoveries(evidence, p.policy.confidence()) {
		found[others[k]] = discovered
	}
	for m, i := range at {
		tellByPairs(&out[i], &list[i], m, p.isMain(m.key) || found[m], p.policy.confidence())
		told[i] = true
	}
}

// tellByPairs says what the pairs of one metric tell. An alarm counts if it is
// allowed.
func tellByPairs(out *Metric, c *couple, m *pairedMetric, allowed bool, confidence float64) {
	r := m.sequence.Result()
	direction := c.current.Direction()
	n := float64(r.Pairs)
	out.Statistic = "pairs"
	out.Threshold, out.MinChange = m.limit.change, m.limit.minChange
	out.Ratio, out.Interval = &r.Ratio, intervalOf(&r)
	out.Test = &Test{Rule: ByPairs, Method: pairedMethod, P: &r.P, Effective: &[2]float64{n, n}, Place: m.limit.place, MinChangePlace: m.limit.minPlace}
	if !math.IsNaN(r.Spread) {
		out.Test.Within = &r.Spread
	}
	alarm := r.Outcome == paired.Up || r.Outcome == paired.Down
	if alarm && !allowed {
		r.Outcome = paired.Unsure
	}
	out.Change = wordOf(r.Outcome, direction)
	switch {
	case direction != c.pooled.Direction():
		disagree(out, c)
	case out.Change == Unchanged && r.Real:
		out.Reasons = append(out.Reasons, BelowThreshold)
	case out.Change == Inconclusive && alarm && allowed:
		out.Warnings = append(out.Warnings, undirected(c.current))
	case out.Change == Inconclusive:
		out.Needed = &Needed{Samples: r.Needed, SmallestEffect: r.SmallestEffect}
		out.Reasons = append(out.Reasons, doubtOfPairs(out, &r, alarm, confidence))
	case out.Change == Regressed:
		out.Reasons = append(out.Reasons, regression(c.current, r.Ratio))
		if out.Interval != nil {
			out.Reasons = append(out.Reasons, fmt.Sprintf("%s, and with %.3g%% confidence between %s and %s, by %d pairs; more than %.3g%% matters",
				unit.Percent(r.Ratio), 100*confidence, unit.Percent(r.Low), unit.Percent(r.High), r.Pairs, 100*m.limit.change))
		}
	}
}

// doubtOfPairs says what so many pairs could not tell, and what it would take.
func doubtOfPairs(out *Metric, r *paired.Result, alarm bool, confidence float64) string {
	text := fmt.Sprintf("%d pairs are too few to tell", r.Pairs)
	if out.Interval != nil {
		text = fmt.Sprintf("between %s and %s with %.3g%% confidence after %d pairs", unit.Percent(r.Low), unit.Percent(r.High), 100*confidence, r.Pairs)
	}
	if alarm {
		text += ", which so many metrics together cannot tell for sure from chance"
	}
	if r.SmallestEffect > 0 {
		text += fmt.Sprintf("; changes under %.3g%% go unseen", roundUp(100*r.SmallestEffect))
	}
	if r.Needed > 0 {
		text += fmt.Sprintf("; it would take some %d pairs", r.Needed)
	}
	return text
}
