package changepoint

import (
	"math/bits"
	"slices"

	"github.com/pacer-perf/pacer/internal/stat"
)

// median returns the median of values as stat.Median does, and leaves them in
// another order: it looks for the middle ones alone (Hoare 1961, CACM 4, 321),
// in time that grows as their number. Sorting took a sixth of a search.
func median(v []float64) float64 {
	low, high := 0, len(v)-1
	k := high / 2
	for rounds := 2 * bits.Len(uint(len(v))); low < high; rounds-- {
		if rounds == 0 { // an order that is made for being slow
			slices.Sort(v[low : high+1])
			break
		}
		a, b, c := v[low], v[low+(high-low)/2], v[high]
		pivot := max(min(a, b), min(max(a, b), c))
		i, j := low, high
		for i <= j {
			for v[i] < pivot {
				i++
			}
			for pivot < v[j] {
				j--
			}
			if i <= j {
				v[i], v[j] = v[j], v[i]
				i++
				j--
			}
		}
		switch { // what lies between j and i is the pivot
		case k <= j:
			high = j
		case k >= i:
			low = i
		default:
			low, high = k, k
		}
	}
	if len(v)%2 == 1 || len(v) == 0 {
		return stat.QuantileSorted(v[k:min(k+1, len(v))], 0.5)
	}
	return stat.QuantileSorted([]float64{v[k], slices.Min(v[k+1:])}, 0.5)
}
