package text

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// manyRows is how many rows that need a person are shown unless all are
// wanted; manyNotes, of how many more is said than a row.
const (
	manyRows  = 50
	manyNotes = 20
)

// Verdict writes a verdict: what was compared, a table of the metrics, gravest
// first, a paragraph on each that is not plain, the doubts, and as the last
// line the word with its counts.
func Verdict(w io.Writer, r *report.Report, o Options) error {
	p, v := newPrinter(w, o), r.Verdict
	if !o.Quiet {
		p.heads(v, o)
	}
	if rows, left := chosen(report.Rows(v), o); len(rows) > 0 {
		if !o.Quiet {
			p.line("")
		}
		p.rows(rows, o)
		for _, l := range left {
			p.line("%s", l)
		}
		if !o.Quiet {
			p.footnotes(rows)
		}
	}
	p.below(r, o)
	p.last(v, o)
	return p.err
}

// below writes what stands below the table.
func (p *printer) below(r *report.Report, o Options) {
	if o.Quiet {
		return
	}
	if o.Verbose {
		p.samples(r.Verdict)
	}
	p.notes(r, o)
	p.reasons(r, o)
	p.warnings(r.Verdict)
	p.line("")
}

// chosen returns the rows that are shown, and says how many are not.
func chosen(rows []report.Row, o Options) (shown []report.Row, left []string) {
	people, quiet := 0, 0
	for _, row := range rows {
		switch {
		case report.NeedsPerson(row.Metric):
			if people++; people > manyRows && !o.All {
				continue
			}
		case o.Quiet:
			continue
		case row.Budget == nil && report.Plain(row.Metric):
			if quiet++; quiet > few && !o.All {
				continue
			}
		}
		shown = append(shown, row)
	}
	if o.All {
		return shown, nil
	}
	if people > manyRows {
		left = append(left, fmt.Sprintf("and %d more like these (--all shows them)", people-manyRows))
	}
	if quiet > few {
		left = append(left, fmt.Sprintf("and %d more, unchanged or new and without budget (--all shows them)", quiet-few))
	}
	return shown, left
}

// heads writes what was compared with what, and where.
func (p *printer) heads(v *judge.Verdict, o Options) {
	name, of := printable(report.App(&v.Current)), printable(report.RunName(&v.Current))
	base := printable(report.BaselineName(v))
	if of == base && len(v.Baseline.Runs) == 1 { // of the same code
		of, base = of+strings.TrimPrefix(when(&v.Current), " "), base+strings.TrimPrefix(when(&v.Baseline.Runs[0]), " ")
	}
	line := name + "  " + of
	if base != "" {
		line += "  against  " + base
	}
	if utf8.RuneCountInString(line) <= p.width {
		p.line("%s%s", p.paint(bold, name+"  "+of), strings.TrimPrefix(line, name+"  "+of))
	} else {
		p.line("%s", p.paint(bold, name))
		p.wrapped("  ", "    ", of)
		if base != "" {
			p.wrapped("  against ", "    ", base)
		}
	}
	fact := func(name, text string) {
		p.wrapped(fmt.Sprintf("%-12s ", name), strings.Repeat(" ", 13), text)
	}
	if o.Verbose {
		fact("run", v.Current.ID+when(&v.Current))
		for i := range v.Baseline.Runs {
			h := &v.Baseline.Runs[len(v.Baseline.Runs)-1-i] // newest first
			fact([]string{"against", ""}[min(i, 1)], h.ID+when(h)+"  "+report.RunName(h))
		}
	}
	switch {
	case base == "":
		fact("no baseline", v.Baseline.Chosen)
	case v.Baseline.Chosen != "":
		fact("baseline", v.Baseline.Chosen)
	}
	switch current, baseline := report.Environments(v); {
	case current != "" && baseline != "":
		fact("environment", current+"; "+baseline)
	case current != "":
		fact("environment", current)
	}
	if o.Verbose {
		fact("method", v.Policy.Rule)
	}
}

// footnotes explains the signs of the rows.
func (p *printer) footnotes(rows []report.Row) {
	if slices.ContainsFunc(rows, func(r report.Row) bool { return slices.Contains(r.Reasons, judge.TooSmall) }) {
		p.line("%s", p.paint(faint, "* by less than matters: min_change"))
	}
	if slices.ContainsFunc(rows, func(r report.Row) bool { return r.OtherStatistic }) {
		for _, line := range wrap(p.prose(), "", "", "changes are of the level of all samples, whatever statistic a budget is on") {
			p.line("%s", p.paint(faint, line))
		}
	}
}

// samples writes the distributions of both sides.
func (p *printer) samples(v *judge.Verdict) {
	p.line("")
	t := table{right: []bool{false, true, true, true, true, true, true}, limit: max(20, p.width-58)}
	t.add(cell{"SAMPLES", faint}, cell{"N", faint}, cell{"P50", faint}, cell{"P95", faint}, cell{"P99", faint}, cell{"MAX", faint})
	for _, m := range report.ByGravity(v.Metrics) {
		name := m.Key()
		for i, s := range []*run.Stats{m.Baseline, m.Current} {
			if s == nil {
				continue
			}
			show := func(x float64) cell { return cell{short(unit.FormatLike(x, s.P50, m.Unit)), plain} }
			t.add(cell{name + []string{" before", " now"}[i], plain}, cell{fmt.Sprint(m.N[i]), plain}, show(s.P50), show(s.P95), show(s.P99), show(s.Max))
		}
	}
	p.write(&t)
}

