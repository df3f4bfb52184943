package run

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/internal/unit"
)

// Key writes a metric's name and labels as people do: table.filter{rows=1000}.
// Labels are in the order of their keys, so equal metrics have equal keys.
func Key(name string, labels map[string]string) string {
	if len(labels) == 0 {
		return name
	}
	keys := make([]string, 0, MaxLabels)
	size := len(name) + 1
	for k, v := range labels {
		keys = append(keys, k)
		size += len(k) + len(v) + 2
	}
	slices.Sort(keys)
	var b strings.Builder
	b.Grow(size)
	b.WriteString(name)
	sep := byte('{')
	for _, k := range keys {
		b.WriteByte(sep)
		b.WriteString(k)
		b.WriteByte('=')
		b.WriteString(labels[k])
		sep = ','
	}
	b.WriteByte('}')
	return b.String()
}

// Key is the metric's name and labels: table.filter{rows=1000}.
func (m *Metric) Key() string { return Key(m.Name, m.Labels) }

// identity tells metrics of one run apart: name and labels, and unit.
type identity struct{ key, unit string }

func (m *Metric) identity() identity { return identity{m.Key(), m.Unit} }

// Direction is the way in which the metric improves: its own word, else the
// usual one for its unit, else "". A metric that improves in neither direction
// has none.
func (m *Metric) Direction() Better {
	if m.Better == Neither {
		return ""
	}
	if m.Better != "" {
		return m.Better
	}
	return Better(unit.Better(m.Unit))
}

// Count is the number of observations. A summary that does not say counts as
// one.
func (m *Metric) Count() int64 {
	switch {
	case m.Histogram != nil:
		return m.Histogram.Count
	case m.Summary != nil:
		return max(1, m.Summary.Count)
	}
	return int64(len(m.Samples))
}

// Sum is the sum of all observations, or NaN if only a summary without a mean
// is known.
func (m *Metric) Sum() float64 {
	switch {
	case m.Histogram != nil:
		return m.Histogram.Sum()
	case m.Summary != nil:
		return m.Summary.Mean * float64(max(1, m.Summary.Count))
	}
	sum := 0.0
	for _, v := range m.Samples {
		sum += v
	}
	return sum
}

// ErrStatistic is returned for the name of a statistic that does not exist.
var ErrStatistic = errors.New("expected p followed by a percentile (p50, p99.9), or median, mean, min, max or stddev")

// Statistic returns one statistic of the metric by name: p50, p95, p99.9,
// median, mean (avg), min, max, stddev. It returns NaN if the metric has no
// observations, or only a summary that lacks it, and ErrStatistic for any
// other name.
//
// Percentiles of samples interpolate linearly between order statistics (type 7
// of Hyndman and Fan (1996), Amer. Statist. 50(4), 361–365, the default of R
// and NumPy); of a histogram, they are within its stated error.
func (m *Metric) Statistic(name string) (float64, error) {
	q, isQuantile, err := parseStatistic(name)
	if err != nil {
		return math.NaN(), err
	}
	if !isQuantile || m.Summary != nil {
		s := m.Stats()
		return s.named(name, q, isQuantile), nil
	}
	if m.Histogram != nil {
		return m.Histogram.Quantile(q), nil
	}
	return quantile(sorted(m.Samples), q), nil
}

// ValidStatistic tells whether Statistic knows the name.
func ValidStatistic(name string) bool {
	_, _, err := parseStatistic(name)
	return err == nil
}

// parseStatistic returns the quantile that name asks for, or false if it is
// another kind of statistic.
func parseStatistic(name string) (q float64, isQuantile bool, err error) {
	switch name {
	case "median":
		return 0.5, true, nil
	case "mean", "avg", "min", "max", "stddev":
		return 0, false, nil
	}
	digits, ok := strings.CutPrefix(name, "p")
	percent, err := strconv.ParseFloat(digits, 64)
	switch {
	case name == "p999": // as the document writes it
		return 0.999, true, nil
	case !ok || err != nil || !(percent >= 0 && percent <= 100):
		return 0, false, fmt.Errorf("statistic %q: %w", name, ErrStatistic)
	}
	return percent / 100, true, nil
}

// named returns the statistic called name, or NaN if the summary lacks it.
func (s *Stats) named(name string, q float64, isQuantile bool) float64 {
	if isQuantile {
		switch q {
		case 0:
			return s.Min
		case 0.5:
			return s.P50
		case 0.9:
			return s.P90
		case 0.95:
			return s.P95
		case 0.99:
			return s.P99
		case 0.999:
			return s.P999
		case 1:
			return s.Max
		}
		for _, p := range s.Percentiles {
			if p.P/100 == q {
				return p.Value
			}
		}
		return math.NaN()
	}
	switch name {
	case "mean", "avg":
		return s.Mean
	case "min":
		return s.Min
	case "max":
		return s.Max
	}
	return s.Stddev
}

// Center returns the value that stands for the metric in a comparison: its
// median, else, of a summary without one, its mean, else any statistic it has
// in the order p95, p90, p99, max, min. It names the statistic, and returns NaN
// and "" if there is none.
func (m *Metric) Center() (float64, string) {
	for _, name := range centers {
		if v, err := m.Statistic(name); err == nil && !math.IsNaN(v) {
			return v, name
		}
	}
	return math.NaN(), ""
}

// centers are the statistics that may stand for a metric, the best first.
var centers = []string{"median", "mean", "p95", "p90", "p99", "max", "min"}

