package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/schema"
	"github.com/pacer-perf/pacer/internal/history/storetest"
)

// TestMain lets the test binary act as a second process that appends runs.
func TestMain(m *testing.M) {
	if path := os.Getenv("TEST_APPEND_TO"); path != "" {
		n, _ := strconv.Atoi(os.Getenv("TEST_APPEND_N"))
		if err := appendMany(path, os.Getenv("TEST_APPEND_AS"), n); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// appendMany appends n runs, anew each time, as commands do: to path, or each
// to a file of its own if path ends in a slash.
func appendMany(path, as string, n int) error {
	ctx := context.Background()
	for i := range n {
		file := path
		if strings.HasSuffix(path, "/") {
			file = fmt.Sprintf("%s%d.db", path, i)
		}
		s, err := Open(ctx, file)
		if err != nil {
			return err
		}
		if _, err := s.Append(ctx, storetest.Sample(fmt.Sprintf("%s-%d", as, i))); err != nil {
			return err
		}
		if err := s.Close(); err != nil {
			return err
		}
	}
	return nil
}

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Place {
		path := filepath.Join(t.TempDir(), "new dir", "odd ?#% name.db")
		return func() history.Store { return open(t, path) }
	})
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dir := t.TempDir()

	newer := filepath.Join(dir, "newer.db")
	s := open(t, newer)
	if err := s.read(ctx, func(c *sqlite.Conn) error { return execute(c, "PRAGMA user_version = 99") }); err != nil {
		t.Fatal(err)
	}
	s.Close()
	var e *history.NewerError
	if _, err := Open(ctx, newer); !errors.As(err, &e) || e.Has != 99 || e.Newest != len(schema.SQLite()) || !strings.Contains(err.Error(), newer) {
		t.Errorf("a newer schema: %v", err)
	}

	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 100)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, text); err == nil || !strings.Contains(err.Error(), "damaged or no history") {
		t.Errorf("a text file: %v", err)
	}

	foreign := filepath.Join(dir, "foreign.db")
	c, err := sqlite.OpenConn(foreign)
	if err != nil {
		t.Fatal(err)
	}
	if err := execute(c, "CREATE TABLE theirs (x)"); err != nil {
		t.Fatal(err)
	}
	c.Close()
	if _, err := Open(ctx, foreign); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("another program's database: %v", err)
	}
	if _, err := Open(ctx, filepath.Join(text, "h.db")); err == nil {
		t.Error("a history below a file was made")
	}
}

// Processes that make a file and write at once all succeed: in one file, and
// again and again in a fresh one.
func TestProcessesAtOnce(t *testing.T) {
	t.Parallel()
	const processes, each = 4, 40
	t.Run("one file", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "h.db")
		atOnce(t, path, processes, each)
		holds(t, path, processes*each)
	})
	t.Run("fresh files", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir() + "/"
		atOnce(t, dir, processes, each)
		for i := range each {
			holds(t, fmt.Sprintf("%s%d.db", dir, i), processes)
		}
	})
}

func atOnce(t *testing.T, path string, processes, each int) {
	t.Helper()
	cmds := make([]*exec.Cmd, processes)
	for i := range cmds {
		cmds[i] = exec.Command(os.Args[0])
		cmds[i].Env = append(os.Environ(), "TEST_APPEND_TO="+path, fmt.Sprintf("TEST_APPEND_AS=p%d", i), fmt.Sprint("TEST_APPEND_N=", each), "GORACE=atexit_sleep_ms=0")
		var out strings.Builder
		cmds[i].Stderr = &out
		if err := cmds[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	for _, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, cmd.Stderr)
		}
	}
}

func holds(t *testing.T, path string, n int) {
	t.Helper()
	s := open(t, path)
	defer s.Close()
	if heads, err := s.Heads(t.Context(), history.Filter{}); err != nil || len(heads) != n {
		t.Errorf("%s: %d runs, %v", path, len(heads), err)
	}
	if problems, err := s.Check(t.Context()); err != nil || len(problems) > 0 {
		t.Errorf("integrity: %v, %v", problems, err)
	}
}

