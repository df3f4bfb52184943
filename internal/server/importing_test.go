package server

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/sqlite"
)

// failsOnce is a history that is away for the second batch that it gets.
type failsOnce struct {
	history.Store
	batches atomic.Int32
}

func (s *failsOnce) AppendBatch(ctx context.Context, b history.Batch) ([]history.Outcome, error) {
	if s.batches.Add(1) == 2 {
		return nil, history.ErrUnavailable
	}
	return s.Store.AppendBatch(ctx, b)
}

// Of a file of many runs none is kept where one of them cannot be; where the
// history fails in the middle, sending it again adds what is lacking.
func TestImportMany(t *testing.T) {
	t.Parallel()
	file, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	h := over(t, &failsOnce{Store: file}, nil)
	token := h.token("app", "ingest")
	const runs = 1000
	of := func(last string) []byte {
		var text strings.Builder
		text.WriteString(`window.BENCHMARK_DATA = {"entries":{"Go":[`)
		for i := range runs {
			value := "1"
			if i == runs-1 {
				value = last
			}
			fmt.Fprintf(&text, `{"commit":{"id":"%040d","timestamp":"2026-01-01T00:00:00Z"},"date":%d,"tool":"go","benches":[{"name":"A","value":%s,"unit":"ns/op"}]},`, i, 1767225600000+i*60000, value)
		}
		return []byte(strings.TrimSuffix(text.String(), ",") + `]}}`)
	}
	h.want(400, nil, "POST", "/api/v1/import?app=app", token, of(`"many"`))
	h.want(403, nil, "POST", "/api/v1/import?app=else", token, of("1"))
	if n := h.runs(); n != 0 {
		t.Errorf("of files that are refused %d runs are kept", n)
	}
	h.want(503, nil, "POST", "/api/v1/import?app=app", token, of("1"))
	if n := h.runs(); n != chunkRuns {
		t.Errorf("%d runs are kept, want %d", n, chunkRuns)
	}
	var kept Kept
	h.want(201, &kept, "POST", "/api/v1/import?app=app", token, of("1"))
	if n := h.runs(); n != runs || kept.Added != runs-chunkRuns || kept.Known != chunkRuns {
		t.Errorf("%d runs are kept: %d new, %d known", n, kept.Added, kept.Known)
	}
}
