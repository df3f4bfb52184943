package pacer

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pacer-perf/pacer/run"
)

// Steps add up to what was recorded, whenever they are read: in the first phase
// of a timer, at its end, and afterwards.
func TestStepsAddUp(t *testing.T) {
	t.Parallel()
	for name, draw := range draws {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(5, 6))
			rec, _ := fake(t, Config{})
			timer, value := rec.Timer("a"), rec.Value("b")
			f := rec.Follow()
			f.Next()
			sum := map[int]*run.Histogram{0: run.NewHistogram("s"), 1: run.NewHistogram("count")}
			for left := 3 * run.MaxSamples; left > 0; {
				n := min(left, 1+rng.IntN(4000))
				left -= n
				most := int64(-1)
				for range n {
					v := draw(rng)
					most = max(most, v)
					timer.Record(time.Duration(v))
					value.Record(v)
				}
				step := f.Next()
				if len(step.Deltas) != 2 {
					t.Fatalf("%d deltas, want 2", len(step.Deltas))
				}
				for i, d := range step.Deltas {
					m := run.Metric{Name: "a", Unit: []string{"s", "count"}[i], Histogram: d.Histogram}
					if err := (&run.Run{Metrics: []run.Metric{m}}).Validate(); err != nil {
						t.Fatal(err)
					}
					if d.Histogram.Count != int64(n) || d.Histogram.Max != max(d.Slowest.Value, d.Histogram.Max) {
						t.Fatalf("%d of %d observations, %v at most, slowest %v", d.Histogram.Count, n, d.Histogram.Max, d.Slowest.Value)
					}
					if err := sum[d.Number].Merge(d.Histogram); err != nil {
						t.Fatal(err)
					}
				}
				if got := step.Deltas[1].Slowest.Value; got != float64(most) {
					t.Fatalf("the largest was %v, want %v", got, most)
				}
			}
			snapshot := rec.Snapshot()
			for number, name := range []string{"a", "b"} {
				want := snapshot.Find(name, nil).Histogram
				ignore := cmpopts.IgnoreFields(run.Histogram{}, "Min", "Ticks")
				if diff := cmp.Diff(want, sum[number], ignore); diff != "" {
					t.Errorf("%s (-snapshot +steps):\n%s", name, diff)
				}
				if got := sum[number]; math.Abs(got.Ticks-want.Ticks) > 1e-9*want.Ticks || got.Min > want.Min || want.Min > got.Min*(1+1.0/64) {
					t.Errorf("%s: sum %v, least %v; want %v, %v", name, got.Ticks, got.Min, want.Ticks, want.Min)
				}
			}
			if step := f.Next(); len(step.Deltas) != 0 || step.Overhead.Observations != 6*run.MaxSamples {
				t.Errorf("afterwards: %+v, %d observations", step.Deltas, step.Overhead.Observations)
			}
		})
	}
}

// Nothing is lost or counted twice beside goroutines that record.
func TestStepsConcurrent(t *testing.T) {
	t.Parallel()
	const goroutines, each = 16, 5000
	rec, _ := fake(t, Config{})
	f := rec.Follow()
	sum := run.NewHistogram("s")
	take := func() {
		for _, d := range f.Next().Deltas {
			if err := (&run.Run{Metrics: []run.Metric{{Name: "a", Unit: "s", Histogram: d.Histogram}}}).Validate(); err != nil {
				t.Error(err)
			}
			if err := sum.Merge(d.Histogram); err != nil {
				t.Error(err)
			}
		}
	}
	var writers sync.WaitGroup
	for g := range goroutines {
		writers.Go(func() {
			timer := rec.Timer("a")
			for i := range each {
				timer.Record(time.Duration(g*each + i))
				if i%64 == 0 {
					runtime.Gosched()
				}
			}
		})
	}
	stop := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				take()
				f.Rest()
			}
		}
	})
	writers.Wait()
	close(stop)
	reader.Wait()
	take()
	snapshot := rec.Snapshot()
	want := snapshot.Find("a", nil).Histogram
	if sum.Count != goroutines*each || sum.Ticks > want.Ticks*1.01 {
		t.Errorf("%d observations of %d, sum %v, want %v", sum.Count, goroutines*each, sum.Ticks, want.Ticks)
	}
	if diff := cmp.Diff(want.Buckets, sum.Buckets); diff != "" {
		t.Errorf("(-snapshot +steps):\n%s", diff)
	}
}

