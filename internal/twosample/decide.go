package twosample

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/pacer-perf/pacer/internal/stat"
)

// strict is the part of 1 − Confidence that a metric's own p-value may have,
// strictOne where what runs differ by is not seen, and fullStrength from how
// many samples on: with few, tails are fatter than Student's t says.
const (
	strict       = 0.3
	strictOne    = 0.2
	fullStrength = 10
)

// fewest is how many samples the side with fewer has.
func (c *contrast) fewest() int {
	var n [2]int
	for i := range c.sides {
		for _, l := range c.sides[i] {
			n[i] += l.n
		}
	}
	return min(n[0], n[1])
}

// allowed is the largest p-value of a metric that is called changed.
func (c *contrast) allowed(alpha float64) float64 {
	part := strict
	if c.result.BetweenFrom != FromRuns {
		part = strictOne
	}
	return alpha * part * clamp(float64(c.fewest())/fullStrength, 0.5, 1)
}

// power is with which probability a SmallestEffect is called.
const power = 0.8

// chance is what to expect of a suite in which nothing changed.
type chance struct {
	q    []float64 // of each metric: to be beyond its threshold; sorted
	sums []float64 // of the first i
}

func (s *suite) newChance() *chance {
	ch := &chance{q: make([]float64, len(s.list)), sums: make([]float64, len(s.list)+1)}
	for i, c := range s.list {
		ch.q[i] = tails(c.theta/c.se, c.seDF)
	}
	slices.Sort(ch.q)
	for i, q := range ch.q {
		ch.sums[i+1] = ch.sums[i] + q
	}
	return ch
}

// below returns how many metrics are expected to be beyond their threshold
// with a p-value of at most p.
func (ch *chance) below(p float64) float64 {
	i := sort.SearchFloat64s(ch.q, p)
	return ch.sums[i] + p*float64(len(ch.q)-i)
}

