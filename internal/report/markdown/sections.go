package markdown

import (
	"fmt"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
)

// reasons says what keeps the verdict from a pass beside the rows.
func (d *document) reasons() string {
	var b strings.Builder
	for i, reason := range report.OtherReasons(d.r.Verdict) {
		if i == 5 {
			break
		}
		if elsewhere := report.Elsewhere(d.r.Verdict); strings.HasPrefix(reason, report.ElsewherePrefix) {
			reason = "The baseline was measured elsewhere: " + elsewhere + ". Changes are withheld; budgets are still checked."
		}
		fmt.Fprintf(&b, "- %s\n", prose(escape(cut(reason, 500))))
	}
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	return b.String()
}

// stages says where the time of the gravest regression went.
func (d *document) stages() string {
	metrics := report.ByGravity(d.r.Verdict.Metrics)
	for i := range metrics {
		m := &metrics[i]
		s := report.MainStage(m)
		if s == nil || !report.NeedsPerson(m) {
			continue
		}
		return fmt.Sprintf("**Where the time went in %s:** the stage %s went from %s to %s a call, %s: %.0f %% of the increase.\n\n",
			code(cut(m.Key(), 200)), code(cut(s.Path, 200)), unit.Format(s.Baseline, unit.Seconds),
			unit.FormatLike(s.Current, s.Baseline, unit.Seconds), prose(report.Signed(s.Delta, unit.Seconds)), 100*s.Share)
	}
	return ""
}

// todo says what to do, in at most three steps.
func (d *document) todo() string {
	steps := d.r.Steps(3)
	if len(steps) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("**What to do**\n\n")
	for i, s := range steps {
		command := d.r.Words.Line(s.Do.Command)
		if len(command) > 1000 {
			continue
		}
		name := code(cut(s.Metric.Key(), 200))
		switch s.Do.Command[0] {
		case "why":
			with := ""
			if d.r.Words.Verdict != "" {
				with = ", with the verdict that this build kept"
			}
			fmt.Fprintf(&b, "%d. If it is not intended, see how %s was judged%s: %s\n", i+1, name, with, code(command))
		case "accept":
			fmt.Fprintf(&b, "%d. If it is intended, run %s and commit the change that it makes to `pacer.waivers.yaml`. This check then passes, and the reason is kept.\n", i+1, code(command))
		case "run", "bench":
			fmt.Fprintf(&b, "%d. %s has too few samples to tell%s: %s\n", i+1, name, needed(s.Metric), code(command))
		default:
			fmt.Fprintf(&b, "%d. %s was not measured. Renamed, or not run? %s\n", i+1, name, code(command))
		}
	}
	b.WriteString("\n")
	return b.String()
}

// needed says how many samples it would take.
func needed(m *judge.Metric) string {
	if m.Needed == nil {
		return ""
	}
	switch n := m.Needed; {
	case n.Samples > 0:
		return fmt.Sprintf(", it has %d and needs about %d", m.N[1], n.Samples)
	case n.Runs > 0:
		return fmt.Sprintf(", it takes about %s", report.Plural(n.Runs, "run"))
	}
	return ""
}

// fold writes a table that is folded away, as far as there is room for it.
func (d *document) fold(title string, rows []report.Row) {
	if len(rows) == 0 {
		return
	}
	if d.open {
		if d.add("**" + title + "**\n\n") {
			d.table(rows, 0)
		}
		return
	}
	const end = "</details>\n"
	if d.fits(d.size(title)+600) && d.add("<details><summary>"+title+"</summary>\n\n") {
		d.room -= d.size(end)
		d.table(rows, 0)
		d.out.WriteString(end)
	}
}

// method says where both sides were measured, and how changes are told.
func (d *document) method() string {
	v := d.r.Verdict
	current, baseline := report.Environments(v)
	var lines []string
	if current != "" {
		where := current
		if baseline != "" {
			where += "; " + baseline
		}
		lines = append(lines, prose(escape(cut(where, 600)))+".")
	}
	lines = append(lines, fmt.Sprintf("Regressed means that the change is beyond its threshold and that noise does not explain it, at %.3g %% confidence over all metrics together; inconclusive, that neither a regression nor its absence can be said.",
		100*v.Policy.Confidence))
	if n := len(v.Warnings); n > 0 {
		lines = append(lines, "")
		for i, w := range v.Warnings {
			if i == 10 {
				lines = append(lines, fmt.Sprintf("- and %d more", n-i))
				break
			}
			lines = append(lines, "- "+prose(escape(cut(w, 500))))
		}
	}
	text := strings.Join(lines, "\n") + "\n\n"
	if d.open {
		return "**Environment and method**\n\n" + text
	}
	return "<details><summary>Environment and method</summary>\n\n" + text + "</details>\n\n"
}

// foot says for which commit this is, when it was made, and by what.
func (d *document) foot(reported string) string {
	v := d.r.Verdict
	words := []string{"For " + code(cut(shortName(&v.Current), 100))}
	if !d.r.At.IsZero() {
		words[0] += " at " + d.r.At.UTC().Format("2006-01-02 15:04") + " UTC"
	} else if v.Current.Timestamp != nil {
		words[0] += " of " + v.Current.Timestamp.UTC().Format(time.DateOnly)
	}
	words[0] += reported + "."
	if d.r.Tool != "" {
		words = append(words, escape(d.r.Tool))
	}
	return "<sub>" + strings.Join(words, " ") + "</sub>\n"
}
