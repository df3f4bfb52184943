package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// Series returns the series that the filter selects: see history.Reader. It
// needs no transaction: a run that goes meanwhile takes its points along.
func (s *Store) Series(ctx context.Context, f history.SeriesFilter) ([]history.Series, error) {
	r := reader{store: s, heads: make(map[int64]*run.Run)}
	list, err := r.series(ctx, f)
	if err != nil {
		return nil, s.explain(err)
	}
	return list, nil
}

// reader reads points, and for them the heads of their runs: two queries that
// each walk along an index. A join would be left to guesses about how many
// partitions the runs are in.
type reader struct {
	store *Store
	heads map[int64]*run.Run // by number; nil: not selected
	raws  []rawHead
	block []run.Run // heads that are not used yet
}

// metric is a row of the table of metrics.
type metric struct {
	id     int64
	series history.Series
	runs   []int64 // of the points
	times  []int64
	traits []int32
}

func (r *reader) series(ctx context.Context, f history.SeriesFilter) ([]history.Series, error) {
	metrics, err := r.metrics(ctx, f)
	if err != nil || len(metrics) == 0 {
		return nil, err
	}
	if f.Runs != nil {
		err = r.ofRuns(ctx, metrics, f)
	} else {
		for _, m := range metrics {
			if err = r.ofMetric(ctx, m, f); err != nil {
				break
			}
		}
	}
	if err == nil {
		err = r.store.decode(ctx, r.store.pool, r.raws)
	}
	if err == nil {
		err = r.resolve(ctx, metrics)
	}
	if err != nil {
		return nil, err
	}
	var list []history.Series
	for _, m := range metrics {
		if m.keep(r.heads, f); len(m.series.Points) > 0 {
			list = append(list, m.series)
		}
	}
	history.Sort(list)
	for i := range list {
		if n := len(list[i].Points); f.Last > 0 && n > f.Last {
			list[i].Points = list[i].Points[n-f.Last:]
		}
	}
	return list, nil
}

// grow makes room for one more point, and doubles it: append would copy long
// series four times as often.
func (m *metric) grow() {
	if n := len(m.runs); n == cap(m.series.Points) {
		more := max(n, 16)
		m.series.Points, m.runs, m.times, m.traits = slices.Grow(m.series.Points, more), slices.Grow(m.runs, more), slices.Grow(m.times, more), slices.Grow(m.traits, more)
	}
}

// keep drops the points whose runs were not selected.
func (m *metric) keep(heads map[int64]*run.Run, f history.SeriesFilter) {
	points := m.series.Points[:0]
	for i, p := range m.series.Points {
		if head := heads[m.runs[i]]; head != nil && (f.Branch == "" || head.Branch == f.Branch) {
			p.Run = head
			points = append(points, p)
		}
	}
	m.series.Points = points
}

// metrics returns the metrics that a filter selects.
func (r *reader) metrics(ctx context.Context, f history.SeriesFilter) ([]*metric, error) {
	var c conditions
	c.add(f.App != "", "app = ?", escape(f.App))
	c.add(f.Key != "", "key = ? AND left(key, 100) = left(?, 100)", escape(f.Key), escape(f.Key)) // what the index has
	c.add(f.Unit != "", "unit = ?", escape(f.Unit))
	var list []*metric
	err := each(ctx, r.store.pool, "SELECT id, app, run_labels, name, labels, unit FROM metrics"+c.where(), c.args, func(rows pgx.Rows) error {
		m := &metric{}
		var of, labels string
		if err := rows.Scan(&m.id, &m.series.App, &of, &m.series.Name, &labels, &m.series.Unit); err != nil {
			return err
		}
		for _, text := range []*string{&m.series.App, &m.series.Name, &m.series.Unit} {
			*text = unescape(*text)
		}
		var err error
		if m.series.RunLabels, err = history.DecodeLabels(of); err != nil {
			return err
		}
		m.series.Labels, err = history.DecodeLabels(labels)
		list = append(list, m)
		return err
	})
	return list, err
}

// resolve fills in what traits say of points.
func (r *reader) resolve(ctx context.Context, metrics []*metric) error {
	var ids []int32
	for _, m := range metrics {
		ids = append(ids, m.traits...)
	}
	traits, err := r.store.traitsOf(ctx, r.store.pool, ids)
	if err != nil {
		return err
	}
	for _, m := range metrics {
		for i := range m.series.Points {
			p, t := &m.series.Points[i], traits[m.traits[i]]
			p.Better, p.Resolution, p.Statistic = t.better, t.resolution, t.statistic
			if t.statistic == "median" {
				p.Stats.P50 = p.Center
			}
		}
	}
	return nil
}

// points returns what reads the point of a row, which begins with its number
// in metrics. What rows are scanned into is made once.
func (r *reader) points(find func(int64) *metric) func(pgx.Rows) error {
	var id, at, seq int64
	var kind int32
	var st stats
	into := append([]any{&id, &at, &seq, &kind}, st.into()...)
	return func(rows pgx.Rows) error {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if m := find(id); m != nil {
			m.grow()
			m.series.Points = append(m.series.Points, history.Point{Center: st.center, Stats: st.of("")}) // see resolve
			m.runs, m.times, m.traits = append(m.runs, seq), append(m.times, at), append(m.traits, kind)
		}
		return nil
	}
}

