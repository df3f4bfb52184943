package bench

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/run"
)

// newTimers returns n timers, each with as many observations, drawn in turn.
func newTimers(tb testing.TB, n, observations int, of *[8192]time.Duration) (*pacer.Recorder, []*pacer.Timer) {
	rec := newPacer(tb)
	timers := make([]*pacer.Timer, n)
	for i := range timers {
		timers[i] = rec.Timer(fmt.Sprintf("timer.t%d", i))
		for k := range observations {
			timers[i].Record(of[k%len(of)])
		}
	}
	return rec, timers
}

// load makes goroutines record into all timers until the function it returns
// is called.
func load(timers []*pacer.Timer, goroutines int, of *[8192]time.Duration) (end func()) {
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for g := range goroutines {
		wg.Go(func() {
			for i := g * len(timers) / goroutines; ; i++ {
				timers[i%len(timers)].Record(of[i%len(of)])
				if i%1024 == 0 {
					select {
					case <-stop:
						return
					default:
					}
				}
			}
		})
	}
	return func() {
		close(stop)
		wg.Wait()
	}
}

// BenchmarkSnapshot is reading out 1,000 timers, while goroutines record into
// them all the time: none, one fewer than there are processors, and one for
// each processor, so that the snapshot must wait to be scheduled as well. Its
// cost follows the buckets in use: latencies that are similar fill fewer.
func BenchmarkSnapshot(b *testing.B) {
	processors := runtime.GOMAXPROCS(0)
	tests := []struct {
		name         string
		observations int
		of           *[8192]time.Duration
		goroutines   int
	}{
		{"no-load", enough, latencies, 0},
		{"load", enough, latencies, max(1, processors-1)},
		{"full-load", enough, latencies, processors},
		{"load-similar", enough, similar, max(1, processors-1)},
		{"no-load-100-samples", 100, latencies, 0},
		{"no-load-all-samples", run.MaxSamples, latencies, 0}, // the most there is to copy
	}
	for _, tt := range tests {
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			rec, timers := newTimers(b, 1000, tt.observations, tt.of)
			end := load(timers, tt.goroutines, tt.of)
			defer end()
			runtime.GC()
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				rec.Snapshot()
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2]), "p50-ns")
		})
	}
}

// BenchmarkRecordDuringSnapshots is one goroutine that records into 1,000
// timers in turn, alone and beside one that takes snapshots without a pause.
// The time of every 64 observations is measured as a whole: a recorder that
// has to wait for a snapshot shows in the last of the percentiles.
func BenchmarkRecordDuringSnapshots(b *testing.B) {
	for _, snapshots := range []bool{false, true} {
		name := "alone"
		if snapshots {
			name = "snapshots"
		}
		b.Run(name, func(b *testing.B) {
			rec, timers := newTimers(b, 1000, enough, latencies)
			var wg sync.WaitGroup
			stop := make(chan struct{})
			if snapshots {
				wg.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
							rec.Snapshot()
						}
					}
				})
			}
			const batch = 64
			batches := hdrhistogram.New(1, longest.Nanoseconds(), 2)
			i := 0
			start := time.Now()
			for b.Loop() {
				timers[i%len(timers)].Record(latencies[i%len(latencies)])
				if i++; i%batch == 0 {
					now := time.Now()
					batches.RecordValue(int64(now.Sub(start)))
					start = now
				}
			}
			close(stop)
			wg.Wait()
			for _, p := range []float64{50, 99, 99.9, 100} {
				b.ReportMetric(float64(batches.ValueAtPercentile(p)), fmt.Sprintf("p%v-ns/%d", p, batch))
			}
		})
	}
}

// A snapshot that is taken while goroutines record holds no less than the one
// before, and the last one everything.
func TestSnapshotUnderLoad(t *testing.T) {
	const timers, goroutines, each = 20, 4, 20000
	rec, list := newTimers(t, timers, 0, latencies)
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range each {
				list[i%timers].Record(latencies[(g+i)%len(latencies)])
			}
		})
	}
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	last := int64(0)
	for ended := false; !ended; {
		select {
		case <-done:
			ended = true
		default:
		}
		r := rec.Snapshot()
		n := int64(0)
		for i := range r.Metrics {
			if strings.HasPrefix(r.Metrics[i].Name, "timer.") {
				n += r.Metrics[i].Count()
			}
		}
		if n < last {
			t.Fatalf("a snapshot holds %d observations, the one before %d", n, last)
		}
		last = n
	}
	if last != goroutines*each {
		t.Errorf("the last snapshot holds %d of %d observations", last, goroutines*each)
	}
}