// Reading makes nothing, and needs no right to write.
func TestOpenToRead(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dir := t.TempDir()
	path := filepath.Join(dir, "h.db")
	if _, err := OpenToRead(ctx, path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	s := open(t, path)
	if _, err := s.Append(ctx, storetest.Sample("A")); err != nil {
		t.Fatal(err)
	}
	s.Close()
	before, _ := os.ReadFile(path)
	r, err := OpenToRead(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Run(ctx, "A"); err != nil {
		t.Error(err)
	}
	if _, err := r.Append(ctx, storetest.Sample("B")); err == nil {
		t.Error("a reader appends")
	}
	r.Close()
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("reading changed the file")
	}
	// SQLite's own way for a folder that cannot be written; as root every
	// folder can.
	quiet, err := connect(path, path, "immutable=1")
	if err != nil {
		t.Fatal(err)
	}
	defer quiet.Close()
	if heads, err := quiet.Heads(ctx, history.Filter{}); err != nil || len(heads) != 1 {
		t.Errorf("standing still: %d runs, %v", len(heads), err)
	}
}

// VACUUM INTO makes a backup of a history that is being written to.
func TestBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "h.db"))
	storetest.Fill(t, s, storetest.Several()...)
	backup := filepath.Join(dir, "backup.db")
	c, err := sqlite.OpenConn(filepath.Join(dir, "h.db"), sqlite.OpenReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := query(c, "VACUUM INTO ?", nil, backup); err != nil {
		t.Fatal(err)
	}
	storetest.Fill(t, s, storetest.Sample("later"))
	restored := open(t, backup)
	if problems, err := history.Verify(t.Context(), restored, func(int) {}); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	if a, b := storetest.IDs(t, s, history.Filter{Version: "1.0", IDPrefix: "R"}), storetest.IDs(t, restored, history.Filter{}); a != b {
		t.Errorf("%s, in the backup %s", a, b)
	}
}

// SOAK_DIR keeps the file that SOAK_RUNS made, to be asked again.
func TestGrowth(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("SOAK_DIR")
	if dir == "" {
		dir = t.TempDir()
	}
	storetest.Growth(t, open(t, filepath.Join(dir, "h.db")))
}

// What deletes runs leaves references guarded, however it ends.
func TestDeleteUnguarded(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "h.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	for _, f := range []func(*sqlite.Conn) error{
		func(c *sqlite.Conn) error {
			return execute(c, "INSERT INTO documents (run, detail, document) VALUES (1, 0, x'')")
		},
		func(c *sqlite.Conn) error { return errors.New("it fails") },
		func(c *sqlite.Conn) error { cancel(); return ctx.Err() },
	} {
		s.unguarded(ctx, f)
	}
	err = s.write(t.Context(), func(c *sqlite.Conn) error {
		return execute(c, "INSERT INTO documents (run, detail, document) VALUES (2, 0, x'')")
	})
	if err == nil || !strings.Contains(err.Error(), "FOREIGN KEY") {
		t.Errorf("a document of no run: %v", err)
	}
}

// What was numbered by a change that panics is not remembered, and a connection
// that is not as it was does not come back.
func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := open(t, filepath.Join(t.TempDir(), "h.db"))
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		s.unguarded(ctx, func(c *sqlite.Conn) error {
			s.known.begin()
			if _, err := s.known.environment(c, storetest.Sample("").Environment); err != nil {
				return err
			}
			panic("in the middle")
		})
	}()
	storetest.Fill(t, s, storetest.Sample("A"))
	for name, text := range map[string]string{"in a transaction": "PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE; DELETE FROM documents", "unguarded": "PRAGMA foreign_keys = OFF"} {
		if err := s.writer.with(ctx, func(c *sqlite.Conn) error { return execute(c, text) }); err != nil {
			t.Fatal(name, err)
		}
		err := s.write(ctx, func(c *sqlite.Conn) error {
			return execute(c, "INSERT INTO documents (run, detail, document) VALUES (77, 0, x'')")
		})
		if err == nil || !strings.Contains(err.Error(), "FOREIGN KEY") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if problems, err := s.Check(ctx); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	if head, err := s.Run(ctx, "A"); err != nil || head.Environment == nil {
		t.Errorf("%+v, %v", head, err)
	}
}

// The use of a token is left out while another process goes on writing; the
// next one is noted.
func TestUseTokenBesideWriter(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "h.db")
	s, other := open(t, path), open(t, path)
	at := time.Unix(1, 0).UTC()
	if err := s.AddToken(ctx, history.Token{ID: "a", Roles: []string{"read"}, Created: at}); err != nil {
		t.Fatal(err)
	}
	err := other.write(ctx, func(*sqlite.Conn) error {
		if err := s.UseToken(ctx, "a", at); !errors.Is(err, history.ErrUnavailable) {
			t.Errorf("beside a writer: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.UseToken(ctx, "a", at); err != nil {
		t.Error(err)
	}
	if token, err := s.Token(ctx, "a"); err != nil || !token.Used.Equal(at) {
		t.Errorf("%+v, %v", token, err)
	}
}

func BenchmarkStore(b *testing.B) {
	storetest.Benchmarks(b, func(b *testing.B) history.Store {
		s, err := Open(b.Context(), filepath.Join(b.TempDir(), "h.db"))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { s.Close() })
		return s
	})
}
