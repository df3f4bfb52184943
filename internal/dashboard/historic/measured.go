package historic

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// measured is what a run measured of one metric: its point in a series.
type measured struct {
	of    *history.Series // without points
	key   string          // names it
	point history.Point
}

// ofRuns is Series of named runs. What they measured is remembered by run: of a
// history that a run was added to, that run is read and nothing else.
func (p *past) ofRuns(ctx context.Context, store history.Reader, f history.SeriesFilter) ([]history.Series, error) {
	known := make(map[string][]measured, len(f.Runs))
	var missing []string
	for _, id := range f.Runs {
		_, own := p.index.head(id)
		if list, ok := p.measured.known(id); ok && own {
			known[id] = list
		} else {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		list, err := p.since(ctx, store, history.SeriesFilter{App: f.App, Runs: missing})
		if err != nil {
			return nil, err
		}
		runs := byRun(list)
		p.keep(missing, runs)
		if len(known) == 0 {
			return list, nil
		}
		for _, id := range missing {
			known[id] = runs[id]
		}
	}
	return assemble(f.Runs, known), nil
}

// keep remembers what runs measured, unless the history has changed since it
// was asked.
func (p *past) keep(ids []string, read map[string][]measured) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.catalog == nil || p.catalog.indexes[p.index.app.Name] != p.index {
		return
	}
	for _, id := range ids {
		if _, ok := p.index.head(id); ok {
			p.measured.put(id, read[id], len(read[id]))
		}
	}
}

// byRun takes series apart.
func byRun(list []history.Series) map[string][]measured {
	runs := make(map[string][]measured)
	for i := range list {
		of := list[i]
		of.Points = nil
		key := strings.Join([]string{run.Key(of.App, of.RunLabels), of.Key(), of.Unit}, "\x00")
		for _, point := range list[i].Points {
			runs[point.Run.ID] = append(runs[point.Run.ID], measured{&of, key, point})
		}
	}
	return runs
}

// assemble puts series together again, in the order of history.Reader. The ids
// are newest first, or else it takes longer.
func assemble(ids []string, runs map[string][]measured) []history.Series {
	var list []history.Series
	at := make(map[string]int)
	for i, id := range slices.Backward(ids) {
		for k := range runs[id] {
			m := &runs[id][k]
			place, ok := at[m.key]
			if !ok {
				place = len(list)
				at[m.key] = place
				list = append(list, *m.of)
				list[place].Points = make([]history.Point, 0, i+1)
			}
			list[place].Points = append(list[place].Points, m.point)
		}
		delete(runs, id) // it may be named twice
	}
	history.Sort(list)
	return list
}

// replace is called when an app has a new index. Where runs of the one before are gone
// or others by now, or nobody knows, what is remembered of them is forgotten, and the
// index is no longer known by the stamp that it would have had. The lock is held.
func (s *Source) replace(app string, old, x *index) {
	if old != nil && old.deleted != x.deleted {
		old = nil
	}
	if old == nil || old.lost(x) {
		same := func(id string) bool {
			if old == nil {
				return false
			}
			before, had := old.head(id)
			head, has := x.head(id)
			return had && has && sameHead(before, head)
		}
		s.runs.drop(func(id string, r *run.Run) bool { return r.App == app && !same(id) })
		s.measured.drop(func(id string, list []measured) bool { return (len(list) == 0 || list[0].of.App == app) && !same(id) })
		if s.losses == nil {
			s.losses = make(map[string]int)
		}
		s.losses[app]++
	}
	x.losses = s.losses[app]
	x.stamp += fmt.Sprint(" ", x.losses, " ")
}

// lost tells whether a run is gone, or another by now. Of a part of the runs, the
// oldest give way to new ones.
func (x *index) lost(now *index) bool {
	for i := range x.heads {
		h := &x.heads[i]
		if head, ok := now.head(h.ID); ok && sameHead(h, head) {
			continue
		} else if !ok && now.partial && before(h, history.PositionOf(&now.heads[len(now.heads)-1])) {
			continue
		}
		return true
	}
	return false
}

func sameHead(a, b *run.Run) bool {
	return a.Version == b.Version && a.Commit == b.Commit && a.Branch == b.Branch && a.Dirty == b.Dirty && a.Timestamp.Equal(b.Timestamp) &&
		(a.Environment == b.Environment || reflect.DeepEqual(a.Environment, b.Environment)) && maps.Equal(a.Labels, b.Labels)
}
