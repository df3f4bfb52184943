// Package report says what a report holds; its subpackages say it in a medium.
package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// ByGravity returns the metrics of a verdict in the order in which a person
// wants them: what fails first, then budgets, then changes, then the rest with
// what every app has at the end, each by name.
func ByGravity(metrics []judge.Metric) []judge.Metric {
	list := slices.Clone(metrics)
	slices.SortStableFunc(list, func(a, b judge.Metric) int {
		return cmp.Or(cmp.Compare(gravity(&a), gravity(&b)), strings.Compare(a.Key(), b.Key()))
	})
	return list
}

func gravity(m *judge.Metric) int {
	status := judge.BudgetStatus("")
	if m.Budget != nil {
		status = m.Budget.Status
	}
	switch {
	case m.Fails:
		return 0
	case status == judge.OverCritical, status == judge.OverWarning:
		return 1
	case status == judge.OverTarget:
		return 2
	case m.Budget != nil:
		return 3
	case m.Ignored:
		return 7
	case m.Change == judge.Regressed, m.Change == judge.Missing, m.Change == judge.Inconclusive, m.Change == judge.Incomparable:
		return 4
	case m.Change == judge.Improved:
		return 5
	}
	for _, everybody := range []string{"memory.", "go.", "gc.", "process."} {
		if strings.HasPrefix(m.Name, everybody) {
			return 7
		}
	}
	return 6
}

// JSON returns the specification's report: timestamp, metrics and summary,
// with the verdict beside them. What was not measured is absent.
func JSON(r *run.Run, v *judge.Verdict, at time.Time) ([]byte, error) {
	document, err := r.Encode()
	if err != nil {
		return nil, err
	}
	document = bytes.TrimSpace(document)
	var flat map[string]json.RawMessage
	if err := json.Unmarshal(document, &flat); err != nil {
		return nil, err
	}
	summary := make(map[string]json.RawMessage)
	for _, key := range []string{"startup_time", "memory_usage", "processing_speed", "processing_metrics"} {
		if value, ok := flat[key]; ok {
			summary[key] = value
		}
	}
	// Put together by hand: an encoder would give every sample a line.
	var out bytes.Buffer
	fmt.Fprintf(&out, "{\n\"timestamp\": %q,\n\"metrics\": %s,\n\"summary\": ", at.UTC().Format(time.RFC3339Nano), document)
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(summary); err != nil {
		return nil, err
	}
	out.WriteString(",\n\"verdict\": ")
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	out.WriteString("}\n")
	return out.Bytes(), nil
}
