// Package baseline finds the run that is meant: the one that a word on a
// command line names, and the one that a run is to be compared with.
package baseline

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// Source is the part of a history that runs are looked up in. Heads are newest
// first; what is not there is history.ErrNotFound.
type Source interface {
	Heads(ctx context.Context, f history.Filter) ([]run.Run, error)
	Run(ctx context.Context, id string) (run.Run, error)
	Baseline(ctx context.Context, app string, labels map[string]string) (string, error)
}

// AmbiguousError is the beginning of several ids.
type AmbiguousError struct {
	Word string
	IDs  []string // some of them, newest first
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%q is the beginning of several runs: %s", e.Word, strings.Join(e.IDs, ", "))
}

// Find returns the run that a word names: an id or the beginning of one, else
// the newest run of a version or of a commit (from 4 characters), "latest", or
// "branch:NAME". With an app, only its runs count. It returns
// history.ErrNotFound, or an *AmbiguousError.
func Find(ctx context.Context, src Source, app, word string) (run.Run, error) {
	newest := func(f history.Filter) (string, error) {
		f.App, f.Limit = app, 1
		heads, err := src.Heads(ctx, f)
		if err != nil || len(heads) == 0 {
			return "", err
		}
		return heads[0].ID, nil
	}
	id, err := "", error(nil)
	branch, isBranch := strings.CutPrefix(word, "branch:")
	switch {
	case word == "":
	case word == "latest":
		id, err = newest(history.Filter{})
	case isBranch && branch != "":
		id, err = newest(history.Filter{Branch: branch})
	default:
		id, err = find(ctx, src, app, word, newest)
	}
	if err != nil {
		return run.Run{}, err
	}
	if id == "" {
		return run.Run{}, fmt.Errorf("run %q: %w", word, history.ErrNotFound)
	}
	return src.Run(ctx, id)
}

// find returns the id of the run that word names by id, version or commit, ""
// if there is none.
func find(ctx context.Context, src Source, app, word string, newest func(history.Filter) (string, error)) (string, error) {
	if r, err := src.Run(ctx, word); err == nil && (app == "" || r.App == app) {
		return r.ID, nil
	} else if err != nil && !errors.Is(err, history.ErrNotFound) {
		return "", err
	}
	heads, err := src.Heads(ctx, history.Filter{App: app, IDPrefix: word, Limit: 6})
	if err != nil {
		return "", err
	}
	if len(heads) == 1 {
		return heads[0].ID, nil
	}
	if id, err := newest(history.Filter{Version: word}); err != nil || id != "" {
		return id, err
	}
	if len(heads) > 1 {
		e := &AmbiguousError{Word: word}
		for _, h := range heads {
			e.IDs = append(e.IDs, h.ID)
		}
		return "", e
	}
	if len(word) < 4 {
		return "", nil
	}
	return newest(history.Filter{Commit: strings.ToLower(word)})
}

// For returns what a run is compared with unless somebody says otherwise: the
// baseline that was set for its app and labels, else the newest earlier run
// that is comparable, else none.
func For(ctx context.Context, src Source, current *run.Run) (judge.Baseline, error) {
	id, err := src.Baseline(ctx, current.App, current.Labels)
	switch {
	case err == nil && id != current.ID:
		r, err := src.Run(ctx, id)
		return judge.Baseline{Run: &r, Chosen: "the baseline that was set"}, err
	case err != nil && !errors.Is(err, history.ErrNotFound):
		return judge.Baseline{}, err
	}
	heads, err := src.Heads(ctx, history.Filter{App: current.App})
	if err != nil {
		return judge.Baseline{}, err
	}
	earlier, why := 0, ""
	for _, h := range before(heads, current) {
		// A current run that does not name its app has no others' runs for a
		// measure; runs with other labels measured another thing.
		if h.App != current.App || len(judge.LabelDifferences(&h, current)) > 0 {
			continue
		}
		earlier++
		differences := judge.Differences(&h, current)
		if len(differences) == 0 {
			r, err := src.Run(ctx, h.ID)
			return judge.Baseline{Run: &r, Chosen: "the newest earlier comparable run"}, err
		}
		if why == "" {
			why = strings.Join(differences, "; ")
		}
	}
	switch earlier {
	case 0:
		return judge.Baseline{First: true, Chosen: "no earlier run of this app and these labels"}, nil
	case 1:
		return judge.Baseline{Chosen: "the earlier run is not comparable (" + why + ")"}, nil
	}
	return judge.Baseline{Chosen: fmt.Sprintf("none of %d earlier runs is comparable (the newest: %s)", earlier, why)}, nil
}

// Named returns the run that a word names as the baseline of a run: as Find
// does, but among the runs before it, so that "the newest of main" is never
// the run itself.
func Named(ctx context.Context, src Source, app, word string, current *run.Run) (run.Run, error) {
	return Find(ctx, &earlier{Source: src, than: current}, app, word)
}

// earlier is what a Source holds of before a run.
type earlier struct {
	Source
	than *run.Run
}

func (e *earlier) Heads(ctx context.Context, f history.Filter) ([]run.Run, error) {
	all, err := e.Source.Heads(ctx, history.Filter{})
	if err != nil {
		return nil, err
	}
	known := make(map[string]bool)
	for _, h := range before(all, e.than) {
		known[h.ID] = true
	}
	limit := f.Limit
	f.Limit = 0
	heads, err := e.Source.Heads(ctx, f)
	if err != nil {
		return nil, err
	}
	var list []run.Run
	for _, h := range heads {
		if known[h.ID] && (limit == 0 || len(list) < limit) {
			list = append(list, h)
		}
	}
	return list, nil
}

// Run returns a run whenever it was made, for an id is never in doubt; but not
// the run itself.
func (e *earlier) Run(ctx context.Context, id string) (run.Run, error) {
	if id == e.than.ID {
		return run.Run{}, fmt.Errorf("run %s is the run itself: %w", id, history.ErrNotFound)
	}
	return e.Source.Run(ctx, id)
}

// before returns the heads that are earlier than the current run: those that
// follow it, or, if it is not among them, those with an earlier time.
func before(heads []run.Run, current *run.Run) []run.Run {
	for i := range heads {
		if heads[i].ID == current.ID {
			return heads[i+1:]
		}
	}
	if current.Timestamp.IsZero() {
		return heads
	}
	for i := range heads {
		if heads[i].Timestamp.Before(current.Timestamp) {
			return heads[i:]
		}
	}
	return nil
}
