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
// What was measured leaves the process as a run document (package run), which
// the pacer command keeps, holds to budgets, compares and reports. With the
// environment variable PACER_EXPORT set to a directory, Close writes the
// document there, so that `pacer run -- app` needs no flag of the app.
//
// Recording never fails the app: a metric with a bad name is logged, kept in
// [Recorder.Err] and records nothing. All methods may be called from any
// goroutine, and on a nil *Recorder or *Timer, which record nothing. Setting
// Config.Disabled or PACER_DISABLED=1 has the same effect.
//
// The package imports the standard library, golang.org/x/sys and the run
// document; no web server, database or YAML comes with it.
//
// Before version 1 names in this package may still change, each with a note in
// CHANGELOG.md; the documents it writes stay readable.
package pacer

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
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
}

// Recorder collects what one process measures. Make one with New; a nil
// Recorder records nothing.
type Recorder struct {
	config  Config
	log     *slog.Logger
	id      string
	process process
	launch  launch

	mu      sync.Mutex
	timers  map[string]*Timer
	names   []string // of timers, as they were registered
	items   map[string]int64
	startup time.Duration
	ready   bool
	closed  bool
	errs    []error
}

// New returns a Recorder that is running. What is wrong with c is logged and
// kept in Err; the rest works.
func New(c Config) *Recorder {
	l := launched() // also where disabled: grandchildren must not inherit it
	if c.Disabled || os.Getenv("PACER_DISABLED") == "1" {
		return nil
	}
	r := &Recorder{
		config:  c,
		log:     c.Logger,
		process: thisProcess,
		launch:  l,
		timers:  make(map[string]*Timer),
		items:   make(map[string]int64),
	}
	if r.log == nil {
		r.log = slog.Default()
	}
	r.config.Labels = maps.Clone(c.Labels)
	r.describe()
	var random [10]byte
	rand.Read(random[:]) // never fails
	r.id = run.NewID(time.Now(), random)
	if c.Main != "" {
		r.problem(checkName(c.Main))
	}
	r.problem(l.err)
	return r
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

// nameForm is the form of a metric's name: dotted, lower case, stages behind
// slashes.
var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*(/[a-z0-9_-]+(\.[a-z0-9_-]+)*)*$`)

func checkName(name string) error {
	switch {
	case !nameForm.MatchString(name):
		return fmt.Errorf("metric name %q: expected dotted lower case such as table.filter, stages as in track.process/search", name)
	case name == run.Startup, name == run.Speed, strings.HasPrefix(name, "memory."), strings.HasPrefix(name, "process."):
		return fmt.Errorf("metric name %q is one that Pacer measures itself: choose another", name)
	}
	return nil
}

// problem logs and keeps an error that must not reach the app. It tells
// whether there was one.
func (r *Recorder) problem(err error) bool {
	if err == nil {
		return false
	}
	r.log.Error("pacer: not recorded", "error", err)
	r.errs = append(r.errs, err)
	return true
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

// Timer returns the timer of an operation, making it at the first call. The
// same name is the same timer; fetch it once, outside of loops. Names are
// dotted lower case; a stage of an operation is written behind a slash:
// track.process/search. A timer whose name is refused records nothing.
func (r *Recorder) Timer(name string) *Timer {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t, ok := r.timers[name]
	if !ok {
		if !r.problem(checkName(name)) {
			t = &Timer{name: name}
			r.names = append(r.names, name)
		}
		r.timers[name] = t
	}
	return t
}

// Ready ends start-up: the app is able to do the user's first piece of work.
// The metric startup is the time from process start to the first call; further
// calls change nothing.
//
// Process start is PACER_START, which a launcher sets to the Unix time in
// nanoseconds, else what the operating system says, whose tick (10 ms on
// Linux) is recorded as the metric's resolution.
func (r *Recorder) Ready() {
	if r == nil {
		return
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ready {
		return
	}
	if !r.launch.at.IsZero() {
		// Both are wall clock times: the launcher is another process.
		if since := now.Round(0).Sub(r.launch.at); since >= 0 {
			r.startup, r.ready = since, true
			return
		}
		r.problem(errors.New("PACER_START lies in the future: not used"))
		r.launch.at = time.Time{}
	}
	age, err := r.process.age()
	if err == nil {
		r.startup, r.ready = age-time.Since(now), true
	} else if !errors.Is(err, errors.ErrUnsupported) {
		r.problem(fmt.Errorf("reading the start of the process: %w", err))
	}
}

// Items counts n more items of work done, such as tracks. Where kind is
// Config.Items, the processing speed is these items over the summed time of
// the main operation.
func (r *Recorder) Items(kind string, n int) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if n < 0 || !nameForm.MatchString(kind) {
		r.problem(fmt.Errorf("items %q, %d: expected a dotted lower case name and a number that is not negative", kind, n))
		return
	}
	r.items[kind] += int64(n)
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
	r.mu.Lock()
	defer r.mu.Unlock()
	env := Environment()
	out := run.Run{
		ID: r.id, App: r.config.App, Version: r.config.Version, Commit: r.config.Commit, Branch: r.config.Branch,
		Timestamp: time.Now().UTC(), Main: r.config.Main, Labels: maps.Clone(r.config.Labels), Environment: &env,
	}
	if len(r.items) > 0 {
		out.Items = maps.Clone(r.items)
	}
	if r.ready {
		m := run.Metric{Name: run.Startup, Unit: unit.Seconds, Better: run.Lower, Samples: []float64{r.startup.Seconds()}}
		if r.launch.at.IsZero() {
			m.Resolution = startTick.Seconds()
		}
		out.Metrics = append(out.Metrics, m)
	}
	memory, err := r.process.memory()
	if errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("reading memory use: %w", err)
	}
	for _, m := range []struct {
		name  string
		bytes int64
	}{{"memory.current", memory.current}, {run.MemoryPeak, memory.peak}} {
		if m.bytes > 0 {
			out.Metrics = append(out.Metrics, run.Metric{Name: m.name, Unit: unit.Bytes, Better: run.Lower, Samples: []float64{float64(m.bytes)}})
		}
	}
	timers := make(map[string]*run.Metric)
	speed := len(out.Metrics)
	for _, name := range r.names {
		m := r.timers[name].metric()
		if m.Count() == 0 {
			continue
		}
		out.Metrics = append(out.Metrics, m)
		timers[name] = &m
	}
	if v, ok := r.speed(timers[r.config.Main]); ok {
		out.Metrics = slices.Insert(out.Metrics, speed, run.Metric{Name: run.Speed, Unit: unit.Speed, Better: run.Higher, Samples: []float64{v}})
	}
	out.Stages = stages(timers)
	return out, err
}

// speed is items over the summed time of the main operation.
func (r *Recorder) speed(main *run.Metric) (float64, bool) {
	if main == nil || main.Sum() <= 0 {
		return 0, false
	}
	items := main.Count()
	if r.config.Items != "" {
		counted, ok := r.items[r.config.Items]
		if !ok {
			return 0, false
		}
		items = counted
	}
	return float64(items) / main.Sum(), true
}

// stages folds timers whose names nest (track.process/search) into the call
// tree. Only trees are stages: a timer without children or parent is left out.
func stages(timers map[string]*run.Metric) []run.Stage {
	children := make(map[string]float64)
	inTree := make(map[string]bool)
	for name, m := range timers {
		for parent := name; ; {
			i := strings.LastIndexByte(parent, '/')
			if i < 0 {
				break
			}
			if parent = parent[:i]; timers[parent] != nil {
				children[parent] += m.Sum()
				inTree[name], inTree[parent] = true, true
				break
			}
		}
	}
	var tree []run.Stage
	for _, name := range slices.Sorted(maps.Keys(inTree)) {
		m := timers[name]
		// Children that ran at the same time can take longer than their
		// parent: there is no time of its own to see then.
		self := max(0, m.Sum()-children[name])
		tree = append(tree, run.Stage{Path: name, Count: m.Count(), Total: m.Sum(), Self: self})
	}
	return tree
}
