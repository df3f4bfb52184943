package csv

import (
	"encoding/csv"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/report/reporttest"
	"github.com/pacer-perf/pacer/run"
)

func TestVerdict(t *testing.T) {
	t.Parallel()
	ratio, nan := 1.25, math.NaN()
	v := report.Report{Verdict: &judge.Verdict{Metrics: []judge.Metric{
		{Name: "z, \"quoted\"", Unit: "s", Change: judge.New, Current: &run.Stats{Count: 1, P50: nan}},
		{Name: "op", Unit: "s", Labels: map[string]string{"rows": "10"}, Better: run.Lower, Change: judge.Regressed, Fails: true, Ratio: &ratio,
			Interval: &[2]float64{1.2, 1.3}, Threshold: 0.05, N: [2]int64{10, 20}, Baseline: &run.Stats{P50: 1}, Current: &run.Stats{P50: 1.25},
			Test: &judge.Test{Rule: judge.ByStatistics}, Budget: &judge.BudgetResult{Status: judge.Within}, Accepted: &judge.Accepted{Reason: "worth it"}},
	}}}
	var out strings.Builder
	if err := Verdict(&out, &v); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("%v\n%s", err, out.String())
	}
	want := []string{"op{rows=10}", "s", "lower", "regressed", "1.25", "1.2", "1.3", "0.05", "10", "20", "1", "1.25", "statistics", "", "within", "worth it", "", "", "", "", "", "true"}
	if !slices.Equal(rows[0], columns) || !slices.Equal(rows[1], want) {
		t.Errorf("%q\nwant %q", rows[1], want)
	}
	if rows[2][0] != `z, "quoted"` || rows[2][11] != "" {
		t.Errorf("%q", rows[2])
	}
}

func TestWriteError(t *testing.T) {
	t.Parallel()
	if err := Verdict(&reporttest.Full{}, &report.Report{Verdict: &judge.Verdict{}}); !errors.Is(err, reporttest.ErrFull) {
		t.Errorf("%v", err)
	}
}

// Both files read back with as many cells in every line, and no cell begins as
// a formula does, whatever metrics are called.
func TestHostile(t *testing.T) {
	t.Parallel()
	for _, r := range []*report.Report{reporttest.Hostile(), reporttest.Worked()} {
		for name, write := range map[string]func(io.Writer, *report.Report) error{"verdict": Verdict, "samples": Samples} {
			var out strings.Builder
			if err := write(&out, r); err != nil {
				t.Fatal(err)
			}
			rows, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
			if err != nil || len(rows) < 3 {
				t.Fatalf("%s: %v\n%s", name, err, out.String())
			}
			for _, row := range rows {
				for i, c := range row {
					if _, err := strconv.ParseFloat(c, 64); c != "" && err != nil && strings.ContainsRune("=+-@", rune(c[0])) {
						t.Errorf("%s: column %s: %q", name, rows[0][i], c)
					}
				}
			}
		}
	}
	var out strings.Builder
	if err := Samples(&out, &report.Report{Verdict: &judge.Verdict{}}); err != nil || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("without runs: %v %q", err, out.String())
	}
}

func BenchmarkVerdict(b *testing.B) { reporttest.Bench(b, Verdict) }
