package alert

import (
	"context"

	"github.com/pacer-perf/pacer/internal/history"
)

// Log is where acts are kept: a history.Store.
type Log interface {
	Act(ctx context.Context, a history.Act) (history.Act, error)
}

// Do adds an act about an alert to a log, having opened the alert there if
// nobody has yet. It is refused with a *history.StaleError if somebody acted
// whom the alert, as it is given, does not know of.
func Do(ctx context.Context, log Log, a *Alert, act history.Act) (history.Act, error) {
	act.Alert, act.Seen = a.ID, a.Seen()
	if act.Seen == 0 {
		open := history.Act{Alert: a.ID, N: 1, Kind: history.Opened, Author: history.Pacer, Finding: &a.Finding, Time: act.Time}
		// Nothing is opened for an act that is then refused.
		if err := history.Next([]history.Act{open}, &act); err != nil {
			return history.Act{}, err
		}
		open.Alert, open.N = "", 0
		opened, err := log.Act(ctx, open)
		if err != nil {
			return history.Act{}, err
		}
		act.Seen = opened.N
	}
	return log.Act(ctx, act)
}
