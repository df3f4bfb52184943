package historic

import (
	"context"
	"slices"

	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/parallel"
	"github.com/pacer-perf/pacer/run"
)

// runsPerVersion is among how many times as many runs versions are looked for.
const runsPerVersion = 10

// lately returns the heads of the last runs up to a run that are comparable
// with it, the newest first, and the index.
func (s *Source) lately(ctx context.Context, id string, n int) ([]string, *index, error) {
	x, head, err := s.holding(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	p, err := s.policy(head.App)
	if err != nil {
		return nil, nil, err
	}
	return x.comparable(head, p.AnyEnvironment, n), x, nil
}

// Versions returns what the last versions measured: see dashboard.Recalling.
func (s *Source) Versions(ctx context.Context, id string, n int) ([]dashboard.Recalled, error) {
	ids, x, err := s.lately(ctx, id, n*runsPerVersion)
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool)
	var chosen []string // newest first
	for _, id := range ids {
		head, _ := x.head(id)
		if head.Version != "" && seen[head.Version] {
			continue
		}
		seen[head.Version] = true
		if chosen = append(chosen, id); len(chosen) == n {
			break
		}
	}
	list, err := (&past{Source: s, index: x}).Series(ctx, history.SeriesFilter{App: x.app.Name, Runs: chosen})
	if err != nil {
		return nil, err
	}
	var out []dashboard.Recalled
	for i := range list {
		series := &list[i]
		last := series.Points[len(series.Points)-1]
		of := run.Metric{Name: series.Name, Unit: series.Unit, Better: last.Better}
		r := dashboard.Recalled{Name: series.Name, Unit: series.Unit, Labels: series.Labels, Better: of.Direction()}
		for _, p := range series.Points {
			r.Runs, r.Stats = append(r.Runs, judge.HeadOf(p.Run)), append(r.Stats, p.Stats)
		}
		out = append(out, r)
	}
	return out, nil
}

// Comparable returns the last runs up to a run that are comparable with it: see
// dashboard.Recalling.
func (s *Source) Comparable(ctx context.Context, id string, n int) ([]*run.Run, error) {
	ids, _, err := s.lately(ctx, id, n)
	if err != nil {
		return nil, err
	}
	slices.Reverse(ids)
	runs, errs := make([]*run.Run, len(ids)), make([]error, len(ids))
	parallel.Each(len(ids), func(i int) { runs[i], errs[i] = s.Run(ctx, ids[i]) })
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return runs, nil
}
