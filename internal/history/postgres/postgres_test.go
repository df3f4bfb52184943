package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/pgtest"
	"github.com/pacer-perf/pacer/internal/history/schema"
	"github.com/pacer-perf/pacer/internal/history/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func open(t testing.TB, address string) *Store {
	t.Helper()
	s, err := Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Place {
		address := pgtest.Address(t)
		return func() history.Store { return open(t, address) }
	})
}

// Behind a connection pooler that keeps nothing of a session, an address may ask for
// the simple protocol, in which all comes as text: what is read is the same.
func TestSimpleProtocol(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	address := pgtest.Address(t)
	s, simple := open(t, address), open(t, address+"?default_query_exec_mode=simple_protocol")
	runs := storetest.Several()
	runs[0].Branch, runs[0].Dirty = "a\x00b\x01c ü", true
	storetest.Fill(t, s, runs[:3]...)
	storetest.Fill(t, simple, runs[3:]...)
	type all struct {
		series, named []history.Series
		entries       []*history.Entry
	}
	read := func(s *Store) (a all) {
		var err, err2 error
		a.series, err = s.Series(ctx, history.SeriesFilter{})
		a.named, err2 = s.Series(ctx, history.SeriesFilter{Runs: []string{runs[0].ID, runs[1].ID}})
		err3 := s.Walk(ctx, history.Filter{}, history.Parts{Points: true}, func(e *history.Entry) error {
			a.entries = append(a.entries, e)
			return nil
		})
		if err := errors.Join(err, err2, err3); err != nil || len(a.series) == 0 || len(a.named) == 0 || len(a.entries) != len(runs) {
			t.Fatalf("%d series, %d of runs that are named, %d runs, %v", len(a.series), len(a.named), len(a.entries), err)
		}
		return a
	}
	if diff := cmp.Diff(read(s), read(simple), cmp.AllowUnexported(all{}), storetest.Same); diff != "" {
		t.Error(diff)
	}
	// What is no number is an error with the column's name.
	if err := each(ctx, simple.pool, "SELECT 'x' AS big", nil, func(rows pgx.Rows) error {
		c := (&row{}).of(rows)
		c.int64()
		return c.err
	}); err == nil || !strings.Contains(err.Error(), "column big") {
		t.Error(err)
	}
	if err := each(ctx, s.pool, "SELECT 1::smallint AS small", nil, func(rows pgx.Rows) error {
		c := (&row{}).of(rows)
		c.int64()
		return c.err
	}); err == nil || !strings.Contains(err.Error(), "column small") {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	address := pgtest.Address(t)
	if _, err := OpenToRead(ctx, address); !errors.Is(err, history.ErrNone) {
		t.Errorf("an empty database, to read: %v", err)
	}
	s := open(t, address)
	if _, err := s.pool.Exec(ctx, "UPDATE pacer_history SET version = 99"); err != nil {
		t.Fatal(err)
	}
	var newer *history.NewerError
	for name, open := range map[string]func(context.Context, string) (*Store, error){"Open": Open, "OpenToRead": OpenToRead} {
		if _, err := open(ctx, address); !errors.As(err, &newer) || newer.Has != 99 || newer.Newest != len(schema.Postgres()) {
			t.Errorf("%s: a newer schema: %v", name, err)
		}
	}
	foreign := pgtest.Address(t)
	c, err := pgx.Connect(ctx, foreign)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, "CREATE TABLE runs (theirs int)"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, foreign); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("another program's table: %v", err)
	}
	// In a schema of its own there is room beside it.
	if _, err := c.Exec(ctx, "CREATE SCHEMA pacer"); err != nil {
		t.Fatal(err)
	}
	own := open(t, foreign+"?search_path=pacer")
	storetest.Fill(t, own, storetest.Several()...)
}

