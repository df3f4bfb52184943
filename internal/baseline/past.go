package baseline

import (
	"context"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// History returns the series of the current run's metrics, by key and unit:
// what comparable runs before it measured, oldest first. At most the last 200
// runs count: those of the branch that the rule names, else of the current
// run's branch if there are at least 10, else of all. A metric that none of
// them has is left out. It asks the source for all metrics at once.
func History(ctx context.Context, src Source, q Question, rule string) ([]judge.Series, error) {
	heads, err := src.Heads(ctx, history.Filter{App: q.Current.App})
	if err != nil {
		return nil, err
	}
	fit := q.sift(before(heads, q.Current)).fit
	if branch, is := strings.CutPrefix(rule, "branch:"); is {
		fit = of(fit, branch)
	} else if own := of(fit, q.Current.Branch); q.Current.Branch != "" && len(own) >= windowRuns {
		fit = own
	}
	fit = fit[:min(len(fit), seriesRuns)]
	if len(fit) == 0 {
		return nil, nil
	}
	ids := make([]string, len(fit))
	for i, h := range fit {
		ids[i] = h.ID
	}
	list, err := src.Series(ctx, history.SeriesFilter{App: q.Current.App, Runs: ids})
	if err != nil {
		return nil, err
	}
	var series []judge.Series
	current := metrics(q.Current)
	var measured []history.Point // by the runs whose heads these are
	var runs []judge.Head
	for i := range list {
		s := &list[i]
		m := current[judge.Identity(s.Key(), s.Unit)]
		if m == nil {
			continue
		}
		_, statistic := m.Center()
		points := sameStatistic(s.Points, statistic)
		if len(points) == 0 {
			continue
		}
		out := judge.Series{Name: s.Name, Unit: s.Unit, Labels: s.Labels, Better: m.Direction()}
		out.Values, out.Tick = valuesOf(points, statistic)
		if !sameRuns(points, measured) {
			measured, runs = points, headsOf(points)
		}
		out.Runs = runs
		series = append(series, out)
	}
	return series, nil
}

// sameRuns tells whether points are of the same runs, one after the other: most
// metrics are in every run, and then they share the heads of the runs.
func sameRuns(a, b []history.Point) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Run != b[i].Run {
			return false
		}
	}
	return true
}

func headsOf(points []history.Point) []judge.Head {
	heads := make([]judge.Head, len(points))
	for i := range points {
		heads[i] = judge.HeadOf(points[i].Run)
	}
	return heads
}

// of returns the runs of a branch.
func of(heads []run.Run, branch string) []run.Run {
	return slices.DeleteFunc(slices.Clone(heads), func(h run.Run) bool { return h.Branch != branch })
}

// metrics returns the metrics of a run by key and unit, as series are found.
func metrics(r *run.Run) map[string]*run.Metric {
	byID := make(map[string]*run.Metric, len(r.Metrics))
	for i := range r.Metrics {
		m := &r.Metrics[i]
		byID[judge.Identity(m.Key(), m.Unit)] = m
	}
	return byID
}
