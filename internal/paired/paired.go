// Package paired tells whether two things that were measured in pairs differ,
// while the pairs come in: it may be asked after every pair, and measuring may
// stop as soon as the answer is known, or for any other reason, at no cost to
// its error rates.
//
// # Model
//
// Each pair is one value of the baseline and one of the current side, measured
// one right after the other in an order drawn by chance. Positive values are
// compared as logarithms, so that a difference d is the logarithm of a ratio.
// If the current side were just exp(δ) times the baseline, a pair's d−δ would
// be as likely positive as negative, whatever its size and whatever came
// before: a swap of the two places, drawn by a coin, turns one into the other.
// That is all that is assumed. It holds by the drawing (Fisher 1935, The Design
// of Experiments, 21), not by a distribution: for heavy tails, for a machine
// that drifts, gets a noisy neighbour or a second mode, and for pairs that
// resemble their neighbours.
//
// # Method
//
// For each δ somebody bets on the signs of d−δ, never more than he has. A bet
// is fair if δ is the truth: with 1 at the start his wealth is above 1/α at any
// time at all with a probability of at most α (Ville 1939, Étude critique de la
// notion de collectif). So all δ that have made nobody rich are a confidence
// sequence: intervals that hold the truth, all of them at once, with a
// probability of 1−α. Testing by betting: Waudby-Smith & Ramdas (2024), J. R.
// Statist. Soc. B 86(1), 1–27; bets on signs weighted by sizes keep what de la
// Peña (1999), Ann. Probab. 27(1), 537–564, shows for symmetric variables, with
// exp(λu)/cosh(λu) in place of its bound exp(λu−λ²u²/2).
//
// What is bet on a pair is tanh(λu) of the wealth, where u is d−δ in units of
// what the pairs before differ by, cut off at a few of them. How much is wise
// depends on the size of the truth; the wealth is the mean over several λ.
package paired

import (
	"math"
	"slices"
)

// Outcome is what a comparison has found so far.
type Outcome string

const (
	Up     Outcome = "up"     // the current side is larger, and the estimate beyond the threshold
	Down   Outcome = "down"   // smaller
	Same   Outcome = "same"   // a difference beyond the threshold is excluded
	Unsure Outcome = "unsure" // neither, so far
)

// Options holds what is asked. Every zero field means its default.
type Options struct {
	Confidence float64 // 0: 0.95
	Threshold  float64 // least relative difference that matters, such as 0.02
}

// alpha is how often an interval may miss the truth.
func (o Options) alpha() float64 {
	if o.Confidence == 0 {
		return 0.05
	}
	return 1 - o.Confidence
}

// strict is the part of that which an alarm may have: that nothing changed is
// said more often than that something did, and a false alarm costs more than a
// few pairs. Package twosample does the same.
const strict = 0.3

// FalseAlarms is how often at most a difference is found, in either direction,
// where there is none.
func FalseAlarms(confidence float64) float64 { return strict * Options{Confidence: confidence}.alpha() }

// Result is what a comparison has found so far.
type Result struct {
	Outcome Outcome
	Pairs   int
	Ratio   float64 // current over baseline: an estimate that outliers hardly move
	// Low and High are the confidence sequence: infinite or 0 while too little
	// is known.
	Low, High float64
	Real      bool // a difference is established, though it may be below the threshold
	// P is the chance of evidence this strong, at this time or earlier, if
	// there is no difference.
	P float64
	// Spread is the relative standard deviation of a pair's ratio.
	Spread float64
	// SmallestEffect is the relative difference that so many pairs would have
	// found in about 80 % of cases, 0: none; and Needed how many pairs it would
	// take in all, about; 0: it is decided, or never will.
	SmallestEffect float64
	Needed         int
}

// Sequence is a comparison under way.
type Sequence struct {
	o     Options
	d     []float64 // logarithms of ratios, in order of time
	scale []float64 // what each is measured in: known before it was
	past  []float64 // d, sorted

	zero, above, below wealth // of those who bet on no difference, and on the thresholds
}

// New returns a comparison without pairs.
func New(o Options) *Sequence {
	far := math.Log1p(o.Threshold)
	return &Sequence{o: o, zero: wealth{at: 0}, above: wealth{at: far}, below: wealth{at: -far}}
}

// Add adds the next pair. It returns false, and adds nothing, if a value is not
// positive and finite: then there is no ratio.
func (s *Sequence) Add(baseline, current float64) bool {
	d := math.Log(current) - math.Log(baseline)
	if !(baseline > 0 && current > 0) || math.IsInf(d, 0) || math.IsNaN(d) {
		return false
	}
	s.scale = append(s.scale, s.spread())
	s.d = append(s.d, d)
	for _, w := range []*wealth{&s.zero, &s.above, &s.below} {
		w.play(d, s.scale[len(s.d)-1])
	}
	i, _ := slices.BinarySearch(s.past, d)
	s.past = slices.Insert(s.past, i, d)
	return true
}

