package judge

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pacer-perf/pacer/run"
)

// A verdict survives its document.
func TestReadVerdict(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	current, base := sampledRun(rng, 5, 10, 1.3), sampledRun(rng, 5, 10, 1)
	current.Environment = &run.Environment{OS: "linux", Cores: 2}
	want, err := Judge(Case{Current: current, Baseline: Baseline{Runs: []*run.Run{base}}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadVerdict(strings.NewReader(string(text)), "verdict.json")
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, tt := range []struct{ text, want string }{
		{`{"schema": "pacer.verdict/v2"}`, "v.json: the schema is pacer.verdict/v2: this pacer reads pacer.verdict/v1"},
		{`{"schema": "pacer.run/v1"}`, `v.json: no verdict: expected "schema": "pacer.verdict/v1", found "pacer.run/v1"`},
		{`[]`, "v.json: no verdict: "},
		{``, "v.json: no verdict: "},
		{`{"schema": "pacer.verdict/v1", "metrics": [{"baseline": 1}]}`, "v.json: "},
	} {
		if _, err := ReadVerdict(strings.NewReader(tt.text), "v.json"); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.text, err, tt.want)
		}
	}
}
