// Package history says what a store of runs does; its subpackages do it.
//
// A store keeps whole runs. The same run appended twice is one run; another
// run under the same id is a conflict. Nothing that was appended changes
// afterwards.
package history

import (
	"errors"
	"fmt"
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
