package running

import (
	"context"

	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/dashboard/historic"
	"github.com/pacer-perf/pacer/internal/feed"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/memory"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// Past is past runs, as an app hands them over.
type Past interface {
	// Runs returns the runs, in any order. They are not changed.
	Runs(ctx context.Context) ([]*run.Run, error)
	// Version returns a word that changes when Runs would return others.
	Version(ctx context.Context) (string, error)
}

// Historic returns a Source over past runs, which are held to the budgets of
// the process.
func Historic(p Past, f *feed.Feed) dashboard.Source {
	shown := ""
	return historic.New(historic.Config{
		Open: func(ctx context.Context) (history.Reader, error) {
			version, err := p.Version(ctx)
			if err != nil {
				return nil, err
			}
			runs, err := p.Runs(ctx)
			if err != nil || len(runs) == 0 {
				return nil, err
			}
			h, err := memory.New(runs...)
			if err != nil {
				return nil, err
			}
			shown = version // Open and Moved are called in turn
			return h, nil
		},
		Moved: func() bool {
			version, err := p.Version(context.Background())
			return err != nil || version != shown
		},
		Policy: func(string) (judge.Policy, error) { return dashboard.PolicyFor(f.Instruments()), nil },
	})
}

// Alerts returns what got worse in the past runs: see dashboard.Alerting.
func (s *Source) Alerts(ctx context.Context, q dashboard.AlertQuery) (*dashboard.Alerts, error) {
	if past, ok := s.Source.(dashboard.Alerting); ok {
		return past.Alerts(ctx, q)
	}
	return &dashboard.Alerts{}, nil
}

// Versions returns what the last versions measured: see dashboard.Recalling.
func (s *Source) Versions(ctx context.Context, id string, n int) ([]dashboard.Recalled, error) {
	if past, ok := s.Source.(dashboard.Recalling); ok {
		return past.Versions(ctx, id, n)
	}
	return nil, nil
}

// Comparable returns the last runs: see dashboard.Recalling.
func (s *Source) Comparable(ctx context.Context, id string, n int) ([]*run.Run, error) {
	if past, ok := s.Source.(dashboard.Recalling); ok {
		return past.Comparable(ctx, id, n)
	}
	return nil, nil
}