func TestOpenToRead(t *testing.T) {
	t.Parallel()
	address := pgtest.Address(t)
	storetest.Fill(t, open(t, address), storetest.Sample("A"))
	s, err := OpenToRead(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if ids := storetest.IDs(t, s, history.Filter{}); ids != "A" {
		t.Error(ids)
	}
	if _, err := s.Append(t.Context(), storetest.Sample("B")); err == nil {
		t.Error("a reader appends")
	}
}

// A password is in no error and in no name of the store.
func TestPasswords(t *testing.T) {
	t.Parallel()
	closed := pgtest.Address(t)
	closed = closed[strings.Index(closed, "@"):]
	for _, address := range []string{
		"postgres://me:s3cret@127.0.0.1:1/db",
		"postgres://me:s3cret@127.0.0.1:1/db?connect_timeout=nonsense",
		"postgres://me:s3cret/with@slash@127.0.0.1/db",
		"postgres://me:s3cret%zz@127.0.0.1/db",
		"postgres://127.0.0.1:1/db?user=me&password=s3cret",
		"postgres://127.0.0.1:1/db?user=me&password=s3cret&sslmode=wrong",
		"postgres://nobody:s3cret" + closed + "nothing",
	} {
		s, err := Open(t.Context(), address)
		if err == nil {
			s.Close()
			t.Errorf("%s was opened", address)
			continue
		}
		if strings.Contains(err.Error(), "s3cret") || strings.Contains(Redact(address), "s3cret") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// Runs of each month are in a partition of their own; those of far months are
// together.
func TestPartitions(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	address := pgtest.Address(t)
	first := open(t, address)
	first.patience = time.Minute
	now := time.Now().UTC()
	times := []time.Time{now, now.AddDate(0, -1, -now.Day()+1), now.AddDate(0, -2, -now.Day()+1), now.AddDate(-50, 0, 0), now.AddDate(50, 0, 0)}
	var wait sync.WaitGroup
	for i := range 4 { // who all find that the partitions are missing
		s := open(t, address)
		s.patience = time.Minute // nobody is in the way for long
		wait.Go(func() {
			for j, at := range times {
				r := storetest.Sample(fmt.Sprintf("R%d.%d", j, i))
				r.Timestamp = at
				if _, err := s.Append(ctx, r); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	counts := make(map[string]int)
	err := each(ctx, first.pool, "SELECT tableoid::regclass::text, count(*) FROM runs GROUP BY 1", nil, func(rows pgx.Rows) error {
		var name string
		var n int
		err := rows.Scan(&name, &n)
		counts[name] = n
		return err
	})
	if err != nil || len(counts) != 4 || counts["runs_other"] != 8 || counts[now.Format("runs_2006_01")] != 4 {
		t.Errorf("%v, %v", counts, err)
	}
	if ids := storetest.IDs(t, first, history.Filter{Limit: 5}); ids != "R4.3 R4.2 R4.1 R4.0 R0.3" {
		t.Error(ids)
	}
	// A month that came near while its runs were with the far ones takes them
	// along.
	month := time.Date(now.Year()+50, now.Month(), 1, 0, 0, 0, 0, time.UTC)
	if err := first.makePartition(ctx, "runs_far", month); err != nil {
		t.Fatal(err)
	}
	if n := count(t, first, "runs_far"); n != 4 {
		t.Errorf("%d of 4 runs came over", n)
	}
	storetest.Fill(t, first, storetest.Sample("after"))
	if problems, err := first.Check(ctx); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

// The server is killed and started again under writers: what was acknowledged
// is there, once; what failed said that it may be tried again, and was.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	server, err := pgtest.Start("fsync=off")
	pgtest.Check(t, err)
	defer server.Stop()
	address, err := server.Create(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var acknowledged sync.Map
	var appended, failed atomic.Int64
	stop := make(chan struct{})
	var writers sync.WaitGroup
	halt := sync.OnceFunc(func() { close(stop); writers.Wait() })
	defer halt()
	for w := range 3 {
		s := open(t, address)
		writers.Go(func() {
			for i := 0; ; i++ {
				r := storetest.Sample(fmt.Sprintf("W%d.%05d", w, i))
				for {
					_, err := s.Append(ctx, r)
					if err == nil {
						break
					}
					if failed.Add(1); !errors.Is(err, history.ErrUnavailable) {
						t.Errorf("no word that it may be tried again: %v", err)
						return
					}
					select {
					case <-stop:
						return
					case <-time.After(5 * time.Millisecond):
					}
				}
				acknowledged.Store(r.ID, true)
				appended.Add(1)
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	until := func(what string, so func() bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !so(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("waited a minute for %s", what)
			}
		}
	}
	for range 3 {
		before, errorsBefore := appended.Load(), failed.Load()
		until("runs", func() bool { return appended.Load() > before+20 })
		server.Kill()
		until("a failure", func() bool { return failed.Load() > errorsBefore })
		if err := server.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	before := appended.Load()
	until("runs", func() bool { return appended.Load() > before+20 })
	halt()

	s := open(t, address)
	heads, err := s.Heads(ctx, history.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	there := make(map[string]int)
	for _, h := range heads {
		there[h.ID]++
	}
	acknowledged.Range(func(id, _ any) bool {
		if there[id.(string)] != 1 {
			t.Errorf("run %s is there %d times", id, there[id.(string)])
		}
		return true
	})
	if problems, err := s.Check(ctx); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	list, err := s.Series(ctx, history.SeriesFilter{App: "app"})
	if err != nil || len(list) != 1 || len(list[0].Points) != len(heads) {
		t.Errorf("%d series, %v", len(list), err)
	}
}

// What pg_dump took and pg_restore brought back is the history, and goes on.
func TestBackup(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	from, to := pgtest.Address(t), pgtest.Address(t)
	s := open(t, from)
	storetest.Fill(t, s, storetest.Several()...)
	dump := filepath.Join(t.TempDir(), "dump")
	for _, args := range [][]string{{"pg_dump", "--format", "custom", "--file", dump, from}, {"pg_restore", "--exit-on-error", "--dbname", to, dump}} {
		if out, err := exec.Command(pgtest.Tool(t, args[0]), args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", args[0], err, out)
		}
	}
	restored := open(t, to)
	if problems, err := history.Verify(ctx, restored, func(int) {}); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	storetest.Fill(t, restored, storetest.Sample("later"), storetest.Several()[0])
	if ids := storetest.IDs(t, restored, history.Filter{}); ids != "R5 R4 R3 later R2 R1 R0" {
		t.Error(ids)
	}
}

// SOAK_POSTGRES is a database that keeps what SOAK_RUNS made, to be asked again.
func TestGrowth(t *testing.T) {
	t.Parallel()
	address := os.Getenv("SOAK_POSTGRES")
	if address == "" {
		address = durable(t)
	}
	storetest.Growth(t, open(t, address))
}

// durable is a database on a server that syncs what it acknowledges.
func durable(t testing.TB) string {
	t.Helper()
	server, err := pgtest.Start()
	pgtest.Check(t, err)
	t.Cleanup(func() { server.Stop() })
	address, err := server.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func BenchmarkStore(b *testing.B) {
	address := durable(b)
	n := 0
	storetest.Benchmarks(b, func(b *testing.B) history.Store {
		n++
		c, err := pgx.Connect(b.Context(), address)
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close(b.Context())
		name := fmt.Sprint("bench", n)
		if _, err := c.Exec(b.Context(), "CREATE SCHEMA "+name); err != nil {
			b.Fatal(err)
		}
		return open(b, address+"?search_path="+name)
	})
}
