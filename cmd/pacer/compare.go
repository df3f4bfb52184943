package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report/text"
)

func (c *cli) compare() *cobra.Command {
	var o checkOptions
	var view viewFlags
	out := outputs{media: mediaOf(verdictJSON)}
	cmd := &cobra.Command{
		Use:   "compare [flags] BASE... CURRENT",
		Short: "Compare two runs, or several with one",
		Long: `Compare says of every metric whether it changed from BASE to CURRENT, and
whether that is real. Several BASE are the baseline together: they tell how much
runs of the same code differ.

RUN is a file, an id or the beginning of one, a version, a commit, latest, or
branch:NAME. Compare is no gate: it exits with 0 unless there is trouble; pacer
check is one.`,
		Example: `  pacer compare old.json new.json
  pacer compare old-1.json old-2.json old-3.json new.json
  pacer compare 1.4.0 latest
  pacer compare -o changes.csv -o changes.md branch:main latest`,
		Args: atLeast(2),
	}
	cmd.Flags().StringVar(&o.policy, "policy", "", "`FILE` with thresholds (default: the nearest pacer.yaml, or $PACER_POLICY)")
	cmd.Flags().StringVar(&o.app, "app", "", "`APP` whose runs count (default: that of pacer.yaml, or $PACER_APP)")
	view.add(cmd)
	out.flags(cmd, "text")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := out.resolve(); err != nil {
			return err
		}
		o.baseline, o.current = args[:len(args)-1], args[len(args)-1]
		found, v, err := c.verdict(cmd.Context(), o)
		if err != nil {
			return err
		}
		r := reportOn(found, &v, &o)
		return out.show(c, r, func() error { return text.Comparison(c.stdout, r, view.options(c)) })
	}
	return cmd
}

// verdict finds what the options name, and judges it.
func (c *cli) verdict(ctx context.Context, o checkOptions) (judge.Case, judge.Verdict, error) {
	found, err := findCase(ctx, o)
	if err != nil {
		return found, judge.Verdict{}, err
	}
	v, err := judged(found)
	return found, v, err
}

func atLeast(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < n {
			return hint(fmt.Errorf("%d arguments: expected at least %d: %s", len(args), n, cmd.UseLine()), "%s --help", cmd.CommandPath())
		}
		return nil
	}
}
