// Package running shows the process that it runs in: it is the dashboard's
// Source over a recorder, beside the history that the app may have.
package running

import (
	"context"
	"fmt"

	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/feed"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// Config says what is shown.
type Config struct {
	Feed    *feed.Feed
	Past    dashboard.Source // the history; nil: there is none
	Editing bool
	// Keep adds a run to the history; nil: it is only read.
	Keep func(ctx context.Context, r *run.Run) error
}

// Source is a dashboard.Source and a dashboard.Running.
type Source struct {
	dashboard.Source
	process dashboard.Process
}

// New returns a Source. It starts nothing.
func New(c Config) *Source {
	s := &Source{Source: c.Past}
	s.process = dashboard.Process{Feed: c.Feed, Past: c.Past != nil, Editing: c.Editing, Keep: c.Keep}
	if c.Past == nil {
		s.Source = alone{}
	}
	return s
}

// Process returns the process that is shown.
func (s *Source) Process() *dashboard.Process { return &s.process }

// alone is the history of an app that has none.
type alone struct{}

func (alone) Apps(context.Context) ([]dashboard.App, error) { return nil, nil }

func (alone) Runs(context.Context, dashboard.Filter) (dashboard.Runs, error) {
	return dashboard.Runs{}, nil
}

func (alone) Find(_ context.Context, _, word string) (run.Run, error) {
	return run.Run{}, fmt.Errorf("run %q: %w", word, history.ErrNotFound)
}

func (alone) Run(_ context.Context, id string) (*run.Run, error) {
	return nil, fmt.Errorf("run %q: %w", id, history.ErrNotFound)
}

func (alone) Verdict(_ context.Context, id, _ string) (*judge.Verdict, error) {
	return nil, fmt.Errorf("run %q: %w", id, history.ErrNotFound)
}

func (alone) Trends(context.Context, string, int) ([]dashboard.Trend, error) { return nil, nil }

func (alone) Series(_ context.Context, q dashboard.SeriesQuery) (*dashboard.Series, error) {
	return nil, fmt.Errorf("metric %q: %w", q.Key, history.ErrNotFound)
}

func (alone) Policy(context.Context, string) (*judge.Policy, error) { return &judge.Policy{}, nil }
