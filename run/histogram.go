package run

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/pacer-perf/pacer/internal/unit"
)

// Histogram counts values in log-linear buckets: 64 of equal width to every
// power of two, so that a value read back from its bucket is off by at most
// 1/128, under 0.8 %. Count, Min and Max are exact, and so is the sum up to
// 2^53 ticks: 104 days of nanoseconds.
//
// Values are counted in ticks (nanoseconds for seconds), so that a clock's
// whole nanoseconds and the seconds of a document fall into the same buckets.
// Histograms of one tick merge without loss: the merged histogram is the
// histogram of all values, and the order does not matter (for the sum, up to
// 2^53 ticks).
type Histogram struct {
	Tick     float64 // size of one tick in the metric's unit
	Count    int64
	Ticks    float64  // sum of all values, in ticks; whole ones are exact to 2^53, 104 days of nanoseconds
	Min, Max float64  // in the metric's unit
	Buckets  []Bucket // by Index, without empty ones
}

// Bucket is one bucket and how many values fell into it.
type Bucket struct {
	Index int
	Count int64
}

const (
	mantissaBits = 6
	shift        = 52 - mantissaBits
	// nanosecond is a tick of histograms in seconds. It is kept as its
	// reciprocal where it is used, which a float64 holds exactly.
	nanosecond = 1e-9
)

// NewHistogram returns an empty histogram for values of the unit.
func NewHistogram(base string) *Histogram {
	if base == unit.Seconds {
		return &Histogram{Tick: nanosecond}
	}
	return &Histogram{Tick: 1}
}

// ticks turns a value into ticks. Whole ticks survive the way through the
// metric's unit: 128 ns written as 1.28e-07 is 128 again.
func (h *Histogram) ticks(v float64) float64 {
	if h.Tick == 1 {
		return v
	}
	t := v / h.Tick
	if h.Tick == nanosecond {
		t = v * 1e9
	}
	if whole := math.Round(t); math.Abs(t-whole) <= 4e-16*math.Abs(t) {
		return whole
	}
	return t
}

// value turns ticks into the metric's unit.
func (h *Histogram) value(ticks float64) float64 {
	if h.Tick == nanosecond {
		return ticks / 1e9
	}
	return ticks * h.Tick
}

// BucketIndex returns the bucket of a value in ticks: 0 for zero, growing with
// the value, negative for negative values.
func BucketIndex(ticks float64) int {
	if ticks < 0 {
		return -BucketIndex(-ticks)
	}
	if ticks == 0 {
		return 0
	}
	// The exponent and the top bits of the mantissa of a float64, read as one
	// integer, are exactly a log-linear scale.
	return int(math.Float64bits(ticks)>>shift) + 1
}

// bucketMiddle returns the value in ticks that stands for a bucket.
func bucketMiddle(index int) float64 {
	if index < 0 {
		return -bucketMiddle(-index)
	}
	if index == 0 {
		return 0
	}
	low := math.Float64frombits(uint64(index-1) << shift)
	high := math.Float64frombits(uint64(index) << shift)
	if math.IsInf(high, 0) {
		return low
	}
	return low + (high-low)/2
}

// maxIndex is the bucket of the largest float64.
var maxIndex = BucketIndex(math.MaxFloat64)

// Add counts one finite value.
func (h *Histogram) Add(v float64) { h.AddN(v, 1) }

// AddN counts a finite value n times.
func (h *Histogram) AddN(v float64, n int64) {
	if n <= 0 {
		return
	}
	h.merge(n, h.ticks(v)*float64(n), v, v)
	h.bump(BucketIndex(h.ticks(v)), n)
}

// merge takes the exact figures of n more values.
func (h *Histogram) merge(n int64, ticks, lo, hi float64) {
	if h.Count == 0 {
		h.Min, h.Max = lo, hi
	}
	h.Min, h.Max = min(h.Min, lo), max(h.Max, hi)
	h.Count += n
	h.Ticks += ticks
}

// Sum is the sum of all values, in the metric's unit.
func (h *Histogram) Sum() float64 { return h.value(h.Ticks) }

func (h *Histogram) bump(index int, n int64) {
	i, found := slices.BinarySearchFunc(h.Buckets, index, func(b Bucket, x int) int { return b.Index - x })
	if !found {
		h.Buckets = slices.Insert(h.Buckets, i, Bucket{Index: index})
	}
	h.Buckets[i].Count += n
}

