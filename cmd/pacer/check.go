package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/baseline"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report/text"
	"github.com/pacer-perf/pacer/run"
)

func (c *cli) check() *cobra.Command {
	var o checkOptions
	var strict, exitZero, all bool
	cmd := &cobra.Command{
		Use:   "check [flags] [FILE|RUN]",
		Short: "Judge a run: a gate with an exit status",
		Long: `Check holds a run to its budgets and compares it with a baseline.

Without arguments it takes the newest run of the app, and as its baseline the
one that was set (pacer baseline set), else the newest earlier run that is
comparable. RUN is a file, an id or the beginning of one, a version, a commit,
latest, or branch:NAME. Budgets come from the nearest pacer.yaml; without one, a
run of pacer demo is held to the demo's own.

Exit status: 0 pass or warn, 1 failed, 2 trouble, 3 undecided with --strict.`,
		Example: `  pacer check                                       the newest run
  pacer check --baseline base.json current.json     two files
  pacer check --baseline branch:main --strict       no doubt allowed
  pacer check --fail-on target --format json latest`,
		Args: between(0, 1),
	}
	cmd.Flags().StringVar(&o.baseline, "baseline", "", "`FILE or RUN` to compare with")
	cmd.Flags().StringVar(&o.policy, "policy", "", "`FILE` with budgets (default: the nearest pacer.yaml, or $PACER_POLICY)")
	cmd.Flags().StringVar(&o.app, "app", "", "`APP` whose runs count (default: that of pacer.yaml, or $PACER_APP)")
	cmd.Flags().StringVar(&o.failOn, "fail-on", "", "lowest `TIER` of a budget that fails: target, warning or critical")
	cmd.Flags().BoolVar(&strict, "strict", false, "exit with 3 if the verdict is undecided")
	cmd.Flags().BoolVar(&exitZero, "exit-zero", false, "exit with 0 even if the gate failed")
	cmd.Flags().BoolVar(&all, "all", false, "show every metric")
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		as, err := format()
		if err != nil {
			return err
		}
		if len(args) == 1 {
			o.current = args[0]
		}
		_, v, err := judged(cmd.Context(), o)
		if err != nil {
			return err
		}
		if !exitZero {
			c.status = v.ExitStatus(strict)
		}
		if as == "json" {
			return writeJSON(c.stdout, v)
		}
		return text.Verdict(c.stdout, &v, text.Options{Color: color(c.stdout), All: all})
	}
	return cmd
}

// checkOptions say what is judged, against what and by which policy. Empty
// fields have their defaults.
type checkOptions struct {
	current, baseline, policy, app, failOn string
}

// judged finds the runs and the policy, and judges.
func judged(ctx context.Context, o checkOptions) (run.Run, judge.Verdict, error) {
	p, err := loadPolicy(o.policy)
	if err != nil {
		return run.Run{}, judge.Verdict{}, err
	}
	if o.failOn != "" {
		if p.FailOn, err = judge.ParseTier(o.failOn); err != nil {
			return run.Run{}, judge.Verdict{}, fmt.Errorf("--fail-on: %w", err)
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
		return run.Run{}, judge.Verdict{}, err
	}
	if p.File == "" && current.App == demoApp {
		// What demo held it to, so that the two say the same.
		if p, err = demoPolicy(p.FailOn); err != nil {
			return run.Run{}, judge.Verdict{}, err
		}
	}
	base, err := loadBaseline(ctx, app, o.baseline, &current)
	if err != nil {
		return run.Run{}, judge.Verdict{}, err
	}
	v, err := judge.Judge(&current, base, p)
	var misfit *judge.PolicyError
	if errors.As(err, &misfit) && p.App != "" && current.App != "" && p.App != current.App {
		err = hint(err, "name the policy of %s: --policy FILE", current.App)
	}
	return current, v, err
}

// loadBaseline returns the baseline that was asked for, else the one that the
// history has for the current run.
func loadBaseline(ctx context.Context, app, word string, current *run.Run) (judge.Baseline, error) {
	if word != "" {
		r, err := loadRun(ctx, word, func(store baseline.Source, word string) (run.Run, error) {
			return baseline.Named(ctx, store, app, word, current)
		})
		if err != nil {
			return judge.Baseline{}, fmt.Errorf("baseline: %w", err)
		}
		return judge.Baseline{Run: &r, Chosen: "named " + word}, nil
	}
	store, err := readHistory(ctx)
	if errors.Is(err, errNoHistory) {
		return judge.Baseline{First: true, Chosen: "no history yet"}, nil
	}
	if err != nil {
		return judge.Baseline{}, err
	}
	defer store.Close()
	return baseline.For(ctx, store, current)
}
