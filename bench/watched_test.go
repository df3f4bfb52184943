//go:build unix

package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/pacerhttp"
)

// BenchmarkWatched is an app that does more than a million operations a second
// on all processors, each of them timed, while a bare client holds the event
// stream of its dashboard open, and while nobody looks: in turn, the other one
// first every second time. It reports by how much the median pair is slower when
// watched, in operations for each second of the clock and for each second of
// processor time, which other programs on the machine disturb less; and how far
// a quarter of the pairs lie off on either side. An operation of the benchmark
// is one pair.
func BenchmarkWatched(b *testing.B) {
	for _, timers := range []int{20, 1000} {
		b.Run(fmt.Sprintf("timers=%d", timers), func(b *testing.B) {
			rec := newPacer(b)
			app := newBusyApp(rec, timers)
			server := httptest.NewServer(pacerhttp.Dashboard(rec))
			defer server.Close()
			app.run(slice) // warm
			var clock, processor, rates []float64
			for i := 0; b.Loop(); i++ {
				var alone, watched pace
				for _, look := range []bool{i%2 == 0, i%2 != 0} {
					if !look {
						alone = app.run(slice)
						continue
					}
					stop := watch(b, server.URL)
					watched = app.run(slice)
					stop()
				}
				clock = append(clock, 100*(alone.perSecond/watched.perSecond-1))
				processor = append(processor, 100*(watched.processor/alone.processor-1))
				rates = append(rates, watched.perSecond/1e6)
			}
			b.ReportMetric(0, "ns/op") // of a pair means nothing
			for _, m := range []struct {
				of   []float64
				unit string
			}{{clock, "slower-%"}, {processor, "more-cpu-%"}} {
				slices.Sort(m.of)
				n := len(m.of)
				b.ReportMetric(m.of[n/2], m.unit)
				b.ReportMetric((m.of[3*n/4]-m.of[n/4])/2, m.unit+"-off")
			}
			slices.Sort(rates)
			b.ReportMetric(rates[len(rates)/2], "Mops/s")
		})
	}
}

// BenchmarkWatching is what watching takes of the processors, beside an app that
// does a million operations a second and nothing else: in turn with and without
// a bare client on the event stream. On a machine whose processors are all busy,
// it is this time that the app does not have.
func BenchmarkWatching(b *testing.B) {
	for _, timers := range []int{20, 1000} {
		b.Run(fmt.Sprintf("timers=%d", timers), func(b *testing.B) {
			rec := newPacer(b)
			app := newBusyApp(rec, timers)
			server := httptest.NewServer(pacerhttp.Dashboard(rec))
			defer server.Close()
			var alone, watched, more []float64
			for i := 0; b.Loop(); i++ {
				for _, look := range []bool{i%2 == 0, i%2 != 0} {
					if !look {
						alone = append(alone, app.pace(slice))
						continue
					}
					stop := watch(b, server.URL)
					watched = append(watched, app.pace(slice))
					stop()
				}
				more = append(more, watched[i]-alone[i])
			}
			b.ReportMetric(0, "ns/op")
			for unit, list := range map[string][]float64{"alone-ms/s": alone, "watched-ms/s": watched, "more-ms/s": more} {
				slices.Sort(list)
				b.ReportMetric(list[len(list)/2], unit)
			}
		})
	}
}

// pace does a million operations a second for a while, and returns how many
// milliseconds of processor time it took for each second.
func (a *busyApp) pace(long time.Duration) float64 {
	began, spent, n := time.Now(), processorTime(), 0
	for took := time.Duration(0); took < long; took = time.Since(began) {
		for due := int(took.Seconds() * 1e6); n < due; n++ {
			a.timers[n%len(a.timers)].Record(latencies[n%len(latencies)])
		}
		time.Sleep(time.Millisecond)
	}
	return 1e3 * (processorTime() - spent).Seconds() / time.Since(began).Seconds()
}

// slice is how long a side works at a time: a few steps of the stream.
const slice = 2 * time.Second

// watch holds an event stream open until it is stopped. It returns when all that
// was known has come; what follows is a step a second.
func watch(b *testing.B, url string) (stop func()) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/events", nil)
	if err != nil {
		b.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil || answer.StatusCode != http.StatusOK {
		b.Fatal(answer, err)
	}
	stream := bufio.NewReaderSize(answer.Body, 64<<10)
	for line := ""; !strings.HasPrefix(line, "data: "); {
		if line, err = stream.ReadString('\n'); err != nil {
			b.Fatal(err)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(io.Discard, stream)
		answer.Body.Close()
	}()
	return func() { cancel(); <-done }
}

var worked atomic.Uint64 // so that the work is not optimised away

// busyApp works on all processors.
type busyApp struct{ timers []*pacer.Timer }

func newBusyApp(rec *pacer.Recorder, timers int) *busyApp {
	a := &busyApp{}
	for i := range timers {
		t := rec.Timer(fmt.Sprintf("op.n%d", i))
		drive(t.Record, 1, enough)
		a.timers = append(a.timers, t)
	}
	return a
}

// pace is how fast an app was.
type pace struct {
	perSecond float64 // operations
	processor float64 // seconds for each operation
}

// run works for a while. An operation is some hundred nanoseconds of work
// between Start and Stop.
func (a *busyApp) run(long time.Duration) pace {
	var wg sync.WaitGroup
	counts := make([]int, runtime.GOMAXPROCS(0)*8) // apart, so that they share no cache line
	began, spent := time.Now(), processorTime()
	end := began.Add(long)
	for g := range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			n, x := 0, uint64(g+1)
			for time.Now().Before(end) {
				for range 256 {
					timing := a.timers[n%len(a.timers)].Start()
					for range 200 {
						x ^= x << 13
						x ^= x >> 7
						x ^= x << 17
					}
					timing.Stop()
					n++
				}
			}
			counts[8*g] = n
			worked.Add(x)
		})
	}
	wg.Wait()
	took, total := time.Since(began), 0
	for _, n := range counts {
		total += n
	}
	return pace{float64(total) / took.Seconds(), (processorTime() - spent).Seconds() / float64(total)}
}

// processorTime is what this process has used of the processors.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkFollow is one step of a follower: what a second costs while somebody
// looks. All timers were used since the last one.
func BenchmarkFollow(b *testing.B) {
	for _, timers := range []int{20, 1000} {
		b.Run(fmt.Sprintf("timers=%d", timers), func(b *testing.B) {
			b.ReportAllocs()
			rec := newPacer(b)
			app := newBusyApp(rec, timers)
			follower := rec.Follow()
			follower.Next()
			for b.Loop() {
				b.StopTimer()
				for _, t := range app.timers {
					drive(t.Record, 1, 100)
				}
				b.StartTimer()
				follower.Next()
			}
		})
	}
}
