package measure

import (
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// output is where a command's standard output and error go: into a pipe that is
// read for as long as anybody has it open, for a process that the command
// leaves behind must not be stopped by a pipe without a reader; or into a file.
type output struct {
	write *os.File // the end that the command gets
	tail  *tail
	done  chan struct{} // closed when everything was read
	file  bool
	start int64 // size of the file before
}

var buffers = sync.Pool{New: func() any { return new([16 << 10]byte) }}

func newOutput(c *Command) (*output, error) {
	o := &output{tail: &tail{out: c.Output}, done: make(chan struct{})}
	if c.File != nil {
		o.write, o.file = c.File, true
		if at, err := c.File.Seek(0, io.SeekEnd); err == nil {
			o.start = at
		}
		close(o.done)
		return o, nil
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	o.write = write
	go func() {
		buffer := buffers.Get().(*[16 << 10]byte)
		for {
			n, err := read.Read(buffer[:])
			if n > 0 {
				o.tail.Write(buffer[:n])
			}
			if err != nil {
				break
			}
		}
		buffers.Put(buffer)
		read.Close()
		o.tail.end()
		close(o.done)
	}()
	return o, nil
}

// patience is how long the rest of the output is waited for when a process
// that was left behind may hold it open.
const patience = 200 * time.Millisecond

// handed is called when the command has its end of the pipe.
func (o *output) handed() {
	if !o.file {
		o.write.Close()
	}
}

// finish is called when the command has ended.
func (o *output) finish(left bool) {
	o.handed()
	if o.file {
		o.tail.readFile(o.write.Name(), o.start)
		return
	}
	wait := 5 * time.Second
	if left {
		wait = patience
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-o.done:
	case <-timer.C:
	}
}

// left returns 1 if somebody still has the output open.
func (o *output) left() int {
	select {
	case <-o.done:
		return 0
	default:
		return 1
	}
}

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
