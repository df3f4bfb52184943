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
	r := newReader(s)
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
	place map[int64]int32 // of a run, by its number, in heads
	heads []rawHead       // without a head: not selected
	block []run.Run       // heads that are not used yet
}

func newReader(s *Store) *reader { return &reader{store: s, place: make(map[int64]int32)} }

// metric is a row of the table of metrics.
type metric struct {
	id     int64
	series history.Series
	points []point
}

// point is a row of the table of points.
type point struct {
	run, time   int64
	head, trait int32 // the place of the run's head in those of the reader
	stats       stats
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
		err = r.store.decode(ctx, r.store.pool, r.heads)
	}
	if err == nil {
		err = r.resolve(ctx, metrics, f.Branch)
	}
	if err != nil {
		return nil, err
	}
	var list []history.Series
	for _, m := range metrics {
		if len(m.series.Points) > 0 {
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

// resolve makes the points of series out of those that were read, but those whose
// runs were not selected.
func (r *reader) resolve(ctx context.Context, metrics []*metric, branch string) error {
	var ids []int32
	for _, m := range metrics {
		for i := range m.points {
			ids = append(ids, m.points[i].trait)
		}
	}
	traits, err := r.store.traitsOf(ctx, r.store.pool, ids)
	if err != nil {
		return err
	}
	for _, m := range metrics {
		selected := func(p *point) bool {
			head := r.heads[p.head].head
			return head != nil && (branch == "" || head.Branch == branch)
		}
		n := 0
		for i := range m.points {
			if selected(&m.points[i]) {
				n++
			}
		}
		m.series.Points = make([]history.Point, 0, n)
		var kind int32
		var t trait
		for i := range m.points {
			p := &m.points[i]
			if !selected(p) {
				continue
			}
			if p.trait != kind { // most often many in a row have the same
				kind, t = p.trait, traits[p.trait]
			}
			m.series.Points = append(m.series.Points, history.Point{
				Run: r.heads[p.head].head, Better: t.better, Resolution: t.resolution, Center: p.stats.center, Statistic: t.statistic, Stats: p.stats.of(t.statistic),
			})
		}
	}
	return nil
}

// pointColumns are those that add reads.
const pointColumns = "p.time, p.run, p.trait, " + statisticColumns

func (m *metric) add(c *row) {
	if n := len(m.points); n == cap(m.points) {
		m.points = slices.Grow(m.points, max(n, 16)) // append would copy long series four times as often
	}
	p := point{time: c.int64(), run: c.int64(), trait: c.int32()}
	p.stats.read(c)
	m.points = append(m.points, p)
}

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
			c.add(true, "(p.time, p.run) < (?, ?)", m.points[read-1].time, m.points[read-1].run)
		}
		text := "SELECT " + pointColumns + " FROM points p" + c.where() + " ORDER BY p.time"
		if f.Last > 0 {
			text += c.numbered(" DESC, p.run DESC LIMIT ?", limit)
		}
		var columns row
		if err := each(ctx, r.store.pool, text, c.args, func(rows pgx.Rows) error {
			c := columns.of(rows)
			m.add(c)
			return c.err
		}); err != nil {
			return err
		}
		page := m.points[read:]
		if err := r.headsOf(ctx, m, page, f.Branch); err != nil {
			return err
		}
		for i := range page {
			if r.heads[page[i].head].head != nil {
				found++
			}
		}
		read += len(page)
		if f.Last == 0 || len(page) < limit || found >= f.Last {
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
	var columns row
	err = each(ctx, r.store.pool, "SELECT p.metric, "+pointColumns+" FROM points p WHERE p.run = ANY($1)", []any{seqs}, func(rows pgx.Rows) error {
		c := columns.of(rows)
		if m := byID[c.int64()]; m != nil {
			m.add(c)
		}
		return c.err
	})
	for _, m := range metrics {
		for i := range m.points {
			m.points[i].head = r.placeOf(m.points[i].run, m.points[i].time)
		}
	}
	return err
}

// Metrics returns what was measured: see history.Reader.
func (s *Store) Metrics(ctx context.Context, app string) ([]history.Metric, error) {
	var c conditions
	c.add(true, "EXISTS (SELECT FROM points p WHERE p.metric = m.id OFFSET 0)") // looked up, not joined
	c.add(app != "", "m.app = ?", escape(app))
	var list []history.Metric
	// Metrics of runs with different labels are one here.
	err := each(ctx, s.pool, "SELECT DISTINCT m.app, m.key, m.unit, m.name, m.labels FROM metrics m"+c.where()+" ORDER BY m.app, m.key, m.unit", c.args, func(rows pgx.Rows) error {
		var m history.Metric
		var key, labels string
		if err := rows.Scan(&m.App, &key, &m.Unit, &m.Name, &labels); err != nil {
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
