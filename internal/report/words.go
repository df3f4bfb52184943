package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Change is the word for the change of a metric, with the flags beside it.
func Change(m *judge.Metric) string {
	switch {
	case m.Accepted != nil:
		return string(m.Change) + ", accepted"
	case m.Ignored:
		return string(m.Change) + ", ignored"
	case m.Muted != nil:
		return string(m.Change) + ", muted"
	case m.Acknowledged != nil:
		return string(m.Change) + ", acknowledged"
	}
	return string(m.Change)
}

// symbol is a shape and what stands for it where only ASCII is shown.
type symbol struct{ shape, ascii string }

var (
	up        = "↑"
	down      = "↓"
	ofChange  = map[judge.Change]symbol{judge.Regressed: {up, "!"}, judge.Improved: {down, "+"}, judge.Unchanged: {"=", "="}, judge.Inconclusive: {"~", "~"}, judge.New: {"+", "n"}, judge.Missing: {"✕", "x"}, judge.Incomparable: {"≠", "/"}}
	ofStatus  = map[judge.BudgetStatus]symbol{judge.Within: {"●", "."}, judge.OverTarget: {"◐", "o"}, judge.OverWarning: {"▲", "^"}, judge.OverCritical: {"■", "#"}}
	ofVerdict = map[judge.Word]symbol{judge.Pass: {"=", "="}, judge.Warn: {"▲", "^"}, judge.Fail: {"■", "#"}, judge.Undecided: {"~", "~"}}
)

// Symbol is the shape of a row: that of its budget where that is what it is
// grave for, else that of its change. Arrows point to where the value went.
func Symbol(m *judge.Metric, ascii bool) string {
	c := classOf(m)
	ofBudget := c == critical || c == warning || c == overTarget || c == isNew && Status(m) != ""
	switch {
	case ofBudget && m.Change != judge.Regressed && m.Change != judge.Missing:
		return StatusSymbol(Status(m), ascii)
	case m.Accepted != nil && ascii:
		return "a"
	case m.Accepted != nil:
		return "✓"
	}
	s := ofChange[m.Change]
	switch {
	case ascii:
		return s.ascii
	case m.Better == run.Higher && s.shape == up:
		return down
	case m.Better == run.Higher && s.shape == down:
		return up
	}
	return s.shape
}

// StatusSymbol is the shape of a budget status.
func StatusSymbol(s judge.BudgetStatus, ascii bool) string {
	if ascii {
		return ofStatus[s].ascii
	}
	return ofStatus[s].shape
}

// Counts says how many metrics are what: "1 regressed, 3 unchanged". What a
// person accepted, or the policy ignores, is counted as that.
func Counts(metrics []judge.Metric) string {
	counts := make(map[string]int)
	for i := range metrics {
		m := &metrics[i]
		word := string(m.Change)
		switch {
		case m.Ignored:
			word = "ignored"
		case m.Accepted != nil:
			word = "accepted"
		}
		counts[word]++
		switch s := Status(m); s {
		case judge.OverTarget:
			counts["over target"]++
		case judge.OverWarning, judge.OverCritical:
			counts["over "+string(s)]++
		}
	}
	var words []string
	for _, word := range []string{"over critical", "regressed", "missing", "over warning", "inconclusive", "incomparable", "over target",
		"new", "improved", "accepted", "unchanged", "ignored"} {
		if counts[word] > 0 {
			words = append(words, fmt.Sprintf("%d %s", counts[word], word))
		}
	}
	if words == nil {
		return "no metrics"
	}
	return strings.Join(words, ", ")
}

// Plural writes a number of things: 1 run, 2 runs.
func Plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// Difference says how a metric changed, in words: "19.7% slower". It is empty
// if there is no ratio.
func Difference(m *judge.Metric) string {
	if m.Ratio == nil || math.IsNaN(*m.Ratio) || math.IsInf(*m.Ratio, 0) {
		return ""
	}
	ratio := *m.Ratio
	more, less := "higher", "lower"
	switch {
	case m.Unit == unit.Seconds:
		more, less = "slower", "faster"
	case m.Unit == unit.Bytes:
		more, less = "larger", "smaller"
	case strings.HasSuffix(m.Unit, "/s") && m.Better == run.Higher:
		more, less = "faster", "slower"
	}
	word := more
	if ratio < 1 {
		word = less
	}
	return fmt.Sprintf("%.1f%% %s", 100*math.Abs(ratio-1), word)
}

// Headline is the one fact of a verdict: the shape and the sentence, with names
// of metrics as name writes them, and other text from documents as text does.
func Headline(v *judge.Verdict, name, text func(string) string) (shape, sentence string) {
	metrics := ByGravity(v.Metrics)
	word := ofVerdict[v.Verdict].shape
	if len(metrics) == 0 || classOf(&metrics[0]) > undecided && v.Verdict != judge.Pass {
		if other := OtherReasons(v); len(other) > 0 {
			return word, text(other[0])
		}
	}
	if len(metrics) == 0 {
		return word, noFact(v)
	}
	m := &metrics[0]
	shape = Symbol(m, false)
	switch classOf(m) {
	case critical:
		tier, _, _ := m.Budget.Limit()
		return StatusSymbol(m.Budget.Status, false), fmt.Sprintf("%s is %s its %s budget", name(m.Key()), over(m), tier)
	case regressed:
		if d := Difference(m); d != "" {
			return shape, name(m.Key()) + " is " + d
		}
		return shape, name(m.Key()) + " regressed"
	case missing:
		return shape, name(m.Key()) + " was not measured"
	case warning:
		return shape, name(m.Key()) + " is " + over(m) + " its warning budget"
	case undecided:
		return unclear(v)
	case overTarget:
		return shape, name(m.Key()) + " is " + over(m) + " its target"
	case isNew:
		return word, noFact(v)
	case improved:
		if d := Difference(m); d != "" {
			return shape, name(m.Key()) + " is " + d
		}
	}
	return "=", "unchanged"
}

// over is how a value stands to the limit that it broke.
func over(m *judge.Metric) string {
	if m.Better == run.Higher {
		return "under"
	}
	return "over"
}

// noFact is the headline of a verdict without a metric that says anything.
func noFact(v *judge.Verdict) string {
	switch {
	case len(v.Metrics) == 0:
		return "nothing was measured"
	case len(v.Baseline.Runs) > 0:
		return "there are new metrics"
	}
	return "no baseline yet"
}

// unclear is the headline of a verdict that nobody can draw.
func unclear(v *judge.Verdict) (shape, sentence string) {
	counts := make(map[judge.Change]int)
	for i := range v.Metrics {
		if !v.Metrics[i].Ignored {
			counts[v.Metrics[i].Change]++
		}
	}
	total := len(v.Metrics)
	switch n := counts[judge.Incomparable]; {
	case n > 0 && n >= counts[judge.Inconclusive]:
		return ofChange[judge.Incomparable].shape, fmt.Sprintf("%d of %d cannot be compared", n, total)
	default:
		return ofChange[judge.Inconclusive].shape, fmt.Sprintf("not enough samples to tell (%d of %d)", counts[judge.Inconclusive], total)
	}
}