// notes writes what there is to say of the metrics that are not plain.
// Regressions come first, under the specification's heading.
func (p *printer) notes(r *report.Report, o Options) {
	metrics := report.ByGravity(r.Verdict.Metrics)
	elsewhere := report.Elsewhere(r.Verdict) != ""
	notes, left := 0, 0
	heading := "Performance regressions detected:"
	regression := func(m *judge.Metric) bool {
		return m.Change == judge.Regressed && m.Accepted == nil && !m.Ignored
	}
	slices.SortStableFunc(metrics, func(a, b judge.Metric) int {
		switch {
		case regression(&a) == regression(&b):
			return 0
		case regression(&a):
			return -1
		}
		return 1
	})
	for i := range metrics {
		m := &metrics[i]
		note := r.NoteOf(m)
		if note == nil || elsewhere && m.Change == judge.Incomparable && report.Status(m) == "" {
			continue
		}
		if notes++; notes > manyNotes && !o.All {
			left++
			continue
		}
		switch {
		case heading != "" && regression(m):
			p.line("")
			p.line("%s", p.paint(red, heading))
			heading = ""
		case notes == 1, heading == "" && !regression(m):
			p.line("")
			heading = "-" // the regressions are over
		}
		p.note(r, m, note, o)
	}
	if left > 0 {
		p.line("and %d more (--all shows them)", left)
	}
}

// note writes what there is to say of a metric, and what to do.
func (p *printer) note(r *report.Report, m *judge.Metric, note *report.Note, o Options) {
	symbol := report.Symbol(m, o.ASCII)
	lines := wrap(p.prose(), symbol+" ", "    ", note.Lead)
	lines[0] = p.paint(paintOf(m), symbol) + strings.TrimPrefix(lines[0], symbol)
	for _, line := range lines {
		p.line("%s", line)
	}
	for _, more := range note.More {
		p.wrapped("    ", "    ", more)
	}
	width := 0
	for _, do := range note.Do {
		width = max(width, len(do.What))
	}
	for _, do := range note.Do {
		// A command is never broken: it is there to be pasted.
		p.line("    %-*s  %s", width, do.What, p.paint(bold, printable(r.Words.Line(do.Command))))
	}
}

// reasons writes what keeps the verdict from a pass beside the metrics.
func (p *printer) reasons(r *report.Report, o Options) {
	symbols := map[bool]string{false: "≠ ", true: "/ "}
	first := true
	for _, reason := range report.OtherReasons(r.Verdict) {
		if first {
			p.line("")
			first = false
		}
		if strings.HasPrefix(reason, report.ElsewherePrefix) {
			p.wrapped(symbols[o.ASCII], "    ", "the baseline was measured elsewhere: "+report.Elsewhere(r.Verdict))
			p.wrapped("    ", "    ", "Changes are withheld; budgets are still checked. Measure the baseline on this machine, then:")
			p.line("    %s", p.paint(bold, r.Words.Line(report.Command{"baseline", "set", "latest"})))
			continue
		}
		p.wrapped("  - ", "    ", reason)
	}
}

// warnings writes the doubts.
func (p *printer) warnings(v *judge.Verdict) {
	list := slices.Clone(v.Warnings)
	for i := range v.Metrics {
		if m := &v.Metrics[i]; report.Plain(m) { // else a paragraph of its own has them
			for _, w := range m.Warnings {
				list = append(list, m.Key()+": "+w)
			}
		}
	}
	if len(list) > 0 {
		p.line("")
	}
	p.warned(list)
}

// last writes the last line: it is what remains on the screen.
func (p *printer) last(v *judge.Verdict, o Options) {
	how := map[judge.Word]paint{judge.Pass: green, judge.Warn: yellow, judge.Fail: red, judge.Undecided: yellow}
	word := p.paint(how[v.Verdict], strings.ToUpper(string(v.Verdict)))
	p.verdictLine(word, len(v.Verdict), v, o)
}

// verdictLine writes a word, the counts and how it ends, the counts above
// where all would be too wide for one line.
func (p *printer) verdictLine(word string, wide int, v *judge.Verdict, o Options) {
	counts := report.Counts(v.Metrics)
	size := report.Plural(len(v.Metrics), "metric")
	if o.Exit != "" {
		size += "; " + o.Exit
	}
	sep := "  "
	if word == "" {
		sep = ""
	}
	if wide+len(sep)+len(counts)+len(size)+4 > p.width {
		p.wrapped("", "", counts)
		p.line("%s%s(%s)", word, sep, size)
		return
	}
	p.line("%s%s%s  (%s)", word, sep, counts, size)
}
