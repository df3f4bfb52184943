// Package input holds what the readers of other tools' files share: a source
// with a name, lines that stream, JSON whose errors have a place, units, times,
// and a Builder that makes a run of what was read.
//
// Files are other people's: nothing here trusts a length, a depth or a count.
// What is wrong with a whole file is an error; what is wrong with one line of a
// text is a warning of the run.
package input

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/internal/jsonscan"
)

const (
	// MaxJSON is the largest JSON document that is read, in bytes: it is held
	// in memory as a whole. Texts of lines may have any size.
	MaxJSON = 256 << 20
	// MaxLine is how much of a line is looked at, in bytes.
	MaxLine = 1 << 20
	// MaxMetrics is how many metrics a run may have.
	MaxMetrics = 100_000
	// MaxRuns is how many runs a file may hold.
	MaxRuns = 100_000
	// headSize is how much of a file Detect looks at.
	headSize = 256 << 10
)

// Source is a file to read.
type Source struct {
	Name string // stands for it in errors
	io.Reader
	// Near opens a file by its path from the folder of this one; nil for a
	// stream, which has no folder.
	Near func(path string) ([]byte, error)
}

// Beside returns a file by its path from the folder of the source, nil if it
// cannot be had.
func (s *Source) Beside(path string) []byte {
	if s.Near == nil {
		return nil
	}
	data, err := s.Near(path)
	if err != nil || len(data) > MaxJSON {
		return nil
	}
	return data
}

// Error is what is wrong with a file, at a line.
type Error struct {
	File string
	Line int // from 1; 0: the file as a whole
	Msg  string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Msg
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
}

// Fail returns an *Error at a line.
func (s *Source) Fail(line int, format string, args ...any) error {
	return &Error{File: s.Name, Line: line, Msg: fmt.Sprintf(format, args...)}
}

// Head is the beginning of a file, by which formats are told apart.
type Head struct {
	Text  []byte
	Shape *jsonscan.Shape // of the first JSON value, if it begins with one
	lines []string
}

// NewHead looks at the beginning of a file.
func NewHead(text []byte) *Head {
	text = bytes.TrimPrefix(text[:min(len(text), headSize)], []byte("\ufeff"))
	return &Head{Text: text, Shape: jsonscan.ShapeOf(text)}
}

// HeadSize is how many bytes of a file NewHead wants to see.
func HeadSize() int { return headSize }

// Lines returns the first lines, at most 1,000, without what ends them; the
// last one may be cut.
func (h *Head) Lines() []string {
	if h.lines == nil {
		for line := range bytes.Lines(h.Text) {
			if h.lines = append(h.lines, strings.TrimRight(string(line), "\r\n")); len(h.lines) == 1000 {
				break
			}
		}
	}
	return h.lines
}

// Clean makes text of a file fit to be shown: no control characters, valid
// UTF-8, at most that many bytes.
func Clean(s string, most int) string {
	if strings.ContainsFunc(s, unicode.IsControl) || !utf8.ValidString(s) {
		s = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, strings.ToValidUTF8(s, "\ufffd"))
	}
	if s = strings.TrimSpace(s); len(s) <= most {
		return s
	}
	cut := most - len("...")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}
