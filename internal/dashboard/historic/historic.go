// Package historic shows a history: it is the dashboard's Source over any store
// of runs.
//
// It keeps the heads of the newest runs of apps in memory, some hundreds of bytes
// each, and looks whether the store has changed whenever a page begins. Verdicts,
// trends, runs and what they measured are remembered within bounds, for a run never
// changes; where one is gone, or another by now, that is forgotten. When the store
// cannot be read, it goes on with what it knows, and says so.
package historic

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pacer-perf/pacer/internal/baseline"
	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// Config says where runs come from and what they are held to. Every zero field
// means its default.
type Config struct {
	// Open opens the store. It returns nil without an error while there is
	// none yet, and is asked again. Required.
	Open func(ctx context.Context) (history.Reader, error)
	// Moved tells that the store which was opened is no longer the one to show:
	// its file was replaced. nil: it never is.
	Moved func() bool
	// Policy returns what an app is held to; nil: the default.
	Policy func(app string) (judge.Policy, error)
	// Lineage answers for the rule merge-base; nil: there is nobody to ask.
	Lineage baseline.Lineage
	// Location says where the data lie; nil: as the store names itself.
	Location func(ctx context.Context) (dashboard.Location, error)
	Now      func() time.Time // nil: time.Now
}

const (
	verdictRoom = 20_000    // metrics in remembered verdicts: some 30 MB
	runRoom     = 4_000_000 // samples in remembered runs: some 32 MB
	pointsRoom  = 200_000   // points of remembered runs: some 36 MB
	trendRoom   = 1_000_000 // values in remembered trends
)

// Source is a dashboard.Source. Its methods may be called from any goroutine.
type Source struct {
	Config
	most int // mostHeads

	mu      sync.Mutex // held while the store is opened or looked at
	store   history.Reader
	catalog *catalog // nil: the store was not read yet
	checked time.Time
	losses  map[string]int // by app: see replace
	failed  error          // of the last look
	since   time.Time      // the last look that was good

	verdicts *memo[*judge.Verdict]
	runs     *memo[*run.Run]
	measured *memo[[]measured] // by run
	trends   *memo[[]dashboard.Trend]
	olden    *memo[*index] // that end with a run
	desk     *desk
}

// New returns a Source. Close releases what it opened.
func New(c Config) *Source {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Source{Config: c, most: mostHeads, verdicts: newMemo[*judge.Verdict](verdictRoom), runs: newMemo[*run.Run](runRoom), measured: newMemo[[]measured](pointsRoom),
		trends: newMemo[[]dashboard.Trend](trendRoom), olden: newMemo[*index](mostHeads), desk: newDesk()}
}

// Close closes the store.
func (s *Source) Close() error {
	s.desk.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.store == nil {
		return nil
	}
	err := s.store.Close()
	s.store = nil
	return err
}

// Warm works out what the first page of the newest run needs, so that whoever
// opens it does not wait. Whatever goes wrong is said there.
func (s *Source) Warm(ctx context.Context) {
	apps, err := s.Apps(ctx)
	if err != nil || len(apps) == 0 {
		return
	}
	list, err := s.Runs(ctx, dashboard.Filter{App: apps[0].Name, Limit: 1})
	if err == nil && len(list.Heads) > 0 {
		s.Verdict(ctx, list.Heads[0].ID, "")
		s.Trends(ctx, list.Heads[0].ID, dashboard.TrendRuns)
		s.Alerts(ctx, dashboard.AlertQuery{App: apps[0].Name})
	}
}

// Lag returns since when the store cannot be read, and why; no error: it can.
func (s *Source) Lag() (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.since, s.failed
}

// fresh is for how long a look at the store is good within a page.
const fresh = time.Second

// forget drops what depends on more than a run.
func (s *Source) forget() {
	s.verdicts.clear()
	s.trends.clear()
	s.olden.clear()
}

// reader returns the store, for what is not remembered.
func (s *Source) reader() (history.Reader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened()
}

// opened is reader while the lock is held.
func (s *Source) opened() (history.Reader, error) {
	if s.store == nil {
		return nil, cmp.Or(s.failed, fmt.Errorf("there is no history: %w", history.ErrNotFound))
	}
	return s.store, nil
}

// Apps returns the apps that were measured, the one with the newest run first. In a
// history of many runs, how many an app has may be some seconds old.
func (s *Source) Apps(ctx context.Context) ([]dashboard.App, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.look(ctx, true); err != nil {
		return nil, err
	}
	return s.catalog.apps, nil
}

// App returns an app: see dashboard.Detailed.
func (s *Source) App(ctx context.Context, name string) (dashboard.App, error) {
	x, err := s.current(ctx, name)
	if err != nil {
		return dashboard.App{}, err
	}
	return x.app, nil
}

// Runs returns the runs of an app that a filter selects, newest first.
func (s *Source) Runs(ctx context.Context, f dashboard.Filter) (dashboard.Runs, error) {
	x, err := s.current(ctx, f.App)
	if err != nil {
		return dashboard.Runs{}, err
	}
	return x.runs(f), nil
}

// Find returns the run of an app that a word names, without its metrics.
func (s *Source) Find(ctx context.Context, app, word string) (run.Run, error) {
	x, err := s.current(ctx, app)
	if err != nil {
		return run.Run{}, err
	}
	r, err := baseline.Find(ctx, &past{Source: s, index: x}, app, word)
	if x.partial && errors.Is(err, history.ErrNotFound) {
		if store, e := s.reader(); e == nil { // an older one
			r, err = baseline.Find(ctx, store, app, word)
		}
	}
	r.Metrics, r.Stages = nil, nil
	return r, err
}

