package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/measure"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// The metrics that are measured from outside.
const (
	wallMetric         = "process.wall"
	cpuMetric          = "process.cpu"
	memoryMetric       = "process.memory.peak"
	instructionsMetric = "process.instructions"
)

// ownMetrics are all of them, witnesses among them.
var ownMetrics = []string{wallMetric, cpuMetric, memoryMetric, instructionsMetric, "process.cycles", "process.faults.minor", "process.faults.major",
	"process.switches.voluntary", "process.switches.involuntary"}

// subject is what is measured: a command, and what its runs are called.
type subject struct {
	own          string // name of a program of our own; empty: a command of the user's
	task         measure.Task
	command      []string // as it is kept; nil: task.Args
	program      string   // its name; empty: by the first word of that
	like         string   // what an app is called that it is another version of
	app, version string
	branch       string
	source       *revision // the code that it is of; nil: that of this folder
	labels       map[string]string
	allowFailure bool
	sdkReady     bool          // the app's own Ready ends start-up
	start        measure.Start // of the shell that runs it; zero: none does
	partly       bool          // what was measured before is kept if it fails
	policyApp    string        // the app of pacer.yaml
}

// words are the command line that is kept of a subject.
func (s *subject) words() []string {
	if s.command != nil {
		return s.command
	}
	return s.task.Args
}

// name is what the command is called where nobody names the app.
func (s *subject) name() string { return first(s.program, programOf(s.words())) }

// main is the metric that a subject is measured for.
func (s *subject) main() string {
	if s.task.Ready != nil || s.sdkReady {
		return run.Startup
	}
	return wallMetric
}

// checkLabels refuses labels that contradict those of the app.
func (s *subject) checkLabels(of map[string]string) error {
	for k, v := range s.labels {
		if old, ok := of[k]; ok && old != v {
			return fmt.Errorf("the app says label %s=%s, the command line %s=%s", k, old, k, v)
		}
	}
	return nil
}

// describe says what a run is of.
func (s *subject) describe(r *run.Run, started time.Time, env run.Environment) {
	var random [10]byte
	rand.Read(random[:]) // never fails
	r.ID = run.NewID(started, random)
	r.Timestamp = started.UTC()
	asked := ""
	if s.own == "" {
		asked = first(s.app, os.Getenv("PACER_APP"))
	}
	r.App = first(asked, r.App, s.own, s.policyApp, s.like, s.name())
	r.Version = first(s.version, r.Version)
	if s.own == "" { // what is our own has nothing to do with this folder's repository
		r.Command = redact(s.words())
		code := s.source
		if code == nil {
			here := sourceHere()
			code = &here
		}
		// What the app says of another commit, this folder knows nothing of.
		if r.Commit == "" || r.Commit == code.commit {
			r.Commit, r.Branch, r.Dirty = code.commit, first(r.Branch, code.branch), r.Dirty || code.dirty
		}
		r.Branch, r.Pull = first(s.branch, r.Branch), code.pull
	}
	if r.Environment == nil {
		r.Environment = &env
	}
	for k, v := range s.labels {
		if r.Labels == nil {
			r.Labels = make(map[string]string)
		}
		r.Labels[k] = v
	}
}

// once executes the subject one time and returns what was measured outside and
// inside. The folder is where the app's processes export what they measured; it
// is empty before and afterwards.
func (s *subject) once(ctx context.Context, runner *measure.Runner, dir string) (execution, error) {
	defer empty(dir)
	task := s.task
	task.Env = append(slices.Clip(task.Env), "PACER_EXPORT="+dir)
	if s.own != "" {
		task.Env = append(task.Env, "PACER_DISABLED=0")
	}
	if s.sdkReady {
		task.Ready = &measure.Ready{Stamp: filepath.Join(dir, "ready")}
		task.Env = append(task.Env, "PACER_READY="+task.Ready.Stamp)
	}
	result, err := runner.Once(ctx, &task)
	if err != nil {
		return execution{}, s.explained(err)
	}
	notReady := task.Ready != nil && result.Startup == 0
	if result.Failure != "" && (!s.allowFailure || notReady) {
		return execution{}, s.failed(&result, notReady)
	}
	r, err := exported(dir)
	if err != nil {
		return execution{}, err
	}
	if err := s.add(&r, &result); err != nil {
		return execution{}, err
	}
	return execution{r, result.Failure}, nil
}

// explained adds what to do about an error of executing the subject.
func (s *subject) explained(err error) error {
	var notFound *exec.Error
	switch ready := s.task.Ready; {
	case errors.Is(err, exec.ErrNotFound):
		return hint(err, "no shell is used: for shell syntax, --shell")
	case errors.As(err, &notFound) && errors.Is(err, fs.ErrPermission):
		return hint(err, "make it executable: chmod +x %s", report.Shell(s.task.Args[0]))
	case errors.Is(err, measure.ErrNoFormat):
		return hint(err, "a script begins with #! and its interpreter; or let the shell run it: --shell")
	case errors.Is(err, measure.ErrNoInterpreter):
		return hint(err, "install it, or correct the first line of the script")
	case errors.Is(err, measure.ErrAlreadyReady) && ready != nil && ready.File != "":
		return hint(err, "remove it before each execution: --prepare 'rm -f %s'", ready.File)
	case errors.Is(err, measure.ErrAlreadyReady):
		return hint(err, "end what answers there, or let the app listen elsewhere")
	}
	return explained(err)
}

