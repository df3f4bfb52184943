package main

import (
	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/report/text"
)

func (c *cli) show() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show FILE|RUN",
		Short: "Show everything that a run measured",
		Example: `  pacer show latest
  pacer show 01KF8Y
  pacer show --format json metrics.json`,
		Args: exactArgs(1),
	}
	completeArgs(cmd, runWords)
	app := appFlag(cmd)
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		as, err := format()
		if err != nil {
			return err
		}
		name, err := app()
		if err != nil {
			return err
		}
		r, err := loadRun(cmd.Context(), args[0], find(cmd.Context(), name))
		if err != nil {
			return err
		}
		if as == "json" {
			return r.Write(c.stdout)
		}
		return text.Run(c.stdout, &r, c.text())
	}
	return cmd
}
