package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"

	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/dashboard/policyfile"
	"github.com/pacer-perf/pacer/internal/history"
)

// editable lets whoever is at this machine change what pages show: alerts in
// the history, budgets and waivers in the files of this folder.
func editable(at place) (dashboard.Editing, error) {
	file, err := policyPath()
	waivers := waiversPath()
	if err == nil {
		waivers, err = filepath.Abs(waivers)
	}
	return dashboard.Editing{
		Author:  whoami(),
		Acts:    actLog{at},
		Policy:  policyfile.Open(file, shown(file)),
		Waivers: policyfile.OpenWaivers(waivers, shown(waivers)),
	}, err
}

// policyPath is the file that loadPolicy reads, or would.
func policyPath() (string, error) {
	path := os.Getenv("PACER_POLICY")
	if path == "" {
		path, _ = upwards(policyName)
	}
	return filepath.Abs(first(path, policyName))
}

// editCommand turns editing on.
const editCommand = "pacer serve --edit"

// everybody gives all who ask the same; without editing they are told how to
// turn it on.
func everybody(e dashboard.Editing, edit bool, command string) func(*http.Request) dashboard.Editing {
	if !edit {
		e = dashboard.Editing{Hint: command}
	}
	return func(*http.Request) dashboard.Editing { return e }
}

// actLog writes to the history at a place, which is open only as long as that
// takes: it may be another file by now.
type actLog struct{ at place }

func (l actLog) Act(ctx context.Context, a history.Act) (history.Act, error) {
	store, err := changeHistory(withHistory(ctx, l.at.address))
	var readOnly *history.ReadOnlyError
	switch {
	case errors.As(err, &readOnly):
		return a, &dashboard.RefusedError{Text: "This history cannot be written to: " + readOnly.Error() + ".", Hint: "Accept the change in a file: pacer accept."}
	case err != nil:
		return a, err
	}
	done, err := commandLog{store}.Act(ctx, a)
	return done, errors.Join(err, store.Close())
}
