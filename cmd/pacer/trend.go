package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/baseline"
	"github.com/pacer-perf/pacer/internal/changepoint"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/report/text"
	"github.com/pacer-perf/pacer/run"
)

func (c *cli) trend() *cobra.Command {
	var o trendOptions
	cmd := &cobra.Command{
		Use:   "trend [flags] METRIC|FILE.csv",
		Short: "Show how metrics moved over many runs, and where their level changed",
		Long: `Trend shows the history of a metric and its change points: the runs from which
on its level was another one, for good.

METRIC is a name, a name with labels (table.filter{rows=1000}), or either with *
for any characters. Of the app's runs those count that are comparable with the
newest. Runs with different labels are different histories.

FILE.csv, or - for standard input, has a header line and a column for each
metric, a row for each run. "load (ms)" and "load [ms]" name a unit. Columns
called time (RFC 3339, a date or Unix seconds), version and commit say what the
rows are; with times, rows are put in their order, oldest first, and those of
one time stay as they are. A column may end early; an empty cell is a run that
has no value of the metric.

The index of a change point is the number of the run, from 0, in the order of
time, runs without a value counted. Exit status: 0, or 2 for trouble.`,
		Example: `  pacer trend startup
  pacer trend --branch main --last 500 'track.*'
  pacer trend 'table.filter{rows=1000}' --format json
  pacer trend timings.csv
  pacer trend - < timings.csv`,
		Args: exactArgs(1),
	}
	completeArgs(cmd, metricWords)
	app := appFlag(cmd)
	cmd.Flags().StringVar(&o.branch, "branch", "", "only runs of this `BRANCH`")
	cmd.Flags().IntVar(&o.last, "last", 200, "at most the last `N` runs, 0 for all")
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		as, err := format()
		if err != nil {
			return err
		}
		var t report.Trend
		if isCSV(args[0]) {
			for _, name := range []string{"app", "branch", "last"} {
				if cmd.Flags().Changed(name) {
					return fmt.Errorf("--%s is for the history: a file has all its rows shown", name)
				}
			}
			t.Metrics, err = openCSV(args[0])
		} else {
			if o.app, err = app(); err == nil {
				t, err = trendOf(cmd.Context(), args[0], o)
			}
		}
		if err != nil {
			return err
		}
		if err := findChanges(cmd.Context(), t.Metrics); err != nil {
			return err
		}
		if as == "json" {
			return writeJSON(c.stdout, t)
		}
		return text.Trend(c.stdout, &t, c.text())
	}
	return cmd
}

type trendOptions struct {
	app, branch string
	last        int
}

