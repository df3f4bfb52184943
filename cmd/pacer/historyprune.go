package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/retention"
)

func (c *cli) historyPrune() *cobra.Command {
	var samples, histograms, summaries, app, policyFile string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "prune [flags]",
		Short: "Thin or delete old runs",
		Long: `Prune reduces what is kept of old runs: their raw samples to histograms, those
to statistics; then the runs go. Each flag says for which of the newest runs, of
an app with the same labels, the detail stays: so many, or those of so many
days. A level without a flag reaches as far as the next one, the last one for
ever. Series keep their points as long as the run is there.

What stays as it is, however old: baselines, the runs that a waiver or an alert
that is not over rests on, the runs on either side of a change point, and the
newest run of everything.`,
		Example: `  pacer history prune --samples 100 --dry-run
  pacer history prune --samples 30d --histograms 365d
  pacer history prune --samples 200 --histograms 2000 --summaries 10000
  pacer history prune --summaries 730d       delete what is older than 2 years`,
		Args: exactArgs(0),
	}
	cmd.Flags().StringVar(&samples, "samples", "", "keep raw samples of the newest `N` runs, or Nd: of N days")
	cmd.Flags().StringVar(&histograms, "histograms", "", "then histograms, of the newest `N` runs or Nd days")
	cmd.Flags().StringVar(&summaries, "summaries", "", "then statistics, of the newest `N` runs or Nd days; older runs are deleted")
	cmd.Flags().StringVar(&app, "app", "", "only runs of this `APP`")
	cmd.Flags().StringVar(&policyFile, "policy", "", "`FILE` with the waivers beside it (default: the nearest pacer.yaml)")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be done, and do nothing")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		rules, err := pruneRules(samples, histograms, summaries)
		if err != nil {
			return err
		}
		p, err := loadPolicy(policyFile)
		if err != nil {
			return err
		}
		ctx := cmd.Context()
		var s history.Source
		var store history.Store
		if dryRun {
			s, err = source(ctx)
		} else {
			store, err = changeHistory(ctx)
			s = store
		}
		if err != nil {
			return err
		}
		defer s.Close()
		progress := newProgress(c.stderr, "looking for change points", 1)
		plan, err := retention.Make(ctx, s, app, rules, retention.Waivers{App: p.App, List: p.Waivers}, time.Now(), func(done, of int) {
			progress.total = of
			progress.show(done)
		})
		progress.clear()
		if err != nil {
			return err
		}
		c.showPlan(&plan, dryRun)
		if dryRun {
			return nil
		}
		return c.prune(ctx, store, &plan, app)
	}
	return cmd
}

// pruneRules reads the flags.
func pruneRules(samples, histograms, summaries string) (retention.Rules, error) {
	var r retention.Rules
	if samples == "" && histograms == "" && summaries == "" {
		return r, hint(errors.New("nothing is said about what to keep"), "pacer history prune --samples 100 --histograms 365d --dry-run")
	}
	for _, f := range []struct {
		name, text string
		limit      *retention.Limit
	}{{"samples", samples, &r.Samples}, {"histograms", histograms, &r.Histograms}, {"summaries", summaries, &r.Summaries}} {
		if f.text == "" {
			continue
		}
		if days := daysForm.FindStringSubmatch(f.text); days != nil {
			n, _ := strconv.Atoi(days[1])
			f.limit.Age = time.Duration(n) * 24 * time.Hour
		} else if n, err := strconv.Atoi(f.text); err == nil && n > 0 {
			f.limit.Runs = n
		}
		if f.limit.IsZero() {
			return r, fmt.Errorf("--%s %q: expected a number of runs, as 100, or of days, as 30d", f.name, f.text)
		}
	}
	// A level that nothing is said about reaches as far as the next one.
	if r.Histograms.IsZero() {
		r.Histograms = r.Summaries
	}
	if r.Samples.IsZero() {
		r.Samples = r.Histograms
	}
	return r, nil
}

// showPlan says what is to be done.
func (c *cli) showPlan(p *retention.Plan, dryRun bool) {
	would := ""
	if dryRun {
		would = "would be "
	}
	fmt.Fprintf(c.stdout, "of %s:\n", runsWord(p.Runs))
	for _, step := range []struct {
		n    int
		what string
	}{
		{len(p.Histograms), would + "thinned to histograms"}, {len(p.Summaries), would + "thinned to summaries"}, {len(p.Delete), would + "deleted"},
		{len(p.Kept), "kept as they are"},
	} {
		fmt.Fprintf(c.stdout, "  %6d %s\n", step.n, step.what)
	}
	const most = 20
	for i, k := range p.Kept {
		if i == most {
			fmt.Fprintf(c.stdout, "         ... and %d more\n", len(p.Kept)-most)
			break
		}
		fmt.Fprintf(c.stdout, "         %s: %s\n", k.ID, k.Why)
	}
}

// pruneBatch is how many runs are changed in one transaction.
const pruneBatch = 100

// prune carries out a plan, the deletions last.
func (c *cli) prune(ctx context.Context, s history.Store, p *retention.Plan, app string) (err error) {
	total := len(p.Histograms) + len(p.Summaries) + len(p.Delete)
	if total == 0 {
		return nil
	}
	progress := newProgress(c.stderr, "pruning", total)
	done := 0
	defer func() {
		progress.clear()
		if err != nil {
			c.kept = fmt.Sprintf(": %d of %s were pruned; pruning again goes on from there", done, runsWord(total))
		}
	}()
	for _, step := range []struct {
		to  string // what becomes of them
		ids []string
		do  func(ctx context.Context, ids []string) (int, error)
	}{
		{history.Histograms.String(), p.Histograms, func(ctx context.Context, ids []string) (int, error) { return s.Thin(ctx, history.Histograms, ids...) }},
		{history.Summaries.String(), p.Summaries, func(ctx context.Context, ids []string) (int, error) { return s.Thin(ctx, history.Summaries, ids...) }},
		{"deleted", p.Delete, func(ctx context.Context, ids []string) (int, error) { return s.Delete(ctx, ids...) }},
	} {
		for ids := range slices.Chunk(step.ids, pruneBatch) {
			progress.show(done)
			entry := map[string]string{step.to: strconv.Itoa(len(ids)), "ids": strings.Join(ids, " ")}
			if _, err := step.do(audited(ctx, "history.prune", app, "", entry), ids); err != nil {
				return err
			}
			done += len(ids)
		}
	}
	return nil
}
