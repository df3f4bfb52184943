package dashboard

import (
	"context"
	"time"

	"github.com/pacer-perf/pacer/internal/alert"
	"github.com/pacer-perf/pacer/internal/judge"
)

// Alerting is a Source that tells what got worse for good, and where that
// stands.
type Alerting interface {
	Alerts(ctx context.Context, q AlertQuery) (*Alerts, error)
}

// AlertQuery asks for the alerts of an app.
type AlertQuery struct {
	App    string
	Branch string // whose runs are looked at; "": the one that work is merged into
	// Patience is how long to wait for what is not worked out yet; 0: until it
	// is. Below 0 it is not even begun.
	Patience time.Duration
}

// Alerts is what got worse in the runs of a branch.
type Alerts struct {
	List   []alert.Alert // the one that began last first
	Branch string        // that was looked at
	Runs   int           // that were looked at
	Newest *judge.Head   // of them; nil: there is none
	Left   []string      // what was left out, and why
	// Behind tells that List is what was known before, and that newer runs are
	// being looked at; without Newest, that nothing is known yet.
	Behind bool
}
