package stat

import "math"

// differences are all y[j]−x[i] of two sorted samples of finite values. They
// are counted, never listed: 10,000 by 10,000 take no memory.
type differences struct{ x, y []float64 }

// size returns how many differences there are.
func (d differences) size() int64 { return int64(len(d.x)) * int64(len(d.y)) }

// rank returns the k-th smallest difference, k from 1. It bisects the numbers
// a float64 can be, so it takes at most 64 passes of len(x)+len(y) steps, and
// finds the very difference: subtraction rounds in order, so counting is
// exact.
func (d differences) rank(k int64) float64 {
	lo, hi := ordinal(d.y[0]-d.x[len(d.x)-1]), ordinal(d.y[len(d.y)-1]-d.x[0])
	for lo < hi {
		mid := lo + int64(uint64(hi-lo)/2)
		if d.upTo(numeral(mid)) >= k {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return numeral(lo)
}

// upTo returns how many differences are at most t.
func (d differences) upTo(t float64) int64 {
	var n int64
	j := 0
	for _, v := range d.x {
		for j < len(d.y) && d.y[j]-v <= t {
			j++
		}
		n += int64(j)
	}
	return n
}

// above returns the smallest difference that is more than t, +Inf if there is
// none.
func (d differences) above(t float64) float64 {
	least := math.Inf(1)
	j := 0
	for _, v := range d.x {
		for j < len(d.y) && d.y[j]-v <= t {
			j++
		}
		if j == len(d.y) {
			break
		}
		least = min(least, d.y[j]-v)
	}
	return least
}

// median returns the median difference.
func (d differences) median() float64 {
	size := d.size()
	lower := d.rank((size + 1) / 2)
	if size%2 == 1 || d.upTo(lower) > size/2 {
		return lower
	}
	return middle(lower, d.above(lower))
}

// bounded says whether no difference overflows.
func (d differences) bounded() bool {
	return finite(d.y[len(d.y)-1]-d.x[0]) && finite(d.y[0]-d.x[len(d.x)-1])
}

// ordinal numbers the values of a float64 in their order, 0 being 0.
func ordinal(v float64) int64 {
	b := int64(math.Float64bits(v))
	if b < 0 {
		return math.MinInt64 - b
	}
	return b
}

// numeral is the inverse of ordinal.
func numeral(k int64) float64 {
	if k < 0 {
		k = math.MinInt64 - k
	}
	return math.Float64frombits(uint64(k))
}
