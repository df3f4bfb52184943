package pacer

import (
	"math"
	"time"

	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// epoch is what monotonic times are counted from.
var epoch = time.Now()

// monotonic reads the monotonic clock alone, at half the price of time.Now.
func monotonic() time.Duration { return time.Since(epoch) }

// Timer observes how long an operation takes. Get one from Recorder.Timer; a
// nil Timer records nothing.
type Timer struct {
	*registered
	clock  func() time.Duration // nil: monotonic
	values distribution         // in nanoseconds
}

// Timer returns the timer of an operation, making it at the first call. The
// same name is the same timer; fetch it once, outside of loops. Names are
// dotted lower case; a stage of an operation is written behind a slash:
// track.process/search. A timer whose name is refused records nothing.
func (r *Recorder) Timer(name string, options ...Option) *Timer {
	if r == nil {
		return nil
	}
	id := identity{kind: run.TimerKind, name: name, unit: unit.Seconds, better: run.Lower}
	return register(r, id, options, func(known *registered) *Timer {
		t := &Timer{registered: known, clock: r.config.Clock}
		if w := known.watch; w != nil {
			budget := int64(math.MaxInt64)
			if ns := w.strict * 1e9; ns < math.MaxInt64 {
				budget = int64(ns)
			}
			t.values.init(budget, func(ns int64) { w.check(seconds(ns)) })
		} else {
			t.values.init(math.MaxInt64, nil)
		}
		return t
	})
}

// Timing is an operation under way, begun by Timer.Start.
type Timing struct {
	timer *Timer
	start time.Duration
}

// Start begins to time one operation. Operations may overlap.
//
//	defer rec.Timer("export.csv").Start().Stop()
//
// times the rest of a function.
func (t *Timer) Start() Timing {
	if t == nil {
		return Timing{}
	}
	return Timing{timer: t, start: t.now()}
}

func (t *Timer) now() time.Duration {
	if t.clock != nil {
		return t.clock()
	}
	return monotonic()
}

// Stop records the time since Start and returns it. A Timing is a value, and
// each Stop records one more observation from the same start.
func (t Timing) Stop() time.Duration {
	if t.timer == nil {
		return 0
	}
	d := t.timer.now() - t.start
	t.timer.Record(d)
	return d
}

// Record records an operation that was timed elsewhere. A negative duration,
// which a clock that was set back can give, counts as 0.
//
// It takes no lock. It allocates at first: for the samples that are kept, then
// once for each power of two in which observations fall; after that nothing.
func (t *Timer) Record(d time.Duration) {
	if t != nil {
		t.values.record(int64(max(d, 0)))
	}
}

// read returns what the timer observed so far.
func (t *Timer) read() run.Metric {
	m := t.metric()
	t.values.observed(&m, seconds)
	return m
}

func (t *Timer) turn(on bool) { t.values.turn(on) }

// seconds returns nanoseconds as the nearest number of seconds: in one division,
// where time.Duration.Seconds takes three and may be off in the last bit.
func seconds(ns int64) float64 { return float64(ns) / 1e9 }
