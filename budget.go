package pacer

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"path/filepath"
	"runtime/pprof"
	"runtime/trace"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pacer-perf/pacer/internal/atomicfile"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Budget holds the operations of a timer to limits, as they happen:
//
//	rec.Timer("table.filter", pacer.Budget{Target: 200 * time.Millisecond, Critical: time.Second})
//
// A zero tier is none. An operation over a tier is a breach of the highest
// tier that it is over: breaches are counted in the metric pacer.breaches, and
// the first in each Config.BreachInterval is logged, handed to Config.OnBreach,
// and documented by Config.Evidence. An operation inside its budget pays one
// comparison.
type Budget struct{ Target, Warning, Critical time.Duration }

func (b Budget) describe(id *identity) {
	id.limits = &limits{b.Target.Seconds(), b.Warning.Seconds(), b.Critical.Seconds()}
	id.limitsOf = []run.Kind{run.TimerKind}
}

// Limit is the Budget of a Gauge or a Value, in its unit. Where higher is
// better, it is the least that there should be.
type Limit struct{ Target, Warning, Critical float64 }

func (l Limit) describe(id *identity) {
	id.limits = &limits{l.Target, l.Warning, l.Critical}
	id.limitsOf = []run.Kind{run.GaugeKind, run.ValueKind}
}

// limits are the tiers of a budget, in the unit of the metric; 0 is none.
type limits [3]float64

var tierNames = [3]string{"target", "warning", "critical"}

func (l *limits) check() error {
	any := false
	for _, v := range l {
		if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
			return fmt.Errorf("budget %v: expected finite limits, 0 for none", *l)
		}
		any = any || v > 0
	}
	if !any {
		return fmt.Errorf("the budget has no limit")
	}
	return nil
}

// Breach is a value over its budget.
type Breach struct {
	Time   time.Time
	Metric string // with its labels: table.filter{rows=1000}
	Unit   string
	Value  float64 // in Unit
	Limit  float64
	Tier   string // the highest that Value is over: target, warning, critical
	Count  int64  // breaches since the last one that was reported, with this
	// Evidence are the files about it. The profile is written after the report,
	// once it is complete.
	Evidence []string
}

// Evidence says what to keep of a breach. The files are written into Dir, at
// most one set in a Config.BreachInterval and MaxFiles in all.
type Evidence struct {
	Dir string // made if missing; that of Config.ExportFile if empty
	// Trace keeps the last seconds before the breach, by the runtime's flight
	// recorder: go tool trace reads it. It costs programs that switch
	// goroutines very often up to half their speed.
	Trace bool
	// Profile is how long to profile the CPU after the breach; 0 for not.
	Profile  time.Duration
	MaxFiles int // 20 if 0
	MaxBytes int // of a trace, about; 8 MB if 0
}

// watch holds one metric to its budget.
type watch struct {
	rec    *Recorder
	id     *identity
	limits limits
	strict float64 // the limit that is reached first
	higher bool

	counts  [3]atomic.Int64
	pending atomic.Int64 // breaches since the last report
	next    atomic.Int64 // when the next report may be, on the recorder's clock
}

func newWatch(r *Recorder, id *identity) *watch {
	if id.limits == nil {
		return nil
	}
	w := &watch{rec: r, id: id, limits: *id.limits, higher: id.better == run.Higher}
	w.next.Store(math.MinInt64)
	w.strict = math.Inf(1)
	if w.higher {
		w.strict = 0
	}
	for _, v := range w.limits {
		switch {
		case v == 0:
		case w.higher:
			w.strict = max(w.strict, v)
		default:
			w.strict = min(w.strict, v)
		}
	}
	return w
}

// breached tells whether v is over the limit.
func (w *watch) breached(v, limit float64) bool {
	if w.higher {
		return v < limit
	}
	return v > limit
}

// check looks at a value. It is only called where there is a budget.
func (w *watch) check(v float64) {
	if w.breached(v, w.strict) {
		w.breach(v)
	}
}

func (w *watch) breach(v float64) {
	tier := 0
	for i, limit := range w.limits {
		if limit > 0 && w.breached(v, limit) {
			tier = i
		}
	}
	w.counts[tier].Add(1)
	w.pending.Add(1)
	now, next := int64(w.rec.now()), w.next.Load()
	if now < next || !w.next.CompareAndSwap(next, now+int64(w.rec.config.BreachInterval)) {
		return
	}
	b := Breach{Time: time.Now(), Metric: run.Key(w.id.name, w.id.labels), Unit: w.id.unit, Value: v, Limit: w.limits[tier], Tier: tierNames[tier], Count: w.pending.Swap(0)}
	// Logging and files are not for the operation to wait for.
	w.rec.background(func() { w.rec.report(b) })
}

