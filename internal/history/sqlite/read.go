package sqlite

import (
	"context"
	"fmt"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// Run returns a whole run, or history.ErrNotFound.
func (s *Store) Run(ctx context.Context, id string) (run.Run, error) {
	var packed []byte
	err := s.read(ctx, func(c *sqlite.Conn) error {
		return query(c, "SELECT d.document FROM runs r JOIN documents d ON d.run = r.seq WHERE r.id = ?",
			func(r *sqlite.Stmt) error { packed = blob(r, 0); return nil }, id)
	})
	switch {
	case err != nil:
		return run.Run{}, s.explain(err)
	case packed == nil:
		return run.Run{}, fmt.Errorf("run %s: %w", id, history.ErrNotFound)
	}
	r, err := history.Unpack(id, packed)
	return r, s.explain(err)
}

// Heads returns the runs that the filter selects: see history.Reader.
func (s *Store) Heads(ctx context.Context, f history.Filter) ([]run.Run, error) {
	var heads []run.Run
	err := s.read(ctx, func(c *sqlite.Conn) error {
		environments := environments{conn: c}
		decode := history.HeadDecoder{}
		text, args := selected("SELECT id, app, version, commit_id, branch, dirty, time, labels, environment_id FROM runs", f)
		text += " ORDER BY time DESC, id DESC"
		if f.Limit > 0 {
			text, args = text+" LIMIT ?", append(args, f.Limit)
		}
		return query(c, text, func(r *sqlite.Stmt) error {
			h := run.Run{ID: r.ColumnText(0), App: r.ColumnText(1), Version: r.ColumnText(2), Commit: r.ColumnText(3), Branch: r.ColumnText(4), Dirty: r.ColumnBool(5)}
			environment, err := environments.text(r.ColumnInt64(8))
			if err != nil {
				return err
			}
			if err := decode.Decode(&h, r.ColumnInt64(6), r.ColumnText(7), environment); err != nil {
				return err
			}
			heads = append(heads, h)
			return nil
		}, args...)
	})
	return heads, s.explain(err)
}

// selected adds the conditions of a filter to a query of runs.
func selected(text string, f history.Filter) (string, []any) {
	var where []string
	var args []any
	match := func(wanted bool, condition string, values ...any) {
		if wanted {
			where = append(where, condition)
			args = append(args, values...)
		}
	}
	// What an id or a commit begins with says more than the app: + keeps the
	// app's index out.
	app := "app = ?"
	if f.IDPrefix != "" || f.Commit != "" {
		app = "+app = ?"
	}
	match(f.App != "", app, f.App)
	match(f.Branch != "", "branch = ?", f.Branch)
	match(f.Version != "", "version = ?", f.Version)
	// Ranges walk along the indexes, which ignore the case of ASCII letters.
	match(f.IDPrefix != "", "id COLLATE NOCASE >= ? AND id COLLATE NOCASE < ?", f.IDPrefix, f.IDPrefix+"\x7f")
	match(f.Commit != "", "commit_id COLLATE NOCASE >= ? AND commit_id COLLATE NOCASE < ?", f.Commit, f.Commit+"\U0010ffff")
	match(!f.Since.IsZero(), "time >= ?", nanos(f.Since))
	match(!f.Until.IsZero(), "time < ?", nanos(f.Until))
	if f.Before != nil {
		match(true, "(time, id) < (?, ?)", nanos(f.Before.Time), f.Before.ID)
	}
	if len(where) > 0 {
		text += " WHERE " + strings.Join(where, " AND ")
	}
	return text, args
}

// nanos is a time as the file has it.
func nanos(t time.Time) int64 { return history.Clamp(t).UnixNano() }

// environments reads the texts of environments, each once.
type environments struct {
	conn *sqlite.Conn
	met  map[int64]string
}

func (e *environments) text(id int64) (string, error) {
	if text, ok := e.met[id]; ok {
		return text, nil
	}
	if e.met == nil {
		e.met = make(map[int64]string)
	}
	text := ""
	err := query(e.conn, "SELECT text FROM environments WHERE id = ?", func(r *sqlite.Stmt) error { text = r.ColumnText(0); return nil }, id)
	e.met[id] = text
	return text, err
}

// Apps returns the apps that have runs: see history.Reader.
func (s *Store) Apps(ctx context.Context) ([]history.App, error) {
	var list []history.App
	err := s.read(ctx, func(c *sqlite.Conn) error {
		return query(c, "SELECT app, count(*), max(time) FROM runs GROUP BY app ORDER BY app", func(r *sqlite.Stmt) error {
			list = append(list, history.App{Name: r.ColumnText(0), Runs: r.ColumnInt(1), Newest: time.Unix(0, r.ColumnInt64(2)).UTC()})
			return nil
		})
	})
	return list, s.explain(err)
}

// Revision tells whether runs came or went: see history.Revised. A number may
// come again, but not without a deletion.
func (s *Store) Revision(ctx context.Context) (revision string, err error) {
	err = s.read(ctx, func(c *sqlite.Conn) error {
		return query(c, "SELECT (SELECT max(seq) FROM runs), (SELECT n FROM deletions)",
			func(r *sqlite.Stmt) error { revision = r.ColumnText(0) + "." + r.ColumnText(1); return nil })
	})
	return revision, s.explain(err)
}

// Walk calls each with runs, oldest first: see history.Source.
func (s *Store) Walk(ctx context.Context, f history.Filter, parts history.Parts, each func(*history.Entry) error) error {
	return history.WalkPages(f.Limit, func(after history.Position, limit int) ([]*history.Entry, error) {
		list, err := s.entries(ctx, f, after, limit, parts)
		return list, s.explain(err)
	}, each)
}

// entries reads a page of entries after a position.
func (s *Store) entries(ctx context.Context, f history.Filter, after history.Position, limit int, parts history.Parts) ([]*history.Entry, error) {
	var list []*history.Entry
	err := s.read(ctx, func(c *sqlite.Conn) error {
		return transaction(c, func() error {
			var seqs []int64
			environments := environments{conn: c}
			decode := history.HeadDecoder{}
			text, args := selected("SELECT seq, id, app, version, commit_id, branch, dirty, time, labels, environment_id, timed, digest FROM runs", f)
			if len(args) > 0 {
				text += " AND"
			} else {
				text += " WHERE"
			}
			text += " (time, id) > (?, ?) ORDER BY time, id LIMIT ?"
			err := query(c, text, func(r *sqlite.Stmt) error {
				e := &history.Entry{Head: run.Run{ID: r.ColumnText(1), App: r.ColumnText(2), Version: r.ColumnText(3), Commit: r.ColumnText(4), Branch: r.ColumnText(5), Dirty: r.ColumnBool(6)},
					Timed: r.ColumnBool(10)}
				copy(e.Digest[:], blob(r, 11))
				environment, err := environments.text(r.ColumnInt64(9))
				if err != nil {
					return err
				}
				if err := decode.Decode(&e.Head, r.ColumnInt64(7), r.ColumnText(8), environment); err != nil {
					return err
				}
				e.At = e.Head.Timestamp
				seqs, list = append(seqs, r.ColumnInt64(0)), append(list, e)
				return nil
			}, append(args, nanos(after.Time), after.ID, limit)...)
			if err != nil {
				return err
			}
			size := 0
			for i, e := range list {
				seq := seqs[i]
				if size >= history.WalkBytes {
					list = list[:i]
					break
				}
				if err := document(c, seq, e, parts.Document); err != nil {
					return err
				}
				if parts.Points {
					if err := pointsOf(c, seq, e); err != nil {
						return err
					}
				}
				size += len(e.Document)
			}
			return nil
		})
	})
	return list, err
}

// document reads the detail of an entry, and its document if that is wanted.
func document(c *sqlite.Conn, seq int64, e *history.Entry, whole bool) error {
	text := "SELECT detail FROM documents WHERE run = ?"
	if whole {
		text = "SELECT detail, document FROM documents WHERE run = ?"
	}
	return query(c, text, func(r *sqlite.Stmt) error {
		e.Detail = history.Detail(r.ColumnInt(0))
		if whole {
			e.Document = blob(r, 1)
		}
		return nil
	}, seq)
}

// pointsOf reads the points of an entry.
func pointsOf(c *sqlite.Conn, seq int64, e *history.Entry) error {
	return query(c, `
		SELECT m.name, m.labels, m.key, m.unit, t.better, t.resolution, t.statistic, p.count, p.center, p.mean, p.min, p.max, p.stddev, p.p95, p.p99
		FROM metrics m CROSS JOIN points p ON p.metric = m.id AND p.time = ? AND p.run = ? CROSS JOIN traits t ON t.id = p.trait
		WHERE m.app = ? AND m.run_labels = ? ORDER BY m.id`,
		func(r *sqlite.Stmt) error {
			labels, err := history.DecodeLabels(r.ColumnText(1))
			if err != nil {
				return err
			}
			v := history.Value{Name: r.ColumnText(0), Labels: labels, Key: r.ColumnText(2), Unit: r.ColumnText(3),
				Better: run.Better(r.ColumnText(4)), Resolution: r.ColumnFloat(5), Statistic: r.ColumnText(6), Center: r.ColumnFloat(8)}
			v.Stats = statistics(r, 7, v.Statistic)
			e.Points = append(e.Points, v)
			return nil
		}, nanos(e.At), seq, e.Head.App, history.Labels(e.Head.Labels))
}

// statistics reads the columns from count to p99, which begin at a column.
func statistics(r *sqlite.Stmt, from int, statistic string) run.Stats {
	return history.Statistics(r.ColumnFloat(from+1), statistic, r.ColumnInt64(from),
		number(r, from+2), number(r, from+3), number(r, from+4), number(r, from+5), number(r, from+6), number(r, from+7))
}