// Pairs returns how many pairs were added.
func (s *Sequence) Pairs() int { return len(s.d) }

// settled is how many pairs it takes to know by how much they differ.
const settled = 4

// spread returns the standard deviation of the pairs so far, by their median
// absolute deviation; 0 while there are too few, or if they are all the same.
func (s *Sequence) spread() float64 {
	n := len(s.past)
	if n < settled {
		return 0
	}
	middle := median(s.past)
	deviations := make([]float64, n)
	for i, d := range s.past {
		deviations[i] = math.Abs(d - middle)
	}
	slices.Sort(deviations)
	// 1.4826 makes it the standard deviation of normal values; few values
	// have a smaller one: Croux & Rousseeuw (1992), COMPSTAT, 411–428.
	return 1.4826 * median(deviations) * float64(n) / (float64(n) - 0.8)
}

func median(sorted []float64) float64 {
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return sorted[n/2-1]/2 + sorted[n/2]/2
}

// bets are the λ, how much is bet on a difference of one standard deviation,
// and the share of the wealth that each begins with. The last bets everything
// on every sign, and so decides soonest where all are the same. TestAccuracy
// says what they achieve.
var bets = [...]struct{ lambda, share float64 }{{0.25, 0.35}, {0.5, 0.35}, {1, 0.1}, {math.Inf(1), 0.2}}

// reach is how many standard deviations count of a pair that is further off.
const reach = 1.5

// wealth is what they have who bet on the signs of d−at: that they are
// positive, and negative.
type wealth struct {
	at       float64
	up, down [len(bets)]float64 // logarithms, by bet
}

// play plays one pair.
func (w *wealth) play(d, scale float64) {
	u := d - w.at
	switch {
	case u == 0:
		return // no sign: the bets are off
	case scale > 0:
		u = max(-reach, min(reach, u/scale))
	default:
		u = math.Copysign(1, u) // its sign alone
	}
	for k, bet := range bets {
		w.up[k] += math.Ln2 - softplus(-2*bet.lambda*u) // log(1 + tanh λu)
		w.down[k] += math.Ln2 - softplus(2*bet.lambda*u)
	}
}

// log returns the logarithm of either's whole wealth.
func (w *wealth) log() (up, down float64) { return together(w.up), together(w.down) }

// together is the logarithm of the sum of what all bets have.
func together(logs [len(bets)]float64) float64 {
	most, sum := slices.Max(logs[:]), 0.0
	if math.IsInf(most, -1) {
		return most
	}
	for k, bet := range bets {
		sum += bet.share * math.Exp(logs[k]-most)
	}
	return most + math.Log(sum)
}

// wealthAt plays the whole sequence.
func (s *Sequence) wealthAt(delta float64) (up, down float64) {
	w := wealth{at: delta}
	for i, d := range s.d {
		w.play(d, s.scale[i])
	}
	return w.log()
}

// softplus is log(1 + exp x).
func softplus(x float64) float64 {
	if x > 30 {
		return x
	}
	return math.Log1p(math.Exp(x))
}

// estimate returns the δ that the pairs lie evenly around, each counted as far
// as it reaches: an M-estimate of location (Huber 1964, Ann. Math. Statist.
// 35(1), 73–101).
func (s *Sequence) estimate() float64 {
	if len(s.past) < settled {
		return median(s.past)
	}
	balance := func(delta float64) (sum float64) {
		scale := s.spread()
		for i := range s.d {
			x := s.d[i] - delta
			if scale > 0 {
				x = max(-reach, min(reach, x/scale))
			}
			sum += x
		}
		return sum
	}
	lo, hi := s.past[0], s.past[len(s.past)-1]
	for range 60 {
		middle := lo/2 + hi/2
		if balance(middle) > 0 {
			lo = middle
		} else {
			hi = middle
		}
	}
	return lo/2 + hi/2
}

// Outcome returns what is known so far. It costs little: the rest of Result
// takes its time.
func (s *Sequence) Outcome() Outcome {
	if len(s.d) == 0 {
		return Unsure
	}
	far := math.Log1p(s.o.Threshold)
	up, down := s.zero.log()
	if alarm := s.rich(strict); max(up, down) >= alarm {
		switch estimate := s.estimate(); {
		case up >= alarm && estimate >= far:
			return Up
		case down >= alarm && estimate <= -far:
			return Down
		}
	}
	rich := s.rich(1)
	_, under := s.above.log()
	over, _ := s.below.log()
	if s.o.Threshold > 0 && under >= rich && over >= rich {
		return Same
	}
	return Unsure
}

