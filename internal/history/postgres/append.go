package postgres

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

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
	if len(b.Entries) == 0 {
		return nil, nil
	}
	audit := history.AuditOf(ctx)
	ctx = history.WithoutAudit(ctx)
	if err := s.partition(ctx, b.Entries); err != nil {
		return nil, s.explain(err)
	}
	numbers, err := s.numbers(ctx, b.Entries)
	if err != nil {
		return nil, s.explain(err)
	}
	var outcomes []history.Outcome
	keep := func(tx pgx.Tx) error {
		fresh, result, err := register(ctx, tx, b.Entries)
		if err != nil {
			return err
		}
		outcomes = result
		if len(fresh) == 0 {
			return nil
		}
		if err := copyRuns(ctx, tx, fresh, numbers); err != nil {
			return err
		}
		if err := copyPoints(ctx, tx, fresh, numbers); err != nil {
			return err
		}
		if audit != nil {
			if err := record(ctx, tx, audit.Counted(len(fresh))); err != nil {
				return err
			}
		}
		if b.Enqueue == "" {
			return nil
		}
		var tasks []history.Task
		for _, r := range fresh {
			tasks = append(tasks, history.Task{Kind: b.Enqueue, Key: r.entry.Head.ID})
		}
		_, err = enqueue(ctx, tx, tasks)
		return err
	}
	if err = s.write(ctx, keep); misplaced(err) {
		err = s.write(ctx, keep)
	}
	return outcomes, s.explain(err)
}

// numbered is an entry that is new, with its number.
type numbered struct {
	entry *history.Entry
	seq   int64
}

// register gives numbers to the runs whose ids are free, in the order of the
// entries, and says what becomes of each entry.
func register(ctx context.Context, tx pgx.Tx, entries []*history.Entry) ([]numbered, []history.Outcome, error) {
	first := make(map[string]*history.Entry, len(entries))
	var distinct []*history.Entry
	for _, e := range entries {
		if first[e.Head.ID] == nil {
			first[e.Head.ID] = e
			distinct = append(distinct, e)
		}
	}
	// In one order, so that two who append the same runs do not wait for each
	// other in a circle.
	slices.SortFunc(distinct, func(a, b *history.Entry) int { return cmp.Compare(a.Head.ID, b.Head.ID) })
	var ids []string
	var times []int64
	var digests [][]byte
	for _, e := range distinct {
		ids, times, digests = append(ids, e.Head.ID), append(times, e.At.UnixNano()), append(digests, e.Digest[:])
	}
	seqs := make(map[string]int64, len(ids))
	err := each(ctx, tx, `
		INSERT INTO run_ids (id, time, digest) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bytea[])
		ON CONFLICT (id) DO NOTHING RETURNING id, seq`, []any{ids, times, digests},
		func(rows pgx.Rows) error {
			var id string
			var seq int64
			err := rows.Scan(&id, &seq)
			seqs[id] = seq
			return err
		})
	if err != nil {
		return nil, nil, err
	}
	kept := make(map[string][]byte)
	if len(seqs) < len(ids) {
		taken := slices.DeleteFunc(ids, func(id string) bool { return seqs[id] != 0 })
		err := each(ctx, tx, "SELECT id, digest FROM run_ids WHERE id = ANY($1)", []any{taken}, func(rows pgx.Rows) error {
			var id string
			var digest []byte
			err := rows.Scan(&id, &digest)
			kept[id] = digest
			return err
		})
		if err != nil {
			return nil, nil, err
		}
	}
	var fresh []numbered
	outcomes := make([]history.Outcome, len(entries))
	for i, e := range entries {
		id := e.Head.ID
		digest, taken := kept[id]
		switch {
		case !taken && seqs[id] == 0:
			return nil, nil, fmt.Errorf("run %s: %w: it is being deleted", id, history.ErrUnavailable)
		case !taken && first[id] == e:
			outcomes[i].Added = true
			fresh = append(fresh, numbered{e, seqs[id]})
		case !taken:
			digest = first[id].Digest[:]
			fallthrough
		default:
			if !bytes.Equal(digest, e.Digest[:]) {
				outcomes[i].Err = &history.ConflictError{ID: id}
			}
		}
	}
	return fresh, outcomes, nil
}

func copyRuns(ctx context.Context, tx pgx.Tx, fresh []numbered, n numbers) error {
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"runs"},
		[]string{"seq", "id", "app", "version", "commit_id", "branch", "dirty", "time", "timed", "labels", "environment", "detail", "document"},
		pgx.CopyFromSlice(len(fresh), func(i int) ([]any, error) {
			e := fresh[i].entry
			h := &e.Head
			return []any{fresh[i].seq, h.ID, escape(h.App), escape(h.Version), escape(h.Commit), escape(h.Branch), h.Dirty, e.At.UnixNano(), e.Timed,
				history.Labels(h.Labels), n[e].environment, int16(e.Detail), e.Document}, nil
		}))
	return err
}

func copyPoints(ctx context.Context, tx pgx.Tx, fresh []numbered, n numbers) error {
	type point struct {
		metric, time, run int64
		trait             int32
		value             *history.Value
	}
	var points []point
	for _, r := range fresh {
		of := n[r.entry]
		for i := range r.entry.Points {
			points = append(points, point{of.metrics[i], r.entry.At.UnixNano(), r.seq, of.traits[i], &r.entry.Points[i]})
		}
	}
	// In the order of the table, each series at a stretch.
	slices.SortFunc(points, func(a, b point) int {
		if a.metric != b.metric {
			return cmp.Compare(a.metric, b.metric)
		}
		return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.run, b.run))
	})
	row := make([]any, 12)
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"points"},
		[]string{"metric", "time", "run", "trait", "count", "center", "mean", "min", "max", "stddev", "p95", "p99"},
		pgx.CopyFromSlice(len(points), func(i int) ([]any, error) {
			p := &points[i]
			s := &p.value.Stats
			row[0], row[1], row[2], row[3], row[4], row[5] = p.metric, p.time, p.run, p.trait, s.Count, p.value.Center
			for i, v := range [...]float64{s.Mean, s.Min, s.Max, s.Stddev, s.P95, s.P99} {
				row[6+i] = known(v)
			}
			return row, nil
		}))
	return err
}

// known is what a column holds of a statistic: null if it is not known.
func known(v float64) any {
	if v != v {
		return nil
	}
	return v
}
