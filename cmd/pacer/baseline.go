package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

func (c *cli) baseline() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "baseline",
		Short: "Set the run that others are compared with",
		Long: `A baseline that was set is what later runs of its app, with the same labels, are
compared with; without one it is the newest earlier comparable run.`,
		Example: `  pacer baseline set latest
  pacer baseline set 1.4.0
  pacer baseline show
  pacer baseline clear latest`,
		Args: exactArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	app := appFlag(cmd)
	set := &cobra.Command{
		Use:     "set RUN",
		Short:   "Make a run the baseline of its app and labels",
		Example: "  pacer baseline set latest\n  pacer baseline set branch:main",
		Args:    exactArgs(1),
		RunE: withRun(app, changeHistory, func(ctx context.Context, store history.Store, r run.Run) error {
			if err := store.SetBaseline(audited(ctx, "baseline.set", r.App, r.ID, nil), r.ID); err != nil {
				return err
			}
			if r.Dirty {
				fmt.Fprintf(c.stderr, "pacer: warning: run %s measured changes that were not committed: nobody can go back to them\n", r.ID)
			}
			_, err := fmt.Fprintf(c.stdout, "run %s is the baseline of %s\n", r.ID, run.Key(r.App, r.Labels))
			return err
		}),
	}
	show := &cobra.Command{
		Use:     "show [RUN]",
		Short:   "Say which baseline was set for the app and labels of a run",
		Example: "  pacer baseline show\n  pacer baseline show latest",
		Args:    between(0, 1),
		RunE: withRun(app, readHistory, func(ctx context.Context, store history.Reader, r run.Run) error {
			of := run.Key(r.App, r.Labels)
			id, err := store.Baseline(ctx, r.App, r.Labels)
			switch {
			case errors.Is(err, history.ErrNotFound):
				_, err = fmt.Fprintf(c.stdout, "no baseline was set for %s: runs are compared with the newest\nearlier comparable one\n", of)
			case err == nil:
				_, err = fmt.Fprintf(c.stdout, "run %s is the baseline of %s\n", id, of)
			}
			return err
		}),
	}
	unset := &cobra.Command{
		Use:     "clear [RUN]",
		Short:   "Forget the baseline that was set for the app and labels of a run",
		Example: "  pacer baseline clear",
		Args:    between(0, 1),
		RunE: withRun(app, changeHistory, func(ctx context.Context, store history.Store, r run.Run) error {
			of := run.Key(r.App, r.Labels)
			id, err := store.Baseline(ctx, r.App, r.Labels)
			if err == nil {
				err = store.ClearBaseline(audited(ctx, "baseline.clear", r.App, id, nil), r.App, r.Labels)
			}
			switch {
			case errors.Is(err, history.ErrNotFound):
				return fmt.Errorf("no baseline was set for %s", of)
			case err == nil:
				_, err = fmt.Fprintf(c.stdout, "%s has no baseline any more\n", of)
			}
			return err
		}),
	}
	for _, verb := range []*cobra.Command{set, show, unset} {
		completeArgs(verb, runWords)
	}
	cmd.AddCommand(set, show, unset)
	return cmd
}

// withRun opens the history, finds the run that the argument names, else the
// newest, and does something about the baseline of its app and labels.
func withRun[S history.Reader](app func() (string, error), open func(context.Context) (S, error), do func(context.Context, S, run.Run) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		name, err := app()
		if err != nil {
			return err
		}
		store, err := open(cmd.Context())
		if err != nil {
			return err
		}
		defer store.Close()
		r, err := inHistory(store, first(append(args, latest)...), find(cmd.Context(), name))
		if err != nil {
			return err
		}
		return do(cmd.Context(), store, r)
	}
}
