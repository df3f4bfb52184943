package stat

import "math"

const (
	madToSigma  = 1.482602218505602  // 1/Φ⁻¹(3/4)
	meanToSigma = 1.2533141373155003 // √(π/2)
	tenToSigma  = 0.3901520929904033 // 1/(Φ⁻¹(0.9)−Φ⁻¹(0.1))
	qnToSigma   = 2.2191444659850757 // 1/(√2 Φ⁻¹(5/8))
)

// MAD returns the median absolute deviation of x from its median, times
// 1.4826 so that it estimates the standard deviation of a normal sample.
//
// It stays bounded while under half of x is outliers, and is 0 where more
// than half of x is one value: see Scale. It is NaN if x is empty or holds a
// NaN.
//
// Source: Hampel (1974), JASA 69(346), 383–393.
func MAD(x []float64) float64 { return madToSigma * Median(deviations(x)) }

// deviations returns how far each value is from the median of x.
func deviations(x []float64) []float64 {
	center := Median(x)
	d := make([]float64, len(x))
	for i, v := range x {
		d[i] = math.Abs(v - center)
	}
	return d
}

// Scale returns a robust estimate of the standard deviation of x that does
// not collapse where values are quantised, as a coarse timer's are. tick is
// the step between values that the instrument can tell apart, 0 if not known.
//
// It is the MAD. Where that is 0, more than half of x being one value, it is
// the range from the 10th to the 90th percentile, and where that is 0 too the
// mean absolute deviation from the median, which no longer resists outliers;
// each is scaled to the normal. It is never below tick/√12, the standard
// deviation of rounding to a tick, and 0 only if all values are equal and
// tick is 0. It is NaN if x is empty or holds a NaN.
func Scale(x []float64, tick float64) float64 {
	s := sorted(x)
	d := deviations(s)
	scale := madToSigma * Median(d)
	if scale == 0 {
		scale = tenToSigma * (QuantileSorted(s, 0.9) - QuantileSorted(s, 0.1))
	}
	if scale == 0 {
		scale = meanToSigma * Mean(d)
	}
	if tick > 0 {
		scale = max(scale, tick/math.Sqrt(12))
	}
	return scale
}

// Qn returns the scale estimator of Rousseeuw & Croux: about the first
// quartile of the distances between any two values, corrected to estimate the
// standard deviation of a normal sample of this size.
//
// It resists as many outliers as the MAD, assumes no symmetry, and has 82 %
// efficiency instead of 37 %. It is NaN if x has fewer than two values or
// holds one that is not finite. Time grows as n log n.
//
// Source: Rousseeuw & Croux (1993), JASA 88(424), 1273–1283; the corrections
// for small n are of Croux & Rousseeuw (1992), COMPSTAT 1, 411–428.
func Qn(x []float64) float64 {
	s, _, err := ordered(x, x)
	n := int64(len(x))
	if err != nil || n < 2 {
		return math.NaN()
	}
	h := n/2 + 1
	// Of the n² differences of s with itself, the n(n+1)/2 on and below the
	// diagonal are at most 0, and those wanted at least 0.
	q := differences{s, s}.rank(n*(n+1)/2 + h*(h-1)/2)
	return qnToSigma * qnCorrection(int(n)) * q
}

func qnCorrection(n int) float64 {
	small := [...]float64{2: 0.399, 0.994, 0.512, 0.844, 0.611, 0.857, 0.669, 0.872}
	switch {
	case n < len(small):
		return small[n]
	case n%2 == 1:
		return float64(n) / (float64(n) + 1.4)
	}
	return float64(n) / (float64(n) + 3.8)
}
