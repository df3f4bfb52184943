package pacertest_test

import (
	"testing"
	"time"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/pacertest"
)

// table is what the example tests: filtering it takes a while.
type table struct {
	filtering *pacer.Timer
	wait      func(time.Duration)
}

func (tb *table) filter() {
	defer tb.filtering.Start().Stop()
	tb.wait(150 * time.Millisecond)
}

// A budget as an ordinary test, on a clock that the test moves.
func Example() {
	// func TestFilterBudget(t *testing.T)
	_ = func(t *testing.T) {
		rec, clock := pacertest.New(t, pacer.Config{})
		tb := &table{filtering: rec.Timer("table.filter"), wait: clock.Advance}
		for range 20 {
			tb.filter()
		}
		pacertest.Count(t, rec, "table.filter", 20)
		pacertest.Under(t, rec, "table.filter", "p95", 200*time.Millisecond)
	}
}

// The same on the real clock: for budgets of the machine that runs the tests.
func ExampleUnder() {
	_ = func(t *testing.T) {
		rec := pacer.New(pacer.Config{App: "cuepoint"})
		tb := &table{filtering: rec.Timer("table.filter"), wait: time.Sleep}
		for range 20 {
			tb.filter()
		}
		pacertest.Under(t, rec, "table.filter", "p95", 200*time.Millisecond)
		pacertest.AtMost(t, rec, "memory.peak", "max", "500MB")
		pacertest.NoErrors(t, rec)
	}
}
