package retention

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pacer-perf/pacer/internal/changepoint"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/parallel"
	"github.com/pacer-perf/pacer/run"
)

// pagesOf are the times at which an app's runs are cut into pages.
type pagesOf struct {
	runs int // of the last page
	cuts []time.Time
	last time.Time
}

// add adds a run, of which none is older than the one before. Runs of one time
// are on one page.
func (p *pagesOf) add(at time.Time) {
	if p.runs >= pageRuns && at.After(p.last) {
		p.cuts = append(p.cuts, at)
		p.runs = 0
	}
	p.runs++
	p.last = at
}

// protectChanges keeps the runs on either side of each change point in some apps.
func protectChanges(ctx context.Context, s history.Source, apps map[string]bool, pages map[string]*pagesOf, protected map[string]string, progress func(done, of int)) error {
	var metrics []history.Metric
	for app := range apps {
		list, err := s.Metrics(ctx, app)
		if err != nil {
			return err
		}
		metrics = append(metrics, list...)
	}
	slices.SortFunc(metrics, func(a, b history.Metric) int {
		return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(a.Key(), b.Key()), cmp.Compare(a.Unit, b.Unit))
	})
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	found := make([][]string, len(metrics))
	var mu sync.Mutex
	done := 0
	progress(done, len(metrics))
	parallel.Each(len(metrics), func(i int) {
		if ctx.Err() != nil {
			return
		}
		m := &metrics[i]
		ids, err := changes(ctx, s, m, pages[m.App])
		if err != nil {
			cancel(fmt.Errorf("change points of %s: %w", m.Key(), err))
			return
		}
		found[i] = ids
		mu.Lock()
		defer mu.Unlock()
		done++
		progress(done, len(metrics))
	})
	if err := context.Cause(ctx); err != nil {
		return err
	}
	for i, ids := range found {
		for _, id := range ids {
			protect(protected, id, fmt.Sprintf("a change of %s", metrics[i].Key()))
		}
	}
	return nil
}

// point is what is looked at of a point.
type point struct {
	run    string // its id
	center float64
}

// kind is what points must have in common to be of one level.
type kind struct {
	labels      string // of the runs
	environment run.Environment
	statistic   string
}

// stretch is the points of a metric that can be compared, oldest first.
type stretch struct {
	points []point
	tick   float64
}

// changes returns the ids of the neighbours of a metric's change points, in each
// environment by itself.
func changes(ctx context.Context, s history.Source, m *history.Metric, pages *pagesOf) ([]string, error) {
	stretches := make(map[kind]*stretch)
	var order []*stretch
	f := history.SeriesFilter{App: m.App, Key: m.Key(), Unit: m.Unit}
	for page := range len(pages.cuts) + 1 {
		f.Since, f.Until = f.Until, time.Time{}
		if page < len(pages.cuts) {
			f.Until = pages.cuts[page]
		}
		list, err := s.Series(ctx, f)
		if err != nil {
			return nil, err
		}
		for i := range list {
			labels := history.Labels(list[i].RunLabels)
			for _, p := range list[i].Points {
				k := kind{labels: labels, statistic: p.Statistic}
				if p.Run.Environment != nil {
					k.environment = *p.Run.Environment
					k.environment.Go, k.environment.Host = "", "" // runs compare all the same
				}
				of := stretches[k]
				if of == nil {
					of = &stretch{}
					stretches[k], order = of, append(order, of)
				}
				of.points, of.tick = append(of.points, point{p.Run.ID, p.Center}), max(of.tick, p.Resolution)
			}
		}
	}
	var ids []string
	for _, of := range order {
		values := make([]float64, len(of.points))
		for i, p := range of.points {
			values[i] = p.center
		}
		found, err := changepoint.Find(values, changepoint.Options{Tick: of.tick})
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			neighbours := []int{f.Index - 1, f.Index}
			if f.Drift {
				neighbours = append(neighbours, f.End)
			}
			for _, i := range neighbours {
				if i >= 0 && i < len(of.points) {
					ids = append(ids, of.points[i].run)
				}
			}
		}
	}
	return ids, nil
}
