//go:build unix

package historic

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
)

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
	for _, n := range []int{100, 200, 1_000, 10_000} {
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
			newest, next := sized(n-1, 0).ID, n
			for _, p := range []struct{ name, target string }{
				{"overview", "/"}, {"metric", "/metric?m=group03.metric077"}, {"all", "/metric?m=group03.metric077&last=all"},
				{"compare", fmt.Sprintf("/compare?a=1.%d&b=%s", n-20, newest)}, {"runs", "/runs"}, {"card", "/?embed=1&card=1"}, {"regressions", "/regressions"}, {"budgets", "/budgets"},
			} {
				for _, state := range []string{"first", "recorded", "again"} {
					b.Run(p.name+"/"+state, func(b *testing.B) {
						size, used := 0, time.Duration(0)
						for b.Loop() {
							b.StopTimer()
							switch state {
							case "first":
								s.forget()
								s.runs.clear()
								s.measured.clear()
								s.desk.points.clear()
							case "recorded":
								r := sized(next, metrics)
								next++
								if _, err := store.Append(b.Context(), &r); err != nil {
									b.Fatal(err)
								}
								if _, err := s.Apps(b.Context()); err != nil {
									b.Fatal(err)
								}
							}
							b.StartTimer()
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
