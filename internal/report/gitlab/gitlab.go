// Package gitlab says verdicts in the two formats that GitLab shows in merge
// requests: code quality reports and metrics reports.
package gitlab

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/run"
)

type violation struct {
	Description string   `json:"description"`
	Check       string   `json:"check_name"`
	Fingerprint string   `json:"fingerprint"`
	Severity    string   `json:"severity"` // info, minor, major, critical or blocker
	Location    location `json:"location"`
}

type location struct {
	Path  string `json:"path"`
	Lines lines  `json:"lines"`
}

type lines struct {
	Begin int `json:"begin"`
}

var severities = map[string]string{"error": "critical", "warning": "major", "note": "info"}

// CodeQuality writes a code quality report (artifacts:reports:codequality): a
// violation for each metric that needs a person. It points at the policy, for
// a measurement has no line of code.
func CodeQuality(w io.Writer, r *report.Report) error {
	list := []violation{}
	metrics := report.ByGravity(r.Verdict.Metrics)
	for i := range metrics {
		m := &metrics[i]
		if !report.NeedsPerson(m) {
			continue
		}
		about, level := report.Problem(m)
		text := m.Key() + ": " + report.Change(m)
		if note := r.NoteOf(m); note != nil {
			text = note.Lead
		}
		if about == "over-budget" && m.Budget.Status == judge.OverCritical {
			level = "error"
		}
		place := report.PlaceOf(r.Verdict, m)
		hash := sha256.Sum256([]byte(r.Verdict.App + "\x00" + about + "\x00" + m.Key() + "\x00" + m.Unit))
		list = append(list, violation{
			Description: text, Check: "pacer/" + about, Fingerprint: hex.EncodeToString(hash[:16]),
			Severity: severities[level], Location: location{place.File, lines{place.Line}},
		})
	}
	if report.FailsBeside(r.Verdict) {
		text := strings.Join(report.OtherReasons(r.Verdict), "; ")
		hash := sha256.Sum256([]byte(r.Verdict.App + "\x00verdict"))
		place := report.PlaceOf(r.Verdict, &judge.Metric{})
		list = append(list, violation{text, "pacer/verdict", hex.EncodeToString(hash[:16]), "critical", location{place.File, lines{place.Line}}})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(list)
}

// Metrics writes a metrics report (artifacts:reports:metrics): the values of
// the current run in base units, in the text format of OpenMetrics. GitLab
// compares them with those of the target branch by itself.
func Metrics(w io.Writer, r *report.Report) error {
	out := bufio.NewWriter(w) // its first error is Flush's
	metrics := slices.Clone(r.Verdict.Metrics)
	slices.SortStableFunc(metrics, func(a, b judge.Metric) int { return strings.Compare(a.Key(), b.Key()) })
	for i := range metrics {
		m := &metrics[i]
		for _, s := range statistics(m) {
			labels := maps.Clone(m.Labels)
			if labels == nil {
				labels = make(map[string]string)
			}
			labels["statistic"] = s.name
			if m.Unit != "" {
				labels["unit"] = m.Unit
			}
			fmt.Fprintf(out, "%s%s %s\n", metricName(m.Name), labelSet(labels), strconv.FormatFloat(s.value, 'g', -1, 64))
		}
	}
	fmt.Fprint(out, "# EOF\n")
	return out.Flush()
}

type statistic struct {
	name  string
	value float64
}

// statistics are those that are worth a line: the median, and the one that the
// metric has a budget on.
func statistics(m *judge.Metric) []statistic {
	var list []statistic
	add := func(name string, value float64) {
		if !math.IsNaN(value) && !math.IsInf(value, 0) && !slices.ContainsFunc(list, func(s statistic) bool { return s.name == name }) {
			list = append(list, statistic{name, value})
		}
	}
	if s := m.Current; s != nil {
		for _, name := range []string{"median", "mean"} {
			if v, err := (&run.Metric{Summary: s}).Statistic(name); err == nil && len(list) == 0 {
				add(name, v)
			}
		}
	}
	if b := m.Budget; b != nil && b.Value != nil {
		add(b.Statistic, *b.Value)
	}
	return list
}

// metricName writes a name in the letters that OpenMetrics allows.
func metricName(name string) string {
	var b strings.Builder
	for i, r := range name {
		switch {
		case r == '_' || r == ':' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' && i > 0:
			b.WriteRune(r)
		default:
			b.WriteByte('_')
		}
	}
	return b.String()
}

// labelSet writes labels as OpenMetrics does; names that are alike once
// written keep the value of the first.
func labelSet(labels map[string]string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	var parts []string
	seen := make(map[string]bool)
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		name := strings.ReplaceAll(metricName(k), ":", "_")
		if !seen[name] {
			seen[name] = true
			parts = append(parts, name+`="`+escape.Replace(strings.ToValidUTF8(labels[k], "\uFFFD"))+`"`)
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}
