package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// Run returns a whole run, or history.ErrNotFound.
func (s *Store) Run(ctx context.Context, id string) (run.Run, error) {
	var document []byte
	err := s.pool.QueryRow(ctx, "SELECT r.document FROM run_ids i JOIN runs r ON r.time = i.time AND r.seq = i.seq WHERE i.id = $1", escape(id)).Scan(&document)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return run.Run{}, fmt.Errorf("run %s: %w", id, history.ErrNotFound)
	case err != nil:
		return run.Run{}, s.explain(err)
	}
	r, err := history.Unpack(id, document)
	return r, s.explain(err)
}

// headColumns are those that scanHead reads.
const headColumns = "r.seq, r.id, r.app, r.version, r.commit_id, r.branch, r.dirty, r.time, r.labels, r.environment"

// rawHead is what of a head is decoded once all rows are read.
type rawHead struct {
	head        *run.Run
	at          int64
	labels      string
	environment int32
}

// scanHead reads the head of a row, whose first columns are headColumns.
func scanHead(rows pgx.Rows, more ...any) (seq int64, raw rawHead, err error) {
	r := &run.Run{}
	raw.head = r
	err = rows.Scan(append([]any{&seq, &r.ID, &r.App, &r.Version, &r.Commit, &r.Branch, &r.Dirty, &raw.at, &raw.labels, &raw.environment}, more...)...)
	for _, text := range []*string{&r.App, &r.Version, &r.Commit, &r.Branch} {
		*text = unescape(*text)
	}
	return seq, raw, err
}

// decode fills in what is left of heads, where there is one.
func (s *Store) decode(ctx context.Context, db queryer, list []rawHead) error {
	ids := make([]int32, 0, len(list))
	for i := range list {
		if list[i].head != nil {
			ids = append(ids, list[i].environment)
		}
	}
	texts, err := s.environmentTexts(ctx, db, ids)
	if err != nil {
		return err
	}
	decode := history.HeadDecoder{}
	for i := range list {
		if raw := &list[i]; raw.head != nil {
			if err := decode.Decode(raw.head, raw.at, raw.labels, texts[raw.environment]); err != nil {
				return err
			}
		}
	}
	return nil
}

// conditions collects those of a query, with their arguments.
type conditions struct {
	list []string
	args []any
}

// add adds a condition in which each ? stands for the next argument.
func (c *conditions) add(wanted bool, condition string, args ...any) {
	if wanted {
		c.list = append(c.list, c.numbered(condition, args...))
	}
}

func (c *conditions) numbered(text string, args ...any) string {
	for _, arg := range args {
		c.args = append(c.args, arg)
		text = strings.Replace(text, "?", fmt.Sprint("$", len(c.args)), 1)
	}
	return text
}

func (c *conditions) where() string {
	if len(c.list) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.list, " AND ")
}

func (c *conditions) filter(f history.Filter) {
	c.add(f.App != "", "r.app = ?", escape(f.App))
	// The indexes have their beginnings.
	c.add(f.Branch != "", "r.branch = ? AND left(r.branch, 100) = left(?, 100)", escape(f.Branch), escape(f.Branch))
	c.add(f.Version != "", "r.version = ? AND left(r.version, 100) = left(?, 100)", escape(f.Version), escape(f.Version))
	// Ranges walk along the indexes of lower case.
	id, commit := escape(strings.ToLower(f.IDPrefix)), escape(strings.ToLower(f.Commit))
	c.add(id != "", "lower(r.id) >= ? AND lower(r.id) < ?", id, id+"\x7f")
	c.add(commit != "", "lower(r.commit_id) >= ? AND lower(r.commit_id) < ?", commit, commit+"\U0010ffff")
	c.add(!f.Since.IsZero(), "r.time >= ?", nanos(f.Since))
	c.add(!f.Until.IsZero(), "r.time < ?", nanos(f.Until))
	if f.Before != nil {
		// The first condition is for the partitions.
		c.add(true, "r.time <= ? AND (r.time, r.id) < (?, ?)", nanos(f.Before.Time), nanos(f.Before.Time), escape(f.Before.ID))
	}
}

// nanos is a time as the database has it.
func nanos(t time.Time) int64 { return history.Clamp(t).UnixNano() }

// Heads returns the runs that the filter selects: see history.Reader.
func (s *Store) Heads(ctx context.Context, f history.Filter) ([]run.Run, error) {
	var c conditions
	c.filter(f)
	text := "SELECT " + headColumns + " FROM runs r" + c.where() + " ORDER BY r.time DESC, r.id DESC"
	if f.Limit > 0 {
		text += c.numbered(" LIMIT ?", f.Limit)
	}
	var raws []rawHead
	err := each(ctx, s.pool, text, c.args, func(rows pgx.Rows) error {
		_, raw, err := scanHead(rows)
		raws = append(raws, raw)
		return err
	})
	if err == nil {
		err = s.decode(ctx, s.pool, raws)
	}
	if err != nil {
		return nil, s.explain(err)
	}
	list := make([]run.Run, len(raws))
	for i := range raws {
		list[i] = *raws[i].head
	}
	return list, nil
}

