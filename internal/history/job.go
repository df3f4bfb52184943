package history

import (
	"errors"
	"time"
)

// ErrLeaseLost says that a job is not the worker's any more.
var ErrLeaseLost = errors.New("the lease of the job has ended")

// MaxAttempts is how often a job is leased before it is given up: one that
// kills its workers must not kill them all for ever.
const MaxAttempts = 10

// Task is work to be done once.
type Task struct {
	Kind, Key string
	Payload   []byte
	Again     bool // also if it was done before
}

// JobState is where a job is.
type JobState string

const (
	JobWaiting JobState = "waiting" // also one whose lease ran out
	JobLeased  JobState = "leased"
	JobDone    JobState = "done"
	JobGivenUp JobState = "given up"
)

// Job is a task in the queue.
type Job struct {
	Kind, Key string
	Payload   []byte
	State     JobState
	Worker    string    // whose lease it is or was
	Lease     int64     // tells leases of one job apart
	Until     time.Time // end of the lease
	Attempts  int       // how often it was leased
	Reason    string    // why it was given back last
	Enqueued  time.Time
	Result    []byte // of a job that is done
}
