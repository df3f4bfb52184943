package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// newHead makes heads by the hundred: they are kept or dropped together.
func (r *reader) newHead() *run.Run {
	if len(r.block) == 0 {
		r.block = make([]run.Run, min(max(16, len(r.heads)), 256))
	}
	head := &r.block[0]
	r.block = r.block[1:]
	return head
}

// fewPoints are those whose runs are looked up one by one without asking whether
// that is the shorter way.
const fewPoints = 500

const (
	// oneByOne looks runs up by their times and numbers: in the one partition that has
	// it, a run is found in some 10 us. A condition with ANY would have every partition
	// look for all of them, and a join may be turned around.
	oneByOne = "unnest($1::bigint[], $2::bigint[]) x (t, s) CROSS JOIN LATERAL (SELECT * FROM runs WHERE runs.time = x.t AND runs.seq = x.s OFFSET 0) r"

	// along reads runs in stretches of time. One stretch alone is read without it, a
	// fifth faster.
	along = "unnest($1::bigint[], $2::bigint[]) x (a, b) CROSS JOIN LATERAL (SELECT * FROM runs WHERE app = $3 AND time >= x.a AND time <= x.b OFFSET 0) r"
)

// placeOf is the place of the head of a run of some time, which is made if it is new.
func (r *reader) placeOf(seq, at int64) int32 {
	k, met := r.place[seq]
	if !met {
		k = int32(len(r.heads))
		r.place[seq], r.heads = k, append(r.heads, rawHead{at: at})
	}
	return k
}

// headsOf reads the heads, of a branch if one is named, of the runs of some points of
// a metric that are not known yet.
func (r *reader) headsOf(ctx context.Context, m *metric, points []point, branch string) error {
	if len(r.heads) == 0 {
		r.place, r.heads = make(map[int64]int32, len(points)), make([]rawHead, 0, len(points))
	}
	var seqs, times []int64
	for i := range points {
		p, known := &points[i], int32(len(r.heads))
		if p.head = r.placeOf(p.run, p.time); p.head == known {
			seqs, times = append(seqs, p.run), append(times, p.time)
		}
	}
	dense, sparse, err := r.ways(ctx, m, seqs, times)
	if err != nil {
		return err
	}
	app := escape(m.series.App)
	switch len(dense.from) {
	case 0:
	case 1:
		var c conditions
		c.add(true, "r.app = ? AND r.time >= ? AND r.time <= ?", app, dense.from[0], dense.to[0])
		err = r.readHeads(ctx, m, "runs r", c, branch)
	default:
		err = r.readHeads(ctx, m, along, conditions{args: []any{dense.from, dense.to, app}}, branch)
	}
	if err == nil && len(sparse.seqs) > 0 {
		err = r.readHeads(ctx, m, oneByOne, conditions{args: []any{sparse.times, sparse.seqs}}, branch)
	}
	return err
}

// readHeads reads the heads of a metric's runs, those of a branch if one is named.
func (r *reader) readHeads(ctx context.Context, m *metric, from string, c conditions, branch string) error {
	labels := history.Labels(m.series.RunLabels)
	c.add(true, "r.labels = ?", labels)
	c.add(branch != "", "r.branch = ?", escape(branch))
	text := "SELECT r.seq, r.environment, r.dirty, r.id, r.version, r.commit_id, r.branch FROM " + from + c.where()
	var columns row
	return each(ctx, r.store.pool, text, c.args, func(rows pgx.Rows) error {
		c := columns.of(rows)
		k, met := r.place[c.int64()]
		if !met || r.heads[k].head != nil {
			return c.err // it did not measure the metric, or another one before
		}
		raw := &r.heads[k]
		raw.head, raw.labels, raw.environment = r.newHead(), labels, c.int32()
		raw.head.App, raw.head.Dirty = m.series.App, c.bool()
		texts := c.texts(4)
		raw.head.ID, raw.head.Version, raw.head.Commit, raw.head.Branch = texts.cut(), unescape(texts.cut()), unescape(texts.cut()), unescape(texts.cut())
		return c.err
	})
}

// stretches are from a time to another one, both with them.
type stretches struct{ from, to []int64 }

// add adds the stretch from the first to the last of times in order.
func (s *stretches) add(times []int64) {
	first, last := times[0], times[len(times)-1]
	s.from, s.to = append(s.from, min(first, last)), append(s.to, max(first, last))
}

// extend makes the last stretch reach as far as times do.
func (s *stretches) extend(times []int64) {
	n := len(s.from) - 1
	s.from[n], s.to[n] = min(s.from[n], times[len(times)-1]), max(s.to[n], times[len(times)-1])
}

// places are where runs are found one by one.
type places struct{ seqs, times []int64 }

// ways tells how the runs of a metric are best read, which are in the order of
// their times. Where an app had up to five times as many meanwhile, going along
// all of them is faster than looking runs up one by one. That is told part by part,
// from how many there were at both ends of it: counting all would take as long as
// it may save.
func (r *reader) ways(ctx context.Context, m *metric, seqs, times []int64) (dense stretches, sparse places, err error) {
	if len(seqs) <= fewPoints {
		return dense, places{seqs, times}, nil
	}
	const most, end = 5, 25
	list := parts(times)
	var ends stretches
	for _, p := range list {
		n := min(end, len(p.times))
		ends.add(p.times[:n])
		ends.add(p.times[len(p.times)-n:])
	}
	var counts []int
	err = each(ctx, r.store.pool, `
		SELECT (SELECT count(*) FROM (SELECT FROM runs WHERE app = $1 AND time >= x.a AND time <= x.b LIMIT $4) r)
		FROM unnest($2::bigint[], $3::bigint[]) WITH ORDINALITY x (a, b, i) ORDER BY x.i`,
		[]any{escape(m.series.App), ends.from, ends.to, 2*most*end + 1}, func(rows pgx.Rows) error {
			n := 0
			err := rows.Scan(&n)
			counts = append(counts, n)
			return err
		})
	if err != nil {
		return dense, sparse, err
	}
	isDense := false
	for i, p := range list {
		before := isDense
		isDense = counts[2*i]+counts[2*i+1] <= 2*most*min(end, len(p.times))
		switch {
		case !isDense:
			sparse.seqs, sparse.times = append(sparse.seqs, seqs[:len(p.times)]...), append(sparse.times, p.times...)
		case before && !p.away:
			dense.extend(p.times)
		default:
			dense.add(p.times)
		}
		seqs = seqs[len(p.times):]
	}
	return dense, sparse, nil
}

// part is a part of a metric's points.
type part struct {
	times []int64
	away  bool // before it the metric was away for long
}

// parts cuts times in order into parts of up to a thousand, and wherever nothing
// was for longer than a tenth of what a thousand take.
func parts(times []int64) (list []part) {
	const long = 1000
	apart := func(a, b int) int64 { return max(times[b]-times[a], times[a]-times[b]) }
	for begin := 0; begin < len(times); begin += long {
		end := min(begin+long, len(times))
		gap := apart(max(0, end-long), end-1) / 10
		for i := begin; i < end; i++ {
			away := i > 0 && apart(i-1, i) > gap
			if i == begin || away {
				list = append(list, part{away: away})
			}
			p := &list[len(list)-1]
			p.times = append(p.times, times[i])
		}
	}
	return list
}

// head reads the head of a row, if it is not known yet.
func (r *reader) head(rows pgx.Rows) error {
	seq, raw, err := scanHead(rows)
	if k := r.placeOf(seq, raw.at); r.heads[k].head == nil {
		r.heads[k] = raw
	}
	return err
}
