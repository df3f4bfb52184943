package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
)

// noRuns says that the history has no run of an app, and of which it has some.
// It is history.ErrNotFound.
type noRuns struct {
	app   string // "": any
	known []string
}

func (e *noRuns) Error() string {
	return fmt.Sprintf("no run of %s in the history", first(e.app, "any app"))
}
func (e *noRuns) Is(target error) bool { return target == history.ErrNotFound }

// hinted is the error with what to do about it.
func (e *noRuns) hinted() error {
	if len(e.known) == 0 {
		return hint(e, "make a run: pacer run -- COMMAND; see what there is: pacer log")
	}
	return hint(e, "there are runs of %s; name the app by --app, PACER_APP or app: in pacer.yaml", few(e.known))
}

// few names a few, and how many there are beside them.
func few(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d others", strings.Join(names[:most], ", "), len(names)-most)
}

// absent is a *noRuns if the history, which may be any source of runs, is known
// to have no run of an app; else nil.
func absent(ctx context.Context, source any, app string) *noRuns {
	listing, ok := source.(interface {
		Apps(context.Context) ([]history.App, error)
	})
	if !ok || app == "" {
		return nil
	}
	apps, err := listing.Apps(ctx)
	if err != nil {
		return nil
	}
	missing := &noRuns{app: app}
	for _, a := range apps {
		if a.Name == app {
			return nil
		}
		if a.Name != "" {
			missing.known = append(missing.known, a.Name)
		}
	}
	slices.Sort(missing.known)
	return missing
}

// mistaken is what is wrong with the app that a policy names, "" for nothing:
// that there are runs, and none of it. Then nothing is held to the policy.
func mistaken(ctx context.Context, store history.Reader, p judge.Policy) string {
	if store == nil {
		return ""
	}
	missing := absent(ctx, store, p.App)
	if missing == nil || len(missing.known) == 0 {
		return ""
	}
	return fmt.Sprintf("%s is for %s, and there are only runs of %s: nothing is held to it", shown(p.File), p.App, few(missing.known))
}

// noRunsOf turns what was not found into a *noRuns, if that is why.
func noRunsOf(ctx context.Context, source any, app string, err error) error {
	if errors.Is(err, history.ErrNotFound) {
		if missing := absent(ctx, source, app); missing != nil {
			return missing
		}
	}
	return err
}
