package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/internal/format"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/run"
)

// benchSession measures a command on two sides, round by round.
type benchSession struct {
	*cli
	options   benchOptions
	policyApp string
	temporary string    // a folder of its own
	tree      *workTree // of the base; nil: there is none
	base      benchSide // without a commit: there is none
	here      benchSide
	done      int // rounds that both sides have finished
	// why is why the base is what it is, or why there is none; fresh tells that
	// there is none yet, which is no reason for doubt.
	why   string
	fresh bool
}

// benchSide is one work tree.
type benchSide struct {
	name string // for messages: here, the base 1a2b3c4d5e
	revision
	dir    string      // that the command is run in; empty: it is not measured
	rounds [][]run.Run // what each round measured
	at     []time.Time // when
}

// open finds both sides and sets them up.
func (s *benchSession) open(ctx context.Context) (err error) {
	source := sourceHere()
	wd, err := os.Getwd()
	if err != nil {
		return err
	}
	s.here = benchSide{name: "here", revision: source, dir: wd}
	if s.temporary, err = os.MkdirTemp("", "pacer-bench-"); err != nil {
		return err
	}
	if err := s.checkOut(ctx); err != nil {
		s.close()
		return err
	}
	if s.options.setup == "" {
		return nil
	}
	for _, side := range []*benchSide{&s.here, &s.base} {
		if side.dir == "" {
			continue
		}
		if tail, err := s.command(ctx, shell(s.options.setup), side.dir, nil); err != nil {
			err = failed("--setup", err, tail)
			if side == &s.here || ctx.Err() != nil {
				s.close()
				return cmp.Or(ctx.Err(), err)
			}
			s.without(err, false)
		}
	}
	return nil
}

// checkOut makes a work tree of the base, if there is one.
func (s *benchSession) checkOut(ctx context.Context) error {
	base := s.options.base
	s.why = "as --base says"
	switch base {
	case "none":
		s.fresh = true
		return nil
	case "":
		var err error
		if base, s.why, err = baseCommit(ctx, s.options.branch); err != nil {
			return err
		}
		if base == "" {
			s.fresh = true
			fmt.Fprintf(s.stderr, "pacer: nothing to compare with: %s\n", s.why)
			return nil
		}
	}
	commit, err := git(ctx, "rev-parse", "--quiet", "--verify", base+"^{commit}")
	if err != nil {
		return hint(fmt.Errorf("--base %s: there is no such commit here", base), "git fetch; or --base none")
	}
	fmt.Fprintf(s.stderr, "base: %.10s, %s\n", commit, s.why)
	s.why += ", measured in turns"
	prefix, err := git(ctx, "rev-parse", "--show-prefix")
	if err != nil {
		return fmt.Errorf("git: %w", err)
	}
	s.base = benchSide{name: fmt.Sprintf("the base %.10s", commit), revision: revision{commit: commit}}
	if _, err := git(ctx, "cat-file", "-e", commit+":"+prefix); err != nil {
		s.without(fmt.Errorf("there is no folder %s at the base", prefix), true)
		return nil
	}
	if s.tree, err = checkOut(ctx, commit); err != nil {
		return fmt.Errorf("checking the base out: %w", err)
	}
	s.base.dir = s.tree.path("")
	return nil
}

// without goes on without the base, and says why. Fresh tells that there was
// nothing to measure yet.
func (s *benchSession) without(why error, fresh bool) {
	fmt.Fprintf(s.stderr, "pacer: going on without the base, which cannot be measured: %v\n", why)
	reason, _, _ := strings.Cut(why.Error(), "\n")
	s.why = fmt.Sprintf("%s cannot be measured: %s", s.base.name, strings.TrimSuffix(reason, "; its last output:"))
	s.fresh = fresh
	s.base.dir, s.base.rounds = "", nil
}

// close removes what the session made.
func (s *benchSession) close() {
	if s.tree != nil {
		s.tree.remove()
	}
	os.RemoveAll(s.temporary)
}

// measure runs the rounds. It returns the context's error when interrupted.
func (s *benchSession) measure(ctx context.Context) error {
	bar := newProgress(s.stderr, "measuring "+filepath.Base(s.options.args[0]), 2*s.options.rounds)
	bar.terminal = bar.terminal && !s.options.showOutput // which would go into its line
	defer bar.beat()()
	for round := range s.options.rounds {
		sides := []*benchSide{&s.base, &s.here}
		if mathrand.IntN(2) == 1 {
			slices.Reverse(sides)
		}
		for i, side := range sides {
			if side.dir == "" {
				continue
			}
			bar.show(2*round+i, side.name)
			started := time.Now()
			results, err := s.once(ctx, side, round)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil && side == &s.base && round == 0:
				bar.clear()
				s.without(err, errors.Is(err, errNoResults))
				continue
			case err != nil:
				return fmt.Errorf("%s: %w", side.name, err)
			}
			side.rounds, side.at = append(side.rounds, results), append(side.at, started)
		}
		s.done = round + 1
	}
	return nil
}

