package historic

import (
	"context"
	"reflect"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// past is the history of an app as package baseline reads it: heads and runs out of
// memory, what remains out of the store.
type past struct {
	*Source
	index *index

	// The series that were asked for last: a baseline and a history want the
	// same ones, one after the other.
	asked  history.SeriesFilter
	series []history.Series
}

// Heads returns the runs that the filter selects, newest first.
func (p *past) Heads(_ context.Context, f history.Filter) ([]run.Run, error) {
	all := p.index.heads
	if f.App != "" && f.App != p.index.app.Name {
		return nil, nil
	}
	if f == (history.Filter{App: f.App}) {
		return all, nil
	}
	prefix, commit := strings.ToUpper(f.IDPrefix), strings.ToLower(f.Commit)
	var list []run.Run
	for i := range all {
		h := &all[i]
		if f.Branch != "" && h.Branch != f.Branch || f.Version != "" && h.Version != f.Version ||
			!strings.HasPrefix(strings.ToUpper(h.ID), prefix) || !strings.HasPrefix(strings.ToLower(h.Commit), commit) ||
			!f.Since.IsZero() && h.Timestamp.Before(f.Since) || !f.Until.IsZero() && !h.Timestamp.Before(f.Until) ||
			f.Before != nil && !before(h, f.Before) {
			continue
		}
		if list = append(list, *h); f.Limit > 0 && len(list) == f.Limit {
			break
		}
	}
	return list, nil
}

// before tells whether a run comes after a position in a list that is newest
// first.
func before(h *run.Run, p *history.Position) bool {
	if c := h.Timestamp.Compare(p.Time); c != 0 {
		return c < 0
	}
	return h.ID < p.ID
}

// Run returns a whole run.
func (p *past) Run(ctx context.Context, id string) (run.Run, error) {
	r, err := p.Source.Run(ctx, id)
	if err != nil {
		return run.Run{}, err
	}
	return *r, nil
}

// Baseline returns the id of the baseline that was set.
func (p *past) Baseline(ctx context.Context, app string, labels map[string]string) (string, error) {
	store, err := p.reader()
	if err != nil {
		return "", err
	}
	return store.Baseline(ctx, app, labels)
}

// Series returns series.
func (p *past) Series(ctx context.Context, f history.SeriesFilter) ([]history.Series, error) {
	store, err := p.reader()
	if err != nil {
		return nil, err
	}
	if f.Runs == nil || f.Key != "" || len(f.Runs) == 0 {
		return store.Series(ctx, f)
	}
	if p.series != nil && reflect.DeepEqual(f, p.asked) {
		return p.series, nil
	}
	p.asked = f
	if reflect.DeepEqual(f, history.SeriesFilter{App: p.index.app.Name, Runs: f.Runs}) {
		p.series, err = p.ofRuns(ctx, store, f)
	} else {
		p.series, err = p.since(ctx, store, f)
	}
	return p.series, err
}

// few runs are looked up metric by metric.
const few = 4

// since is Series of named runs and all their metrics. It reads everything since
// the oldest of them: a walk along an index instead of a look for each run and
// metric.
func (p *past) since(ctx context.Context, store history.Reader, f history.SeriesFilter) ([]history.Series, error) {
	wanted := make(map[string]bool, len(f.Runs))
	for _, id := range f.Runs {
		wanted[id] = true
		if h, ok := p.index.head(id); ok && (f.Since.IsZero() || h.Timestamp.Before(f.Since)) {
			f.Since = h.Timestamp
		}
	}
	// Not where runs are few, or most of what lies between is of others.
	all, _ := p.Heads(ctx, history.Filter{App: f.App})
	if between := sort.Search(len(all), func(i int) bool { return all[i].Timestamp.Before(f.Since) }); len(f.Runs) <= few || between > 4*len(f.Runs) {
		f.Since = time.Time{}
		return store.Series(ctx, f)
	}
	f.Runs = nil
	list, err := store.Series(ctx, f)
	for i := range list {
		list[i].Points = slices.DeleteFunc(list[i].Points, func(p history.Point) bool { return !wanted[p.Run.ID] })
	}
	return slices.DeleteFunc(list, func(s history.Series) bool { return len(s.Points) == 0 }), err
}
