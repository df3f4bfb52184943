package stat

import (
	"math"
	"math/bits"
)

// choose returns n over k, false if that does not fit in 64 bits.
func choose(n, k int) (uint64, bool) {
	k = min(k, n-k)
	c := uint64(1)
	for i := 1; i <= k; i++ {
		hi, lo := bits.Mul64(c, uint64(n-k+i))
		if hi >= uint64(i) {
			return 0, false
		}
		c, _ = bits.Div64(hi, lo, uint64(i))
	}
	return c, true
}

// countsOfU returns in how many of the arrangements of n and m different
// values Mann and Whitney's U is 0, 1, ... up to limit: the coefficients of
// the Gaussian binomial. Arithmetic modulo 2⁶⁴ makes its subtractions exact,
// as long as the arrangements number fewer.
//
// Source: Harding (1984), Applied Statistics 33(1), 1–6, for the recursion.
func countsOfU(n, m, limit int) []uint64 {
	if n > m {
		n, m = m, n
	}
	c := make([]uint64, limit+1)
	c[0] = 1
	for i := 1; i <= n; i++ {
		for u := limit; u >= m+i; u-- {
			c[u] -= c[u-m-i]
		}
		for u := i; u <= limit; u++ {
			c[u] += c[u-i]
		}
	}
	return c
}

// exactLimit is the largest n·m for which countsOfU is worth its time; it
// matters only when one sample has a few values and the other thousands.
const exactLimit = 1 << 17

// tailOfU returns P(U ≤ u) for samples of n and m values without ties,
// u < n·m.
func tailOfU(n, m, u int) float64 {
	total, ok := choose(n+m, n)
	if !ok || n*m > exactLimit {
		mean, sd := momentsOfU(n, m)
		return NormalCDF((float64(u) + 0.5 - mean) / sd)
	}
	var count uint64
	for _, c := range countsOfU(n, m, u) {
		count += c
	}
	return float64(count) / float64(total)
}

// momentsOfU returns mean and standard deviation of U without ties.
func momentsOfU(n, m int) (mean, sd float64) {
	nm := float64(n) * float64(m)
	return nm / 2, math.Sqrt(nm * float64(n+m+1) / 12)
}

// lowerRank returns the largest k with P(U < k) ≤ alpha, and that
// probability; k is 0 if even U = 0 is likelier. alpha is below 1/2.
func lowerRank(n, m int, alpha float64) (k int64, tail float64) {
	alpha *= 1 + 1e-12 // (1−0.9)/2 is a little less than 1/20
	total, ok := choose(n+m, n)
	if !ok || n*m > exactLimit {
		mean, sd := momentsOfU(n, m)
		k = max(int64(math.Floor(mean+float64(sd*NormalQuantile(alpha))+0.5)), 0)
		return k, NormalCDF((float64(k) - 0.5 - mean) / sd)
	}
	var count uint64
	for u, c := range countsOfU(n, m, n*m/2) {
		if float64(count+c)/float64(total) > alpha {
			return int64(u), float64(count) / float64(total)
		}
		count += c
	}
	return int64(n*m/2 + 1), float64(count) / float64(total) // not reached while alpha < 1/2
}
