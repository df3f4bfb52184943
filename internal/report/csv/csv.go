// Package csv says verdicts and samples as comma-separated values (RFC 4180,
// but for lines that end in a line feed alone), in base units.
package csv

import (
	"encoding/csv"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/run"
)

// columns are the first line of Verdict.
var columns = []string{"metric", "unit", "better", "change", "ratio", "low", "high", "threshold", "baseline_n", "current_n",
	"baseline_median", "current_median", "rule", "p", "budget", "accepted", "statistic", "value", "target", "warning", "critical", "fails"}

// Verdict writes the metrics of a verdict, gravest first, a line a metric.
// What is not known is empty.
func Verdict(w io.Writer, r *report.Report) error {
	out := csv.NewWriter(w)
	out.Write(columns)
	for _, m := range report.ByGravity(r.Verdict.Metrics) {
		out.Write(row(&m))
	}
	out.Flush()
	return out.Error() // of any Write
}

func row(m *judge.Metric) []string {
	fields := make([]string, len(columns))
	copy(fields, []string{text(m.Key()), text(m.Unit), string(m.Better), text(string(m.Change)), optional(m.Ratio), "", "", number(m.Threshold),
		strconv.FormatInt(m.N[0], 10), strconv.FormatInt(m.N[1], 10)})
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
	if b := m.Budget; b != nil {
		fields[14], fields[16], fields[17] = string(b.Status), text(b.Statistic), optional(b.Value)
		fields[18], fields[19], fields[20] = optional(b.Target), optional(b.Warning), optional(b.Critical)
	}
	if m.Accepted != nil {
		fields[15] = text(m.Accepted.Reason)
	}
	fields[21] = strconv.FormatBool(m.Fails)
	return fields
}

// sampleColumns are the first line of Samples.
var sampleColumns = []string{"side", "run", "version", "commit", "metric", "unit", "index", "value"}

// Samples writes a line for each sample of the runs of both sides. A metric
// that keeps no samples has no lines.
func Samples(w io.Writer, r *report.Report) error {
	out := csv.NewWriter(w)
	out.Write(sampleColumns)
	for _, b := range r.Baseline {
		samples(out, "baseline", b)
	}
	if r.Current != nil {
		samples(out, "current", r.Current)
	}
	out.Flush()
	return out.Error()
}

func samples(out *csv.Writer, side string, r *run.Run) {
	for i := range r.Metrics {
		m := &r.Metrics[i]
		fields := []string{side, text(r.ID), text(r.Version), text(r.Commit), text(m.Key()), text(m.Unit), "", ""}
		for k, v := range m.Samples {
			fields[6], fields[7] = strconv.Itoa(k), number(v)
			out.Write(fields)
		}
	}
}

// text guards a cell against being taken for a formula.
func text(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
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
