package stat

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Bootstrap returns the confidence interval of a statistic of x by the
// bias-corrected and accelerated bootstrap: the statistic of many samples
// drawn from x with replacement, and of x without each of its values, tell
// its distribution. It suits smooth statistics of ten values and more; for
// the median of a few it is too short.
//
// statistic must not depend on the order of its argument, nor keep or change
// it. The interval depends on seed and on the values of x, not on their
// order. resamples of 2,000 settle an interval at 95 %; 0 means that. A
// statistic that is the same for every sample gives an interval of no width.
// Bootstrap returns ErrTooFew if x has fewer than two values, ErrDomain if
// level is not in (0, 1) or resamples is negative, and ErrNotFinite if the
// statistic of x or of a resample is NaN or infinite. It calls statistic
// resamples+len(x)+1 times.
//
// Source: Efron (1987), JASA 82(397), 171–185.
func Bootstrap(x []float64, statistic func([]float64) float64, level float64, resamples int, seed uint64) (Interval, error) {
	switch {
	case !inside(level, 0, 1) || resamples < 0:
		return Interval{}, ErrDomain
	case len(x) < 2:
		return Interval{}, ErrTooFew
	case resamples == 0:
		resamples = 2000
	}
	s := sorted(x)
	value := statistic(slices.Clone(s))
	drawn := resample(s, statistic, resamples, seed)
	if !finite(value) || !finite(drawn[0]) || !finite(drawn[len(drawn)-1]) {
		return Interval{}, ErrNotFinite
	}
	bias := medianBias(drawn, value)
	skew := acceleration(s, statistic)
	at := func(p float64) float64 {
		z := bias + NormalQuantile(p)
		p = NormalCDF(bias + z/(1-float64(skew*z)))
		if math.IsNaN(p) {
			p = 0.5 // all resamples lie on one side: nothing to correct by
		}
		return QuantileSorted(drawn, p)
	}
	return Interval{at((1 - level) / 2), at((1 + level) / 2), level}, nil
}

// resample returns the statistics of resamples of x, sorted.
func resample(x []float64, statistic func([]float64) float64, resamples int, seed uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 0))
	out, draw := make([]float64, resamples), make([]float64, len(x))
	for i := range out {
		for j := range draw {
			draw[j] = x[rng.IntN(len(x))]
		}
		out[i] = statistic(draw)
	}
	slices.Sort(out)
	return out
}

// medianBias returns how far, in standard deviations, the value is above the
// median of what was drawn. Draws equal to it count one half, without which
// ties would bias it, and it stays finite.
func medianBias(drawn []float64, value float64) float64 {
	var twice int
	for _, v := range drawn {
		if v < value {
			twice += 2
		} else if v == value {
			twice++
		}
	}
	n := len(drawn)
	twice = min(max(twice, 1), 2*n-1)
	return NormalQuantile(float64(twice) / float64(2*n))
}

// acceleration returns how fast the statistic's standard error changes with
// its value, from the statistics of x without each of its values.
func acceleration(x []float64, statistic func([]float64) float64) float64 {
	left := make([]float64, len(x))
	rest := make([]float64, len(x)-1)
	for i := range x {
		copy(rest, x[:i])
		copy(rest[i:], x[i+1:])
		left[i] = statistic(rest)
	}
	mean, sd := Mean(left), StdDev(left)
	if !(sd > 0) || !finite(sd) {
		return 0
	}
	var cubes, squares float64
	for _, v := range left {
		d := (mean - v) / sd
		squares += d * d
		cubes += float64(d*d) * d
	}
	return cubes / (6 * math.Pow(squares, 1.5))
}
