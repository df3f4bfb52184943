package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/atomicfile"
	"github.com/pacer-perf/pacer/internal/baseline"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/jsonschema"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/policy"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// recentRuns is how many runs of the history rules are held against.
const recentRuns = 30

func (c *cli) policy() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Check, show or suggest what runs are held to",
		Long: `A policy is the nearest pacer.yaml, with pacer.waivers.yaml beside it: budgets,
thresholds, and changes that were accepted (pacer accept).`,
		Example: `  pacer policy lint --strict
  pacer policy show
  pacer policy suggest >pacer.yaml
  pacer policy schema >pacer.schema.json`,
		Args: exactArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.policyLint(), c.policyShow(), c.policySuggest(), c.policySchema())
	return cmd
}

// policyFlags are those of the verbs that hold a policy against runs.
type policyFlags struct{ file, app string }

func (f *policyFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.file, "policy", "", "`FILE` with budgets (default: the nearest pacer.yaml, or $PACER_POLICY)")
	cmd.Flags().StringVar(&f.app, "app", "", "`APP` whose runs count (default: that of pacer.yaml, or $PACER_APP)")
}

// load returns the policy, and the runs that words name. Without words pick
// chooses from the history.
func (f *policyFlags) load(ctx context.Context, words []string, pick func(context.Context, baseline.Source, string, *judge.Policy) ([]*run.Run, error)) (judge.Policy, []*run.Run, error) {
	p, err := loadPolicy(f.file)
	if err != nil {
		return p, nil, err
	}
	app := appOf(f.app, p)
	if len(words) == 0 {
		store, err := readHistory(ctx)
		if err != nil {
			return p, nil, err
		}
		defer store.Close()
		runs, err := pick(ctx, store, app, &p)
		return p, runs, err
	}
	runs := make([]*run.Run, len(words))
	for i, word := range words {
		r, err := loadRun(ctx, word, find(ctx, app))
		if err != nil {
			return p, nil, err
		}
		runs[i] = &r
	}
	return p, runs, nil
}

// newestRuns returns the newest run of an app, and of each other set of labels
// among the recent ones: what rules should match.
func newestRuns(ctx context.Context, src baseline.Source, app string, _ *judge.Policy) ([]*run.Run, error) {
	heads, err := src.Heads(ctx, history.Filter{App: app, Limit: recentRuns})
	if err != nil {
		return nil, err
	}
	var runs []*run.Run
	seen := make(map[string]bool)
	for _, h := range heads {
		// Without an app named, those of the newest run.
		if key := run.Key("", h.Labels); !seen[key] && h.App == heads[0].App {
			seen[key] = true
			r, err := src.Run(ctx, h.ID)
			if err != nil {
				return nil, err
			}
			runs = append(runs, &r)
		}
	}
	if len(runs) == 0 {
		if missing := absent(ctx, src, app); missing != nil {
			return nil, missing.hinted()
		}
		return nil, (&noRuns{app: app}).hinted()
	}
	return runs, nil
}

// comparableRuns returns the newest run of an app and the recent ones that
// compare with it, oldest first.
func comparableRuns(ctx context.Context, src baseline.Source, app string, p *judge.Policy) ([]*run.Run, error) {
	heads, err := src.Heads(ctx, history.Filter{App: app})
	if err != nil {
		return nil, err
	}
	var runs []*run.Run
	for i := range heads {
		if heads[i].App != heads[0].App || len(judge.Differences(&heads[0], &heads[i], p.AnyEnvironment...)) > 0 {
			continue
		}
		r, err := src.Run(ctx, heads[i].ID)
		if err != nil {
			return nil, err
		}
		if runs = append([]*run.Run{&r}, runs...); len(runs) == recentRuns {
			break
		}
	}
	return runs, nil
}

