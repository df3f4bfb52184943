// Package csv says verdicts as comma-separated values, a line a metric.
package csv

import (
	"encoding/csv"
	"io"
	"math"
	"strconv"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
)

// columns are the first line.
var columns = []string{"metric", "unit", "better", "change", "ratio", "low", "high", "threshold", "baseline_n", "current_n",
	"baseline_median", "current_median", "rule", "p", "budget", "accepted"}

// Verdict writes the metrics of a verdict, gravest first, in base units. What
// is not known is empty.
func Verdict(w io.Writer, v *judge.Verdict) error {
	out := csv.NewWriter(w)
	out.Write(columns)
	for _, m := range report.ByGravity(v.Metrics) {
		out.Write(row(&m))
	}
	out.Flush()
	return out.Error() // of any Write
}

func row(m *judge.Metric) []string {
	fields := []string{m.Key(), m.Unit, string(m.Better), string(m.Change), optional(m.Ratio), "", "", number(m.Threshold),
		strconv.FormatInt(m.N[0], 10), strconv.FormatInt(m.N[1], 10), "", "", "", "", "", ""}
	if m.Interval != nil {
		fields[5], fields[6] = number(m.Interval[0]), number(m.Interval[1])
	}
	if m.Baseline != nil {
		fields[10] = number(m.Baseline.P50)
	}
	if m.Current != nil {
		fields[11] = number(m.Current.P50)
	}
	if m.Test != nil {
		fields[12], fields[13] = m.Test.Rule, optional(m.Test.P)
	}
	if m.Budget != nil {
		fields[14] = string(m.Budget.Status)
	}
	if m.Accepted != nil {
		fields[15] = m.Accepted.Reason
	}
	return fields
}

func optional(v *float64) string {
	if v == nil {
		return ""
	}
	return number(*v)
}

func number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
