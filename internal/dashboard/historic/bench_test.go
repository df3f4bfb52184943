//go:build unix

package historic

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/sqlite"
	"github.com/pacer-perf/pacer/internal/judge"
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

// cpuTime is what this process has used: on a machine that is shared, it says
// more than the clock.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// How long a page takes on the server, and how large it is: when nothing but the
// heads of runs is known, when a run was just recorded, and when it was asked
// for before.
//
//	go test ./internal/dashboard/historic -run '^$' -bench 'Pages/runs=1000/' -benchtime 5x
func BenchmarkPages(b *testing.B) {
	const metrics = 200
	for _, n := range []int{200, 1_000, 10_000} {
		b.Run(fmt.Sprintf("runs=%d", n), func(b *testing.B) {
			store := large(b, n, metrics)
			rules := judge.Policy{Baseline: "branch:main", Budgets: []judge.Budget{{Metric: "group03.*", Limits: map[judge.Tier]judge.Quantity{judge.Target: {Value: 1, Unit: "s"}}}}}
			s := New(Config{
				Open:   func(context.Context) (history.Reader, error) { return store, nil },
				Policy: func(string) (judge.Policy, error) { return rules, nil },
			})
			b.Cleanup(s.desk.close)
			h := dashboard.New(dashboard.Config{Source: s, Log: slog.New(slog.DiscardHandler)})
			begun := time.Now()
			if _, err := s.Apps(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.Logf("the heads of %d runs take %v", n, time.Since(begun).Round(time.Millisecond))
			newest := sized(n-1, 0).ID
			for _, p := range []struct{ name, target string }{
				{"overview", "/"}, {"metric", "/metric?m=group03.metric077"}, {"all", "/metric?m=group03.metric077&last=all"},
				{"compare", fmt.Sprintf("/compare?a=1.%d&b=%s", n-20, newest)}, {"runs", "/runs"}, {"card", "/?embed=1&card=1"}, {"regressions", "/regressions"}, {"budgets", "/budgets"},
			} {
				for _, state := range []string{"first", "recorded", "again"} {
					b.Run(p.name+"/"+state, func(b *testing.B) {
						size, used := 0, time.Duration(0)
						for b.Loop() {
							if state != "again" {
								b.StopTimer()
								if s.forget(); state == "first" {
									s.runs.clear()
								}
								b.StartTimer()
							}
							before := cpuTime()
							w := httptest.NewRecorder()
							h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, p.target, nil))
							if w.Code != http.StatusOK {
								b.Fatal(w.Code, w.Body.String())
							}
							size, used = w.Body.Len(), used+cpuTime()-before
						}
						b.ReportMetric(float64(size), "bytes")
						b.ReportMetric(float64(used.Milliseconds())/float64(b.N), "cpu-ms/op")
					})
				}
			}
		})
	}
}
