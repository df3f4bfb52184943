package sqlite

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// Series returns the series that the filter selects: see history.Reader.
func (s *Store) Series(ctx context.Context, f history.SeriesFilter) ([]history.Series, error) {
	var list []history.Series
	err := s.read(ctx, func(c *sqlite.Conn) error {
		return transaction(c, func() error {
			r := reader{conn: c, environments: environments{conn: c}, heads: make(map[int64]*run.Run), traits: make(map[int64]trait)}
			var err error
			list, err = r.series(f)
			return err
		})
	})
	history.Sort(list)
	return list, s.explain(err)
}

// reader reads points. What they share is decoded once.
type reader struct {
	conn         *sqlite.Conn
	environments environments
	decode       history.HeadDecoder
	heads        map[int64]*run.Run // by number
	traits       map[int64]trait
	block        []run.Run // heads that are not used yet

	// The head that was read last, and what it was decoded from: most are of the
	// same environment.
	last            *run.Run
	lastEnvironment int64
	lastMetric      *metric
}

// newHead makes heads by the hundred: they are kept or dropped together.
func (r *reader) newHead() *run.Run {
	if len(r.block) == 0 {
		r.block = make([]run.Run, min(max(16, len(r.heads)), 256))
	}
	head := &r.block[0]
	r.block = r.block[1:]
	return head
}

type trait struct {
	better     run.Better
	resolution float64
	statistic  string
}

// metric is a row of the table of metrics.
type metric struct {
	id     int64
	labels string // of the runs
	series history.Series
}

func (r *reader) series(f history.SeriesFilter) ([]history.Series, error) {
	metrics, err := r.metrics(f)
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]*metric, len(metrics))
	for i := range metrics {
		byID[metrics[i].id] = &metrics[i]
	}
	if f.Runs != nil {
		text, args := ofRuns(f)
		err = query(r.conn, text, func(row *sqlite.Stmt) error {
			if m := byID[row.ColumnInt64(0)]; m != nil {
				return r.point(row, m)
			}
			return nil
		}, args...)
	} else {
		for i := range metrics {
			text, args := ofMetric(metrics[i].id, f)
			if err = query(r.conn, text, func(row *sqlite.Stmt) error { return r.point(row, &metrics[i]) }, args...); err != nil {
				break
			}
		}
	}
	if err != nil {
		return nil, err
	}
	var list []history.Series
	for i := range metrics {
		m := &metrics[i].series
		if len(m.Points) == 0 {
			continue
		}
		list = append(list, *m)
		if f.Runs != nil && f.Last > 0 && len(m.Points) > f.Last {
			history.Sort(list[len(list)-1:])
			m.Points = m.Points[len(m.Points)-f.Last:]
			list[len(list)-1] = *m
		}
	}
	return list, nil
}

// metrics returns the metrics that a filter selects.
func (r *reader) metrics(f history.SeriesFilter) ([]metric, error) {
	text, args := metricsOf(f)
	var list []metric
	err := query(r.conn, text, func(row *sqlite.Stmt) (err error) {
		m := metric{id: row.ColumnInt64(0), labels: row.ColumnText(2)}
		m.series = history.Series{App: row.ColumnText(1), Name: row.ColumnText(3), Unit: row.ColumnText(5)}
		if m.series.RunLabels, err = history.DecodeLabels(m.labels); err != nil {
			return err
		}
		m.series.Labels, err = history.DecodeLabels(row.ColumnText(4))
		list = append(list, m)
		return err
	}, args...)
	return list, err
}

// metricsOf is the one query for metrics.
func metricsOf(f history.SeriesFilter) (string, []any) {
	text, args := "SELECT id, app, run_labels, name, labels, unit FROM metrics WHERE 1", []any{}
	for _, c := range []struct{ condition, value string }{{" AND app = ?", f.App}, {" AND key = ?", f.Key}, {" AND unit = ?", f.Unit}} {
		if c.value != "" {
			text, args = text+c.condition, append(args, c.value)
		}
	}
	return text, args
}

const pointColumns = `p.metric, p.time, p.run, p.trait, p.count, p.center, p.mean, p.min, p.max, p.stddev, p.p95, p.p99,
	r.id, r.version, r.commit_id, r.branch, r.dirty, r.environment_id`

