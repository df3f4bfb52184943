package main

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/alert"
	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report/text"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// alertFlags say whose alerts are meant.
type alertFlags struct{ app, branch string }

func (c *cli) alerts() *cobra.Command {
	var f alertFlags
	states := "open,acknowledged"
	cmd := &cobra.Command{
		Use:   "alerts",
		Short: "List what got worse for good, and say who is on it",
		Long: `Alerts lists what got worse for good in the history, and where that stands. It
looks at the newest 200 runs of the branch that work is merged into, in each
environment: change points of every metric, and what the judge says of the
newest runs. What began in one range of commits stands together.

An alert is open until somebody acknowledges it (somebody is on it), mutes it
(hidden until its condition ends), dismisses it (it is not real) or accepts it
(pacer accept), or until the value is back within the threshold for two runs:
then it is fixed by itself. What people do is written to the history, with a
reason and a name, and can be undone. It changes no verdict: a mute hides, and
pacer check fails all the same.

ALERT is an id or the beginning of one, or a metric: all its alerts that are
open, acknowledged or muted; for show all of them.`,
		Example: `  pacer alerts
  pacer alerts --state all --format json
  pacer alerts show startup
  pacer alerts ack startup --reason "looking into the new index"
  pacer alerts mute 8b38c21e --reason "artwork is loaded up front (issue 412)"
  pacer alerts mute startup --reason "until the rewrite" --until-version 2.5
  pacer alerts undo startup`,
		Args: exactArgs(0),
	}
	cmd.PersistentFlags().StringVar(&f.app, "app", "", "`APP` whose runs count (default: that of pacer.yaml, or $PACER_APP)")
	cmd.PersistentFlags().StringVar(&f.branch, "branch", "", "`BRANCH` whose runs are looked at (default: the one that runs are compared with, else main)")
	cmd.Flags().StringVar(&states, "state", states, "`STATES` that are listed: open, acknowledged, muted, accepted, dismissed, fixed, or all")
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		as, err := format()
		if err != nil {
			return err
		}
		wanted, err := parseStates(states)
		if err != nil {
			return err
		}
		found, err := c.findAlerts(cmd.Context(), f)
		if err != nil {
			return err
		}
		list := slices.DeleteFunc(slices.Clone(found.List), func(a alert.Alert) bool { return !slices.Contains(wanted, a.State) })
		if as == "json" {
			return writeJSON(c.stdout, found.Document(list))
		}
		return text.Alerts(c.stdout, list, foot(found), c.text())
	}
	cmd.AddCommand(c.alertsShow(&f), c.alertsUndo(&f))
	for _, kind := range []alertVerb{
		{Use: "ack", Short: "Say that somebody is on it", Kind: history.Acknowledged, Aliases: []string{"acknowledge"}},
		{Use: "mute", Short: "Hide it until it gets worse, a version or a date", Kind: history.Muted},
		{Use: "dismiss", Short: "Say that it is not real", Kind: history.Dismissed},
		{Use: "reopen", Short: "Open it again", Kind: history.Reopened},
	} {
		cmd.AddCommand(c.alertsAct(&f, kind))
	}
	return cmd
}

// allStates are all states, the one that needs a person most first.
var allStates = []history.State{history.StateOpen, history.StateAcknowledged, history.StateMuted, history.StateAccepted, history.StateDismissed, history.StateFixed}

func parseStates(s string) ([]history.State, error) {
	if s == "all" {
		return allStates, nil
	}
	var list []history.State
	for word := range strings.SplitSeq(s, ",") {
		state := history.State(strings.TrimSpace(word))
		if !slices.Contains(allStates, state) {
			return nil, hint(fmt.Errorf("--state %q: no state is called %q", s, word), "--state takes open, acknowledged, muted, accepted, dismissed, fixed or all, with commas between")
		}
		list = append(list, state)
	}
	return list, nil
}

