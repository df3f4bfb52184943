package otlp

import (
	"fmt"
	"math"
	"slices"

	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/run"
)

const (
	// finest is the scale from which on an exponential histogram is kept: its
	// buckets are within 4.5 % of one another, so that a value is off by 2.2 %
	// at most.
	finest = 4
	// maxBuckets bounds the buckets of one side.
	maxBuckets = 100_000
)

// stats is what a point tells of its values, where they are not kept.
func (p *point) stats(kind string, scale input.Scale) (run.Stats, error) {
	s := *run.NewStats()
	switch kind {
	case "summary":
		if n := p.Count.Or(); n > 0 && n <= 1<<53 {
			s.Count = int64(n)
			s.Mean = p.Sum.Or() / n
		}
		for _, q := range p.QuantileValues {
			if q.Value.Known() && q.Quantile >= 0 && q.Quantile <= 1 {
				s.SetPercentile(math.Round(float64(q.Quantile)*1e8)/1e6, float64(q.Value))
			}
		}
	default:
		b := input.Buckets{Sum: p.Sum.Or(), Min: p.Min.Or(), Max: p.Max.Or(), Bounds: p.ExplicitBounds}
		if kind == "exponential" {
			if err := p.bounds(&b); err != nil {
				return s, err
			}
		} else {
			for _, n := range p.BucketCounts {
				b.Counts = append(b.Counts, float64(n))
			}
		}
		for i, n := range b.Counts {
			if !(n >= 0) || math.IsInf(n, 0) {
				return s, fmt.Errorf("bucket %d counts %v", i, n)
			}
		}
		for i, at := range b.Bounds {
			if math.IsNaN(at) || math.IsInf(at, 0) || i > 0 && at <= b.Bounds[i-1] {
				return s, fmt.Errorf("the bounds are not in order")
			}
		}
		if len(b.Counts) == len(b.Bounds)+1 && len(b.Bounds) > 0 {
			s = b.Stats()
		} else if n := p.Count.Or(); n > 0 && n <= 1<<53 { // without buckets
			s.Count, s.Mean, s.Min, s.Max = int64(n), b.Sum/n, b.Min, b.Max
		}
	}
	for _, v := range []*float64{&s.Mean, &s.Min, &s.Max, &s.P50, &s.P90, &s.P95, &s.P99, &s.P999} {
		*v = scale.Apply(*v)
	}
	for i := range s.Percentiles {
		s.Percentiles[i].Value = scale.Apply(s.Percentiles[i].Value)
	}
	return s, nil
}

// check refuses buckets that cannot be.
func (p *point) check() error {
	for _, s := range []side{p.Positive, p.Negative} {
		if len(s.BucketCounts) > maxBuckets || s.Offset < -(1<<24) || s.Offset > 1<<24 {
			return fmt.Errorf("%d buckets from %d on: too many, or too far away", len(s.BucketCounts), s.Offset)
		}
		for _, n := range s.BucketCounts {
			if !(n >= 0 && n <= 1<<53) || float64(n) != math.Trunc(float64(n)) {
				return fmt.Errorf("a bucket counts %v", float64(n))
			}
		}
	}
	if !(p.ZeroCount >= 0 && p.ZeroCount <= 1<<53) || p.Scale > 20 || p.Scale < -10 {
		return fmt.Errorf("a zero count of %v or a scale of %d cannot be", float64(p.ZeroCount), p.Scale)
	}
	return nil
}

// edge is the lower bound of a bucket of an exponential histogram: the base to
// the power of its index, the base being 2 to the power of 2^-scale.
func edge(index, scale int) float64 { return math.Exp2(math.Ldexp(float64(index), -scale)) }

// bounds makes explicit bounds of exponential buckets.
func (p *point) bounds(b *input.Buckets) error {
	if err := p.check(); err != nil {
		return err
	}
	for _, n := range p.Negative.BucketCounts {
		if n > 0 {
			return fmt.Errorf("it has negative values and a coarse scale")
		}
	}
	b.Bounds, b.Counts = []float64{0}, []float64{float64(p.ZeroCount)}
	for i, n := range p.Positive.BucketCounts {
		low, high := edge(p.Positive.Offset+i, p.Scale), edge(p.Positive.Offset+i+1, p.Scale)
		if n == 0 || math.IsInf(high, 0) || low == 0 {
			continue
		}
		if low > b.Bounds[len(b.Bounds)-1] {
			b.Bounds, b.Counts = append(b.Bounds, low), append(b.Counts, 0)
		}
		b.Bounds, b.Counts = append(b.Bounds, high), append(b.Counts, float64(n))
	}
	b.Counts = append(b.Counts, 0)
	return nil
}

