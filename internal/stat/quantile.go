package stat

import "math"

// Quantile returns the p-quantile of x, p from 0 to 1: the linear
// interpolation between the order statistics around 1+(n−1)p, which R and
// NumPy call type 7.
//
// It is NaN if x is empty or holds a NaN, or if p is not in [0, 1]. It sorts
// a copy of x.
//
// Source: Hyndman & Fan (1996), The American Statistician 50(4), 361–365.
func Quantile(x []float64, p float64) float64 { return QuantileSorted(sorted(x), p) }

// QuantileSorted is Quantile for values that are in ascending order already:
// it does not copy, and costs the same for any length.
func QuantileSorted(x []float64, p float64) float64 {
	if len(x) == 0 || math.IsNaN(x[0]) || !(0 <= p && p <= 1) {
		return math.NaN()
	}
	h := float64(len(x)-1) * p
	i := int(h)
	if i == len(x)-1 {
		return x[i]
	}
	return between(x[i], x[i+1], h-float64(i))
}

// Median returns the middle value of x, or half the sum of the middle two. It
// is NaN if x is empty or holds a NaN. Negating x negates it exactly.
func Median(x []float64) float64 { return Quantile(x, 0.5) }

// between returns the point a fraction f of the way from a to b, a ≤ b,
// 0 ≤ f < 1, and never leaves [a, b].
func between(a, b, f float64) float64 {
	switch {
	case a == b || f == 0:
		return a // also where both are the same infinity
	case f == 0.5:
		return middle(a, b)
	}
	if d := b - a; !math.IsInf(d, 0) {
		return min(a+float64(f*d), b)
	}
	return float64(a*(1-f)) + float64(b*f)
}

// middle returns half the sum of a and b. Unlike a+(b−a)/2 it rounds the same
// way on both sides of zero, on which the laws of mirrored results rest.
func middle(a, b float64) float64 {
	if s := a + b; !math.IsInf(s, 0) {
		return s / 2
	}
	return a/2 + b/2
}
