package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report/text"
)

func (c *cli) log() *cobra.Command {
	var filter history.Filter
	cmd := &cobra.Command{
		Use:   "log",
		Short: "List the runs of the history, newest first",
		Example: `  pacer log
  pacer log --app cuepoint --branch main -n 5
  pacer log --format json`,
		Args: exactArgs(0),
	}
	cmd.Flags().StringVar(&filter.App, "app", "", "only runs of this `APP` (or $PACER_APP; default: all)")
	cmd.Flags().StringVar(&filter.Branch, "branch", "", "only runs of this `BRANCH`")
	cmd.Flags().IntVarP(&filter.Limit, "number", "n", 20, "at most `N` runs, 0 for all")
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		as, err := format()
		if err != nil {
			return err
		}
		if filter.Limit < 0 {
			return fmt.Errorf("--number %d: expected 0 or more", filter.Limit)
		}
		store, err := readHistory(cmd.Context())
		if err != nil {
			return err
		}
		defer store.Close()
		filter.App = first(filter.App, env("PACER_APP"))
		heads, err := store.Heads(cmd.Context(), filter)
		if err != nil {
			return err
		}
		if as == "json" {
			runs := make([]judge.Head, len(heads))
			for i := range heads {
				runs[i] = judge.HeadOf(&heads[i])
			}
			return writeJSON(c.stdout, map[string]any{"runs": runs})
		}
		return text.Log(c.stdout, heads, c.text())
	}
	return cmd
}
