package sqlite

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/storetest"
)

// Batches are written without SQLite's look at references, by numbers that are
// remembered: they hold, also after another process has deleted all runs.
func TestBatchRefersToRows(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "h.db")
	s, other := open(t, path), open(t, path)
	for round := range 3 {
		var b history.Batch
		var ids []string
		for i := range 2 * fewRuns {
			r := storetest.Sample(fmt.Sprintf("R%d.%02d", round, i))
			r.Environment.Cores = i % 3
			e, err := history.Pack(r)
			if err != nil {
				t.Fatal(err)
			}
			b.Entries, ids = append(b.Entries, e), append(ids, r.ID)
		}
		if _, err := s.AppendBatch(ctx, b); err != nil {
			t.Fatal(err)
		}
		if problems, err := s.Check(ctx); err != nil || len(problems) > 0 {
			t.Fatalf("round %d: %v, %v", round, problems, err)
		}
		if n, err := other.Delete(ctx, ids...); err != nil || n != len(ids) {
			t.Fatalf("deleted %d, %v", n, err)
		}
	}
}
