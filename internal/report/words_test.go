package report_test

import (
	"testing"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/report/reporttest"
	"github.com/pacer-perf/pacer/run"
)

func TestHeadline(t *testing.T) {
	t.Parallel()
	ratio := func(v float64) *float64 { return &v }
	budget := func(s judge.BudgetStatus) *judge.BudgetResult {
		limit, value := 1.0, 2.0
		return &judge.BudgetResult{Status: s, Statistic: "p95", Target: &limit, Warning: &limit, Critical: &limit, Value: &value}
	}
	quoted := func(s string) string { return "<" + s + ">" }
	of := func(word judge.Word, reasons []string, metrics ...judge.Metric) *judge.Verdict {
		return &judge.Verdict{Verdict: word, Reasons: reasons, Metrics: metrics, Baseline: judge.BaselineHead{Runs: make([]judge.Head, 1)}}
	}
	for _, tt := range []struct {
		want string
		v    *judge.Verdict
	}{
		{"↑ <startup> is 19.8% slower", reporttest.Worked().Verdict},
		{"◐ <startup> is over its target budget", reporttest.First().Verdict},
		{"✕ <export.csv{tracks=1000}> was not measured", reporttest.Elsewhere().Verdict},
		{"~ not enough samples to tell (1 of 8)", reporttest.Calm().Verdict},
		{"~ <no baseline: >", reporttest.Nothing()},
		{"■ <op> is over its critical budget", of(judge.Fail, nil, judge.Metric{Name: "op", Fails: true, Budget: budget(judge.OverCritical)})},
		{"▲ <op> is over its warning budget", of(judge.Warn, nil, judge.Metric{Name: "op", Change: judge.Unchanged, Budget: budget(judge.OverWarning)})},
		{"▲ <op> is under its warning budget", of(judge.Warn, nil, judge.Metric{Name: "op", Better: run.Higher, Change: judge.Unchanged, Budget: budget(judge.OverWarning)})},
		{"◐ <op> is over its target", of(judge.Warn, nil, judge.Metric{Name: "op", Change: judge.Unchanged, Budget: budget(judge.OverTarget)})},
		{"↓ <speed> is 30.0% slower", of(judge.Fail, nil, judge.Metric{Name: "speed", Unit: "items/s", Better: run.Higher, Change: judge.Regressed, Ratio: ratio(0.7), Fails: true})},
		{"↑ <memory> is 50.0% larger", of(judge.Fail, nil, judge.Metric{Name: "memory", Unit: "bytes", Better: run.Lower, Change: judge.Regressed, Ratio: ratio(1.5)})},
		{"↑ <allocs> regressed", of(judge.Fail, nil, judge.Metric{Name: "allocs", Change: judge.Regressed})},
		{"↓ <op> is 10.0% faster", of(judge.Pass, nil, judge.Metric{Name: "op", Unit: "s", Change: judge.Improved, Ratio: ratio(0.9)})},
		{"= unchanged", of(judge.Pass, nil, judge.Metric{Name: "op", Change: judge.Unchanged})},
		{"▲ <op: its level drifts>", of(judge.Warn, []string{"op: its level drifts"}, judge.Metric{Name: "op", Change: judge.Unchanged})},
		{"■ <the command failed>", of(judge.Fail, []string{"the command failed"}, judge.Metric{Name: "op", Change: judge.Unchanged})},
		{"= there are new metrics", of(judge.Pass, nil, judge.Metric{Name: "op", Change: judge.New})},
		{"= no baseline yet", &judge.Verdict{Verdict: judge.Pass, Metrics: []judge.Metric{{Name: "op", Change: judge.New}}}},
	} {
		shape, sentence := report.Headline(tt.v, quoted, quoted)
		if got := shape + " " + sentence; got != tt.want {
			t.Errorf("%s, want %s", got, tt.want)
		}
	}
}

// Counts counts what a person accepted, or the policy ignores, as that.
func TestCounts(t *testing.T) {
	t.Parallel()
	got := report.Counts([]judge.Metric{
		{Change: judge.Regressed}, {Change: judge.Regressed, Accepted: &judge.Accepted{}}, {Change: judge.Regressed, Ignored: true},
		{Change: judge.Unchanged, Budget: &judge.BudgetResult{Status: judge.OverCritical}},
	})
	if want := "1 over critical, 1 regressed, 1 accepted, 1 unchanged, 1 ignored"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A command is shown as a shell reads it back.
func TestLine(t *testing.T) {
	t.Parallel()
	w := report.Words{Run: "latest"}
	got := w.Line(report.Command{"accept", "table.filter{rows=1000}", "--reason", report.Reason, "it's", "", "a b"})
	if want := `pacer accept 'table.filter{rows=1000}' --reason "..." 'it'\''s' '' 'a b'`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
