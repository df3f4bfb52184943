package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// The report is the specification's object with the verdict beside it, and its
// metrics are the run document as it is.
func TestJSON(t *testing.T) {
	t.Parallel()
	r, err := run.Read(strings.NewReader(`{"startup_time": 2.5, "memory_usage": 104857600, "version": "1.0.0"}`), "run.json")
	if err != nil {
		t.Fatal(err)
	}
	v, err := judge.Judge(judge.Case{Current: &r, Baseline: judge.Baseline{First: true}})
	if err != nil {
		t.Fatal(err)
	}
	body, err := JSON(&r, &v, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Timestamp string
		Metrics   json.RawMessage
		Summary   map[string]float64
		Verdict   struct{ Verdict string }
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("%v in\n%s", err, body)
	}
	want := map[string]float64{"startup_time": 2.5, "memory_usage": 104857600} // no speed was measured
	if diff := cmp.Diff(want, got.Summary); diff != "" || got.Timestamp != "2026-01-02T03:04:05Z" || got.Verdict.Verdict != "pass" {
		t.Errorf("timestamp %s, verdict %s, summary (-want +got):\n%s", got.Timestamp, got.Verdict.Verdict, diff)
	}
	if again, err := run.Read(bytes.NewReader(got.Metrics), "report"); err != nil || again.ID != r.ID {
		t.Errorf("the run in it: %s, %v", again.ID, err)
	}
}
