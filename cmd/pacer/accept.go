package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/atomicfile"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/policy"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// defaultWaiver is how many days a change is accepted for, unless somebody
// says otherwise: about a quarter.
const defaultWaiver = 90

func (c *cli) accept() *cobra.Command {
	var o acceptOptions
	cmd := &cobra.Command{
		Use:   "accept METRIC --reason TEXT [flags]",
		Short: "Accept a change of a metric, for a time",
		Long: fmt.Sprintf(`Accept writes a waiver into pacer.waivers.yaml, beside the nearest pacer.yaml:
the metric may be worse than the baseline, for the reason given, until a date or
a version or as long as it is worse by no more than so much. Whichever comes
first ends it; unless one is given, that is %d days from now. Budgets hold all
the same.

METRIC is a name, with * for any characters, or a name with labels:
table.filter{rows=1000}.`, defaultWaiver),
		Example: `  pacer accept track.process --reason "fuzzier matching (issue 41)"
  pacer accept 'table.*' --reason "sorted by relevance" --until 2027-02-01
  pacer accept memory.peak --reason "larger cache" --worse-by 10% --until 30d
  pacer accept startup --reason "checks its files now" --until-version 2.0`,
		Args: exactArgs(1),
	}
	completeArgs(cmd, metricWords)
	cmd.Flags().StringVar(&o.reason, "reason", "", fmt.Sprintf("why, in `TEXT` of at least %d characters (required)", policy.MinReason))
	cmd.Flags().StringVar(&o.until, "until", "", "last `DATE`, as 2027-02-01, or so many days from now, as 30d")
	cmd.Flags().StringVar(&o.untilVersion, "until-version", "", "accept it in versions before `VERSION`")
	cmd.Flags().StringVar(&o.worseBy, "worse-by", "", "accept it as long as it is worse by no more than `PERCENT`, as 10%")
	cmd.Flags().StringVar(&o.author, "author", "", "`NAME` of who accepts it (default: user.name of git)")
	cmd.Flags().StringVar(&o.file, "file", "", "`FILE` to write (default: pacer.waivers.yaml beside pacer.yaml)")
	cmd.Flags().BoolVar(&o.replace, "replace", false, "replace the waiver that the metric has")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		w, err := o.waiver(args[0], time.Now())
		if err != nil {
			return err
		}
		if err := measured(cmd.Context(), w.Metric); err != nil {
			return err
		}
		file, err := o.write(w)
		if err != nil {
			return err
		}
		if o.noEnd() {
			fmt.Fprintf(c.stderr, "no end was given: taking %d days\n", defaultWaiver)
		}
		_, err = fmt.Fprintf(c.stdout, "accepted %s in %s; it ends %s\ncommit the file: it holds wherever that is checked out\n", w.Metric, file, w.End())
		return err
	}
	return cmd
}

// acceptOptions are the flags of pacer accept.
type acceptOptions struct {
	reason, until, untilVersion, worseBy, author, file string
	replace                                            bool
}

func (o *acceptOptions) noEnd() bool {
	return o.until == "" && o.untilVersion == "" && o.worseBy == ""
}

// waiver makes a waiver of the flags. What the file's reader would refuse is
// refused when it is written.
func (o *acceptOptions) waiver(metric string, now time.Time) (judge.Waiver, error) {
	now = now.UTC()
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	w := judge.Waiver{Reason: strings.TrimSpace(o.reason), Author: strings.TrimSpace(first(o.author, gitUser())), Since: today, UntilVersion: strings.TrimSpace(o.untilVersion)}
	var err error
	if w.Metric, err = judge.ParsePattern(metric); err != nil {
		return w, err
	}
	if len([]rune(w.Reason)) < policy.MinReason {
		return w, hint(fmt.Errorf("--reason %q: expected at least %d characters", o.reason, policy.MinReason), "say why, so that whoever reads it later can judge whether it still holds")
	}
	until := o.until
	if o.noEnd() {
		until = fmt.Sprintf("%dd", defaultWaiver)
	}
	if until != "" {
		last, err := lastDay(until, today)
		if err != nil {
			return w, err
		}
		w.Until = last.AddDate(0, 0, 1)
	}
	if o.worseBy != "" {
		v, base, err := unit.Parse(o.worseBy)
		if err != nil || base != unit.Ratio || !(v > 0 && v <= 10) {
			return w, fmt.Errorf("--worse-by %q: expected a percentage from 0%% to 1000%%, as in 10%%", o.worseBy)
		}
		w.WorseBy = v
	}
	return w, nil
}

