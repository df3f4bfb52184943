package historic

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/sqlite"
	"github.com/pacer-perf/pacer/run"
)

// large is a history in a file: n runs of so many metrics with 10 values each.
func large(b *testing.B, n, metrics int) *sqlite.Store {
	b.Helper()
	store, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "history.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { store.Close() })
	const batch = 200
	for from := 0; from < n; from += batch {
		entries := make([]*history.Entry, min(batch, n-from))
		var wg sync.WaitGroup
		for worker := range runtime.GOMAXPROCS(0) {
			wg.Go(func() {
				for k := worker; k < len(entries); k += runtime.GOMAXPROCS(0) {
					r := sized(from+k, metrics)
					if entries[k], err = history.Pack(&r); err != nil {
						panic(err)
					}
				}
			})
		}
		wg.Wait()
		if _, err := store.AppendBatch(b.Context(), history.Batch{Entries: entries}); err != nil {
			b.Fatal(err)
		}
	}
	return store
}

func sized(i, metrics int) run.Run {
	rng := rand.New(rand.NewPCG(1, uint64(i)))
	at := start.Add(time.Duration(i) * time.Hour)
	r := run.Run{ID: run.NewID(at, [10]byte{byte(i), byte(i >> 8)}), App: "app", Version: fmt.Sprintf("1.%d", i), Commit: fmt.Sprintf("%040x", i+1<<20), Branch: "main", Timestamp: at, Environment: here}
	for k := range metrics {
		m := run.Metric{Name: fmt.Sprintf("group%02d.metric%03d", k/20, k), Unit: "s"}
		for range 10 {
			m.Samples = append(m.Samples, float64(int(1e5*(1+0.03*rng.NormFloat64())))/1e6)
		}
		r.Metrics = append(r.Metrics, m)
	}
	return r
}
