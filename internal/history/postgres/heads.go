package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// newHead makes heads by the hundred: they are kept or dropped together.
func (r *reader) newHead() *run.Run {
	if len(r.block) == 0 {
		r.block = make([]run.Run, min(max(16, len(r.raws)), 256))
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

	// along reads all that an app had with some labels in stretches of time.
	along = `unnest($1::bigint[], $2::bigint[]) x (a, b) CROSS JOIN LATERAL (SELECT seq, id, version, commit_id, branch, dirty, time, environment
		FROM runs WHERE app = $3 AND labels = $4 AND time >= x.a AND time <= x.b OFFSET 0) r`
)

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
	r.raws = slices.Grow(r.raws, len(seqs))
	stretches, sparse, err := r.ways(ctx, m, seqs, times)
	if err == nil && len(stretches.from) > 0 {
		err = r.readHeads(ctx, m, branch, along, stretches.from, stretches.to, escape(m.series.App), history.Labels(m.series.RunLabels))
	}
	if err == nil && len(sparse.seqs) > 0 {
		err = r.readHeads(ctx, m, branch, oneByOne, sparse.times, sparse.seqs)
	}
	return err
}

// readHeads reads the heads of a metric's runs, those of a branch if one is named.
func (r *reader) readHeads(ctx context.Context, m *metric, branch, from string, args ...any) error {
	of := history.Labels(m.series.RunLabels)
	text := "SELECT r.seq, r.id, r.version, r.commit_id, r.branch, r.dirty, r.time, r.environment FROM " + from
	if branch != "" {
		args = append(args, escape(branch))
		text += fmt.Sprint(" WHERE r.branch = $", len(args))
	}
	var seq, at int64
	var environment int32
	var head run.Run
	into := []any{&seq, &head.ID, &head.Version, &head.Commit, &head.Branch, &head.Dirty, &at, &environment}
	return each(ctx, r.store.pool, text, args, func(rows pgx.Rows) error {
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
	if r.heads[seq] == nil {
		r.heads[seq] = raw.head
		r.raws = append(r.raws, raw)
	}
	return err
}
