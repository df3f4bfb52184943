package judge

import (
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/run"
)

// A metric that improves in neither direction is shown and decides nothing.
func TestNeither(t *testing.T) {
	t.Parallel()
	before, after := values("bytes", 1), values("bytes", 9)
	before.Better, after.Better = run.Neither, run.Neither
	m, v := judgeOne(t, Policy{}, after, before)
	if !m.Ignored || m.Fails || v.Verdict != Pass || m.Better != "" {
		t.Errorf("%s, ignored %v, better %q, verdict %s", m.Change, m.Ignored, m.Better, v.Verdict)
	}
	policy := Policy{Budgets: []Budget{{Metric: "op", Limits: map[Tier]Quantity{Target: {Value: 2, Unit: "bytes"}}}}}
	if m, v := judgeOne(t, policy, after, before); !m.Fails || v.Verdict != Fail {
		t.Errorf("a budget holds all the same: %s", v.Verdict)
	}
}

// A metric of which it is not known what is better is in doubt only where it
// would be a change in either direction.
func TestUnknownDirection(t *testing.T) {
	t.Parallel()
	for after, want := range map[float64]Change{1.1: Unchanged, 0.9: Unchanged, 1.3: Inconclusive, 0.7: Inconclusive} {
		if m, _ := judgeOne(t, Policy{}, values("flurb", after), values("flurb", 1)); m.Change != want {
			t.Errorf("1 to %v is %s, want %s", after, m.Change, want)
		}
	}
}

// What is exact is compared strictly, whatever its unit.
func TestExact(t *testing.T) {
	t.Parallel()
	before, after := values("s", 1), values("s", 1.01)
	before.Kind, after.Kind = run.ExactKind, run.ExactKind
	if m, _ := judgeOne(t, Policy{}, after, before); m.Change != Regressed || m.Test.Rule != ByCount {
		t.Errorf("%s by %+v", m.Change, m.Test)
	}
}

// A run in which something failed does not pass, whatever it measured; that
// something failed before is no matter.
func TestFailures(t *testing.T) {
	t.Parallel()
	good, bad := one(values("s", 1)), one(values("s", 1))
	bad.Failures = []string{"BenchmarkParse failed"}
	for _, tt := range []struct {
		current, baseline *run.Run
		want              Word
	}{{bad, good, Fail}, {good, bad, Pass}, {good, good, Pass}} {
		v, err := Judge(Case{Current: tt.current, Baseline: Baseline{Runs: []*run.Run{tt.baseline}}})
		if err != nil || v.Verdict != tt.want {
			t.Errorf("verdict %s, %v; want %s", v.Verdict, err, tt.want)
		}
		if tt.want == Fail && (len(v.Reasons) != 1 || !strings.Contains(v.Reasons[0], "BenchmarkParse failed")) {
			t.Errorf("reasons %q", v.Reasons)
		}
	}
}
