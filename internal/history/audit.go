package history

import (
	"context"
	"crypto/rand"
	"maps"
	"strconv"
	"time"

	"github.com/pacer-perf/pacer/run"
)

// Audit is one entry of the log of what was changed, by whom.
type Audit struct {
	ID      string            `json:"id"` // a ULID
	Time    time.Time         `json:"time"`
	Actor   string            `json:"actor"`             // the name of a token, or of who called the command
	Remote  string            `json:"remote,omitempty"`  // address that the request came from
	Action  string            `json:"action"`            // token.create, baseline.set, run.delete
	App     string            `json:"app,omitempty"`     // that it is about; empty: the whole store
	Subject string            `json:"subject,omitempty"` // what was changed: an id, a name
	Detail  map[string]string `json:"detail,omitempty"`
}

// AuditFilter selects entries. Empty fields select everything.
type AuditFilter struct {
	App, Actor, Action string
	Since              time.Time
	Before             string // only entries of smaller ids: with Limit, a page at a time
	Limit              int    // 0: no limit
}

// Completed returns the entry with an id and a time, if it has none.
func (a Audit) Completed() Audit {
	if a.Time.IsZero() {
		a.Time = time.Now().UTC()
	}
	if a.ID == "" {
		var random [10]byte
		rand.Read(random[:]) // never fails
		a.ID = run.NewID(a.Time, random)
	}
	return a
}

type auditKey struct{}

// WithAudit returns a context in which a store enters into the audit log what
// it changes, in the same transaction: there is no change without its entry.
// AppendBatch makes the entry only where a run is new, and adds how many are.
func WithAudit(ctx context.Context, a Audit) context.Context {
	return context.WithValue(ctx, auditKey{}, a)
}

// auditFor returns a context for one change of several that a function makes.
// Who makes them, and the detail, are those of the context's entry; without one
// there is none.
func auditFor(ctx context.Context, action, app, subject string) context.Context {
	a := AuditOf(ctx)
	if a == nil {
		return ctx
	}
	a.Action, a.App, a.Subject = action, app, subject
	return WithAudit(ctx, *a)
}

// AuditOf returns the entry that a change is to have; nil: none.
func AuditOf(ctx context.Context) *Audit {
	if a, ok := ctx.Value(auditKey{}).(Audit); ok {
		return &a
	}
	return nil
}

// WithoutAudit returns a context in which the store makes no entry by itself.
func WithoutAudit(ctx context.Context) context.Context {
	return context.WithValue(ctx, auditKey{}, nil)
}

// Counted returns the entry with a number of runs.
func (a Audit) Counted(runs int) Audit {
	detail := maps.Clone(a.Detail)
	if detail == nil {
		detail = make(map[string]string)
	}
	detail["runs"] = strconv.Itoa(runs)
	a.Detail = detail
	return a
}