var daysForm = regexp.MustCompile(`^([0-9]{1,4})d$`)

// lastDay reads the end of a waiver: a date from today on, or a number of days.
func lastDay(s string, today time.Time) (time.Time, error) {
	if days := daysForm.FindStringSubmatch(s); days != nil {
		n, err := strconv.Atoi(days[1])
		return today.AddDate(0, 0, n), err
	}
	day, err := time.Parse(time.DateOnly, s)
	switch {
	case err != nil:
		return day, fmt.Errorf("--until %q: expected a date, as 2027-02-01, or a number of days, as 30d", s)
	case day.Before(today):
		return day, fmt.Errorf("--until %s is over already: today is %s (UTC)", s, today.Format(time.DateOnly))
	case day.After(today.AddDate(100, 0, 0)):
		return day, fmt.Errorf("--until %s is as good as never: no change is accepted for ever", s)
	}
	return day, nil
}

// gitUser returns the name that git signs commits with, "" without one.
func gitUser() string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "git", "config", "user.name").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// measured says so where the newest runs have no metric that the pattern
// selects. Without a history or without runs there is nothing to ask.
func measured(ctx context.Context, pattern judge.Pattern) error {
	p, err := loadPolicy("")
	if err != nil {
		return err
	}
	store, err := readHistory(ctx)
	if errors.Is(err, errNoHistory) {
		return nil
	}
	if err != nil {
		return err
	}
	defer store.Close()
	runs, err := newestRuns(ctx, store, appOf("", p), &p)
	var none *hinted
	if errors.As(err, &none) {
		return nil
	}
	if err != nil {
		return err
	}
	var keys []string
	for _, m := range policy.Metrics(runs) {
		if pattern.Matches(m.Name, m.Labels) {
			return nil
		}
		keys = append(keys, m.Key())
	}
	err = fmt.Errorf("no metric of the newest run of %s is called %s", run.Key(runs[0].App, runs[0].Labels), pattern)
	if near := policy.NearestMetrics(pattern, keys); len(near) > 0 {
		return hint(err, "did you mean %s?", strings.Join(near, " or "))
	}
	return hint(err, "see what there is: pacer show latest")
}

// write adds the waiver to its file and returns the file's path.
func (o *acceptOptions) write(w judge.Waiver) (string, error) {
	file := o.file
	if file == "" {
		file = waiversPath()
	}
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return file, err
	}
	// The reader's errors name the file.
	if _, err := policy.ReadWaivers(bytes.NewReader(text), shown(file)); err != nil {
		return file, excerpt(err)
	}
	out, err := policy.AddWaiver(text, w, o.replace)
	var waived *policy.WaivedError
	switch {
	case errors.As(err, &waived):
		return file, hint(err, "to replace it: --replace")
	case errors.Is(err, policy.ErrByHand):
		return file, hint(fmt.Errorf("%s: %w", shown(file), err), "write each waiver on lines of its own, beginning with - metric:")
	case err != nil:
		return file, err
	}
	return shown(file), atomicfile.Write(file, func(w io.Writer) error { _, err := w.Write(out); return err })
}

// waiversPath is the file that loadPolicy reads waivers from, or would.
func waiversPath() string {
	path := os.Getenv("PACER_POLICY")
	if path == "" {
		path, _ = upwards(policyName)
	}
	if path != "" {
		return filepath.Join(filepath.Dir(path), policy.WaiversFile)
	}
	if path, ok := upwards(policy.WaiversFile); ok {
		return path
	}
	return policy.WaiversFile
}
