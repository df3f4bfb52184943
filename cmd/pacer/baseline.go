package main

import (
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
	}
	set := &cobra.Command{
		Use:     "set RUN",
		Short:   "Make a run the baseline of its app and labels",
		Example: "  pacer baseline set latest\n  pacer baseline set branch:main",
		Args:    exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := readHistory(cmd.Context())
			if err != nil {
				return err
			}
			defer store.Close()
			r, err := resolve(cmd.Context(), store, args[0])
			if err != nil {
				return err
			}
			if err := store.SetBaseline(cmd.Context(), r.ID); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.stdout, "run %s is the baseline of %s\n", r.ID, run.Key(r.App, r.Labels))
			return err
		},
	}
	show := &cobra.Command{
		Use:     "show [RUN]",
		Short:   "Say which baseline was set for the app and labels of a run",
		Example: "  pacer baseline show\n  pacer baseline show latest",
		Args:    between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := readHistory(cmd.Context())
			if err != nil {
				return err
			}
			defer store.Close()
			r, err := resolve(cmd.Context(), store, first(append(args, "latest")...))
			if err != nil {
				return err
			}
			id, err := store.Baseline(cmd.Context(), r.App, r.Labels)
			if errors.Is(err, history.ErrNotFound) {
				_, err = fmt.Fprintf(c.stdout, "no baseline was set for %s: runs are compared with the newest earlier comparable one\n", run.Key(r.App, r.Labels))
				return err
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.stdout, "run %s is the baseline of %s\n", id, run.Key(r.App, r.Labels))
			return err
		},
	}
	unset := &cobra.Command{
		Use:     "clear [RUN]",
		Short:   "Forget the baseline that was set for the app and labels of a run",
		Example: "  pacer baseline clear",
		Args:    between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := readHistory(cmd.Context())
			if err != nil {
				return err
			}
			defer store.Close()
			r, err := resolve(cmd.Context(), store, first(append(args, "latest")...))
			if err != nil {
				return err
			}
			err = store.ClearBaseline(cmd.Context(), r.App, r.Labels)
			if errors.Is(err, history.ErrNotFound) {
				return fmt.Errorf("no baseline was set for %s", run.Key(r.App, r.Labels))
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.stdout, "%s has no baseline any more\n", run.Key(r.App, r.Labels))
			return err
		},
	}
	cmd.AddCommand(set, show, unset)
	return cmd
}