// exponential makes a histogram of a point: every value in the middle of its
// bucket, the least and the largest where they are, the sum as it is.
func (p *point) exponential(t *total) (*run.Histogram, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	low, high := t.scale.Apply(p.Min.Or()), t.scale.Apply(p.Max.Or())
	h := run.NewHistogram(t.m.Unit)
	var failed error
	add := func(v float64, n input.Number) {
		v = t.scale.Apply(v)
		if !math.IsNaN(low) {
			v = math.Max(v, low)
		}
		if !math.IsNaN(high) {
			v = math.Min(v, high)
		}
		if err := t.m.Check(v); err != nil && n > 0 {
			failed = err
			return
		}
		h.AddN(v, int64(n))
	}
	for i, n := range p.Negative.BucketCounts {
		add(-middle(p.Negative.Offset+i, p.Scale), n)
	}
	add(0, p.ZeroCount)
	for i, n := range p.Positive.BucketCounts {
		add(middle(p.Positive.Offset+i, p.Scale), n)
	}
	if failed != nil || h.Count == 0 {
		return h, failed
	}
	return extremes(h, low, high, t.scale.Apply(p.Sum.Or())), nil
}

func middle(index, scale int) float64 {
	return (edge(index, scale) + edge(index+1, scale)) / 2
}

// extremes moves the least and the largest value to where they are known to
// be, and sets the sum.
func extremes(h *run.Histogram, low, high, sum float64) *run.Histogram {
	moved := run.NewHistogram("")
	moved.Tick = h.Tick
	first, last := 0, len(h.Buckets)-1
	out := *moved
	out.Count, out.Ticks, out.Min, out.Max = h.Count, h.Ticks, h.Min, h.Max
	buckets := append([]run.Bucket(nil), h.Buckets...)
	take := func(i int) {
		buckets[i].Count--
	}
	var ends []float64
	if !math.IsNaN(low) && low < h.Min {
		take(first)
		ends = append(ends, low)
		out.Min = low
	}
	if !math.IsNaN(high) && high > h.Max && (len(ends) == 0 || h.Count > 1) {
		take(last)
		ends = append(ends, high)
		out.Max = high
	}
	out.Buckets = nil
	for _, b := range buckets {
		if b.Count > 0 {
			out.Buckets = append(out.Buckets, b)
		}
	}
	for _, v := range ends {
		one := run.Histogram{Tick: h.Tick}
		one.Add(v)
		kept := [4]float64{out.Ticks, out.Min, out.Max, float64(out.Count)}
		out.Merge(&one)
		out.Ticks, out.Min, out.Max, out.Count = kept[0], kept[1], kept[2], int64(kept[3])
	}
	if !math.IsNaN(sum) && !math.IsInf(sum, 0) {
		out.Ticks = sum / h.Tick
		if h.Tick == 1e-9 {
			out.Ticks = sum * 1e9
		}
	}
	return &out
}

// together adds up the points of delta that have the same bounds, so that
// percentiles are those of all.
func together(points []point) []point {
	var sums []point
	for _, p := range points {
		i := slices.IndexFunc(sums, func(s point) bool {
			return slices.Equal(s.ExplicitBounds, p.ExplicitBounds) && len(s.BucketCounts) == len(p.BucketCounts)
		})
		if i < 0 {
			p.BucketCounts = slices.Clone(p.BucketCounts)
			sums = append(sums, p)
			continue
		}
		s := &sums[i]
		for k, n := range p.BucketCounts {
			s.BucketCounts[k] += n
		}
		s.Count, s.Sum = both(s.Count, p.Count, func(a, b float64) float64 { return a + b }), both(s.Sum, p.Sum, func(a, b float64) float64 { return a + b })
		s.Min, s.Max = both(s.Min, p.Min, math.Min), both(s.Max, p.Max, math.Max)
	}
	return sums
}

// both puts two numbers together, if both are known.
func both(a, b *input.Number, with func(a, b float64) float64) *input.Number {
	if !a.Known() || !b.Known() {
		return nil
	}
	n := input.Number(with(a.Or(), b.Or()))
	return &n
}
