package historic

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// mostHeads is by how many of its newest runs an app is known. A history with no more
// than that is read as a whole; of a larger one, those of the apps that were asked for
// last are remembered, three times as many: some 30 MB.
const mostHeads = 20_000

// catalog is what there is: the apps, and the indexes of those that were asked for.
type catalog struct {
	revision  string
	baselines []history.Baseline
	apps      []dashboard.App // the one with the newest run first
	counted   time.Time       // when apps were
	whole     bool            // all apps have their indexes
	indexes   map[string]held // by app
	order     []string        // of their apps: the one that was asked for last at the end
}

// held is an index, and the revision of which it is known to be right.
type held struct {
	*index
	revision string
}

// countedFor is for how long apps are not counted anew, which takes as long as there
// are many runs: ten seconds for a million.
func (c *catalog) countedFor() time.Duration {
	return time.Duration(runsOf(c.apps)) * 10 * time.Microsecond
}

// look asks the store whether it changed, unless that was asked a moment ago. With
// must, it asks again. What was known is good enough where the store fails. The lock
// is held.
func (s *Source) look(ctx context.Context, must bool) error {
	now := s.Now()
	if s.catalog != nil && !must && now.Sub(s.checked) < fresh {
		return nil
	}
	err := s.refresh(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.checked, s.failed = now, err
	if err == nil {
		s.since = now
	}
	if s.catalog == nil {
		return err
	}
	return nil
}

// refresh brings the catalog up to date. The lock is held.
func (s *Source) refresh(ctx context.Context) error {
	if s.store != nil && s.Moved != nil && s.Moved() {
		s.store.Close()
		s.store = nil
	}
	if s.store == nil {
		store, err := s.Open(ctx)
		if err != nil {
			return err
		}
		if store == nil {
			s.catalog = &catalog{whole: true}
			return nil
		}
		s.store = store
		s.forget()
		s.runs.clear()
		s.measured.clear()
		s.catalog = nil
	}
	revision, err := history.Revision(ctx, s.store)
	if err != nil {
		return err
	}
	baselines, err := s.store.Baselines(ctx)
	if err != nil {
		return err
	}
	known, err := json.Marshal([]any{revision, baselines})
	if err != nil || s.catalog != nil && s.catalog.revision == string(known) {
		return err
	}
	// A run that is appended between the two questions is met at the next look.
	c := &catalog{revision: string(known), baselines: baselines}
	if err := s.read(ctx, c); err != nil {
		return err
	}
	s.catalog = c
	return nil
}

// read fills in what a new catalog says of apps. The lock is held.
func (s *Source) read(ctx context.Context, c *catalog) error {
	before := cmp.Or(s.catalog, &catalog{whole: true})
	if !before.whole {
		c.indexes, c.order = before.indexes, before.order
		if s.Now().Sub(before.counted) < before.countedFor() {
			c.apps, c.counted = before.apps, before.counted
			return nil
		}
		if err := s.count(ctx, c); err != nil || runsOf(c.apps) > s.most {
			return err
		}
	}
	heads, err := s.store.Heads(ctx, history.Filter{Limit: s.most + 1})
	if err != nil {
		return err
	}
	if len(heads) <= s.most {
		c.fill(heads)
		for app := range before.indexes {
			if c.indexes[app].index == nil { // all its runs are gone
				s.replace(app, nil, newIndex(app, nil, nil))
			}
		}
		for app, x := range c.indexes {
			s.replace(app, before.indexes[app].index, x.index)
		}
		return nil
	}
	return s.count(ctx, c)
}

// count asks the store for the apps.
func (s *Source) count(ctx context.Context, c *catalog) error {
	apps, err := s.store.Apps(ctx)
	if err != nil {
		return err
	}
	c.apps, c.counted = nil, s.Now()
	for _, a := range apps {
		c.apps = append(c.apps, dashboard.App{Name: a.Name, Runs: a.Runs, Newest: a.Newest})
	}
	slices.SortStableFunc(c.apps, func(a, b dashboard.App) int { return b.Newest.Compare(a.Newest) })
	return nil
}

func runsOf(apps []dashboard.App) (n int) {
	for i := range apps {
		n += apps[i].Runs
	}
	return n
}

// fill makes the indexes of all apps out of all heads, newest first.
func (c *catalog) fill(heads []run.Run) {
	byApp := make(map[string][]run.Run)
	c.order = nil
	for _, h := range heads {
		if byApp[h.App] == nil {
			c.order = append(c.order, h.App)
		}
		byApp[h.App] = append(byApp[h.App], h)
	}
	c.whole, c.apps, c.indexes = true, nil, make(map[string]held, len(byApp))
	for _, app := range c.order {
		x := newIndex(app, byApp[app], c.baselines)
		c.indexes[app] = held{x, c.revision}
		c.apps = append(c.apps, x.app)
	}
	slices.Reverse(c.order)
}

// keep remembers an index, and forgets those of the apps that were asked for longest
// ago: there is room for so many heads.
func (c *catalog) keep(x *index, room int) {
	app := x.app.Name
	if c.indexes == nil {
		c.indexes = make(map[string]held)
	}
	c.indexes[app] = held{x, c.revision}
	c.order = append(slices.DeleteFunc(c.order, func(name string) bool { return name == app }), app)
	heads := 0
	for _, h := range c.indexes {
		heads += len(h.heads)
	}
	for heads > room && len(c.order) > 1 {
		heads -= len(c.indexes[c.order[0]].heads)
		delete(c.indexes, c.order[0])
		c.order = c.order[1:]
	}
}

// current returns the index of an app as it is now; one without runs if there is no
// such app.
func (s *Source) current(ctx context.Context, app string) (*index, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.look(ctx, false); err != nil {
		return nil, err
	}
	c := s.catalog
	known, ok := c.indexes[app]
	listed := slices.IndexFunc(c.apps, func(a dashboard.App) bool { return a.Name == app })
	switch {
	case ok && known.revision == c.revision:
		return known.index, nil
	case c.whole, listed < 0 && !ok:
		return newIndex(app, nil, c.baselines), nil
	}
	heads, err := s.headsOf(ctx, s.store, app, time.Time{})
	if err != nil {
		if ok && ctx.Err() == nil {
			s.failed = err
			return known.index, nil
		}
		return nil, err
	}
	x := newIndex(app, heads, c.baselines)
	if x.partial = len(heads) == s.most; x.partial && listed >= 0 {
		x.app.Runs = max(x.app.Runs, c.apps[listed].Runs)
	}
	s.replace(app, known.index, x)
	c.keep(x, 3*s.most)
	return x, nil
}

// headsOf returns the newest runs of an app, up to a time if there is one.
func (s *Source) headsOf(ctx context.Context, store history.Reader, app string, until time.Time) ([]run.Run, error) {
	heads, err := store.Heads(ctx, history.Filter{App: app, Until: until, Limit: s.most})
	if app == "" { // the filter selects those of all apps
		heads = slices.DeleteFunc(heads, func(h run.Run) bool { return h.App != "" })
	}
	return heads, err
}

// holding returns the head of a run, and an index that has it with many before it:
// that of its app or, for an older run, one that ends with it.
func (s *Source) holding(ctx context.Context, id string) (*index, *run.Run, error) {
	found, err := s.find(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	x, err := s.current(ctx, found.App)
	if err != nil {
		return nil, nil, err
	}
	if i, ok := x.place[id]; x.partial && (!ok || i > len(x.heads)/2) {
		x, err = s.olden.get(ctx, x.stamp+id, func() (*index, int, error) {
			store, err := s.reader()
			if err != nil {
				return nil, 0, err
			}
			heads, err := s.headsOf(ctx, store, found.App, found.Timestamp.Add(1))
			old := newIndex(found.App, heads, x.set)
			old.partial = true
			return old, len(heads), err
		})
		if err != nil {
			return nil, nil, err
		}
	}
	head, ok := x.head(id)
	if !ok {
		return nil, nil, missing(id)
	}
	return x, head, nil
}

// find returns the head of a run: out of an index that has it, which may be out of
// date, else out of the store.
func (s *Source) find(ctx context.Context, id string) (*run.Run, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.look(ctx, false); err != nil {
		return nil, err
	}
	for _, x := range s.catalog.indexes {
		if head, ok := x.head(id); ok {
			return head, nil
		}
	}
	if s.catalog.whole {
		return nil, missing(id)
	}
	heads, err := s.store.Heads(ctx, history.Filter{IDPrefix: id, Limit: 10})
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(heads, func(h run.Run) bool { return h.ID == id })
	if i < 0 {
		return nil, missing(id)
	}
	return &heads[i], nil
}

func missing(id string) error { return fmt.Errorf("run %s: %w", id, history.ErrNotFound) }
