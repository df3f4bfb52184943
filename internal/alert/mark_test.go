package alert

import (
	"testing"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// Flags are given for what was acknowledged or muted, where it was, as bad as
// it was.
func TestMark(t *testing.T) {
	t.Parallel()
	a := derive(Case{}, track(levels(1, 0.01, 20, 1, 1.2)...))[0]
	verdict := func(ratio float64) *judge.Verdict {
		return &judge.Verdict{Verdict: judge.Fail, Current: judge.Head{ID: "X", App: "app", Version: "1.40"}, Metrics: []judge.Metric{
			{Name: "startup", Unit: "s", Better: run.Lower, Change: judge.Regressed, Ratio: &ratio, Threshold: 0.05, Fails: true},
			{Name: "startup", Unit: "bytes", Change: judge.Regressed, Ratio: &ratio},
			{Name: "other", Unit: "s", Change: judge.Unchanged},
		}}
	}
	for _, tt := range []struct {
		name   string
		kind   history.ActKind
		until  *history.Until
		ratio  float64
		here   bool
		now    int
		want   string // muted, acknowledged, or nothing
		undone bool
	}{
		{name: "acknowledged", kind: history.Acknowledged, ratio: 1.2, here: true, want: "acknowledged"},
		{name: "acknowledged, and worse", kind: history.Acknowledged, ratio: 1.3, here: true},
		{name: "acknowledged elsewhere", kind: history.Acknowledged, ratio: 1.2},
		{name: "dismissed", kind: history.Dismissed, ratio: 1.2, here: true},
		{name: "undone", kind: history.Acknowledged, ratio: 1.2, here: true, undone: true},
		{name: "muted until worse", kind: history.Muted, until: &history.Until{WorseBy: 0.2, Value: 1.2}, ratio: 1.4, here: true, want: "muted"},
		{name: "muted until worse, and worse", kind: history.Muted, until: &history.Until{WorseBy: 0.2, Value: 1.2}, ratio: 1.5, here: true},
		{name: "muted elsewhere", kind: history.Muted, until: &history.Until{Version: "2.0"}, ratio: 1.2},
		{name: "muted everywhere", kind: history.Muted, until: &history.Until{Version: "2.0", AnyEnvironment: true}, ratio: 1.2, want: "muted"},
		{name: "muted until its version", kind: history.Muted, until: &history.Until{Version: "1.40"}, ratio: 1.2, here: true},
		{name: "muted until a date", kind: history.Muted, until: &history.Until{Time: day(60)}, ratio: 1.2, here: true, now: 59, want: "muted"},
		{name: "muted until a date that is past", kind: history.Muted, until: &history.Until{Time: day(60)}, ratio: 1.2, here: true, now: 60},
	} {
		l := &log{t: t}
		n := l.act(a, tt.kind, day(40), func(act *history.Act) { act.Until = tt.until }).N
		if tt.undone {
			l.act(a, history.Undone, day(41), func(act *history.Act) { act.Undoes = n })
		}
		v := verdict(tt.ratio)
		Mark(v, l.acts, func(f *history.Finding) bool { return tt.here && f.Run == "R020" }, day(max(tt.now, 41)))
		m := &v.Metrics[0]
		got := ""
		switch {
		case m.Muted != nil && m.Acknowledged == nil && m.Muted.Until == Ends(tt.until):
			got = "muted"
		case m.Acknowledged != nil && m.Muted == nil && m.Acknowledged.Author == "somebody":
			got = "acknowledged"
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q (%+v, %+v)", tt.name, got, tt.want, m.Muted, m.Acknowledged)
		}
		if !m.Fails || v.Verdict != judge.Fail {
			t.Errorf("%s: it decides something", tt.name)
		}
		if v.Metrics[1].Muted != nil || v.Metrics[1].Acknowledged != nil {
			t.Errorf("%s: another metric is flagged", tt.name)
		}
	}
}