// isCSV tells a file from the name of a metric, which may hold slashes too.
func isCSV(word string) bool {
	if word == "-" || strings.EqualFold(filepath.Ext(word), ".csv") {
		return true
	}
	info, err := os.Stat(word)
	return err == nil && !info.IsDir() && strings.ContainsAny(word, `/\`)
}

func openCSV(file string) ([]report.TrendMetric, error) {
	if file == "-" {
		return readCSV(os.Stdin, "standard input")
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readCSV(f, file)
}

// trendOf returns the metrics of the history that a word names, without their
// change points.
func trendOf(ctx context.Context, word string, o trendOptions) (report.Trend, error) {
	if o.last < 0 {
		return report.Trend{}, fmt.Errorf("--last %d: expected 0 or more", o.last)
	}
	store, err := readHistory(ctx)
	if err != nil {
		return report.Trend{}, err
	}
	defer store.Close()
	if o.app == "" {
		heads, err := store.Heads(ctx, history.Filter{Branch: o.branch, Limit: 1})
		if err != nil {
			return report.Trend{}, err
		}
		if len(heads) > 0 {
			o.app = heads[0].App
		}
	}
	p, err := loadPolicy("")
	if err != nil {
		return report.Trend{}, err
	}
	list, err := seriesNamed(ctx, store, word, o)
	if err != nil {
		return report.Trend{}, err
	}
	t := report.Trend{Metrics: []report.TrendMetric{}}
	units := make(map[string][]string)
	for i := range list {
		s := &list[i]
		m, left := trendMetric(s, o.last, p.AnyEnvironment)
		t.Metrics = append(t.Metrics, m)
		if left != "" {
			t.Warnings = append(t.Warnings, s.Key()+": "+left)
		}
		if key := run.Key(s.Key(), s.RunLabels); !slices.Contains(units[key], s.Unit) {
			if units[key] = append(units[key], s.Unit); len(units[key]) > 1 {
				t.Warnings = append(t.Warnings, fmt.Sprintf("%s was measured in several units, shown one by one: %q and %q", s.Key(), units[key][0], s.Unit))
			}
		}
	}
	return t, nil
}

// seriesNamed returns the series that a word names: by its whole key, else as
// a pattern.
func seriesNamed(ctx context.Context, store history.Reader, word string, o trendOptions) ([]history.Series, error) {
	filter := history.SeriesFilter{App: o.app, Branch: o.branch, Key: word}
	list, err := store.Series(ctx, filter)
	if err != nil || len(list) > 0 {
		return list, err
	}
	filter.Key = ""
	metrics, err := store.Metrics(ctx, o.app)
	if err != nil {
		return nil, err
	}
	there := 0
	for i := range metrics {
		m := &metrics[i]
		if !judge.Pattern(word).Matches(m.Name, m.Labels) {
			continue
		}
		there++
		filter.Key, filter.Unit = m.Key(), m.Unit
		series, err := store.Series(ctx, filter)
		if err != nil {
			return nil, err
		}
		for _, s := range series {
			if s.Unit == m.Unit && s.App == m.App {
				list = append(list, s)
			}
		}
	}
	if len(list) > 0 {
		return list, nil
	}
	of := "the history"
	if o.app != "" {
		of = "the history of " + o.app
	}
	if there > 0 {
		return nil, hint(fmt.Errorf("%s: no run of branch %s has it", word, o.branch), "see what there is: pacer log --branch %s", o.branch)
	}
	err = fmt.Errorf("%s: no metric of that name in %s", word, of)
	if info, e := os.Stat(word); e == nil && !info.IsDir() {
		return nil, hint(err, "for a file of that name: pacer trend - < %s", word)
	}
	names := make([]string, 0, len(metrics))
	for i := range metrics {
		if !slices.Contains(names, metrics[i].Key()) {
			names = append(names, metrics[i].Key())
		}
	}
	if close := nearestNames(word, names); len(close) > 0 {
		return nil, hint(err, "there is %s", strings.Join(close, ", "))
	}
	return nil, hint(err, "see what a run measured: pacer show latest")
}

// trendMetric returns the last points of a series that are comparable with its
// newest, and says what was left out.
func trendMetric(s *history.Series, last int, anyEnvironment []string) (m report.TrendMetric, left string) {
	newest := &s.Points[len(s.Points)-1]
	q := baseline.Question{Current: newest.Run, AnyEnvironment: anyEnvironment}
	others, why, statistics := 0, "", 0
	var points []history.Point
	for i := len(s.Points) - 1; i >= 0 && (last == 0 || len(points) < last); i-- {
		p := s.Points[i]
		if differences := q.Differences(p.Run); len(differences) > 0 {
			if others++; others == 1 {
				why = strings.Join(differences, "; ")
			}
			continue
		}
		if p.Statistic != newest.Statistic {
			statistics++
			continue
		}
		points = append(points, p)
	}
	slices.Reverse(points)
	var said []string
	if others > 0 {
		said = append(said, fmt.Sprintf("%d of other environments (the last: %s)", others, why))
	}
	if statistics > 0 {
		said = append(said, fmt.Sprintf("%d without a %s", statistics, newest.Statistic))
	}
	if len(said) > 0 {
		left = "runs left out: " + strings.Join(said, ", ")
	}
	of := run.Metric{Name: s.Name, Unit: s.Unit, Better: newest.Better}
	m = report.TrendMetric{
		Name: s.Name, Unit: s.Unit, Labels: s.Labels, App: s.App, RunLabels: s.RunLabels, Better: of.Direction(),
		N: len(points), ChangePoints: []report.ChangePoint{},
	}
	for i, p := range points {
		m.Tick = max(m.Tick, p.Resolution)
		m.Points = append(m.Points, report.TrendPoint{
			Index: i, Value: p.Center, Time: p.Run.Timestamp, Run: p.Run.ID, Version: p.Run.Version, Commit: p.Run.Commit,
		})
	}
	return m, left
}

// findChanges finds the change points of metrics, several at once.
func findChanges(ctx context.Context, metrics []report.TrendMetric) error {
	failures := make([]error, len(metrics))
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(len(metrics), runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(metrics) || ctx.Err() != nil {
					return
				}
				failures[i] = changesOf(&metrics[i])
			}
		})
	}
	wait.Wait()
	return errors.Join(ctx.Err(), errors.Join(failures...))
}

// changesOf finds the change points of one metric.
func changesOf(m *report.TrendMetric) error {
	values, positive := make([]float64, m.N), true
	for i := range values {
		values[i] = m.Points[i].Value
		positive = positive && values[i] > 0
	}
	found, err := changepoint.Find(values, changepoint.Options{Tick: m.Tick})
	if err != nil {
		return fmt.Errorf("%s: %w", m.Key(), err)
	}
	for _, f := range found {
		p := &m.Points[f.Index]
		c := report.ChangePoint{
			Index: p.Index, At: f.Index, Run: p.Run, Version: p.Version, Commit: p.Commit,
			Before: f.Before, After: f.After, Confidence: f.Confidence, Drift: f.Drift,
		}
		if !p.Time.IsZero() {
			c.Time = &p.Time
		}
		interval := &[2]float64{f.Low, f.High}
		if f.Before > 0 && f.After > 0 {
			ratio := f.After / f.Before
			c.Ratio = &ratio
		}
		if positive {
			c.Interval = interval
		} else {
			c.Difference = interval
		}
		if f.Drift {
			c.End = m.Points[min(f.End, m.N-1)].Index
		}
		m.ChangePoints = append(m.ChangePoints, c)
	}
	return nil
}

// nearestNames returns up to three names that are likely meant by a word: with
// the fewest letters to change, not more than a third of them.
func nearestNames(word string, names []string) []string {
	type near struct {
		name     string
		distance int
	}
	var list []near
	for _, name := range names {
		bare, _, _ := strings.Cut(name, "{")
		d := min(distance(strings.ToLower(word), strings.ToLower(name)), distance(strings.ToLower(word), strings.ToLower(bare)))
		if strings.Contains(strings.ToLower(name), strings.ToLower(word)) {
			d = min(d, 1)
		}
		if d <= max(2, len(word)/3) {
			list = append(list, near{name, d})
		}
	}
	slices.SortFunc(list, func(a, b near) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), strings.Compare(a.name, b.name))
	})
	var nearest []string
	for _, n := range list[:min(3, len(list))] {
		nearest = append(nearest, n.name)
	}
	return nearest
}

// distance returns how many letters make a of b, each put in, left out or
// exchanged.
//
// Source: Levenshtein (1966), Soviet Physics Doklady 10(8), 707–710.
func distance(a, b string) int {
	from, to := []rune(a), []rune(b)
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := range from {
		diagonal := row[0]
		row[0] = i + 1
		for j := range to {
			cost := 1
			if from[i] == to[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(to)]
}
