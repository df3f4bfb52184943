package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pacer-perf/pacer/internal/history"
)

// The states of jobs in the database.
const (
	waiting = iota // or leased
	done
	givenUp
)

// Enqueue adds jobs: see history.Queue. The clock is the database's.
func (s *Store) Enqueue(ctx context.Context, tasks ...history.Task) (added int, err error) {
	err = s.write(ctx, func(tx pgx.Tx) error {
		added, err = enqueue(ctx, tx, tasks)
		return err
	})
	return added, s.explain(err)
}

func enqueue(ctx context.Context, tx pgx.Tx, tasks []history.Task) (int, error) {
	// In one order, so that two who add the same do not wait for each other in
	// a circle. The numbers of the jobs are in the order in which they came.
	batch := &pgx.Batch{}
	order := slices.Clone(tasks)
	slices.SortStableFunc(order, func(a, b history.Task) int { return strings.Compare(a.Kind+"\x00"+a.Key, b.Kind+"\x00"+b.Key) })
	for _, t := range order {
		text := `INSERT INTO jobs (kind, key, payload, state, enqueued, free, worker, lease, attempts, reason)
			VALUES ($1, $2, $3, 0, clock_timestamp(), clock_timestamp(), '', 0, 0, '') ON CONFLICT (kind, key) DO `
		if t.Again {
			text += `UPDATE SET payload = excluded.payload, state = 0, enqueued = excluded.enqueued, free = excluded.free,
				worker = '', attempts = 0, reason = '', result = NULL WHERE jobs.state <> 0`
		} else {
			text += "NOTHING"
		}
		batch.Queue(text, escape(t.Kind), escape(t.Key), t.Payload)
	}
	results := tx.SendBatch(ctx, batch)
	added := 0
	for range order {
		tag, err := results.Exec()
		if err != nil {
			return 0, errors.Join(err, results.Close())
		}
		added += int(tag.RowsAffected())
	}
	return added, results.Close()
}

const jobColumns = "kind, key, payload, state, enqueued, free, worker, lease, attempts, reason, result, worker <> '' AND free > clock_timestamp()"

func scanJob(row pgx.Row, more ...any) (history.Job, error) {
	var j history.Job
	var state int16
	var leased bool
	err := row.Scan(append([]any{&j.Kind, &j.Key, &j.Payload, &state, &j.Enqueued, &j.Until, &j.Worker, &j.Lease, &j.Attempts, &j.Reason, &j.Result, &leased}, more...)...)
	j.Kind, j.Key, j.Worker, j.Reason = unescape(j.Kind), unescape(j.Key), unescape(j.Worker), unescape(j.Reason)
	j.Enqueued, j.Until = j.Enqueued.UTC(), j.Until.UTC()
	switch {
	case state == done:
		j.State = history.JobDone
	case state == givenUp:
		j.State = history.JobGivenUp
	case leased:
		j.State = history.JobLeased
	default:
		j.State = history.JobWaiting
	}
	return j, err
}

// Lease reserves jobs for a worker: see history.Queue.
func (s *Store) Lease(ctx context.Context, kind, worker string, n int, lease time.Duration) ([]history.Job, error) {
	type leased struct {
		job history.Job
		seq int64
	}
	var list []leased
	err := s.write(ctx, func(tx pgx.Tx) error {
		list = nil
		if _, err := tx.Exec(ctx, giveUp, escape(kind)); err != nil {
			return err
		}
		return each(ctx, tx, `
			UPDATE jobs SET worker = $1, lease = lease + 1, attempts = attempts + 1, free = clock_timestamp() + $2 * interval '1 microsecond'
			WHERE seq IN (SELECT seq FROM jobs WHERE kind = $3 AND state = 0 AND free <= clock_timestamp() ORDER BY free, seq LIMIT $4 FOR UPDATE SKIP LOCKED)
			RETURNING `+jobColumns+", seq", []any{escape(worker), lease.Microseconds(), escape(kind), n},
			func(rows pgx.Rows) error {
				var l leased
				var err error
				l.job, err = scanJob(rows, &l.seq)
				list = append(list, l)
				return err
			})
	})
	if err != nil {
		return nil, s.explain(err)
	}
	slices.SortFunc(list, func(a, b leased) int { return int(a.seq - b.seq) })
	var jobs []history.Job
	for _, l := range list {
		jobs = append(jobs, l.job)
	}
	return jobs, nil
}

