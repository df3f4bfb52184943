package historic

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
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
	deleted   string // the part of it that tells of deletions
	baselines []history.Baseline
	apps      []dashboard.App // the one with the newest run first
	counted   time.Time       // when apps were
	took      time.Duration   // to count them
	older     bool            // apps are those of an earlier revision
	whole     bool            // all apps have their indexes
	indexes   map[string]*index
	order     []string // of the apps of indexes, the one that was asked for last at the end; not where all have theirs
}

// countedFor is for how long apps are not counted anew, which takes the longer the more
// runs there are: ten seconds where there are a million.
func (c *catalog) countedFor() time.Duration {
	return max(time.Duration(runsOf(c.apps))*10*time.Microsecond, 20*c.took)
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
	if err != nil {
		return err
	}
	if c := s.catalog; c != nil && c.revision == string(known) && !(c.older && s.Now().Sub(c.counted) >= c.countedFor()) {
		return nil
	}
	// A run that is appended between the two questions is met at the next look.
	c := &catalog{revision: string(known), deleted: revision[strings.LastIndexByte(revision, '.')+1:], baselines: baselines}
	if err := s.read(ctx, c); err != nil {
		return err
	}
	if s.catalog != nil && s.catalog.deleted != c.deleted { // a run that is gone may be there again, and look the same
		s.runs.clear()
		s.measured.clear()
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
			c.apps, c.counted, c.took, c.older = before.apps, before.counted, before.took, true
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
			if c.indexes[app] == nil { // all its runs are gone
				s.replace(app, nil, newIndex(app, nil, nil))
			}
		}
		for app, x := range c.indexes {
			s.replace(app, before.indexes[app], x)
		}
		return nil
	}
	return s.count(ctx, c)
}

// count asks the store for the apps.
func (s *Source) count(ctx context.Context, c *catalog) error {
	began := s.Now()
	apps, err := s.store.Apps(ctx)
	if err != nil {
		return err
	}
	c.apps, c.counted = nil, s.Now()
	c.took = c.counted.Sub(began)
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
	var names []string // the app with the newest run first
	for _, h := range heads {
		if byApp[h.App] == nil {
			names = append(names, h.App)
		}
		byApp[h.App] = append(byApp[h.App], h)
	}
	c.whole, c.apps, c.order, c.indexes = true, nil, nil, make(map[string]*index, len(byApp))
	for _, app := range names {
		x := c.newIndex(app, byApp[app])
		c.indexes[app] = x
		c.apps = append(c.apps, x.app)
	}
}

// newIndex makes an index of what the catalog is about.
func (c *catalog) newIndex(app string, heads []run.Run) *index {
	x := newIndex(app, heads, c.baselines)
	x.revision, x.deleted = c.revision, c.deleted
	return x
}

// keep remembers an index, and forgets those of the apps that were asked for longest
// ago: there is room for so many heads.
func (c *catalog) keep(x *index, room int) {
	app := x.app.Name
	if c.indexes == nil {
		c.indexes = make(map[string]*index)
	}
	c.indexes[app] = x
	c.use(app)
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

// use notes that an app was asked for.
func (c *catalog) use(app string) {
	if !c.whole {
		c.order = append(slices.DeleteFunc(c.order, func(name string) bool { return name == app }), app)
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
	known := c.indexes[app]
	if known != nil && known.revision == c.revision {
		c.use(app)
		return known, nil
	}
	if c.whole {
		return c.newIndex(app, nil), nil
	}
	heads, more, err := s.headsOf(ctx, app, time.Time{})
	if err != nil {
		if known != nil && ctx.Err() == nil {
			s.failed = err
			return known, nil
		}
		return nil, err
	}
	x := c.newIndex(app, heads)
	if len(heads) == 0 && known == nil {
		return x, nil // there is no such app: to remember it would be to remember whatever is asked for
	}
	if x.partial = more; more {
		for i := range c.apps {
			if c.apps[i].Name == app {
				x.app.Runs = max(x.app.Runs, c.apps[i].Runs)
			}
		}
	}
	s.replace(app, known, x)
	c.keep(x, 3*s.most)
	return x, nil
}

// headsOf returns the newest runs of an app, up to a time if there is one, and whether
// there are more. The lock is held.
func (s *Source) headsOf(ctx context.Context, app string, until time.Time) (heads []run.Run, more bool, err error) {
	store, err := s.opened()
	if err != nil {
		return nil, false, err
	}
	heads, err = store.Heads(ctx, history.Filter{App: app, Until: until, Limit: s.most + 1})
	if more = len(heads) > s.most; more {
		heads = heads[:s.most]
	}
	if app == "" { // the filter selects those of all apps
		heads = slices.DeleteFunc(heads, func(h run.Run) bool { return h.App != "" })
	}
	return heads, more, err
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
		x, err = s.olden.get(ctx, x.revision+" "+id, func() (*index, int, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			heads, _, err := s.headsOf(ctx, found.App, found.Timestamp.Add(1))
			old := newIndex(found.App, heads, x.set)
			old.partial, old.revision, old.losses = true, x.revision, x.losses
			old.stamp += x.revision // what was remembered of the same runs may be of others by now
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
	store, err := s.opened()
	if err != nil {
		return nil, err
	}
	r, err := store.Run(ctx, id)
	if err != nil {
		return nil, err
	}
	if r.Metrics, r.Stages = nil, nil; !r.Timestamp.IsZero() {
		return &r, nil
	}
	// When it was appended only its head says, which is one of those whose ids begin so.
	f := history.Filter{App: r.App, IDPrefix: id, Limit: 1000}
	for {
		heads, err := store.Heads(ctx, f)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(heads, func(h run.Run) bool { return h.ID == id }); i >= 0 {
			return &heads[i], nil
		}
		if len(heads) < f.Limit {
			return nil, missing(id)
		}
		f.Before = history.PositionOf(&heads[len(heads)-1])
	}
}

func missing(id string) error { return fmt.Errorf("run %s: %w", id, history.ErrNotFound) }
