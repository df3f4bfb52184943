package input

import (
	"math"

	"github.com/pacer-perf/pacer/run"
)

// Buckets are counts between bounds, as Prometheus and OpenTelemetry have
// them: Counts[i] values are above Bounds[i-1] and not above Bounds[i]; the
// last count is of what lies above all bounds.
type Buckets struct {
	Bounds   []float64 // ascending, finite
	Counts   []float64 // one more than Bounds
	Sum      float64   // NaN: not known
	Min, Max float64   // NaN: not known
}

// Count is the number of values.
func (b *Buckets) Count() float64 {
	n := 0.0
	for _, c := range b.Counts {
		n += c
	}
	return n
}

// Stats is what buckets tell of their values. Percentiles are interpolated
// within a bucket, as histogram_quantile of Prometheus does; those beyond the
// last bound are not known without a maximum.
func (b *Buckets) Stats() run.Stats {
	s := *run.NewStats()
	n := b.Count()
	if !(n > 0) || len(b.Counts) != len(b.Bounds)+1 {
		return s
	}
	s.Count = int64(math.Min(n, 1<<53))
	s.Mean, s.Min, s.Max = b.Sum/n, b.Min, b.Max
	for _, p := range []struct {
		q    float64
		into *float64
	}{{0.5, &s.P50}, {0.9, &s.P90}, {0.95, &s.P95}, {0.99, &s.P99}, {0.999, &s.P999}} {
		*p.into = b.quantile(p.q * n)
	}
	return s
}

// quantile returns the value below which rank values lie.
func (b *Buckets) quantile(rank float64) float64 {
	below := 0.0
	for i, c := range b.Counts {
		if below+c < rank || c == 0 {
			below += c
			continue
		}
		low, high := 0.0, b.Max
		if i > 0 {
			low = b.Bounds[i-1]
		} else if b.Bounds[0] <= 0 {
			low = b.Bounds[0] // as Prometheus: nothing is known of what lies below
		}
		if i < len(b.Bounds) {
			high = b.Bounds[i]
		}
		if !math.IsNaN(b.Min) {
			low = math.Max(low, math.Min(b.Min, high))
		}
		if !math.IsNaN(b.Max) {
			high = math.Min(high, b.Max)
		}
		return low + (high-low)*(rank-below)/c
	}
	return math.NaN()
}
