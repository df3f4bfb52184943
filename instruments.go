package pacer

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Counter counts events, such as cache misses. Fewer are better unless an
// option says otherwise. A nil Counter counts nothing.
type Counter struct {
	*registered
	n atomic.Int64
}

// Counter returns a counter, making it at the first call; names and labels are
// as for Timer.
func (r *Recorder) Counter(name string, options ...Option) *Counter {
	if r == nil {
		return nil
	}
	id := identity{kind: run.CounterKind, name: name, unit: unit.Count, better: run.Lower}
	return register(r, id, options, func(known *registered) *Counter { return &Counter{registered: known} })
}

// Add counts n more events. A negative n is passed over: a counter only grows.
func (c *Counter) Add(n int64) {
	if c != nil && n > 0 {
		c.n.Add(n)
	}
}

func (c *Counter) read() run.Metric {
	m := c.metric()
	m.Samples = []float64{float64(c.n.Load())} // 0 is a value
	return m
}

// Gauge is a value that goes up and down, such as the length of a queue. Lower
// is better unless an option says otherwise. A nil Gauge takes no value.
type Gauge struct {
	*registered
	set  atomic.Bool
	bits atomic.Uint64 // of the value
}

// Gauge returns a gauge, making it at the first call; names and labels are as
// for Timer. The run holds the value that it had last.
func (r *Recorder) Gauge(name string, options ...Option) *Gauge {
	if r == nil {
		return nil
	}
	id := identity{kind: run.GaugeKind, name: name, unit: unit.Count, better: run.Lower}
	return register(r, id, options, func(known *registered) *Gauge { return &Gauge{registered: known} })
}

// Set sets the value. What is not a finite number, or a negative time, is
// passed over.
func (g *Gauge) Set(v float64) {
	if g == nil || g.registered == nil || !g.takes(v) {
		return
	}
	g.bits.Store(math.Float64bits(v))
	g.changed(v)
}

// changed is called with each new value.
func (g *Gauge) changed(v float64) {
	if !g.set.Load() {
		g.set.Store(true)
	}
	if g.watch != nil {
		g.watch.check(v)
	}
}

// takes tells whether v is a value that a run document can hold.
func (g *Gauge) takes(v float64) bool {
	return !math.IsNaN(v) && !math.IsInf(v, 0) && (v >= 0 || g.unit != unit.Seconds)
}

// Add changes the value, which begins at 0.
func (g *Gauge) Add(delta float64) {
	if g == nil || g.registered == nil {
		return
	}
	for {
		old := g.bits.Load()
		v := math.Float64frombits(old) + delta
		if !g.takes(v) {
			return
		}
		if g.bits.CompareAndSwap(old, math.Float64bits(v)) {
			g.changed(v)
			return
		}
	}
}

func (g *Gauge) read() run.Metric {
	m := g.metric()
	if g.set.Load() {
		m.Samples = []float64{math.Float64frombits(g.bits.Load())}
	}
	return m
}

// Value observes the distribution of a whole quantity: bytes sent, rows read.
// Lower is better unless an option says otherwise. A nil Value observes
// nothing.
type Value struct {
	*registered
	values distribution
}

// Value returns the instrument for a quantity, making it at the first call;
// names and labels are as for Timer. Choose a unit in which it is whole; for
// times there is Timer.
func (r *Recorder) Value(name string, options ...Option) *Value {
	if r == nil {
		return nil
	}
	id := identity{kind: run.ValueKind, name: name, unit: unit.Count, better: run.Lower}
	return register(r, id, options, func(known *registered) *Value {
		v := &Value{registered: known}
		v.values.init(math.MaxInt64, nil)
		return v
	})
}

// Record observes n; a negative n counts as 0. It costs what Timer.Record
// does.
func (v *Value) Record(n int64) {
	if v == nil || v.registered == nil {
		return
	}
	v.values.record(max(n, 0))
	if v.watch != nil {
		v.watch.check(float64(n))
	}
}

func (v *Value) read() run.Metric {
	m := v.metric()
	v.values.observed(&m, func(n int64) float64 { return float64(n) })
	return m
}

func (v *Value) turn(on bool) { v.values.turn(on) }

// Rate is how many items are done in a second of work. Higher is better. A nil
// Rate records nothing.
type Rate struct {
	*registered
	mu    sync.Mutex // of both, which belong together
	items float64
	time  time.Duration
	off   bool
}

// Rate returns a rate, making it at the first call; names and labels are as
// for Timer. The run holds all items over all the time they took.
func (r *Recorder) Rate(name string, options ...Option) *Rate {
	if r == nil {
		return nil
	}
	id := identity{kind: run.RateKind, name: name, unit: unit.Speed, better: run.Higher}
	return register(r, id, options, func(known *registered) *Rate { return &Rate{registered: known} })
}

// Record says that n items took the time d. Negative ones are passed over.
func (r *Rate) Record(n int64, d time.Duration) {
	if r == nil || n < 0 || d < 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.off {
		return
	}
	r.items += float64(n)
	r.time = min(r.time, math.MaxInt64-d) + d
}

func (r *Rate) turn(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.off = !on
}

func (r *Rate) read() run.Metric {
	m := r.metric()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.time > 0 {
		m.Samples = []float64{r.items / r.time.Seconds()}
	}
	return m
}
