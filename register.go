package pacer

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Option says more of a metric when it is registered: a Label, a Unit, which
// direction is Better.
type Option interface{ describe(*identity) }

// Label is bound to a metric for good; see L.
type Label struct{ Key, Value string }

// L is a label of a metric: rec.Timer("table.filter", pacer.L("rows", "1000")).
// Metrics of one name with other labels are other metrics. A metric may have
// eight labels, a name a thousand sets of them; what goes beyond is refused and
// counted in the metric pacer.refused.
func L(key, value string) Label { return Label{key, value} }

func (l Label) describe(id *identity) {
	if id.labels == nil {
		id.labels = make(map[string]string)
	}
	if _, twice := id.labels[l.Key]; twice {
		id.err = fmt.Errorf("label %s is given twice", l.Key)
	}
	id.labels[l.Key] = l.Value
}

// Unit is the unit of a Counter, Gauge or Value. Bytes and Seconds are known
// to budgets and dashboards; any other word is shown as it is.
type Unit string

const (
	Seconds Unit = unit.Seconds
	Bytes   Unit = unit.Bytes
)

func (u Unit) describe(id *identity) { id.unit = string(u) }

// Better is the direction in which a metric improves: Lower or Higher.
type Better run.Better

const (
	Lower  = Better(run.Lower)
	Higher = Better(run.Higher)
)

func (b Better) describe(id *identity) { id.better = run.Better(b) }

// identity is what a metric is known by, and where it was registered.
type identity struct {
	kind   run.Kind
	name   string
	labels map[string]string
	unit   string
	better run.Better
	place  string // main.go:42
	err    error  // of its options

	limits   *limits    // budget, if it has one
	limitsOf []run.Kind // what the budget is for
}

func (id *identity) metric() run.Metric {
	return run.Metric{Name: id.name, Kind: id.kind, Labels: maps.Clone(id.labels), Unit: id.unit, Better: id.better}
}

// instrument is anything that measures a metric.
type instrument interface {
	// read returns what was measured so far; a metric without observations
	// is left out.
	read() run.Metric
	// since returns what was measured since the last call with s; false for
	// nothing.
	since(s *seen) (Delta, bool)
	// spread is its distribution; nil where it has none.
	spread() *distribution
}

// conflict is the error of another kind of metric that wants the same name.
func (known *registered) conflict(id *identity) error {
	return fmt.Errorf("metric %q is a %s (%s) since %s: at %s it cannot be a %s (%s)",
		known.name, known.kind, known.unit, known.place, caller(), id.kind, id.unit)
}

const (
	maxLabelSets   = 1000  // of one name
	maxInstruments = 10000 // of one recorder
)

// registered is an instrument and what it is known by.
type registered struct {
	identity
	watch      *watch // its budget, nil without one
	instrument instrument
}

