package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/run"
)

// The rounds of each app and labels are one run, their samples in order.
func TestMergeRounds(t *testing.T) {
	t.Parallel()
	of := func(app, rows string, samples ...float64) run.Run {
		return run.Run{App: app, Labels: map[string]string{"rows": rows}, Metrics: []run.Metric{{Name: "m", Unit: "s", Samples: samples}}}
	}
	merged, err := mergeRounds([][]run.Run{{of("a", "1", 1, 2), of("a", "2", 3)}, {of("b", "1", 4), of("a", "1", 5)}, nil})
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string][]float64)
	for _, m := range merged {
		got[run.Key(m.whole.App, m.whole.Labels)] = m.whole.Metrics[0].Samples
		if len(m.rounds) > len(m.whole.Metrics[0].Samples) {
			t.Errorf("%d rounds of %v", len(m.rounds), m.whole.Metrics[0].Samples)
		}
	}
	want := map[string][]float64{"a{rows=1}": {1, 2, 5}, "a{rows=2}": {3}, "b{rows=1}": {4}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	one, other := of("a", "1", 1), of("a", "1", 1)
	other.Version = "2"
	if _, err := mergeRounds([][]run.Run{{one}, {other}}); err == nil {
		t.Error("rounds of different versions are merged")
	}
}
