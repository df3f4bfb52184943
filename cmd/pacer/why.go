package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/nearest"
	"github.com/pacer-perf/pacer/internal/report/text"
)

func (c *cli) why() *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "why [flags] RUN|VERDICT METRIC",
		Short: "Say why a metric was judged as it was",
		Long: `Why shows how the judge came to what it says of one metric: the rule and where
it is written, the data, the test and its numbers, its budget, its history.

VERDICT is a file that pacer check -o verdict.json wrote, here or in CI.

METRIC is a name, with labels as in table.filter{rows=1000}.`,
		Example: `  pacer why latest track.process
  pacer why verdict.json track.process
  pacer why new.json startup --baseline old.json
  pacer why latest 'table.filter{rows=1000}' --format json`,
		Args: between(2, 2),
	}
	completeArgs(cmd, runWords, metricWords)
	o.flags(cmd)
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		as, err := format()
		if err != nil {
			return err
		}
		o.current = args[0]
		v, err := c.verdictOf(cmd, o)
		if err != nil {
			return err
		}
		m, err := metricOf(v, args[1])
		if err != nil {
			return err
		}
		if as == "json" {
			return writeJSON(c.stdout, m)
		}
		return text.Why(c.stdout, v, m, c.text())
	}
	return cmd
}

// verdictOf returns the verdict on a run, or the one that a file holds.
func (c *cli) verdictOf(cmd *cobra.Command, o checkOptions) (*judge.Verdict, error) {
	v, is, err := verdictIn(o.current)
	switch {
	case err != nil:
		return nil, err
	case is:
		return &v, judgedAlready(cmd, o.current)
	}
	_, judged, err := c.verdict(cmd.Context(), o)
	return judged, err
}

// metricOf returns the metric of a verdict that a word names: by name and
// labels, or by a name that only one has.
func metricOf(v *judge.Verdict, word string) (*judge.Metric, error) {
	var found []*judge.Metric
	var keys []string
	for i := range v.Metrics {
		m := &v.Metrics[i]
		keys = append(keys, m.Key())
		switch {
		case m.Key() == word:
			found = append([]*judge.Metric{m}, found...)
		case m.Name == word:
			found = append(found, m)
		}
	}
	switch {
	case len(found) == 0:
		return nil, hint(fmt.Errorf("metric %q: the run and its baseline have none of that name", word), "the nearest: %s", strings.Join(nearest.Metrics(word, keys, 3), ", "))
	case len(found) > 1 && found[0].Key() != word:
		var names []string
		for _, m := range found {
			names = append(names, m.Key())
		}
		return nil, hint(fmt.Errorf("metric %q stands for %d metrics", word, len(found)), "name one: %s", strings.Join(names, ", "))
	}
	return found[0], nil
}