// While nobody follows, a value inside its budget takes the short way; while
// somebody does, all but the largest so far.
func TestGate(t *testing.T) {
	t.Parallel()
	rec, _ := fake(t, Config{})
	plain, held := rec.Timer("plain"), rec.Timer("held", Budget{Target: time.Second})
	gates := func(wantPlain, wantHeld int64) {
		t.Helper()
		if p, h := plain.values.gate.Load(), held.values.gate.Load(); p != wantPlain || h != wantHeld {
			t.Errorf("gates are %d and %d, want %d and %d", p, h, wantPlain, wantHeld)
		}
	}
	fill := func() {
		for range run.MaxSamples + 1 {
			plain.Record(10)
			held.Record(10)
		}
	}
	gates(-1, -1)
	f := rec.Follow()
	f.Next()
	fill()
	gates(10, 10)
	f.Next()
	gates(-1, -1)
	plain.Record(5)
	plain.Record(3)
	held.Record(2 * time.Second)
	gates(5, 1e9)
	f.Rest()
	gates(math.MaxInt64, 1e9)
	plain.Record(7)
	if s := f.Next(); len(s.Deltas) != 2 || s.Deltas[0].Histogram.Count != 3 || s.Deltas[0].Slowest != nil {
		t.Errorf("after a rest: %+v", s.Deltas)
	}
	late := rec.Timer("late") // between two steps
	late.Record(3)
	if s := f.Next(); len(s.Deltas) != 1 || s.Deltas[0].Slowest == nil || s.Deltas[0].Histogram.Max != 3e-9 {
		t.Errorf("an instrument that came late: %+v", s.Deltas)
	}
	rec.SetRecording(false)
	gates(-1, -1)
	fill()
	rec.SetRecording(true)
	if s := f.Next(); len(s.Deltas) != 0 {
		t.Errorf("recorded while it was off: %+v", s.Deltas)
	}
	plain.Record(4)
	gates(4, -1)
}

