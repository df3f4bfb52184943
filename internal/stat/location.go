package stat

import "math"

// Winsorise returns x with every value below lo raised to lo and every value
// above hi lowered to hi. NaNs stay.
func Winsorise(x []float64, lo, hi float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		switch {
		case v < lo:
			v = lo
		case v > hi:
			v = hi
		}
		out[i] = v
	}
	return out
}

// Huber returns the M-estimate of location that is the mean of x with values
// further than k standard deviations from it drawn in to there; the standard
// deviation is Scale. k of 1.345 has 95 % of the mean's efficiency on normal
// samples; k = 0 means that.
//
// It is NaN if x is empty, holds a value that is not finite, or k is
// negative.
//
// Source: Huber (1964), Ann. Math. Statist. 35(1), 73–101.
func Huber(x []float64, k float64) float64 {
	if k == 0 {
		k = 1.345
	}
	at, reach := Median(x), k*Scale(x, 0)
	if !(k > 0) || !finite(at) || !finite(reach) {
		return math.NaN()
	}
	// Each step is the mean of values drawn in around the last: it closes in
	// by at least the share of values drawn in, and quickly.
	for range 100 {
		next := Mean(Winsorise(x, at-reach, at+reach))
		if math.Abs(next-at) <= 1e-12*reach {
			return next
		}
		at = next
	}
	return at
}
