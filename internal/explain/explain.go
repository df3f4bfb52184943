// Package explain says where the time went: which stages carry the change of
// a metric.
package explain

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/run"
)

// Stage is what one stage carries of a metric's change. Times are in seconds
// of self time, each for one call of the metric's operation, so that runs of
// different length compare.
type Stage struct {
	Path     string  `json:"path"`
	Baseline float64 `json:"baseline"` // 0 if the stage is new
	Current  float64 `json:"current"`  // 0 if it is gone
	Delta    float64 `json:"delta"`
	Share    float64 `json:"share"` // of all that grew, between 0 and 1; 0 for a stage that did not grow
}

// Stages returns the stages of the operation that a metric times, those that
// grew most first: the operation itself (what its own code took) and the
// stages below it. It returns nil if a side has none of them, for then there
// is nothing to compare.
//
// The baseline is the mean over its runs. The costs are those of looking
// through the stages of every run.
func Stages(baseline []*run.Run, current *run.Run, metric string) []Stage {
	before := perCall(baseline, metric)
	after := perCall([]*run.Run{current}, metric)
	if len(before) == 0 || len(after) == 0 || len(before) == 1 && len(after) == 1 {
		return nil
	}
	var list []Stage
	for path, self := range after {
		list = append(list, Stage{Path: path, Baseline: before[path], Current: self})
	}
	for path, self := range before {
		if _, there := after[path]; !there {
			list = append(list, Stage{Path: path, Baseline: self})
		}
	}
	grown := 0.0
	slices.SortFunc(list, func(a, b Stage) int { return strings.Compare(a.Path, b.Path) })
	for i := range list {
		list[i].Delta = list[i].Current - list[i].Baseline
		grown += max(0, list[i].Delta)
	}
	for i := range list {
		if grown > 0 {
			list[i].Share = max(0, list[i].Delta) / grown
		}
	}
	slices.SortStableFunc(list, func(a, b Stage) int { return cmp.Compare(b.Delta, a.Delta) })
	return list
}

// perCall returns the self time of the operation and of each stage below it,
// for one call of the operation, as the mean over the runs that have it.
func perCall(runs []*run.Run, metric string) map[string]float64 {
	sums := make(map[string]float64)
	with := 0
	for _, r := range runs {
		root := slices.IndexFunc(r.Stages, func(s run.Stage) bool { return s.Path == metric })
		if root < 0 || r.Stages[root].Count == 0 {
			continue
		}
		with++
		calls := float64(r.Stages[root].Count)
		for _, s := range r.Stages {
			if s.Path == metric || strings.HasPrefix(s.Path, metric+"/") {
				sums[s.Path] += s.Self / calls
			}
		}
	}
	for path := range sums {
		sums[path] /= float64(with)
	}
	return sums
}
