package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/report/text"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

func (c *cli) run() *cobra.Command {
	var x execFlags
	var runs int
	var until string
	var params []string
	cmd := &cobra.Command{
		Use:   "run [flags] -- COMMAND [ARG...]",
		Short: "Measure a command and keep the run",
		Long: `Run executes a command, without a shell, and measures it from outside:
process.wall, process.cpu, process.memory.peak (that of its largest process),
and instructions where the processor counts them or --count asks for them. An
app that uses the SDK adds what it measured inside: it finds a folder in
PACER_EXPORT and writes its run document there when it closes its recorder.

All repetitions make one run, with one sample for each, kept in the history. The
command has no standard input and no terminal; its output is not shown unless it
fails, or with --show-output on standard error. Interrupted, run ends the
command with all that it started, and keeps the repetitions that were complete.

With one of --ready-line, --ready-http, --ready-tcp, --ready-file, --ready-sdk,
the metric startup is the time until the command is ready; then it is asked to
stop.

--until 2% repeats until the median is known that well: until its 95% confidence
interval reaches no further than 2% of it to either side. --param n=1,2,4 makes
a run for each value, which stands for {n} in the command, and is its label.`,
		Example: `  pacer run -- ./app --once
  pacer run --runs 10 --warmup 1 --label dataset=1k -- ./app --library 1k.xml
  pacer run --until 2% -- ./app --bench
  pacer run --runs 10 --param threads=1,2,4 -- ./app --threads {threads}
  pacer run --runs 10 --ready-http http://127.0.0.1:8080/health -- ./server
  pacer run --prepare 'rm -rf cache' --timeout 30s -- ./app --build
  pacer run --count instructions -- ./app --once
  pacer run --app site --shell -- './prepare | ./site --selftest'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return hint(errors.New("no command to run"), "pacer run -- COMMAND [ARG...]")
			}
			return nil
		},
	}
	cmd.Flags().SetInterspersed(false)
	cmd.Flags().IntVar(&runs, "runs", 1, "how many `TIMES` to run the command; with --until, at most, and 1000 unless given")
	cmd.Flags().StringVar(&until, "until", "", "repeat until the median is known to `PERCENT`")
	cmd.Flags().StringArrayVar(&params, "param", nil, "`NAME=A,B,...` or NAME=1..8: a run for each value; may be given again")
	cmd.Flags().StringVar(&x.app, "app", "", "name of the `APP` (default: $PACER_APP, its own word, that of pacer.yaml, or the command's name)")
	x.flags(cmd)
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		as, err := format()
		if err != nil {
			return err
		}
		if runs < 1 {
			return fmt.Errorf("--runs %d: expected 1 or more", runs)
		}
		b := batch{runs: runs, warmup: x.warmup}
		if b.precision, err = parsePrecision(until); err != nil {
			return err
		}
		if b.precision > 0 && !cmd.Flags().Changed("runs") {
			b.runs = mostRuns
		}
		if err := x.check(); err != nil {
			return err
		}
		combinations, err := parseParams(params)
		if err != nil {
			return err
		}
		defer x.close()
		list, err := c.measureAll(cmd.Context(), b, &x, args, combinations)
		if len(list) == 0 {
			return err
		}
		if shown := c.showRuns(list, as, len(combinations) > 1); shown != nil || as == "json" {
			return errors.Join(shown, err)
		}
		runHints(c.stderr, list, x.warmup)
		return err
	}
	return cmd
}

// mostRuns is where --until gives up.
const mostRuns = 1000

// parsePrecision reads 2%.
func parsePrecision(word string) (float64, error) {
	if word == "" {
		return 0, nil
	}
	v, base, err := unit.Parse(word)
	if err != nil || base != unit.Ratio || v <= 0 || v >= 1 {
		return 0, hint(fmt.Errorf("--until %s: expected a percentage", word), "--until 2%%")
	}
	return v, nil
}

// measureAll measures a command once for each combination of parameters, and
// returns the runs, with the error that cut it short.
func (c *cli) measureAll(ctx context.Context, b batch, x *execFlags, words []string, combinations []combination) ([]*run.Run, error) {
	s, err := c.newSession(ctx, false)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := x.calibrate(ctx, s.runner); err != nil {
		return nil, err
	}
	var list []*run.Run
	for i, p := range combinations {
		if b.subject, err = x.subject(words, c.stderr); err != nil {
			return list, err
		}
		if err := p.apply(&b.subject); err != nil {
			return list, err
		}
		r, err := s.measure(ctx, b)
		if r != nil {
			list = append(list, r)
		}
		if err != nil {
			if n := len(list); ctx.Err() != nil && len(combinations) > 1 {
				c.kept += fmt.Sprintf(" (%d of %d parameters)", n, len(combinations))
			} else if n > 0 {
				err = fmt.Errorf("parameter %d of %d: %w", i+1, len(combinations), err)
			}
			return list, err
		}
	}
	return list, nil
}

// showRuns shows what was measured.
func (c *cli) showRuns(list []*run.Run, as string, scan bool) error {
	o := c.text()
	switch {
	case as == "json" && scan:
		return writeRuns(c.stdout, list)
	case as == "json":
		return list[0].Write(c.stdout)
	case scan:
		return text.Scan(c.stdout, list, o)
	}
	return text.Run(c.stdout, list[0], o)
}

// batch is a subject that is repeated to make one run.
type batch struct {
	subject
	runs      int     // how often, or at most
	warmup    int     // how often before that, unmeasured
	precision float64 // of the median, relative, at which to stop; 0: after all runs
}

// measure runs a batch and keeps the run. When it is interrupted, it keeps what
// was measured and returns it with the context's error; it returns no run if
// there was nothing to keep.
func (s *session) measure(ctx context.Context, b batch) (*run.Run, error) {
	started := time.Now()
	b.policyApp = s.policyApp
	what := first(b.own, b.name())
	progress := newProgress(s.cli.stderr, what, b.runs)
	progress.terminal = progress.terminal && b.task.Output == nil // which would go into its line
	progress.early = b.precision > 0
	defer progress.beat()()
	if err := s.warm(ctx, progress, b.warmup, b.subject); err != nil {
		return nil, err
	}
	busy := s.watch()
	var repetitions []run.Run
	var values []float64 // of the main metric
	enough := false
	for i := 0; i < b.runs && !enough; i++ {
		progress.show(i, describeMedian(values))
		r, err := b.once(ctx, s.runner, s.dir)
		if ctx.Err() != nil {
			break
		}
		if err != nil && i > 0 {
			err = fmt.Errorf("repetition %d of %d: %w", i+1, b.runs, err)
		}
		if err != nil {
			return nil, err
		}
		if i == 0 {
			if err := b.checkLabels(r.Labels); err != nil {
				return nil, err
			}
		}
		repetitions = append(repetitions, r)
		if m := r.Find(b.main(), nil); m != nil {
			v, _ := m.Center()
			values = append(values, v)
		}
		enough = b.precision > 0 && precisionOf(values) <= b.precision
	}
	progress.clear()
	interrupted := ctx.Err()
	if len(repetitions) == 0 {
		s.cli.kept = ": nothing was measured yet"
		return nil, interrupted
	}
	r, err := run.Merge(repetitions...)
	if err != nil {
		return nil, fmt.Errorf("%w: not kept", err)
	}
	b.describe(&r, started, s.environment)
	r.Warnings = append(r.Warnings, busy()...)
	switch {
	case interrupted != nil:
		s.cli.kept = fmt.Sprintf(": %d of %d repetitions are kept", len(repetitions), b.runs)
		r.Warnings = append(r.Warnings, fmt.Sprintf("interrupted after %d of %d repetitions", len(repetitions), b.runs))
	case b.precision > 0 && !enough:
		r.Warnings = append(r.Warnings, fmt.Sprintf("after %d repetitions the median of %s is not known to %s but to %s", len(repetitions), b.main(), percent(b.precision), percent(precisionOf(values))))
	}
	return &r, errors.Join(s.keep(ctx, &r), interrupted)
}