// read returns how often each tier was breached.
func (w *watch) read() []run.Metric {
	var list []run.Metric
	for i := range w.counts {
		if n := w.counts[i].Load(); n > 0 {
			list = append(list, run.Metric{Name: "pacer.breaches", Kind: run.CounterKind, Unit: unit.Count, Better: run.Lower,
				Labels: map[string]string{"metric": run.Key(w.id.name, w.id.labels), "tier": tierNames[i]}, Samples: []float64{float64(n)}})
		}
	}
	return list
}

// report logs a breach, keeps evidence of it and calls back. Whatever goes
// wrong there does not reach the app.
func (r *Recorder) report(b Breach) {
	defer func() {
		if p := recover(); p != nil {
			r.log.Error("pacer: OnBreach panicked", "metric", b.Metric, "panic", p)
		}
	}()
	files, profile := r.evidence.keep(r, &b)
	b.Evidence = files
	defer profile() // an alert does not wait for it
	r.reported.add(b)
	attrs := []slog.Attr{
		slog.String("metric", b.Metric), slog.String("value", unit.Format(b.Value, b.Unit)),
		slog.String("limit", unit.Format(b.Limit, b.Unit)), slog.String("tier", b.Tier), slog.Int64("count", b.Count),
	}
	if len(b.Evidence) > 0 {
		attrs = append(attrs, slog.Any("evidence", b.Evidence))
	}
	r.log.LogAttrs(context.Background(), slog.LevelWarn, "over budget", attrs...)
	if r.config.OnBreach != nil {
		r.config.OnBreach(b)
	}
}

// evidence keeps traces and profiles of breaches.
type evidence struct {
	mu     sync.Mutex // one breach at a time
	flight *trace.FlightRecorder
	files  int
	next   time.Duration
}

// start starts the flight recorder if it is asked for.
func (e *evidence) start(r *Recorder) {
	c := &r.config.Evidence
	if c.Dir == "" && r.config.ExportFile != "" {
		c.Dir = filepath.Dir(r.config.ExportFile)
	}
	if c.MaxFiles == 0 {
		c.MaxFiles = 20
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 8 << 20
	}
	if !c.Trace {
		return
	}
	e.flight = trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: 5 * time.Second, MaxBytes: uint64(c.MaxBytes)})
	if err := e.flight.Start(); err != nil {
		r.problem(fmt.Errorf("starting the flight recorder: %w", err))
		e.flight = nil
	}
}

func (e *evidence) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.flight != nil {
		e.flight.Stop()
		e.flight = nil
	}
}

// keep writes the trace of a breach and returns the files that there are or
// will be, and what makes the profile, which the caller calls in any case.
func (e *evidence) keep(r *Recorder, b *Breach) (files []string, profile func()) {
	c := r.config.Evidence
	if !c.Trace && c.Profile == 0 || !e.mu.TryLock() {
		return nil, func() {} // not asked for, or that of another breach is being written
	}
	now := r.now()
	if now < e.next || e.files >= c.MaxFiles {
		return nil, e.mu.Unlock
	}
	e.next = now + r.config.BreachInterval
	name := strings.Map(func(c rune) rune {
		if c == '.' || c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return c
		}
		return '_'
	}, b.Metric)
	path := func(kind string) string {
		e.files++
		return filepath.Join(c.Dir, fmt.Sprintf("%s-%.100s-%d.%s", r.id, name, e.files, kind))
	}
	write := func(path string, content func(io.Writer) error) bool {
		err := atomicfile.Write(path, content)
		if err != nil {
			r.log.Error("pacer: evidence not written", "file", path, "error", err)
		}
		return err == nil
	}
	if e.flight != nil {
		file := path("trace")
		if write(file, func(w io.Writer) error { _, err := e.flight.WriteTo(w); return err }) {
			files = append(files, file)
		}
	}
	if c.Profile == 0 || e.files >= c.MaxFiles {
		return files, e.mu.Unlock
	}
	file := path("cpu.pprof")
	return append(files, file), func() {
		defer e.mu.Unlock()
		write(file, func(w io.Writer) error {
			if err := pprof.StartCPUProfile(w); err != nil {
				return err
			}
			defer pprof.StopCPUProfile()
			select {
			case <-time.After(c.Profile):
			case <-r.closing:
			}
			return nil
		})
	}
}
