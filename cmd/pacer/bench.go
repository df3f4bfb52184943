package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/format"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report/text"
	"github.com/pacer-perf/pacer/run"
)

// benchOptions are what the command line says of a session.
type benchOptions struct {
	args                     []string
	rounds                   int
	base, branch, setup      string
	results, format          string
	app, version, policy     string
	labels                   map[string]string
	allowFailure, showOutput bool
	gate, strict             bool
	view                     viewFlags
	out                      outputs
}

func (c *cli) bench() *cobra.Command {
	o := benchOptions{out: outputs{media: mediaOf(verdictJSON)}}
	var labels []string
	cmd := &cobra.Command{
		Use:   "bench [flags] -- COMMAND [ARG...]",
		Short: "Run benchmarks here and at the base, turn by turn",
		Long: `Bench runs a benchmark command in this work tree and in one of the commit to
compare with (see pacer ci base), turn by turn in random order, so that whatever
slows the machine down meanwhile hits both alike, and says what changed. It
keeps what they measured: each round at the base as a run of that commit, the
rounds here as one run. Many short rounds tell more than a few long ones.

COMMAND writes its results to standard output, or into the file or folder that
--results names, in any format that pacer import knows. It is run without a
shell. The base is checked out in a temporary folder; what has to be built or
fetched there, --setup does, in both. If the base cannot be measured, as where
it has no benchmarks yet, that is said, and what was measured here is kept
alone.

Bench exits with 0 unless there is trouble. --gate makes it a gate as pacer
check is: 1 if something regressed or is over its budget, and with --strict 3 if
that cannot be told.`,
		Example: `  pacer bench -- go test -run '^$' -bench . -benchmem ./...
  pacer bench --gate -o verdict.json -- go test -run '^$' -bench . ./...
  pacer bench --rounds 20 --base v1.4.0 -- go test -run '^$' -bench Decode .
  pacer bench --results target/criterion -- cargo bench
  pacer bench --setup 'npm ci' --results out.json -- npm run bench
  pacer bench --base none -- make bench`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return hint(errors.New("no command to run"), "pacer bench -- COMMAND [ARG...]")
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.SetInterspersed(false)
	flags.IntVar(&o.rounds, "rounds", 10, "how many `TIMES` to run the command on either side")
	flags.StringVar(&o.base, "base", "", "`COMMIT` to compare with, or none (default: what pacer ci base says)")
	flags.StringVar(&o.branch, "branch", "", "`BRANCH` that this one is for, where the base is looked for")
	flags.StringVar(&o.setup, "setup", "", "shell `COMMAND` to run once on either side before")
	flags.StringVar(&o.results, "results", "", "`FILE or folder` that the command writes its results into (default: standard output)")
	flags.StringVar(&o.format, "results-format", "", "`FORMAT` of the results (default: their content tells)")
	complete(cmd, "results-format", format.Names()...)
	flags.StringVar(&o.app, "app", "", "name of the `APP` (default: $PACER_APP, the results' own word, that of pacer.yaml, or the folder's name)")
	flags.StringVar(&o.version, "version", "", "`VERSION` of what is measured here")
	flags.StringArrayVar(&labels, "label", nil, "label `KEY=VALUE` of the runs; may be given again")
	flags.BoolVar(&o.allowFailure, "allow-failure", false, "keep what was measured even if the command fails here")
	flags.BoolVar(&o.showOutput, "show-output", false, "pass the command's output on to standard error")
	flags.BoolVar(&o.gate, "gate", false, "exit with 1 if something regressed or is over its budget")
	flags.BoolVar(&o.strict, "strict", false, "with --gate: exit with 3 if the verdict is undecided")
	flags.StringVar(&o.policy, "policy", "", "`FILE` with budgets and thresholds (default: the nearest pacer.yaml, or $PACER_POLICY)")
	o.view.add(cmd)
	o.out.flags(cmd, "text")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var err error
		if err := o.out.resolve(); err != nil {
			return err
		}
		if o.labels, err = parseLabels(labels); err != nil {
			return err
		}
		if o.rounds < 1 {
			return fmt.Errorf("--rounds %d: expected 1 or more", o.rounds)
		}
		if o.format != "" {
			if _, err := format.Named(o.format); err != nil {
				return hint(err, "pacer import --help lists them")
			}
		}
		o.args = args
		return c.benchmark(cmd.Context(), o)
	}
	return cmd
}