// register returns the instrument that has the identity, making it at the
// first call, whose options count. It returns nil, the instrument that records nothing, if the
// identity is refused: logged once, and kept in Err.
func register[T instrument](r *Recorder, id identity, options []Option, create func(*registered) T) (none T) {
	usual := id.unit
	for _, o := range options {
		if o != nil {
			o.describe(&id)
		}
	}
	key := run.Key(id.name, id.labels)
	r.mu.Lock()
	defer r.unlock()
	if known, ok := r.instruments[key]; ok {
		if found, same := known.instrument.(T); same && (known.unit == id.unit) {
			return found
		}
		if known.instrument != nil {
			r.problem(known.conflict(&id))
		}
		return none
	}
	if first := r.names[id.name]; first != nil && (first.kind != id.kind || first.unit != id.unit) {
		r.problem(first.conflict(&id))
		return none
	}
	switch {
	case (id.kind == run.TimerKind || id.kind == run.RateKind) && id.unit != usual:
		id.err = errors.Join(id.err, fmt.Errorf("a %s is in %s: it takes no other unit", id.kind, usual))
	case id.better != run.Lower && id.better != run.Higher:
		id.err = errors.Join(id.err, fmt.Errorf("better %q: expected Lower or Higher", id.better))
	case id.limits != nil && id.kind == run.TimerKind && id.better == run.Higher:
		id.err = errors.Join(id.err, errors.New("a Budget is for timers where lower is better"))
	case id.kind == run.ValueKind && id.unit == unit.Seconds:
		id.err = errors.New("a value in seconds: use a Timer")
	case id.limits != nil && !slices.Contains(id.limitsOf, id.kind):
		id.err = fmt.Errorf("this budget is not for a %s: Budget is for timers, Limit for gauges and values", id.kind)
	case id.limits != nil:
		id.err = errors.Join(id.err, id.limits.check())
	}
	if err := errors.Join(checkName(id.name), checkLabels(id.labels), id.err); err != nil {
		r.problem(err)
		if r.bad++; r.bad <= maxInstruments {
			r.instruments[key] = &registered{identity: id} // say it once
		}
		return none
	}
	if r.sets[id.name] >= maxLabelSets || len(r.order) >= maxInstruments {
		if r.refused++; r.refused == 1 {
			r.problem(fmt.Errorf("metric %q: more than %d sets of labels for one name, or %d metrics in all: refused and counted in pacer.refused", key, maxLabelSets, maxInstruments))
		}
		return none
	}
	id.place = caller()
	known := &registered{identity: id}
	known.watch = newWatch(r, &known.identity)
	made := create(known)
	known.instrument = made
	if s, ok := known.instrument.(switched); ok && r.off.Load() {
		s.turn(false)
	}
	if d := known.instrument.spread(); d != nil && r.followed {
		d.follow(true)
	}
	r.instruments[key] = known
	if r.names[id.name] == nil {
		r.names[id.name] = known
	}
	r.sets[id.name]++
	r.order = append(r.order, known)
	return made
}

// caller returns the file and line outside of this package that led here.
func caller() string {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, "github.com/pacer-perf/pacer.") || strings.HasSuffix(f.File, "_test.go") {
			return fmt.Sprintf("%s:%d", f.File[strings.LastIndexByte(f.File, '/')+1:], f.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}

// nameForm is the form of a metric's name: dotted, lower case, stages behind
// slashes.
var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*(/[a-z0-9_-]+(\.[a-z0-9_-]+)*)*$`)

// maxName is how long a name may be, in bytes.
const maxName = 200

func checkName(name string) error {
	switch {
	case !nameForm.MatchString(name) || len(name) > maxName:
		return fmt.Errorf("metric name %.100q: expected dotted lower case such as table.filter, stages as in track.process/search", name)
	case name == run.Startup, strings.HasPrefix(name, "startup/"), strings.HasPrefix(name, "startup."), name == run.Speed,
		strings.HasPrefix(name, "memory."), strings.HasPrefix(name, "gc."), strings.HasPrefix(name, "go."), strings.HasPrefix(name, "process."), strings.HasPrefix(name, "pacer."):
		return fmt.Errorf("metric name %.100q is one that Pacer measures itself: choose another", name)
	}
	return nil
}

var labelForm = regexp.MustCompile(`^[a-z][a-z0-9_.-]*$`)

func checkLabels(labels map[string]string) error {
	if len(labels) > run.MaxLabels {
		return fmt.Errorf("%d labels on one metric: at most %d", len(labels), run.MaxLabels)
	}
	for k, v := range labels {
		if !labelForm.MatchString(k) || len(k) > 100 {
			return fmt.Errorf("label %.100q: expected a lower case word", k)
		}
		if len(v) > 200 || !utf8.ValidString(v) || strings.ContainsFunc(v, func(c rune) bool { return unicode.IsControl(c) || strings.ContainsRune("{},=", c) }) {
			return fmt.Errorf("label %s=%.100q: expected at most 200 bytes of UTF-8, no control characters and none of {},=", k, v)
		}
	}
	return nil
}
