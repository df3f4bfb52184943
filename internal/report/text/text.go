// Package text says verdicts, runs and lists of runs in a terminal: as wide as
// it is, with a word beside every symbol and colour.
package text

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/internal/judge"
)

// Options holds what the terminal can do and the reader wants. The zero value
// is plain text of 80 columns.
type Options struct {
	Width   int // of the terminal; 0: 80 columns
	Color   bool
	ASCII   bool // nothing that only UTF-8 can say
	All     bool // also the many metrics that are unchanged and have no budget
	Quiet   bool // only what needs a person, and the verdict
	Verbose bool // also samples, percentiles and methods
	// Exit says with what the program ends, as people read it: "exit 1".
	Exit string
}

// few is how many metrics without budget and without change are shown unless
// all are wanted.
const few = 12

// defaultWidth is the width of a terminal that does not say it.
const defaultWidth = 80

// widestProse is the width beyond which prose gets hard to read.
const widestProse = 100

type printer struct {
	w     io.Writer
	color bool
	width int // of the terminal
	err   error
}

func newPrinter(w io.Writer, o Options) printer {
	if o.ASCII {
		w = asciiWriter{w}
	}
	width := o.Width
	if width <= 0 {
		width = defaultWidth
	}
	return printer{w: w, color: o.Color, width: max(width, 30)}
}

// asciiWriter writes what this package says beside names without the letters
// that only UTF-8 has.
type asciiWriter struct{ w io.Writer }

var toASCII = strings.NewReplacer("µ", "u", "–", "-")

func (a asciiWriter) Write(text []byte) (int, error) {
	if _, err := toASCII.WriteString(a.w, string(text)); err != nil {
		return 0, err
	}
	return len(text), nil
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) paint(how paint, s string) string { return painted(s, how, p.color) }

// write writes a table.
func (p *printer) write(t *table) {
	if p.err == nil {
		p.err = t.write(p.w, p.width, p.color)
	}
}

// wrapped writes prose.
func (p *printer) wrapped(first, rest, text string) {
	for _, line := range wrap(p.prose(), first, rest, text) {
		p.line("%s", line)
	}
}

// prose is how wide a line of prose gets.
func (p *printer) prose() int { return min(max(p.width, 30), widestProse) }

// warned writes doubts.
func (p *printer) warned(list []string) { p.noted("warning:", yellow, list) }

// noted writes texts, each behind a word.
func (p *printer) noted(word string, how paint, list []string) {
	for _, text := range list {
		for i, line := range wrap(p.prose(), word+" ", "  ", text) {
			if rest, first := strings.CutPrefix(line, word); first && i == 0 {
				line = p.paint(how, word) + rest
			}
			p.line("%s", line)
		}
	}
}

// Wrap returns prose in lines of at most width characters, 0 for one line,
// those after the first with two spaces before them.
func Wrap(width int, text string) string {
	if width == 0 || utf8.RuneCountInString(text) <= width {
		return text
	}
	return strings.Join(wrap(max(width, 30), "", "  ", text), "\n")
}

// wrap breaks prose into lines of at most width characters, the first of which
// begins with first, the others with rest. A word is never broken.
func wrap(width int, first, rest, text string) (lines []string) {
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

// when is the time of a run, as a column of its own.
func when(h *judge.Head) string {
	if h.Timestamp == nil {
		return ""
	}
	return "  " + h.Timestamp.Local().Format("2006-01-02 15:04:05")
}
