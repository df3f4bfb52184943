package stat

import (
	"cmp"
	"math"
	"slices"
)

// BenjaminiHochberg returns the p-values adjusted for their number, in the
// order given: to keep those at most q bounds the expected share of false
// ones among them by q, where the tests are independent or positively
// dependent.
//
// A NaN stands for a test that was not made: it stays, and does not count.
//
// Source: Benjamini & Hochberg (1995), JRSS B 57(1), 289–300.
func BenjaminiHochberg(p []float64) []float64 {
	out, order := byValue(p)
	least := 1.0
	for i := len(order) - 1; i >= 0; i-- {
		k := order[i]
		least = min(least, p[k]*float64(len(order))/float64(i+1))
		out[k] = least
	}
	return out
}

// Holm returns the p-values adjusted for their number, in the order given: to
// keep those at most a bounds by a the probability that any of them is false,
// however the tests depend on each other.
//
// A NaN stands for a test that was not made: it stays, and does not count.
//
// Source: Holm (1979), Scand. J. Statist. 6(2), 65–70.
func Holm(p []float64) []float64 {
	out, order := byValue(p)
	most := 0.0
	for i, k := range order {
		most = max(most, min(1, p[k]*float64(len(order)-i)))
		out[k] = most
	}
	return out
}

// byValue returns a copy of p and the indices of its numbers in ascending
// order.
func byValue(p []float64) (out []float64, order []int) {
	for i, v := range p {
		if !math.IsNaN(v) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(p[i], p[j]) })
	return slices.Clone(p), order
}
