// Package pacer measures an application from inside: its start-up, its
// operations, its memory.
//
//	rec := pacer.New(pacer.Config{App: "cuepoint", Version: "1.4.0", Main: "track.process"})
//	defer rec.Close()
//
//	process := rec.Timer("track.process")
//	rec.Ready() // start-up ends here
//	for _, track := range tracks {
//		timing := process.Start()
//		match(track)
//		timing.Stop()
//	}
//	rec.Items("tracks", len(tracks))
//	rec.Export("metrics.json")
//
// # What there is
//
// [Timer] observes how long operations take, [Counter], [Gauge], [Rate] and
// [Value] what else there is to observe. [Start] begins a [Span]: spans nest
// through the context and fold into a tree of stages that tells where the time
// goes. Start-up is measured from process start, through [Recorder.Phase] and
// [Recorder.Initial] to [Recorder.Ready]; memory, the Go heap, GC pauses and
// goroutines are measured by themselves. A [Budget] on a timer is watched as
// operations end.
//
// What was measured leaves the process as a run document (package run), which
// the pacer command keeps, holds to budgets, compares and reports: by Export,
// by Close and Flush, into the folder that the environment variable
// PACER_EXPORT names, so that `pacer run -- app` needs no flag of the app. A
// scraper reads [Recorder.WritePrometheus]; what shows the app while it runs
// reads a [Follower], which tells what was measured since it was last asked.
// Packages beside this one are for web servers (pacerhttp, which also has a
// dashboard to mount in the app), tests (pacertest), OpenTelemetry (pacerotel),
// and for sending runs to a server (pacerpush: PACER_ENDPOINT, PACER_TOKEN).
//
// # What it costs
//
// Recording takes no lock, allocates nothing after the first observations, and
// scales with the processors; docs/overhead.md has the figures beside those of
// other libraries. Percentiles of more than 10,000 observations come from
// buckets that are at most 1/128 off; counts, minima and maxima are exact, and
// sums up to 104 days.
//
// Recording never fails the app: a metric with a bad name is logged, kept in
// [Recorder.Err] and records nothing. All methods may be called from any
// goroutine, and on nil, which records nothing: New returns nil if
// Config.Disabled or PACER_DISABLED=1 is set.
//
// The package imports the standard library, golang.org/x/sys and the run
// document; no web server, database or YAML comes with it.
//
// # What may change before version 1
//
// Names and fields in this package may be added at any time. A name that is
// there may change or go only in a minor version (0.x), with a note in
// CHANGELOG.md and, where the compiler cannot tell, a deprecated alias for one
// version before. What will not change without a new major version of its
// schema: the documents it writes (pacer.run/v1), the names and units of the
// metrics that Pacer measures itself, the environment variables, and that
// importing the package brings nothing but the standard library and x/sys.
//
// Start-up from the operating system and memory are verified on Linux. They
// are written for macOS and Windows too, compile there, and are not verified.
package pacer

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Config holds the settings of a Recorder. Every zero field means its default.
type Config struct {
	App     string // names the application; the program's file name if empty
	Version string // of the application; the module's version if empty
	Commit  string // the build's VCS revision if empty
	Branch  string

	// Main is the timer of the app's main operation. Its summary becomes
	// processing_metrics, and it tells the processing speed.
	Main string
	// Items is the kind of items that Main works on, as counted by
	// Recorder.Items. Empty: every operation is one item.
	Items string
	// Labels describe the run, such as dataset=1k. Runs are compared only if
	// their labels agree.
	Labels map[string]string

	Logger   *slog.Logger // slog.Default() if nil
	Disabled bool         // record nothing, export nothing

	// BreachInterval is the shortest time between two reports on one budget;
	// 10 s if 0. OnBreach is called with each report, on a goroutine of its
	// own.
	BreachInterval time.Duration
	OnBreach       func(Breach)
	Evidence       Evidence

	// ExportFile is written by Flush and Close. What Flush writes is written
	// every ExportEvery, if that is not 0.
	ExportFile  string
	ExportEvery time.Duration

	// Clock is read in place of the monotonic clock, for tests of programs;
	// start-up counts from its zero.
	Clock func() time.Duration
}

