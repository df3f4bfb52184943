package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/schema"
	"github.com/pacer-perf/pacer/run"
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
		if _, err := s.Append(ctx, sample(fmt.Sprintf("%s-%d", as, i))); err != nil {
			return err
		}
		if err := s.Close(); err != nil {
			return err
		}
	}
	return nil
}

func sample(id string) *run.Run {
	return &run.Run{
		ID: id, App: "app", Version: "1.0", Commit: "abc123", Branch: "main",
		Timestamp:   time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC),
		Environment: &run.Environment{OS: "linux", Cores: 2},
		Metrics:     []run.Metric{{Name: "startup", Unit: "s", Better: run.Lower, Samples: []float64{1, 2, 3}}},
	}
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

func TestAppendAndRead(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "new dir", "odd ?#% name.db")
	s := open(t, path)
	want := sample("A")
	for i, added := range []bool{true, false} { // the same run twice is one run
		if got, err := s.Append(ctx, want); got != added || err != nil {
			t.Fatalf("append %d: %v, %v", i, got, err)
		}
	}
	other := sample("A")
	other.Version = "2.0"
	var conflict *history.ConflictError
	if _, err := s.Append(ctx, other); !errors.As(err, &conflict) || conflict.ID != "A" {
		t.Errorf("other content under the same id: %v", err)
	}
	s.Close()
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	got, err := s.Run(ctx, "A")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := s.Run(ctx, "B"); !errors.Is(err, history.ErrNotFound) {
		t.Errorf("a run that is not there: %v", err)
	}
	broken := sample("C")
	broken.Metrics[0].Samples[0] = -1
	if _, err := s.Append(ctx, broken); err == nil {
		t.Error("a run that does not validate was kept")
	}
}

func TestHeads(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := open(t, filepath.Join(t.TempDir(), "h.db"))
	for i, edit := range []func(*run.Run){
		func(r *run.Run) { r.ID = "01AB" },
		func(r *run.Run) { r.ID = "01AC"; r.Branch = "fix"; r.Labels = map[string]string{"dataset": "1k"} },
		func(r *run.Run) { r.ID = "02X_"; r.Version = "2.0"; r.Commit = "def" },
		func(r *run.Run) { r.ID = "02XY"; r.App = "other" },
		func(r *run.Run) { r.ID = "old"; r.Timestamp = r.Timestamp.Add(-100 * time.Hour); r.Environment = nil },
	} {
		r := sample("")
		r.Timestamp = r.Timestamp.Add(time.Duration(i) * time.Hour)
		edit(r)
		if _, err := s.Append(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		filter history.Filter
		want   string
	}{
		{history.Filter{}, "02XY 02X_ 01AC 01AB old"},
		{history.Filter{App: "app"}, "02X_ 01AC 01AB old"},
		{history.Filter{App: "app", Limit: 2}, "02X_ 01AC"},
		{history.Filter{Branch: "fix"}, "01AC"},
		{history.Filter{Version: "2.0"}, "02X_"},
		{history.Filter{IDPrefix: "01a"}, "01AC 01AB"},
		{history.Filter{IDPrefix: "02X_"}, "02X_"},
		{history.Filter{IDPrefix: "%"}, ""},
		{history.Filter{Commit: "abc"}, "02XY 01AC 01AB old"},
		{history.Filter{App: "nobody"}, ""},
	}
	for _, tt := range tests {
		heads, err := s.Heads(ctx, tt.filter)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, h := range heads {
			ids = append(ids, h.ID)
		}
		if got := strings.Join(ids, " "); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.filter, got, tt.want)
		}
	}
	heads, _ := s.Heads(ctx, history.Filter{Branch: "fix"})
	want := sample("01AC")
	want.Branch, want.Labels, want.Metrics = "fix", map[string]string{"dataset": "1k"}, nil
	want.Timestamp = want.Timestamp.Add(time.Hour)
	if diff := cmp.Diff(*want, heads[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A run without a timestamp is dated by when it came, and stays as it was.
func TestUntimed(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "h.db"))
	r := sample("A")
	r.Timestamp = time.Time{}
	if _, err := s.Append(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	heads, err := s.Heads(t.Context(), history.Filter{})
	if err != nil || time.Since(heads[0].Timestamp).Abs() > time.Hour {
		t.Errorf("head %+v, %v", heads, err)
	}
	if got, err := s.Run(t.Context(), "A"); err != nil || !got.Timestamp.IsZero() {
		t.Errorf("run %v, %v", got.Timestamp, err)
	}
}

func TestBaseline(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := open(t, filepath.Join(t.TempDir(), "h.db"))
	a, b := sample("A"), sample("B")
	b.Labels = map[string]string{"x": "1", "a": "2"}
	for _, r := range []*run.Run{a, b} {
		if _, err := s.Append(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Baseline(ctx, "app", nil); !errors.Is(err, history.ErrNotFound) {
		t.Errorf("before it was set: %v", err)
	}
	if err := s.SetBaseline(ctx, "nobody"); !errors.Is(err, history.ErrNotFound) {
		t.Errorf("of a run that is not there: %v", err)
	}
	for _, id := range []string{"A", "B", "A"} {
		if err := s.SetBaseline(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	if id, err := s.Baseline(ctx, "app", nil); id != "A" || err != nil {
		t.Errorf("without labels: %q, %v", id, err)
	}
	if id, err := s.Baseline(ctx, "app", map[string]string{"a": "2", "x": "1"}); id != "B" || err != nil {
		t.Errorf("with labels: %q, %v", id, err)
	}
	if err := s.ClearBaseline(ctx, "app", nil); err != nil {
		t.Error(err)
	}
	if err := s.ClearBaseline(ctx, "app", nil); !errors.Is(err, history.ErrNotFound) {
		t.Errorf("cleared twice: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dir := t.TempDir()

	newer := filepath.Join(dir, "newer.db")
	s := open(t, newer)
	if _, err := s.db.Exec("PRAGMA user_version = 99"); err != nil {
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
	db, err := sql.Open("sqlite", foreign)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE theirs (x)"); err != nil {
		t.Fatal(err)
	}
	db.Close()
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
	var check string
	if err := s.db.QueryRow("PRAGMA integrity_check").Scan(&check); err != nil || check != "ok" {
		t.Errorf("integrity: %s, %v", check, err)
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
	if _, err := s.Append(ctx, sample("A")); err != nil {
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
	if _, err := r.Append(ctx, sample("B")); err == nil {
		t.Error("a reader appends")
	}
	r.Close()
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("reading changed the file")
	}
	// SQLite's own way for a folder that cannot be written; as root every
	// folder can.
	quiet, err := connect(path, "immutable=1")
	if err != nil {
		t.Fatal(err)
	}
	defer quiet.Close()
	if heads, err := quiet.Heads(ctx, history.Filter{}); err != nil || len(heads) != 1 {
		t.Errorf("standing still: %d runs, %v", len(heads), err)
	}
}

func BenchmarkAppend(b *testing.B) {
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "h.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	i := 0
	for b.Loop() {
		i++
		if _, err := s.Append(b.Context(), sample(fmt.Sprint("id", i))); err != nil {
			b.Fatal(err)
		}
	}
}
