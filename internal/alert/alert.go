// Package alert tells what got worse for good, since when, and where that
// stands.
//
// Alerts are kept nowhere. They follow from what runs measured: the change
// points of each metric's history and what the judge said of the newest runs.
// Only what people did about them is kept, in the history's log of acts; here
// the two meet. An alert is named by its metric and the first run of the new
// level, so the log finds it again whoever derives it.
//
// All of it is pure and deterministic: the same runs, verdicts and acts give the
// same alerts. Nothing here reads a clock, a file or a database; Do writes to
// the log that it is given.
package alert

import (
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// Confirm is how many runs in a row it takes to say that a value is back, or
// has got worse than it was muted for: one run is one draw.
const Confirm = 2

// Near is how many runs away from where an alert began it may be found again:
// what a change point is sure of (see package changepoint).
const Near = 5

// Alert is a metric that got worse, and where that stands.
type Alert struct {
	ID    string        `json:"id"`
	State history.State `json:"state"`
	// Note says why it is in that state without an act: fixed by itself, open
	// again because a mute has ended, accepted by a waiver.
	Note string `json:"note,omitempty"`

	Finding history.Finding `json:"finding"`
	Good    *judge.Head     `json:"good,omitempty"` // the last run before it; nil: not known
	Bad     judge.Head      `json:"bad"`            // the first run of the new level
	Now     float64         `json:"now"`            // the level today, in the metric's unit
	Runs    int             `json:"runs"`           // since it began, the first of them included; 0: not known
	Back    *judge.Head     `json:"back,omitempty"` // the first run from which on it was back; nil: it is not
	Until   *history.Until  `json:"until,omitempty"`
	Acts    []history.Act   `json:"acts"` // what was done about it, in order

	// Key of the environment, as the runs' group has it; "": not known.
	Environment string `json:"-"`
	// Trend is what runs measured, oldest first, and Mark where in it the alert
	// begins.
	Trend []float64 `json:"-"`
	Mark  int       `json:"-"`
}

// Seen is the number of the newest act that whoever sees the alert knows of.
func (a *Alert) Seen() int {
	if len(a.Acts) == 0 {
		return 0
	}
	return a.Acts[len(a.Acts)-1].N
}

// Since is the act that made the state, nil if none did.
func (a *Alert) Since() *history.Act {
	undone := make(map[int]bool)
	for _, act := range a.Acts {
		if act.Kind == history.Undone {
			undone[act.Undoes] = true
		}
	}
	for i := len(a.Acts) - 1; i >= 0; i-- {
		if k := a.Acts[i].Kind; k != history.Undone && k != history.Opened && !undone[a.Acts[i].N] {
			return &a.Acts[i]
		}
	}
	return nil
}

// Ratio is the level today over that before, above 1 where the value is
// higher; 0: there is none.
func (a *Alert) Ratio() float64 {
	if !(a.Finding.Before > 0) || !(a.Now > 0) {
		return 0
	}
	return a.Now / a.Finding.Before
}

// Limit is the least change that matters of a metric.
type Limit struct {
	Change    float64 // relative
	MinChange float64 // in the unit
}

// Worse tells whether a value is worse than another one by so much that it
// matters. A metric without a direction is never worse.
func (l Limit) Worse(before, after float64, better run.Better) bool {
	switch better {
	case run.Lower:
		return after > before*(1+l.Change)*(1+rounding) && after-before >= l.MinChange
	case run.Higher:
		return after*(1+l.Change)*(1+rounding) < before && before-after >= l.MinChange
	}
	return false
}

// rounding keeps 0.11 within 10 % of 0.1.
const rounding = 1e-9

// Group is runs that are comparable with one another: of one app with the same
// labels, measured in one environment, on one branch.
type Group struct {
	App         string
	RunLabels   map[string]string
	Environment string       // stands for it
	Words       string       // the environment, for people
	Runs        []judge.Head // oldest first

	places map[string]int // of runs, by id
}

// NewGroup returns a group of runs, of which there is at least one. They are
// oldest first.
func NewGroup(environment, words string, runs []judge.Head) *Group {
	newest := &runs[len(runs)-1]
	g := &Group{App: newest.App, RunLabels: newest.Labels, Environment: environment, Words: words, Runs: runs, places: make(map[string]int, len(runs))}
	for i := range runs {
		g.places[runs[i].ID] = i
	}
	return g
}

// version is that of the newest run that says its.
func (g *Group) version() string {
	for i := len(g.Runs) - 1; i >= 0; i-- {
		if v := g.Runs[i].Version; v != "" {
			return v
		}
	}
	return ""
}

// Track is what the runs of a group measured of one metric. Its values may
// begin later than the group does.
type Track struct {
	Group  *Group
	Name   string
	Labels map[string]string
	Unit   string
	Better run.Better
	Limit  Limit
	Tick   float64   // resolution of the values; 0: not known
	At     []int     // places in the group's runs, ascending
	Values []float64 // likewise
	// Judged are the verdicts of the newest runs in which the metric regressed,
	// by the place of the run among the group's.
	Judged map[int]*judge.Metric
}

// Key is the metric's name and labels.
func (t *Track) Key() string { return run.Key(t.Name, t.Labels) }

// identity names a metric of an app in whatever environment.
func identity(app string, runLabels map[string]string, name string, labels map[string]string, unit string) string {
	return run.Key(app, runLabels) + "\x00" + run.Key(name, labels) + "\x00" + unit
}

func (t *Track) identity() string {
	return identity(t.Group.App, t.Group.RunLabels, t.Name, t.Labels, t.Unit)
}

func identityOf(f *history.Finding) string {
	return identity(f.App, f.RunLabels, f.Name, f.Labels, f.Unit)
}