// explained adds what to do about an error of a step around the measured
// command.
func explained(err error) error {
	var step *measure.StepError
	switch {
	case errors.As(err, &step):
		err = withOutput(err, step.Result.Tail)
		if step.Result.Late {
			flag := "--timeout"
			if step.Step == "build" {
				flag = "--build-timeout"
			}
			return hint(err, "give it longer: %s 10m", flag)
		}
		return err
	}
	return err
}

// failed is the error of a command that failed.
func (s *subject) failed(result *measure.Result, notReady bool) error {
	if s.own != "" { // a program of our own says what is wrong itself
		return hint(errors.New(first(result.Tail, result.Failure)), "nothing is kept")
	}
	err := fmt.Errorf("%s failed: %s", s.name(), result.Failure)
	if !s.partly {
		err = fmt.Errorf("%w: nothing is kept", err)
	}
	if s.task.Output == nil {
		err = withOutput(err, result.Tail)
	}
	switch {
	case notReady && s.sdkReady:
		return hint(err, "start-up ends where the app calls the SDK's Ready; for others: --ready-line, --ready-http, --ready-tcp, --ready-file")
	case notReady && result.Late:
		return hint(err, "see its output: --show-output; give it longer: --timeout %v", 5*s.task.Timeout)
	case notReady:
		return hint(err, "see its output: --show-output")
	}
	if result.Late {
		return hint(err, "give it longer: --timeout %v", 10*s.task.Timeout)
	}
	return hint(err, "keep runs of failing commands with --allow-failure")
}

// nearFloor is how close to the least that the kernel reports a peak says
// nothing but that it is not above.
const nearFloor = 1.1

// add adds what was measured outside to what was measured inside.
func (s *subject) add(r *run.Run, result *measure.Result) error {
	warn := func(format string, args ...any) { r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...)) }
	var list []run.Metric
	lower := func(name, base string, value float64) {
		list = append(list, run.Metric{Name: name, Unit: base, Better: run.Lower, Samples: []float64{value}})
	}
	if s.task.Ready != nil || s.sdkReady {
		if inside := r.Find(run.Startup, nil); inside != nil && !s.sdkReady {
			warn("startup ends where the command line says; the app's own word is left out")
			r.Metrics = slices.DeleteFunc(r.Metrics, func(m run.Metric) bool { return m.Key() == run.Startup })
			r.Stages = slices.DeleteFunc(r.Stages, func(s run.Stage) bool { return s.Path == run.Startup || strings.HasPrefix(s.Path, run.Startup+"/") })
		}
		if r.Find(run.Startup, nil) == nil {
			lower(run.Startup, unit.Seconds, result.Startup.Seconds())
		}
	}
	// How long an app runs that is asked to stop, its user does not decide.
	if !result.Stopped {
		lower(wallMetric, unit.Seconds, result.Wall.Seconds())
	}
	lower(cpuMetric, unit.Seconds, result.CPU.Seconds())
	if result.PeakMemory > 0 {
		lower(memoryMetric, unit.Bytes, float64(result.PeakMemory))
		// The helper's size at the fork is the least that the kernel reports.
		if floor := nearFloor * float64(result.Floor); float64(result.PeakMemory) < floor {
			list[len(list)-1].Resolution = floor
			warn("process.memory.peak is at most what is shown: the launcher's own size hides what is less")
		}
	}
	if result.Instructions >= 0 {
		lower(instructionsMetric, unit.Instructions, float64(result.Instructions))
	}
	for _, w := range []struct {
		name string
		n    int64
	}{
		{"process.cycles", result.Cycles},
		{"process.faults.minor", result.MinorFaults}, {"process.faults.major", result.MajorFaults},
		{"process.switches.voluntary", result.VoluntarySwitches}, {"process.switches.involuntary", result.Preemptions},
	} {
		if w.n >= 0 {
			lower(w.name, unit.Count, float64(w.n))
			list[len(list)-1].Kind = run.WitnessKind
		}
	}
	if result.Left > 0 {
		warn("the command left a process behind: what that uses is not measured, and it may disturb what follows")
	}
	if result.Killed {
		warn("the command did not stop when it was asked to, and was killed: --grace gives it longer")
	}
	for _, m := range list {
		if r.Find(m.Name, nil) != nil {
			return fmt.Errorf("the app measured %s itself: the name is the runner's", m.Name)
		}
	}
	r.Metrics = append(r.Metrics, list...)
	return nil
}

// exported reads what the app's processes wrote into the folder: nothing, if
// it does not use the SDK.
func exported(dir string) (run.Run, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return run.Run{}, err
	}
	var runs []run.Run
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".json" {
			continue
		}
		f, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			return run.Run{}, err
		}
		r, err := run.Read(f, e.Name())
		f.Close()
		if err != nil {
			return run.Run{}, fmt.Errorf("the app exported a bad run document: %w", err)
		}
		runs = append(runs, r)
	}
	if len(runs) == 0 {
		return run.Run{}, nil
	}
	all, err := run.Merge(runs...)
	if err != nil {
		return run.Run{}, fmt.Errorf("the app's processes exported %d documents that are not of one run: %w", len(runs), err)
	}
	return all, nil
}

// empty removes what is in a folder.
func empty(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		os.RemoveAll(filepath.Join(dir, e.Name()))
	}
}

// tempDir makes a folder in .pacer, and removes those that killed processes
// left there more than a day ago.
func tempDir() (string, error) {
	dir, err := home()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, "tmp")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	old, _ := os.ReadDir(dir)
	for _, e := range old {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > 24*time.Hour {
			os.RemoveAll(filepath.Join(dir, e.Name()))
		}
	}
	return os.MkdirTemp(dir, "")
}
