package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// Append keeps a run: see history.Store.
func (s *Store) Append(ctx context.Context, r *run.Run) (added bool, err error) {
	e, err := history.Pack(r)
	if err != nil {
		return false, err
	}
	outcomes, err := s.AppendBatch(ctx, history.Batch{Entries: []*history.Entry{e}})
	if err != nil {
		return false, err
	}
	return outcomes[0].Added, outcomes[0].Err
}

// AppendBatch keeps several runs in one transaction: see history.Store.
func (s *Store) AppendBatch(ctx context.Context, b history.Batch) ([]history.Outcome, error) {
	outcomes := make([]history.Outcome, len(b.Entries))
	audit := history.AuditOf(ctx)
	write := s.write
	if len(b.Entries) > fewRuns {
		write = s.unguarded // the rows that others refer to are read or made here, and never deleted
	}
	err := write(history.WithoutAudit(ctx), func(c *sqlite.Conn) error {
		w := &writer{conn: c, names: &s.known}
		w.names.begin()
		added := 0
		for i, e := range b.Entries {
			seq, err := w.insert(e)
			if err != nil {
				return err
			}
			if seq == 0 {
				outcomes[i].Err, err = w.conflict(e)
				if err != nil {
					return err
				}
				continue
			}
			outcomes[i].Added = true
			added++
			if err := w.collect(e, seq); err != nil {
				return err
			}
			if b.Enqueue != "" {
				if _, err := enqueue(c, history.Task{Kind: b.Enqueue, Key: e.Head.ID}, time.Now()); err != nil {
					return err
				}
			}
		}
		if audit != nil && added > 0 {
			if err := record(c, audit.Counted(added)); err != nil {
				return err
			}
		}
		return w.flush()
	})
	if err != nil {
		return nil, s.explain(err)
	}
	return outcomes, nil
}

// fewRuns are appended sooner than statements are prepared anew for unguarded.
const fewRuns = 10

// writer writes runs in a transaction.
type writer struct {
	conn   *sqlite.Conn
	names  *names
	points []point
}

// point is a row of the table of points.
type point struct {
	metric, time, run, trait int64
	value                    *history.Value
}

// insert adds the rows of a run but its points, and returns its number: 0, if
// the id is taken.
func (w *writer) insert(e *history.Entry) (seq int64, err error) {
	environment, err := w.names.environment(w.conn, e.Head.Environment)
	if err != nil {
		return 0, err
	}
	h := &e.Head
	err = query(w.conn, `
		INSERT OR FAIL INTO runs (id, app, version, commit_id, branch, dirty, time, timed, labels, environment_id, digest)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`, nil,
		h.ID, h.App, h.Version, h.Commit, h.Branch, h.Dirty, e.At.UnixNano(), e.Timed, history.Labels(h.Labels), environment, e.Digest[:])
	if err != nil || w.conn.Changes() == 0 {
		return 0, err
	}
	seq = w.conn.LastInsertRowID()
	return seq, query(w.conn, "INSERT INTO documents (run, detail, document) VALUES (?, ?, ?)", nil, seq, int(e.Detail), e.Document)
}

// conflict returns a *history.ConflictError as an outcome if the run that has
// the id is another one.
func (w *writer) conflict(e *history.Entry) (outcome, err error) {
	var kept []byte
	err = query(w.conn, "SELECT digest FROM runs WHERE id = ?", func(r *sqlite.Stmt) error { kept = blob(r, 0); return nil }, e.Head.ID)
	if err == nil && !bytes.Equal(kept, e.Digest[:]) {
		outcome = &history.ConflictError{ID: e.Head.ID}
	}
	return outcome, err
}

// collect keeps the points of a run for flush.
func (w *writer) collect(e *history.Entry, seq int64) error {
	labels := history.Labels(e.Head.Labels)
	for i := range e.Points {
		v := &e.Points[i]
		metric, err := w.names.metric(w.conn, metricName{e.Head.App, labels, v.Key, v.Unit}, v)
		if err != nil {
			return err
		}
		trait, err := w.names.trait(w.conn, trait{v.Better, v.Resolution, v.Statistic})
		if err != nil {
			return err
		}
		w.points = append(w.points, point{metric: metric, time: e.At.UnixNano(), run: seq, trait: trait, value: v})
	}
	return nil
}

// flush writes the points in the order of the table, each series at a stretch.
func (w *writer) flush() error {
	slices.SortFunc(w.points, func(a, b point) int {
		if a.metric != b.metric {
			return cmp.Compare(a.metric, b.metric)
		}
		return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.run, b.run))
	})
	for rest := w.points; len(rest) > 0; {
		n := 1
		if len(rest) >= manyPoints {
			n = manyPoints
		}
		if err := w.insertPoints(rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	w.points = w.points[:0]
	return nil
}

// manyPoints is how many points one statement takes: what it has to open, it
// opens once for all of them.
const manyPoints = 40

// A statement that fails ends its transaction: what it did before that need not be
// kept aside, to be undone alone, as SQLite does without OR FAIL.
const (
	pointsInto = "INSERT OR FAIL INTO points (metric, time, run, trait, count, center, mean, min, max, stddev, p95, p99) VALUES "
	pointRow   = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)

var insertOne, insertMany = pointsInto + pointRow, pointsInto + strings.Repeat(pointRow+", ", manyPoints-1) + pointRow

// insertPoints writes one point or manyPoints.
func (w *writer) insertPoints(points []point) error {
	text := insertOne
	if len(points) > 1 {
		text = insertMany
	}
	stmt, err := w.conn.Prepare(text)
	if err != nil {
		return err
	}
	defer stmt.Reset()
	at := 1
	for i := range points {
		p := &points[i]
		s := &p.value.Stats
		for k, v := range [...]int64{p.metric, p.time, p.run, p.trait, s.Count} {
			stmt.BindInt64(at+k, v)
		}
		for k, v := range [...]float64{p.value.Center, s.Mean, s.Min, s.Max, s.Stddev, s.P95, s.P99} {
			bindFloat(stmt, at+5+k, v)
		}
		at += 12
	}
	_, err = stmt.Step()
	return err
}

// fillPoints writes the points of all runs that are kept. It costs decoding
// every document once; memory stays with a few of them.
func fillPoints(c *sqlite.Conn) error {
	w := &writer{conn: c, names: &names{}}
	w.names.begin()
	type kept struct {
		seq, at  int64
		id       string
		document []byte
	}
	const batch = 64
	for last := int64(-1 << 62); ; {
		var list []kept
		err := query(c, "SELECT r.seq, r.time, r.id, d.document FROM runs r JOIN documents d ON d.run = r.seq WHERE r.seq > ? ORDER BY r.seq LIMIT ?",
			func(r *sqlite.Stmt) error {
				list = append(list, kept{r.ColumnInt64(0), r.ColumnInt64(1), r.ColumnText(2), blob(r, 3)})
				return nil
			}, last, batch)
		if err != nil {
			return err
		}
		for _, k := range list {
			last = k.seq
			r, err := history.Unpack(k.id, k.document)
			if err != nil {
				continue // one run that is damaged, which Run tells, must not lock away the others
			}
			e, err := history.Pack(&r)
			if err != nil {
				continue
			}
			e.At = time.Unix(0, k.at)
			if err := w.collect(e, k.seq); err != nil {
				return err
			}
		}
		if err := w.flush(); err != nil {
			return err
		}
		if len(list) < batch {
			return nil
		}
	}
}
