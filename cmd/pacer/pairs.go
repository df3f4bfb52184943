package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/unit"
)

// pairFlags say what is measured in pairs, and until when.
type pairFlags struct {
	exec       []string
	ref, build string
	buildTime  time.Duration
	most       int
	maxTime    time.Duration
	threshold  string
	metrics    []string
	control    bool
	execFlags
}

func (f *pairFlags) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.exec, "exec", nil, "`COMMAND` to measure: that of the base, or with --ref of both sides")
	cmd.Flags().StringVar(&f.ref, "ref", "", "git `REF` that is the base, in a work tree of its own")
	cmd.Flags().StringVar(&f.build, "build", "", "shell `COMMAND` that builds either side of --ref")
	cmd.Flags().DurationVar(&f.buildTime, "build-timeout", 0, "`TIME` after which --build is ended (default: never)")
	cmd.Flags().IntVar(&f.most, "pairs", 200, "how many `PAIRS` to measure at most")
	cmd.Flags().DurationVar(&f.maxTime, "max-time", 0, "`TIME` to measure pairs for at most, without builds and --warmup: a pair that does not fit is not begun, or ended and left out (default: no limit)")
	cmd.Flags().StringVar(&f.threshold, "threshold", "", "least `PERCENT` that matters, where the policy does not say (default 2%)")
	cmd.Flags().StringArrayVar(&f.metrics, "metric", nil, "`METRIC` to be sure of before stopping; may be given again (default: process.wall and process.cpu; startup; or process.instructions)")
	cmd.Flags().BoolVar(&f.control, "aa", false, "also measure the base against itself, as a control")
	f.execFlags.flags(cmd)
}

// asked tells whether something is to be measured.
func (f *pairFlags) asked() bool { return len(f.exec) > 0 || f.ref != "" || f.build != "" }

// measuring are the flags that only say something of what is measured.
var measuring = []string{"pairs", "build-timeout", "max-time", "threshold", "metric", "aa", "version", "branch", "label", "warmup", "prepare", "cleanup", "shell",
	"dir", "env", "stdin", "save-output", "show-output", "timeout", "grace", "allow-failure", "count", "ready-line", "ready-http", "ready-tcp", "ready-file", "ready-sdk", "after-ready"}

// commands returns the command lines of the base and of the current side.
func (f *pairFlags) commands(args []string) (base, current string, err error) {
	list := append(append([]string(nil), f.exec...), args...)
	const forms = "pacer compare --exec 'BASE COMMAND' 'CURRENT COMMAND', or pacer compare --ref main --build COMMAND --exec COMMAND"
	switch {
	case f.ref == "" && f.build != "":
		return "", "", hint(errors.New("--build without --ref: there is nothing to build from"), forms)
	case f.ref != "" && len(list) != 1:
		return "", "", hint(fmt.Errorf("--ref: expected one command, for both sides, found %d", len(list)), forms)
	case f.ref != "":
		return list[0], list[0], nil
	case len(list) != 2:
		return "", "", hint(fmt.Errorf("--exec: expected two commands, found %d", len(list)), forms)
	}
	return list[0], list[1], nil
}

// check says what is wrong with the flags, before anything is executed, and
// returns the threshold, 0 for the default.
func (f *pairFlags) check() (threshold float64, err error) {
	switch {
	case f.most < 1:
		return 0, fmt.Errorf("--pairs %d: expected 1 or more", f.most)
	case f.buildTime < 0:
		return 0, fmt.Errorf("--build-timeout %v: expected a time above zero", f.buildTime)
	case f.buildTime > 0 && f.build == "":
		return 0, hint(errors.New("--build-timeout without --build: there is nothing to build"), "--build 'make app'")
	case f.maxTime < 0:
		return 0, fmt.Errorf("--max-time %v: expected a time above zero", f.maxTime)
	}
	if f.threshold != "" {
		v, base, err := unit.Parse(f.threshold)
		if err != nil || base != unit.Ratio || v <= 0 || v >= 1 {
			return 0, hint(fmt.Errorf("--threshold %s: expected a percentage", f.threshold), "--threshold 2%%")
		}
		threshold = v
	}
	for _, name := range f.metrics {
		if strings.HasPrefix(name, "process.") && !slices.Contains(ownMetrics, name) {
			return 0, hint(fmt.Errorf("--metric %s: there is no such metric", name), "what is measured from outside: %s", strings.Join(ownMetrics, ", "))
		}
	}
	return threshold, f.execFlags.check()
}

