package historic

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/dashboard/madeup"
	"github.com/pacer-perf/pacer/internal/dashboard/pagetest"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/memory"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

func crawl(t *testing.T, p judge.Policy, end time.Time, start string, most int, runs ...*run.Run) {
	t.Helper()
	store, err := memory.New(runs...)
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{
		Open:   func(context.Context) (history.Reader, error) { return store, nil },
		Policy: func(string) (judge.Policy, error) { return p, nil },
		Now:    func() time.Time { return end },
	})
	h := dashboard.New(dashboard.Config{Source: s, Version: "0.0.0", Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return end }})
	visited, problems := pagetest.Crawl(h, start, most)
	for _, problem := range problems[:min(8, len(problems))] {
		t.Error(problem)
	}
	if visited < 15 {
		t.Errorf("only %d pages are reached", visited)
	}
}

// Whatever leads somewhere leads to a page that is there.
func TestCrawl(t *testing.T) {
	t.Parallel()
	end := time.Date(2026, 11, 23, 7, 17, 0, 0, time.UTC)
	crawl(t, judge.Policy{Baseline: "branch:main"}, end, "/", 40, madeup.Runs(end)...)
}

// So it is with names and numbers that nobody would choose.
func TestCrawlOdd(t *testing.T) {
	t.Parallel()
	odd := []string{`<script>alert(1)</script>`, `a&b=c?d#e%20f/g`, `"quoted" 'names' \\`, "{{.}}", "überprüfen 🎧 \u202e rtl", strings.Repeat("long.", 190), "javascript:alert(1)", "-", "..", "x{y=z}"}
	values := []float64{0, math.MaxFloat64, math.SmallestNonzeroFloat64, 1e-9, 1e15, 0.1, 3}
	var runs []*run.Run
	for i := range 14 {
		word := odd[i%len(odd)]
		r := &run.Run{ID: fmt.Sprintf("ODD%03d", i), App: odd[0], Version: word, Commit: word, Branch: odd[(i/7+3)%len(odd)], Dirty: i%5 == 4,
			Timestamp: start.Add(time.Duration(i) * time.Hour), Labels: map[string]string{odd[1]: odd[2]},
			Environment: &run.Environment{OS: odd[3], Arch: odd[4], CPU: odd[0], Cores: 3, CPULimit: 0.5, MemoryLimit: 1 << 60}}
		if i == 0 {
			r.Environment = nil
		}
		for k, name := range odd {
			m := run.Metric{Name: name, Unit: []string{"s", "bytes", odd[0], "count", "items/s"}[k%5], Labels: map[string]string{string([]rune(odd[(k+1)%len(odd)])[:1]) + "k": odd[(k+2)%len(odd)]}}
			for j := range 3 * (k % 4) {
				m.Samples = append(m.Samples, values[(i+j*k)%len(values)])
			}
			r.Metrics = append(r.Metrics, m)
			r.Stages = append(r.Stages, run.Stage{Path: name, Count: int64(k), Total: 1, Self: 0.5}, run.Stage{Path: name + "/" + odd[0], Count: 3, Total: 0.5, Self: 0.5})
		}
		if err := r.Validate(); err != nil {
			t.Fatal(err)
		}
		runs = append(runs, r)
	}
	crawl(t, judge.Policy{}, start.Add(100*time.Hour), "/", 50, runs...)
}