func TestSetRecording(t *testing.T) {
	t.Parallel()
	rec, _ := fake(t, Config{})
	if !rec.Recording() || (*Recorder)(nil).Recording() {
		t.Error("a recorder records at first, and none does not")
	}
	do := func() {
		rec.Timer("timer").Record(1)
		rec.Value("value").Record(1)
		rec.Rate("rate").Record(1, time.Second)
		rec.Counter("counter").Add(1)
		rec.Gauge("gauge").Add(1)
		_, span := rec.Start(t.Context(), "span")
		span.Note("a", "b")
		span.End()
	}
	do()
	rec.SetRecording(false)
	rec.Timer("late").Record(1)
	do()
	if rec.Recording() {
		t.Error("it is off")
	}
	rec.SetRecording(true)
	rec.Timer("late").Record(1)
	do()
	s := rec.Snapshot()
	for name, want := range map[string]int64{"timer": 2, "value": 2, "span": 2, "late": 1} {
		if got := s.Find(name, nil).Count(); got != want {
			t.Errorf("%s: %d observations, want %d", name, got, want)
		}
	}
	for name, want := range map[string]float64{"rate": 1, "counter": 3, "gauge": 3} {
		if got := s.Find(name, nil).Samples[0]; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

// A step tells what instruments there are, what the others than timers
// measured, collections, and the slowest operation with what it knows of itself.
func TestStep(t *testing.T) {
	t.Parallel()
	var clock hand
	rec, _ := fake(t, Config{Clock: clock.read})
	ctx := NewContext(context.Background(), rec)
	process := func(file string, search time.Duration) {
		ctx, span := Start(ctx, "track.process")
		span.Note("file", file)
		_, child := Start(ctx, "queries")
		clock.move(time.Millisecond)
		child.End()
		_, child = Start(ctx, "search")
		clock.move(search)
		child.End()
		span.End()
	}
	process("early.flac", time.Hour)
	f := rec.Follow()
	rec.Gauge("queue", Limit{Warning: 10}).Set(4)
	step := f.Next()
	if step.Elapsed <= 0 || step.Elapsed > time.Minute || len(step.Instruments) != 4 || len(step.Collections) != 0 {
		t.Fatalf("the first step: %+v", step)
	}
	if i := step.Instruments[3]; i.Name != "queue" || i.Number != 3 || i.Kind != run.GaugeKind || i.Budget != (Limit{Warning: 10}) {
		t.Errorf("the gauge is %+v", i)
	}
	long := strings.Repeat("é", 150)
	process("a.flac", time.Second)
	process(long, 2*time.Second)
	process("b.flac", time.Second)
	rec.Counter("misses").Add(3)
	rec.Rate("speed").Record(10, 2*time.Second)
	runtime.GC()
	step = f.Next()
	d := step.Deltas[0]
	if d.Histogram.Count != 3 || d.Slowest == nil {
		t.Fatalf("track.process: %+v", d)
	}
	want := &Operation{Value: 2.001, Stage: "track.process/search", StageTook: 2 * time.Second, Notes: []Note{{"file", strings.Repeat("é", 100)}}}
	if diff := cmp.Diff(want, d.Slowest, cmpopts.IgnoreFields(Operation{}, "Time")); diff != "" {
		t.Errorf("the slowest (-want +got):\n%s", diff)
	}
	others := fmt.Sprint(step.Deltas[len(step.Deltas)-2].Value, step.Deltas[len(step.Deltas)-1].Value)
	if len(step.Deltas) != 5 || others != "3 5" {
		t.Errorf("counter and rate are %s of %+v", others, step.Deltas)
	}
	if n := len(step.Collections); n == 0 || time.Since(step.Collections[n-1].Time) > time.Minute {
		t.Errorf("collections: %+v", step.Collections)
	}
	if m := step.Memory; m.HeapLive <= 0 || m.HeapTotal < m.HeapLive || m.Goroutines < 1 {
		t.Errorf("memory: %+v", m)
	}
	if o := step.Overhead; o.Observations != 12 || o.Bytes < 5000 || o.Bytes > 1e6 || o.Each <= 0 || o.Each > 100*time.Microsecond {
		t.Errorf("overhead: %+v", o)
	}
}

// Reports are kept, those with evidence longest, and told to followers once.
func TestBreachesKept(t *testing.T) {
	t.Parallel()
	rec, _ := fake(t, Config{})
	f := rec.Follow()
	f.Next()
	add := func(n int, evidence ...string) {
		for i := range n {
			rec.reported.add(Breach{Metric: "a", Count: int64(i), Evidence: evidence})
		}
	}
	add(3, "file")
	add(50)
	if s := f.Next(); len(s.Breaches) != 53 {
		t.Errorf("%d breaches in the step, want 53", len(s.Breaches))
	}
	add(60)
	if s := f.Next(); len(s.Breaches) != 60 {
		t.Errorf("%d breaches in the step, want 60", len(s.Breaches))
	}
	list := rec.Breaches()
	if len(list) != maxReported || list[2].Evidence == nil || list[99].Count != 59 {
		t.Errorf("%d are kept, %+v … %+v", len(list), list[2], list[99])
	}
	add(maxReported, "file")
	add(1)
	if list = rec.Breaches(); len(list) != maxReported || list[99].Evidence != nil {
		t.Errorf("%d are kept, the last %+v", len(list), list[99])
	}
}

// A nil recorder has a nil follower.
func TestFollowNobody(t *testing.T) {
	t.Parallel()
	f := (*Recorder)(nil).Follow()
	f.Rest()
	if s := f.Next(); len(s.Deltas) != 0 || s.Time.IsZero() {
		t.Errorf("%+v", s)
	}
	(*Recorder)(nil).SetRecording(true)
	(*Span)(nil).Note("a", "b")
	if list := (*Recorder)(nil).Breaches(); list != nil {
		t.Error(list)
	}
}
