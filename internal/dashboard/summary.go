package dashboard

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/run"
)

// summary is a verdict in a sentence.
type summary struct {
	Chip    chip
	Title   string // of the window: 1 regression
	Head    string // 1 regression: startup is 19.7 % slower.
	Counts  string // 1 missing, 3 unchanged
	Against string // what it was compared with
	Reasons []string
	Notes   []string // doubts
}

// summarise says a verdict in a sentence that names the worst, and counts the
// rest.
func summarise(v *judge.Verdict) summary {
	_, fact := report.Headline(v, plain, plain)
	s := summary{
		Chip: verdictChip(v.Verdict), Reasons: v.Reasons, Notes: v.Warnings, Against: v.Baseline.Chosen,
		Title: spaced(fact), Head: strings.ToUpper(fact[:1]) + spaced(fact[1:]) + ".", Counts: report.Counts(v.Metrics),
	}
	if named(v, fact) {
		s.Head = spaced(fact) + "." // a name is written as it is
	}
	for i := range v.Metrics {
		for _, w := range v.Metrics[i].Warnings {
			s.Notes = append(s.Notes, v.Metrics[i].Key()+": "+w)
		}
	}
	n := tally(v.Metrics)[judge.Regressed]
	if n > 0 {
		s.Title = report.Plural(n, "regression")
	}
	if n > 0 && counted(&report.ByGravity(v.Metrics)[0]) == judge.Regressed {
		s.Head = s.Title + ": " + spaced(fact) + "."
		s.Counts = strings.TrimPrefix(strings.Replace(s.Counts, fmt.Sprintf("%d regressed", n), "", 1), ", ")
		s.Counts = strings.Replace(s.Counts, ", , ", ", ", 1)
	}
	return s
}

func plain(s string) string { return s }

// named tells whether a sentence begins with the name of a metric.
func named(v *judge.Verdict, sentence string) bool {
	return slices.ContainsFunc(v.Metrics, func(m judge.Metric) bool { return strings.HasPrefix(sentence, m.Name) })
}

// spaced sets the percent sign apart from its number, as everywhere on pages.
func spaced(s string) string {
	var b strings.Builder
	for i, r := range s {
		if r == '%' && i > 0 && s[i-1] >= '0' && s[i-1] <= '9' {
			b.WriteString(thin)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// counted is the change that a metric counts as: "" where it decides nothing.
func counted(m *judge.Metric) judge.Change {
	if m.Change == judge.Regressed && (m.Accepted != nil || m.Ignored) {
		return ""
	}
	return m.Change
}

// tally counts the changes that decide something.
func tally(metrics []judge.Metric) map[judge.Change]int {
	counts := make(map[judge.Change]int)
	for i := range metrics {
		counts[counted(&metrics[i])]++
	}
	delete(counts, "")
	return counts
}

// changes are all changes, the one that needs a person most first.
var changes = []judge.Change{judge.Regressed, judge.Missing, judge.Inconclusive, judge.Incomparable, judge.New, judge.Improved, judge.Unchanged}

// calm tells whether nobody has to look at a metric: it did not change, and
// keeps to its budget.
func calm(m *judge.Metric) bool {
	within := m.Budget == nil || m.Budget.Status == judge.Within
	return m.Ignored && !m.Fails || m.Change == judge.Unchanged && within
}

// size is how large a change is, either way.
func size(m *judge.Metric) float64 {
	if m.Ratio == nil || !(*m.Ratio > 0) {
		return 0
	}
	return math.Abs(math.Log(*m.Ratio))
}

// higherIsBetter tells which way is good.
func higherIsBetter(m *judge.Metric) bool { return m.Better == run.Higher }
