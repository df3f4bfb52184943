package text

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/stat"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Run writes everything that a run measured.
func Run(w io.Writer, r *run.Run, o Options) error {
	p := newPrinter(w, o)
	head := judge.HeadOf(r)
	p.line("%s", p.paint(bold, title(&head)))
	p.facts(r)
	if len(r.Metrics) > 0 {
		p.line("")
		p.metrics(r)
	}
	p.callTree(r)
	p.noted("failed:", red, r.Failures)
	p.warned(slices.Concat(r.Warnings, r.Doubts))
	return p.err
}

// metrics writes a line for each metric. That a median is known to 2 % is how
// far its 95 % interval reaches.
func (p *printer) metrics(r *run.Run) {
	known := make([]string, len(r.Metrics))
	for i := range r.Metrics {
		if reach := stat.MedianPrecision(r.Metrics[i].Samples, 0.95); reach < 10 {
			known[i] = fmt.Sprintf("%.1f%%", 100*reach)
		}
	}
	with := slices.ContainsFunc(known, func(s string) bool { return s != "" })
	t := table{right: []bool{false, true, true, true, true, true, true}}
	row := func(name, n, median, known cell, extremes ...cell) {
		first := []cell{name, n, median}
		if with {
			first = append(first, known)
		}
		t.add(append(first, extremes...)...)
	}
	row(cell{"metric", faint}, cell{"n", faint}, cell{"median", faint}, cell{"known to", faint}, cell{"min", faint}, cell{"p95", faint}, cell{"max", faint})
	for i := range r.Metrics {
		m := &r.Metrics[i]
		s := m.Stats()
		show := func(v float64) cell { return cell{unit.Format(v, m.Unit), plain} }
		middle := show(s.P50)
		if math.IsNaN(s.P50) && !math.IsNaN(s.Mean) { // a summary of a tool that keeps no more
			middle.text = "mean " + unit.Format(s.Mean, m.Unit)
		}
		row(cell{m.Key(), plain}, cell{fmt.Sprint(m.Count()), plain}, middle, cell{known[i], faint}, show(s.Min), show(s.P95), show(s.Max))
	}
	if !t.fit(p.width) || t.needs() > p.width && t.needs()-p.width <= t.takes(len(t.rows[0])-3) {
		t.drop(len(t.rows[0]) - 3) // the least, which says least
		t.fit(p.width)
	}
	p.write(&t)
	if e := r.Environment; e != nil && e.Counters != "" && e.Counters != "hardware" && r.Find("process.cpu", nil) != nil && r.Find("process.instructions", nil) == nil {
		for _, line := range wrap(p.prose(), "", "  ", "not measured: process.instructions; no hardware counters: "+e.Counters) {
			p.line("%s", p.paint(faint, line))
		}
	}
}

// facts writes what a run is of, and where it was made.
func (p *printer) facts(r *run.Run) {
	fact := func(name, value string) {
		if value != "" {
			p.wrapped(fmt.Sprintf("%-12s ", name), strings.Repeat(" ", 13), value)
		}
	}
	fact("run", r.ID)
	if !r.Timestamp.IsZero() {
		fact("time", r.Timestamp.Local().Format("2006-01-02 15:04:05 -0700"))
	}
	commit := r.Commit
	if r.Dirty {
		commit += " and changes that are not committed"
	}
	fact("commit", commit)
	fact("branch", r.Branch)
	if len(r.Command) > 0 {
		for i, line := range commandLines(r.Command, p.width-13) {
			p.line("%-12s %s", map[bool]string{true: "command"}[i == 0], line)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(r.Items)) {
		fact("items", fmt.Sprintf("%d %s", r.Items[kind], kind))
	}
	for i := range r.Metrics {
		if m := &r.Metrics[i]; m.Name == "memory.per_item" {
			each, _ := m.Center()
			fact("memory", fmt.Sprintf("1,000 %s cost %s", m.Labels["items"], unit.Format(1000*each, m.Unit)))
		}
	}
	environment := report.Environment(r.Environment)
	if e := r.Environment; e != nil && e.Host != "" {
		environment = strings.TrimPrefix(environment+", host "+e.Host, ", ")
	}
	fact("environment", environment)
}

// commandLines breaks a command into lines of at most width characters, which a
// shell takes for one: it is there to be pasted. A word is never broken.
func commandLines(words []string, width int) (lines []string) {
	const more = " \\"
	for i, w := range words {
		word := printable(report.Shell(w))
		last := len(lines) - 1
		if i == 0 {
			lines = append(lines, word)
			continue
		}
		room := width - len(more)
		if i == len(words)-1 {
			room = width
		}
		if utf8.RuneCountInString(lines[last])+1+utf8.RuneCountInString(word) <= room {
			lines[last] += " " + word
			continue
		}
		lines[last] += more
		lines = append(lines, "  "+word)
	}
	return lines
}

// callTree writes the stages of a run.
func (p *printer) callTree(r *run.Run) {
	if len(r.Stages) == 0 {
		return
	}
	p.line("")
	t := table{right: []bool{false, true, true, true, true}}
	t.add(cell{"stage", faint}, cell{"count", faint}, cell{"total", faint}, cell{"self", faint}, cell{})
	roots := 0.0
	for _, s := range r.Stages {
		if !strings.Contains(s.Path, "/") {
			roots += s.Total
		}
	}
	for _, s := range r.Stages {
		share := ""
		if roots > 0 {
			share = fmt.Sprintf("%.1f%%", 100*s.Self/roots)
		}
		t.add(cell{s.Path, plain}, cell{fmt.Sprint(s.Count), plain}, cell{unit.Format(s.Total, unit.Seconds), plain},
			cell{unit.Format(s.Self, unit.Seconds), plain}, cell{share, plain})
	}
	t.fit(p.width)
	p.write(&t)
}

// title names what a run is of: app, version, labels.
func title(h *judge.Head) string {
	words := make([]string, 0, 3)
	for _, word := range []string{h.App, h.Version, labels(h.Labels)} {
		if word != "" {
			words = append(words, word)
		}
	}
	if len(words) == 0 {
		return "unnamed app"
	}
	return printable(strings.Join(words, " "))
}

func labels(m map[string]string) string {
	if len(m) == 0 {
		return ""
	}
	return run.Key("", m)
}

// Log writes one line for each run.
func Log(w io.Writer, heads []run.Run, o Options) error {
	if len(heads) == 0 {
		_, err := fmt.Fprintln(w, "no runs")
		return err
	}
	t := table{right: []bool{false, false, false, false, false}}
	t.add(cell{"run", faint}, cell{"time", faint}, cell{"app", faint}, cell{"commit", faint}, cell{"labels", faint})
	for i := range heads {
		h := &heads[i]
		commit := h.Commit[:min(9, len(h.Commit))]
		if h.Dirty {
			commit += "+"
		}
		if h.Branch != "" {
			commit = strings.TrimSpace(commit + " " + h.Branch)
		}
		t.add(cell{h.ID, bold}, cell{h.Timestamp.Local().Format("2006-01-02 15:04"), plain},
			cell{strings.TrimSpace(h.App + " " + h.Version), plain}, cell{commit, plain}, cell{labels(h.Labels), plain})
	}
	p := newPrinter(w, o)
	p.write(&t)
	return p.err
}
