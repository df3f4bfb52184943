// Package twosample tells whether the metrics of a suite changed between two
// sides: a baseline of one or several runs, and a current side.
//
// All metrics are looked at together, because one alone has too few samples to
// know its own noise, and because many questions asked at once have more false
// answers than one.
//
// # Model
//
// Positive values are compared as logarithms, so that a change is a ratio. A
// sample is level + run + error: runs of the same code differ by an offset of
// their own, and samples within a run by errors that may be autocorrelated.
// The estimate of a level is the mean of its runs' means, gross spikes drawn
// in. Its variance has two parts:
//
//   - within runs: the sample variance, shrunk towards that of the suite's
//     other metrics as far as they agree (Smyth 2004, Stat. Appl. Genet. Mol.
//     Biol. 3(1), 3, fitted by likelihood), never below the clock's tick,
//     divided by the number of samples that count after autocorrelation, which
//     is shrunk in the same way;
//   - between runs: with several runs on a side, what their means differ by,
//     shrunk towards the suite's; with one run on either side, what all
//     metrics' differences differ by (inside each of two clusters, if there
//     are two) beyond what is within runs explains (an empirical null, Efron
//     2004, JASA 99(465), 96–104) and a prior of 1.5 %. In suites under 8
//     metrics that is the prior alone.
//
// # What is controlled
//
// A metric is called changed (Up, Down) if its estimate is beyond the
// threshold, its p-value is at most three tenths of 1 − Confidence (a fifth
// with one run on either side, half that with five samples), and the false
// discovery rate over all metrics of the suite is at most 1 − Confidence: of
// the metrics called changed, 5 % on average did not change, and in a suite in
// which nothing changed 5 % of runs raise any alarm. What is expected by
// chance at a p-value counts the threshold too: a metric so exact that chance
// does not reach its threshold costs the others no power. This is the
// procedure of Benjamini & Hochberg (1995, JRSS B 57(1), 289–300) with that
// expectation in place of m·p. What is allowed is dealt to the two directions
// by how many of the other metrics seem to have gone either way: where most
// that changed went up, one more that did needs less evidence than one that
// went down.
//
// It is called Same if its own interval lies within the threshold. With one
// run on either side the interval speaks of these runs: what the prior assumes
// of others is in the p-value, so that an alarm has to overcome it, and not in
// the interval, or nothing could ever be the same.
//
// # What it cannot know
//
// With one run on either side, an offset that all metrics share (a slower
// machine that day) looks like a change of all of them. A change of shape that
// leaves the level alone, such as a longer tail, is not seen.
package twosample

import (
	"math"
	"slices"
)

// Metric is one metric of a suite: its samples in order of time, one slice a
// run.
type Metric struct {
	Baseline, Current [][]float64
	Tick              float64 // resolution of the values; 0: unknown
	Threshold         float64 // least relative change that matters: 0.05
	MinChange         float64 // least absolute change that matters; 0: none
}

// Options holds how sure to be. Every zero field means its default.
type Options struct {
	Confidence float64 // 0: 0.95
}

// What it takes to compare a metric: so many samples on both sides, or a
// baseline of so many runs.
const (
	EnoughSamples = 5
	EnoughRuns    = 5
)

// Outcome is what a comparison found.
type Outcome string

const (
	Up     Outcome = "up"     // the current side is larger, by more than the threshold
	Down   Outcome = "down"   // smaller
	Same   Outcome = "same"   // a change beyond the threshold is excluded
	Unsure Outcome = "unsure" // neither
)

// Where a Result has its Between from.
const (
	FromRuns    = "the runs themselves"
	FromMetrics = "the other metrics"
	FromPrior   = "an assumption: one run on either side cannot tell"
)

// Result is what the comparison found of one metric. The zero Result says
// that it cannot be compared this way: see Compare.
type Result struct {
	Outcome          Outcome
	Levels           [2]float64 // baseline and current: geometric means, gross spikes drawn in
	Ratio, Low, High float64    // current over baseline, with its own confidence interval
	Real             bool       // a difference is established, though it may be below the threshold
	P, Adjusted      float64    // of no difference; Adjusted: expected share of false alarms if this is called changed
	Effective        [2]float64 // samples that count, baseline and current
	Within, Between  float64    // relative standard deviations, inside a run and between runs
	BetweenFrom      string
	SmallestEffect   float64 // relative change that would have been called in 80 % of cases
	Samples, Runs    int     // on each side, that it would take to decide; 0: it would not, or no need
	Method           string
}

// Compare compares the metrics of a suite. The results are in their order and
// do not depend on it.
//
// A metric is compared if at least half of its values on either side are
// positive, and both sides have EnoughSamples, or the baseline EnoughRuns.
// What is not positive counts as half a tick, or as half of the smallest value
// that is.
// Swapping the sides mirrors the result.
//
// Time grows with the number of samples, sorted once.
func Compare(metrics []Metric, o Options) []Result {
	if o.Confidence == 0 {
		o.Confidence = 0.95
	}
	results := make([]Result, len(metrics))
	var list []*contrast
	for i := range metrics {
		if c := newContrast(&metrics[i]); c != nil {
			c.result = &results[i]
			list = append(list, c)
		}
	}
	s := suite{list: list, alpha: 1 - o.Confidence}
	s.spikes()
	s.persistence()
	s.within()
	s.between()
	s.decide()
	return results
}

// sum adds up sorted values, so that the result does not depend on their
// order. It sorts them.
func sum(parts []float64) float64 {
	slices.Sort(parts)
	total := 0.0
	for _, p := range parts {
		total += p
	}
	return total
}

// exp is the exponential, kept within what a float64 can say.
func exp(x float64) float64 {
	return clamp(math.Exp(x), math.SmallestNonzeroFloat64, math.MaxFloat64)
}

func square(x float64) float64 { return x * x }

// clamp keeps x between lo and hi.
func clamp(x, lo, hi float64) float64 { return math.Max(lo, math.Min(x, hi)) }
