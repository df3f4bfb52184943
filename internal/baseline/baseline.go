// Package baseline finds the runs that are meant: the one that a word on a
// command line names, those that a run is to be compared with, and the history
// that it continues.
//
// A run that measured a work tree with changes that were not committed is no
// baseline unless a person names it by its id or set it: nobody can go back to
// what it measured. Nothing here starts a process: what version control knows
// comes in through Lineage.
package baseline

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pacer-perf/pacer/internal/changepoint"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/parallel"
	"github.com/pacer-perf/pacer/run"
)

// Source is the part of a history that runs are looked up in. Heads are newest
// first; what is not there is history.ErrNotFound. Its methods are called from
// several goroutines at once.
type Source interface {
	Heads(ctx context.Context, f history.Filter) ([]run.Run, error)
	Run(ctx context.Context, id string) (run.Run, error)
	Series(ctx context.Context, f history.SeriesFilter) ([]history.Series, error)
	Baseline(ctx context.Context, app string, labels map[string]string) (string, error)
}

// Question is the run that a baseline is looked for, and what has a say in it.
type Question struct {
	Current *run.Run
	App     string // whose runs words name; empty: any app's
	// AnyEnvironment lists the fields of the environment that may differ.
	AnyEnvironment []string
	// Lineage answers for merge-base; nil: there is nobody to ask.
	Lineage Lineage
	Find    changepoint.Finder // nil: changepoint.Find
}

// Lineage returns what version control knows of the past of a commit: where it
// forked from a branch. An empty branch is the one that work is merged into.
type Lineage func(ctx context.Context, commit, branch string) (Ancestry, error)

// Ancestry is the past of a commit.
type Ancestry struct {
	Branch  string   // that it forked from
	Commits []string // on that branch, whole, newest first, from the commit where it forked
	Shallow bool     // the repository lacks those that came earlier
}

// AmbiguousError is the beginning of several ids.
type AmbiguousError struct {
	Word string
	IDs  []string // some of them, newest first
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%q is the beginning of several runs: %s", e.Word, strings.Join(e.IDs, ", "))
}

// NoneError says that a rule found no baseline. It is history.ErrNotFound.
type NoneError struct {
	Rule  string // what was looked for: branch:main
	Found string // what there is instead
	Hint  string // what to do
}

func (e *NoneError) Error() string        { return e.Rule + ": " + e.Found }
func (e *NoneError) Is(target error) bool { return target == history.ErrNotFound }

// Find returns the run that a word names: an id or the beginning of one, else
// the newest run of a version or of a commit (from 4 characters), "latest", or
// "branch:NAME". With an app, only its runs count. It returns
// history.ErrNotFound, or an *AmbiguousError.
func Find(ctx context.Context, src Source, app, word string) (run.Run, error) {
	id, _, err := resolve(ctx, src, app, word)
	if err != nil {
		return run.Run{}, err
	}
	if id == "" {
		return run.Run{}, fmt.Errorf("run %q: %w", word, history.ErrNotFound)
	}
	return src.Run(ctx, id)
}

// resolve returns the id of the run that a word names, "" if there is none,
// and what it was found by: the zero filter says by its id.
func resolve(ctx context.Context, src Source, app, word string) (id string, by history.Filter, err error) {
	newest := func(f history.Filter) (string, history.Filter, error) {
		f.App, f.Limit = app, 1
		heads, err := src.Heads(ctx, f)
		if err != nil || len(heads) == 0 {
			return "", f, err
		}
		return heads[0].ID, f, nil
	}
	branch, isBranch := strings.CutPrefix(word, "branch:")
	switch {
	case word == "":
		return "", by, nil
	case word == "latest":
		return newest(history.Filter{})
	case isBranch && branch != "":
		return newest(history.Filter{Branch: branch})
	}
	if r, err := src.Run(ctx, word); err == nil && (app == "" || r.App == app) {
		return r.ID, by, nil
	} else if err != nil && !errors.Is(err, history.ErrNotFound) {
		return "", by, err
	}
	heads, err := src.Heads(ctx, history.Filter{App: app, IDPrefix: word, Limit: 6})
	if err != nil {
		return "", by, err
	}
	if len(heads) == 1 {
		return heads[0].ID, by, nil
	}
	if id, by, err := newest(history.Filter{Version: word}); err != nil || id != "" {
		return id, by, err
	}
	if len(heads) > 1 {
		e := &AmbiguousError{Word: word}
		for _, h := range heads {
			e.IDs = append(e.IDs, h.ID)
		}
		return "", by, e
	}
	if len(word) < shortestCommit {
		return "", by, nil
	}
	return newest(history.Filter{Commit: strings.ToLower(word)})
}

// shortestCommit is how short a commit may be written, as in git.
const shortestCommit = 4

// sameCommit tells whether two commits are one, of which either may be
// abbreviated.
func sameCommit(a, b string) bool {
	if min(len(a), len(b)) < shortestCommit {
		return a == b && a != ""
	}
	n := min(len(a), len(b))
	return strings.EqualFold(a[:n], b[:n])
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

// Differences are judge.Differences without those that do not matter.
func (q *Question) Differences(h *run.Run) []string {
	return judge.Differences(h, q.Current, q.AnyEnvironment...)
}

// crowd is what there is of runs that measured the same thing as the current
// one, and which of them may be its baseline.
type crowd struct {
	fit       []run.Run // newest first
	dirty     int       // those with changes that were not committed
	different int       // those of other environments
	why       string    // the newest of these differs
}

// sift returns the runs of the current run's app and labels among heads.
func (q *Question) sift(heads []run.Run) crowd {
	var c crowd
	for i := range heads {
		h := &heads[i]
		// A current run that does not name its app has no others' runs for a
		// measure; runs with other labels measured another thing.
		if h.ID == q.Current.ID || h.App != q.Current.App || len(judge.LabelDifferences(h, q.Current)) > 0 {
			continue
		}
		differences := q.Differences(h)
		switch {
		case len(differences) > 0:
			c.different++
			if c.why == "" {
				c.why = strings.Join(differences, "; ")
			}
		case h.Dirty:
			c.dirty++
		default:
			c.fit = append(c.fit, *h)
		}
	}
	return c
}

func (c *crowd) all() int { return len(c.fit) + c.dirty + c.different }

// excuse says why none of the runs is fit. There is at least one.
func (c *crowd) excuse(what string) string {
	n := c.all()
	switch {
	case c.dirty == 0 && n == 1:
		return "the " + what + "run is not comparable (" + c.why + ")"
	case c.dirty == 0:
		return fmt.Sprintf("none of %d %sruns is comparable (the newest: %s)", n, what, c.why)
	case c.different == 0 && n == 1:
		return "the " + what + "run measured changes that were not committed"
	case c.different == 0:
		return fmt.Sprintf("all %d %sruns measured changes that were not committed", n, what)
	}
	return fmt.Sprintf("none of %d %sruns is comparable: %d measured changes that were not committed, %d are of other environments (the newest: %s)", n, what, c.dirty, c.different, c.why)
}

// whole loads runs that are newest first, oldest first.
func whole(ctx context.Context, src Source, heads []run.Run) ([]*run.Run, error) {
	list, errs := make([]*run.Run, len(heads)), make([]error, len(heads))
	parallel.Each(len(heads), func(i int) {
		r, err := src.Run(ctx, heads[i].ID)
		list[len(heads)-1-i], errs[i] = &r, err
	})
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}
