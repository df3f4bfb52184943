package history

import (
	"context"
	"errors"
	"fmt"

	"github.com/pacer-perf/pacer/run"
)

// CopyBatch is how many runs Copy writes in one transaction.
const CopyBatch = 400

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
// called with the number of runs that were dealt with.
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
			if err := to.SetBaseline(ctx, b.Run); err != nil {
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
	if c.Acts, err = to.KeepActs(ctx, acts); err != nil {
		return c, err
	}
	entries, err := from.AuditLog(ctx, AuditFilter{})
	if err != nil {
		return c, err
	}
	c.Audit = len(entries)
	if err := to.Record(ctx, entries...); err != nil {
		return c, err
	}
	return c, c.tokens(ctx, from, to)
}

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
			if err := to.AddToken(ctx, t); err != nil {
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
		send := func() error {
			select {
			case batches <- batch:
				batch = nil
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		err := from.Walk(ctx, Filter{}, Parts{Document: true, Points: true}, func(e *Entry) error {
			if batch = append(batch, e); len(batch) < CopyBatch {
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
		outcomes, err := to.AppendBatch(ctx, Batch{Entries: batch})
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