func (c *cli) policyLint() *cobra.Command {
	var f policyFlags
	var strict bool
	cmd := &cobra.Command{
		Use:   "lint [flags] [FILE|RUN]...",
		Short: "List rules that do nothing and metrics that have none",
		Long: `Lint holds the policy against the newest run of the app (and of each other set
of labels), or against the runs named. It lists rules and waivers that match no
metric, rules that do not fit theirs, waivers that do not hold any more, and
metrics that no rule matches. It exits with 0 whatever it lists; with --strict
with 1 if a rule or waiver is listed.`,
		Example: `  pacer policy lint
  pacer policy lint --strict metrics.json
  pacer policy lint --format json latest`,
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&strict, "strict", false, "exit with 1 if a rule or waiver is listed")
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, words []string) error {
		as, err := format()
		if err != nil {
			return err
		}
		p, runs, err := f.load(cmd.Context(), words, newestRuns)
		if err != nil {
			return err
		}
		found := policy.Lint(p, runs, time.Now())
		if strict && len(found.Rules) > 0 {
			c.status = 1
		}
		if as == "json" {
			return writeJSON(c.stdout, found)
		}
		return lintText(c.stdout, &p, runs, &found)
	}
	return cmd
}

func lintText(w io.Writer, p *judge.Policy, runs []*run.Run, found *policy.Findings) error {
	var b strings.Builder
	for _, r := range found.Rules {
		fmt.Fprintf(&b, "%s: %s of %s: %s\n", r.Place, r.Kind, r.Metric, r.Text)
	}
	if len(found.Metrics) > 0 {
		b.WriteString("no rule matches:\n")
		for _, key := range found.Metrics {
			fmt.Fprintf(&b, "  %s\n", key)
		}
	}
	rules := plural(len(p.Budgets)+len(p.Thresholds), "rule") + ", " + plural(len(p.Waivers), "waiver")
	fmt.Fprintf(&b, "%s, held against %s: %d to look at\n", rules, plural(len(runs), "run"), len(found.Rules))
	_, err := io.WriteString(w, b.String())
	return err
}

// plural counts things: 1 rule, 2 rules.
func plural(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return fmt.Sprintf("%d %s", n, word)
}

// ruleShown is one part of what holds for a metric, and which rule says it.
type ruleShown struct {
	Part    string `json:"part"` // budget, change, min_change, strict, ignore, accepted
	Says    string `json:"says"`
	Pattern string `json:"pattern,omitempty"` // empty: the default
	Place   string `json:"place,omitempty"`
}

type metricShown struct {
	Metric string      `json:"metric"`
	Unit   string      `json:"unit"`
	Rules  []ruleShown `json:"rules"`
}

func (c *cli) policyShow() *cobra.Command {
	var f policyFlags
	cmd := &cobra.Command{
		Use:   "show [flags] [FILE|RUN]...",
		Short: "Show which rule decides for each metric",
		Long: `Show lists the metrics of the newest run of the app (and of each other set of
labels), or of the runs named, and for each what holds: its budget, how much it
has to change to matter, whether it is ignored or accepted, by which rule, in
which line. What is not listed is the default.`,
		Example: `  pacer policy show
  pacer policy show metrics.json
  pacer policy show --format json latest`,
	}
	f.add(cmd)
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, words []string) error {
		as, err := format()
		if err != nil {
			return err
		}
		p, runs, err := f.load(cmd.Context(), words, newestRuns)
		if err != nil {
			return err
		}
		shown := showRules(&p, runs, time.Now())
		if as == "json" {
			return writeJSON(c.stdout, map[string]any{"metrics": shown})
		}
		var b strings.Builder
		for _, m := range shown {
			fmt.Fprintln(&b, m.Metric)
			for _, r := range m.Rules {
				fmt.Fprintf(&b, "  %-10s %s\n", r.Part, r.Says)
				fmt.Fprintf(&b, "  %-10s   by %s, %s\n", "", r.Pattern, r.Place)
			}
			if len(m.Rules) == 0 {
				fmt.Fprintln(&b, "  the default")
			}
		}
		_, err = io.WriteString(c.stdout, b.String())
		return err
	}
	return cmd
}

