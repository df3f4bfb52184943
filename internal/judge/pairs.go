package judge

import (
	"errors"
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

// ErrNoValue is returned for a pair without a metric that it is measured for.
var ErrNoValue = errors.New("has no value above zero on both sides")

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
	better   run.Better
	sequence *paired.Sequence
	limit    limit
}

// NewPairs returns pairs that are measured for the metrics of these keys, which
// are judged together, apart from all others. The threshold holds
// where the policy has none; 0 is the default one.
func NewPairs(policy *Policy, threshold float64, main ...string) *Pairs {
	return &Pairs{policy: policy, threshold: threshold, main: main}
}

// Count returns how many pairs were added.
func (p *Pairs) Count() int { return p.count }

func (p *Pairs) isMain(key string) bool { return slices.Contains(p.main, key) }

// Add adds what one execution of either side measured; of a metric with
// several samples their center counts. The error is a threshold of the policy
// that does not fit a metric, or a main metric that was not measured; after that,
// the pairs are what they were before, unless it is the first.
func (p *Pairs) Add(baseline, current *run.Run) error {
	if p.count > 0 {
		for _, key := range p.main {
			if !above(baseline, key) || !above(current, key) {
				return p.missing(key, p.count+1)
			}
		}
	}
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
			return p.missing(key, p.count)
		}
	}
	return nil
}

// above tells whether a run has a metric with a value that has a logarithm.
func above(r *run.Run, key string) bool {
	return slices.ContainsFunc(r.Metrics, func(m run.Metric) bool {
		v, _ := m.Center()
		return m.Key() == key && v > 0 && !math.IsInf(v, 1)
	})
}

func (p *Pairs) missing(key string, pair int) error {
	return fmt.Errorf("%s %w of pair %d", key, ErrNoValue, pair)
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
	one := &pairedMetric{id: id, key: m.Key(), better: m.Direction(), limit: l,
		sequence: paired.New(paired.Options{Confidence: p.policy.confidence(), Threshold: matters})}
	p.list = append(p.list, one)
	return one, nil
}

// outcomes returns what is known of metrics that are asked together: the more
// there are the likelier one cries wolf by chance, so an alarm has to hold among
// all of them.
func outcomes(list []*pairedMetric, confidence float64) []paired.Outcome {
	evidence := make([]float64, len(list))
	for i, m := range list {
		evidence[i] = m.sequence.Evidence()
	}
	out := make([]paired.Outcome, len(list))
	for i, found := range paired.Discoveries(evidence, confidence) {
		if out[i] = list[i].sequence.Outcome(); !found && out[i] != paired.Same {
			out[i] = paired.Unsure
		}
	}
	return out
}

// families returns the metrics that were measured in every pair: those that
// the pairs are measured for, and the others.
func (p *Pairs) families() (main, others []*pairedMetric) {
	for _, m := range p.list {
		switch {
		case m.sequence.Pairs() < p.count:
		case p.isMain(m.key):
			main = append(main, m)
		default:
			others = append(others, m)
		}
	}
	return main, others
}

// Sure tells whether enough is known: that one of the metrics that the pairs
// are measured for got worse, or of each of them what became of it.
func (p *Pairs) Sure() bool {
	main, _ := p.families()
	all := len(main) > 0
	for i, o := range outcomes(main, p.policy.confidence()) {
		if wordOf(o, main[i].better) == Regressed {
			return true
		}
		all = all && o != paired.Unsure
	}
	return all
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
	Stopped string   `json:"stopped"` // why no more: sure, or limit, time, interrupted, failed
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
	main, _ := p.families()
	var list []Control
	for i, o := range outcomes(main, p.policy.confidence()) {
		r := main[i].sequence.Result()
		list = append(list, Control{Metric: main[i].key, Change: wordOf(o, main[i].better), Ratio: r.Ratio, Interval: intervalOf(&r)})
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
	main, others := p.families()
	for _, family := range [][]*pairedMetric{main, others} {
		for k, o := range outcomes(family, p.policy.confidence()) {
			for i := range list {
				if c := &list[i]; c.id == family[k].id && c.current != nil && len(c.baseline) == 1 {
					tellByPairs(&out[i], c, family[k], o, p.policy.confidence())
					told[i] = true
				}
			}
		}
	}
}

// tellByPairs says what the pairs of one metric tell, given the outcome that
// holds among all that are asked with it.
func tellByPairs(out *Metric, c *couple, m *pairedMetric, outcome paired.Outcome, confidence float64) {
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
	out.Change = wordOf(outcome, direction)
	switch {
	case direction != c.pooled.Direction():
		disagree(out, c)
	case out.Change == Unchanged && r.Real:
		out.Reasons = append(out.Reasons, BelowThreshold)
	case out.Change == Inconclusive && outcome != paired.Unsure:
		out.Warnings = append(out.Warnings, undirected(c.current))
	case out.Change == Inconclusive:
		out.Needed = &Needed{Samples: r.Needed, SmallestEffect: r.SmallestEffect}
		out.Reasons = append(out.Reasons, doubtOfPairs(out, &r, confidence))
	case out.Change == Regressed:
		out.Reasons = append(out.Reasons, regression(c.current, r.Ratio))
		if out.Interval != nil {
			out.Reasons = append(out.Reasons, fmt.Sprintf("%s, and with %.3g%% confidence between %s and %s, by %d pairs; more than %.3g%% matters",
				unit.Percent(r.Ratio), 100*confidence, unit.Percent(r.Low), unit.Percent(r.High), r.Pairs, 100*m.limit.change))
		}
	}
}

// doubtOfPairs says what so many pairs could not tell, and what it would take.
func doubtOfPairs(out *Metric, r *paired.Result, confidence float64) string {
	text := fmt.Sprintf("%d pairs are too few to tell", r.Pairs)
	if r.Pairs == 1 {
		text = "1 pair is too few to tell"
	}
	if r.Pairs < paired.Least {
		text += fmt.Sprintf(": fewer than %d never do, however large a change is", paired.Least)
	}
	if out.Interval != nil {
		text = fmt.Sprintf("between %s and %s with %.3g%% confidence after %d pairs", unit.Percent(r.Low), unit.Percent(r.High), 100*confidence, r.Pairs)
	}
	if r.Outcome == paired.Up || r.Outcome == paired.Down {
		text += ", which so many metrics together cannot tell for sure from chance"
	}
	if r.SmallestEffect > 0 {
		text += fmt.Sprintf("; changes under %s%% go unseen", roundUp(100*r.SmallestEffect))
	}
	if r.Needed > 0 {
		text += fmt.Sprintf("; it would take some %d pairs", r.Needed)
	}
	return text
}
