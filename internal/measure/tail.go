package measure

import (
	"io"
	"os"
	"strings"
	"sync"
)

// tail passes on what a command prints and keeps the last of it.
type tail struct {
	out io.Writer

	mu   sync.Mutex
	last []byte
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
	if len(t.last) > 2*tailSize {
		t.last = append(t.last[:0], t.last[len(t.last)-tailSize:]...)
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
	start = max(start, info.Size()-tailSize)
	last := make([]byte, max(0, info.Size()-start))
	n, _ := f.ReadAt(last, start)
	t.mu.Lock()
	t.last = last[:n]
	t.mu.Unlock()
}

// lines returns the last ten lines at most.
func (t *tail) lines() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimRight(strings.ToValidUTF8(string(t.last), "?"), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}
