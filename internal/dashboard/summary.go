package dashboard

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/unit"
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
	s := summary{Chip: verdictChip(v.Verdict), Reasons: v.Reasons, Notes: v.Warnings, Against: v.Baseline.Chosen}
	for i := range v.Metrics {
		for _, w := range v.Metrics[i].Warnings {
			s.Notes = append(s.Notes, v.Metrics[i].Key()+": "+w)
		}
	}
	metrics := byRank(v.Metrics)
	counts := tally(v.Metrics)
	over := 0
	for i := range v.Metrics {
		if b := v.Metrics[i].Budget; b != nil && (b.Status == judge.OverCritical || b.Status == judge.OverWarning || b.Status == judge.OverTarget) {
			over++
		}
	}
	regressed := counts[judge.Regressed]
	compared := len(v.Baseline.Runs) > 0
	switch {
	case regressed > 0:
		s.Title = plural(regressed, "regression")
		worst := slices.IndexFunc(metrics, func(m judge.Metric) bool { return counted(&m) == judge.Regressed })
		s.Head = s.Title + ": " + worse(&metrics[worst]) + "."
		delete(counts, judge.Regressed)
	case len(v.Metrics) == 0:
		s.Title, s.Head = "nothing measured", "This run measured nothing."
	case over > 0:
		s.Title = plural(over, "metric") + " over budget"
		worst := &metrics[slices.IndexFunc(metrics, func(m judge.Metric) bool {
			return m.Budget != nil && m.Budget.Status != judge.Within && m.Budget.Value != nil
		})]
		s.Head = fmt.Sprintf("%s: %s, %s.", s.Title, worst.Key(), budgetOf(worst).Text)
	case counts[judge.Missing] > 0:
		s.Title = fmt.Sprintf("%d missing", counts[judge.Missing])
		s.Head = plural(counts[judge.Missing], "metric") + " missing: " + first(metrics, judge.Missing) + "."
		delete(counts, judge.Missing)
	case counts[judge.Incomparable] > 0:
		s.Title, s.Head = "not comparable", plural(counts[judge.Incomparable], "metric")+" cannot be compared with the baseline."
		delete(counts, judge.Incomparable)
	case counts[judge.Inconclusive] > 0:
		s.Title = "not enough to tell"
		s.Head = fmt.Sprintf("Not enough samples to tell: %s.", first(metrics, judge.Inconclusive))
	case counts[judge.Improved] > 0:
		s.Title = fmt.Sprintf("%d improved", counts[judge.Improved])
		s.Head = "Nothing got worse: " + worse(&metrics[slices.IndexFunc(metrics, func(m judge.Metric) bool { return m.Change == judge.Improved })]) + "."
		delete(counts, judge.Improved)
	case !compared:
		s.Title, s.Head = plural(len(v.Metrics), "metric"), "No baseline yet: "+plural(len(v.Metrics), "metric")+" measured."
	default:
		s.Title, s.Head = "unchanged", "Nothing changed."
	}
	if !compared {
		delete(counts, judge.New)
	}
	s.Counts = countsText(counts, v.Metrics)
	if regressed > 0 && over > 0 {
		s.Counts = strings.TrimSuffix(fmt.Sprintf("%d over budget, %s", over, s.Counts), ", ")
	}
	return s
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

func countsText(counts map[judge.Change]int, metrics []judge.Metric) string {
	var words []string
	for _, c := range changes {
		if counts[c] > 0 {
			words = append(words, fmt.Sprintf("%d %s", counts[c], c))
		}
	}
	accepted := 0
	for i := range metrics {
		if metrics[i].Accepted != nil {
			accepted++
		}
	}
	if accepted > 0 {
		words = append(words, fmt.Sprintf("%d accepted", accepted))
	}
	return strings.Join(words, ", ")
}

func first(metrics []judge.Metric, c judge.Change) string {
	return metrics[slices.IndexFunc(metrics, func(m judge.Metric) bool { return counted(&m) == c })].Key()
}

// worse says in words how a metric changed: startup is 19.7 % slower.
func worse(m *judge.Metric) string {
	if m.Ratio == nil {
		return m.Key() + " " + string(m.Change)
	}
	up, down := "higher", "lower"
	switch {
	case m.Unit == unit.Seconds:
		up, down = "slower", "faster"
	case m.Unit == unit.Bytes:
		up, down = "larger", "smaller"
	case m.Unit == unit.Speed:
		up, down = "faster", "slower"
	}
	word := up
	if *m.Ratio < 1 {
		word = down
	}
	return fmt.Sprintf("%s is %s %s", m.Key(), plainPercent(*m.Ratio), word)
}

// rank orders metrics as a person wants them: what is bad, then what is in
// doubt, then what is good, then what did not change.
func rank(m *judge.Metric) int {
	status := judge.BudgetStatus("")
	if m.Budget != nil {
		status = m.Budget.Status
	}
	change := counted(m)
	switch {
	case status == judge.OverCritical:
		return 0
	case change == judge.Regressed:
		return 1
	case change == judge.Missing && !m.Ignored:
		return 2
	case status == judge.OverWarning:
		return 3
	case change == judge.Inconclusive && !m.Ignored:
		return 4
	case change == judge.Incomparable && !m.Ignored:
		return 5
	case status == judge.OverTarget:
		return 6
	case m.Accepted != nil:
		return 7
	case change == judge.New && !m.Ignored:
		return 8
	case change == judge.Improved && !m.Ignored:
		return 9
	}
	return 10
}

// calm is the rank of what nobody has to look at.
const calm = 10

// size is how large a change is, either way.
func size(m *judge.Metric) float64 {
	if m.Ratio == nil || !(*m.Ratio > 0) {
		return 0
	}
	return math.Abs(math.Log(*m.Ratio))
}

// own tells what an app measures by itself from what every app has.
func own(m *judge.Metric) int {
	for _, everybody := range []string{"memory.", "go.", "gc.", "process."} {
		if strings.HasPrefix(m.Name, everybody) && m.Budget == nil {
			return 1
		}
	}
	return 0
}

// byRank returns the metrics in the order of rank; within one, budgets first,
// then the largest change.
func byRank(metrics []judge.Metric) []judge.Metric {
	list := slices.Clone(metrics)
	slices.SortStableFunc(list, func(a, b judge.Metric) int {
		ra, rb := rank(&a), rank(&b)
		if c := cmp.Or(cmp.Compare(ra, rb), cmp.Compare(own(&a), own(&b))); c != 0 {
			return c
		}
		if ra < calm {
			return cmp.Or(cmp.Compare(size(&b), size(&a)), strings.Compare(a.Key(), b.Key()))
		}
		return cmp.Or(-cmp.Compare(btoi(a.Budget != nil), btoi(b.Budget != nil)), strings.Compare(a.Key(), b.Key()))
	})
	return list
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// higherIsBetter tells which way is good.
func higherIsBetter(m *judge.Metric) bool { return m.Better == run.Higher }
