// Package history says what a store of runs does; its subpackages do it.
//
// A store keeps whole runs. The same run appended twice is one run; another
// run under the same id is a conflict. Nothing that was appended changes
// afterwards. Runs are in the order of their times, then of their ids: the
// same whatever order they were appended in.
package history

import (
	"errors"
	"fmt"

	"github.com/pacer-perf/pacer/run"
)

// ErrNotFound is returned for a run or a baseline that the store does not
// have.
var ErrNotFound = errors.New("not found in the history")

// Filter selects runs. Empty fields select everything.
type Filter struct {
	App      string
	Branch   string
	Version  string
	IDPrefix string // letters in either case
	Commit   string // a prefix
	Limit    int    // 0: no limit
}

// SeriesFilter selects series and their points. Empty fields select
// everything.
type SeriesFilter struct {
	App    string
	Branch string
	Key    string   // of the metric: its name and labels, as run.Key writes them
	Unit   string   // of the metric, where Key is set
	Runs   []string // ids; nil: any run
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
	Stats      run.Stats
}

// Metric is a metric that some run of an app measured.
type Metric struct {
	App    string
	Name   string
	Labels map[string]string
	Unit   string
	Runs   int // that measured it
}

// Key is the metric's name and labels.
func (m *Metric) Key() string { return run.Key(m.Name, m.Labels) }

// ConflictError is a run whose id the store has for another one.
type ConflictError struct{ ID string }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("run %s is in the history with other content", e.ID)
}

// NewerError is a store that a newer Pacer wrote.
type NewerError struct {
	Store       string
	Has, Newest int // schema versions: of the store, the newest that is known
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("%s has schema version %d, this pacer knows up to %d: it was written by a newer pacer", e.Store, e.Has, e.Newest)
}
