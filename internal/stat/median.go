package stat

import "math"

// MedianInterval returns the confidence interval of the median of the
// distribution that x was drawn from: the range between two order statistics
// that lie as far from either end.
//
// Its confidence is at least level whatever the distribution. Samples too
// small for level give infinite ends: at 95 %, fewer than six values. Errors
// are ErrTooFew for an empty sample, ErrNotFinite for a value that is NaN or
// infinite, and ErrDomain if level is not in (0, 1). It sorts a copy of x.
//
// Source: David & Nagaraja (2003), Order Statistics, 3rd ed., 7.1.
func MedianInterval(x []float64, level float64) (Interval, error) {
	if !inside(level, 0, 1) {
		return Interval{}, ErrDomain
	}
	xs, _, err := ordered(x, x)
	if err != nil {
		return Interval{}, err
	}
	// The median lies below the k-th smallest value if fewer than k of n coins
	// show heads.
	n, k, tail := len(xs), 0, 0.0
	lg, _ := math.Lgamma(float64(n) + 1)
	for ; k < n/2; k++ {
		a, _ := math.Lgamma(float64(k) + 1)
		b, _ := math.Lgamma(float64(n-k) + 1)
		more := tail + math.Exp(lg-a-b-float64(n)*math.Ln2)
		if more > (1-level)/2 {
			break
		}
		tail = more
	}
	if k == 0 {
		return Interval{math.Inf(-1), math.Inf(1), 1}, nil
	}
	return Interval{xs[k-1], xs[n-k], 1 - 2*tail}, nil
}

// MedianPrecision returns how far the confidence interval of the median of x
// reaches from it, relative to it: 0.02 if to 2 % on the wider side. It is
// infinite where x is too small for the interval, or the median is not above
// zero, or x has no interval at all.
func MedianPrecision(x []float64, level float64) float64 {
	iv, err := MedianInterval(x, level)
	if err != nil {
		return math.Inf(1)
	}
	median := Median(x)
	if !(median > 0) {
		return math.Inf(1)
	}
	return max(iv.High-median, median-iv.Low) / median
}
