package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/schema"
	"github.com/pacer-perf/pacer/run"
)

// seriesMigration makes the tables that seriesWriter fills.
const seriesMigration = "0002_series.sql"

// seriesVersion is the schema version that has them.
const seriesVersion = 2

// seriesWriter writes the points of runs into their series.
type seriesWriter struct {
	find, name, point *sql.Stmt
	ids               map[string]int64 // of metrics that were met
}

func newSeriesWriter(ctx context.Context, tx *sql.Tx) (*seriesWriter, error) {
	w := &seriesWriter{ids: make(map[string]int64)}
	for _, s := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&w.find, "SELECT id FROM metrics WHERE app = ? AND run_labels = ? AND key = ? AND unit = ?"},
		{&w.name, "INSERT INTO metrics (app, run_labels, key, unit, name, labels) VALUES (?, ?, ?, ?, ?, ?) RETURNING id"},
		{&w.point, `INSERT INTO series (metric, time, run, better, resolution, count, statistic, center, mean, min, max, stddev, p50, p95, p99)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
	} {
		var err error
		if *s.stmt, err = tx.PrepareContext(ctx, s.text); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// write adds the metrics of a run, which is kept as number seq with a time.
// What was not observed has no point.
func (w *seriesWriter) write(ctx context.Context, r *run.Run, seq, at int64) error {
	for i := range r.Metrics {
		m := r.Metrics[i]
		m.Fold() // as it is in the document: the same point however it came here
		center, statistic := m.Center()
		if m.Count() == 0 || math.IsNaN(center) {
			continue
		}
		id, err := w.metric(ctx, r, &m)
		if err != nil {
			return err
		}
		s := m.Stats()
		if _, err := w.point.ExecContext(ctx, id, at, seq, string(m.Better), m.Resolution, m.Count(), statistic, center,
			known(s.Mean), known(s.Min), known(s.Max), known(s.Stddev), known(s.P50), known(s.P95), known(s.P99)); err != nil {
			return err
		}
	}
	return nil
}

// metric returns the number of a metric in the runs like r, giving it one if
// it is new.
func (w *seriesWriter) metric(ctx context.Context, r *run.Run, m *run.Metric) (int64, error) {
	of, key := labels(r.Labels), m.Key()
	name := strings.Join([]string{r.App, of, key, m.Unit}, "\x00")
	if id, met := w.ids[name]; met {
		return id, nil
	}
	var id int64
	err := w.find.QueryRowContext(ctx, r.App, of, key, m.Unit).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = w.name.QueryRowContext(ctx, r.App, of, key, m.Unit, m.Name, labels(m.Labels)).Scan(&id)
	}
	w.ids[name] = id
	return id, err
}

// known is what a column holds of a statistic: null if it is not known.
func known(v float64) sql.NullFloat64 { return sql.NullFloat64{Float64: v, Valid: !math.IsNaN(v)} }

// fillSeries writes the series of all runs that are kept. It costs decoding
// every document once; memory stays with a few of them.
func fillSeries(ctx context.Context, tx *sql.Tx) error {
	w, err := newSeriesWriter(ctx, tx)
	if err != nil {
		return err
	}
	type kept struct {
		seq, at int64
		packed  []byte
	}
	const batch = 64
	for last := int64(math.MinInt64); ; {
		rows, err := tx.QueryContext(ctx, "SELECT seq, time, document FROM runs WHERE seq > ? ORDER BY seq LIMIT ?", last, batch)
		if err != nil {
			return err
		}
		var list []kept
		for rows.Next() {
			var k kept
			if err := rows.Scan(&k.seq, &k.at, &k.packed); err != nil {
				rows.Close()
				return err
			}
			list = append(list, k)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
		for _, k := range list {
			last = k.seq
			text, err := unpack(k.packed)
			if err != nil {
				continue // one run that is damaged, which Run tells, must not lock away the others
			}
			r, err := run.Read(bytes.NewReader(text), "")
			if err != nil {
				continue
			}
			if err := w.write(ctx, &r, k.seq, k.at); err != nil {
				return err
			}
		}
		if len(list) < batch {
			return nil
		}
	}
}

// derive makes the tables of series for a file that is open for reading alone
// and was not written to since they were invented: in memory, beside the file.
func (s *Store) derive(ctx context.Context) error {
	s.deriving.Lock()
	defer s.deriving.Unlock()
	if s.has >= seriesVersion {
		return nil
	}
	if _, err := s.db.ExecContext(ctx, "PRAGMA temp_store = MEMORY"); err != nil {
		return err
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, m := range schema.SQLite() {
		if m.Name != seriesMigration {
			continue
		}
		text := strings.NewReplacer("CREATE TABLE ", "CREATE TEMP TABLE ", "CREATE INDEX ", "CREATE INDEX temp.").Replace(m.SQL)
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	if err := fillSeries(ctx, tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	s.has = seriesVersion
	return nil
}

// Series returns the series that the filter selects, by app, labels of the
// runs, key and unit, each with its points oldest first. P90 and P999 of the
// points are not known. A series of one metric costs as much as it has points,
// however many runs and metrics the store has.
func (s *Store) Series(ctx context.Context, f history.SeriesFilter) ([]history.Series, error) {
	if err := s.derive(ctx); err != nil {
		return nil, s.explain(err)
	}
	query, args := seriesQuery(f)
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	var list []history.Series
	decode := headDecoder{}
	heads := make(map[int64]*run.Run)
	last := int64(-1)
	for rows.Next() {
		var metric, seq, at, count int64
		var app, of, name, own, unit, id, version, commit, branch, environment, better string
		var dirty bool
		p := history.Point{}
		var stats [7]sql.NullFloat64
		if err := rows.Scan(&metric, &app, &of, &name, &own, &unit, &seq, &at, &id, &version, &commit, &branch, &dirty, &environment,
			&better, &p.Resolution, &count, &p.Statistic, &p.Center,
			&stats[0], &stats[1], &stats[2], &stats[3], &stats[4], &stats[5], &stats[6]); err != nil {
			return nil, s.explain(err)
		}
		if heads[seq] == nil {
			r := &run.Run{ID: id, App: app, Version: version, Commit: commit, Branch: branch, Dirty: dirty}
			if err := decode.into(r, at, of, environment); err != nil {
				return nil, s.explain(err)
			}
			heads[seq] = r
		}
		if metric != last {
			series := history.Series{App: app, RunLabels: heads[seq].Labels, Name: name, Unit: unit}
			if err := json.Unmarshal([]byte(own), &series.Labels); err != nil {
				return nil, s.explain(err)
			}
			series.Labels = some(series.Labels)
			list = append(list, series)
			last = metric
		}
		p.Run, p.Better = heads[seq], run.Better(better)
		p.Stats = run.Stats{Count: count, Mean: number(stats[0]), Min: number(stats[1]), Max: number(stats[2]), Stddev: number(stats[3]),
			P50: number(stats[4]), P95: number(stats[5]), P99: number(stats[6]), P90: math.NaN(), P999: math.NaN()}
		points := &list[len(list)-1].Points
		*points = append(*points, p)
	}
	if err := rows.Err(); err != nil {
		return nil, s.explain(err)
	}
	for i := range list {
		order(list[i].Points)
	}
	slices.SortFunc(list, func(a, b history.Series) int {
		return cmp.Or(strings.Compare(a.App, b.App), strings.Compare(run.Key("", a.RunLabels), run.Key("", b.RunLabels)),
			strings.Compare(a.Key(), b.Key()), strings.Compare(a.Unit, b.Unit))
	})
	return list, nil
}

// seriesQuery returns the one query for the series of a filter, by metric,
// then in the order of time. CROSS JOIN keeps the tables in the order in which
// they are written: from runs that are named to their points, else from the
// metrics. SQLite, which has no statistics here, would walk whole series for a
// few runs.
func seriesQuery(f history.SeriesFilter) (query string, args []any) {
	query = `SELECT m.id, m.app, m.run_labels, m.name, m.labels, m.unit,
		r.seq, r.time, r.id, r.version, r.commit_id, r.branch, r.dirty, r.environment,
		s.better, s.resolution, s.count, s.statistic, s.center, s.mean, s.min, s.max, s.stddev, s.p50, s.p95, s.p99
		FROM `
	if f.Runs == nil {
		query += "metrics m CROSS JOIN series s ON s.metric = m.id CROSS JOIN runs r ON r.seq = s.run WHERE 1"
	} else {
		query += "runs r CROSS JOIN series s ON s.run = r.seq CROSS JOIN metrics m ON m.id = s.metric WHERE 1"
	}
	match := func(condition string, value any, wanted bool) {
		if wanted {
			query += " AND " + condition
			args = append(args, value)
		}
	}
	match("m.app = ?", f.App, f.App != "")
	match("m.key = ?", f.Key, f.Key != "")
	match("m.unit = ?", f.Unit, f.Unit != "")
	match("r.branch = ?", f.Branch, f.Branch != "")
	if f.Runs != nil {
		ids, err := json.Marshal(f.Runs)
		if err != nil {
			panic(err) // strings always encode
		}
		match("r.id IN (SELECT value FROM json_each(?))", string(ids), true)
	}
	return query + " ORDER BY m.id, s.time", args
}

// order sorts points of one time by id. The query has sorted them by time.
func order(points []history.Point) {
	slices.SortStableFunc(points, func(a, b history.Point) int {
		return cmp.Or(a.Run.Timestamp.Compare(b.Run.Timestamp), strings.Compare(a.Run.ID, b.Run.ID))
	})
}

func number(v sql.NullFloat64) float64 {
	if !v.Valid {
		return math.NaN()
	}
	return v.Float64
}

// Metrics returns what was measured in the runs of an app, of any app if it is
// empty, by app, key and unit.
func (s *Store) Metrics(ctx context.Context, app string) ([]history.Metric, error) {
	if err := s.derive(ctx); err != nil {
		return nil, s.explain(err)
	}
	query, args := "SELECT m.app, m.name, m.labels, m.unit, count(*) FROM metrics m JOIN series s ON s.metric = m.id", []any{}
	if app != "" {
		query, args = query+" WHERE m.app = ?", []any{app}
	}
	// Metrics of runs with different labels are one here.
	rows, err := s.db.QueryContext(ctx, query+" GROUP BY m.app, m.key, m.unit ORDER BY m.app, m.key, m.unit", args...)
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	var list []history.Metric
	for rows.Next() {
		var m history.Metric
		var own string
		if err := rows.Scan(&m.App, &m.Name, &own, &m.Unit, &m.Runs); err != nil {
			return nil, s.explain(err)
		}
		if err := json.Unmarshal([]byte(own), &m.Labels); err != nil {
			return nil, s.explain(err)
		}
		m.Labels = some(m.Labels)
		list = append(list, m)
	}
	return list, s.explain(rows.Err())
}

// some is the labels, nil for none.
func some(labels map[string]string) map[string]string {
	if len(labels) == 0 {
		return nil
	}
	return labels
}

// headDecoder decodes the columns of heads that are JSON. Most runs of a store
// have the same: they are decoded once, and shared.
type headDecoder struct {
	labels       map[string]map[string]string
	environments map[string]*run.Environment
}

func (d *headDecoder) into(r *run.Run, at int64, labels, environment string) error {
	if d.labels == nil {
		d.labels, d.environments = make(map[string]map[string]string), make(map[string]*run.Environment)
	}
	r.Timestamp = time.Unix(0, at).UTC()
	if _, met := d.labels[labels]; !met {
		var m map[string]string
		if err := json.Unmarshal([]byte(labels), &m); err != nil {
			return fmt.Errorf("run %s: %w", r.ID, err)
		}
		d.labels[labels] = some(m)
	}
	if _, met := d.environments[environment]; !met {
		var e *run.Environment
		if err := json.Unmarshal([]byte(environment), &e); err != nil {
			return fmt.Errorf("run %s: %w", r.ID, err)
		}
		d.environments[environment] = e
	}
	r.Labels, r.Environment = d.labels[labels], d.environments[environment]
	return nil
}