// giveUp ends the jobs of a kind that were leased too often. How often is
// written out: so the index of those few is used.
var giveUp = fmt.Sprintf(`
	UPDATE jobs SET state = %d, worker = '', reason = CASE reason WHEN '' THEN 'its workers ended without a word' ELSE reason END
	WHERE seq IN (SELECT seq FROM jobs WHERE kind = $1 AND state = %d AND free <= clock_timestamp() AND attempts >= %d FOR UPDATE SKIP LOCKED)`,
	givenUp, waiting, history.MaxAttempts)

// leased changes a job that its worker still has, or returns
// history.ErrLeaseLost.
func (s *Store) leased(ctx context.Context, j history.Job, set string, args ...any) error {
	tag, err := s.pool.Exec(ctx, "UPDATE jobs SET "+set+" WHERE kind = $1 AND key = $2 AND lease = $3 AND worker = $4 AND state = 0",
		append([]any{escape(j.Kind), escape(j.Key), j.Lease, escape(j.Worker)}, args...)...)
	if err == nil && tag.RowsAffected() == 0 {
		err = fmt.Errorf("job %s %s: %w", j.Kind, j.Key, history.ErrLeaseLost)
	}
	return s.explain(err)
}

// Extend prolongs a lease: see history.Queue.
func (s *Store) Extend(ctx context.Context, j history.Job, lease time.Duration) error {
	return s.leased(ctx, j, "free = clock_timestamp() + $5 * interval '1 microsecond'", lease.Microseconds())
}

// Complete ends a job: see history.Queue.
func (s *Store) Complete(ctx context.Context, j history.Job, result []byte) error {
	return s.leased(ctx, j, "state = 1, reason = '', result = $5", result)
}

// Release gives a job back: see history.Queue.
func (s *Store) Release(ctx context.Context, j history.Job, after time.Duration, reason string) error {
	return s.leased(ctx, j, "worker = '', free = clock_timestamp() + $5 * interval '1 microsecond', reason = $6", after.Microseconds(), escape(reason))
}

// Job returns a job: see history.Queue.
func (s *Store) Job(ctx context.Context, kind, key string) (history.Job, error) {
	j, err := scanJob(s.pool.QueryRow(ctx, "SELECT "+jobColumns+" FROM jobs WHERE kind = $1 AND key = $2", escape(kind), escape(key)))
	if errors.Is(err, pgx.ErrNoRows) {
		err = fmt.Errorf("job %s %s: %w", kind, key, history.ErrNotFound)
	}
	return j, s.explain(err)
}

// Jobs returns jobs by key: see history.Queue.
func (s *Store) Jobs(ctx context.Context, kind string, keys ...string) (map[string]history.Job, error) {
	jobs := make(map[string]history.Job, len(keys))
	wanted := make([]string, len(keys))
	for i, key := range keys {
		wanted[i] = escape(key)
	}
	err := each(ctx, s.pool, "SELECT "+jobColumns+" FROM jobs WHERE kind = $1 AND key = ANY($2)", []any{escape(kind), wanted}, func(rows pgx.Rows) error {
		j, err := scanJob(rows)
		jobs[j.Key] = j
		return err
	})
	return jobs, s.explain(err)
}

// Waiting counts jobs: see history.Queue.
func (s *Store) Waiting(ctx context.Context, kind string) (n int, err error) {
	err = s.pool.QueryRow(ctx, "SELECT count(*) FROM jobs WHERE kind = $1 AND state = 0", escape(kind)).Scan(&n)
	return n, s.explain(err)
}