// center is the Center of a metric with these statistics.
func (s *Stats) center() (float64, string) {
	for _, name := range centers {
		q, isQuantile, _ := parseStatistic(name)
		if v := s.named(name, q, isQuantile); !math.IsNaN(v) {
			return v, name
		}
	}
	return math.NaN(), ""
}

// Fold replaces samples beyond MaxSamples by a histogram, and tells whether it
// did.
func (m *Metric) Fold() bool {
	if len(m.Samples) <= MaxSamples {
		return false
	}
	h := NewHistogram(m.Unit)
	for _, v := range m.Samples {
		h.Add(v)
	}
	m.Samples, m.Histogram = nil, h
	return true
}

// validName says what is wrong with a name of a metric, a label or a stage.
func validName(what, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%s is empty", what)
	case len(name) > MaxName:
		return fmt.Errorf("%s has %d bytes: at most %d", what, len(name), MaxName)
	case isPrintable(name):
		return nil
	case !utf8.ValidString(name):
		return fmt.Errorf("%s %q is not UTF-8", what, name)
	}
	for _, r := range name {
		if unicode.IsControl(r) {
			return fmt.Errorf("%s %q holds a control character", what, name)
		}
	}
	return nil
}

// isPrintable tells whether a text is all printable ASCII.
func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// validate says what is wrong with a value of the metric.
func (m *Metric) validate(v float64) error {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return fmt.Errorf("%v is not a finite number", v)
	case v < 0 && m.Unit == unit.Seconds:
		return fmt.Errorf("%v s is a negative duration", v)
	case v < 0 && (m.Name == MemoryPeak || m.Name == Speed):
		return fmt.Errorf("%v %s is negative", v, m.Unit)
	}
	return nil
}

// plain tells whether values are finite and not negative, which suits every
// metric.
func plain(values []float64) bool {
	for _, v := range values {
		if !(v >= 0 && v <= math.MaxFloat64) {
			return false
		}
	}
	return true
}

// Validate says what is wrong with the run, naming the key and its place:
// metrics[2].samples[7]. Read and Write both hold runs to it.
func (r *Run) Validate() error {
	if err := validID(r.ID); r.ID != "" && err != nil {
		return fmt.Errorf("id: %w", err)
	}
	for k := range r.Labels {
		if err := validName("label", k); err != nil {
			return fmt.Errorf("labels: %w", err)
		}
	}
	for k, n := range r.Items {
		if err := validName("kind of items", k); err != nil {
			return fmt.Errorf("items: %w", err)
		}
		if n < 0 {
			return fmt.Errorf("items.%s: %d is negative", k, n)
		}
	}
	seen := make(map[identity]int, len(r.Metrics))
	for i := range r.Metrics {
		m := &r.Metrics[i]
		if err := m.check(); err != nil {
			return fmt.Errorf("metrics[%d]%w", i, err)
		}
		id := m.identity()
		if first, twice := seen[id]; twice {
			return fmt.Errorf("metrics[%d]: %s is there twice, first at metrics[%d]", i, m.Key(), first)
		}
		seen[id] = i
	}
	for i, s := range r.Stages {
		if err := validName("path", s.Path); err != nil {
			return fmt.Errorf("stages[%d].path: %w", i, err)
		}
		if s.Count < 0 || s.Failures < 0 || !(s.Total >= 0) || !(s.Self >= 0) || math.IsInf(s.Total, 0) || math.IsInf(s.Self, 0) {
			return fmt.Errorf("stages[%d]: %s: count, total, self and failures must be finite and not negative", i, s.Path)
		}
	}
	return nil
}

// check says what is wrong with one metric; the text begins where "metrics[i]"
// leaves off.
func (m *Metric) check() error {
	if err := validName("name", m.Name); err != nil {
		return fmt.Errorf(".name: %w", err)
	}
	if m.Better != "" && m.Better != Lower && m.Better != Higher && m.Better != Neither {
		return fmt.Errorf(".better: %q: expected lower, higher or neither", m.Better)
	}
	if len(m.Labels) > MaxLabels {
		return fmt.Errorf(".labels: %s has %d labels: at most %d", m.Name, len(m.Labels), MaxLabels)
	}
	for k := range m.Labels {
		if err := validName("label", k); err != nil {
			return fmt.Errorf(".labels: %w", err)
		}
	}
	if !(m.Resolution >= 0) || math.IsInf(m.Resolution, 0) {
		return fmt.Errorf(".resolution: %v: expected a finite number, 0 or more", m.Resolution)
	}
	if len(m.Samples) > 0 && m.Histogram != nil {
		return fmt.Errorf(": %s has both samples and a histogram", m.Key())
	}
	if !plain(m.Samples) {
		for i, v := range m.Samples {
			if err := m.validate(v); err != nil {
				return fmt.Errorf(".samples[%d]: %w", i, err)
			}
		}
	}
	if m.Histogram != nil {
		if err := m.Histogram.validate(m); err != nil {
			return fmt.Errorf(".histogram: %w", err)
		}
	}
	if m.Summary != nil {
		for _, f := range m.Summary.fields() {
			if v := *f.value; !math.IsNaN(v) {
				if err := m.validate(v); err != nil {
					return fmt.Errorf(".%s: %w", f.name, err)
				}
			}
		}
		if err := m.Summary.validate(m); err != nil {
			return err
		}
	}
	return nil
}