// Recorder collects what one process measures. Make one with New; a nil
// Recorder records nothing.
type Recorder struct {
	config  Config
	log     *slog.Logger
	id      string
	process process

	mu          sync.Mutex
	instruments map[string]*registered // by key; without an instrument: refused
	order       []*registered          // as they were registered
	names       map[string]*registered // the first of each name
	sets        map[string]int         // how many sets of labels a name has
	refused     int64
	bad         int // names that were refused
	items       map[string]int64
	memoryAtNew int64 // resident bytes; 0: not known
	startup     startup
	closed      bool
	followed    bool // a Follower is between two steps
	errs        []error
	unlogged    []error

	off      atomic.Bool // SetRecording; written with mu held
	tree     tree
	reported breachLog
	evidence evidence
	reports  sync.WaitGroup // on breaches, and the periodic export
	closing  chan struct{}  // closed when Close begins
	written  chan struct{}  // closed when Close has written everything
	writing  error          // of Close, once written is closed
}

// New returns a Recorder that is running. What is wrong with c is logged and
// kept in Err; the rest works.
func New(c Config) *Recorder {
	l := launched() // also where disabled: grandchildren must not inherit it
	switch strings.ToLower(os.Getenv("PACER_DISABLED")) {
	case "", "0", "false", "no", "off":
	default:
		return nil
	}
	if c.Disabled {
		return nil
	}
	r := &Recorder{
		config:      c,
		log:         c.Logger,
		process:     thisProcess,
		startup:     startup{launch: l},
		instruments: make(map[string]*registered),
		names:       make(map[string]*registered),
		sets:        make(map[string]int),
		items:       make(map[string]int64),
		closing:     make(chan struct{}),
		written:     make(chan struct{}),
	}
	if r.log == nil {
		r.log = slog.Default()
	}
	r.mu.Lock()
	defer r.unlock()
	r.config.Labels = nil
	for k, v := range c.Labels {
		r.label(k, v)
	}
	if use, err := r.process.memory(); err == nil {
		r.memoryAtNew = use.current
	}
	r.describe()
	var random [10]byte
	rand.Read(random[:]) // never fails
	r.id = run.NewID(time.Now(), random)
	if c.Main != "" {
		r.problem(checkName(c.Main))
	}
	r.problem(l.err)
	if c.BreachInterval <= 0 {
		r.config.BreachInterval = 10 * time.Second
	}
	r.evidence.start(r)
	if c.ExportEvery > 0 {
		r.reports.Go(r.exportEvery)
	}
	return r
}

// background runs f on a goroutine that Close waits for; not at all, once the
// recorder is closed.
func (r *Recorder) background(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.reports.Go(f)
	}
}

// describe fills in what the binary knows of itself.
func (r *Recorder) describe() {
	c := &r.config
	if c.App == "" {
		c.App = strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return
	}
	if c.Version == "" && info.Main.Version != "(devel)" {
		c.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && c.Commit == "" {
			c.Commit = s.Value
		}
	}
}

// maxProblems is how many mistakes are logged and kept; the others are
// counted.
const maxProblems = 100

// problem keeps an error that must not reach the app, for unlock to log. It
// tells whether there was one. The caller holds r.mu.
func (r *Recorder) problem(err error) bool {
	if err == nil {
		return false
	}
	switch {
	case len(r.errs) < maxProblems:
		r.errs = append(r.errs, err)
		r.unlogged = append(r.unlogged, err)
	case len(r.errs) == maxProblems:
		err = errors.New("more mistakes like these are not listed")
		r.errs = append(r.errs, err)
		r.unlogged = append(r.unlogged, err)
	}
	return true
}

// unlock unlocks r.mu and then logs what problem kept: a handler may use the
// recorder, and whatever goes wrong in it does not reach the app.
func (r *Recorder) unlock() {
	errs := r.unlogged
	r.unlogged = nil
	r.mu.Unlock()
	for _, err := range errs {
		r.logSafely(func() { r.log.Error("pacer: not recorded", "error", err) })
	}
}

func (r *Recorder) logSafely(log func()) {
	defer func() { _ = recover() }()
	log()
}

// Err returns what was wrong with the names and settings that the Recorder was
// given, or nil.
func (r *Recorder) Err() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.errs...)
}

// SetLabel sets a label of the run, for what is known only once the app runs:
// start=cold or start=warm.
func (r *Recorder) SetLabel(key, value string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.unlock()
	r.label(key, value)
}

