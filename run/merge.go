package run

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Merge makes one run of several repetitions: the samples of a metric follow
// one another, its histograms are added up, and so are items and stages. What
// is said of the whole (id, timestamp, commit, environment) is the first run's.
//
// Repetitions of different apps, versions or labels are errors. Warnings are
// collected.
func Merge(runs ...Run) (Run, error) {
	if len(runs) == 0 {
		return Run{}, errors.New("merging no runs")
	}
	all := runs[0]
	all.Metrics, all.Stages, all.Items = nil, nil, nil
	all.Warnings, all.Failures, all.Doubts = nil, nil, nil
	metrics := make(map[identity]int)
	stages := make(map[string]int)
	for i := range runs {
		r := &runs[i]
		for _, same := range []struct{ what, first, here string }{
			{"app", all.App, r.App}, {"version", all.Version, r.Version}, {"main operation", all.Main, r.Main},
			{"labels", Key("", all.Labels), Key("", r.Labels)},
		} {
			if same.first != same.here {
				return Run{}, fmt.Errorf("repetitions of one run differ in %s: %q and %q", same.what, same.first, same.here)
			}
		}
		for kind, n := range r.Items {
			if all.Items == nil {
				all.Items = make(map[string]int64)
			}
			all.Items[kind] += n
		}
		for _, s := range r.Stages {
			j, there := stages[s.Path]
			if !there {
				j = len(all.Stages)
				stages[s.Path] = j
				all.Stages = append(all.Stages, Stage{Path: s.Path})
			}
			into := &all.Stages[j]
			into.Count, into.Failures = into.Count+s.Count, into.Failures+s.Failures
			into.Total, into.Self = into.Total+s.Total, into.Self+s.Self
		}
		for k := range r.Metrics {
			m := &r.Metrics[k]
			j, there := metrics[m.identity()]
			if !there {
				metrics[m.identity()] = len(all.Metrics)
				all.Metrics = append(all.Metrics, m.clone())
				continue
			}
			if m.Summary != nil || all.Metrics[j].Summary != nil {
				all.Warnings = addNew(all.Warnings, []string{m.Key() + ": only summaries were measured: their percentiles cannot be merged, their count, mean and extremes are"})
			}
			if err := all.Metrics[j].add(m); err != nil {
				return Run{}, err
			}
		}
		all.Warnings = addNew(all.Warnings, r.Warnings)
		all.Failures = addNew(all.Failures, r.Failures)
		all.Doubts = addNew(all.Doubts, r.Doubts)
	}
	for i := range all.Metrics {
		all.Metrics[i].Fold()
	}
	return all, nil
}

// Pool returns one metric with the observations of several, which are of one
// name and unit: their samples one after the other, or their histograms added
// up. It returns an error if histograms do not go together.
func Pool(metrics ...*Metric) (Metric, error) {
	if len(metrics) == 0 {
		return Metric{}, errors.New("pooling no metrics")
	}
	all := metrics[0].clone()
	for _, m := range metrics[1:] {
		if err := all.add(m); err != nil {
			return Metric{}, err
		}
	}
	all.Fold()
	return all, nil
}

// clone returns a copy that shares nothing with the metric.
func (m *Metric) clone() Metric {
	c := *m
	c.Samples = slices.Clone(m.Samples)
	if m.Histogram != nil {
		h := *m.Histogram
		h.Buckets = slices.Clone(h.Buckets)
		c.Histogram = &h
	}
	c.Labels = maps.Clone(m.Labels)
	return c
}

// addNew appends the words that the list does not have yet.
func addNew(list, words []string) []string {
	for _, w := range words {
		if !slices.Contains(list, w) {
			list = append(list, w)
		}
	}
	return list
}

// mergeStats returns what is known of two summaries together.
func mergeStats(a, b Stats) Stats {
	all := unknown()
	n, m := max(1, a.Count), max(1, b.Count)
	all.Count = n + m
	all.Mean = (a.Mean*float64(n) + b.Mean*float64(m)) / float64(n+m)
	all.Min, all.Max = math.Min(a.Min, b.Min), math.Max(a.Max, b.Max)
	return all
}

// add takes the observations of another repetition.
func (m *Metric) add(other *Metric) error {
	if m.Summary != nil || other.Summary != nil {
		merged := mergeStats(m.Stats(), other.Stats())
		m.Samples, m.Histogram, m.Summary = nil, nil, &merged
		return nil
	}
	m.Resolution = max(m.Resolution, other.Resolution)
	if m.Histogram == nil && other.Histogram == nil {
		m.Samples = append(m.Samples, other.Samples...)
		return nil
	}
	if m.Histogram == nil {
		m.Histogram = NewHistogram(m.Unit)
	}
	for _, samples := range [][]float64{m.Samples, other.Samples} {
		for _, v := range samples {
			m.Histogram.Add(v)
		}
	}
	m.Samples = nil
	if other.Histogram != nil {
		return m.Histogram.Merge(other.Histogram)
	}
	return nil
}