func showRules(p *judge.Policy, runs []*run.Run, now time.Time) []metricShown {
	list := []metricShown{}
	for _, m := range policy.Metrics(runs) {
		rules := p.Rules(m)
		shown := metricShown{Metric: m.Key(), Unit: m.Unit, Rules: []ruleShown{}}
		add := func(part, says string, pattern judge.Pattern, place string) {
			shown.Rules = append(shown.Rules, ruleShown{part, says, string(pattern), place})
		}
		if b := rules.Budget; b != nil {
			add("budget", budgetText(b, m), b.Metric, b.Place)
		}
		if t := rules.Change; t != nil {
			add("change", percentText(*t.Change), t.Metric, t.Place)
		}
		if t := rules.MinChange; t != nil {
			add("min_change", unit.Format(t.MinChange.Value, first(t.MinChange.Unit, m.Unit)), t.Metric, t.Place)
		}
		if t := rules.Counted; t != nil {
			add("strict", fmt.Sprint(*t.Counted), t.Metric, t.Place)
		}
		if t := rules.Ignore; t != nil {
			add("ignore", fmt.Sprint(*t.Ignore), t.Metric, t.Place)
		}
		for i := range p.Waivers {
			if w := &p.Waivers[i]; w.Metric.Matches(m.Name, m.Labels) && w.Expired(runs[0].Version, now) == "" {
				add("accepted", w.Reason+"; it ends "+w.End(), w.Metric, w.Place)
			}
		}
		list = append(list, shown)
	}
	return list
}

func budgetText(b *judge.Budget, m *run.Metric) string {
	parts := []string{}
	for _, tier := range []judge.Tier{judge.Target, judge.Warning, judge.Critical} {
		if q, ok := b.Limits[tier]; ok {
			parts = append(parts, string(tier)+" "+unit.Format(q.Value, first(q.Unit, m.Unit)))
		}
	}
	return first(b.Statistic, judge.DefaultStatistic(m)) + " " + strings.Join(parts, ", ")
}

// percentText writes 0.05 as 5%.
func percentText(x float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.4f", x*100), "0"), ".") + "%"
}

func (c *cli) policySuggest() *cobra.Command {
	var f policyFlags
	cmd := &cobra.Command{
		Use:   "suggest [flags] [FILE|RUN]...",
		Short: "Propose budgets and thresholds from the history",
		Long: fmt.Sprintf(`Suggest writes a pacer.yaml out of the newest run of the app and the recent runs
that compare with it (at most %d), or of the runs named, oldest first: budgets
just above the worst that was seen, and thresholds where runs differ by more
than the default allows. Each line says why. It needs %d runs.`, recentRuns, policy.MinRuns),
		Example: `  pacer policy suggest >pacer.yaml
  pacer policy suggest --app cuepoint
  pacer policy suggest run-1.json run-2.json run-3.json run-4.json run-5.json`,
	}
	f.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, words []string) error {
		_, runs, err := f.load(cmd.Context(), words, comparableRuns)
		if err != nil {
			return err
		}
		text, err := policy.Suggest(runs)
		var few *policy.TooFewError
		if errors.As(err, &few) {
			return hint(err, "make %d more: pacer run -- COMMAND; runs compare if app, labels and machine are the same", policy.MinRuns-few.Have)
		}
		if err == nil {
			_, err = c.stdout.Write(text)
		}
		return err
	}
	return cmd
}

func (c *cli) policySchema() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "schema [flags] [policy|waivers|run|verdict]",
		Short: "Print a JSON Schema, for editors and other tools",
		Long: `Schema prints the JSON Schema of pacer.yaml, or of the document named. An editor
with a YAML language server takes it from the first line of the file:

  # yaml-language-server: $schema=pacer.schema.json`,
		Example: `  pacer policy schema -o pacer.schema.json
  pacer policy schema verdict`,
		Args:      between(0, 1),
		ValidArgs: jsonschema.Names(),
	}
	cmd.Flags().StringVarP(&out, "output", "o", "-", "`FILE` to write; - is standard output")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		text, err := jsonschema.Document(first(append(args, "policy")...))
		if err != nil {
			return err
		}
		write := func(w io.Writer) error { _, err := w.Write(text); return err }
		if out == "-" {
			return write(c.stdout)
		}
		return atomicfile.Write(out, write)
	}
	return cmd
}
