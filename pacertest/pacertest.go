// Package pacertest makes a performance budget an ordinary Go test: a Recorder
// on a clock that the test moves, and assertions on what was recorded.
//
//	func TestFilterBudget(t *testing.T) {
//		rec, clock := pacertest.New(t, pacer.Config{})
//		loadTable(rec, clock)
//		pacertest.Under(t, rec, "table.filter", "p95", 200*time.Millisecond)
//	}
//
// The assertions take any Recorder, also one on the real clock. They report
// with Errorf, so that a test says all that is wrong at once. A metric that is
// not there fails: a budget for nothing is a mistake in the budget.
//
// Metrics are named as Pacer writes them, with their labels in any order:
// table.filter{rows=1000}. Statistics are those of run.Metric.Statistic: p50,
// p95, p99.9, median, mean, min, max, stddev. Each assertion takes a snapshot
// of the recorder, which costs a copy of the samples.
package pacertest

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pacer-perf/pacer"
)

// Clock is a clock that stands still until it is moved. It may be used from
// any goroutine.
type Clock struct{ now atomic.Int64 }

// Now returns how far the clock was moved.
func (c *Clock) Now() time.Duration { return time.Duration(c.now.Load()) }

// Advance moves the clock. A negative d moves it back, which timers count as
// no time at all.
func (c *Clock) Advance(d time.Duration) { c.now.Add(int64(d)) }

// New returns a Recorder for a test, and the clock that its timers and spans
// read in place of c.Clock. Without a c.Logger the test fails when the Recorder
// logs an error, such as a metric's bad name; warnings go to the test's log.
//
// Start-up counts from the clock's zero.
// New fails the test where PACER_DISABLED=1 is set: there would be nothing to
// assert. With PACER_EXPORT set no document is written.
//
// Inside a bubble of testing/synctest use pacer.New: its clock is the bubble's.
func New(t testing.TB, c pacer.Config) (*pacer.Recorder, *Clock) {
	t.Helper()
	clock := new(Clock)
	c.Clock = clock.Now
	if c.Logger == nil {
		c.Logger = logger(t)
	}
	rec := pacer.New(c)
	if rec == nil && !c.Disabled {
		t.Fatalf("pacertest: PACER_DISABLED=1 is set, nothing would be recorded: unset it for this test")
	}
	t.Cleanup(func() {
		// The documents of tests are not those of the program they test.
		if os.Getenv("PACER_EXPORT") == "" {
			rec.Close() // writes nothing, and so cannot fail
		}
	})
	return rec, clock
}

// logger returns a logger for as long as the test takes.
func logger(t testing.TB) *slog.Logger {
	s := &shared{t: t}
	t.Cleanup(s.end)
	return slog.New(&handler{shared: s})
}

// handler sends warnings to a test's log, and errors to the test.
type handler struct {
	shared *shared
	before string // attributes of With
	group  string
}

// shared is what all handlers of a test have in common.
type shared struct {
	mu    sync.Mutex
	t     testing.TB
	ended bool // t must not be used any more
}

func (s *shared) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
}

func (h *handler) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

func (h *handler) Handle(_ context.Context, r slog.Record) error {
	var line strings.Builder
	line.WriteString(r.Message)
	line.WriteString(h.before)
	r.Attrs(func(a slog.Attr) bool {
		h.write(&line, a)
		return true
	})
	h.shared.mu.Lock()
	defer h.shared.mu.Unlock()
	switch {
	case h.shared.ended:
	case r.Level >= slog.LevelError:
		h.shared.t.Errorf("%s", line.String())
	default:
		h.shared.t.Logf("%s", line.String())
	}
	return nil
}

func (h *handler) write(line *strings.Builder, a slog.Attr) {
	line.WriteString(" " + h.group + a.Key + "=" + a.Value.Resolve().String())
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var line strings.Builder
	for _, a := range attrs {
		h.write(&line, a)
	}
	return &handler{shared: h.shared, before: h.before + line.String(), group: h.group}
}

func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{shared: h.shared, before: h.before, group: h.group + name + "."}
}
