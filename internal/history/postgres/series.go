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

// newHead makes heads by the hundred: they are kept or dropped together.
func (r *reader) newHead() *run.Run {
	if len(r.block) == 0 {
		r.block = make([]run.Run, min(max(16, len(r.raws)), 256))
	}
	head := &r.block[0]
	r.block = r.block[1:]
	return head
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

// fewPoints are those whose runs are looked up one by one without asking whether
// that is the shorter way.
const fewPoints = 500

// oneByOne looks runs up by their times and numbers: in the one partition that has
// it, a run is found in some 10 us. A condition with ANY would have every partition
// look for all of them, and a join may be turned around.
const oneByOne = "unnest($1::bigint[], $2::bigint[]) x (t, s) CROSS JOIN LATERAL (SELECT * FROM runs WHERE runs.time = x.t AND runs.seq = x.s OFFSET 0) r"

// headsOf reads the heads, of a branch if one is named, of a metric's runs from
// one on that are not known yet.
func (r *reader) headsOf(ctx context.Context, m *metric, from int, branch string) error {
	if len(r.heads) == 0 {
		r.heads = make(map[int64]*run.Run, len(m.runs)-from)
	}
	var seqs, times []int64
	for i, seq := range m.runs[from:] {
		if _, met := r.heads[seq]; !met {
			seqs, times = append(seqs, seq), append(times, m.times[from+i])
			r.heads[seq] = nil
		}
	}
	if len(seqs) == 0 {
		return nil
	}
	dense, err := r.dense(ctx, m, times)
	if err != nil {
		return err
	}
	of := history.Labels(m.series.RunLabels)
	text, args := oneByOne+" WHERE true", []any{times, seqs}
	if dense {
		text, args = "runs r WHERE r.app = $1 AND r.labels = $2 AND r.time >= $3 AND r.time <= $4", []any{escape(m.series.App), of, slices.Min(times), slices.Max(times)}
	}
	if branch != "" {
		args = append(args, escape(branch))
		text += fmt.Sprint(" AND r.branch = $", len(args))
	}
	r.raws = slices.Grow(r.raws, len(seqs))
	var seq, at int64
	var environment int32
	var head run.Run
	into := []any{&seq, &head.ID, &head.Version, &head.Commit, &head.Branch, &head.Dirty, &at, &environment}
	return each(ctx, r.store.pool, "SELECT r.seq, r.id, r.version, r.commit_id, r.branch, r.dirty, r.time, r.environment FROM "+text, args,
		func(rows pgx.Rows) error {
			if err := rows.Scan(into...); err != nil {
				return err
			}
			if known, met := r.heads[seq]; !met || known != nil {
				return nil // it did not measure the metric, or another one before
			}
			one := r.newHead()
			*one = run.Run{ID: head.ID, App: m.series.App, Version: unescape(head.Version), Commit: unescape(head.Commit), Branch: unescape(head.Branch), Dirty: head.Dirty}
			r.heads[seq] = one
			r.raws = append(r.raws, rawHead{one, at, of, environment})
			return nil
		})
}

// dense tells whether the runs of a metric are best read with all that the app had
// meanwhile: where those are up to five times as many, going along them is faster
// than looking runs up one by one. It looks at five short stretches of them.
func (r *reader) dense(ctx context.Context, m *metric, times []int64) (bool, error) {
	if len(times) <= fewPoints {
		return false, nil
	}
	const stretches, long = 5, 50
	var from, to []int64
	for i := range stretches {
		at := i * (len(times) - long) / (stretches - 1)
		from, to = append(from, min(times[at], times[at+long-1])), append(to, max(times[at], times[at+long-1]))
	}
	const most = 5 * stretches * long
	n := 0
	err := r.store.pool.QueryRow(ctx, `
		SELECT count(*) FROM unnest($2::bigint[], $3::bigint[]) x (a, b)
		CROSS JOIN LATERAL (SELECT FROM runs WHERE app = $1 AND time >= x.a AND time <= x.b LIMIT $4) r`,
		escape(m.series.App), from, to, most+1).Scan(&n)
	return n <= most, err
}

// head reads the head of a row, if it is not known yet.
func (r *reader) head(rows pgx.Rows) error {
	seq, raw, err := scanHead(rows)
	if r.heads[seq] == nil {
		r.heads[seq] = raw.head
		r.raws = append(r.raws, raw)
	}
	return err
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