// rich is the logarithm of the wealth that refutes a δ at a part of α, of which
// each side has half.
func (s *Sequence) rich(part float64) float64 { return math.Log(2 / (part * s.o.alpha())) }

// Evidence returns the logarithm of what somebody has who bet on a difference,
// in either direction: an e-value of no difference.
func (s *Sequence) Evidence() float64 {
	up, down := s.zero.log()
	most := max(up, down)
	return most + math.Log((math.Exp(up-most)+math.Exp(down-most))/2)
}

// Discoveries tells in which of several sequences a difference is established
// if all are asked together, by their evidence: of those, at most 0.3 times
// 1−confidence are wrong on average, however they depend on one another.
//
// Source: Wang & Ramdas (2022), J. R. Statist. Soc. B 84(3), 822–852.
func Discoveries(evidence []float64, confidence float64) []bool {
	order := slices.Clone(evidence)
	slices.Sort(order)
	slices.Reverse(order)
	alpha := FalseAlarms(confidence)
	least := math.Inf(1)
	for k, e := range order {
		if e >= math.Log(float64(len(order))/(float64(k+1)*alpha)) {
			least = e
		}
	}
	found := make([]bool, len(evidence))
	for i, e := range evidence {
		found[i] = e >= least
	}
	return found
}

// Result returns everything that is known so far. Time grows with the number
// of pairs.
func (s *Sequence) Result() Result {
	n := len(s.d)
	r := Result{Outcome: s.Outcome(), Pairs: n, Ratio: math.NaN(), Low: 0, High: math.Inf(1), P: 1, Spread: math.NaN()}
	if n == 0 {
		return r
	}
	estimate, rich := s.estimate(), s.rich(1)
	up, down := s.zero.log()
	r.P = min(1, math.Exp(math.Ln2-max(up, down)))
	r.Real = max(up, down) >= s.rich(strict)
	r.Ratio, r.Spread = math.Exp(estimate), s.spread()
	r.Low = math.Exp(s.bound(estimate, func(delta float64) bool { up, _ := s.wealthAt(delta); return up >= rich }, -1))
	r.High = math.Exp(s.bound(estimate, func(delta float64) bool { _, down := s.wealthAt(delta); return down >= rich }, 1))
	if n >= Least {
		r.SmallestEffect = SmallestEffect(r.Spread, n, 1-s.o.alpha())
	}
	if r.Outcome == Unsure && n >= settled {
		r.Needed = s.needed(estimate)
	}
	return r
}

// A bet of the right size gains half the square of a difference that is given
// in standard deviations, on average and for small ones (the Kelly criterion).
// Not knowing the size costs something once; most sequences take somewhat
// longer than the average, and what does not know the spread either longer
// still. All by simulation.
const (
	cost    = 1.5
	usually = 1.4
	learned = 6 // pairs
)

// SmallestEffect returns the relative difference that so many pairs find in
// about 80 % of cases, if their ratios have this relative standard deviation.
// Fewer than Least pairs find nothing, however large.
func SmallestEffect(spread float64, pairs int, confidence float64) float64 {
	rich := math.Log(2 / FalseAlarms(confidence))
	n := float64(pairs)
	return math.Expm1(spread * math.Sqrt(usually*2*(rich+cost)/n) * (1 + learned/n))
}

// Least is how many pairs it takes to find anything at the usual confidence, for
// no bet is worth more than its stake.
const Least = 9

// mostPairs is how many pairs are worth hoping for.
const mostPairs = 100_000

// needed returns how many pairs it would take in all, if the estimate is the
// truth; 0 if that is too many.
func (s *Sequence) needed(estimate float64) int {
	far := math.Log1p(s.o.Threshold)
	distance, rich := math.Abs(estimate), s.rich(strict)
	if distance < far {
		distance, rich = far-distance, s.rich(1)
	}
	n := math.Ceil(2 * (rich + cost) * square(s.spread()/distance))
	if !(n < mostPairs) {
		return 0
	}
	return max(int(n), len(s.d)*5/4+1, Least) // it had bad luck so far
}

func square(x float64) float64 { return x * x }

// bound returns the δ nearest to the estimate, in a direction, that is
// excluded: infinite if none is.
func (s *Sequence) bound(estimate float64, excluded func(float64) bool, direction float64) float64 {
	inside, step := estimate, max(1e-9, math.Abs(estimate)*1e-6)
	outside := math.Inf(int(direction))
	for ; step < 1e3; step *= 2 {
		if at := estimate + direction*step; excluded(at) {
			outside = at
			break
		}
		inside = estimate + direction*step
	}
	if math.IsInf(outside, 0) {
		return outside
	}
	for range 40 {
		middle := inside/2 + outside/2
		if excluded(middle) {
			outside = middle
		} else {
			inside = middle
		}
	}
	return outside
}
