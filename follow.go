package pacer

import (
	"math"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/pacer-perf/pacer/run"
)

// Follower reads what a recorder measures a step at a time, for what shows or
// sends it on while the app runs. Get one from Recorder.Follow.
//
// It has no goroutine and no timer: all that it costs is in Next, and the room
// for what it has seen, as much as the recorder's buckets. Recording goes on as
// ever, beside Next too; only a value that is the largest of its step leaves the
// short way.
type Follower struct {
	rec *Recorder

	mu       sync.Mutex
	last     time.Duration // when Next was called; on no test's clock
	seen     []*seen       // by number
	gc       debug.GCStats
	cycles   int64
	breaches int64
	count    int64
	samples  []metrics.Sample
}

// Follow returns a Follower. Its first step holds all that was measured since
// New. Of several followers of one recorder, each sees every observation, but
// an operation as the slowest of a step only the one that asks first.
func (r *Recorder) Follow() *Follower {
	if r == nil {
		return nil
	}
	f := &Follower{rec: r, last: monotonic()}
	for _, name := range []string{heapLive, heapObjects, heapUnused, heapFree, goroutines} {
		f.samples = append(f.samples, metrics.Sample{Name: name})
	}
	return f
}

// Step is what a recorder measured between two calls of Follower.Next.
type Step struct {
	Time        time.Time
	Elapsed     time.Duration // since the step before; since Follow for the first
	Instruments []Instrument  // that were registered in this step
	Deltas      []Delta       // of the instruments that observed something, by number
	Memory      Memory        // now
	Collections []Collection  // of garbage that ended in this step, at most 256; none in the first
	Breaches    []Breach      // reported in this step
	Overhead    Overhead      // of the recorder itself, so far
}

// Instrument is a metric of a recorder.
type Instrument struct {
	Number     int   // in the order of registration, from 0
	run.Metric       // without observations
	Budget     Limit // in the metric's unit; zero for none
}

// Delta is what one instrument observed in a step.
type Delta struct {
	Number int
	// Histogram holds what a Timer or Value observed. Its Min is that of its
	// first bucket, and so is its Max that of the last where Slowest does not
	// tell it exactly.
	Histogram *run.Histogram
	// Value is how much a Counter grew, what a Gauge is now, or the items of a
	// Rate for each second of work in this step.
	Value   float64
	Slowest *Operation // of a Timer or Value: the largest observation
}

// Operation is an observation that stood out.
type Operation struct {
	Time  time.Time // when it ended
	Value float64   // in the metric's unit

	// Of a span: the child that took longest, "" without one, and the notes.
	Stage     string
	StageTook time.Duration
	Notes     []Note
}

// Memory is what the process uses, in bytes. Resident is 0 where the operating
// system does not tell.
type Memory struct {
	Resident   int64
	HeapLive   int64 // what the last collection left
	HeapTotal  int64 // what the heap takes from the operating system
	Goroutines int64
}

// Collection is a garbage collection.
type Collection struct {
	Time  time.Time     // when it ended
	Pause time.Duration // for which the program stood still
}

// Overhead is what measuring costs the app.
type Overhead struct {
	Observations int64         // of timers and values so far
	Bytes        int64         // that the recorder and this follower hold, about
	Each         time.Duration // of one Start and Stop, tried out on this machine
	Reading      time.Duration // that this step took to read
}

// Next returns what was measured since the last call. It costs what the buckets
// in use cost to be read, like Snapshot, and allocates for what changed.
func (f *Follower) Next() Step {
	if f == nil {
		return Step{Time: time.Now()}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	began := monotonic()
	step := Step{Time: time.Now(), Elapsed: began - f.last}
	f.last = began
	f.rec.mu.Lock()
	order := f.rec.order // what is in it does not change
	f.rec.followed = true
	f.rec.mu.Unlock()
	for _, known := range order[len(f.seen):] {
		i := Instrument{Number: len(f.seen), Metric: known.metric()}
		if known.limits != nil {
			i.Budget = Limit{known.limits[0], known.limits[1], known.limits[2]}
		}
		step.Instruments = append(step.Instruments, i)
		f.seen = append(f.seen, new(seen))
	}
	bytes := int64(0)
	for number, s := range f.seen {
		d, ok := order[number].instrument.since(s)
		if ok {
			d.Number = number
			step.Deltas = append(step.Deltas, d)
			if d.Histogram != nil {
				f.count += d.Histogram.Count
			}
		}
		bytes += s.bytes
	}
	f.collections(&step)
	step.Breaches, f.breaches = f.rec.reported.since(f.breaches)
	step.Memory = f.memory()
	step.Overhead = Overhead{Observations: f.count, Bytes: bytes + int64(len(f.seen))*registeredBytes, Each: startStop(), Reading: monotonic() - began}
	return step
}

// Rest ends the steps for a while: until the next call of Next, recording pays
// nothing for the follower. What Next returns then is one long step.
func (f *Follower) Rest() {
	if f == nil {
		return
	}
	f.rec.mu.Lock()
	order := f.rec.order
	f.rec.followed = false
	f.rec.mu.Unlock()
	for _, known := range order {
		if d := known.instrument.spread(); d != nil {
			d.follow(false)
		}
	}
}

// collections reads what the runtime knows of its last collections.
func (f *Follower) collections(step *Step) {
	first := f.gc.Pause == nil
	debug.ReadGCStats(&f.gc)
	if f.gc.Pause == nil {
		f.gc.Pause = []time.Duration{} // none was ever
	}
	fresh := min(f.gc.NumGC-f.cycles, int64(len(f.gc.Pause)))
	f.cycles = f.gc.NumGC
	if first {
		return
	}
	for i := fresh - 1; i >= 0; i-- { // the newest comes first
		step.Collections = append(step.Collections, Collection{Time: f.gc.PauseEnd[i], Pause: f.gc.Pause[i]})
	}
}

func (f *Follower) memory() Memory {
	metrics.Read(f.samples)
	number := func(i int) int64 {
		if f.samples[i].Value.Kind() != metrics.KindUint64 {
			return 0
		}
		return int64(f.samples[i].Value.Uint64())
	}
	m := Memory{HeapLive: number(0), HeapTotal: number(1) + number(2) + number(3), Goroutines: number(4)}
	if use, err := f.rec.process.memory(); err == nil {
		m.Resident = use.current
	}
	return m
}

// registeredBytes is what an instrument takes before it observes anything,
// about: docs/overhead.md.
const registeredBytes = 1000

// startStop is what timing an operation costs on this machine: the best of a
// few tries, for which a timer of no recorder is used.
var startStop = sync.OnceValue(func() time.Duration {
	t := &Timer{registered: new(registered)}
	t.values.init(math.MaxInt64, nil)
	t.values.mu.Lock()
	t.values.fold() // as it is for most of its life
	t.values.mu.Unlock()
	best := time.Duration(math.MaxInt64)
	const times = 200
	for range 10 {
		began := monotonic()
		for range times {
			t.Start().Stop()
		}
		best = min(best, (monotonic()-began)/times)
	}
	return best
})