// label sets a label of the run. The caller holds r.mu.
func (r *Recorder) label(key, value string) {
	err := checkLabels(map[string]string{key: value})
	if _, there := r.config.Labels[key]; err == nil && !there && len(r.config.Labels) >= maxKinds {
		err = fmt.Errorf("label %s of the run: more than %d", key, maxKinds)
	}
	if r.problem(err) {
		return
	}
	if r.config.Labels == nil {
		r.config.Labels = make(map[string]string)
	}
	r.config.Labels[key] = value
}

// maxKinds bounds labels of the run, kinds of items and phases of start-up.
const maxKinds = 100

// Now reads the recorder's clock, which counts from any moment: for packages
// that time operations whose name they learn only at the end.
func (r *Recorder) Now() time.Duration {
	if r == nil {
		return 0
	}
	return r.now()
}

func (r *Recorder) now() time.Duration {
	if r.config.Clock != nil {
		return r.config.Clock()
	}
	return monotonic()
}

// Items counts n more items of work done, such as tracks. The metric
// memory.per_item relates the growth of memory since New, at its peak, to
// them; where kind is Config.Items, the processing speed is these items over
// the summed time of the main operation.
func (r *Recorder) Items(kind string, n int) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.unlock()
	old, there := r.items[kind]
	switch {
	case n < 0 || !nameForm.MatchString(kind) || len(kind) > maxName:
		r.problem(fmt.Errorf("items %.100q, %d: expected a dotted lower case name and a number that is not negative", kind, n))
	case !there && len(r.items) >= maxKinds:
		r.problem(fmt.Errorf("items %s: more than %d kinds", kind, maxKinds))
	default:
		r.items[kind] = min(old, math.MaxInt64-int64(n)) + int64(n)
	}
}

// Snapshot returns what was measured so far. What cannot be read from the
// operating system is absent, and said in the run's Warnings.
func (r *Recorder) Snapshot() run.Run {
	snapshot, err := r.collect()
	if err != nil {
		snapshot.Warnings = append(snapshot.Warnings, err.Error())
	}
	return snapshot
}

// collect makes the run document, as far as it can be made, and the error that
// kept the rest out.
func (r *Recorder) collect() (run.Run, error) {
	if r == nil {
		return run.Run{}, nil
	}
	env := Environment()
	r.mu.Lock()
	out := run.Run{
		ID: r.id, App: r.config.App, Version: r.config.Version, Commit: r.config.Commit, Branch: r.config.Branch,
		Timestamp: time.Now().UTC(), Main: r.config.Main, Labels: maps.Clone(r.config.Labels), Environment: &env,
	}
	if len(r.items) > 0 {
		out.Items = maps.Clone(r.items)
	}
	out.Metrics, out.Stages = r.startup.read()
	order, refused := slices.Clone(r.order), r.refused
	r.mu.Unlock() // registering must not wait for what follows
	memory, err := r.readMemory(out.Items)
	out.Metrics = append(out.Metrics, memory...)
	var main *run.Metric
	speed := len(out.Metrics)
	for _, known := range order {
		m := known.instrument.read()
		if m.Count() == 0 {
			continue
		}
		if m.Key() == r.config.Main {
			main = &m
		}
		out.Metrics = append(out.Metrics, m)
	}
	for _, known := range order {
		if known.watch != nil {
			out.Metrics = append(out.Metrics, known.watch.read()...)
		}
	}
	if refused > 0 {
		out.Metrics = append(out.Metrics, run.Metric{Name: "pacer.refused", Kind: run.CounterKind, Unit: unit.Count, Better: run.Lower, Samples: []float64{float64(refused)}})
	}
	if v, ok := r.speed(main, out.Items); ok {
		out.Metrics = slices.Insert(out.Metrics, speed, run.Metric{Name: run.Speed, Unit: unit.Speed, Better: run.Higher, Samples: []float64{v}})
	}
	out.Stages = append(out.Stages, r.tree.read()...)
	return out, err
}

// speed is items over the summed time of the main operation.
func (r *Recorder) speed(main *run.Metric, done map[string]int64) (float64, bool) {
	if main == nil || main.Sum() <= 0 {
		return 0, false
	}
	items := main.Count()
	if r.config.Items != "" {
		counted, ok := done[r.config.Items]
		if !ok {
			return 0, false
		}
		items = counted
	}
	return float64(items) / main.Sum(), true
}
