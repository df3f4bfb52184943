// Command pacer keeps applications fast: it measures them, holds them to
// budgets, compares them with a baseline and stops a build that got slower.
//
// Results go to standard output, progress and diagnostics to standard error.
// The exit status is 0 for a pass, 1 for a failed gate, 2 for trouble (usage,
// bad input, input and output), 3 for undecided with --strict, and 130 when
// interrupted.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/report/text"
)

func main() {
	// Without this, writing into a pipe whose reader went away ends the
	// process at once, whatever it still had to record. Children do not
	// inherit it.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, stop := interrupts(context.Background())
	status := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// The exit statuses beside those of a verdict.
const (
	statusTrouble     = 2
	statusInterrupted = 130
)

// execute runs one command line and returns the exit status.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	out := &output{Writer: stdout}
	c := &cli{args: args, stdout: out, stderr: stderr, out: out}
	root := c.command()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case ctx.Err() != nil && err != nil:
		fmt.Fprintf(stderr, "pacer: interrupted%s\n", c.kept)
		return statusInterrupted
	case err == nil || c.out.gone && errors.Is(err, syscall.EPIPE):
		return c.status
	}
	fmt.Fprintf(stderr, "pacer: %v\n", err)
	var h *hinted
	if errors.As(err, &h) {
		fmt.Fprintln(stderr, text.Wrap(width(stderr), "hint: "+h.hint))
	}
	return statusTrouble
}

// cli is one execution of the program.
type cli struct {
	args           []string // the command line
	stdout, stderr io.Writer
	out            *output // stdout
	status         int     // the exit status if nothing goes wrong
	kept           string  // what to say of what was measured before an interrupt
	terminal       terminalFlags
}

// output is standard output, and knows whether its reader went away: no
// trouble, unlike a pipe that breaks anywhere else.
type output struct {
	io.Writer
	gone bool
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	o.gone = o.gone || errors.Is(err, syscall.EPIPE)
	return n, err
}

func (c *cli) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "pacer",
		Short: "Keep applications fast",
		Long: `Pacer measures an application, holds it to budgets, and says whether it got
slower than before.

Runs are kept in .pacer/history.db, in the nearest folder upwards that has a
.pacer, else in this one, or where --history or $PACER_HISTORY says: a path,
postgres://USER@HOST/DATABASE, or to read alone prom+http://HOST:PORT. Exit
status: 0 pass, 1 failed, 2 trouble, 3 undecided with --strict, 130 interrupted.`,
		Example: `  pacer demo                              see it work on a built-in program
  pacer run --runs 10 -- ./app --once     measure a command, keep the run
  pacer check                             judge it against the run before
  pacer check --baseline base.json new.json`,
		Version:           versionNumber(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetVersionTemplate(versionLine())
	c.terminal.add(root)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return hint(err, "%s --help", cmd.CommandPath())
	})
	address := root.PersistentFlags().String("history", "", "`ADDRESS` of the history (default: $PACER_HISTORY, or .pacer/history.db)")
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		cmd.SetContext(withHistory(cmd.Context(), *address))
		return c.terminal.check()
	}
	// cobra's own template, but wrapped to 80 columns.
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages |", ".FlagUsagesWrapped 80 |"))
	root.AddCommand(
		c.demo(), c.initialise(), c.doctor(), c.run(), c.bench(), c.importing(),
		c.check(), c.compare(), c.why(), c.trend(), c.baseline(), c.accept(), c.alerts(), c.policy(),
		c.history(), c.log(), c.show(), c.report(), c.serve(), c.open(), c.push(), c.token(),
		c.ci(), c.webhook(), c.completion(), c.man(), c.version(), c.cuepoint(),
	)
	return root
}

// hinted is an error with a line on what to do.
type hinted struct {
	err  error
	hint string
}

func (h *hinted) Error() string { return h.err.Error() }
func (h *hinted) Unwrap() error { return h.err }

func hint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &hinted{err: err, hint: fmt.Sprintf(format, args...)}
}

// exactArgs wants n arguments, named as in the usage line.
func exactArgs(n int) cobra.PositionalArgs { return between(n, n) }

func between(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= least && len(args) <= most {
			return nil
		}
		what := fmt.Sprintf("expected %d arguments, found %d", least, len(args))
		switch {
		case most == 0:
			what = fmt.Sprintf("unknown argument %q", args[0])
		case least != most:
			what = fmt.Sprintf("expected at most %d argument, found %d", most, len(args))
		case least == 1:
			what = fmt.Sprintf("expected one argument, found %d", len(args))
		}
		return hint(errors.New(what), "%s", cmd.UseLine())
	}
}

// formatFlag adds --format and returns a function that reads it.
func formatFlag(cmd *cobra.Command, formats ...string) func() (string, error) {
	value := cmd.Flags().String("format", formats[0], "`FORMAT` of the result: "+strings.Join(formats, " or "))
	complete(cmd, "format", formats...)
	return func() (string, error) {
		for _, f := range formats {
			if *value == f {
				return f, nil
			}
		}
		return "", hint(fmt.Errorf("unknown format %q", *value), "--format takes %s", strings.Join(formats, " or "))
	}
}

// appFlag adds --app and returns a function that says whose runs count.
func appFlag(cmd *cobra.Command) func() (string, error) {
	value := cmd.PersistentFlags().String("app", "", "`APP` whose runs count (default: $PACER_APP, or that of pacer.yaml)")
	return func() (string, error) {
		if app := first(*value, env("PACER_APP")); app != "" {
			return app, nil
		}
		p, err := loadPolicy("")
		return p.App, err
	}
}
