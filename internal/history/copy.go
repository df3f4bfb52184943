package history

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pacer-perf/pacer/run"
)

// CopyBatch is how many runs Copy writes in one transaction, unless they come to
// copyBytes before.
const (
	CopyBatch = 400
	copyBytes = 16 << 20
	copyNotes = 500 // acts, or entries of the audit log, in one transaction
)

// Copied is what Copy did.
type Copied struct {
	Runs, Known int      // that were added, that were there already
	Conflicts   []string // ids that are another run's there
	Baselines   int      // that were set
	Differ      []Baseline
	Acts, Audit int
	Tokens      int // that were added
}

// Copy adds everything that one store has to another: runs as they are kept,
// with their points, their original digests and what is left of them; the
// baselines, where none was set there for the app and labels; what was done
// about alerts; the audit log; tokens. Jobs and sessions stay. What is there already stays as it is,
// so that a copy that was interrupted goes on where it stopped. progress is
// called with the number of runs that were dealt with. An entry of WithAudit says
// who copies: each transaction then has its own, with the action that it has
// wherever else that is done.
//
// Memory is bounded by bytes of documents, whatever the size of runs, but for
// what was done about alerts: all is read at once, some 1.5 kB an act, so that
// none is added if one of them contradicts what is there.
func Copy(ctx context.Context, from Source, to Store, progress func(int)) (Copied, error) {
	var c Copied
	if err := c.runs(ctx, from, to, progress); err != nil {
		return c, err
	}
	baselines, err := from.Baselines(ctx)
	if err != nil {
		return c, err
	}
	for _, b := range baselines {
		set, err := to.Baseline(ctx, b.App, b.Labels)
		switch {
		case errors.Is(err, ErrNotFound):
			if err := to.SetBaseline(auditFor(ctx, "baseline.set", b.App, b.Run), b.Run); err != nil {
				return c, fmt.Errorf("baseline of %s: %w", run.Key(b.App, b.Labels), err)
			}
			c.Baselines++
		case err != nil:
			return c, err
		case set != b.Run:
			c.Differ = append(c.Differ, b)
		}
	}
	acts, err := from.Acts(ctx, ActFilter{})
	if err != nil {
		return c, err
	}
	if c.Acts, err = keepActs(ctx, to, acts); err != nil {
		return c, err
	}
	if err := c.audit(ctx, from, to); err != nil {
		return c, err
	}
	return c, c.tokens(ctx, from, to)
}

// audit copies the audit log, a page at a time.
func (c *Copied) audit(ctx context.Context, from Source, to Store) error {
	for f := (AuditFilter{Limit: copyNotes}); ; {
		entries, err := from.AuditLog(ctx, f)
		if err != nil || len(entries) == 0 {
			return err
		}
		if err := to.Record(WithoutAudit(ctx), entries...); err != nil {
			return err
		}
		c.Audit += len(entries)
		f.Before = entries[len(entries)-1].ID
	}
}

// keepActs adds acts that a store lacks, so many in a transaction, and returns
// how many. It adds none if one of them contradicts what is there.
func keepActs(ctx context.Context, to Store, acts []Act) (added int, err error) {
	if len(acts) == 0 {
		return 0, nil
	}
	there, err := to.Acts(ctx, ActFilter{})
	if err != nil {
		return 0, err
	}
	have := make(map[string][]Act)
	for _, a := range there {
		have[a.Alert] = append(have[a.Alert], a)
	}
	var lacking []Act
	for i := range acts {
		a := &acts[i]
		add, err := Follows(have[a.Alert], a)
		if err != nil {
			return 0, err
		}
		if add {
			have[a.Alert], lacking = append(have[a.Alert], *a), append(lacking, *a)
		}
	}
	for part := range slices.Chunk(lacking, copyNotes) {
		n, err := to.KeepActs(auditOf(ctx, "alert.add", part, func(a Act) (app, subject string) { return a.App, a.Alert }), part)
		if err != nil {
			return added, err
		}
		added += n
	}
	return added, nil
}

// auditOf is auditFor a change of several of a kind, by the app that they have
// in common; it is about one alone if there is but one.
func auditOf[T any](ctx context.Context, action string, list []T, of func(T) (app, subject string)) context.Context {
	app, subject := of(list[0])
	for _, one := range list[1:] {
		other, _ := of(one)
		if subject = ""; other != app {
			app = ""
			break
		}
	}
	return auditFor(ctx, action, app, subject)
}

// ofEntry says which app and run an entry is of.
func ofEntry(e *Entry) (app, id string) { return e.Head.App, e.Head.ID }

// tokens copies the tokens that are not there. One that is there keeps its
// state: it may have been revoked.
func (c *Copied) tokens(ctx context.Context, from Source, to Store) error {
	keys, ok := from.(Keys)
	if !ok {
		return nil
	}
	list, err := keys.Tokens(ctx, "")
	if err != nil {
		return err
	}
	for _, t := range list {
		switch _, err := to.Token(ctx, t.ID); {
		case errors.Is(err, ErrNotFound):
			if err := to.AddToken(auditFor(ctx, "token.create", t.App, t.ID), t); err != nil {
				return err
			}
			c.Tokens++
		case err != nil:
			return err
		}
	}
	return nil
}

// runs copies the runs. One batch is read while another is written.
func (c *Copied) runs(ctx context.Context, from Source, to Store, progress func(int)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	batches := make(chan []*Entry)
	go func() {
		defer close(batches)
		var batch []*Entry
		size := 0
		send := func() error {
			select {
			case batches <- batch:
				batch, size = nil, 0
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		err := from.Walk(ctx, Filter{}, Parts{Document: true, Points: true}, func(e *Entry) error {
			batch, size = append(batch, e), size+e.size()
			if len(batch) < CopyBatch && size < copyBytes {
				return nil
			}
			return send()
		})
		if err == nil && len(batch) > 0 {
			err = send()
		}
		if err != nil {
			cancel(err)
		}
	}()
	for batch := range batches {
		outcomes, err := to.AppendBatch(auditOf(ctx, "run.add", batch, ofEntry), Batch{Entries: batch})
		if err != nil {
			return err
		}
		for i, o := range outcomes {
			switch {
			case o.Err != nil:
				c.Conflicts = append(c.Conflicts, batch[i].Head.ID)
			case o.Added:
				c.Runs++
			default:
				c.Known++
			}
		}
		progress(c.Runs + c.Known + len(c.Conflicts))
	}
	return context.Cause(ctx)
}
