package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/machine"
	"github.com/pacer-perf/pacer/internal/measure"
	"github.com/pacer-perf/pacer/internal/stat"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// session is what measuring needs: what executes commands, and a history that
// keeps the runs.
type session struct {
	cli         *cli
	runner      *measure.Runner
	store       history.Store
	dir         string // where apps export what they measure
	environment run.Environment
	policyApp   string
	grace       time.Duration // that of what is measured, as far as it is known
	over        chan struct{}
}

// newSession opens a session; own says that a program of ours is measured,
// which has nothing to do with this folder. What could keep runs from being
// kept is better known before the work than after it.
func (c *cli) newSession(ctx context.Context, own bool) (*session, error) {
	p, err := loadPolicy("")
	if err != nil && !own {
		return nil, err
	}
	store, err := writeHistory(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := tempDir()
	if err != nil {
		store.Close()
		return nil, err
	}
	runner, err := measure.Open(ctx)
	if err != nil {
		store.Close()
		os.RemoveAll(dir)
		return nil, err
	}
	if off := os.Getenv("PACER_DISABLED"); off != "" && off != "0" && !own {
		fmt.Fprintf(c.stderr, "pacer: PACER_DISABLED=%s: what the command measures itself may be missing\n", off)
	}
	env := environmentHere()
	s := &session{cli: c, runner: runner, store: store, dir: dir, environment: env, policyApp: p.App, over: make(chan struct{})}
	go s.sayStopping(ctx)
	return s, nil
}

// soon is how long an end may take that needs no word.
const soon = 200 * time.Millisecond

// sayStopping says after an interrupt what is waited for, where that takes a
// while.
func (s *session) sayStopping(ctx context.Context) {
	select {
	case <-s.over:
		return
	case <-ctx.Done():
	}
	select {
	case <-s.over:
	case <-time.After(soon):
		limit := ""
		if s.grace > 0 {
			limit = fmt.Sprintf(", which has %v (--grace)", s.grace)
		}
		erase := ""
		if isTerminal(s.cli.stderr) {
			erase = "\r\x1b[K"
		}
		fmt.Fprintf(s.cli.stderr, "%spacer: stopping the command%s; interrupt again to kill it at once\n", erase, limit)
	}
}

// afterInterrupt says what went wrong after an interrupt, in what cleans up.
func (s *session) afterInterrupt(err error) {
	var step *measure.StepError
	if errors.As(err, &step) {
		fmt.Fprintf(s.cli.stderr, "pacer: %v\n", step)
	}
}

func (s *session) close() {
	close(s.over)
	s.runner.Close()
	s.store.Close()
	os.RemoveAll(s.dir)
}

// warm executes subjects without measuring them.
func (s *session) warm(ctx context.Context, p *progress, times int, subjects ...subject) error {
	for i := range times {
		p.say(fmt.Sprintf("warming up, %d of %d", i+1, times))
		for j := range subjects {
			if _, err := subjects[j].once(ctx, s.runner, s.dir); err != nil {
				if ctx.Err() != nil {
					s.afterInterrupt(err)
					s.cli.kept = ": nothing was measured yet"
				}
				return err
			}
		}
	}
	return nil
}

// keep puts a run into the history, whether or not the user has had enough.
func (s *session) keep(ctx context.Context, r *run.Run) error {
	_, err := s.store.Append(audited(context.WithoutCancel(ctx), "run.add", r.App, r.ID, nil), r)
	return err
}

// environmentHere describes this machine and the state that it is in.
func environmentHere() run.Environment {
	env := pacer.Environment()
	env.Go = "" // of this program, not of what is measured
	machine.Look(&env)
	env.Counters = first(measure.NoCounters(), "hardware")
	return env
}

// watch watches how busy the machine is, until the function that it returns
// is asked for warnings. They come without exact figures: a warning is said
// once of runs that share it.
func (s *session) watch() func() []string {
	w, before := machine.NewWatch(), s.runner.CPU()
	return func() (warnings []string) {
		// What is executed beside what is measured is our own as well: valgrind,
		// a control, what prepares.
		u, ok := w.Usage(s.runner.CPU() - before)
		switch {
		case !ok:
		case u.Others > 0.5:
			warnings = append(warnings, "other processes used more than half of the processors' time meanwhile")
		case u.Others > 0.2:
			warnings = append(warnings, "other processes used more than a fifth of the processors' time meanwhile")
		}
		if ok && u.Steal > 0.02 {
			warnings = append(warnings, "the hypervisor gave more than 2% of the processors' time to other machines meanwhile")
		}
		if ok && u.Stopped() {
			warnings = append(warnings, "the container's limit stopped processes in the middle of their work meanwhile")
		}
		return warnings
	}
}

// enoughToStop is the least number of repetitions after which --until stops.
const enoughToStop = 10

// precisionOf returns how far the 95% confidence interval of the median of
// values reaches, relative to it; infinity if that is not known yet.
//
// Stopping at a width that was wished for leaves the interval its confidence
// when the values are many: Chow & Robbins (1965), Ann. Math. Statist. 36(2),
// 457–462.
func precisionOf(values []float64) float64 {
	if len(values) < enoughToStop {
		return math.Inf(1)
	}
	return stat.MedianPrecision(values, 0.95)
}

// describeMedian says what is known of the main metric so far.
func describeMedian(values []float64) string {
	if len(values) == 0 {
		return ""
	}
	text := "median " + unit.Format(stat.Median(values), unit.Seconds)
	if iv, err := stat.MedianInterval(values, 0.95); err == nil && !math.IsInf(iv.Low, 0) {
		text += " (" + unit.Format(iv.Low, unit.Seconds) + " to " + unit.Format(iv.High, unit.Seconds) + ")"
	}
	return text
}

// percent prints a share.
func percent(v float64) string {
	if math.IsInf(v, 0) {
		return "any extent"
	}
	return fmt.Sprintf("%.3g%%", 100*v)
}
