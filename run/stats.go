package run

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Stats summarises a metric's observations, in its unit. NaN means not known;
// a Count of 0 likewise.
type Stats struct {
	Count                    int64
	Mean, Min, Max, Stddev   float64 // Stddev: of a sample (n−1); NaN below two
	P50, P90, P95, P99, P999 float64

	// What only some tools say, of metrics that came without samples.
	Percentiles []Percentile // others than those above, by P
	Interval    *[2]float64  // between which they put the value that stands for the metric; nil: not said
}

// Percentile is the value that P percent of the observations do not exceed.
type Percentile struct{ P, Value float64 }

// NewStats returns the summary of nothing: every statistic unknown.
func NewStats() *Stats {
	s := unknown()
	return &s
}

// SetPercentile notes a percentile, in its own field if it has one. Of those
// that have none it keeps one more than a summary may have.
func (s *Stats) SetPercentile(p, value float64) {
	switch p {
	case 0:
		s.Min = value
	case 50:
		s.P50 = value
	case 90:
		s.P90 = value
	case 95:
		s.P95 = value
	case 99:
		s.P99 = value
	case 99.9:
		s.P999 = value
	case 100:
		s.Max = value
	default:
		i, there := slices.BinarySearchFunc(s.Percentiles, p, func(q Percentile, p float64) int { return cmp.Compare(q.P, p) })
		if !there && len(s.Percentiles) > maxPercentiles {
			return // too many already, which checking tells: each more would move them all
		}
		if !there {
			s.Percentiles = slices.Insert(s.Percentiles, i, Percentile{P: p})
		}
		s.Percentiles[i].Value = value
	}
}

// unknown is the summary of nothing.
func unknown() Stats {
	nan := math.NaN()
	return Stats{Mean: nan, Min: nan, Max: nan, Stddev: nan, P50: nan, P90: nan, P95: nan, P99: nan, P999: nan}
}

type statField struct {
	name  string
	value *float64
}

// fields lists the statistics in the order in which they are written.
func (s *Stats) fields() []statField {
	return []statField{
		{"mean", &s.Mean}, {"min", &s.Min}, {"max", &s.Max}, {"stddev", &s.Stddev},
		{"p50", &s.P50}, {"p90", &s.P90}, {"p95", &s.P95}, {"p99", &s.P99}, {"p999", &s.P999},
	}
}

// field returns the statistic that a document calls name, or nil.
func (s *Stats) field(name string) *float64 {
	switch name {
	case "mean":
		return &s.Mean
	case "min":
		return &s.Min
	case "max":
		return &s.Max
	case "stddev":
		return &s.Stddev
	case "p50":
		return &s.P50
	case "p90":
		return &s.P90
	case "p95":
		return &s.P95
	case "p99":
		return &s.P99
	case "p999":
		return &s.P999
	}
	return nil
}

// Stats summarises the metric. It costs a sort of the samples.
func (m *Metric) Stats() Stats {
	switch {
	case m.Histogram != nil:
		return m.Histogram.stats()
	case m.Summary != nil:
		return *m.Summary
	case len(m.Samples) == 0:
		return unknown()
	}
	sorted := sorted(m.Samples)
	n := float64(len(sorted))
	s := Stats{
		Count: int64(len(sorted)),
		Min:   sorted[0], Max: sorted[len(sorted)-1],
		P50: quantile(sorted, 0.5), P90: quantile(sorted, 0.9), P95: quantile(sorted, 0.95),
		P99: quantile(sorted, 0.99), P999: quantile(sorted, 0.999),
		Stddev: math.NaN(),
	}
	// Scaled by the largest value, so that neither the sum nor the squares of
	// finite samples overflow.
	scale := max(math.Abs(s.Min), math.Abs(s.Max))
	if scale == 0 {
		scale = 1
	}
	scaled, sum := sorted, 0.0
	for i, v := range sorted {
		scaled[i] = v / scale
		sum += scaled[i]
	}
	mean := sum / n
	s.Mean = min(max(mean*scale, s.Min), s.Max)
	if len(scaled) > 1 {
		squares := 0.0
		for _, v := range scaled {
			d := v - mean
			squares += d * d
		}
		s.Stddev = math.Sqrt(squares/(n-1)) * scale
	}
	return s
}

// sorted returns the values in order, NaN first.
func sorted(values []float64) []float64 {
	list := slices.Clone(values)
	if len(list) > 50 {
		slices.Sort(list)
		return list
	}
	// Few, as most metrics have: by insertion, which slices.Sort does up to a
	// dozen.
	for i, v := range list {
		if v != v {
			slices.Sort(list)
			return list
		}
		k := i
		for ; k > 0 && v < list[k-1]; k-- {
			list[k] = list[k-1]
		}
		list[k] = v
	}
	return list
}

// quantile returns the q-quantile of sorted values by type 7 of Hyndman and
// Fan, NaN if there are none.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	h := q * float64(len(sorted)-1)
	lo := int(h)
	if lo+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	part := h - float64(lo)
	if part == 0 {
		return sorted[lo]
	}
	return sorted[lo]*(1-part) + sorted[lo+1]*part
}

// harmonicMean returns n / Σ(1/v): for speeds of equal work, the work over the
// summed time. It is 0 if a value is, NaN without values.
func harmonicMean(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sum := 0.0
	for _, v := range values {
		if v == 0 {
			return 0
		}
		sum += 1 / v
	}
	return float64(len(values)) / sum
}

// validate says what is wrong with the parts that only some tools know.
func (s *Stats) validate(m *Metric) error {
	for i, p := range s.Percentiles {
		switch {
		case !(p.P > 0 && p.P < 100) || i > 0 && p.P <= s.Percentiles[i-1].P:
			return fmt.Errorf(".percentiles: %v: expected percentages between 0 and 100, in order", p.P)
		case i >= maxPercentiles:
			return fmt.Errorf(".percentiles: at most %d", maxPercentiles)
		}
		if err := m.validate(p.Value); err != nil {
			return fmt.Errorf(".percentiles.%v: %w", p.P, err)
		}
	}
	// An interval of durations may reach below 0: that is what its rule says.
	if in := s.Interval; in != nil && !(in[0] <= in[1] && !math.IsInf(in[0], 0) && !math.IsInf(in[1], 0)) {
		return fmt.Errorf(".interval: %v: expected two finite numbers in order", *in)
	}
	return nil
}

// maxPercentiles is how many percentiles a summary may have beside the usual
// ones.
const maxPercentiles = 100
