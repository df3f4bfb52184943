package postgres

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/pgtest"
	"github.com/pacer-perf/pacer/internal/history/storetest"
)

func count(t *testing.T, s *Store, table string) (n int) {
	t.Helper()
	if err := s.pool.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Who reads all for long, as pg_dump does, keeps nobody from appending: runs
// whose partition cannot be made meanwhile come over later.
func TestPartitionBesideDump(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	address := pgtest.Address(t)
	s := open(t, address)
	s.patience = 20 * time.Millisecond
	dump, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer dump.Close(ctx)
	if _, err := dump.Exec(ctx, "BEGIN; LOCK TABLE runs, runs_other IN ACCESS SHARE MODE"); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	sample := func(id string) *history.Entry {
		r := storetest.Sample(id)
		r.Timestamp = now
		e, err := history.Pack(r)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for _, id := range []string{"A", "B", "C"} { // while the lock is held: or this would wait for ever
		if _, err := s.AppendBatch(ctx, history.Batch{Entries: []*history.Entry{sample(id)}}); err != nil {
			t.Fatal(err)
		}
	}
	if ids := storetest.IDs(t, s, history.Filter{}); ids != "C B A" || count(t, s, "runs_other") != 3 {
		t.Errorf("beside a dump: %s", ids)
	}
	if err := s.SetBaseline(ctx, "B"); err != nil {
		t.Fatal(err)
	}
	if _, err := dump.Exec(ctx, "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	s.patience = time.Minute
	clear(s.months) // the time to look again has come
	month := now.Format("runs_2006_01")
	if _, err := s.AppendBatch(ctx, history.Batch{Entries: []*history.Entry{sample("D")}}); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s, month); n != 4 || count(t, s, "runs_other") != 0 {
		t.Errorf("afterwards: %d runs of 4 in %s", n, month)
	}
	next := time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC).Format("runs_2006_01")
	if n := count(t, s, next); n != 0 {
		t.Errorf("%d runs of the next month", n)
	}
	if ids := storetest.IDs(t, s, history.Filter{}); ids != "D C B A" {
		t.Error(ids)
	}
	if n, err := s.Delete(ctx, "A"); n != 1 || err != nil {
		t.Errorf("deleting what came over: %d, %v", n, err)
	}
	if problems, err := history.Verify(ctx, s, func(int) {}); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}
