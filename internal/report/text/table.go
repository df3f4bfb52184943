package text

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/internal/report"
)

// table aligns columns. With a limit, a name that is wider pushes the rest of
// its line to the right, and has lines of its own where that would be wider
// than the terminal: names are never cut.
type table struct {
	right  []bool // which columns are aligned to the right
	gaps   []int  // spaces after each column; two where it does not say
	limit  int    // of the first column's width
	indent int    // of every line
	rows   [][]cell
}

// cell is a text and how it is painted.
type cell struct {
	text  string
	paint paint
}

type paint string

const (
	plain   paint = ""
	bold    paint = "\x1b[1m"
	faint   paint = "\x1b[2m"
	red     paint = "\x1b[1;31m"
	green   paint = "\x1b[32m"
	yellow  paint = "\x1b[33m"
	magenta paint = "\x1b[35m"
	cyan    paint = "\x1b[36m"
	reset         = "\x1b[0m"
)

func (t *table) add(row ...cell) {
	for i := range row {
		row[i].text = printable(row[i].text)
	}
	t.rows = append(t.rows, row)
}

// printable writes control characters, which a run document from elsewhere may
// hold, as escapes: they must not steer the terminal.
func printable(s string) string {
	if !strings.ContainsFunc(s, report.Control) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if report.Control(r) {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func (t *table) write(w io.Writer, width int, color bool) error {
	widths := t.widths()
	var b strings.Builder
	for _, row := range t.rows {
		own := widths // of this row's columns
		if first := row[0]; t.limit > 0 && t.width(row, widths) > width {
			rest := append([]cell{{}}, row[1:]...)
			own = slices.Clone(widths)
			own[0] = max(0, own[0]-max(0, t.width(rest, widths)-width))
			if utf8.RuneCountInString(first.text) > own[0] {
				for _, line := range broken(first.text, width-t.indent) {
					b.WriteString(strings.Repeat(" ", t.indent) + painted(line, first.paint, color) + "\n")
				}
				row = rest
			}
		}
		var line strings.Builder
		for i, c := range row {
			pad := strings.Repeat(" ", max(0, own[i]-utf8.RuneCountInString(c.text)))
			if i > 0 {
				line.WriteString(strings.Repeat(" ", t.gap(i-1)))
			}
			if t.right[i] {
				line.WriteString(pad)
			}
			line.WriteString(painted(c.text, c.paint, color))
			if !t.right[i] && i < len(row)-1 {
				line.WriteString(pad)
			}
		}
		if text := strings.TrimRight(line.String(), " "); text != "" {
			b.WriteString(strings.Repeat(" ", t.indent) + text + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// narrow is what names get where the other columns take the rest.
const narrow = 20

// fit sets the limit so that names leave the other columns what they need. It
// returns false if little is left for the names.
func (t *table) fit(width int) bool {
	t.limit = 0
	rest := t.needs() - t.widths()[0]
	t.limit = max(narrow, width-rest)
	return t.limit > narrow
}

// needs returns how wide the table is if no name has a line of its own.
func (t *table) needs() int {
	limit := t.limit
	t.limit = 0
	n := t.indent
	for i, w := range t.widths() {
		if i > 0 {
			n += t.gap(i - 1)
		}
		n += w
	}
	t.limit = limit
	return n
}

// takes returns how many characters a column takes.
func (t *table) takes(column int) int { return t.gap(column-1) + t.widths()[column] }

// drop leaves out a column.
func (t *table) drop(column int) {
	for i := range t.rows {
		t.rows[i] = slices.Delete(t.rows[i], column, column+1)
	}
	t.right = slices.Delete(t.right, column, column+1)
}

// widths returns how wide each column gets.
func (t *table) widths() []int {
	var widths []int
	for _, row := range t.rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			n := utf8.RuneCountInString(c.text)
			if i == 0 && t.limit > 0 {
				n = min(n, t.limit)
			}
			widths[i] = max(widths[i], n)
		}
	}
	return widths
}

// width returns how wide a row gets.
func (t *table) width(row []cell, widths []int) int {
	n := t.indent
	for i, c := range row {
		if i > 0 {
			n += t.gap(i - 1)
		}
		own := utf8.RuneCountInString(c.text)
		if i < len(row)-1 {
			own = max(own, widths[i])
		}
		n += own
	}
	return n
}

// gap returns how many spaces follow a column.
func (t *table) gap(column int) int {
	if column < len(t.gaps) {
		return t.gaps[column]
	}
	return 2
}

// broken breaks a name into lines of at most width characters, behind the
// signs that join its parts where there are any.
func broken(name string, width int) (lines []string) {
	runes := []rune(name)
	const hang = "    "
	for room := width; len(runes) > room; room = width - len(hang) {
		at := room
		for i := room; i > room/2; i-- {
			if strings.ContainsRune("/.{,=_- ", runes[i-1]) {
				at = i
				break
			}
		}
		lines = append(lines, string(runes[:at]))
		runes = runes[at:]
	}
	lines = append(lines, string(runes))
	for i := 1; i < len(lines); i++ {
		lines[i] = hang + lines[i]
	}
	return lines
}

func painted(s string, p paint, color bool) string {
	if !color || p == plain || s == "" {
		return s
	}
	return string(p) + s + reset
}
