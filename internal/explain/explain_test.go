package explain

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pacer-perf/pacer/run"
)

func tree(calls int64, own, search, score float64) *run.Run {
	n := float64(calls)
	return &run.Run{Stages: []run.Stage{
		{Path: "other", Count: 1, Total: 9, Self: 9},
		{Path: "track", Count: calls, Total: n * (own + search + score), Self: n * own},
		{Path: "track/search", Count: calls, Total: n * search, Self: n * search},
		{Path: "track/score", Count: 3 * calls, Total: n * score, Self: n * score},
		{Path: "tracks", Count: 1, Total: 7, Self: 7}, // a name that only begins alike
	}}
}

func TestStages(t *testing.T) {
	t.Parallel()
	// Per call, though the runs differ in how many there were.
	got := Stages([]*run.Run{tree(10, 1, 2, 3), tree(20, 1, 4, 3)}, tree(5, 1, 6, 4), "track")
	want := []Stage{
		{Path: "track/search", Baseline: 3, Current: 6, Delta: 3, Share: 0.75},
		{Path: "track/score", Baseline: 3, Current: 4, Delta: 1, Share: 0.25},
		{Path: "track", Baseline: 1, Current: 1},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-12)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A stage that is new carries all of its time, one that is gone none.
func TestStagesComeAndGo(t *testing.T) {
	t.Parallel()
	before, after := tree(10, 1, 2, 3), tree(10, 1, 2, 3)
	before.Stages[2].Path, after.Stages[2].Path = "track/old", "track/new"
	got := Stages([]*run.Run{before}, after, "track")
	if len(got) != 4 || got[0].Path != "track/new" || got[0].Share != 1 || got[0].Baseline != 0 || got[3].Path != "track/old" || got[3].Delta != -2 || got[3].Share != 0 {
		t.Errorf("%+v", got)
	}
}

func TestNoStages(t *testing.T) {
	t.Parallel()
	whole := tree(10, 1, 2, 3)
	alone := &run.Run{Stages: []run.Stage{{Path: "track", Count: 1, Total: 2, Self: 2}}}
	never := tree(0, 1, 2, 3)
	for _, tt := range []struct {
		name          string
		before, after *run.Run
	}{{"none before", &run.Run{}, whole}, {"none now", whole, &run.Run{}}, {"no stages below it", alone, alone}, {"never called", never, whole}} {
		if got := Stages([]*run.Run{tt.before}, tt.after, "track"); got != nil {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
	if got := Stages(nil, whole, "track"); got != nil {
		t.Errorf("no baseline: %+v", got)
	}
}

// The shares of what grew add up to one, or there is no growth.
func TestSharesAddUp(t *testing.T) {
	t.Parallel()
	for _, after := range []*run.Run{tree(3, 2, 1, 9), tree(3, 0.5, 1, 1), tree(7, 1, 2.5, 3)} {
		sum, grown := 0.0, false
		for _, s := range Stages([]*run.Run{tree(10, 1, 2, 3)}, after, "track") {
			sum += s.Share
			grown = grown || s.Delta > 0
		}
		if grown && math.Abs(sum-1) > 1e-12 || !grown && sum != 0 {
			t.Errorf("shares add up to %v", sum)
		}
	}
}
