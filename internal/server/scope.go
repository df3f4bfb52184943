package server

import (
	"context"
	"fmt"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// scope is what somebody sees of a history: all of it, or one app. Everything
// else is not there.
func scope(r history.Reader, app string) history.Reader {
	if app == "" {
		return r
	}
	return &scoped{Reader: r, app: app}
}

type scoped struct {
	history.Reader
	app string
}

// hides tells whether a filter asks for another app.
func (s *scoped) hides(app string) bool { return app != "" && app != s.app }

func (s *scoped) Heads(ctx context.Context, f history.Filter) ([]run.Run, error) {
	if s.hides(f.App) {
		return nil, nil
	}
	f.App = s.app
	return s.Reader.Heads(ctx, f)
}

func (s *scoped) Run(ctx context.Context, id string) (run.Run, error) {
	r, err := s.Reader.Run(ctx, id)
	if err == nil && r.App != s.app {
		return run.Run{}, fmt.Errorf("run %s: %w", id, history.ErrNotFound)
	}
	return r, err
}

func (s *scoped) Series(ctx context.Context, f history.SeriesFilter) ([]history.Series, error) {
	if s.hides(f.App) {
		return nil, nil
	}
	f.App = s.app
	return s.Reader.Series(ctx, f)
}

func (s *scoped) Metrics(ctx context.Context, app string) ([]history.Metric, error) {
	if s.hides(app) {
		return nil, nil
	}
	return s.Reader.Metrics(ctx, s.app)
}

func (s *scoped) Revision(ctx context.Context) (string, error) {
	return history.Revision(ctx, s.Reader)
}

func (s *scoped) Apps(ctx context.Context) ([]history.App, error) {
	all, err := s.Reader.Apps(ctx)
	for _, a := range all {
		if a.Name == s.app {
			return []history.App{a}, err
		}
	}
	return nil, err
}

func (s *scoped) Baseline(ctx context.Context, app string, labels map[string]string) (string, error) {
	if app != s.app {
		return "", fmt.Errorf("baseline: %w", history.ErrNotFound)
	}
	return s.Reader.Baseline(ctx, app, labels)
}

func (s *scoped) Baselines(ctx context.Context) ([]history.Baseline, error) {
	all, err := s.Reader.Baselines(ctx)
	var list []history.Baseline
	for _, b := range all {
		if b.App == s.app {
			list = append(list, b)
		}
	}
	return list, err
}

func (s *scoped) Acts(ctx context.Context, f history.ActFilter) ([]history.Act, error) {
	if s.hides(f.App) {
		return nil, nil
	}
	f.App = s.app
	return s.Reader.Acts(ctx, f)
}

// lent is a history that somebody else closes.
type lent struct{ history.Reader }

func (l *lent) Close() error { return nil }

func (l *lent) Revision(ctx context.Context) (string, error) { return history.Revision(ctx, l.Reader) }

// none is a history in which nothing is yet.
type none struct{ address string }

func (none) Heads(context.Context, history.Filter) ([]run.Run, error) { return nil, nil }
func (none) Run(_ context.Context, id string) (run.Run, error) {
	return run.Run{}, fmt.Errorf("run %s: %w", id, history.ErrNotFound)
}
func (none) Series(context.Context, history.SeriesFilter) ([]history.Series, error) { return nil, nil }
func (none) Metrics(context.Context, string) ([]history.Metric, error)              { return nil, nil }
func (none) Apps(context.Context) ([]history.App, error)                            { return nil, nil }
func (none) Baseline(context.Context, string, map[string]string) (string, error) {
	return "", fmt.Errorf("baseline: %w", history.ErrNotFound)
}
func (none) Baselines(context.Context) ([]history.Baseline, error)          { return nil, nil }
func (none) Acts(context.Context, history.ActFilter) ([]history.Act, error) { return nil, nil }
func (n none) Address() string                                              { return n.address }
func (none) Close() error                                                   { return nil }