// Merge adds all values of other. It fails if they are counted in other ticks.
func (h *Histogram) Merge(other *Histogram) error {
	if h.Tick != other.Tick {
		return fmt.Errorf("merging histograms with ticks of %v and %v", h.Tick, other.Tick)
	}
	if other.Count == 0 {
		return nil
	}
	h.merge(other.Count, other.Ticks, other.Min, other.Max)
	for _, b := range slices.Clone(other.Buckets) { // h may be other
		h.bump(b.Index, b.Count)
	}
	return nil
}

// Quantile returns the q-quantile, interpolated as that of samples is, within
// 0.8 % of theirs. It is exact at 0 and 1, and NaN if the histogram is empty.
func (h *Histogram) Quantile(q float64) float64 {
	if h.Count == 0 {
		return math.NaN()
	}
	rank := q * float64(h.Count-1)
	lo := math.Floor(rank)
	a := h.at(int64(lo))
	if part := rank - lo; part > 0 {
		return a*(1-part) + h.at(int64(lo)+1)*part
	}
	return a
}

// at returns the value of the given 0-based rank.
func (h *Histogram) at(rank int64) float64 {
	switch {
	case rank <= 0:
		return h.Min
	case rank >= h.Count-1:
		return h.Max
	}
	seen := int64(0)
	for _, b := range h.Buckets {
		if seen += b.Count; rank < seen {
			return min(max(h.value(bucketMiddle(b.Index)), h.Min), h.Max)
		}
	}
	return h.Max
}

func (h *Histogram) stats() Stats {
	if h.Count == 0 {
		return unknown()
	}
	s := Stats{
		Count: h.Count, Mean: min(max(h.Sum()/float64(h.Count), h.Min), h.Max), Min: h.Min, Max: h.Max,
		P50: h.Quantile(0.5), P90: h.Quantile(0.9), P95: h.Quantile(0.95),
		P99: h.Quantile(0.99), P999: h.Quantile(0.999), Stddev: math.NaN(),
	}
	if h.Count > 1 {
		scale := max(math.Abs(h.Min), math.Abs(h.Max))
		if scale == 0 {
			scale = 1
		}
		squares := 0.0
		for _, b := range h.Buckets {
			d := (min(max(h.value(bucketMiddle(b.Index)), h.Min), h.Max) - s.Mean) / scale
			squares += d * d * float64(b.Count)
		}
		s.Stddev = math.Sqrt(squares/float64(h.Count-1)) * scale
	}
	return s
}

func (h *Histogram) validate(m *Metric) error {
	if !(h.Tick > 0) || math.IsInf(h.Tick, 0) {
		return fmt.Errorf("tick %v: expected a finite number above 0", h.Tick)
	}
	for _, v := range []float64{h.Min, h.Max} {
		if err := m.validate(v); err != nil {
			return err
		}
	}
	if math.IsNaN(h.Ticks) || math.IsInf(h.Ticks, 0) {
		return fmt.Errorf("the sum, %v ticks, is not a finite number", h.Ticks)
	}
	if h.Min > h.Max {
		return fmt.Errorf("min %v is above max %v", h.Min, h.Max)
	}
	total := int64(0)
	for i, b := range h.Buckets {
		if b.Index > maxIndex || b.Index < -maxIndex {
			return fmt.Errorf("bucket %d is out of range", b.Index)
		}
		if i > 0 && b.Index <= h.Buckets[i-1].Index {
			return errors.New("buckets are not in order")
		}
		if b.Count <= 0 || total+b.Count < total {
			return fmt.Errorf("bucket %d counts %d", b.Index, b.Count)
		}
		total += b.Count
	}
	if total != h.Count {
		return fmt.Errorf("count is %d but the buckets hold %d", h.Count, total)
	}
	// Beyond 2^52 ticks a value does not come back from its unit to the last
	// tick, and so may be a bucket further.
	apart := func(b Bucket, v float64) bool {
		d := b.Index - BucketIndex(h.ticks(v))
		return d < -1 || d > 1
	}
	if n := len(h.Buckets); n > 0 && (apart(h.Buckets[0], h.Min) || apart(h.Buckets[n-1], h.Max)) {
		return errors.New("min and max are not in the first and last bucket")
	}
	return nil
}
