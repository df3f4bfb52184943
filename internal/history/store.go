package history

import (
	"context"
	"fmt"
	"time"

	"github.com/pacer-perf/pacer/run"
)

// Reader is what every history answers, also one that cannot be written to.
// Its methods may be called from any goroutine. What is not there is
// ErrNotFound; ErrUnavailable says that a later call may succeed.
type Reader interface {
	// Heads returns the runs that the filter selects, newest first, without
	// their metrics and stages; they share labels and environments. A run that
	// came without a timestamp has the time when it was appended.
	Heads(ctx context.Context, f Filter) ([]run.Run, error)
	// Run returns a whole run.
	Run(ctx context.Context, id string) (run.Run, error)
	// Series returns the series that the filter selects, by app, labels of the
	// runs, key and unit. A series of one metric costs as much as it has
	// points, however many runs and metrics the store has.
	Series(ctx context.Context, f SeriesFilter) ([]Series, error)
	// Metrics returns what was measured in the runs of an app, of any app if it
	// is empty, by app, key and unit. It costs as much as there are metrics,
	// however many runs there are.
	Metrics(ctx context.Context, app string) ([]Metric, error)
	// Apps returns the apps that have runs, by name.
	Apps(ctx context.Context) ([]App, error)
	// Baseline returns the id of the baseline that was set for an app and the
	// labels of its runs.
	Baseline(ctx context.Context, app string, labels map[string]string) (string, error)
	// Baselines returns all that were set, by app and labels.
	Baselines(ctx context.Context) ([]Baseline, error)
	// Acts returns what was done about alerts, in the order in which it was
	// done. Alerts makes states of them.
	Acts(ctx context.Context, f ActFilter) ([]Act, error)
	// Address names the store as people wrote it, without a password.
	Address() string
	Close() error
}

// Revised is a history that tells cheaply whether runs came or went.
type Revised interface {
	// Revision returns a word that is another one whenever runs were appended or
	// deleted; what follows its last dot is another one whenever some were deleted.
	// It costs the same however many runs there are.
	Revision(ctx context.Context) (string, error)
}

// Revision returns a word that is another one whenever runs of a history came or
// went, by the cheapest way that it has.
func Revision(ctx context.Context, r Reader) (string, error) {
	if known, ok := r.(Revised); ok {
		return known.Revision(ctx)
	}
	apps, err := r.Apps(ctx)
	return fmt.Sprint(apps, ".0"), err
}

// Named is a history in which metrics have other names than in runs. It is told
// the metrics that are asked for, so that it finds them and names them so.
type Named interface{ Names(metrics []run.Metric) }

// Source is a history that can be read from one end to the other.
type Source interface {
	Reader
	// Walk calls f with the runs that the filter selects, oldest first, with
	// their documents and points if those are asked for. It reads a page of
	// runs at a time and holds nothing open meanwhile: f may write to the
	// store. It stops at the first error of f and returns that.
	Walk(ctx context.Context, f Filter, parts Parts, each func(*Entry) error) error
	// AuditLog returns the entries that a filter selects, newest first.
	AuditLog(ctx context.Context, f AuditFilter) ([]Audit, error)
	// Check looks at the store's own structure and returns what is wrong.
	Check(ctx context.Context) ([]Problem, error)
	// Size is the room that the store takes on its disk, in bytes.
	Size(ctx context.Context) (int64, error)
}

