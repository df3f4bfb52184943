package report

import (
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/judge"
)

func ratio(v float64) *float64 { return &v }

func TestByGravity(t *testing.T) {
	t.Parallel()
	budget := func(s judge.BudgetStatus) *judge.BudgetResult { return &judge.BudgetResult{Status: s} }
	metrics := []judge.Metric{
		{Name: "ignored", Change: judge.Regressed, Ignored: true},
		{Name: "memory.heap", Change: judge.Unchanged},
		{Name: "own", Change: judge.Unchanged},
		{Name: "held", Change: judge.Unchanged, Budget: budget(judge.Within)},
		{Name: "better", Change: judge.Improved},
		{Name: "fresh", Change: judge.New},
		{Name: "near", Change: judge.Unchanged, Budget: budget(judge.OverTarget)},
		{Name: "unsure", Change: judge.Inconclusive},
		{Name: "warned", Change: judge.Unchanged, Budget: budget(judge.OverWarning)},
		{Name: "lost", Change: judge.Missing},
		{Name: "lost.budget", Change: judge.Missing, Fails: true, Budget: budget(judge.NoBudget)},
		{Name: "slow", Change: judge.Regressed, Ratio: ratio(1.1), Fails: true},
		{Name: "slower", Change: judge.Regressed, Ratio: ratio(1.5), Fails: true},
		{Name: "accepted", Change: judge.Regressed, Ratio: ratio(3), Accepted: &judge.Accepted{}},
		{Name: "over", Change: judge.Unchanged, Budget: budget(judge.OverCritical), Fails: true},
	}
	var got []string
	people := ""
	for _, m := range ByGravity(metrics) {
		got = append(got, m.Name)
		if NeedsPerson(&m) {
			people = m.Name
		}
	}
	want := "over slower slow lost.budget lost warned unsure near fresh better held accepted own memory.heap ignored"
	if strings.Join(got, " ") != want || people != "unsure" {
		t.Errorf("%s, a person is needed up to %s\nwant %s, up to unsure", strings.Join(got, " "), people, want)
	}
}

// A reason that a row says itself is not said again.
func TestOtherReasons(t *testing.T) {
	t.Parallel()
	v := &judge.Verdict{
		Metrics: []judge.Metric{
			{Name: "a", Change: judge.Regressed, Reasons: []string{"a: 1.30x slower/higher"}},
			{Name: "b", Change: judge.Missing, Unit: "s"},
			{Name: "c", Change: judge.Incomparable, Warnings: []string{"the baseline is zero"}},
		},
		Reasons: []string{"a: 1.30x slower/higher", "b is missing: the baseline has it", `b is missing in "s": the current run has it in "ms"`,
			"c: the baseline is zero", "a: its level drifts by +7.0% with this run", "no baseline: none"},
	}
	if got := strings.Join(OtherReasons(v), "|"); got != "a: its level drifts by +7.0% with this run|no baseline: none" {
		t.Error(got)
	}
	if !NeedsAttention(v) || NeedsAttention(&judge.Verdict{Verdict: judge.Warn, Metrics: []judge.Metric{{Change: judge.New}}}) {
		t.Error("attention")
	}
}
