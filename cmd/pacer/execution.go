package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// execution is what one execution of a subject measured. Where a shell was
// used, its times hold what that took to start: see startOf.
type execution struct {
	run.Run
	failed string // why; "": it did not
}

// mergeExecutions makes one run of several executions, whose metrics may be others by
// now.
func mergeExecutions(list []execution) (run.Run, error) {
	runs := make([]run.Run, len(list))
	for i := range list {
		runs[i] = list[i].Run
	}
	r, err := run.Merge(runs...)
	if err != nil {
		return r, fmt.Errorf("%w: not kept", err)
	}
	if w := failures(list); w != "" {
		r.Warnings = append(r.Warnings, w)
	}
	return r, nil
}

// failures says how many of some executions failed, and how.
func failures(list []execution) string {
	var how []string
	n := 0
	for i := range list {
		if why := list[i].failed; why != "" {
			if n++; !slices.Contains(how, why) {
				how = append(how, why)
			}
		}
	}
	switch {
	case n == 0:
		return ""
	case len(list) == 1:
		return "the command failed: " + how[0]
	}
	return fmt.Sprintf("%d of %d executions failed (%s)", n, len(list), strings.Join(how, "; "))
}

// startOf returns what a shell's start takes of a metric, and how much that
// varies, at least a nanosecond; 0, where it has no part in it.
func (s *subject) startOf(metric string) (took, varies float64) {
	var of, by time.Duration
	switch {
	case metric == wallMetric || metric == run.Startup && s.task.Ready != nil:
		of, by = s.start.Wall, s.start.WallVaries
	case metric == cpuMetric:
		of, by = s.start.CPU, s.start.CPUVaries
	}
	return of.Seconds(), max(by, 1).Seconds()
}

// timesWithStart are the metrics that hold a shell's start.
var timesWithStart = []string{wallMetric, run.Startup, cpuMetric}

// clear tells whether what is left of a metric without the shell's start is
// more than that varies by, in every execution that measured it.
func (s *subject) clear(metric string, list ...execution) bool {
	took, varies := s.startOf(metric)
	for i := range list {
		if m := list[i].Find(metric, nil); m != nil && slices.Min(m.Samples)-took < varies {
			return false
		}
	}
	return true
}

// takeOff returns an execution with the shell's start taken off a metric.
func (s *subject) takeOff(metric string, e execution) execution {
	took, _ := s.startOf(metric)
	if took == 0 {
		return e
	}
	e.Metrics = slices.Clone(e.Metrics)
	for i := range e.Metrics {
		if m := &e.Metrics[i]; m.Key() == metric {
			m.Samples = slices.Clone(m.Samples)
			for k := range m.Samples {
				m.Samples[k] -= took
			}
		}
	}
	return e
}

// withoutStart takes the shell's start off what was measured, for all
// executions or for none: leaving out only those that are too short would leave
// the longer ones. A metric of which too little is left is not measured.
func (s *subject) withoutStart(list []execution) (without []execution, warnings []string) {
	without = slices.Clone(list)
	for _, metric := range timesWithStart {
		if took, _ := s.startOf(metric); took == 0 || !slices.ContainsFunc(list, func(e execution) bool { return e.Find(metric, nil) != nil }) {
			continue
		}
		if !s.clear(metric, list...) {
			warnings = append(warnings, metric+" is left out: "+s.tooLittle(metric)+"; without --shell it is measured")
			for i := range without {
				without[i].Metrics = slices.DeleteFunc(slices.Clone(without[i].Metrics), func(m run.Metric) bool { return m.Key() == metric })
			}
			continue
		}
		for i := range without {
			without[i] = s.takeOff(metric, without[i])
		}
	}
	return without, warnings
}

// tooLittle says why the shell's start cannot be taken off.
func (s *subject) tooLittle(metric string) string {
	took, varies := s.startOf(metric)
	return fmt.Sprintf("without the shell's start, which takes %s, less is left of it than that varies by (%s)", unit.Format(took, unit.Seconds), unit.Format(varies, unit.Seconds))
}

// lessStart returns values of a metric without the shell's start, as far as
// that can be taken off.
func (s *subject) lessStart(metric string, values []float64) []float64 {
	took, varies := s.startOf(metric)
	if took == 0 || len(values) == 0 || slices.Min(values)-took < varies {
		return values
	}
	less := make([]float64, len(values))
	for i, v := range values {
		less[i] = v - took
	}
	return less
}