// Store is a history that runs are kept in. What it writes it writes whole or
// not at all, and it is on the disk when the call returns.
type Store interface {
	Source

	// Append keeps a run, and tells whether it is new: the same run again
	// changes nothing. A *ConflictError says that the id is taken. What may not
	// be in a run at all (run.Validate), and an app, version, commit or branch of
	// more than run.MaxName bytes, is refused before the store is asked; every
	// text that passes can be kept, by all stores alike.
	Append(ctx context.Context, r *run.Run) (added bool, err error)
	// AppendBatch keeps several runs in one transaction, which is what makes it
	// fast: of some hundreds. The outcomes are those of the entries, in order;
	// a conflict of one leaves the others alone. Where Enqueue is set, each run
	// that is new is a job of that kind, with the run's id as its key, in the
	// same transaction.
	AppendBatch(ctx context.Context, b Batch) ([]Outcome, error)
	// Delete removes runs with all that is theirs, in one transaction, and
	// returns how many were there. It fails with *BaselineError, having
	// deleted nothing, if one of them is a baseline.
	Delete(ctx context.Context, ids ...string) (int, error)
	// Thin reduces what is kept of runs to a level of detail, in one
	// transaction, and returns how many it changed. What has less already stays
	// as it is. Heads, points and identity do not change.
	Thin(ctx context.Context, to Detail, ids ...string) (int, error)

	// SetBaseline makes a run the baseline of its app for runs with its labels.
	SetBaseline(ctx context.Context, id string) error
	ClearBaseline(ctx context.Context, app string, labels map[string]string) error

	// Act adds to the log of an alert and returns the act as it is kept. It
	// fails with *StaleError where something was done since the act's author
	// looked (Act.Seen), and with *ActError if the act makes no sense now. An
	// alert that is opened twice is one alert: the first act is returned.
	Act(ctx context.Context, a Act) (Act, error)
	// KeepActs adds acts of another store as they are, with their numbers, and
	// returns how many were new. An act that differs from the one of its number
	// is an error.
	KeepActs(ctx context.Context, acts []Act) (int, error)

	// Record adds entries to the audit log; those without an id get one. An
	// entry whose id is there is the same entry.
	Record(ctx context.Context, entries ...Audit) error

	Queue
	Keys

	// Vacuum gives room that is no longer used back, as far as it can be.
	Vacuum(ctx context.Context) error
}

// Queue is work that is done once, by whichever process gets to it. A job is
// leased for a time; if its worker is not heard of until then, another one gets
// it. The clock is the store's, where it has one.
type Queue interface {
	// Enqueue adds jobs and returns how many are new. One of a kind and key
	// that is there already, also one that is done, is not added again, unless
	// Again is set: then one that is done or given up is to be done anew.
	Enqueue(ctx context.Context, tasks ...Task) (int, error)
	// Lease returns up to n jobs of a kind that nobody works on, oldest first,
	// and reserves them for a worker for a time. A job that was leased
	// MaxAttempts times is given up and not returned any more.
	Lease(ctx context.Context, kind, worker string, n int, lease time.Duration) ([]Job, error)
	// Extend prolongs a lease from now on. ErrLeaseLost says that the job
	// belongs to somebody else by now, or is done.
	Extend(ctx context.Context, j Job, lease time.Duration) error
	// Complete ends a job and keeps its result, if the lease still holds, else
	// returns ErrLeaseLost: of two workers only one's result counts.
	Complete(ctx context.Context, j Job, result []byte) error
	// Release gives a job back, not to be leased for a time, with a word on why.
	Release(ctx context.Context, j Job, after time.Duration, reason string) error
	// Job returns a job with its state and result.
	Job(ctx context.Context, kind, key string) (Job, error)
	// Jobs returns those of a kind that are there, by key.
	Jobs(ctx context.Context, kind string, keys ...string) (map[string]Job, error)
	// Waiting counts the jobs of a kind that are not done nor given up.
	Waiting(ctx context.Context, kind string) (int, error)
}

// Parts says what Walk reads of each run beside its head.
type Parts struct{ Document, Points bool }

// Batch is what AppendBatch keeps at once.
type Batch struct {
	Entries []*Entry
	Enqueue string // kind of the jobs of new runs; empty: none
}

// Outcome is what became of one entry of a batch.
type Outcome struct {
	Added bool
	Err   error // *ConflictError; nil: it is kept
}

// Problem is something that is wrong with a store.
type Problem struct {
	Run  string // its id; empty: the store as a whole
	What string
}