// foot says how many alerts there are in which state, and what was looked at.
func foot(found *dashboard.Alerts) string {
	var words []string
	for _, s := range allStates {
		n := 0
		for i := range found.List {
			if found.List[i].State == s {
				n++
			}
		}
		if n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, s))
		}
	}
	line := "nothing got worse"
	if len(words) > 0 {
		line = strings.Join(words, ", ")
	}
	line += " in " + plural(found.Runs, "run")
	if found.Branch != "" {
		line += " of " + found.Branch
	}
	for _, left := range found.Left {
		line += "\nleft out: " + left
	}
	return line
}

// findAlerts works the alerts of an app out.
func (c *cli) findAlerts(ctx context.Context, f alertFlags) (*dashboard.Alerts, error) {
	store, err := readHistory(ctx) // says what is missing
	if err != nil {
		return nil, err
	}
	store.Close()
	p, err := loadPolicy("")
	if err != nil {
		return nil, err
	}
	source := historySource(placeOf(ctx), nil, nil)
	defer source.Close()
	apps, err := source.Apps(ctx)
	if err != nil {
		return nil, err
	}
	app := appOf(f.app, p)
	if app == "" && len(apps) > 0 {
		app = apps[0].Name
	}
	if !slices.ContainsFunc(apps, func(a dashboard.App) bool { return a.Name == app }) {
		missing := &noRuns{app: app}
		for _, a := range apps {
			missing.known = append(missing.known, a.Name)
		}
		return nil, missing.hinted()
	}
	p2 := newProgress(c.stderr, "looking at the newest runs", 1)
	p2.show(0)
	defer p2.clear()
	return source.Alerts(ctx, dashboard.AlertQuery{App: app, Branch: f.branch})
}

// namedAlerts returns the alerts that words mean: by a metric those that are
// open, acknowledged or muted, or any.
func namedAlerts(list []alert.Alert, words []string, any bool) ([]alert.Alert, error) {
	var named []alert.Alert
	add := func(a alert.Alert) {
		if !slices.ContainsFunc(named, func(b alert.Alert) bool { return b.ID == a.ID }) {
			named = append(named, a)
		}
	}
	for _, word := range words {
		var byID, byMetric []alert.Alert
		closed := false
		for _, a := range list {
			live := any || a.State == history.StateOpen || a.State == history.StateAcknowledged || a.State == history.StateMuted
			switch {
			case len(word) >= 4 && strings.HasPrefix(a.ID, strings.ToLower(word)):
				byID = append(byID, a)
			case a.Finding.Key() != word && a.Finding.Name != word:
			case live:
				byMetric = append(byMetric, a)
			default:
				closed = true
			}
		}
		switch {
		case len(byMetric) > 0:
			for _, a := range byMetric {
				add(a)
			}
		case len(byID) == 1:
			add(byID[0])
		case len(byID) > 1:
			return nil, hint(fmt.Errorf("%q is the beginning of several alerts", word), "write more of the id")
		case closed:
			return nil, hint(fmt.Errorf("no alert of %s is open, acknowledged or muted", word), "name another one by its id: pacer alerts --state all")
		default:
			return nil, hint(fmt.Errorf("no alert is called %s, and none is about a metric of that name", word), "see what there is: pacer alerts --state all")
		}
	}
	return named, nil
}

