// Package retention says what may go from a history: first the raw samples of
// old runs, then their histograms, then the runs.
//
// What somebody may still ask for stays as it is, however old: baselines, the
// runs that a waiver or an alert that is not over rests on, the runs on either
// side of a change point, and the newest run of everything. Nothing here
// changes a store.
package retention

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// Limit is how much stays of an app's runs with the same labels: the newest
// ones, or those younger than an age. Zero is no limit.
type Limit struct {
	Runs int
	Age  time.Duration
}

// IsZero tells whether it is no limit.
func (l Limit) IsZero() bool { return l == Limit{} }

// Rules say which runs keep their samples, which of the others at least their
// histograms, and which of those at least their statistics; the rest is
// deleted.
type Rules struct{ Samples, Histograms, Summaries Limit }

// Plan is what is to be done about runs, oldest first.
type Plan struct {
	Runs       int      // that were looked at
	Histograms []string // ids of runs to be thinned to histograms
	Summaries  []string // to summaries
	Delete     []string
	Kept       []Kept // runs that the rules would have touched
}

// Kept is a run that stays as it is, and why.
type Kept struct{ ID, Why string }

// Waivers are those of one policy.
type Waivers struct {
	App  string // whose runs they are about; empty: any
	List []judge.Waiver
}

// record is what planning needs of a run.
type record struct {
	id     string
	at     time.Time
	detail history.Detail
	age    int // its place in its group, from the newest
}

// group is the runs of an app with one set of labels.
type group struct {
	app    string
	labels map[string]string
	runs   []record // oldest first
}

// pageRuns is how many runs' points are read at a time.
const pageRuns = 5000

// Make makes a plan. It reads all heads, and what was measured in the apps in
// which something is to be done, a page of runs at a time and as many metrics at
// once as there are processors; progress is called with the number of metrics that
// are done, and how many there are. Memory grows by some 100 bytes for each run,
// and as much for each point of the metrics that are looked at.
func Make(ctx context.Context, s history.Source, app string, rules Rules, waivers Waivers, now time.Time, progress func(done, of int)) (Plan, error) {
	plan := Plan{}
	var groups []*group
	byKey := make(map[string]*group)
	pages := make(map[string]*pagesOf)
	err := s.Walk(ctx, history.Filter{App: app}, history.Parts{}, func(e *history.Entry) error {
		key := e.Head.App + "\x00" + history.Labels(e.Head.Labels)
		g := byKey[key]
		if g == nil {
			g = &group{app: e.Head.App, labels: e.Head.Labels}
			byKey[key] = g
			groups = append(groups, g)
		}
		g.runs = append(g.runs, record{id: e.Head.ID, at: e.At, detail: e.Detail})
		if pages[e.Head.App] == nil {
			pages[e.Head.App] = &pagesOf{}
		}
		pages[e.Head.App].add(e.At)
		plan.Runs++
		return nil
	})
	if err != nil {
		return plan, err
	}
	protected, err := named(ctx, s, now)
	if err != nil {
		return plan, err
	}
	for _, g := range groups {
		for i := range g.runs {
			g.runs[i].age = len(g.runs) - 1 - i
		}
		g.protectNewest(protected)
		g.protectWaived(waivers, protected)
	}
	if err := protectChanges(ctx, s, touched(groups, rules, now, protected), pages, protected, progress); err != nil {
		return plan, err
	}
	for _, g := range groups {
		for _, r := range g.runs {
			to, gone := rules.of(&r, now)
			why := protected[r.id]
			switch {
			case !gone && to <= r.detail:
			case why != "":
				plan.Kept = append(plan.Kept, Kept{r.id, why})
			case gone:
				plan.Delete = append(plan.Delete, r.id)
			case to == history.Summaries:
				plan.Summaries = append(plan.Summaries, r.id)
			default:
				plan.Histograms = append(plan.Histograms, r.id)
			}
		}
	}
	return plan, nil
}

// of returns the level that a run is to have, or that it is to go.
func (r *Rules) of(rec *record, now time.Time) (to history.Detail, gone bool) {
	keeps := func(l Limit) bool {
		return l.IsZero() || l.Runs > 0 && rec.age < l.Runs || l.Age > 0 && now.Sub(rec.at) < l.Age
	}
	switch {
	case keeps(r.Samples):
		return history.Samples, false
	case keeps(r.Histograms):
		return history.Histograms, false
	case keeps(r.Summaries):
		return history.Summaries, false
	}
	return 0, true
}

// named returns the runs that somebody named: baselines, and those of alerts
// that are not over.
func named(ctx context.Context, s history.Source, now time.Time) (map[string]string, error) {
	protected := make(map[string]string)
	acts, err := s.Acts(ctx, history.ActFilter{})
	if err != nil {
		return nil, err
	}
	for _, a := range history.Alerts(acts, now) {
		if a.State == history.StateFixed || a.State == history.StateDismissed {
			continue
		}
		for _, id := range append(slices.Clone(a.Finding.Baseline), a.Finding.Run) {
			protected[id] = fmt.Sprintf("an alert that is %s", a.State)
		}
	}
	baselines, err := s.Baselines(ctx)
	if err != nil {
		return nil, err
	}
	for _, b := range baselines {
		protected[b.Run] = "the baseline of " + run.Key(b.App, b.Labels)
	}
	return protected, nil
}

func (g *group) protectNewest(protected map[string]string) {
	protect(protected, g.runs[len(g.runs)-1].id, "the newest run of "+run.Key(g.app, g.labels))
}

func protect(protected map[string]string, id, why string) {
	if protected[id] == "" {
		protected[id] = why
	}
}

// protectWaived keeps the run that a waiver accepted, the last one of the day
// on which it was written, and the one before.
func (g *group) protectWaived(waivers Waivers, protected map[string]string) {
	if waivers.App != "" && waivers.App != g.app {
		return
	}
	for _, w := range waivers.List {
		if w.Since.IsZero() {
			continue
		}
		last := -1
		for i, r := range g.runs {
			if r.at.Before(w.Since.AddDate(0, 0, 1)) {
				last = i
			}
		}
		for i := max(0, last-1); i <= last; i++ {
			protect(protected, g.runs[i].id, fmt.Sprintf("the waiver of %s rests on it", w.Metric))
		}
	}
}

// touched returns the apps in which something is to be done.
func touched(groups []*group, rules Rules, now time.Time, protected map[string]string) map[string]bool {
	apps := make(map[string]bool)
	for _, g := range groups {
		for _, r := range g.runs {
			if to, gone := rules.of(&r, now); (gone || to > r.detail) && protected[r.id] == "" {
				apps[g.app] = true
				break
			}
		}
	}
	return apps
}
