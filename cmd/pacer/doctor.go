package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/doctor"
	"github.com/pacer-perf/pacer/internal/measure"
	"github.com/pacer-perf/pacer/internal/report/text"
)

func (c *cli) doctor() *cobra.Command {
	rounds := 0
	dir := ""
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Examine this machine as a place to measure",
		Long: `Doctor looks at what makes measurements on this machine differ: load, limits of
the container, the processors' frequency, virtualisation, the clock. It does the
same small work again and again (computing, memory, disk, starting a process),
says how much that differs, the smallest change that 10, 30 or 100 runs could
show here, and what to do about it. It takes some seconds and changes nothing.

What it says of the machine is also in the environment of every run. It exits
with 0 whatever it finds.`,
		Example: `  pacer doctor
  pacer doctor --rounds 500
  pacer doctor --format json`,
		Args: exactArgs(0),
	}
	cmd.Flags().IntVar(&rounds, "rounds", 200, "how many `TIMES` to do each work")
	cmd.Flags().StringVar(&dir, "dir", "", "`FOLDER` on the disk to examine (default: where temporary files go)")
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		as, err := format()
		if err != nil {
			return err
		}
		if rounds < 10 {
			return fmt.Errorf("--rounds %d: expected 10 or more", rounds)
		}
		if dir == "" {
			dir = os.TempDir()
		} else if _, err := os.Stat(dir); err != nil {
			return err
		}
		r, err := c.examine(cmd.Context(), rounds, dir)
		if err != nil {
			return err
		}
		if as == "json" {
			return writeJSON(c.stdout, r)
		}
		return text.Doctor(c.stdout, &r, c.text())
	}
	return cmd
}

// examine examines the machine; the process that it starts is this program,
// which then has nothing to do.
func (c *cli) examine(ctx context.Context, rounds int, dir string) (doctor.Report, error) {
	self, err := os.Executable()
	if err != nil {
		return doctor.Report{}, err
	}
	runner, err := measure.Open(ctx)
	if err != nil {
		return doctor.Report{}, err
	}
	defer runner.Close()
	works, remove := doctor.Works(dir, func(ctx context.Context) error {
		result, err := runner.Run(ctx, measure.Command{Args: []string{self, "version"}})
		if err == nil && result.Failure != "" {
			err = errors.New(result.Failure)
		}
		return err
	})
	defer remove()
	p := newProgress(c.stderr, "examining", rounds)
	defer p.clear()
	return doctor.Examine(ctx, environmentHere(), works, rounds, runner.CPU, func(done int) { p.show(done, "") })
}
