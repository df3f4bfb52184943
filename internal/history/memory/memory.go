// Package memory is a history that lies in memory: for what is made up, and for
// tests. Its runs can only be read; what is done about alerts is kept as long as
// it is there.
package memory

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// History is a history.Reader over runs that are given. It keeps them as they
// are, and answers as a store in a file does.
type History struct {
	runs      []*run.Run // newest first
	byID      map[string]*run.Run
	series    []history.Series // as Reader.Series returns them
	baselines []history.Baseline

	mu   sync.Mutex
	acts []history.Act
}

var _ history.Reader = (*History)(nil)

// New returns the history of some runs, each of which needs an id of its own
// and a time. It costs the statistics of all their metrics.
func New(runs ...*run.Run) (*History, error) {
	h := &History{runs: slices.Clone(runs), byID: make(map[string]*run.Run, len(runs))}
	slices.SortFunc(h.runs, func(a, b *run.Run) int {
		return cmp.Or(b.Timestamp.Compare(a.Timestamp), strings.Compare(b.ID, a.ID))
	})
	at := make(map[string]int) // index into series
	for _, r := range slices.Backward(h.runs) {
		if r.ID == "" || r.Timestamp.IsZero() || h.byID[r.ID] != nil {
			return nil, fmt.Errorf("run %q has no time, or no id of its own", r.ID)
		}
		h.byID[r.ID] = r
		head := headOf(r)
		for i := range r.Metrics {
			m := &r.Metrics[i]
			center, statistic := m.Center()
			if m.Count() == 0 || math.IsNaN(center) {
				continue
			}
			name := strings.Join([]string{r.App, run.Key("", r.Labels), m.Key(), m.Unit}, "\x00")
			k, ok := at[name]
			if !ok {
				k = len(h.series)
				at[name] = k
				h.series = append(h.series, history.Series{App: r.App, RunLabels: r.Labels, Name: m.Name, Labels: m.Labels, Unit: m.Unit})
			}
			s := m.Stats()
			h.series[k].Points = append(h.series[k].Points, history.Point{
				Run: head, Better: m.Better, Resolution: m.Resolution, Center: center, Statistic: statistic,
				Stats: history.Statistics(center, statistic, m.Count(), s.Mean, s.Min, s.Max, s.Stddev, s.P95, s.P99),
			})
		}
	}
	history.Sort(h.series)
	return h, nil
}

func headOf(r *run.Run) *run.Run {
	return &run.Run{ID: r.ID, App: r.App, Version: r.Version, Commit: r.Commit, Branch: r.Branch, Dirty: r.Dirty,
		Timestamp: r.Timestamp.UTC(), Environment: r.Environment, Labels: r.Labels}
}

// SetBaseline makes a run the baseline of its app for runs with its labels. It
// must not be called while the history is read.
func (h *History) SetBaseline(id string) error {
	r := h.byID[id]
	if r == nil {
		return fmt.Errorf("run %s: %w", id, history.ErrNotFound)
	}
	h.baselines = append(slices.DeleteFunc(h.baselines, func(b history.Baseline) bool {
		return b.App == r.App && run.Key("", b.Labels) == run.Key("", r.Labels)
	}), history.Baseline{App: r.App, Labels: r.Labels, Run: id})
	return nil
}

// Heads returns the runs that the filter selects, newest first.
func (h *History) Heads(_ context.Context, f history.Filter) ([]run.Run, error) {
	var list []run.Run
	for _, r := range h.runs {
		if f.Limit > 0 && len(list) == f.Limit {
			break
		}
		if selects(&f, r) {
			list = append(list, *headOf(r))
		}
	}
	return list, nil
}