// Apps returns the apps that have runs: see history.Reader.
func (s *Store) Apps(ctx context.Context) ([]history.App, error) {
	var list []history.App
	err := each(ctx, s.pool, "SELECT app, count(*), max(time) FROM runs GROUP BY app ORDER BY app", nil, func(rows pgx.Rows) error {
		var a history.App
		var newest int64
		err := rows.Scan(&a.Name, &a.Runs, &newest)
		a.Name, a.Newest = unescape(a.Name), time.Unix(0, newest).UTC()
		list = append(list, a)
		return err
	})
	return list, s.explain(err)
}

// recentRuns is how many of the newest runs are counted for a revision.
const recentRuns = 10_000

// Revision tells whether runs came or went: see history.Revised. The newest
// number alone would not: who got an earlier one may commit later. So the newest
// are counted; only a run that commits after that many others is overlooked,
// until the next one comes.
func (s *Store) Revision(ctx context.Context) (revision string, err error) {
	err = s.pool.QueryRow(ctx, `
		SELECT concat_ws('.', newest, (SELECT count(*) FROM run_ids WHERE seq > newest - $1::bigint), (SELECT n FROM deletions))
		FROM (SELECT coalesce(max(seq), 0) AS newest FROM run_ids) x`, recentRuns).Scan(&revision)
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
	err := s.read(ctx, func(tx pgx.Tx) error {
		var c conditions
		c.filter(f)
		c.add(true, "r.time >= ? AND (r.time, r.id) > (?, ?)", nanos(after.Time), nanos(after.Time), escape(after.ID))
		document := "NULL::bytea"
		if parts.Document {
			document = "r.document"
		}
		text := "SELECT " + headColumns + ", r.timed, r.detail, i.digest, " + document + " FROM runs r JOIN run_ids i ON i.id = r.id" + c.where() +
			c.numbered(" ORDER BY r.time, r.id LIMIT ?", limit)
		bySeq := make(map[int64]*history.Entry)
		var seqs []int64
		var raws []rawHead
		size := 0
		err := each(ctx, tx, text, c.args, func(rows pgx.Rows) error {
			if size >= history.WalkBytes {
				return nil // of the next page
			}
			e := &history.Entry{}
			var digest []byte
			var detail int16
			seq, raw, err := scanHead(rows, &e.Timed, &detail, &digest, &e.Document)
			copy(e.Digest[:], digest)
			e.Detail = history.Detail(detail)
			size += len(e.Document)
			bySeq[seq] = e
			seqs, list, raws = append(seqs, seq), append(list, e), append(raws, raw)
			return err
		})
		if err == nil {
			err = s.decode(ctx, tx, raws)
		}
		for i, e := range list {
			e.Head, e.At = *raws[i].head, raws[i].head.Timestamp
		}
		if err != nil || !parts.Points || len(seqs) == 0 {
			return err
		}
		var columns row
		return each(ctx, tx, `
			SELECT p.run, m.name, m.key, m.unit, m.labels, t.better, t.statistic, t.resolution, `+statisticColumns+`
			FROM points p JOIN metrics m ON m.id = p.metric JOIN traits t ON t.id = p.trait WHERE p.run = ANY($1) ORDER BY p.run, m.id`, []any{seqs},
			func(rows pgx.Rows) error {
				c := columns.of(rows)
				e := bySeq[c.int64()]
				texts := c.texts(6)
				v := history.Value{Name: unescape(texts.cut()), Key: unescape(texts.cut()), Unit: unescape(texts.cut())}
				var err error
				v.Labels, err = history.DecodeLabels(texts.cut())
				v.Better, v.Statistic, v.Resolution = run.Better(texts.cut()), texts.cut(), c.float64()
				var st stats
				st.read(c)
				v.Center, v.Stats = st.center, st.of(v.Statistic)
				e.Points = append(e.Points, v)
				return cmp.Or(c.err, err)
			})
	})
	return list, err
}

// statisticColumns are those that stats reads.
const statisticColumns = "p.count, p.center, p.mean, p.min, p.max, p.stddev, p.p95, p.p99"

// stats are the columns of a point.
type stats struct {
	count  int64
	center float64
	values [6]float64 // NaN: not known
}

// read reads statisticColumns.
func (s *stats) read(c *row) {
	s.count, s.center = c.int64(), c.float64()
	for i := range s.values {
		s.values[i] = c.float64()
	}
}

func (s *stats) of(statistic string) run.Stats {
	v := &s.values
	return history.Statistics(s.center, statistic, s.count, v[0], v[1], v[2], v[3], v[4], v[5])
}
