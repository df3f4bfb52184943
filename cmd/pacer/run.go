package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/internal/measure"
	"github.com/pacer-perf/pacer/internal/report/text"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

func (c *cli) run() *cobra.Command {
	var b batch
	var labels []string
	cmd := &cobra.Command{
		Use:   "run [flags] -- COMMAND [ARG...]",
		Short: "Measure a command and keep the run",
		Long: `Run executes a command, without a shell, and measures it from outside:
process.wall, process.cpu, process.memory.peak (that of its largest process). An
app that uses the SDK adds what it measured inside: it finds a folder in
PACER_EXPORT and writes its run document there when it closes its recorder.

All repetitions make one run, with one sample for each, kept in the history. The
command has no standard input and no terminal; its output is not shown unless it
fails, or with --show-output on standard error.`,
		Example: `  pacer run -- ./app --once
  pacer run --runs 10 --label dataset=1k -- ./app --library 1k.xml
  pacer run --app site -- sh -c './prepare && exec ./site --selftest'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return hint(errors.New("no command to run"), "pacer run -- COMMAND [ARG...]")
			}
			return nil
		},
	}
	cmd.Flags().SetInterspersed(false)
	cmd.Flags().IntVar(&b.runs, "runs", 1, "how many `TIMES` to run the command")
	cmd.Flags().StringVar(&b.app, "app", "", "name of the `APP` (default: $PACER_APP, its own word, that of pacer.yaml, or the command's name)")
	cmd.Flags().StringVar(&b.version, "version", "", "`VERSION` of the app (default: its own word)")
	cmd.Flags().StringVar(&b.branch, "branch", "", "`BRANCH` that the run is of (default: what git or the CI system says)")
	cmd.Flags().StringArrayVar(&labels, "label", nil, "label `KEY=VALUE` of the run; may be given again")
	cmd.Flags().BoolVar(&b.allowFailure, "allow-failure", false, "keep the run even if the command fails")
	cmd.Flags().BoolVar(&b.showOutput, "show-output", false, "pass the command's output on to standard error")
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		as, err := format()
		if err != nil {
			return err
		}
		if b.labels, err = parseLabels(labels); err != nil {
			return err
		}
		if b.runs < 1 {
			return fmt.Errorf("--runs %d: expected 1 or more", b.runs)
		}
		b.args = args
		r, err := c.measure(cmd.Context(), b)
		if err != nil && r == nil {
			return err
		}
		interrupted := err
		if as == "json" {
			return errors.Join(r.Write(c.stdout), interrupted)
		}
		err = text.Run(c.stdout, r, c.text())
		if b.runs == 1 {
			fmt.Fprintln(c.stderr, "hint: one repetition tells little about noise: --runs 10")
		}
		return errors.Join(err, interrupted)
	}
	return cmd
}

func parseLabels(words []string) (map[string]string, error) {
	labels := make(map[string]string)
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		if !ok || key == "" {
			return nil, hint(fmt.Errorf("--label %q: expected KEY=VALUE", word), "--label dataset=1k")
		}
		if _, twice := labels[key]; twice {
			return nil, fmt.Errorf("--label %s is given twice", key)
		}
		labels[key] = value
	}
	return labels, nil
}

// batch is a command that is repeated to make one run.
type batch struct {
	name         string // what is measured, of a program of our own; empty: args[0]
	args         []string
	runs         int
	app, version string
	branch       string
	labels       map[string]string
	allowFailure bool
	showOutput   bool
	policyApp    string // the app of pacer.yaml
}

// measure runs a batch and keeps the run. When it is interrupted, it keeps what
// was measured and returns it with the context's error; it returns no run if
// there was nothing to keep.
func (c *cli) measure(ctx context.Context, b batch) (*run.Run, error) {
	// What could keep the run from being kept is better known before the work
	// than after it.
	p, err := loadPolicy("")
	if err != nil && b.name == "" {
		return nil, err
	}
	b.policyApp = p.App
	store, err := writeHistory(ctx)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	if off := env("PACER_DISABLED"); off != "" && off != "0" && b.name == "" {
		fmt.Fprintf(c.stderr, "pacer: PACER_DISABLED=%s: what the command measures itself may be missing\n", off)
	}
	started := time.Now()
	progress := newProgress(c.stderr, "measuring "+first(b.name, filepath.Base(b.args[0])), b.runs)
	defer progress.clear()
	var repetitions []run.Run
	for i := range b.runs {
		progress.show(i)
		r, err := c.once(ctx, b)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			return nil, err
		}
		if i == 0 {
			if err := b.checkLabels(r.Labels); err != nil {
				return nil, err
			}
		}
		repetitions = append(repetitions, r)
	}
	progress.clear()
	interrupted := ctx.Err()
	if len(repetitions) == 0 {
		c.kept = ": nothing was measured yet"
		return nil, interrupted
	}
	r, err := run.Merge(repetitions...)
	if err != nil {
		return nil, fmt.Errorf("%w: not kept", err)
	}
	b.describe(&r, started)
	if interrupted != nil {
		c.kept = fmt.Sprintf(": %d of %d repetitions are kept", len(repetitions), b.runs)
		r.Warnings = append(r.Warnings, fmt.Sprintf("interrupted after %d of %d repetitions", len(repetitions), b.runs))
		ctx = context.WithoutCancel(ctx)
	}
	if _, err := store.Append(ctx, &r); err != nil {
		return nil, err
	}
	return &r, interrupted
}

// checkLabels refuses labels that contradict those of the app.
func (b *batch) checkLabels(of map[string]string) error {
	for k, v := range b.labels {
		if old, ok := of[k]; ok && old != v {
			return fmt.Errorf("the app says label %s=%s, the command line %s=%s", k, old, k, v)
		}
	}
	return nil
}

// describe says what the run is of.
func (b *batch) describe(r *run.Run, started time.Time) {
	var random [10]byte
	rand.Read(random[:]) // never fails
	r.ID = run.NewID(started, random)
	r.Timestamp = started.UTC()
	asked := ""
	if b.name == "" {
		asked = first(b.app, env("PACER_APP"))
	}
	r.App = first(asked, r.App, b.name, b.policyApp, strings.TrimSuffix(filepath.Base(b.args[0]), ".exe"))
	r.Version = first(b.version, r.Version)
	if b.name == "" { // what is our own has nothing to do with this folder's repository
		r.Command = redact(b.args)
		// What the app says of another commit, this folder knows nothing of.
		if commit, branch, dirty := gitState(); r.Commit == "" || r.Commit == commit {
			r.Commit, r.Branch, r.Dirty = commit, first(r.Branch, branch), r.Dirty || dirty
		}
		r.Branch = first(b.branch, r.Branch)
	}
	if r.Environment == nil {
		env := pacer.Environment()
		env.Go = "" // of this program, not of the command
		r.Environment = &env
	}
	for k, v := range b.labels {
		if r.Labels == nil {
			r.Labels = make(map[string]string)
		}
		r.Labels[k] = v
	}
}

// once runs the command one time and returns what was measured outside and
// inside.
func (c *cli) once(ctx context.Context, b batch) (run.Run, error) {
	dir, err := tempDir()
	if err != nil {
		return run.Run{}, err
	}
	defer os.RemoveAll(dir)
	variables := []string{"PACER_EXPORT=" + dir}
	if b.name != "" {
		variables = append(variables, "PACER_DISABLED=0")
	}
	var output io.Writer
	if b.showOutput {
		output = c.stderr
	}
	result, err := measure.Run(ctx, measure.Command{
		Args: b.args, Env: variables, Output: output,
	})
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return run.Run{}, hint(err, "no shell is used: for shell syntax, pacer run -- sh -c '...'")
	case err != nil:
		return run.Run{}, err
	case result.Failure != "" && !b.allowFailure:
		if b.name != "" { // a program of our own says what is wrong itself
			return run.Run{}, hint(errors.New(first(result.Tail, result.Failure)), "nothing is kept")
		}
		err := fmt.Errorf("%s failed: %s: nothing is kept", b.args[0], result.Failure)
		if result.Tail != "" && !b.showOutput {
			err = fmt.Errorf("%w; its last output:\n  %s", err, strings.ReplaceAll(result.Tail, "\n", "\n  "))
		}
		return run.Run{}, hint(err, "keep runs of failing commands with --allow-failure")
	}
	r, err := exported(dir)
	if err != nil {
		return run.Run{}, err
	}
	outside := []run.Metric{
		{Name: "process.wall", Unit: unit.Seconds, Better: run.Lower, Samples: []float64{result.Wall.Seconds()}},
		{Name: "process.cpu", Unit: unit.Seconds, Better: run.Lower, Samples: []float64{result.CPU.Seconds()}},
	}
	if result.PeakMemory > 0 {
		outside = append(outside, run.Metric{Name: "process.memory.peak", Unit: unit.Bytes, Better: run.Lower,
			Samples: []float64{float64(result.PeakMemory)}})
		// The helper's size at the fork is the least that the kernel reports.
		if float64(result.PeakMemory) < 1.1*float64(result.Floor) {
			r.Warnings = append(r.Warnings, "process.memory.peak is at most what is shown: less cannot be told")
		}
	}
	if result.Left {
		r.Warnings = append(r.Warnings, "the command left a process behind that has its output open: what that uses is not measured")
	}
	for _, m := range outside {
		if r.Find(m.Name, nil) != nil {
			return run.Run{}, fmt.Errorf("the app measured %s itself: the name is the runner's", m.Name)
		}
	}
	r.Metrics = append(r.Metrics, outside...)
	if result.Failure != "" {
		r.Warnings = append(r.Warnings, "the command failed: "+result.Failure)
	}
	return r, nil
}

// exported reads what the app's processes wrote into the folder: nothing, if
// it does not use the SDK.
func exported(dir string) (run.Run, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		return run.Run{}, err
	}
	runs := make([]run.Run, len(files))
	for i, file := range files {
		f, err := os.Open(file)
		if err != nil {
			return run.Run{}, err
		}
		runs[i], err = run.Read(f, filepath.Base(file))
		f.Close()
		if err != nil {
			return run.Run{}, fmt.Errorf("the app exported a bad run document: %w", err)
		}
	}
	all, err := run.Merge(runs...)
	if err != nil {
		return run.Run{}, fmt.Errorf("the app's processes exported %d documents that are not of one run: %w", len(files), err)
	}
	return all, nil
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

// gitState returns what git says of the working folder: nothing, outside of a
// repository or without git.
func gitState() (commit, branch string, dirty bool) {
	git := func(args ...string) (string, bool) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		out, err := exec.CommandContext(ctx, "git", args...).Output()
		return strings.TrimSpace(string(out)), err == nil
	}
	commit, ok := git("rev-parse", "--verify", "HEAD")
	if !ok {
		return "", "", false
	}
	if branch, ok = git("symbolic-ref", "--quiet", "--short", "HEAD"); !ok {
		branch = branchOfCI()
	}
	changes, ok := git("status", "--porcelain", "--untracked-files=no")
	return commit, branch, ok && changes != ""
}

// branchOfCI returns the branch that a CI system says it builds, for it checks
// out commits: of a change its own branch, not the one it is for.
func branchOfCI() string {
	if env("GITHUB_REF_TYPE") == "branch" || env("GITHUB_HEAD_REF") != "" {
		return first(env("GITHUB_HEAD_REF"), env("GITHUB_REF_NAME"))
	}
	return first(env("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"), env("CI_COMMIT_BRANCH"), // GitLab
		env("BUILDKITE_BRANCH"), env("CIRCLE_BRANCH"), env("BITBUCKET_BRANCH"), env("DRONE_BRANCH"))
}

// first returns the first of words that is not empty.
func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

func env(name string) string { return os.Getenv(name) }
