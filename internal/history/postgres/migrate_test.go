package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/pgtest"
	"github.com/pacer-perf/pacer/internal/history/schema"
	"github.com/pacer-perf/pacer/internal/history/storetest"
)

// What was kept before texts had hashes can be read as it is; then it is found by
// them, and not kept again.
func TestHashesComeLater(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	address := pgtest.Address(t)
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	environment, err := history.EncodeEnvironment(storetest.Sample("").Environment)
	if err != nil {
		t.Fatal(err)
	}
	const labels = `{"dataset":"1k"}`
	script := "CREATE TABLE pacer_history (version integer NOT NULL); INSERT INTO pacer_history VALUES (0);"
	version := 0
	for _, m := range schema.Postgres() {
		if strings.Contains(m.Name, "hashes") {
			break
		}
		script += m.SQL
		version++
	}
	if _, err := c.Exec(ctx, script); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		text string
		arg  any
	}{
		{"UPDATE pacer_history SET version = $1", version},
		{"INSERT INTO environments (text) VALUES ($1)", environment},
		{"INSERT INTO run_ids (id, time, digest) VALUES ('old', 1, $1)", make([]byte, 32)},
		{`INSERT INTO runs (seq, id, app, version, commit_id, branch, dirty, time, timed, labels, environment, detail, document)
			SELECT seq, id, 'app', '', '', '', false, time, true, $1, 1, 0, '' FROM run_ids`, labels},
		{"INSERT INTO baselines (app, labels, run) SELECT 'app', $1, seq FROM run_ids", labels},
	} {
		if _, err := c.Exec(ctx, step.text, step.arg); err != nil {
			t.Fatal(step.text, err)
		}
	}

	old, err := OpenToRead(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := old.Baseline(ctx, "app", map[string]string{"dataset": "1k"}); err != nil || id != "old" {
		t.Errorf("baseline %q, %v", id, err)
	}
	if heads, err := old.Heads(ctx, history.Filter{}); err != nil || len(heads) != 1 || heads[0].Environment == nil {
		t.Errorf("%+v, %v", heads, err)
	}
	if list, err := old.Baselines(ctx); err != nil || len(list) != 1 {
		t.Errorf("baselines %+v, %v", list, err)
	}
	old.Close()

	s := open(t, address)
	r := storetest.Sample("new")
	r.Labels = map[string]string{"dataset": "1k"}
	if id, err := s.Baseline(ctx, "app", r.Labels); err != nil || id != "old" {
		t.Errorf("baseline %q, %v", id, err)
	}
	storetest.Fill(t, s, r)
	if err := s.SetBaseline(ctx, "new"); err != nil {
		t.Fatal(err)
	}
	if list, err := s.Baselines(ctx); err != nil || len(list) != 1 || list[0].Run != "new" {
		t.Errorf("baselines %+v, %v", list, err)
	}
	if n := count(t, s, "environments"); n != 1 {
		t.Errorf("the environment is there %d times", n)
	}
	if heads, err := s.Heads(ctx, history.Filter{}); err != nil || len(heads) != 2 || heads[0].Environment == nil || heads[1].Environment == nil {
		t.Errorf("%+v, %v", heads, err)
	}
	// As an earlier program would add one, that has it open still.
	if _, err := c.Exec(ctx, "INSERT INTO environments (text) VALUES ($1) ON CONFLICT DO NOTHING", environment); codeOf(err) != "23502" {
		t.Errorf("an environment without a hash: %v", err)
	}
}

// A store that has to be changed before it can be read says so.
func TestOlder(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	address := pgtest.Address(t)
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	script := "CREATE TABLE pacer_history (version integer NOT NULL);"
	for _, m := range schema.Postgres()[:oldestRead-1] {
		script += m.SQL
	}
	if _, err := c.Exec(ctx, fmt.Sprintf("%s; INSERT INTO pacer_history VALUES (%d)", script, oldestRead-1)); err != nil {
		t.Fatal(err)
	}
	var older *history.OlderError
	if _, err := OpenToRead(ctx, address); !errors.As(err, &older) || older.Has != oldestRead-1 || older.Needs != oldestRead {
		t.Errorf("%v", err)
	}
	storetest.Fill(t, open(t, address), storetest.Sample("new"))
	s, err := OpenToRead(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

// ends is a context that ends with an error when its channel is closed.
type ends struct {
	context.Context
	done chan struct{}
	err  error
}

func (e *ends) Done() <-chan struct{} { return e.done }

func (e *ends) Err() error {
	select {
	case <-e.done:
		return e.err
	default:
		return nil
	}
}

// Bringing a large history up to date takes as long as it takes, also where whoever
// opens it has little time; it ends when they give up.
func TestMigrationTakesItsTime(t *testing.T) {
	t.Parallel()
	for _, why := range []error{context.DeadlineExceeded, context.Canceled} {
		ctx := t.Context()
		address := pgtest.Address(t)
		c, err := pgx.Connect(ctx, address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(ctx)
		last := len(schema.Postgres()) - 1
		script := "CREATE TABLE pacer_history (version integer NOT NULL);"
		for _, m := range schema.Postgres()[:last] {
			script += m.SQL
		}
		for _, text := range []string{fmt.Sprintf("%s; INSERT INTO pacer_history VALUES (%d)", script, last), "BEGIN; LOCK TABLE points"} {
			if _, err := c.Exec(ctx, text); err != nil {
				t.Fatal(err)
			}
		}
		end := &ends{ctx, make(chan struct{}), why}
		opened := make(chan error, 1)
		go func() {
			s, err := Open(end, address)
			if err == nil {
				err = s.Close()
			}
			opened <- err
		}()
		waits := func() (n int) {
			if err := c.QueryRow(ctx, "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'points'::regclass").Scan(&n); err != nil {
				t.Error(err)
			}
			return n
		}
		for patience := time.Now().Add(time.Minute); waits() == 0 && !t.Failed(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(patience) {
				t.Fatal("it does not begin")
			}
		}
		close(end.done)
		if why == context.Canceled {
			err = <-opened
		}
		if _, e := c.Exec(ctx, "COMMIT"); e != nil {
			t.Fatal(e)
		}
		if why == context.Canceled {
			if !errors.Is(err, context.Canceled) && !errors.Is(err, history.ErrUnavailable) {
				t.Errorf("given up: %v", err)
			}
			continue
		}
		if err := <-opened; err != nil {
			t.Errorf("without time: %v", err)
		}
		if _, err := OpenToRead(ctx, address); err != nil {
			t.Error(err)
		}
	}
}
