package text

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
)

// The widths from which on a table has the interval, and one line a metric.
const (
	fullWidth = 100
	lineWidth = 60
)

// column is one column of the table of a verdict.
type column struct {
	title string
	right bool
	of    func(*report.Row) cell
}

// oneIn says of how many rows one may have a line for its name alone before a
// column is given up.
const oneIn = 8

// rows writes the table of a verdict in as many columns as the terminal has
// room for: below 100 without the interval; where that is still too wide with
// the share of the target alone, then without the baseline, then without the
// budget. Below 60 each metric has two lines.
func (p *printer) rows(rows []report.Row, o Options) {
	if p.width < lineWidth {
		p.narrow(rows, o)
		return
	}
	name := column{"  METRIC", false, func(r *report.Row) cell { return cell{rowName(r, o), plain} }}
	value := column{"VALUE", true, func(r *report.Row) cell { return cell{dash(short(r.Value)), bold} }}
	wordWidth, shareWidth := budgetWidths(rows)
	budget := column{"OF TARGET", false, func(r *report.Row) cell { return cell{budgetCell(r, wordWidth, shareWidth), statusPaint[r.Status]} }}
	share := column{"TARGET", true, func(r *report.Row) cell { return cell{r.Share, statusPaint[r.Status]} }}
	base := column{"BASELINE", true, func(r *report.Row) cell { return cell{short(r.Base), plain} }}
	by := column{"CHANGE", true, func(r *report.Row) cell { return cell{r.By, paintOf(r.Metric)} }}
	interval := column{"95% INTERVAL", true, func(r *report.Row) cell { return cell{intervalCell(r), faint} }}
	word := column{"", false, func(r *report.Row) cell { return cell{wordCell(r), paintOf(r.Metric)} }}
	layouts := [][]column{
		{name, value, budget, base, by, word},
		{name, value, share, base, by, word},
		{name, value, share, by, word},
		{name, value, by, word},
	}
	if p.width >= fullWidth {
		layouts = slices.Insert(layouts, 0, []column{name, value, budget, base, by, interval, word})
	}
	var t table
	for _, columns := range layouts {
		t = layout(filled(columns, rows), rows)
		widths := t.widths()
		others := 0
		for i, n := range widths[1:] {
			others += n + t.gap(i)
		}
		t.limit = p.width - others
		tooLong := 0
		for i := range rows {
			if utf8.RuneCountInString(rowName(&rows[i], o)) > t.limit {
				tooLong++
			}
		}
		if oneIn*tooLong <= len(rows) {
			break
		}
	}
	t.limit = max(t.limit, 1)
	p.write(&t)
}

// filled leaves the columns out that no row has anything for.
func filled(columns []column, rows []report.Row) []column {
	return slices.DeleteFunc(slices.Clone(columns), func(c column) bool {
		return !slices.ContainsFunc(rows, func(r report.Row) bool { return strings.TrimSpace(c.of(&r).text) != "" })
	})
}

func layout(columns []column, rows []report.Row) table {
	var t table
	head := make([]cell, len(columns))
	for i, c := range columns {
		t.right = append(t.right, c.right)
		head[i] = cell{c.title, faint}
	}
	t.add(head...)
	for i := range rows {
		line := make([]cell, len(columns))
		for k, c := range columns {
			line[k] = c.of(&rows[i])
		}
		t.add(line...)
	}
	return t
}

// narrow writes two lines a metric: the name with its word, and the numbers.
func (p *printer) narrow(rows []report.Row, o Options) {
	for i := range rows {
		r := &rows[i]
		name, word := rowName(r, o), wordCell(r)
		if utf8.RuneCountInString(name)+2+len(word) <= p.width {
			p.line("%s  %s", printable(name), p.paint(paintOf(r.Metric), word))
		} else {
			for _, line := range broken(printable(name), p.width) {
				p.line("%s", line)
			}
			p.line("  %s", p.paint(paintOf(r.Metric), word))
		}
		var facts []string
		for _, f := range []struct{ before, text string }{{"", r.Value}, {"target ", r.Share}, {"was ", r.Base}, {"", r.By}} {
			if f.text != "" {
				facts = append(facts, f.before+f.text)
			}
		}
		if len(facts) > 0 {
			p.wrapped("  ", "  ", strings.Join(facts, ", "))
		}
	}
}

// rowName is the symbol, the name and the statistic of a row.
func rowName(r *report.Row, o Options) string {
	return report.Symbol(r.Metric, o.ASCII) + " " + r.Name + " " + r.Statistic
}

func wordCell(r *report.Row) string {
	word := report.Change(r.Metric)
	if slices.Contains(r.Reasons, judge.TooSmall) {
		word += "*"
	}
	return word
}

// budgetCell is the word and the share of a budget, aligned with those of the
// other rows.
func budgetCell(r *report.Row, word, share int) string {
	if r.Status == "" {
		return ""
	}
	own := statusWord(r.Status)
	return strings.TrimRight(own+strings.Repeat(" ", word-len(own)+1+share-len(r.Share))+r.Share, " ")
}

// budgetWidths returns how wide the words and the shares get.
func budgetWidths(rows []report.Row) (word, share int) {
	for i := range rows {
		word, share = max(word, len(statusWord(rows[i].Status))), max(share, len(rows[i].Share))
	}
	return word, share
}

// statusWord is the status of a budget in a column that says of what.
func statusWord(s judge.BudgetStatus) string {
	switch s {
	case judge.OverTarget:
		return "over"
	case judge.NoBudget:
		return "no data"
	}
	return string(s)
}

var statusPaint = map[judge.BudgetStatus]paint{judge.Within: green, judge.OverTarget: yellow, judge.OverWarning: yellow, judge.OverCritical: red, judge.NoBudget: yellow}

// intervalCell is the interval of a change, in percent.
func intervalCell(r *report.Row) string {
	if r.Low == "" {
		return ""
	}
	return "[" + bound(r.Low) + ", " + bound(r.High) + "]"
}

// bound leaves out of an end of an interval its sign of percent, and the
// decimals where they are beside the point and make the line too long.
func bound(s string) string {
	s = strings.TrimSuffix(s, "%")
	if v, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(v) >= 100 {
		return fmt.Sprintf("%+.0f", v)
	}
	return s
}

// short leaves out of a speed what it is of.
func short(s string) string {
	if number, is := strings.CutSuffix(s, " items/s"); is {
		return number + "/s"
	}
	return s
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// paintOf is the colour of a change.
func paintOf(m *judge.Metric) paint {
	switch {
	case m.Ignored:
		return faint
	case m.Accepted != nil:
		return yellow
	case report.Status(m) == judge.OverCritical:
		return red
	}
	return map[judge.Change]paint{judge.Regressed: red, judge.Missing: yellow, judge.Improved: cyan, judge.Inconclusive: magenta,
		judge.Incomparable: magenta, judge.Unchanged: faint}[m.Change]
}