const pointColumns = "SELECT p.metric, p.time, p.run, p.trait, " + statisticColumns + " FROM points p"

// ofMetric reads the points of a metric along the primary key, and the heads
// of their runs. The last ones of a branch it looks for from the newest back, in
// pages that grow.
func (r *reader) ofMetric(ctx context.Context, m *metric, f history.SeriesFilter) error {
	limit := f.Last
	if f.Branch != "" {
		limit = max(limit, fewPoints)
	}
	for found, read := 0, 0; ; limit *= 2 {
		var c conditions
		c.add(true, "p.metric = ?", m.id)
		c.add(!f.Since.IsZero(), "p.time >= ?", nanos(f.Since))
		c.add(!f.Until.IsZero(), "p.time < ?", nanos(f.Until))
		if read > 0 {
			c.add(true, "(p.time, p.run) < (?, ?)", m.times[read-1], m.runs[read-1])
		}
		text := pointColumns + c.where() + " ORDER BY p.time"
		if f.Last > 0 {
			text += c.numbered(" DESC, p.run DESC LIMIT ?", limit)
		}
		if err := each(ctx, r.store.pool, text, c.args, r.points(func(int64) *metric { return m })); err != nil {
			return err
		}
		if err := r.headsOf(ctx, m, read, f.Branch); err != nil {
			return err
		}
		for _, seq := range m.runs[read:] {
			if r.heads[seq] != nil {
				found++
			}
		}
		page := len(m.runs) - read
		read += page
		if f.Last == 0 || page < limit || found >= f.Last {
			return nil
		}
	}
}

// ofRuns reads the points of runs that are named.
func (r *reader) ofRuns(ctx context.Context, metrics []*metric, f history.SeriesFilter) error {
	var c conditions
	ids := make([]string, len(f.Runs))
	for i, id := range f.Runs {
		ids[i] = escape(id)
	}
	c.add(true, "i.id = ANY(?)", ids)
	c.add(!f.Since.IsZero(), "i.time >= ?", nanos(f.Since))
	c.add(!f.Until.IsZero(), "i.time < ?", nanos(f.Until))
	var seqs, times []int64
	err := each(ctx, r.store.pool, "SELECT i.seq, i.time FROM run_ids i"+c.where(), c.args, func(rows pgx.Rows) error {
		var seq, at int64
		err := rows.Scan(&seq, &at)
		seqs, times = append(seqs, seq), append(times, at)
		return err
	})
	if err != nil || len(seqs) == 0 {
		return err
	}
	if err = each(ctx, r.store.pool, "SELECT "+headColumns+" FROM "+oneByOne, []any{times, seqs}, r.head); err != nil {
		return err
	}
	byID := make(map[int64]*metric, len(metrics))
	for _, m := range metrics {
		byID[m.id] = m
	}
	return each(ctx, r.store.pool, pointColumns+" WHERE p.run = ANY($1)", []any{seqs}, r.points(func(id int64) *metric { return byID[id] }))
}

// Metrics returns what was measured: see history.Reader.
func (s *Store) Metrics(ctx context.Context, app string) ([]history.Metric, error) {
	return s.metrics(ctx, app, "SELECT count(*) AS points FROM points p WHERE p.metric = m.id")
}

// Measured is Metrics without counting: see history.Lister.
func (s *Store) Measured(ctx context.Context, app string) ([]history.Metric, error) {
	list, err := s.metrics(ctx, app, "SELECT 1 AS points FROM points p WHERE p.metric = m.id LIMIT 1")
	for i := range list {
		list[i].Runs = 0
	}
	return list, err
}

// metrics returns those of which there are points, by a query that says how many.
func (s *Store) metrics(ctx context.Context, app, many string) ([]history.Metric, error) {
	var c conditions
	c.add(app != "", "m.app = ?", escape(app))
	var list []history.Metric
	// Metrics of runs with different labels are one here.
	err := each(ctx, s.pool, `
		SELECT m.app, m.name, m.labels, m.unit, sum(n.points)::bigint
		FROM metrics m CROSS JOIN LATERAL (`+many+`) n`+c.where()+`
		GROUP BY m.app, m.key, m.unit, m.name, m.labels HAVING sum(n.points) > 0 ORDER BY m.app, m.key, m.unit`, c.args, func(rows pgx.Rows) error {
		var m history.Metric
		var labels string
		if err := rows.Scan(&m.App, &m.Name, &labels, &m.Unit, &m.Runs); err != nil {
			return err
		}
		m.App, m.Name, m.Unit = unescape(m.App), unescape(m.Name), unescape(m.Unit)
		var err error
		if m.Labels, err = history.DecodeLabels(labels); err != nil {
			return fmt.Errorf("metric %s: %w", m.Name, err)
		}
		list = append(list, m)
		return nil
	})
	return list, s.explain(err)
}
