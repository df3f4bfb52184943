package bench

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/run"
)

// What a timer may hold on the heap, in bytes, its registration included.
const (
	maxIdle  = 2 << 10
	maxShard = 24 << 10 // for each shard of buckets
)

// loads are what a timer may have been through, and what it may hold then.
var loads = []struct {
	name string
	use  func(*pacer.Timer)
	max  int
}{
	{"idle", func(*pacer.Timer) {}, maxIdle},
	{"100-samples", func(t *pacer.Timer) { drive(t.Record, 1, 100) }, maxIdle + 2<<10},
	// The most that sampling takes: eight bytes for each of run.MaxSamples.
	{"all-samples", func(t *pacer.Timer) { drive(t.Record, 1, run.MaxSamples) }, maxIdle + 8*run.MaxSamples + 2<<10},
	{"busy", func(t *pacer.Timer) { drive(t.Record, 1, enough) }, maxShard},
	// One latency in each power of two from a nanosecond to ten hours.
	{"busy-wide", func(t *pacer.Timer) {
		for n := 0; n < enough; {
			for d := time.Duration(1); d < longest; d *= 2 {
				t.Record(d)
				n++
			}
		}
	}, maxShard},
	// Goroutines that collide make shards, at most four for each processor.
	{"busy-contended", func(t *pacer.Timer) {
		drive(t.Record, 4*runtime.GOMAXPROCS(0), enough)
	}, maxShard * 4 * runtime.GOMAXPROCS(0)},
}

// held returns how many bytes of the heap n timers hold, each.
func held(tb testing.TB, n int, use func(*pacer.Timer)) float64 {
	rec := newPacer(tb)
	rec.Snapshot() // what is made once is not a timer's
	before := heap()
	for i := range n {
		use(rec.Timer(fmt.Sprintf("timer.t%d", i)))
	}
	after := heap()
	runtime.KeepAlive(rec)
	return float64(after-before) / float64(n)
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers and pools let go of
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkMemory reports what one timer holds on the heap.
func BenchmarkMemory(b *testing.B) {
	for _, l := range loads {
		b.Run(l.name, func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(held(b, 100, l.use), "B/timer")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func TestMemory(t *testing.T) {
	for _, l := range loads {
		t.Run(l.name, func(t *testing.T) {
			if got := held(t, 20, l.use); got > float64(l.max) {
				t.Errorf("a timer holds %.0f bytes, want at most %d", got, l.max)
			}
		})
	}
}
