package csv

import (
	"encoding/csv"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

func TestVerdict(t *testing.T) {
	t.Parallel()
	ratio, nan := 1.25, math.NaN()
	v := judge.Verdict{Metrics: []judge.Metric{
		{Name: "z, \"quoted\"", Unit: "s", Change: judge.New, Current: &run.Stats{Count: 1, P50: nan}},
		{Name: "op", Unit: "s", Labels: map[string]string{"rows": "10"}, Better: run.Lower, Change: judge.Regressed, Fails: true, Ratio: &ratio,
			Interval: &[2]float64{1.2, 1.3}, Threshold: 0.05, N: [2]int64{10, 20}, Baseline: &run.Stats{P50: 1}, Current: &run.Stats{P50: 1.25},
			Test: &judge.Test{Rule: judge.ByStatistics}, Budget: &judge.BudgetResult{Status: judge.Within}, Accepted: &judge.Accepted{Reason: "worth it"}},
	}}
	var out strings.Builder
	if err := Verdict(&out, &v); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("%v\n%s", err, out.String())
	}
	want := []string{"op{rows=10}", "s", "lower", "regressed", "1.25", "1.2", "1.3", "0.05", "10", "20", "1", "1.25", "statistics", "", "within", "worth it"}
	if !slices.Equal(rows[0], columns) || !slices.Equal(rows[1], want) {
		t.Errorf("%q\nwant %q", rows[1], want)
	}
	if rows[2][0] != `z, "quoted"` || rows[2][11] != "" {
		t.Errorf("%q", rows[2])
	}
}

type broken struct{}

var errBroken = errors.New("broken")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteError(t *testing.T) {
	t.Parallel()
	if err := Verdict(broken{}, &judge.Verdict{}); !errors.Is(err, errBroken) {
		t.Errorf("%v", err)
	}
}
