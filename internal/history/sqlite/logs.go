package sqlite

import (
	"context"
	"encoding/json"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/pacer-perf/pacer/internal/history"
)

// Act adds to the log of an alert: see history.Store.
func (s *Store) Act(ctx context.Context, a history.Act) (history.Act, error) {
	err := s.write(ctx, func(c *sqlite.Conn) error {
		acts, err := actsOf(c, history.ActFilter{Alert: a.About()})
		if err != nil {
			return err
		}
		kept, add, err := history.Advance(acts, a, time.Now())
		if a = kept; err != nil || !add {
			return err
		}
		return keepAct(c, &a)
	})
	return a, s.explain(err)
}

func keepAct(c *sqlite.Conn, a *history.Act) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return query(c, "INSERT INTO acts (alert, n, app, act) VALUES (?, ?, ?, ?)", nil, a.Alert, a.N, a.App, string(text))
}

// KeepActs adds acts of another store: see history.Store.
func (s *Store) KeepActs(ctx context.Context, list []history.Act) (added int, err error) {
	err = s.write(ctx, func(c *sqlite.Conn) error {
		added = 0
		for i := range list {
			acts, err := actsOf(c, history.ActFilter{Alert: list[i].Alert})
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
			if err := keepAct(c, &list[i]); err != nil {
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
func (s *Store) Acts(ctx context.Context, f history.ActFilter) (list []history.Act, err error) {
	err = s.read(ctx, func(c *sqlite.Conn) error {
		list, err = actsOf(c, f)
		return err
	})
	return list, s.explain(err)
}

func actsOf(c *sqlite.Conn, f history.ActFilter) ([]history.Act, error) {
	text, args := "SELECT act FROM acts WHERE 1", []any{}
	if f.App != "" {
		text, args = text+" AND app = ?", append(args, f.App)
	}
	if f.Alert != "" {
		text, args = text+" AND alert = ?", append(args, f.Alert)
	}
	var list []history.Act
	err := query(c, text+" ORDER BY seq", func(r *sqlite.Stmt) error {
		var a history.Act
		err := json.Unmarshal([]byte(r.ColumnText(0)), &a)
		list = append(list, a)
		return err
	}, args...)
	return list, err
}

// Record adds entries to the audit log: see history.Store.
func (s *Store) Record(ctx context.Context, entries ...history.Audit) error {
	return s.explain(s.write(ctx, func(c *sqlite.Conn) error { return record(c, entries...) }))
}

func record(c *sqlite.Conn, entries ...history.Audit) error {
	for _, a := range entries {
		a = a.Completed()
		text, err := json.Marshal(a)
		if err != nil {
			return err
		}
		if err := query(c, "INSERT INTO audit (id, time, actor, action, app, entry) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING", nil,
			a.ID, nanos(a.Time), a.Actor, a.Action, a.App, string(text)); err != nil {
			return err
		}
	}
	return nil
}

// auditOf is the one query for entries of the audit log.
func auditOf(f history.AuditFilter) (string, []any) {
	text, args := "SELECT entry FROM audit WHERE 1", []any{}
	for _, c := range []struct {
		wanted    bool
		condition string
		value     any
	}{
		{f.App != "", "app = ?", f.App}, {f.Actor != "", "actor = ?", f.Actor}, {f.Action != "", "action = ?", f.Action},
		{!f.Since.IsZero(), "time >= ?", nanos(f.Since)}, {f.Before != "", "id < ?", f.Before},
	} {
		if c.wanted {
			text, args = text+" AND "+c.condition, append(args, c.value)
		}
	}
	text += " ORDER BY id DESC"
	if f.Limit > 0 {
		text, args = text+" LIMIT ?", append(args, f.Limit)
	}
	return text, args
}

// AuditLog returns entries, newest first: see history.Store.
func (s *Store) AuditLog(ctx context.Context, f history.AuditFilter) ([]history.Audit, error) {
	text, args := auditOf(f)
	var list []history.Audit
	err := s.read(ctx, func(c *sqlite.Conn) error {
		return query(c, text, func(r *sqlite.Stmt) error {
			var a history.Audit
			err := json.Unmarshal([]byte(r.ColumnText(0)), &a)
			list = append(list, a)
			return err
		}, args...)
	})
	return list, s.explain(err)
}
