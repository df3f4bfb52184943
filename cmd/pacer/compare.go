package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report/text"
)

func (c *cli) compare() *cobra.Command {
	var o checkOptions
	var f pairFlags
	var gate, strict bool
	var view viewFlags
	out := outputs{media: mediaOf(verdictJSON)}
	cmd := &cobra.Command{
		Use:   "compare [flags] BASE... CURRENT",
		Short: "Compare runs, or measure two commands in pairs",
		Long: `Compare says of every metric whether it changed from BASE to CURRENT, and
whether that is real. Several BASE are the baseline together: they tell how much
runs of the same code differ. RUN is a file, an id or the beginning of one, a
version, a commit, latest, or branch:NAME.

With --exec it measures two commands on this machine, in pairs: one right after
the other, in an order drawn by chance, so that what slows the machine hits both
sides. It looks after every pair, stops as soon as the answer is sure either
way, and says so if it never is. With --ref the base is another commit: it is
checked out into a folder of its own, --build builds both sides, and --exec is
measured in either. Both runs are kept in the history. Interrupted, or when a
pair fails, it says what is known by then.

Compare exits with 0 unless there is trouble. --gate makes it a gate like pacer
check: 1 if something regressed or is over its budget, and with --strict 3 if
it is not sure.`,
		Example: `  pacer compare old.json new.json
  pacer compare old-1.json old-2.json old-3.json new.json
  pacer compare -o changes.csv -o changes.md branch:main latest
  pacer compare --exec './app-1.4 --bench' './app --bench'
  pacer compare --ref main --build 'make app' --exec './app --bench' --gate
  pacer compare --exec ./old ./new --count instructions
  pacer compare --exec ./old ./new --ready-tcp localhost:8080 --max-time 5m`,
		Args: func(cmd *cobra.Command, args []string) error {
			if f.asked() {
				return nil
			}
			for _, name := range measuring {
				if cmd.Flags().Changed(name) {
					return hint(fmt.Errorf("--%s is for measuring: there is no --exec", name), "pacer compare --exec 'BASE COMMAND' 'CURRENT COMMAND'")
				}
			}
			return atLeast(2)(cmd, args)
		},
	}
	cmd.Flags().StringVar(&o.policy, "policy", "", "`FILE` with thresholds (default: the nearest pacer.yaml, or $PACER_POLICY)")
	cmd.Flags().StringVar(&o.app, "app", "", "`APP` whose runs count (default: that of pacer.yaml, or $PACER_APP)")
	view.add(cmd)
	out.flags(cmd, "text")
	cmd.Flags().BoolVar(&gate, "gate", false, "exit with 1 if something regressed or is over its budget")
	cmd.Flags().BoolVar(&strict, "strict", false, "with --gate: exit with 3 if the verdict is undecided")
	f.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := out.resolve(); err != nil {
			return err
		}
		if strict && !gate {
			return hint(errors.New("--strict without --gate: compare is no gate by itself"), "--gate --strict")
		}
		var found judge.Case
		var v *judge.Verdict
		var interrupted error
		if f.asked() {
			found, v, interrupted = c.comparePairs(cmd.Context(), &f, o, args)
		} else {
			o.baseline, o.current = args[:len(args)-1], args[len(args)-1]
			found, v, interrupted = c.verdict(cmd.Context(), o)
		}
		if v == nil {
			return interrupted
		}
		options := view.options(c)
		if gate {
			c.status = v.ExitStatus(strict)
			options.Exit = exitHint(v, strict, false)
		}
		r := reportOn(found, v, &o)
		if f.asked() {
			r.Words.Pairs = withoutLimits(c.args)
		}
		return errors.Join(out.show(c, r, func() error { return text.Comparison(c.stdout, r, options) }), interrupted)
	}
	return cmd
}

// verdict finds what the options name, and judges it.
func (c *cli) verdict(ctx context.Context, o checkOptions) (judge.Case, *judge.Verdict, error) {
	found, err := findCase(ctx, o)
	if err != nil {
		return found, nil, err
	}
	v, err := flagged(ctx, found)
	if err != nil {
		return found, nil, err
	}
	return found, &v, nil
}

func atLeast(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < n {
			return hint(fmt.Errorf("expected at least %d arguments, found %d: %s", n, len(args), cmd.UseLine()), "%s --help", cmd.CommandPath())
		}
		return nil
	}
}
