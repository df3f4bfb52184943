package chart

import "math"

// downsample returns which of n values are drawn, in order, where about limit
// are wanted: of every bucket the least and the greatest, so that no peak is
// lost, the first and the last, and those to keep.
func downsample(n, limit int, value func(int) float64, keep func(int) bool) []int {
	list := make([]int, 0, min(n, limit))
	if n <= limit {
		for i := range n {
			list = append(list, i)
		}
		return list
	}
	buckets := max(1, limit/2)
	for b := range buckets {
		from, to := b*n/buckets, (b+1)*n/buckets
		least, most := -1, -1
		for i := from; i < to; i++ {
			if v := value(i); math.IsNaN(v) {
				continue
			} else if least < 0 {
				least, most = i, i
			} else if v < value(least) {
				least = i
			} else if v > value(most) {
				most = i
			}
		}
		for i := from; i < to; i++ {
			gap := least < 0 && i == from // of a bucket without values
			if i == least || i == most || i == 0 || i == n-1 || gap || keep(i) {
				list = append(list, i)
			}
		}
	}
	return list
}
