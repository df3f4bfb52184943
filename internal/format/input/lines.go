package input

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Lines reads a text line by line, in constant memory.
type Lines struct {
	src  *Source
	in   *bufio.Reader
	text []byte
	long []byte
	n    int
	cut  bool
	err  error
}

// NewLines returns the lines of a source. A byte order mark is left out.
func NewLines(src *Source) *Lines {
	l := &Lines{src: src, in: bufio.NewReaderSize(src, 64<<10)}
	if mark, _ := l.in.Peek(3); bytes.Equal(mark, []byte("\ufeff")) {
		l.in.Discard(3)
	}
	return l
}

// Next reads the next line, and returns false at the end or on an error.
func (l *Lines) Next() bool {
	if l.err != nil {
		return false
	}
	l.n++
	l.cut = false
	line, err := l.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		l.long = append(l.long[:0], line...)
		for errors.Is(err, bufio.ErrBufferFull) {
			line, err = l.in.ReadSlice('\n')
			if room := MaxLine - len(l.long); len(line) > room {
				line, l.cut = line[:room], true
			}
			l.long = append(l.long, line...)
		}
		line = l.long
	}
	if err != nil {
		l.err = err
		if len(line) == 0 || !errors.Is(err, io.EOF) {
			return false
		}
	}
	l.text = bytes.TrimRight(line, "\r\n")
	return true
}

// Text is the line without what ends it. It holds until the next one.
func (l *Lines) Text() []byte { return l.text }

// Number is the number of the line, from 1.
func (l *Lines) Number() int { return l.n }

// Cut tells whether the line is longer than MaxLine and its rest was left out.
func (l *Lines) Cut() bool { return l.cut }

// Err is the error that ended the lines before their end.
func (l *Lines) Err() error {
	if l.err == nil || errors.Is(l.err, io.EOF) {
		return nil
	}
	return fmt.Errorf("reading %s: %w", l.src.Name, l.err)
}
