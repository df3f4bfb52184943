package pacer

import (
	"sync"
	"time"

	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Timer observes how long an operation takes. Get one from Recorder.Timer; a
// nil Timer records nothing.
type Timer struct {
	name string

	mu        sync.Mutex
	samples   []time.Duration
	histogram *run.Histogram // once there are more than run.MaxSamples
}

// Timing is an operation under way, begun by Timer.Start.
type Timing struct {
	timer *Timer
	start time.Time
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
	return Timing{timer: t, start: time.Now()}
}

// Stop records the time since Start and returns it. A Timing is a value, and
// each Stop records one more observation from the same start.
func (t Timing) Stop() time.Duration {
	if t.timer == nil {
		return 0
	}
	d := time.Since(t.start)
	t.timer.Record(d)
	return d
}

// Record records an operation that was timed elsewhere. A negative duration,
// which a clock that was set back can give, counts as 0.
func (t *Timer) Record(d time.Duration) {
	if t == nil {
		return
	}
	d = max(d, 0)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.histogram != nil {
		t.histogram.Add(d.Seconds())
		return
	}
	t.samples = append(t.samples, d)
	if len(t.samples) > run.MaxSamples {
		t.histogram = run.NewHistogram(unit.Seconds)
		for _, s := range t.samples {
			t.histogram.Add(s.Seconds())
		}
		t.samples = nil
	}
}

// metric returns what the timer observed so far.
func (t *Timer) metric() run.Metric {
	m := run.Metric{Unit: unit.Seconds, Better: run.Lower}
	if t == nil {
		return m
	}
	m.Name = t.name
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.histogram != nil {
		m.Histogram = run.NewHistogram(unit.Seconds)
		m.Histogram.Merge(t.histogram) // same tick: cannot fail
		return m
	}
	m.Samples = make([]float64, len(t.samples))
	for i, d := range t.samples {
		m.Samples[i] = d.Seconds()
	}
	return m
}
