package main

import (
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/atomicfile"
	"github.com/pacer-perf/pacer/internal/report"
)

func (c *cli) report() *cobra.Command {
	var o checkOptions
	var out string
	cmd := &cobra.Command{
		Use:   "report [flags] FILE|RUN",
		Short: "Write a report of a run: what it measured and the verdict",
		Long: `Report writes the run, a summary of it and the verdict on it: the object
{"timestamp", "metrics", "summary", "verdict"}. It exits with 0 whatever the
verdict is.`,
		Example: `  pacer report latest
  pacer report -o report.json metrics.json
  pacer report --baseline 1.4.0 -o report.json latest`,
		Args: exactArgs(1),
	}
	cmd.Flags().StringVarP(&out, "output", "o", "-", "`FILE` to write; - is standard output")
	o.flags(cmd)
	format := formatFlag(cmd, "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if _, err := format(); err != nil {
			return err
		}
		o.current = args[0]
		found, err := findCase(cmd.Context(), o)
		if err != nil {
			return err
		}
		v, err := judged(found)
		if err != nil {
			return err
		}
		body, err := report.JSON(found.Current, &v, time.Now())
		if err != nil {
			return err
		}
		write := func(w io.Writer) error { _, err := w.Write(body); return err }
		if out == "-" {
			return write(c.stdout)
		}
		return atomicfile.Write(out, write)
	}
	return cmd
}