func selects(f *history.Filter, r *run.Run) bool {
	after := func(p *history.Position) bool {
		c := r.Timestamp.Compare(p.Time)
		return c < 0 || c == 0 && r.ID < p.ID
	}
	return (f.App == "" || r.App == f.App) && (f.Branch == "" || r.Branch == f.Branch) && (f.Version == "" || r.Version == f.Version) &&
		hasPrefix(r.ID, f.IDPrefix) && hasPrefix(r.Commit, f.Commit) &&
		(f.Since.IsZero() || !r.Timestamp.Before(f.Since)) && (f.Until.IsZero() || r.Timestamp.Before(f.Until)) &&
		(f.Before == nil || after(f.Before))
}

// hasPrefix ignores the case of letters.
func hasPrefix(s, prefix string) bool {
	return strings.HasPrefix(strings.ToLower(s), strings.ToLower(prefix))
}

// Run returns a whole run.
func (h *History) Run(_ context.Context, id string) (run.Run, error) {
	if r := h.byID[id]; r != nil {
		return *r, nil
	}
	return run.Run{}, fmt.Errorf("run %s: %w", id, history.ErrNotFound)
}

// Series returns the series that the filter selects.
func (h *History) Series(_ context.Context, f history.SeriesFilter) ([]history.Series, error) {
	var runs map[string]bool
	if f.Runs != nil {
		runs = make(map[string]bool)
		for _, id := range f.Runs {
			runs[id] = true
		}
	}
	of := history.Filter{Branch: f.Branch, Since: f.Since, Until: f.Until}
	var list []history.Series
	for _, s := range h.series {
		if f.App != "" && s.App != f.App || f.Key != "" && s.Key() != f.Key || f.Unit != "" && s.Unit != f.Unit {
			continue
		}
		all := s.Points
		s.Points = nil
		for _, p := range all {
			if selects(&of, p.Run) && (runs == nil || runs[p.Run.ID]) {
				s.Points = append(s.Points, p)
			}
		}
		if f.Last > 0 && len(s.Points) > f.Last {
			s.Points = s.Points[len(s.Points)-f.Last:]
		}
		if len(s.Points) > 0 {
			list = append(list, s)
		}
	}
	return list, nil
}

// Metrics returns what was measured in the runs of an app.
func (h *History) Metrics(_ context.Context, app string) ([]history.Metric, error) {
	var list []history.Metric
	for i := range h.series {
		s := &h.series[i]
		if app != "" && s.App != app {
			continue
		}
		m := history.Metric{App: s.App, Name: s.Name, Labels: s.Labels, Unit: s.Unit}
		// Those of runs with different labels are one here.
		if !slices.ContainsFunc(list, func(o history.Metric) bool { return o.App == m.App && o.Key() == m.Key() && o.Unit == m.Unit }) {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b history.Metric) int {
		return cmp.Or(strings.Compare(a.App, b.App), strings.Compare(a.Key(), b.Key()), strings.Compare(a.Unit, b.Unit))
	})
	return list, nil
}

// Apps returns the apps that have runs, by name.
func (h *History) Apps(context.Context) ([]history.App, error) {
	var list []history.App
	for _, r := range h.runs {
		if k := slices.IndexFunc(list, func(a history.App) bool { return a.Name == r.App }); k >= 0 {
			list[k].Runs++
			continue
		}
		list = append(list, history.App{Name: r.App, Runs: 1, Newest: r.Timestamp.UTC()})
	}
	slices.SortFunc(list, func(a, b history.App) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Baseline returns the id of the baseline that was set.
func (h *History) Baseline(_ context.Context, app string, labels map[string]string) (string, error) {
	for _, b := range h.baselines {
		if b.App == app && run.Key("", b.Labels) == run.Key("", labels) {
			return b.Run, nil
		}
	}
	return "", fmt.Errorf("baseline of %s: %w", app, history.ErrNotFound)
}

// Baselines returns all that were set.
func (h *History) Baselines(context.Context) ([]history.Baseline, error) { return h.baselines, nil }

// Address says where the history lies.
func (h *History) Address() string { return "in memory" }

// Close does nothing.
func (h *History) Close() error { return nil }
