// Package markdown says verdicts as the comment on a pull request and as the
// summary of a job.
//
// It leads with the one fact, shows the rows that need a person, and folds the
// rest. Names and messages from run documents cannot break out of it: no
// markup, no mention. No HTML but details, sub and comments, and no images, so
// that mail and private servers show it too.
package markdown

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
)

const (
	// CommentLimit is how many characters a comment has at most: GitHub
	// refuses more than 65,536.
	CommentLimit = 60_000
	// SummaryLimit is how many bytes a summary has at most: GitHub refuses
	// more than 1 MiB.
	SummaryLimit = 1000 << 10
)

// mainRows is how many rows stand above the fold.
const mainRows = 10

// trendColumns is how many versions a trend shows.
const trendColumns = 12

// Write writes the summary of a job: all of it, nothing folded.
func Write(w io.Writer, r *report.Report) error {
	d := document{r: r, open: true, room: SummaryLimit, size: func(s string) int { return len(s) }}
	_, err := io.WriteString(w, d.write())
	return err
}

// document is a text that grows while there is room.
type document struct {
	r    *report.Report
	open bool // fold nothing
	room int
	size func(string) int
	out  strings.Builder
	tail string // written at the end, whatever else has room
}

func (d *document) write() string {
	d.tail = d.method() + d.foot("")
	d.room -= d.size(d.tail)
	d.add(d.heading())
	d.add(d.compared())
	rows := report.Rows(d.r.Verdict)
	people, others := split(rows)
	main, more := people, people[:0:0]
	if !d.open && len(people) > mainRows {
		main, more = people[:mainRows], people[mainRows:]
	}
	advice := d.reasons() + d.stages() + d.todo()
	d.table(main, d.size(advice)+d.size(summary(len(more), people, others))*2)
	d.add(advice)
	d.fold(fmt.Sprintf("%d more that need a person", len(more)), more)
	d.fold(counted(others), others)
	d.out.WriteString(d.tail)
	return d.out.String()
}

// summary is what the folded sections take at least.
func summary(more int, people, others []report.Row) string {
	return strings.Repeat("-", 200) + counted(others) + fmt.Sprint(more, len(people))
}

func split(rows []report.Row) (people, others []report.Row) {
	for i := range rows {
		if report.NeedsPerson(rows[i].Metric) {
			people = append(people, rows[i])
		} else {
			others = append(others, rows[i])
		}
	}
	return people, others
}

// counted counts rows by their change.
func counted(rows []report.Row) string {
	metrics := make([]judge.Metric, len(rows))
	for i := range rows {
		metrics[i] = *rows[i].Metric
	}
	return report.Counts(metrics)
}

// add writes a text if there is room for it.
func (d *document) add(text string) bool {
	if n := d.size(text); n <= d.room {
		d.room -= n
		d.out.WriteString(text)
		return true
	}
	return false
}

// heading is the one fact. A name that would take the whole line is cut.
func (d *document) heading() string {
	shape, sentence := report.Headline(d.r.Verdict, func(name string) string { return code(cut(name, 200)) }, func(text string) string { return escape(cut(text, 300)) })
	return fmt.Sprintf("### %s Performance: %s\n\n", shape, prose(sentence))
}

// compared says what was compared with what, where, and with which result.
func (d *document) compared() string {
	v := d.r.Verdict
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s", escape(cut(report.App(&v.Current), 300)), code(cut(shortName(&v.Current), 100)))
	if n := len(v.Baseline.Runs); n > 0 {
		fmt.Fprintf(&b, " against %s (%s)", code(cut(shortName(&v.Baseline.Runs[n-1]), 100)), escape(cut(v.Baseline.Chosen, 300)))
	} else {
		fmt.Fprintf(&b, ", no baseline (%s)", escape(cut(v.Baseline.Chosen, 300)))
	}
	if environment := report.EnvironmentName(v.Current.Environment); environment != "" {
		fmt.Fprintf(&b, ", on %s", escape(cut(environment, 100)))
	}
	fmt.Fprintf(&b, ". %s.", bold(report.Counts(v.Metrics)))
	if d.r.URL != "" {
		fmt.Fprintf(&b, " [Full report](%s)", link(d.r.URL))
	}
	b.WriteString("\n\n")
	return b.String()
}

// shortName is the commit of a run, else its version, else its id.
func shortName(h *judge.Head) string {
	switch {
	case h.Commit != "" && h.Dirty:
		return h.Commit[:min(7, len(h.Commit))] + "+"
	case h.Commit != "":
		return h.Commit[:min(7, len(h.Commit))]
	case h.Version != "":
		return h.Version
	}
	return h.ID
}

