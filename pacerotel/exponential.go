package pacerotel

import (
	"math"
	"slices"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/pacer-perf/pacer/run"
)

const (
	// finest is the scale at which a bucket is as wide as Pacer's own, of which
	// there are 64 to a power of two. A finer one would promise too much.
	finest = 6
	// maxBuckets bounds what a point costs on the wire; an empty bucket is a
	// byte.
	maxBuckets = 320
)

// exponential turns what a metric observed into a base-2 exponential
// histogram, at the finest scale that takes at most maxBuckets buckets. Count,
// sum, least and largest value are exact. A value read back from the middle of
// its bucket is off by at most (base-1)/(base+1), where base is
// 2^(2^-scale): 0.5 % at scale 6, 1.1 % at 5, 2.2 % at 4, 4.4 % at 3.
//
// Source: the OpenTelemetry metrics data model, ExponentialHistogram.
func exponential(m *run.Metric) metricdata.ExponentialHistogramDataPoint[float64] {
	var p metricdata.ExponentialHistogramDataPoint[float64]
	above, below := make(map[int]uint64), make(map[int]uint64) // by index at the finest scale
	add := func(v float64, n uint64) {
		switch {
		case v > 0:
			above[indexOf(v)] += n
		case v < 0:
			below[indexOf(-v)] += n
		default:
			p.ZeroCount += n
		}
	}
	if h := m.Histogram; h != nil {
		for _, b := range h.Buckets {
			// The middle of the outermost buckets may lie beyond what was seen.
			add(min(max(middle(b.Index)*h.Tick, h.Min), h.Max), uint64(b.Count))
		}
		p.Min, p.Max = metricdata.NewExtrema(h.Min), metricdata.NewExtrema(h.Max)
	} else if len(m.Samples) > 0 {
		for _, v := range m.Samples {
			add(v, 1)
		}
		p.Min, p.Max = metricdata.NewExtrema(slices.Min(m.Samples)), metricdata.NewExtrema(slices.Max(m.Samples))
	}
	p.Count, p.Sum = uint64(m.Count()), m.Sum()
	coarser := max(tooWide(above), tooWide(below))
	p.Scale = int32(finest - coarser)
	p.PositiveBucket, p.NegativeBucket = buckets(above, coarser), buckets(below, coarser)
	return p
}

// indexOf returns the bucket of a value above 0 at the finest scale: the i
// with base^i < v <= base^(i+1). Each step to a coarser scale halves it,
// rounding down.
func indexOf(v float64) int {
	fraction, exponent := math.Frexp(v) // v = fraction * 2^exponent, 0.5 <= fraction < 1
	first := (exponent - 1) << finest
	if fraction == 0.5 {
		return first - 1 // a power of two ends a bucket
	}
	within := int(math.Ceil(math.Log2(2*fraction)*(1<<finest))) - 1
	return first + min(max(within, 0), 1<<finest-1)
}

// tooWide returns how many steps coarser than the finest the scale must be for
// the buckets to be few enough.
func tooWide(counts map[int]uint64) int {
	lo, hi := extent(counts)
	steps := 0
	for hi>>steps-lo>>steps >= maxBuckets {
		steps++
	}
	return steps
}

func extent(counts map[int]uint64) (lo, hi int) {
	lo, hi = math.MaxInt, math.MinInt
	for i := range counts {
		lo, hi = min(lo, i), max(hi, i)
	}
	if len(counts) == 0 {
		return 0, 0
	}
	return lo, hi
}

// buckets lays counts out in a row, the given number of steps coarser.
func buckets(counts map[int]uint64, coarser int) metricdata.ExponentialBucket {
	if len(counts) == 0 {
		return metricdata.ExponentialBucket{}
	}
	lo, hi := extent(counts)
	lo, hi = lo>>coarser, hi>>coarser
	row := metricdata.ExponentialBucket{Offset: int32(lo), Counts: make([]uint64, hi-lo+1)}
	for i, n := range counts {
		row.Counts[i>>coarser-lo] += n
	}
	return row
}

// middle returns the value in ticks that stands for one of Pacer's buckets.
// run.BucketIndex is one more than the top bits of the value as a float64, down
// to the sixth of the mantissa.
func middle(index int) float64 {
	if index < 0 {
		return -middle(-index)
	}
	if index == 0 {
		return 0
	}
	const shift = 52 - 6
	low := math.Float64frombits(uint64(index-1) << shift)
	high := math.Float64frombits(uint64(index) << shift)
	if math.IsInf(high, 0) {
		return low
	}
	return low + (high-low)/2
}
