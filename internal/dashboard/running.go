package dashboard

import (
	"context"
	"sync"

	"github.com/pacer-perf/pacer/internal/feed"
	"github.com/pacer-perf/pacer/run"
)

// Running is a Source of the process that it is served from, beside the history
// that it may have: the first page shows what was measured so far, and Live
// what is measured now.
type Running interface {
	Process() *Process
}

// Process is the process that the pages are served from.
type Process struct {
	Feed    *feed.Feed
	Past    bool // the Source has a history
	Editing bool // a reader may turn recording off, and keep runs
	// Keep adds a run to the history; nil: it is only read.
	Keep func(ctx context.Context, r *run.Run) error

	servers sync.Map // *http.Server that end the streams when they end
}

// processOf returns the process that a source is of, nil if it is of none.
func processOf(s Source) *Process {
	if r, ok := s.(Running); ok {
		return r.Process()
	}
	return nil
}

// inProcess tells whether a source can show a running process.
func inProcess(s Source) bool { return processOf(s) != nil }

// hasPast tells whether a source has a history.
func hasPast(s Source) bool {
	p := processOf(s)
	return p == nil || p.Past
}

// pastBeside tells whether a source has a history beside its process.
func pastBeside(s Source) bool { return inProcess(s) && hasPast(s) }
