package text

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/run"
)

// moved is a trend with one metric of everything.
func moved() *report.Trend {
	startup := report.TrendMetric{Name: "startup", Unit: "s", Better: run.Lower, N: 10}
	for i := range 10 {
		v := 0.0002
		if i >= 6 {
			v = 0.0003
		}
		startup.Points = append(startup.Points, report.TrendPoint{Index: i, Value: v, Version: "1.0", Commit: "abcdef0123456",
			Time: time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC)})
	}
	at, ratio := startup.Points[6].Time, 1.5
	startup.ChangePoints = []report.ChangePoint{{Index: 6, At: 6, Time: &at, Version: "1.0", Commit: "abcdef0123456", Before: 0.0002, After: 0.0003,
		Ratio: &ratio, Interval: &[2]float64{1.45, 1.55}, Confidence: 0.999}}
	offset := report.TrendMetric{Name: "offset\x1b", Labels: map[string]string{"k": "v"}, App: "prog", RunLabels: map[string]string{"d": "1"}, N: 3,
		Points:       []report.TrendPoint{{Value: -1}, {Index: 1, Value: 1}, {Index: 4, Value: 1}},
		ChangePoints: []report.ChangePoint{{Index: 1, At: 1, Before: -1, After: 1, Difference: &[2]float64{1.5, 2.5}, Confidence: 0.95, Drift: true, End: 4}}}
	flat := report.TrendMetric{Name: "flat", Unit: "bytes", N: 1, Points: []report.TrendPoint{{Value: 1 << 20}}}
	return &report.Trend{Metrics: []report.TrendMetric{startup, offset, flat, {Name: "none"}}, Warnings: []string{"careful"}}
}

func TestTrend(t *testing.T) {
	t.Parallel()
	want := strings.TrimPrefix(`
startup  10 runs  2026-01-01 to 2026-01-10
  ▁▁▁▁▁▁████
        ^
  level 200.00µs -> 300.00µs, +50.0%, values 200.00µs to 300.00µs
  when       what        before       after change                  sure
  2026-01-07 abcdef012 200.00µs -> 300.00µs +50.0% +45.0% to +55.0% >99% worse

offset\x1b{k=v} of prog {d=1}  3 runs
  ▁██
   ^
  level -1 -> 1, values -1 to 1
  when  what before    after change                 sure
  row 1          -1 ~>     1        by 1.50 to 2.50  95%
  ~> it drifted there over many runs

flat  1 run
  ▁
  level 1.00MB, values 1.00MB to 1.00MB: no change points in 1 run

none  no values
warning: careful
`, "\n")
	var out bytes.Buffer
	if err := Trend(&out, moved(), Options{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	out.Reset()
	if err := Trend(&out, moved(), Options{ASCII: true}); err != nil {
		t.Fatal(err)
	}
	ascii := strings.NewReplacer("▁", "_", "█", "#", "µ", "u").Replace(want)
	if diff := cmp.Diff(ascii, out.String()); diff != "" {
		t.Errorf("in ASCII (-want +got):\n%s", diff)
	}
}

// Charts keep to 80 columns, show the extremes, and marks stand under the
// column of their point, however many points there are.
func TestChart(t *testing.T) {
	t.Parallel()
	for n := 1; n < 400; n++ {
		for _, at := range []int{0, n / 3, n - 1} {
			m := report.TrendMetric{N: n, ChangePoints: []report.ChangePoint{{At: at}}}
			values := make([]float64, n)
			for i := range values {
				if i >= at {
					values[i] = 1
				}
				m.Points = append(m.Points, report.TrendPoint{Index: i, Value: values[i]})
			}
			drawn := []rune(report.Blocks(values, chartWidth, false))
			column := utf8.RuneCountInString(marks(&m)) - 1
			if len(drawn) > chartWidth || column >= len(drawn) {
				t.Fatalf("n %d: %d columns, mark at %d", n, len(drawn), column)
			}
			first := column * n / len(drawn) // of the values of the column
			last := (column+1)*n/len(drawn) - 1
			if at < first || at > last {
				t.Fatalf("n %d: point %d is marked at column %d, which draws %d to %d", n, at, column, first, last)
			}
		}
	}
	for _, tt := range []struct {
		values []float64
		want   string
	}{
		{[]float64{0, 1, 2, 3, 4, 5, 6, 7}, "▁▂▃▄▅▆▇█"},
		{[]float64{5, 5}, "▁▁"},
		{[]float64{-1.7e308, 1.7e308}, "▁█"},
	} {
		if got := report.Blocks(tt.values, chartWidth, false); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.values, got, tt.want)
		}
	}
}

// Of many metrics, those that did not move take a line.
func TestTrendOfMany(t *testing.T) {
	t.Parallel()
	trend := &report.Trend{}
	for range few {
		trend.Metrics = append(trend.Metrics, moved().Metrics[2])
	}
	trend.Metrics = append(trend.Metrics, moved().Metrics[0])
	var out bytes.Buffer
	if err := Trend(&out, trend, Options{}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "flat  1.00MB, no change points in 1 run\n"); got != few {
		t.Errorf("%d lines of metrics that did not move, want %d:\n%s", got, few, &out)
	}
}
