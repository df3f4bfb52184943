package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pacer-perf/pacer/internal/history"
)

// SetBaseline makes a run the baseline of its app for runs with its labels.
func (s *Store) SetBaseline(ctx context.Context, id string) error {
	return s.change(ctx, "run "+id, `
		INSERT INTO baselines (app, labels, hash, run)
		SELECT r.app, r.labels, sha256(convert_to(r.labels, 'UTF8')), r.seq FROM run_ids i JOIN runs r ON r.time = i.time AND r.seq = i.seq WHERE i.id = $1
		ON CONFLICT (app, hash) DO UPDATE SET run = excluded.run`, escape(id))
}

// Baseline returns the id of the baseline that was set for an app and labels,
// or history.ErrNotFound.
func (s *Store) Baseline(ctx context.Context, app string, labels map[string]string) (string, error) {
	id := ""
	// By the labels themselves: in a store of an older Pacer they have no hash.
	err := s.pool.QueryRow(ctx, "SELECT i.id FROM baselines b JOIN run_ids i ON i.seq = b.run WHERE b.app = $1 AND b.labels = $2",
		escape(app), history.Labels(labels)).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		err = fmt.Errorf("baseline of %s: %w", app, history.ErrNotFound)
	}
	return id, s.explain(err)
}

// Baselines returns all that were set: see history.Reader.
func (s *Store) Baselines(ctx context.Context) ([]history.Baseline, error) {
	var list []history.Baseline
	err := each(ctx, s.pool, "SELECT b.app, b.labels, i.id FROM baselines b JOIN run_ids i ON i.seq = b.run ORDER BY b.app, b.labels", nil, func(rows pgx.Rows) error {
		var b history.Baseline
		var labels string
		err := rows.Scan(&b.App, &labels, &b.Run)
		if err == nil {
			b.App = unescape(b.App)
			b.Labels, err = history.DecodeLabels(labels)
		}
		list = append(list, b)
		return err
	})
	return list, s.explain(err)
}

// ClearBaseline removes the baseline that was set for an app and labels, or
// returns history.ErrNotFound.
func (s *Store) ClearBaseline(ctx context.Context, app string, labels map[string]string) error {
	return s.change(ctx, "baseline of "+app, "DELETE FROM baselines WHERE app = $1 AND hash = $2", escape(app), hashOf(history.Labels(labels)))
}

// Delete removes runs with all that is theirs: see history.Store.
func (s *Store) Delete(ctx context.Context, ids ...string) (int, error) {
	var seqs, times []int64
	err := s.write(ctx, func(tx pgx.Tx) error {
		seqs, times = nil, nil
		err := each(ctx, tx, `
			SELECT i.id, i.seq, i.time, EXISTS (SELECT 1 FROM baselines b WHERE b.run = i.seq)
			FROM run_ids i WHERE i.id = ANY($1) ORDER BY i.id FOR UPDATE`, []any{ids}, func(rows pgx.Rows) error {
			var id string
			var seq, at int64
			var baseline bool
			if err := rows.Scan(&id, &seq, &at, &baseline); err != nil {
				return err
			}
			if baseline {
				return &history.BaselineError{ID: id}
			}
			seqs, times = append(seqs, seq), append(times, at)
			return nil
		})
		if err != nil || len(seqs) == 0 {
			return err
		}
		for _, step := range []struct {
			text string
			args []any
		}{
			{"DELETE FROM points WHERE run = ANY($1)", []any{seqs}},
			{"DELETE FROM runs WHERE time = ANY($1) AND seq = ANY($2)", []any{times, seqs}},
			{"DELETE FROM jobs WHERE key = ANY($1)", []any{ids}},
			{"DELETE FROM run_ids WHERE seq = ANY($1)", []any{seqs}},
			{"UPDATE deletions SET n = n + 1", nil},
		} {
			if _, err := tx.Exec(ctx, step.text, step.args...); err != nil {
				return err
			}
		}
		return nil
	})
	var said *pgconn.PgError
	if errors.As(err, &said) && said.Code == "23503" { // a foreign key: it became a baseline meanwhile
		err = &history.BaselineError{ID: "of those to be deleted"}
	}
	if err != nil {
		return 0, s.explain(err)
	}
	return len(seqs), nil
}

// Thin reduces what is kept of runs: see history.Store.
func (s *Store) Thin(ctx context.Context, to history.Detail, ids ...string) (changed int, err error) {
	err = s.write(ctx, func(tx pgx.Tx) error {
		changed = 0
		for _, id := range ids {
			var seq, at int64
			var detail int16
			e := &history.Entry{}
			err := tx.QueryRow(ctx, `SELECT r.seq, r.time, r.detail, r.document FROM run_ids i JOIN runs r ON r.time = i.time AND r.seq = i.seq
				WHERE i.id = $1 AND r.detail < $2 FOR UPDATE OF r`, escape(id), int16(to)).Scan(&seq, &at, &detail, &e.Document)
			if errors.Is(err, pgx.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			e.Head.ID, e.Detail = id, history.Detail(detail)
			less, err := e.Thinned(to)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "UPDATE runs SET detail = $1, document = $2 WHERE time = $3 AND seq = $4", int16(to), less.Document, at, seq); err != nil {
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

// Check looks for rows that belong to nothing.
func (s *Store) Check(ctx context.Context) ([]history.Problem, error) {
	var list []history.Problem
	err := s.read(ctx, func(tx pgx.Tx) error {
		for _, look := range []struct{ what, text string }{
			{"it has an id, but no document", "SELECT i.id FROM run_ids i LEFT JOIN runs r ON r.id = i.id AND r.seq = i.seq AND r.time = i.time WHERE r.id IS NULL LIMIT 20"},
			{"it has a document, but its id is unknown", "SELECT r.id FROM runs r LEFT JOIN run_ids i ON i.seq = r.seq WHERE i.id IS NULL LIMIT 20"},
			{"there are points of a run that is not there", "SELECT '' FROM points p WHERE NOT EXISTS (SELECT 1 FROM run_ids i WHERE i.seq = p.run) LIMIT 1"},
			{"there are points of a metric that is not there", "SELECT '' FROM points p WHERE NOT EXISTS (SELECT 1 FROM metrics m WHERE m.id = p.metric) LIMIT 1"},
		} {
			err := each(ctx, tx, look.text, nil, func(rows pgx.Rows) error {
				p := history.Problem{What: look.what}
				err := rows.Scan(&p.Run)
				list = append(list, p)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return list, s.explain(err)
}

// tables are those of the store, but the partitions of runs.
const tables = "run_ids, environments, runs, baselines, metrics, traits, points, acts, audit, jobs, tokens, sessions, deletions"

// Size is that of the tables and their indexes.
func (s *Store) Size(ctx context.Context) (int64, error) {
	var size int64
	err := s.pool.QueryRow(ctx, `
		SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
		WHERE c.oid = ANY(SELECT to_regclass(t) FROM unnest(string_to_array($1, ', ')) t)
		OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass('runs'))`, tables).Scan(&size)
	return size, s.explain(err)
}

// Vacuum lets the room of what was deleted be used again, and the planner
// count anew. It locks nobody out.
func (s *Store) Vacuum(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, "VACUUM (ANALYZE) "+tables)
	return s.explain(err)
}
