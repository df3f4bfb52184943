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
		combinations, err := parseParams(params)
		if err != nil {
			return err
		}
		points := make([]point, len(combinations))
		for i, p := range combinations { // whatever is wrong with one is known before the work
			if points[i].flags, points[i].words, err = p.apply(&x, args); err != nil {
				return err
			}
			if err := points[i].flags.check(); err != nil {
				return err
			}
		}
		list, err := c.measureAll(cmd.Context(), b, points)
		if len(list) == 0 {
			return err
		}
		if shown := c.showRuns(list, as, len(combinations) > 1); shown != nil || as == "json" {
			return errors.Join(shown, err)
		}
		if err == nil {
			runHints(c.stderr, list, x.warmup)
		}
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

// point is what is executed for one combination of parameters.
type point struct {
	flags execFlags
	words []string
}

// measureAll measures a command once for each combination of parameters, and
// returns the runs, with the error that cut it short.
func (c *cli) measureAll(ctx context.Context, b batch, points []point) ([]*run.Run, error) {
	s, err := c.newSession(ctx, false)
	if err != nil {
		return nil, err
	}
	defer s.close()
	s.grace = points[0].flags.grace
	start, err := points[0].flags.calibrate(ctx, s.runner)
	if err != nil {
		return nil, err
	}
	var stdin spooled
	defer stdin.close()
	var list []*run.Run
	for i := range points {
		p := &points[i]
		p.flags.shellStart = start
		r, err := s.measurePoint(ctx, b, p, &stdin)
		if r != nil {
			list = append(list, r)
		}
		if err != nil {
			switch scan := len(points) > 1; {
			case scan && ctx.Err() != nil:
				c.kept = fmt.Sprintf(": %d of %d parameters were measured in full; the next%s", i, len(points), c.kept)
			case scan:
				err = fmt.Errorf("parameter %d of %d: %w", i+1, len(points), err)
			}
			return list, err
		}
	}
	return list, nil
}

func (s *session) measurePoint(ctx context.Context, b batch, p *point, stdin *spooled) (r *run.Run, err error) {
	defer p.flags.close()
	if b.subject, err = p.flags.subject(ctx, p.words, s.cli.stderr, stdin); err != nil {
		return nil, err
	}
	return s.measure(ctx, b)
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
	var repetitions []execution
	var values []float64 // of the main metric
	enough := false
	var failed error
	for i := 0; i < b.runs && !enough; i++ {
		progress.show(i, describeMedian(b.lessStart(b.main(), values)))
		r, err := b.once(ctx, s.runner, s.dir)
		if ctx.Err() != nil {
			progress.clear()
			s.afterInterrupt(err)
			break
		}
		switch {
		case err != nil && i == 0:
			return nil, err
		case err != nil && b.own != "":
			return nil, fmt.Errorf("repetition %d of %d: %w", i+1, b.runs, err)
		case err != nil:
			failed = fmt.Errorf("repetition %d of %d, after %d that are kept: %w", i+1, b.runs, i, err)
		}
		if failed != nil {
			break
		}
		b.partly = true // what was measured is kept if a later one fails
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
		enough = b.precision > 0 && precisionOf(b.lessStart(b.main(), values)) <= b.precision
	}
	progress.clear()
	interrupted := ctx.Err()
	if len(repetitions) == 0 {
		s.cli.kept = ": nothing was measured yet"
		return nil, interrupted
	}
	without, warnings := b.withoutStart(repetitions)
	r, err := mergeExecutions(without)
	if err != nil {
		return nil, errors.Join(err, failed)
	}
	b.describe(&r, started, s.environment)
	r.Warnings = append(r.Warnings, append(warnings, busy()...)...)
	switch {
	case failed != nil:
		r.Warnings = append(r.Warnings, fmt.Sprintf("repetition %d of %d failed: kept is what was measured before", len(repetitions)+1, b.runs))
	case interrupted != nil:
		s.cli.kept = fmt.Sprintf(": %d of %d repetitions are kept", len(repetitions), b.runs)
		r.Warnings = append(r.Warnings, fmt.Sprintf("interrupted after %d of %d repetitions", len(repetitions), b.runs))
	case b.precision > 0 && !enough:
		r.Warnings = append(r.Warnings, fmt.Sprintf("after %d repetitions the median of %s is not known to %s but to %s", len(repetitions), b.main(), percent(b.precision), percent(precisionOf(b.lessStart(b.main(), values)))))
	}
	return &r, errors.Join(s.keep(ctx, &r), failed, interrupted)
}
