package main

import (
	"context"

	"github.com/pacer-perf/pacer/internal/history"
)

// audited returns a context in which what a command changes in the history is
// entered into its audit log, by whoever calls the command.
func audited(ctx context.Context, action, app, subject string, detail map[string]string) context.Context {
	who := operator()
	return history.WithAudit(ctx, history.Audit{Actor: who.Actor(), Action: action, App: app, Subject: subject, Detail: detail})
}

// commandLog takes acts on alerts, as an alert.Log, from whoever calls the
// command.
type commandLog struct{ history.Store }

func (l commandLog) Act(ctx context.Context, a history.Act) (history.Act, error) {
	app := ""
	if a.Finding != nil {
		app = a.Finding.App
	} else if acts, err := l.Acts(ctx, history.ActFilter{Alert: a.Alert}); err != nil {
		return a, err
	} else if len(acts) > 0 {
		app = acts[0].App
	}
	return l.Store.Act(audited(ctx, "alert."+string(a.Kind), app, a.About(), nil), a)
}
