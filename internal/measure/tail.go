package measure

import (
	"io"
	"os"
	"strings"
	"sync"
	"unicode/utf8"
)

// tail passes on what a command prints and keeps the last of it.
type tail struct {
	out io.Writer

	mu   sync.Mutex
	last []byte
	cut  bool              // last begins within a line
	line []byte            // the one that is not complete yet
	each func(line []byte) // is called with each complete line, if set
}

const (
	tailSize = 4 << 10
	lineSize = 64 << 10 // of what is looked for in a line
)

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	t.last = append(t.last, p...)
	if first := len(t.last) - tailSize; first > tailSize {
		t.cut = t.last[first-1] != '\n'
		t.last = append(t.last[:0], t.last[first:]...)
	}
	if t.each != nil {
		t.lookAt(p)
	}
	t.mu.Unlock()
	if t.out != nil {
		// A reader that went away must not stop the command.
		t.out.Write(p)
	}
	return len(p), nil
}

// lookAt hands out the lines that p completes.
func (t *tail) lookAt(p []byte) {
	for _, c := range p {
		switch {
		case t.each == nil:
			return
		case c == '\n':
			t.each(t.line)
			t.line = t.line[:0]
		case len(t.line) < lineSize:
			t.line = append(t.line, c)
		}
	}
}

// end hands out a last line without an end.
func (t *tail) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.each != nil && len(t.line) > 0 {
		t.each(t.line)
		t.line = nil
	}
}

// forEach calls f with each line from now on.
func (t *tail) forEach(f func(line []byte)) {
	t.mu.Lock()
	t.each = f
	t.mu.Unlock()
}

// readFile takes the last of what was written to a file after start.
func (t *tail) readFile(name string, start int64) {
	f, err := os.Open(name)
	if err != nil {
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return
	}
	before := max(start, info.Size()-tailSize-1) // with the byte before, to see whether it ends a line
	last := make([]byte, max(0, info.Size()-before))
	n, _ := f.ReadAt(last, before)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last, t.cut = last[:n], false; n > tailSize {
		t.cut = last[0] != '\n'
		t.last = last[1:n]
	}
}

// lines returns the last ten lines at most. Three points stand for the beginning
// of a line that was too long to be kept.
func (t *tail) lines() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := t.last
	for t.cut && len(last) > 0 && !utf8.RuneStart(last[0]) {
		last = last[1:] // of a character that was cut as well
	}
	lines := strings.Split(strings.TrimRight(strings.ToValidUTF8(string(last), "?"), "\n"), "\n")
	if t.cut {
		lines[0] = "..." + lines[0]
	}
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}
