package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/storetest"
	"github.com/pacer-perf/pacer/run"
)

// A full disk is said as such. What was acknowledged stays, nothing else is
// there, and the store goes on as soon as there is room.
func TestFull(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := open(t, filepath.Join(t.TempDir(), "h.db"))
	limit := func(pages int) {
		t.Helper()
		// Of the connection: SQLite answers as if the disk ended there.
		if err := s.writer.with(ctx, func(c *sqlite.Conn) error { return execute(c, fmt.Sprintf("PRAGMA max_page_count = %d", pages)) }); err != nil {
			t.Fatal(err)
		}
	}
	wide := func(i int) *run.Run {
		r := storetest.Sample(fmt.Sprintf("R%03d", i))
		for k := range 20 {
			r.Metrics = append(r.Metrics, run.Metric{Name: fmt.Sprint("metric", i, ".", k), Unit: "s", Samples: []float64{float64(i)}})
		}
		return r
	}
	storetest.Fill(t, s, wide(0))
	limit(1) // as many as there are
	kept, failed := 1, 0
	for i := 1; failed < 5; i++ {
		if i > 1000 {
			t.Fatal("the file grows for ever")
		}
		switch added, err := s.Append(ctx, wide(i)); {
		case err == nil:
			kept++
		case added || !errors.Is(err, history.ErrUnavailable) || !errors.Is(err, history.ErrFull) || !strings.Contains(err.Error(), "h.db"):
			t.Fatalf("%v, %v", added, err)
		default:
			failed++
		}
	}
	if heads, err := s.Heads(ctx, history.Filter{}); err != nil || len(heads) != kept {
		t.Errorf("%d runs of %d, %v", len(heads), kept, err)
	}
	if err := s.Record(ctx, history.Audit{Action: strings.Repeat("long", 100_000)}); !errors.Is(err, history.ErrFull) {
		t.Errorf("another change: %v", err)
	}

	limit(1 << 20)
	for i := 2000; i < 2010; i++ {
		storetest.Fill(t, s, wide(i))
	}
	if heads, err := s.Heads(ctx, history.Filter{}); err != nil || len(heads) != kept+10 {
		t.Errorf("with room: %d runs of %d, %v", len(heads), kept+10, err)
	}
	if problems, err := history.Verify(ctx, s, func(int) {}); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

// What the operating system does not take may be tried again; what it does not
// give is damage.
func TestExplain(t *testing.T) {
	t.Parallel()
	s := &Store{path: "h.db"}
	for code, again := range map[sqlite.ResultCode]bool{
		sqlite.ResultFull: true, sqlite.ResultIOErrWrite: true, sqlite.ResultIOErrFsync: true, sqlite.ResultIOErrSHMSize: true, sqlite.ResultBusy: true,
		sqlite.ResultIOErrRead: false, sqlite.ResultCorrupt: false, sqlite.ResultConstraint: false,
	} {
		if err := s.explain(fmt.Errorf("step: %w", code.ToError())); errors.Is(err, history.ErrUnavailable) != again {
			t.Errorf("%v: %v", code, err)
		}
	}
}
