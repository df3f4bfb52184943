// Package history says what a store of runs does; its subpackages do it.
//
// A store keeps whole runs. The same run appended twice is one run; another
// run under the same id is a conflict. Nothing that was appended changes
// afterwards, but that raw samples may be thinned to histograms and those to
// summaries, which the store says of the run and which changes neither its
// identity nor its points. Runs are in the order of their times, then of their
// ids: the same whatever order they were appended in.
package history

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pacer-perf/pacer/run"
)

var (
	// ErrNotFound is returned for what the store does not have: a run, a
	// baseline, an alert, a job.
	ErrNotFound = errors.New("not found in the history")
	// ErrNone is returned where a history is opened to read and there is none.
	ErrNone = errors.New("there is no history yet")
	// ErrUnavailable is returned while a store cannot be reached or is busy: the
	// same call may succeed later. What was being written is there or is not,
	// and writing it again is safe.
	ErrUnavailable = errors.New("the history is not available now")
	// ErrFull is the ErrUnavailable of a store whose disk is full: it can be read,
	// and written to again once somebody has freed space.
	ErrFull = fmt.Errorf("%w: its disk is full: free space", ErrUnavailable)
)

// Filter selects runs. Empty fields select everything.
type Filter struct {
	App      string
	Branch   string
	Version  string
	IDPrefix string // letters in either case
	Commit   string // a prefix
	// Since and Until bound the runs' times: from Since on, before Until.
	Since, Until time.Time
	// Before selects the runs that come after this one in a list that is newest
	// first: with Limit, a page at a time.
	Before *Position
	Limit  int // 0: no limit
}

// Position is the place of a run in the order of a store.
type Position struct {
	Time time.Time
	ID   string
}

// PositionOf is the place of a run that Heads returned.
func PositionOf(head *run.Run) *Position { return &Position{Time: head.Timestamp, ID: head.ID} }

// SeriesFilter selects series and their points. Empty fields select
// everything.
type SeriesFilter struct {
	App    string
	Branch string
	Key    string   // of the metric: its name and labels, as run.Key writes them
	Unit   string   // of the metric, where Key is set
	Runs   []string // ids; nil: any run
	// Since and Until bound the runs' times: from Since on, before Until.
	Since, Until time.Time
	// Last keeps the newest points of each series alone; 0: all.
	Last int
}

// Series is the history of one metric in the runs of one app with one set of
// labels: they measured the same thing.
type Series struct {
	App       string
	RunLabels map[string]string
	Name      string
	Labels    map[string]string
	Unit      string
	Points    []Point // oldest first
}

// Key is the metric's name and labels.
func (s *Series) Key() string { return run.Key(s.Name, s.Labels) }

// Point is what one run measured of a metric.
type Point struct {
	Run        *run.Run // without metrics and stages; the same for all metrics of the run
	Better     run.Better
	Resolution float64 // tick of the clock, in the metric's unit; 0: none worth stating
	Center     float64 // the value that stands for the metric
	Statistic  string  // that Center is
	// Stats are those of all observations, also where only a summary of them
	// is left. P90 and P999 are not known here.
	Stats run.Stats
}

// Metric is a metric that some run of an app measured.
type Metric struct {
	App    string
	Name   string
	Labels map[string]string
	Unit   string
}

// Key is the metric's name and labels.
func (m *Metric) Key() string { return run.Key(m.Name, m.Labels) }

// App is an app that has runs.
type App struct {
	Name   string
	Runs   int
	Newest time.Time // time of its newest run
}

// Baseline is a run that was set for an app and the labels of its runs.
type Baseline struct {
	App    string
	Labels map[string]string
	Run    string // its id
}

// ConflictError is a run whose id the store has for another one.
type ConflictError struct{ ID string }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("run %s is in the history with other content", e.ID)
}

// BaselineError is a run that cannot be deleted, because it is a baseline.
type BaselineError struct{ ID string }

func (e *BaselineError) Error() string {
	return fmt.Sprintf("run %s is a baseline: it is deleted only once it is none", e.ID)
}

// NewerError is a store that a newer Pacer wrote.
type NewerError struct {
	Store       string
	Has, Newest int // schema versions: of the store, the newest that is known
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("%s has schema version %d, this pacer knows up to %d: it was written by a newer pacer", e.Store, e.Has, e.Newest)
}

// OlderError is a store that has to be brought up to date before it can be read:
// opening it to write does that.
type OlderError struct {
	Store      string
	Has, Needs int // schema versions: of the store, the oldest that can be read
}

func (e *OlderError) Error() string {
	return fmt.Sprintf("%s has schema version %d, this pacer reads %d and later: it was written by an older pacer", e.Store, e.Has, e.Needs)
}

// IsAnswer tells an error that answers the caller (what it asked for is not
// there, is another's, came too late, was called off) from a failure of the
// store.
func IsAnswer(err error) bool {
	var (
		newer    *NewerError
		older    *OlderError
		conflict *ConflictError
		baseline *BaselineError
		act      *ActError
		stale    *StaleError
	)
	return errors.As(err, &newer) || errors.As(err, &older) || errors.As(err, &conflict) || errors.As(err, &baseline) || errors.As(err, &act) || errors.As(err, &stale) ||
		errors.Is(err, ErrNotFound) || errors.Is(err, ErrLeaseLost) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// ReadOnlyError is a history that nobody but its own makers writes to.
type ReadOnlyError struct{ Store string }

func (e *ReadOnlyError) Error() string { return e.Store + " can only be read" }