// level returns the largest p-value up to most below which so many metrics are
// expected.
func (ch *chance) level(most, expected float64) float64 {
	lo, hi := 0.0, most
	if ch.below(hi) <= expected {
		return hi
	}
	for range 60 {
		if mid := (lo + hi) / 2; ch.below(mid) <= expected {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// tails is the probability of being at least t from 0 on either side.
func tails(t, df float64) float64 {
	if math.IsInf(t, 0) {
		return 0
	}
	return 2 * stat.TCDF(-math.Abs(t), df)
}

// decide gives every metric its outcome.
func (s *suite) decide() {
	if len(s.list) == 0 {
		return
	}
	for _, c := range s.list {
		c.settle()
	}
	ch := s.newChance()
	called, w := s.adjust(ch)
	p := make([]float64, len(s.list))
	for i, c := range s.list {
		p[i] = tails(c.d/c.shown, c.shownDF)
	}
	real := stat.BenjaminiHochberg(p)
	// One more metric might go the way that gets less.
	less := min(w.part(0), w.part(1))
	next := ch.level(s.alpha*strict, s.alpha*float64(called+1)*2*less)
	for i, c := range s.list {
		c.result.Real = real[i] <= s.alpha
		c.conclude(s.alpha, next)
	}
}

// settle computes the p-value. A difference without any noise is as sure as
// can be said.
func (c *contrast) settle() {
	const least = 1e-9 // relative: below it, sums of logarithms are rounding
	c.se, c.shown = max(c.se, least), max(c.shown, least)
	c.result.P = max(tails(c.d/c.se, c.seDF), math.SmallestNonzeroFloat64)
	c.result.Adjusted = 1
}

// ways counts the metrics that seem to have gone either way, down and up.
type ways [2]int

// way is the index in ways of the side of 0 that the estimate is on.
func (c *contrast) way() int {
	if c.d > 0 {
		return 1
	}
	return 0
}

// seems tells whether a metric is one that could be called changed.
func (c *contrast) seems(alpha float64) bool {
	return math.Abs(c.d) > c.theta && c.result.P <= alpha*strict
}

// part is the part of the error allowed that a way gets: what went that way of
// all that went either, with one more each for what is not seen.
func (w ways) part(way int) float64 {
	return float64(1+w[way]) / float64(2+w[0]+w[1])
}

// adjust computes the share of false alarms to expect if a metric and all
// that are clearer are called changed, and returns how many are called, and
// which ways metrics seem to have gone.
//
// A metric is as likely to be a false alarm one way as the other, but where
// most that changed went up, one more that seems to have gone up is likelier
// to be true than one that seems to have gone down. So what is allowed is not
// halved, but dealt to the ways by how many of the other metrics went them. As
// a metric has no say in its own parts and they make up a whole, it is as
// likely to be a false alarm as with halves. TestAccuracy measures the false
// discovery rate.
//
// Source: weights that average one, each blind to the hypothesis it weighs
// (Genovese, Roeder & Wasserman 2006, Biometrika 93(3), 509–524).
func (s *suite) adjust(ch *chance) (called int, w ways) {
	var candidates []*contrast
	for _, c := range s.list {
		if math.Abs(c.d) > c.theta {
			candidates = append(candidates, c)
		}
		if c.seems(s.alpha) {
			w[c.way()]++
		}
	}
	for _, c := range candidates {
		others := w
		if c.seems(s.alpha) {
			others[c.way()]--
		}
		c.expected = ch.below(c.result.P) / 2 / others.part(c.way())
	}
	slices.SortStableFunc(candidates, func(a, b *contrast) int { return cmp.Compare(a.expected, b.expected) })
	least := 1.0
	for i := len(candidates) - 1; i >= 0; i-- {
		least = min(least, candidates[i].expected/float64(i+1))
		candidates[i].result.Adjusted = least
	}
	for _, c := range candidates {
		if c.changed(s.alpha) {
			called++
		}
	}
	return called, w
}

func (c *contrast) changed(alpha float64) bool {
	return math.Abs(c.d) > c.theta && c.result.Adjusted <= alpha && c.result.P <= c.allowed(alpha)
}

// conclude fills in the result; next is the p-value at which the metric would
// be called changed.
func (c *contrast) conclude(alpha, next float64) {
	r := c.result
	reach := -stat.TQuantile(alpha/2, c.shownDF) * c.shown
	r.Ratio, r.Low, r.High = exp(c.d), exp(c.d-reach), exp(c.d+reach)
	for i := range c.sides {
		for _, l := range c.sides[i] {
			r.Effective[i] += l.effective
		}
	}
	r.Levels = [2]float64{exp(meanLevel(c.sides[0])), exp(meanLevel(c.sides[1]))}
	r.Within, r.Between = math.Sqrt(c.variance), math.Sqrt(c.between)
	r.Method = "moderated t on logarithms, all metrics together"
	critical := -stat.TQuantile(min(next, c.allowed(alpha))/2, c.seDF)
	r.SmallestEffect = exp(max(critical*c.se, c.theta)+stat.NormalQuantile(power)*c.se) - 1
	switch {
	case c.changed(alpha) && c.d > 0:
		r.Outcome = Up
	case c.changed(alpha):
		r.Outcome = Down
	case math.Abs(c.d)+reach <= c.theta:
		r.Outcome = Same
	default:
		r.Outcome = Unsure
		c.needed(critical)
	}
}

// needed computes what it would take to decide, were the estimate to stay:
// an interval within the threshold, or a p-value small enough beyond it.
func (c *contrast) needed(critical float64) {
	times := -stat.TQuantile(0.025, c.shownDF)
	within := c.meanVariance(0) + c.meanVariance(1)
	gap := c.theta - math.Abs(c.d)
	want, fixed := gap/times, max(0, square(c.shown)-within)
	if gap < 0 {
		want, fixed = math.Abs(c.d)/critical, max(0, square(c.se)-within)
	}
	// At the very threshold nothing would ever decide.
	want = max(want, c.theta/20/times)
	const most = 1e6
	k, n := float64(len(c.sides[0])), float64(len(c.sides[1]))
	if rest := square(want) - fixed; rest > 0 {
		perSample := 0.0 // variance of one sample, as far as it counts
		runs := c.runs()
		for _, l := range runs {
			perSample += c.variance * float64(l.n) / l.effective / float64(len(runs))
		}
		if samples := math.Ceil(perSample * (1 + max(k, n)/min(k, n)) / rest); samples < most {
			c.result.Samples = max(int(samples), c.fewest()+1)
		}
	}
	if c.between > 0 {
		if need := math.Ceil(2 * (c.between + c.perRun()) / square(want)); need < most && need > max(k, n) {
			c.result.Runs = int(need)
		}
	}
}