// once runs the command one time and returns what it measured.
func (s *benchSession) once(ctx context.Context, side *benchSide, round int) ([]run.Run, error) {
	path := filepath.Join(s.temporary, fmt.Sprintf("results-%d", round))
	out, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	tail, err := s.command(ctx, s.options.args, side.dir, out)
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil && !(s.options.allowFailure && errors.As(err, new(*exec.ExitError))) {
		if text, rerr := os.ReadFile(path); rerr == nil {
			tail = append(text[max(0, len(text)-2000):], tail...)
		}
		return nil, failed(report.Shell(redact(s.options.args)...), err, tail)
	}
	if s.options.results != "" {
		if path = s.options.results; !filepath.IsAbs(path) {
			path = filepath.Join(side.dir, path)
		}
	}
	l, err := loadFile(ctx, path, s.options.format, nil)
	switch {
	case err == nil:
		return l.runs, nil
	case s.options.results != "":
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w: the command did not write %s", errNoResults, s.options.results)
		}
		return nil, err
	}
	if info, serr := os.Stat(path); !errors.Is(err, format.ErrUnknown) && serr == nil && info.Size() > 0 {
		return nil, fmt.Errorf("what the command printed: %s", strings.TrimPrefix(err.Error(), path+":"))
	}
	return nil, hint(fmt.Errorf("%w in what the command printed, in no format that is known", errNoResults), "pacer import --help lists the formats; if the command writes a file: --results FILE")
}

// errNoResults says that a command succeeded and measured nothing.
var errNoResults = errors.New("no results")

// command runs a command in a folder. Its standard error is returned, as far
// as its last 2,000 bytes, and with out nil its standard output too.
func (s *benchSession) command(ctx context.Context, args []string, dir string, out io.Writer) (tail []byte, err error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	kept := &lastBytes{most: 2000}
	var diagnostics io.Writer = kept
	if s.options.showOutput {
		diagnostics = io.MultiWriter(kept, s.stderr)
		if out != nil {
			out = io.MultiWriter(out, s.stderr)
		}
	}
	cmd.Stderr = diagnostics
	cmd.Stdout = diagnostics
	if out != nil {
		cmd.Stdout = out
	}
	cmd.WaitDelay = 5 * time.Second
	endGroup(cmd)
	err = cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		err = hint(err, "no shell is used: for shell syntax, pacer bench -- sh -c '...'")
	}
	return kept.text, err
}

// lastBytes keeps the end of what is written.
type lastBytes struct {
	text []byte
	most int
}

func (l *lastBytes) Write(p []byte) (int, error) {
	l.text = append(l.text, p...)
	l.text = l.text[max(0, len(l.text)-l.most):]
	return len(p), nil
}

// failed is the error of a command, with the end of what it wrote.
func failed(what string, err error, tail []byte) error {
	err = fmt.Errorf("%s failed: %w", what, err)
	if tail = bytes.TrimSpace(tail); len(tail) > 0 {
		err = fmt.Errorf("%w; its last output:\n  %s", err, bytes.ReplaceAll(tail, []byte("\n"), []byte("\n  ")))
	}
	return err
}

// shell is how a command line is run by the system's shell.
func shell(line string) []string {
	if runtime.GOOS == "windows" {
		return []string{"cmd", "/c", line}
	}
	return []string{"sh", "-c", line}
}

// merged is a run, and the rounds that it was merged of.
type merged struct {
	whole  run.Run
	rounds []*run.Run
}

// runs returns what was measured: each round at the base, the older ones first,
// and the rounds here, merged by app and labels.
func (s *benchSession) runs() (base []run.Run, here []merged, err error) {
	for i, round := range s.base.rounds {
		for _, r := range round {
			if err := s.describe(&r, &s.base, s.base.at[i]); err != nil {
				return nil, nil, err
			}
			base = append(base, r)
		}
	}
	if here, err = mergeRounds(s.here.rounds); err != nil {
		return nil, nil, err
	}
	now := time.Now() // the newest of all: what is judged by default
	for i := range here {
		if err := s.describe(&here[i].whole, &s.here, now); err != nil {
			return nil, nil, err
		}
	}
	return base, here, nil
}

// mergeRounds makes one run of the rounds of each app and labels.
func mergeRounds(rounds [][]run.Run) ([]merged, error) {
	var list []merged
	for _, round := range rounds {
		for _, r := range round {
			at := slices.IndexFunc(list, func(m merged) bool { return sameThing(m.rounds[0], &r) })
			if at < 0 {
				at = len(list)
				list = append(list, merged{})
			}
			list[at].rounds = append(list[at].rounds, &r)
		}
	}
	for i := range list {
		all := make([]run.Run, len(list[i].rounds))
		for k, r := range list[i].rounds {
			all[k] = *r
		}
		var err error
		if list[i].whole, err = run.Merge(all...); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// describe says what a run is of.
func (s *benchSession) describe(r *run.Run, side *benchSide, at time.Time) error {
	o := &s.options
	var random [10]byte
	rand.Read(random[:]) // never fails
	r.ID = run.NewID(at, random)
	r.Timestamp = at.UTC()
	r.App = first(o.app, env("PACER_APP"), r.App, s.policyApp, folderName())
	r.Commit, r.Branch, r.Dirty, r.Pull = side.commit, side.branch, side.dirty, side.pull
	r.Command = redact(o.args)
	if side == &s.here {
		r.Version = first(o.version, r.Version)
	}
	if r.Environment == nil {
		r.Environment = new(run.Environment)
	}
	here := pacer.Environment()
	here.Go = "" // of this program, not of what was measured
	fill(r.Environment, here)
	for k, v := range o.labels {
		if old, ok := r.Labels[k]; ok && old != v {
			return fmt.Errorf("the results say label %s=%s, the command line %s=%s", k, old, k, v)
		}
		if r.Labels == nil {
			r.Labels = make(map[string]string)
		}
		r.Labels[k] = v
	}
	return nil
}
