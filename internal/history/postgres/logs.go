package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pacer-perf/pacer/internal/history"
)

// Act adds to the log of an alert: see history.Store.
func (s *Store) Act(ctx context.Context, a history.Act) (history.Act, error) {
	err := s.write(ctx, func(tx pgx.Tx) error {
		acts, err := lockedActs(ctx, tx, a.About())
		if err != nil {
			return err
		}
		kept, add, err := history.Advance(acts, a, time.Now())
		if a = kept; err != nil || !add {
			return err
		}
		return keepAct(ctx, tx, &a)
	})
	return a, s.explain(err)
}

// lockedActs returns the acts of an alert, to which nobody else adds until the
// transaction ends.
func lockedActs(ctx context.Context, tx pgx.Tx, alert string) ([]history.Act, error) {
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 1))", escape(alert)); err != nil {
		return nil, err
	}
	return actsOf(ctx, tx, history.ActFilter{Alert: alert})
}

func keepAct(ctx context.Context, tx pgx.Tx, a *history.Act) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO acts (alert, n, app, act) VALUES ($1, $2, $3, $4)", escape(a.Alert), a.N, escape(a.App), string(text))
	return err
}

// KeepActs adds acts of another store: see history.Store.
func (s *Store) KeepActs(ctx context.Context, list []history.Act) (added int, err error) {
	err = s.write(ctx, func(tx pgx.Tx) error {
		added = 0
		for i := range list {
			acts, err := lockedActs(ctx, tx, list[i].Alert)
			if err != nil {
				return err
			}
			add, err := history.Follows(acts, &list[i])
			if err != nil {
				return err
			}
			if !add {
				continue
			}
			if err := keepAct(ctx, tx, &list[i]); err != nil {
				return err
			}
			added++
		}
		return nil
	})
	if err != nil {
		return 0, s.explain(err)
	}
	return added, nil
}

// Acts returns what was done about alerts: see history.Reader.
func (s *Store) Acts(ctx context.Context, f history.ActFilter) ([]history.Act, error) {
	list, err := actsOf(ctx, s.pool, f)
	return list, s.explain(err)
}

func actsOf(ctx context.Context, db queryer, f history.ActFilter) ([]history.Act, error) {
	var c conditions
	c.add(f.App != "", "app = ?", escape(f.App))
	c.add(f.Alert != "", "alert = ?", escape(f.Alert))
	var list []history.Act
	err := each(ctx, db, "SELECT act FROM acts"+c.where()+" ORDER BY seq", c.args, func(rows pgx.Rows) error {
		return decoded(rows, &list)
	})
	return list, err
}

// decoded adds to a list what a row holds as JSON.
func decoded[T any](rows pgx.Rows, list *[]T) error {
	var text string
	var v T
	err := rows.Scan(&text)
	if err == nil {
		err = json.Unmarshal([]byte(text), &v)
	}
	*list = append(*list, v)
	return err
}

// Record adds entries to the audit log: see history.Store.
func (s *Store) Record(ctx context.Context, entries ...history.Audit) error {
	return s.explain(s.write(ctx, func(tx pgx.Tx) error { return record(ctx, tx, entries...) }))
}

func record(ctx context.Context, tx pgx.Tx, entries ...history.Audit) error {
	for _, a := range entries {
		a = a.Completed()
		text, err := json.Marshal(a)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO audit (id, time, actor, action, app, entry) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING",
			escape(a.ID), nanos(a.Time), escape(a.Actor), escape(a.Action), escape(a.App), string(text)); err != nil {
			return err
		}
	}
	return nil
}

// AuditLog returns entries, newest first: see history.Store.
func (s *Store) AuditLog(ctx context.Context, f history.AuditFilter) ([]history.Audit, error) {
	var c conditions
	c.add(f.App != "", "app = ?", escape(f.App))
	c.add(f.Actor != "", "actor = ?", escape(f.Actor))
	c.add(f.Action != "", "action = ?", escape(f.Action))
	c.add(!f.Since.IsZero(), "time >= ?", nanos(f.Since))
	c.add(f.Before != "", "id < ?", escape(f.Before))
	text := "SELECT entry FROM audit" + c.where() + " ORDER BY id DESC"
	if f.Limit > 0 {
		text += c.numbered(" LIMIT ?", f.Limit)
	}
	var list []history.Audit
	err := each(ctx, s.pool, text, c.args, func(rows pgx.Rows) error { return decoded(rows, &list) })
	return list, s.explain(err)
}