// ofMetric is the one query for the points of a metric, which walks along the
// primary key. CROSS JOIN keeps the tables in the order in which they are
// written: SQLite has no statistics here.
func ofMetric(id int64, f history.SeriesFilter) (string, []any) {
	text, args := "SELECT "+pointColumns+" FROM points p CROSS JOIN runs r ON r.seq = p.run WHERE p.metric = ?", []any{id}
	text, args = bounded(text, args, f)
	if f.Last > 0 {
		return text + " ORDER BY p.time DESC, p.run DESC LIMIT ?", append(args, f.Last)
	}
	return text + " ORDER BY p.time", args
}

// ofRuns is the one query for the points of runs that are named.
func ofRuns(f history.SeriesFilter) (string, []any) {
	ids, err := json.Marshal(f.Runs)
	if err != nil {
		panic(err) // strings always encode
	}
	text := "SELECT " + pointColumns + ` FROM runs r CROSS JOIN metrics m ON m.app = r.app AND m.run_labels = r.labels
		CROSS JOIN points p ON p.metric = m.id AND p.time = r.time AND p.run = r.seq
		WHERE r.id IN (SELECT value FROM json_each(?))`
	args := []any{string(ids)}
	if f.Key != "" {
		text, args = text+" AND m.key = ?", append(args, f.Key)
	}
	return bounded(text, args, f)
}

// bounded adds the conditions on runs.
func bounded(text string, args []any, f history.SeriesFilter) (string, []any) {
	if f.Branch != "" {
		text, args = text+" AND r.branch = ?", append(args, f.Branch)
	}
	if !f.Since.IsZero() {
		text, args = text+" AND p.time >= ?", append(args, nanos(f.Since))
	}
	if !f.Until.IsZero() {
		text, args = text+" AND p.time < ?", append(args, nanos(f.Until))
	}
	return text, args
}

// point adds the point of a row to its series.
func (r *reader) point(row *sqlite.Stmt, m *metric) error {
	seq, at := row.ColumnInt64(2), row.ColumnInt64(1)
	head := r.heads[seq]
	if head == nil {
		head = r.newHead()
		*head = run.Run{ID: row.ColumnText(12), App: m.series.App, Version: row.ColumnText(13), Commit: row.ColumnText(14), Branch: row.ColumnText(15), Dirty: row.ColumnBool(16)}
		if id := row.ColumnInt64(17); r.last != nil && id == r.lastEnvironment && m == r.lastMetric {
			head.Timestamp, head.Labels, head.Environment = time.Unix(0, at).UTC(), r.last.Labels, r.last.Environment
		} else {
			environment, err := r.environments.text(id)
			if err != nil {
				return err
			}
			if err := r.decode.Decode(head, at, m.labels, environment); err != nil {
				return err
			}
			r.lastEnvironment, r.lastMetric = id, m
		}
		r.last, r.heads[seq] = head, head
	}
	t, err := r.trait(row.ColumnInt64(3))
	if err != nil {
		return err
	}
	if n := len(m.series.Points); n == cap(m.series.Points) {
		m.series.Points = slices.Grow(m.series.Points, max(n, 16)) // append would copy long series four times as often
	}
	m.series.Points = append(m.series.Points, history.Point{Run: head, Better: t.better, Resolution: t.resolution, Statistic: t.statistic,
		Center: row.ColumnFloat(5), Stats: statistics(row, 4, t.statistic)})
	return nil
}

func (r *reader) trait(id int64) (trait, error) {
	t, met := r.traits[id]
	if met {
		return t, nil
	}
	err := query(r.conn, "SELECT better, resolution, statistic FROM traits WHERE id = ?", func(row *sqlite.Stmt) error {
		t = trait{run.Better(row.ColumnText(0)), row.ColumnFloat(1), row.ColumnText(2)}
		return nil
	}, id)
	r.traits[id] = t
	return t, err
}

// Metrics returns what was measured: see history.Reader.
func (s *Store) Metrics(ctx context.Context, app string) ([]history.Metric, error) {
	text, args := "SELECT app, name, labels, unit FROM metrics m WHERE EXISTS (SELECT 1 FROM points p WHERE p.metric = m.id)", []any{}
	if app != "" {
		text, args = text+" AND app = ?", []any{app}
	}
	var list []history.Metric
	err := s.read(ctx, func(c *sqlite.Conn) error {
		// Metrics of runs with different labels are one here.
		return query(c, text+" GROUP BY app, key, unit ORDER BY app, key, unit", func(r *sqlite.Stmt) error {
			labels, err := history.DecodeLabels(r.ColumnText(2))
			list = append(list, history.Metric{App: r.ColumnText(0), Name: r.ColumnText(1), Labels: labels, Unit: r.ColumnText(3)})
			return err
		}, args...)
	})
	return list, s.explain(err)
}
