package bench

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/run"
)

// enough observations bring a timer of Pacer out of its first phase, in which
// it keeps them as they are.
const enough = 2 * run.MaxSamples

// drive records n latencies in each of several goroutines.
func drive(record func(time.Duration), goroutines, n int) {
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range n {
				record(latencies[(g*len(latencies)/goroutines+i)%len(latencies)])
			}
		})
	}
	wg.Wait()
}

// BenchmarkSerial is one goroutine that records.
func BenchmarkSerial(b *testing.B) {
	for _, r := range recorders {
		b.Run(r.name, func(b *testing.B) {
			b.ReportAllocs()
			record := r.open(b).record
			drive(record, 1, enough)
			i := 0
			for b.Loop() {
				record(latencies[i%len(latencies)])
				i++
			}
		})
	}
}

// BenchmarkParallel is a goroutine for each processor, all of which record
// into the same histogram. The time of an operation is the elapsed time over
// the operations of all.
func BenchmarkParallel(b *testing.B) {
	for _, r := range recorders {
		b.Run(r.name, func(b *testing.B) {
			b.ReportAllocs()
			record := r.open(b).record
			drive(record, runtime.GOMAXPROCS(0), enough)
			var started atomic.Int64
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				i := int(started.Add(1)) * 1000
				for pb.Next() {
					record(latencies[i%len(latencies)])
					i++
				}
			})
		})
	}
}

// BenchmarkSampling is the first phase of a timer of Pacer, and its end.
func BenchmarkSampling(b *testing.B) {
	// An operation is all of a timer's observations that are kept as they are.
	b.Run("pacer-first", func(b *testing.B) {
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			b.StopTimer()
			record := openPacer(b).record
			b.StartTimer()
			for i := range run.MaxSamples {
				record(latencies[i%len(latencies)])
			}
			n += run.MaxSamples
		}
		b.ReportMetric(float64(b.Elapsed())/float64(n), "ns/record")
	})
	// An operation is the one observation that moves them to buckets.
	b.Run("pacer-turn", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			record := openPacer(b).record
			drive(record, 1, run.MaxSamples)
			b.StartTimer()
			record(latencies[0])
		}
	})
}

// No recorder may be fast because it drops what it is given, or waits with it.
func TestEveryRecorderCounts(t *testing.T) {
	for _, r := range recorders {
		t.Run(r.name, func(t *testing.T) {
			rec := r.open(t)
			if rec.count == nil {
				return // the harness alone, which holds nothing
			}
			drive(rec.record, 1, 100)
			if got := rec.count(); got != 100 {
				t.Errorf("holds %d of 100 observations", got)
			}
			drive(rec.record, 4, enough)
			if got, want := rec.count(), int64(100+4*enough); got != want {
				t.Errorf("holds %d of %d observations", got, want)
			}
		})
	}
}

// After the first phase, recording allocates nothing.
func TestRecordAllocatesNothing(t *testing.T) {
	record := openPacer(t).record
	drive(record, 1, enough)
	i := 0
	if got := testing.AllocsPerRun(1000, func() {
		record(latencies[i%len(latencies)])
		i++
	}); got != 0 {
		t.Errorf("%v allocations for each observation, want 0", got)
	}
}

// Every recorder must take all latencies: an observation out of range would
// cost less than the others.
func TestLatencies(t *testing.T) {
	for i, d := range latencies {
		if d <= 0 || d > longest {
			t.Errorf("latency %d is %v, not within 1ns and %v", i, d, longest)
		}
	}
}
