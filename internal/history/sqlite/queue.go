package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/pacer-perf/pacer/internal/history"
)

// The states of jobs in the file.
const (
	waiting = iota // or leased
	done
	givenUp
)

// Enqueue adds jobs: see history.Queue. The clock is this machine's.
func (s *Store) Enqueue(ctx context.Context, tasks ...history.Task) (added int, err error) {
	err = s.write(ctx, func(c *sqlite.Conn) error {
		added = 0
		for _, t := range tasks {
			n, err := enqueue(c, t, time.Now())
			if err != nil {
				return err
			}
			added += n
		}
		return nil
	})
	return added, s.explain(err)
}

func enqueue(c *sqlite.Conn, t history.Task, now time.Time) (int, error) {
	text := `INSERT INTO jobs (kind, key, payload, state, enqueued, free, worker, lease, attempts, reason)
		VALUES (?1, ?2, ?3, 0, ?4, ?4, '', 0, 0, '') ON CONFLICT (kind, key) DO `
	if t.Again {
		text += `UPDATE SET payload = excluded.payload, state = 0, enqueued = excluded.enqueued, free = excluded.free,
			worker = '', attempts = 0, reason = '', result = NULL WHERE state <> 0`
	} else {
		text += "NOTHING"
	}
	err := query(c, text, nil, t.Kind, t.Key, t.Payload, now.UnixNano())
	return c.Changes(), err
}

const jobColumns = "kind, key, payload, state, enqueued, free, worker, lease, attempts, reason, result"

func job(r *sqlite.Stmt, now time.Time) history.Job {
	j := history.Job{Kind: r.ColumnText(0), Key: r.ColumnText(1), Payload: blob(r, 2),
		Enqueued: time.Unix(0, r.ColumnInt64(4)).UTC(), Until: time.Unix(0, r.ColumnInt64(5)).UTC(),
		Worker: r.ColumnText(6), Lease: r.ColumnInt64(7), Attempts: r.ColumnInt(8), Reason: r.ColumnText(9), Result: blob(r, 10)}
	switch {
	case r.ColumnInt(3) == done:
		j.State = history.JobDone
	case r.ColumnInt(3) == givenUp:
		j.State = history.JobGivenUp
	case j.Worker != "" && j.Until.After(now):
		j.State = history.JobLeased
	default:
		j.State = history.JobWaiting
	}
	return j
}

// Lease reserves jobs for a worker: see history.Queue.
func (s *Store) Lease(ctx context.Context, kind, worker string, n int, lease time.Duration) ([]history.Job, error) {
	type leased struct {
		job history.Job
		seq int64
	}
	var list []leased
	err := s.write(ctx, func(c *sqlite.Conn) error {
		now := time.Now()
		list = nil
		if err := query(c, giveUp, nil, kind, now.UnixNano()); err != nil {
			return err
		}
		return query(c, `UPDATE jobs SET worker = ?, lease = lease + 1, attempts = attempts + 1, free = ?
			WHERE seq IN (SELECT seq FROM jobs WHERE kind = ? AND state = 0 AND free <= ? ORDER BY free, seq LIMIT ?)
			RETURNING `+jobColumns+", seq",
			func(r *sqlite.Stmt) error { list = append(list, leased{job(r, now), r.ColumnInt64(11)}); return nil },
			worker, now.Add(lease).UnixNano(), kind, now.UnixNano(), n)
	})
	if err != nil {
		return nil, s.explain(err)
	}
	// RETURNING has no order.
	slices.SortFunc(list, func(a, b leased) int { return cmp.Compare(a.seq, b.seq) })
	var jobs []history.Job
	for _, l := range list {
		jobs = append(jobs, l.job)
	}
	return jobs, nil
}

// giveUp ends the jobs of a kind that were leased too often. How often is
// written out: so the index of those few is used.
var giveUp = fmt.Sprintf(`UPDATE jobs SET state = %d, worker = '', reason = CASE reason WHEN '' THEN 'its workers ended without a word' ELSE reason END
	WHERE kind = ? AND state = %d AND free <= ? AND attempts >= %d`, givenUp, waiting, history.MaxAttempts)

// leased changes a job that its worker still has, or returns
// history.ErrLeaseLost.
func (s *Store) leased(ctx context.Context, j history.Job, set string, args ...any) error {
	return s.explain(s.write(ctx, func(c *sqlite.Conn) error {
		args = append(args, j.Kind, j.Key, j.Lease, j.Worker)
		err := query(c, "UPDATE jobs SET "+set+" WHERE kind = ? AND key = ? AND lease = ? AND worker = ? AND state = 0", nil, args...)
		if err == nil && c.Changes() == 0 {
			err = fmt.Errorf("job %s %s: %w", j.Kind, j.Key, history.ErrLeaseLost)
		}
		return err
	}))
}

// Extend prolongs a lease: see history.Queue.
func (s *Store) Extend(ctx context.Context, j history.Job, lease time.Duration) error {
	return s.leased(ctx, j, "free = ?", time.Now().Add(lease).UnixNano())
}

// Complete ends a job: see history.Queue.
func (s *Store) Complete(ctx context.Context, j history.Job, result []byte) error {
	return s.leased(ctx, j, "state = 1, reason = '', result = ?", result)
}

// Release gives a job back: see history.Queue.
func (s *Store) Release(ctx context.Context, j history.Job, after time.Duration, reason string) error {
	return s.leased(ctx, j, "worker = '', free = ?, reason = ?", time.Now().Add(after).UnixNano(), reason)
}

// Job returns a job: see history.Queue.
func (s *Store) Job(ctx context.Context, kind, key string) (history.Job, error) {
	var j history.Job
	err := s.read(ctx, func(c *sqlite.Conn) error {
		return query(c, "SELECT "+jobColumns+" FROM jobs WHERE kind = ? AND key = ?",
			func(r *sqlite.Stmt) error { j = job(r, time.Now()); return nil }, kind, key)
	})
	if err == nil && j.Kind == "" {
		err = fmt.Errorf("job %s %s: %w", kind, key, history.ErrNotFound)
	}
	return j, s.explain(err)
}

// Jobs returns jobs by key: see history.Queue.
func (s *Store) Jobs(ctx context.Context, kind string, keys ...string) (map[string]history.Job, error) {
	jobs := make(map[string]history.Job, len(keys))
	now := time.Now()
	err := s.read(ctx, func(c *sqlite.Conn) error {
		return transaction(c, func() error {
			for _, key := range keys {
				if err := query(c, "SELECT "+jobColumns+" FROM jobs WHERE kind = ? AND key = ?",
					func(r *sqlite.Stmt) error { jobs[key] = job(r, now); return nil }, kind, key); err != nil {
					return err
				}
			}
			return nil
		})
	})
	return jobs, s.explain(err)
}

// Waiting counts jobs: see history.Queue.
func (s *Store) Waiting(ctx context.Context, kind string) (n int, err error) {
	err = s.read(ctx, func(c *sqlite.Conn) error {
		return query(c, "SELECT count(*) FROM jobs WHERE kind = ? AND state = 0", func(r *sqlite.Stmt) error { n = r.ColumnInt(0); return nil }, kind)
	})
	return n, s.explain(err)
}
