// Package github says verdicts as workflow commands of GitHub Actions, which
// shows them as annotations.
package github

import (
	"bufio"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
)

// most is how many annotations of a level a step may have: GitHub drops what
// comes after.
const most = 10

var commands = map[string]string{"error": "error", "warning": "warning", "note": "notice"}

// Annotations writes an annotation for each metric that needs a person,
// gravest first. Of more than ten of a level the last says how many there are.
func Annotations(w io.Writer, r *report.Report) error {
	out := bufio.NewWriter(w) // its first error is Flush's
	v := r.Verdict
	counts := make(map[string]int)
	metrics := report.ByGravity(v.Metrics)
	for i := range metrics {
		if m := &metrics[i]; report.NeedsPerson(m) {
			_, level := report.Problem(m)
			counts[level]++
		}
	}
	said := make(map[string]int)
	for i := range metrics {
		m := &metrics[i]
		if !report.NeedsPerson(m) {
			continue
		}
		about, level := report.Problem(m)
		said[level]++
		switch n := said[level]; {
		case n == most && counts[level] > most:
			annotate(out, level, nil, "performance", fmt.Sprintf("%d more metrics like these: see the report", counts[level]-most+1))
		case n <= most:
			place := report.PlaceOf(v, m)
			annotate(out, level, &place, title(m, about), message(r, m))
		}
	}
	if other := report.OtherReasons(v); len(other) > 0 {
		level := "warning"
		switch {
		case report.FailsBeside(v):
			level = "error"
		case v.Verdict == judge.Undecided:
			level = "note"
		}
		annotate(out, level, nil, "performance: "+string(v.Verdict), strings.Join(other, "\n"))
	}
	return out.Flush()
}

// title is what is wrong in a few words: startup +19.7%.
func title(m *judge.Metric, about string) string {
	switch row := report.RowOf(m); {
	case about == "regressed" && row.By != "":
		return row.Name + " " + row.By
	case about == "over-budget":
		return row.Name + " " + string(row.Status) + " " + row.Share
	}
	return m.Key() + " " + report.Change(m)
}

func message(r *report.Report, m *judge.Metric) string {
	note := r.NoteOf(m)
	if note == nil {
		return m.Key() + ": " + report.Change(m)
	}
	return strings.Join(append([]string{note.Lead}, note.More...), "\n")
}

// annotate writes one workflow command. The place is left out where it is not
// known, or where there is nothing in the repository to point at.
func annotate(out io.Writer, level string, place *report.Place, title, message string) {
	at := ""
	if place != nil && place.Column > 0 {
		if file, err := url.PathUnescape(place.File); err == nil {
			at = fmt.Sprintf("file=%s,line=%d,", property(file), place.Line)
		}
	}
	fmt.Fprintf(out, "::%s %stitle=%s::%s\n", commands[level], at, property(title), data(message))
}

var (
	escapeData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	escapeProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func data(s string) string     { return escapeData.Replace(s) }
func property(s string) string { return escapeProperty.Replace(s) }
