package measure

import (
	"io"
	"os"
	"sync"
	"time"
)

// output is where a command's standard output and error go: into a pipe that is
// read for as long as anybody has it open, for a process that the command
// leaves behind must not be stopped by a pipe without a reader; or into a file.
type output struct {
	write *os.File // the end that the command gets
	read  *os.File // the other; nil: write is a file
	start int64    // size of the file before
	tail  *tail
	done  chan struct{} // closed when everything was read

	followed bool // by a goroutine
}

var buffers = sync.Pool{New: func() any { return new([16 << 10]byte) }}

func newOutput(c *Command) (*output, error) {
	o := &output{tail: &tail{out: c.Output}, done: make(chan struct{})}
	if c.File != nil {
		o.write = c.File
		if at, err := c.File.Seek(0, io.SeekEnd); err == nil {
			o.start = at
		}
		close(o.done)
		return o, nil
	}
	var err error
	if o.read, o.write, err = pipe(); err != nil {
		return nil, err
	}
	// Whoever takes it may be slow, and must not hold up the runner.
	if c.Output != nil || !runnerReads {
		o.follow()
	}
	return o, nil
}

// follow has a goroutine read from now on.
func (o *output) follow() {
	o.followed = true
	o.read = pollable(o.read)
	go func() {
		for o.take() {
		}
	}()
}

// take reads once, and returns false at the end.
func (o *output) take() bool {
	buffer := buffers.Get().(*[16 << 10]byte)
	defer buffers.Put(buffer)
	n, err := o.read.Read(buffer[:])
	if n > 0 {
		o.tail.Write(buffer[:n])
	}
	if err == nil {
		return true
	}
	o.read.Close()
	o.tail.end()
	close(o.done)
	return false
}

// patience is how long the rest of the output is waited for when a process
// that was left behind may hold it open.
const patience = 200 * time.Millisecond

// handed is called when the command has its end of the pipe.
func (o *output) handed() {
	if o.read != nil {
		o.write.Close()
	}
}

// finish is called when the command has ended.
func (o *output) finish(left bool) {
	o.handed()
	if o.read == nil {
		o.tail.readFile(o.write.Name(), o.start)
		return
	}
	wait := 5 * time.Second
	if left {
		wait = patience
	}
	if !o.followed {
		if o.ended() || o.rest(wait) {
			return
		}
		o.follow()
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-o.done:
	case <-timer.C:
	}
}

// ended tells whether everything was read.
func (o *output) ended() bool {
	select {
	case <-o.done:
		return true
	default:
		return false
	}
}

// left returns 1 if somebody still has the output open.
func (o *output) left() int {
	if o.ended() {
		return 0
	}
	return 1
}
