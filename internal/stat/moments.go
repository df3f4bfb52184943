package stat

import "math"

// Mean returns the arithmetic mean of x; NaN if x is empty. It neither
// overflows nor loses small values beside large ones. Summing in another
// order may change its last bit.
//
// Source: Neumaier (1974), ZAMM 54(1), 39–51, for the sum.
func Mean(x []float64) float64 {
	exp := exponent(x)
	if exp == 0 {
		return sum(x, func(v float64) float64 { return v }) / float64(len(x))
	}
	s := sum(x, func(v float64) float64 { return math.Ldexp(v, -exp) })
	return math.Ldexp(s/float64(len(x)), exp)
}

// Variance returns the variance of x with divisor n−1, in the unit squared;
// NaN if x has fewer than two values. It overflows or vanishes only where the
// result itself does.
func Variance(x []float64) float64 {
	v, exp := variance(x)
	return math.Ldexp(v, 2*exp)
}

// StdDev returns the square root of Variance, and is right even where that
// would overflow or vanish.
func StdDev(x []float64) float64 {
	v, exp := variance(x)
	return math.Ldexp(math.Sqrt(v), exp)
}

// variance returns v and exp such that the variance of x is v·4^exp.
func variance(x []float64) (v float64, exp int) {
	if len(x) < 2 {
		return math.NaN(), 0
	}
	mean := Mean(x)
	d := make([]float64, len(x))
	for i, v := range x {
		d[i] = v - mean
	}
	exp = exponent(d)
	squares := sum(d, func(v float64) float64 {
		v = math.Ldexp(v, -exp)
		return v * v
	})
	return squares / float64(len(x)-1), exp
}

// exponent returns a power of two by which to divide x so that neither its
// sum nor its squares overflow or vanish: 0 for all but extreme values.
func exponent(x []float64) int {
	largest := 0.0
	for _, v := range x {
		largest = max(largest, math.Abs(v))
	}
	if largest == 0 || !finite(largest) || inside(largest, 0x1p-400, 0x1p400) {
		return 0
	}
	_, exp := math.Frexp(largest)
	return exp
}

// sum adds f of every value, and adds up what the rounding of each addition
// lost.
func sum(x []float64, f func(float64) float64) float64 {
	var s, lost float64
	for _, v := range x {
		v = f(v)
		t := s + v
		if math.Abs(s) >= math.Abs(v) {
			lost += (s - t) + v
		} else {
			lost += (v - t) + s
		}
		s = t
	}
	if !finite(s) {
		return s // what was lost is NaN beside an infinity
	}
	return s + lost
}
