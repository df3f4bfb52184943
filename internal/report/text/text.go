// Package text says verdicts, runs and lists of runs in a terminal, in 80
// columns, with words beside every colour.
package text

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Options holds what the terminal can do and the reader wants. The zero value
// is plain text.
type Options struct {
	Color bool
	All   bool // also the many metrics that are unchanged and have no budget
}

// few is how many metrics without budget and without change are shown unless
// all are wanted.
const few = 12

// nameWidth is the width that the first column may have, so that the lines
// keep to 80 columns.
const nameWidth = 22

// Verdict writes a verdict: what was compared, a table of the metrics, gravest
// first, the reasons, the warnings, and the word.
func Verdict(w io.Writer, v *judge.Verdict, o Options) error {
	p := printer{w: w, color: o.Color}
	p.heads(v)
	if len(v.Metrics) > 0 {
		p.line("")
		left := p.table(v, o)
		if left > 0 {
			p.line("and %d more, unchanged or new and without budget (--all shows them)", left)
		}
	}
	p.reasons(v)
	p.warnings(v)
	p.line("")
	word := map[judge.Word]paint{judge.Pass: green, judge.Warn: yellow, judge.Fail: red, judge.Undecided: yellow}
	p.line("verdict: %s", p.paint(word[v.Verdict], string(v.Verdict)))
	return p.err
}

// warnings writes the doubts.
func (p *printer) warnings(v *judge.Verdict) {
	list := slices.Concat(v.Warnings, metricWarnings(v))
	if len(list) > 0 {
		p.line("")
	}
	for _, warning := range list {
		for i, line := range wrap("warning: ", "  ", warning) {
			if rest, first := strings.CutPrefix(line, "warning:"); first && i == 0 {
				line = p.paint(yellow, "warning:") + rest
			}
			p.line("%s", line)
		}
	}
}

type printer struct {
	w     io.Writer
	color bool
	err   error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) paint(how paint, s string) string { return painted(s, how, p.color) }

// heads writes what was compared with what.
func (p *printer) heads(v *judge.Verdict) {
	p.line("%s", p.paint(bold, title(&v.Current)))
	p.line("run       %s%s", v.Current.ID, when(&v.Current))
	if len(v.Baseline.Runs) == 0 {
		p.line("baseline  none: %s", printable(v.Baseline.Chosen))
		return
	}
	const shown = 3
	for i := range v.Baseline.Runs {
		h := &v.Baseline.Runs[len(v.Baseline.Runs)-1-i] // newest first
		if i == shown && len(v.Baseline.Runs) > shown+1 {
			p.line("          and %d more", len(v.Baseline.Runs)-shown)
			break
		}
		p.line("%-9s %s%s", []string{"baseline", ""}[min(i, 1)], h.ID, when(h))
		if name := title(h); name != title(&v.Current) {
			p.line("          %s", name)
		}
	}
	p.wrapped("          ", "          ", v.Baseline.Chosen)
}