// withoutLimits returns the words of a command line behind compare, without
// --pairs and --max-time, for one with another limit; nil if they hold what
// looks like a secret.
func withoutLimits(args []string) []string {
	var words []string
	verb := false
	for i := 0; i < len(args); i++ {
		name, _, hasValue := strings.Cut(args[i], "=")
		switch {
		case args[i] == "--":
			return shareable(append(words, args[i:]...))
		case !verb && args[i] == "compare":
			verb = true
		case name == "--pairs" || name == "--max-time":
			if !hasValue {
				i++ // its value
			}
		default:
			words = append(words, args[i])
		}
	}
	return shareable(words)
}

// shareable returns words in which nothing looks like a secret, else nil.
func shareable(words []string) []string {
	if !slices.Equal(words, redact(words)) {
		return nil
	}
	return words
}

// comparePairs measures two commands in pairs, keeps both runs and judges
// them. When it is interrupted, or a pair fails after others did not, it judges
// what was measured, and returns the verdict with the error.
func (c *cli) comparePairs(ctx context.Context, f *pairFlags, o checkOptions, args []string) (none judge.Case, v *judge.Verdict, err error) {
	base, current, err := f.commands(args)
	if err != nil {
		return none, nil, err
	}
	threshold, err := f.check()
	if err != nil {
		return none, nil, err
	}
	p, err := loadPolicy(o.policy)
	if err != nil {
		return none, nil, err
	}
	var tree *workTree
	if f.ref != "" { // a ref that there is not makes no history
		if tree, err = findRef(ctx, f.ref); err != nil {
			return none, nil, err
		}
	}
	f.app = o.app
	s, err := c.newSession(ctx, false)
	if err != nil {
		return none, nil, err
	}
	defer s.close()
	defer f.close()
	s.policyApp = p.App
	s.grace = f.grace
	if f.shellStart, err = f.calibrate(ctx, s.runner); err != nil {
		return none, nil, err
	}
	var stdin spooled
	defer stdin.close()
	var sides [2]side
	for i, line := range []string{base, current} {
		words := []string{line}
		if !f.shell {
			if words, err = splitWords(line); err != nil {
				return none, nil, hint(fmt.Errorf("command %q: %w", line, err), "let the shell run it: --shell")
			}
		}
		if sides[i].subject, err = f.subject(ctx, words, c.stderr, &stdin); err != nil {
			return none, nil, err
		}
		sides[i].policyApp = p.App
	}
	sides[0].like = sides[1].name() // two sides of one app
	if tree != nil {
		if err := tree.checkOut(ctx); err != nil {
			return none, nil, err
		}
		defer tree.remove()
		if err := s.build(ctx, f, tree, &sides); err != nil {
			return none, nil, err
		}
	}
	m := &pairing{session: s, flags: f, sides: &sides, policy: &p, threshold: threshold, whole: make(map[string]bool)}
	return m.measure(ctx)
}

// build builds both sides, and has the base executed in its own tree.
func (s *session) build(ctx context.Context, f *pairFlags, tree *workTree, sides *[2]side) error {
	here := sourceHere()
	sides[0].source = &revision{commit: tree.commit, branch: tree.branch}
	sides[0].branch, sides[1].source = "", &here
	sides[0].task.Dir = tree.path(f.dir)
	if r := sides[0].task.Ready; r != nil && r.File != "" {
		moved := *r
		moved.File = tree.path(r.File)
		sides[0].task.Ready = &moved
	}
	if f.build == "" {
		return nil
	}
	p := newProgress(s.cli.stderr, "building", 2)
	p.terminal = p.terminal && !f.show
	defer p.beat()()
	for i, name := range []string{f.ref, "what is here"} {
		p.announce(name)
		t := sides[i].task
		t.Dir, t.StepTimeout = [2]string{tree.path(""), ""}[i], f.buildTime
		if err := s.runner.Step(ctx, &t, "build", f.build); err != nil {
			if ctx.Err() != nil {
				s.cli.kept = ": nothing was measured yet"
				return ctx.Err()
			}
			return fmt.Errorf("%s: %w", name, explained(err))
		}
	}
	return nil
}