// Run returns a whole run.
func (s *Source) Run(ctx context.Context, id string) (*run.Run, error) {
	return s.runs.get(ctx, id, func() (*run.Run, int, error) {
		store, err := s.reader()
		if err != nil {
			return nil, 0, err
		}
		r, err := store.Run(ctx, id)
		if err != nil {
			return nil, 0, err
		}
		samples := len(r.Stages)
		for i := range r.Metrics {
			m := &r.Metrics[i]
			samples += 20 + len(m.Samples)
			if m.Histogram != nil {
				samples += 2 * len(m.Histogram.Buckets)
			}
		}
		return &r, samples, nil
	})
}

// Policy returns what an app is held to.
func (s *Source) Policy(_ context.Context, app string) (*judge.Policy, error) {
	p, err := s.policy(app)
	return &p, err
}

func (s *Source) policy(app string) (judge.Policy, error) {
	if s.Config.Policy == nil {
		return judge.Policy{}, nil
	}
	p, err := s.Config.Policy(app)
	return p.For(app), err
}

// Location says where the data lie.
func (s *Source) Location(ctx context.Context) (dashboard.Location, error) {
	if s.Config.Location != nil {
		return s.Config.Location(ctx)
	}
	store, err := s.reader()
	if err != nil {
		return dashboard.Location{}, err
	}
	l := dashboard.Location{Place: store.Address()}
	if whole, ok := store.(interface {
		Size(context.Context) (int64, error)
	}); ok {
		l.Bytes, err = whole.Size(ctx)
	}
	return l, err
}

// Verdict judges a run against a baseline, as pacer check does.
func (s *Source) Verdict(ctx context.Context, id, word string) (*judge.Verdict, error) {
	x, head, err := s.holding(ctx, id)
	if err != nil {
		return nil, err
	}
	p, err := s.policy(head.App)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	key, err := verdictKey(x, head, word, &p, now)
	if err != nil {
		return nil, err
	}
	v, err := s.verdicts.get(ctx, key, func() (*judge.Verdict, int, error) {
		c, err := s.caseOf(ctx, x, id, word, &p, now)
		if err != nil {
			return nil, 0, err
		}
		v, err := judge.Judge(c)
		return &v, 1 + len(v.Metrics), err
	})
	if err != nil {
		return nil, err
	}
	return s.flagged(ctx, x, v, head, &p, now)
}

// Case returns what Verdict judges: for reports that show more than it.
func (s *Source) Case(ctx context.Context, id, word string) (judge.Case, error) {
	x, head, err := s.holding(ctx, id)
	if err != nil {
		return judge.Case{}, err
	}
	p, err := s.policy(head.App)
	if err != nil {
		return judge.Case{}, err
	}
	return s.caseOf(ctx, x, id, word, &p, s.Now())
}

// verdictKey names everything that a verdict depends on: among it which waivers have
// ended.
func verdictKey(x *index, head *run.Run, word string, p *judge.Policy, now time.Time) (string, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	parts := []string{x.stamp, head.ID, word, string(text)}
	for i := range p.Waivers {
		parts = append(parts, p.Waivers[i].Expired(head.Version, now))
	}
	return strings.Join(parts, "\x00"), nil
}

func (s *Source) caseOf(ctx context.Context, x *index, id, word string, p *judge.Policy, now time.Time) (judge.Case, error) {
	none := judge.Case{}
	current, err := s.Run(ctx, id)
	if err != nil {
		return none, err
	}
	if store, err := s.reader(); err == nil {
		if named, ok := store.(history.Named); ok {
			named.Names(current.Metrics)
		}
	}
	src := &past{Source: s, index: x}
	q := baseline.Question{Current: current, App: current.App, AnyEnvironment: p.AnyEnvironment, Lineage: s.Lineage, Find: s.search}
	b, rule, err := choose(ctx, src, q, word, p.Baseline)
	if err != nil {
		return none, err
	}
	before, err := baseline.History(ctx, src, q, rule)
	if err != nil {
		return none, err
	}
	return judge.Case{Current: current, Baseline: b, History: before, Policy: *p, Now: now, Find: q.Find}, nil
}

// choose returns the baseline that a word names, else that of the policy's
// rule: what a rule does not find is a baseline without runs, which says why.
func choose(ctx context.Context, src *past, q baseline.Question, word, rule string) (judge.Baseline, string, error) {
	if word == "" {
		b, err := baseline.Choose(ctx, src, q, rule)
		if !errors.Is(err, history.ErrNotFound) {
			return b, rule, err
		}
		if first, e := baseline.Choose(ctx, src, q, baseline.Previous); e == nil && first.First {
			return first, rule, nil
		}
		return judge.Baseline{Chosen: err.Error()}, rule, nil
	}
	b, err := baseline.Choose(ctx, src, q, word)
	if errors.Is(err, history.ErrNotFound) && !baseline.IsRule(word) {
		// A version or a commit names earlier runs; on a page one may look
		// forward as well, and at one run twice.
		r, e := baseline.Find(ctx, src, q.App, word)
		switch {
		case e == nil && r.ID == q.Current.ID:
			b, err = judge.Baseline{Runs: []*run.Run{q.Current}, Set: true, Chosen: "the run itself"}, nil
		case e == nil:
			b, err = baseline.Choose(ctx, src, q, r.ID)
		}
	}
	return b, word, err
}