func (c *cli) alertsShow(f *alertFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show ALERT",
		Short:   "Show all that is known of an alert, and what was done about it",
		Example: "  pacer alerts show startup\n  pacer alerts show 8b38c21e --format json",
		Args:    exactArgs(1),
	}
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		as, err := format()
		if err != nil {
			return err
		}
		found, err := c.findAlerts(cmd.Context(), *f)
		if err != nil {
			return err
		}
		list, err := namedAlerts(found.List, args, true)
		if err != nil {
			return err
		}
		if as == "json" {
			return writeJSON(c.stdout, found.Document(list))
		}
		for i := range list {
			if i > 0 {
				fmt.Fprintln(c.stdout)
			}
			if err := text.Alert(c.stdout, &list[i], c.text()); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

// alertVerb is something that is done about alerts.
type alertVerb struct {
	Use, Short string
	Kind       history.ActKind
	Aliases    []string
}

func (c *cli) alertsAct(f *alertFlags, verb alertVerb) *cobra.Command {
	var o actOptions
	cmd := &cobra.Command{
		Use:     verb.Use + " ALERT... --reason TEXT",
		Short:   verb.Short,
		Aliases: verb.Aliases,
		Example: fmt.Sprintf("  pacer alerts %s startup --reason \"looking into the new index\"", verb.Use),
		Args:    atLeast(1),
	}
	o.flags(cmd)
	if verb.Kind == history.Muted {
		cmd.Long = `Mute hides an alert until it gets worse by so much (5% unless something else is
given), a version is there, or a date: whichever comes first. It comes back by
itself then; there is no for ever. Getting worse takes two runs in a row.`
		cmd.Example += "\n  pacer alerts mute startup --reason \"after the release\" --until 30d"
		cmd.Flags().StringVar(&o.worseBy, "worse-by", "", "until it is worse than now by `PERCENT`, as 5%")
		cmd.Flags().StringVar(&o.version, "until-version", "", "until `VERSION` is there")
		cmd.Flags().StringVar(&o.until, "until", "", "until a `DATE`, as 2027-02-01, or so many days from now, as 30d")
		cmd.Flags().BoolVar(&o.everywhere, "everywhere", false, "in every environment, not only where it was found")
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		act, err := o.act(verb.Kind, time.Now())
		if err != nil {
			return err
		}
		list, err := c.alertsToActOn(cmd.Context(), f, args)
		if err != nil {
			return err
		}
		return c.act(cmd.Context(), list, act)
	}
	return cmd
}

func (c *cli) alertsUndo(f *alertFlags) *cobra.Command {
	var o actOptions
	n := 0
	cmd := &cobra.Command{
		Use:   "undo ALERT...",
		Short: "Undo what was done last about it",
		Long: `Undo takes back what a person did last about an alert, or with --act what has
that number in pacer alerts show. Both stay in the log.`,
		Example: "  pacer alerts undo startup\n  pacer alerts undo 8b38c21e --act 2",
		Args:    atLeast(1),
	}
	o.flags(cmd)
	cmd.Flags().Lookup("reason").Usage = "why, in `TEXT`; unless given: that it was undone"
	cmd.Flags().IntVar(&n, "act", 0, "`NUMBER` of what is undone (default: the last)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if o.reason == "" {
			o.reason = "undone by pacer alerts undo"
		}
		act, err := o.act(history.Undone, time.Now())
		if err != nil {
			return err
		}
		found, err := c.findAlerts(cmd.Context(), *f)
		if err != nil {
			return err
		}
		list, err := namedAlerts(found.List, args, false)
		if err != nil {
			return err
		}
		for i := range list {
			one := act
			if one.Undoes = n; n == 0 {
				since := list[i].Since()
				if since == nil {
					return fmt.Errorf("alert %s: nobody did anything about it", list[i].ID[:text.ShortID])
				}
				one.Undoes = since.N
			}
			if err := c.act(cmd.Context(), list[i:i+1], one); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

// alertsToActOn are the alerts that words name.
func (c *cli) alertsToActOn(ctx context.Context, f *alertFlags, words []string) ([]alert.Alert, error) {
	found, err := c.findAlerts(ctx, *f)
	if err != nil {
		return nil, err
	}
	return namedAlerts(found.List, words, false)
}

// act writes what is done about alerts to the history, and says it.
func (c *cli) act(ctx context.Context, list []alert.Alert, act history.Act) error {
	store, err := changeHistory(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	for i := range list {
		one := act
		if act.Until != nil {
			until := *act.Until
			if until.WorseBy > 0 {
				until.Value = list[i].Now
			}
			one.Until = &until
		}
		done, err := alert.Do(ctx, commandLog{store}, &list[i], one)
		var stale *history.StaleError
		if errors.As(err, &stale) {
			err = hint(err, "see what was done: pacer alerts show %s", stale.Alert[:text.ShortID])
		}
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(c.stdout, "%s %s: %s\n", list[i].ID[:text.ShortID], list[i].Finding.Key(), text.Did(&done)); err != nil {
			return err
		}
	}
	return nil
}

// actOptions are the flags of what is done about alerts.
type actOptions struct {
	reason, author, worseBy, version, until string
	everywhere                              bool
}

func (o *actOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.reason, "reason", "", fmt.Sprintf("why, in `TEXT` of at least %d characters (required)", history.MinReason))
	cmd.Flags().StringVar(&o.author, "author", "", "`NAME` of who does it (default: user.name of git, else the user of this system)")
}

// defaultWorse is by how much an alert gets worse until it comes back, unless
// somebody says otherwise.
const defaultWorse = 0.05

// act makes an act of the flags.
func (o *actOptions) act(kind history.ActKind, now time.Time) (history.Act, error) {
	a := history.Act{Kind: kind, Time: now.UTC(), Author: strings.TrimSpace(first(o.author, whoami())), Reason: strings.TrimSpace(o.reason)}
	if len([]rune(a.Reason)) < history.MinReason {
		return a, hint(fmt.Errorf("--reason %q: expected at least %d characters", o.reason, history.MinReason), "say why, so that whoever reads it later can judge whether it still holds")
	}
	if a.Author == "" {
		return a, hint(errors.New("it is not known who does this"), "--author NAME")
	}
	if kind != history.Muted {
		return a, nil
	}
	u := &history.Until{Version: strings.TrimSpace(o.version), AnyEnvironment: o.everywhere}
	a.Until = u
	if o.until != "" {
		today := time.Date(now.UTC().Year(), now.UTC().Month(), now.UTC().Day(), 0, 0, 0, 0, time.UTC)
		day, err := lastDay(o.until, today)
		if err != nil {
			return a, err
		}
		u.Time = day
	}
	switch {
	case o.worseBy != "":
		v, base, err := unit.Parse(o.worseBy)
		if err != nil || base != unit.Ratio || !(v > 0 && v <= 10) {
			return a, fmt.Errorf("--worse-by %q: expected a percentage from 0%% to 1000%%, as in 5%%", o.worseBy)
		}
		u.WorseBy = v
	case u.Version == "" && u.Time.IsZero():
		u.WorseBy = defaultWorse
	}
	return a, nil
}

// whoami is who acts here: by git, else by the system.
func whoami() string {
	if name := gitUser(); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return first(u.Name, u.Username)
	}
	return ""
}

// flagKnown flags the regressions of a verdict that people know of. A history
// that cannot be read flags nothing, and says so.
func flagKnown(ctx context.Context, v *judge.Verdict, current *run.Run, anyEnvironment []string) {
	regressed := slices.ContainsFunc(v.Metrics, func(m judge.Metric) bool { return m.Change == judge.Regressed })
	if !regressed {
		return
	}
	store, err := readHistory(ctx)
	if errors.Is(err, errNoHistory) {
		return
	}
	var acts []history.Act
	if err == nil {
		defer store.Close()
		acts, err = store.Acts(ctx, history.ActFilter{App: current.App})
	}
	if err != nil {
		v.Warnings = append(v.Warnings, fmt.Sprintf("what was acknowledged or muted is not known: %v", err))
		return
	}
	alert.Mark(v, acts, func(f *history.Finding) bool {
		heads, err := store.Heads(ctx, history.Filter{IDPrefix: f.Run, Limit: 1})
		return err == nil && len(heads) == 1 && len(judge.Differences(&heads[0], current, anyEnvironment...)) == 0
	}, time.Now())
}