// when is the time of a run, as a column of its own.
func when(h *judge.Head) string {
	if h.Timestamp == nil {
		return ""
	}
	return "  " + h.Timestamp.Local().Format("2006-01-02 15:04:05")
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

// table writes the metrics and returns how many it left out.
func (p *printer) table(v *judge.Verdict, o Options) (left int) {
	t := table{right: []bool{false, false, true, false, true, true, false}, gaps: []int{1, 1, 2, 1, 1, 1}, limit: nameWidth}
	t.add(cell{"metric", faint}, cell{}, cell{"value", faint}, cell{"budget", faint}, cell{}, cell{"change", faint}, cell{})
	boring, small := 0, false
	for _, m := range report.ByGravity(v.Metrics) {
		if m.Budget == nil && (m.Change == judge.Unchanged || m.Change == judge.New) {
			if boring++; boring > few && !o.All {
				left++
				continue
			}
		}
		row := metricRow(&m)
		if slices.Contains(m.Reasons, judge.TooSmall) {
			row[len(row)-1].text += "*"
			small = true
		}
		t.add(row...)
	}
	if p.err == nil {
		p.err = t.write(p.w, p.color)
	}
	if small {
		p.line("%s", p.paint(faint, "* by less than matters: min_change"))
	}
	return left
}

func metricRow(m *judge.Metric) []cell {
	statistic, value := "median", math.NaN()
	switch {
	case m.Levels != nil:
		statistic = "level"
	case m.Test != nil:
		statistic = m.Statistic
	}
	if m.Current != nil {
		value = m.Current.P50
		switch {
		case m.Levels != nil:
			value = m.Levels[1]
		case math.IsNaN(value):
			statistic, value = "mean", m.Current.Mean
		}
	}
	status, limit := cell{"", plain}, ""
	if b := m.Budget; b != nil {
		if b.Statistic != "" {
			statistic = b.Statistic
		}
		value = math.NaN()
		if b.Value != nil {
			value = *b.Value
		}
		how := map[judge.BudgetStatus]paint{judge.Within: green, judge.OverTarget: yellow, judge.OverWarning: yellow, judge.OverCritical: red}
		word := string(b.Status)
		if b.Status == judge.NoBudget {
			word = "not measured"
		}
		status = cell{word, how[b.Status]}
		if _, v, ok := b.Limit(); ok {
			limit = unit.Format(v, m.Unit)
		}
	}
	change := ""
	if m.Ratio != nil {
		change = unit.Percent(*m.Ratio)
	}
	return []cell{{m.Key(), plain}, {statistic, faint}, {unit.Format(value, m.Unit), bold}, status, {limit, plain}, {change, plain}, word(m)}
}

// word says the change.
func word(m *judge.Metric) cell {
	how := map[judge.Change]paint{judge.Regressed: red, judge.Improved: green, judge.Missing: yellow, judge.Inconclusive: yellow, judge.Incomparable: yellow}
	switch {
	case m.Accepted != nil:
		return cell{string(m.Change) + ", accepted", yellow}
	case m.Ignored:
		return cell{string(m.Change) + ", ignored", faint}
	}
	return cell{string(m.Change), how[m.Change]}
}

// reasons writes what keeps the verdict from a plain pass. Regressions come in
// the specification's words, with where the time went.
func (p *printer) reasons(v *judge.Verdict) {
	metrics := report.ByGravity(v.Metrics)
	said := metricWarnings(v) // they follow
	title := "Performance regressions detected:"
	for i := range metrics {
		m := &metrics[i]
		if m.Change != judge.Regressed || m.Accepted != nil || m.Ignored {
			continue
		}
		if title != "" {
			p.line("")
			p.line("%s", p.paint(red, title))
			title = ""
		}
		p.item(m.Reasons[0])
		for _, r := range m.Reasons[1:] {
			if !slices.Contains(v.Reasons, r) {
				p.wrapped("    ", "    ", r)
			}
		}
		p.stages(m)
		said = append(said, m.Reasons...)
	}
	first := true
	for i := range metrics {
		if m := &metrics[i]; m.Accepted != nil {
			if first {
				p.line("")
				first = false
			}
			p.item(fmt.Sprintf("%s, accepted: %s (it ends %s)", m.Reasons[0], m.Accepted.Reason, m.Accepted.Until))
		}
	}
	for _, r := range v.Reasons {
		if slices.Contains(said, r) {
			continue
		}
		if first {
			p.line("")
			first = false
		}
		p.item(r)
	}
}

// item writes one thing of a list.
func (p *printer) item(text string) { p.wrapped("  - ", "    ", text) }

// width is how wide a line of prose gets.
const width = 80

// wrapped writes prose.
func (p *printer) wrapped(first, rest, text string) {
	for _, line := range wrap(first, rest, text) {
		p.line("%s", line)
	}
}

// wrap breaks prose into lines of at most width characters, the first of which
// begins with first, the others with rest.
func wrap(first, rest, text string) (lines []string) {
	line, used := first, utf8.RuneCountInString(first)
	empty := true
	for word := range strings.FieldsSeq(printable(text)) {
		n := utf8.RuneCountInString(word)
		if !empty && used+1+n > width {
			lines = append(lines, line)
			line, used, empty = rest, len(rest), true
		}
		if !empty {
			line, used = line+" ", used+1
		}
		line, used, empty = line+word, used+n, false
	}
	return append(lines, line)
}

// fewStages is how many stages of a regression are shown.
const fewStages = 5

// stages writes which stages carry the change of a metric.
func (p *printer) stages(m *judge.Metric) {
	if len(m.Stages) == 0 {
		return
	}
	t := table{right: []bool{false, true, true, true, true}, gaps: []int{2, 2, 2, 2}, limit: 38, indent: 4}
	t.add(cell{"self time of a call", faint}, cell{"before", faint}, cell{"now", faint}, cell{"more", faint}, cell{"share", faint})
	for i, s := range m.Stages {
		if i == fewStages || i > 0 && s.Share < 0.01 {
			break
		}
		sign := ""
		if s.Delta >= 0 {
			sign = "+"
		}
		t.add(cell{s.Path, plain}, cell{unit.Format(s.Baseline, unit.Seconds), plain}, cell{unit.Format(s.Current, unit.Seconds), plain},
			cell{sign + unit.Format(s.Delta, unit.Seconds), plain}, cell{fmt.Sprintf("%.0f%%", 100*s.Share), bold})
	}
	if p.err == nil {
		p.err = t.write(p.w, p.color)
	}
}

// metricWarnings returns the warnings of single metrics.
func metricWarnings(v *judge.Verdict) []string {
	var list []string
	for i := range v.Metrics {
		m := &v.Metrics[i]
		for _, w := range m.Warnings {
			list = append(list, m.Key()+": "+w)
		}
	}
	return list
}

// Run writes everything that a run measured.
func Run(w io.Writer, r *run.Run, o Options) error {
	p := printer{w: w, color: o.Color}
	head := judge.HeadOf(r)
	p.line("%s", p.paint(bold, title(&head)))
	facts := table{right: []bool{false, false}}
	fact := func(name, value string) {
		if value != "" {
			facts.add(cell{name, faint}, cell{value, plain})
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
	fact("command", quoted(r.Command))
	for _, kind := range slices.Sorted(maps.Keys(r.Items)) {
		fact("items", fmt.Sprintf("%d %s", r.Items[kind], kind))
	}
	for i := range r.Metrics {
		if m := &r.Metrics[i]; m.Name == "memory.per_item" {
			each, _ := m.Center()
			fact("memory", fmt.Sprintf("1,000 %s cost %s", m.Labels["items"], unit.Format(1000*each, m.Unit)))
		}
	}
	fact("environment", environment(r.Environment))
	if p.err == nil {
		p.err = facts.write(w, o.Color)
	}
	if len(r.Metrics) > 0 {
		p.line("")
		t := table{right: []bool{false, true, true, true, true}, limit: 40}
		t.add(cell{"metric", faint}, cell{"n", faint}, cell{"median", faint}, cell{"p95", faint}, cell{"max", faint})
		for i := range r.Metrics {
			m := &r.Metrics[i]
			s := m.Stats()
			show := func(v float64) cell { return cell{unit.Format(v, m.Unit), plain} }
			t.add(cell{m.Key(), plain}, cell{fmt.Sprint(m.Count()), plain}, show(s.P50), show(s.P95), show(s.Max))
		}
		if p.err == nil {
			p.err = t.write(w, o.Color)
		}
	}
	if len(r.Stages) > 0 {
		p.line("")
		t := table{right: []bool{false, true, true, true, true}, limit: 40}
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
		if p.err == nil {
			p.err = t.write(w, o.Color)
		}
	}
	for _, warning := range slices.Concat(r.Warnings, r.Doubts) {
		p.line("%s %s", p.paint(yellow, "warning:"), printable(warning))
	}
	return p.err
}

// quoted writes a command line so that a shell would read it back.
func quoted(words []string) string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = w
		if w == "" || strings.ContainsFunc(w, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_./:=,@%+[]", r)
		}) {
			list[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(list, " ")
}

func environment(e *run.Environment) string {
	if e == nil {
		return ""
	}
	var words []string
	add := func(format string, value any, known bool) {
		if known {
			words = append(words, fmt.Sprintf(format, value))
		}
	}
	add("%s", strings.TrimSuffix(e.OS+"/"+e.Arch, "/"), e.OS != "")
	add("%s", e.CPU, e.CPU != "")
	add("%d cores", e.Cores, e.Cores != 0)
	add("%s", unit.Format(float64(e.Memory), unit.Bytes), e.Memory != 0)
	add("limited to %v cores", e.CPULimit, e.CPULimit != 0)
	add("limited to %s", unit.Format(float64(e.MemoryLimit), unit.Bytes), e.MemoryLimit != 0)
	add("%s", e.Go, e.Go != "")
	add("host %s", e.Host, e.Host != "")
	return strings.Join(words, ", ")
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
	return t.write(w, o.Color)
}