// bold sets the counts that need a person in bold.
func bold(counts string) string {
	parts := strings.Split(counts, ", ")
	for i, p := range parts {
		for _, grave := range []string{" over critical", " regressed"} {
			if strings.HasSuffix(p, grave) {
				parts[i] = "**" + p + "**"
			}
		}
	}
	return strings.Join(parts, ", ")
}

// link writes an address so that it ends where it ends.
func link(address string) string {
	return strings.NewReplacer(" ", "%20", "(", "%28", ")", "%29", "<", "%3C", ">", "%3E", "\n", "", "\r", "").Replace(address)
}

// table writes rows while there is room for them and for what follows, and
// says how many are left out.
func (d *document) table(rows []report.Row, reserved int) {
	if len(rows) == 0 {
		return
	}
	trend := d.hasTrend(rows)
	head := "| Metric | Value | Of target | Baseline | Change (95 % CI) | |"
	rule := "|:--|--:|:--|--:|--:|:--|"
	if d.r.Verdict.Policy.Confidence > 0 {
		head = strings.Replace(head, "95", fmt.Sprintf("%.3g", 100*d.r.Verdict.Policy.Confidence), 1)
	}
	if trend {
		head += fmt.Sprintf(" Last %d |", trendColumns)
		rule += ":--|"
	}
	const note = 100 // for the line on what is left out
	if !d.fits(d.size(head)+d.size(rule)+2+reserved+note) || !d.add(head+"\n"+rule+"\n") {
		d.add(fmt.Sprintf("%s: see the full report.\n\n", report.Plural(len(rows), "metric")))
		return
	}
	for i := range rows {
		line := d.row(&rows[i], trend)
		if !d.fits(d.size(line)+reserved+note) || !d.add(line) {
			d.add(fmt.Sprintf("\n… and %d more in the full report.\n", len(rows)-i))
			break
		}
	}
	d.add("\n")
}

func (d *document) fits(n int) bool { return n <= d.room }

func (d *document) hasTrend(rows []report.Row) bool {
	if len(d.r.History) == 0 {
		return false
	}
	for i := range rows {
		if d.trend(rows[i].Metric) != "" {
			return true
		}
	}
	return false
}

// trend draws the last versions of a metric, the current one included.
func (d *document) trend(m *judge.Metric) string {
	s := d.r.Series(m)
	if s == nil || len(s.Values) == 0 {
		return ""
	}
	values := s.Values
	if now := report.Center(m); m.Current != nil && now == now {
		values = append(values[:len(values):len(values)], now)
	}
	return report.Blocks(values[max(0, len(values)-trendColumns):], trendColumns, false)
}

// row is one line of a table.
func (d *document) row(r *report.Row, trend bool) string {
	cells := []string{cellCode(r.Name) + " " + escape(r.Statistic), "no samples", "", escape(r.Base), "", report.Symbol(r.Metric, false) + " " + escape(report.Change(r.Metric))}
	grave := report.NeedsPerson(r.Metric) && r.Change != judge.Inconclusive && r.Change != judge.Incomparable
	if r.Value != "" {
		cells[1] = emphasise(escape(r.Value), grave)
	}
	if r.Status != "" && r.Status != judge.NoBudget {
		cells[2] = fmt.Sprintf("%s %s, %s", report.StatusSymbol(r.Status, false), r.Status, prose(r.Share))
	}
	if r.By != "" {
		cells[4] = emphasise(prose(r.By), grave)
		if r.Low != "" {
			cells[4] += fmt.Sprintf(" (%s to %s)", prose(strings.TrimSuffix(r.Low, "%")), prose(strings.TrimSuffix(r.High, "%")))
		}
	}
	if r.Change == judge.Regressed && r.Accepted == nil {
		cells[5] = "**" + cells[5] + "**"
	}
	if trend {
		cells = append(cells, "")
		if t := d.trend(r.Metric); t != "" {
			cells[6] = "`" + t + "`"
		}
	}
	for i, c := range cells {
		cells[i] = strings.TrimSpace(c)
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

func emphasise(s string, really bool) string {
	if really {
		return "**" + s + "**"
	}
	return s
}

// cut shortens a text in its middle to so many characters.
func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	runes := []rune(s)
	half := (most - 1) / 2
	return string(runes[:half]) + "…" + string(runes[len(runes)-half:])
}
