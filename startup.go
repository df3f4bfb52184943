package pacer

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// staleAfter is how long before a process a launcher's word may lie: longer ago,
// it was for another process, and handed on by what came between.
const staleAfter = time.Minute

// startup is the measurement of start-up: from process start through phases to
// the first useful output and to being fully usable.
type startup struct {
	launch  launch
	initial time.Duration // 0: not reached, or not known when
	ready   time.Duration
	tick    time.Duration // resolution of the process's start

	initialled, readied bool // reached

	phase  string        // that is under way
	since  time.Duration // on the recorder's clock
	phases []phase
}

type phase struct {
	name string
	took time.Duration
}

// Phase begins a part of start-up, such as "open db", and ends the one before.
// Ready ends the last. A phase of the same name again adds to it. Phases
// become stages below startup; what lies before the first and between them is
// startup's own time. After Ready, Phase does nothing.
func (r *Recorder) Phase(name string) {
	if r == nil {
		return
	}
	now := r.now()
	r.mu.Lock()
	defer r.unlock()
	s := &r.startup
	if s.readied {
		return
	}
	if name == "" || len(name) > 200 || !utf8.ValidString(name) || strings.ContainsFunc(name, func(c rune) bool { return unicode.IsControl(c) || strings.ContainsRune("/{}", c) }) {
		r.problem(fmt.Errorf("phase %.100q: expected a few words without / { } and control characters", name))
		return
	}
	s.endPhase(now)
	if len(s.phases) >= maxKinds {
		r.problem(fmt.Errorf("phase %q: more than %d", name, maxKinds))
		return
	}
	s.phase, s.since = name, now
}

// endPhase ends the phase that is under way.
func (s *startup) endPhase(now time.Duration) {
	if s.phase == "" {
		return
	}
	took := max(0, now-s.since)
	for i := range s.phases {
		if s.phases[i].name == s.phase {
			s.phases[i].took += took
			s.phase = ""
			return
		}
	}
	s.phases = append(s.phases, phase{s.phase, took})
	s.phase = ""
}

// Initial says that the first useful output is there: the first window, the
// first page. The metric startup.initial is the time from process start to the
// first call.
func (r *Recorder) Initial() {
	if r == nil {
		return
	}
	now, clock := time.Now(), r.now()
	r.mu.Lock()
	defer r.unlock()
	if !r.startup.initialled {
		r.startup.initialled = true
		r.startup.initial = r.sinceStart(now, clock)
	}
}

// Ready ends start-up: the app is able to do the user's first piece of work.
// The metric startup is the time from process start to the first call; further
// calls change nothing.
//
// Process start is PACER_START, which a launcher sets to the Unix time in
// nanoseconds, else what the operating system says, whose tick (10 ms on
// Linux) is recorded as the metric's resolution.
//
// A launcher that waits for an app to be ready sets PACER_READY to the name of
// a file, which the first call makes: it holds the time of the call, as
// nanoseconds since 1970.
func (r *Recorder) Ready() {
	if r == nil {
		return
	}
	now, clock := time.Now(), r.now()
	r.mu.Lock()
	defer r.unlock()
	if !r.startup.readied {
		if file := os.Getenv("PACER_READY"); file != "" && r.config.Clock == nil {
			r.problem(tellReady(file, now))
		}
		r.startup.readied = true
		r.startup.ready = r.sinceStart(now, clock)
		r.startup.endPhase(clock)
	}
}

// tellReady tells a launcher when the app was ready. Its reader must not meet
// half of it, and a disk that is slow to be safe would cost the app the wait.
func tellReady(file string, at time.Time) error {
	half := file + "." + strconv.Itoa(os.Getpid())
	if err := os.WriteFile(half, strconv.AppendInt(nil, at.UnixNano(), 10), 0o666); err != nil {
		return fmt.Errorf("PACER_READY: %w", err)
	}
	if err := os.Rename(half, file); err != nil {
		os.Remove(half)
		return fmt.Errorf("PACER_READY: %w", err)
	}
	return nil
}

// sinceStart returns the time from process start to now, or 0 if it cannot be
// known.
func (r *Recorder) sinceStart(now time.Time, clock time.Duration) time.Duration {
	s := &r.startup
	if r.config.Clock != nil {
		return max(1, clock)
	}
	age, err := r.process.age()
	if !s.launch.at.IsZero() {
		// Both are wall clock times: the launcher is another process.
		since := now.Round(0).Sub(s.launch.at)
		switch {
		case since <= 0:
			r.problem(errors.New("PACER_START lies in the future: not used"))
		case err == nil && since > age+staleAfter:
			r.problem(fmt.Errorf("PACER_START lies %v before the process began: not used", (since - age).Round(time.Second)))
		default:
			return since
		}
		s.launch.at = time.Time{}
	}
	if err != nil {
		if !errors.Is(err, errors.ErrUnsupported) {
			r.problem(fmt.Errorf("reading the start of the process: %w", err))
		}
		return 0
	}
	s.tick = startTick
	return max(1, age-time.Since(now))
}

// read returns what was reached of start-up.
func (s *startup) read() (metrics []run.Metric, stages []run.Stage) {
	add := func(name string, d, tick time.Duration) {
		metrics = append(metrics, run.Metric{Name: name, Unit: unit.Seconds, Better: run.Lower, Resolution: tick.Seconds(), Samples: []float64{d.Seconds()}})
	}
	if s.ready > 0 {
		add(run.Startup, s.ready, s.tick)
	}
	if s.initial > 0 {
		add("startup.initial", s.initial, s.tick)
	}
	self := s.ready
	for _, p := range s.phases {
		add("startup/"+p.name, p.took, 0)
		self -= p.took
	}
	if s.ready == 0 {
		return metrics, nil
	}
	stages = append(stages, run.Stage{Path: run.Startup, Count: 1, Total: s.ready.Seconds(), Self: max(0, self).Seconds()})
	for _, p := range s.phases {
		stages = append(stages, run.Stage{Path: "startup/" + p.name, Count: 1, Total: p.took.Seconds(), Self: p.took.Seconds()})
	}
	return metrics, stages
}
