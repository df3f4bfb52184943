package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report/text"
	"github.com/pacer-perf/pacer/run"
)

func (c *cli) check() *cobra.Command {
	var o checkOptions
	var strict, exitZero, selfTest bool
	var view viewFlags
	out := outputs{media: mediaOf(verdictJSON)}
	cmd := &cobra.Command{
		Use:   "check [flags] [FILE|RUN]",
		Short: "Judge a run: a gate with an exit status",
		Long: `Check holds a run to its budgets and compares it with a baseline.

Without arguments it takes the newest run of the app, and as its baseline what
the rule of pacer.yaml says, else the one that was set (pacer baseline set),
else the newest earlier run that is comparable, with those of its commit. RUN is
a file, an id or the beginning of one, a version, a commit, latest, or
branch:NAME. Budgets come from the nearest pacer.yaml; without one, a run of
pacer demo is held to the demo's own.

As a baseline, a version or a commit is all comparable runs of it; branch:NAME
the last 10 runs of a branch, each metric since its last change point there;
merge-base (merge-base:BRANCH) the runs of the commit that the run's commit
forked from, else of the nearest one before that has any. --baseline may be
given several times. Only its id names a run of changes that were not committed.

With --self-test it judges copies of what was measured instead, some made slower
by known amounts, and says which slowdown the gate would catch and how often it
would cry wolf.

Exit status: 0 pass or warn, 1 failed, 2 trouble, 3 undecided with --strict (or
strict: true in pacer.yaml).`,
		Example: `  pacer check                                       the newest run
  pacer check --baseline base.json current.json     two files
  pacer check --baseline branch:main --strict       no doubt allowed
  pacer check --baseline merge-base                 what the branch forked from
  pacer check --baseline a.json --baseline b.json current.json
  pacer check --fail-on target --format json latest
  pacer check --self-test                           would this gate catch it?`,
		Args: between(0, 1),
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&o.failOn, "fail-on", "", "lowest `TIER` of a budget that fails: target, warning or critical")
	complete(cmd, "fail-on", string(judge.Target), string(judge.Warning), string(judge.Critical))
	cmd.Flags().BoolVar(&strict, "strict", false, "exit with 3 if the verdict is undecided")
	cmd.Flags().BoolVar(&exitZero, "exit-zero", false, "exit with 0 even if the gate failed")
	view.add(cmd)
	cmd.Flags().BoolVar(&selfTest, "self-test", false, "show what the gate would catch, and exit with 1 if that is nothing")
	out.flags(cmd, "text")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := out.resolve(); err != nil {
			return err
		}
		if len(args) == 1 {
			o.current = args[0]
		}
		found, err := findCase(cmd.Context(), o)
		if err != nil {
			return err
		}
		if selfTest {
			if len(out.out) > 0 || out.format != "text" && out.format != "json" {
				return errors.New("--self-test has no report: it takes --format text or json, and no --output")
			}
			return c.selfTest(cmd.Context(), found, out.format)
		}
		v, err := flagged(cmd.Context(), found)
		if err != nil {
			return err
		}
		strict = strict || found.Policy.Strict
		if !exitZero {
			c.status = v.ExitStatus(strict)
		}
		r := reportOn(found, &v, &o)
		options := view.options(c)
		options.Exit = exitHint(&v, strict, exitZero)
		return out.show(c, r, func() error { return text.Verdict(c.stdout, r, options) })
	}
	return cmd
}

// checkOptions say what is judged, against what and by which policy. Empty
// fields have their defaults.
type checkOptions struct {
	current, policy, app, failOn string
	baseline                     []string
}

// flags adds the flags that every verb which judges has.
func (o *checkOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.baseline, "baseline", nil, "`FILE, RUN or rule` to compare with; several are one baseline")
	completeRunFlag(cmd, "baseline")
	cmd.Flags().StringVar(&o.policy, "policy", "", "`FILE` with budgets and thresholds (default: the nearest pacer.yaml, or $PACER_POLICY)")
	cmd.Flags().StringVar(&o.app, "app", "", "`APP` whose runs count (default: that of pacer.yaml, or $PACER_APP)")
}

// findCase finds the runs and the policy.
func findCase(ctx context.Context, o checkOptions) (judge.Case, error) {
	none := judge.Case{}
	p, err := loadPolicy(o.policy)
	if err != nil {
		return none, err
	}
	if o.failOn != "" {
		if p.FailOn, err = judge.ParseTier(o.failOn); err != nil {
			return none, fmt.Errorf("--fail-on: %w", err)
		}
	}
	app := appOf(o.app, p)
	var current run.Run
	if o.current == "" {
		current, err = fromHistory(ctx, latest, find(ctx, app)) // not a file of that name
	} else {
		current, err = loadRun(ctx, o.current, find(ctx, app))
	}
	if err != nil {
		return none, err
	}
	if p.File == "" && current.App == demoApp {
		// What demo held it to, so that the two say the same.
		waivers := p.Waivers
		if p, err = demoPolicy(p.FailOn); err != nil {
			return none, err
		}
		p.Waivers = waivers
	}
	base, past, err := loadBasis(ctx, app, o.baseline, &p, &current)
	return judge.Case{Current: &current, Baseline: base, History: past, Policy: p, Now: time.Now()}, err
}

// judged judges a case.
func judged(found judge.Case) (judge.Verdict, error) {
	v, err := judge.Judge(found)
	var misfit *judge.PolicyError
	p := &found.Policy
	if errors.As(err, &misfit) && p.App != "" && found.Current.App != "" && p.App != found.Current.App {
		err = hint(err, "name the policy of %s: --policy FILE", found.Current.App)
	}
	return v, err
}

// flagged is judged, with what people know of the regressions.
func flagged(ctx context.Context, found judge.Case) (judge.Verdict, error) {
	v, err := judged(found)
	if err == nil {
		flagKnown(ctx, &v, found.Current, found.Policy.AnyEnvironment)
	}
	return v, err
}

// selfTest shows what the gate would catch. Its status is 1 if the gate cannot
// fail.
func (c *cli) selfTest(ctx context.Context, found judge.Case, as string) error {
	p := newProgress(c.stderr, "testing the gate", judge.SelfTestTrials)
	t, err := judge.NewSelfTest(found, func(done int) error {
		p.show(done, "")
		return ctx.Err()
	})
	p.clear()
	if err != nil {
		return err
	}
	if len(t.Metrics) == 0 || t.Sizes[len(t.Sizes)-1].Failed == 0 {
		c.status = 1
	}
	if as == "json" {
		return writeJSON(c.stdout, t)
	}
	return text.SelfTest(c.stdout, &t, c.text())
}

// exitHint says with which status the program ends, and why where that is not
// the verdict's own.
func exitHint(v *judge.Verdict, strict, exitZero bool) string {
	switch status := v.ExitStatus(strict); {
	case exitZero && status != 0:
		return "exit 0: --exit-zero"
	case v.Verdict == judge.Undecided && !strict:
		return "exit 0; 3 with --strict"
	default:
		return fmt.Sprintf("exit %d", status)
	}
}
