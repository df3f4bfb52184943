package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pacer-perf/pacer/internal/history"
)

// Making a partition takes runs_other for itself for a moment. Somebody who
// reads it for long, as pg_dump does, would be waited for by those who append,
// and they in turn by all who read. So it is waited for briefly, the runs go to
// runs_other, and come over from there at a later attempt.
const (
	againAfter = time.Minute
	// mostMoved is how many runs are moved, about a second's work during which
	// runs_other is locked. Months of which it has more stay there.
	mostMoved = 5000
)

// partition makes the partitions of the months that entries are of, and the
// next month's: then nobody waits for it when it comes.
func (s *Store) partition(ctx context.Context, entries []*history.Entry) error {
	now := time.Now()
	from, to := now.AddDate(-10, 0, 0), now.AddDate(0, 0, 35)
	missing := make(map[string]time.Time)
	wanted := func(name string) bool {
		again, met := s.months[name]
		return !met || !again.IsZero() && now.After(again)
	}
	s.mu.Lock()
	add := func(at time.Time) {
		at = at.UTC()
		month := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
		if name := month.Format("runs_2006_01"); wanted(name) {
			missing[name] = month
		}
	}
	for _, e := range entries {
		if !e.At.Before(from) && !e.At.After(to) { // far from the present: runs_other
			add(e.At)
		}
	}
	if len(entries) > 0 {
		add(time.Date(now.UTC().Year(), now.UTC().Month()+1, 1, 0, 0, 0, 0, time.UTC))
	}
	s.mu.Unlock()
	if len(missing) == 0 {
		return nil
	}
	// Whoever wants the same one waits, rather than append to runs_other.
	select {
	case s.making <- struct{}{}:
		defer func() { <-s.making }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for name, month := range missing {
		s.mu.Lock()
		still := wanted(name)
		s.mu.Unlock()
		if !still {
			continue
		}
		var again time.Time // never
		switch err := s.makePartition(ctx, name, month); {
		case inTheWay(err):
			again = time.Now().Add(againAfter)
		case err != nil:
			return fmt.Errorf("making partition %s: %w", name, err)
		}
		s.mu.Lock()
		s.months[name] = again
		s.mu.Unlock()
	}
	return nil
}

// makePartition makes the partition of a month, unless it is there, with the
// runs of the month that are in runs_other.
func (s *Store) makePartition(ctx context.Context, name string, month time.Time) error {
	return s.write(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", partitioning); err != nil {
			return err
		}
		from, to := month.UnixNano(), month.AddDate(0, 1, 0).UnixNano()
		var done bool
		if err := tx.QueryRow(ctx, "SELECT "+exists("$1"), name).Scan(&done); err != nil || done {
			return err
		}
		if _, err := tx.Exec(ctx, fmt.Sprintf("SET LOCAL lock_timeout = %d", s.patience.Milliseconds())); err != nil {
			return err
		}
		seqs, err := s.displaced(ctx, tx, from, to)
		if err != nil || len(seqs) > mostMoved {
			return err
		}
		// Attached, rather than made as a partition, which would lock out all
		// who read runs.
		table := pgx.Identifier{name}.Sanitize()
		text := fmt.Sprintf("LOCK TABLE runs_other; CREATE TABLE %s (LIKE runs INCLUDING ALL); ", table)
		text += fmt.Sprintf("WITH gone AS (DELETE FROM runs_other WHERE time >= %d AND time < %d RETURNING *) INSERT INTO %s SELECT * FROM gone; ", from, to, table)
		text += fmt.Sprintf("ALTER TABLE runs ATTACH PARTITION %s FOR VALUES FROM (%d) TO (%d)", table, from, to)
		_, err = tx.Exec(ctx, text)
		return err
	})
}

// displaced returns the numbers of a month's runs that are in runs_other, one
// more than may be moved at most. Who would delete them waits until the
// transaction ends.
func (s *Store) displaced(ctx context.Context, tx pgx.Tx, from, to int64) (seqs []int64, err error) {
	add := func(rows pgx.Rows) error {
		var seq int64
		err := rows.Scan(&seq)
		seqs = append(seqs, seq)
		return err
	}
	err = each(ctx, tx, "SELECT seq FROM runs_other WHERE time >= $1 AND time < $2 LIMIT $3", []any{from, to, mostMoved + 1}, add)
	if err != nil || len(seqs) == 0 || len(seqs) > mostMoved {
		return seqs, err
	}
	_, err = tx.Exec(ctx, "SELECT FROM run_ids WHERE seq = ANY($1) ORDER BY id FOR NO KEY UPDATE", seqs)
	return seqs, err
}

// inTheWay tells whether a partition could not be made because of what others
// do just now.
func inTheWay(err error) bool {
	var said *pgconn.PgError
	return errors.As(err, &said) && (said.Code == "55P03" || said.Code == "40P01")
}

// misplaced tells whether a run did not belong where it was put: its partition
// came meanwhile.
func misplaced(err error) bool { return codeOf(err) == "23514" }
