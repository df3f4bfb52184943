package sqlite

import (
	"context"
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/pacer-perf/pacer/internal/history"
)

// SetBaseline makes a run the baseline of its app for runs with its labels.
func (s *Store) SetBaseline(ctx context.Context, id string) error {
	return s.explain(s.write(ctx, func(c *sqlite.Conn) error {
		err := query(c, `
			INSERT INTO baselines (app, labels, run) SELECT app, labels, seq FROM runs WHERE id = ?
			ON CONFLICT (app, labels) DO UPDATE SET run = excluded.run`, nil, id)
		if err == nil && c.Changes() == 0 {
			err = fmt.Errorf("run %s: %w", id, history.ErrNotFound)
		}
		return err
	}))
}

// Baseline returns the id of the baseline that was set for an app and labels,
// or history.ErrNotFound.
func (s *Store) Baseline(ctx context.Context, app string, labels map[string]string) (string, error) {
	id := ""
	err := s.read(ctx, func(c *sqlite.Conn) error {
		return query(c, "SELECT r.id FROM baselines b JOIN runs r ON r.seq = b.run WHERE b.app = ? AND b.labels = ?",
			func(r *sqlite.Stmt) error { id = r.ColumnText(0); return nil }, app, history.Labels(labels))
	})
	if err == nil && id == "" {
		err = fmt.Errorf("baseline of %s: %w", app, history.ErrNotFound)
	}
	return id, s.explain(err)
}

// Baselines returns all that were set: see history.Reader.
func (s *Store) Baselines(ctx context.Context) ([]history.Baseline, error) {
	var list []history.Baseline
	err := s.read(ctx, func(c *sqlite.Conn) error {
		return query(c, "SELECT b.app, b.labels, r.id FROM baselines b JOIN runs r ON r.seq = b.run ORDER BY b.app, b.labels",
			func(r *sqlite.Stmt) error {
				labels, err := history.DecodeLabels(r.ColumnText(1))
				list = append(list, history.Baseline{App: r.ColumnText(0), Labels: labels, Run: r.ColumnText(2)})
				return err
			})
	})
	return list, s.explain(err)
}

// ClearBaseline removes the baseline that was set for an app and labels, or
// returns history.ErrNotFound.
func (s *Store) ClearBaseline(ctx context.Context, app string, labels map[string]string) error {
	return s.explain(s.write(ctx, func(c *sqlite.Conn) error {
		err := query(c, "DELETE FROM baselines WHERE app = ? AND labels = ?", nil, app, history.Labels(labels))
		if err == nil && c.Changes() == 0 {
			err = fmt.Errorf("baseline of %s: %w", app, history.ErrNotFound)
		}
		return err
	}))
}

// Delete removes runs with all that is theirs: see history.Store.
func (s *Store) Delete(ctx context.Context, ids ...string) (deleted int, err error) {
	err = s.unguarded(ctx, func(c *sqlite.Conn) error {
		deleted = 0
		for _, id := range ids {
			seq, baseline := int64(0), false
			err := query(c, "SELECT seq, EXISTS (SELECT 1 FROM baselines WHERE run = seq) FROM runs WHERE id = ?",
				func(r *sqlite.Stmt) error { seq, baseline = r.ColumnInt64(0), r.ColumnBool(1); return nil }, id)
			switch {
			case err != nil:
				return err
			case baseline:
				return &history.BaselineError{ID: id}
			case seq == 0:
				continue
			}
			for _, text := range []string{
				`DELETE FROM points WHERE run = ?1 AND time = (SELECT time FROM runs WHERE seq = ?1) AND metric IN
					(SELECT m.id FROM runs r JOIN metrics m ON m.app = r.app AND m.run_labels = r.labels WHERE r.seq = ?1)`,
				"DELETE FROM documents WHERE run = ?",
				"DELETE FROM runs WHERE seq = ?",
			} {
				if err := query(c, text, nil, seq); err != nil {
					return err
				}
			}
			if err := query(c, "DELETE FROM jobs WHERE key = ?", nil, id); err != nil {
				return err
			}
			deleted++
		}
		if deleted > 0 {
			return query(c, "UPDATE deletions SET n = n + 1", nil)
		}
		return nil
	})
	if err != nil {
		return 0, s.explain(err)
	}
	return deleted, nil
}

// unguarded is write without SQLite's look at references: for each run that goes
// it would read all points, which have no index by run, and for each point that
// comes it would look three rows up that were just written. f sees to that itself.
func (s *Store) unguarded(ctx context.Context, f func(*sqlite.Conn) error) error {
	return s.writer.with(ctx, func(c *sqlite.Conn) (err error) {
		if err := execute(c, "PRAGMA foreign_keys = OFF"); err != nil {
			return err
		}
		defer func() {
			c.SetInterrupt(nil) // or an ended context would keep the guard away
			// In a transaction that could not be rolled back it changes nothing:
			// see pool.put.
			err = errors.Join(err, execute(c, "PRAGMA foreign_keys = ON"))
		}()
		return s.change(ctx, c, f)
	})
}

// Thin reduces what is kept of runs: see history.Store.
func (s *Store) Thin(ctx context.Context, to history.Detail, ids ...string) (changed int, err error) {
	err = s.write(ctx, func(c *sqlite.Conn) error {
		changed = 0
		for _, id := range ids {
			var e *history.Entry
			seq := int64(0)
			err := query(c, "SELECT d.run, d.detail, d.document FROM runs r JOIN documents d ON d.run = r.seq WHERE r.id = ? AND d.detail < ?",
				func(r *sqlite.Stmt) error {
					seq, e = r.ColumnInt64(0), &history.Entry{Detail: history.Detail(r.ColumnInt(1)), Document: blob(r, 2)}
					return nil
				}, id, int(to))
			if err != nil {
				return err
			}
			if e == nil {
				continue
			}
			e.Head.ID = id
			less, err := e.Thinned(to)
			if err != nil {
				return err
			}
			if err := query(c, "UPDATE documents SET detail = ?, document = ? WHERE run = ?", nil, int(to), less.Document, seq); err != nil {
				return err
			}
			changed++
		}
		return nil
	})
	if err != nil {
		return 0, s.explain(err)
	}
	return changed, nil
}