// benchmark measures both sides, keeps the runs and judges them.
func (c *cli) benchmark(ctx context.Context, o benchOptions) error {
	p, err := loadPolicy(o.policy)
	if err != nil {
		return err
	}
	store, err := writeHistory(ctx) // before the work: it may not be possible
	if err != nil {
		return err
	}
	defer store.Close()
	s := &benchSession{cli: c, options: o, policyApp: p.App}
	if err := s.open(ctx); err != nil {
		return err
	}
	defer s.close()
	err = s.measure(ctx)
	if ctx.Err() == nil && err != nil {
		return err
	}
	base, here, err := s.runs()
	if err != nil {
		return err
	}
	if len(here) == 0 {
		c.kept = ": nothing was measured yet"
		return ctx.Err()
	}
	keep := func(r *run.Run) error {
		_, err := store.Append(audited(context.WithoutCancel(ctx), "run.add", r.App, r.ID, nil), r)
		return err
	}
	for i := range base {
		if err := keep(&base[i]); err != nil {
			return err
		}
	}
	for i := range here {
		if err := keep(&here[i].whole); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		c.kept = fmt.Sprintf(": %d of %d rounds are kept", s.done, o.rounds)
		return ctx.Err()
	}
	if len(here) > 1 && len(o.out.out) > 0 {
		return hint(fmt.Errorf("the results are %d runs, with different labels: each has a verdict of its own, and --output takes one", len(here)), "leave --output out, or measure them one by one")
	}
	for i := range here {
		if err := c.judgeBench(s, p, base, &here[i]); err != nil {
			return err
		}
	}
	return nil
}

// judgeBench judges a run against those of the base with its labels, and shows
// the verdict.
func (c *cli) judgeBench(s *benchSession, p judge.Policy, base []run.Run, current *merged) error {
	b := judge.Baseline{First: s.fresh, Chosen: s.why}
	o := checkOptions{policy: s.options.policy}
	for i := range base {
		if r := &base[i]; sameThing(r, &current.whole) {
			b.Runs = append(b.Runs, r)
		}
	}
	if len(base) > 0 && len(b.Runs) == 0 {
		b.Chosen = "the base has no results with these labels"
	}
	found := judge.Case{Current: &current.whole, Rounds: current.rounds, Baseline: b, Policy: p, Now: time.Now()}
	v, err := judged(found)
	if err != nil {
		return err
	}
	if s.options.gate {
		c.status = max(c.status, v.ExitStatus(s.options.strict || p.Strict))
	}
	r := reportOn(found, &v, &o)
	r.Words.Turns, r.Words.Bench, r.Words.Verdict = true, s.options.again(), s.options.out.verdict()
	options := s.options.view.options(c)
	if s.options.gate {
		options.Exit = exitHint(&v, s.options.strict || p.Strict, false)
	}
	return s.options.out.show(c, r, func() error { return text.Verdict(c.stdout, r, options) })
}

// again are the flags that measure the same once more, but for --rounds.
func (o *benchOptions) again() []string {
	var flags []string
	for _, f := range []struct{ name, value string }{
		{"--base", o.base}, {"--branch", o.branch}, {"--setup", o.setup}, {"--results", o.results},
		{"--results-format", o.format}, {"--app", o.app}, {"--version", o.version}, {"--policy", o.policy},
	} {
		if f.value != "" {
			flags = append(flags, f.name, f.value)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(o.labels)) {
		flags = append(flags, "--label", key+"="+o.labels[key])
	}
	if o.allowFailure {
		flags = append(flags, "--allow-failure")
	}
	return redact(flags)
}

// sameThing tells whether two runs measured the same app with the same labels.
func sameThing(a, b *run.Run) bool {
	return a.App == b.App && run.Key("", a.Labels) == run.Key("", b.Labels)
}
