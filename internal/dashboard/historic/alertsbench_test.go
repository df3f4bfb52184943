package historic

import (
	"context"
	"fmt"
	"testing"

	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
)

// How long the alerts of a history take to work out: with nothing remembered,
// after a run was added, and again.
//
//	go test ./internal/dashboard/historic -run '^$' -bench 'Alerts/runs=10000/' -benchtime 5x
func BenchmarkAlerts(b *testing.B) {
	const metrics = 200
	for _, n := range []int{200, 10_000} {
		b.Run(fmt.Sprintf("runs=%d", n), func(b *testing.B) {
			store := large(b, n, metrics)
			s := New(Config{
				Open:   func(context.Context) (history.Reader, error) { return store, nil },
				Policy: func(string) (judge.Policy, error) { return judge.Policy{Baseline: "branch:main"}, nil },
			})
			b.Cleanup(s.desk.close)
			if _, err := s.Apps(b.Context()); err != nil {
				b.Fatal(err)
			}
			ask := func() {
				if _, err := s.Alerts(b.Context(), dashboard.AlertQuery{App: "app"}); err != nil {
					b.Fatal(err)
				}
			}
			b.Run("cold", func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					s.desk.close()
					s.desk = newDesk()
					s.forget()
					s.runs.clear()
					b.StartTimer()
					ask()
				}
			})
			next := n
			b.Run("next", func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					r := sized(next, metrics)
					next++
					if _, err := store.Append(b.Context(), &r); err != nil {
						b.Fatal(err)
					}
					if _, err := s.Apps(b.Context()); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
					ask()
				}
			})
			b.Run("again", func(b *testing.B) {
				for b.Loop() {
					ask()
				}
			})
		})
	}
}
