package pacerhttp

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// writer notes what a handler answers.
//
// It has the methods whose absence says nothing: a server without them does
// with the others, or is allowed to refuse. That of Flush and Hijack says
// something, so they are in types of their own.
type writer struct {
	http.ResponseWriter
	status   int // 0: none yet
	size     int64
	hijacked bool
}

// wrap returns a ResponseWriter that can do what w can, and where it notes the
// answer.
func wrap(w http.ResponseWriter) (http.ResponseWriter, *writer) {
	base := writer{ResponseWriter: w}
	flushes := can[http.Flusher](w) || can[interface{ FlushError() error }](w)
	hijacks := can[http.Hijacker](w)
	switch {
	case flushes && hijacks:
		both := &flushHijackWriter{flushWriter{base}}
		return both, &both.writer
	case flushes:
		f := &flushWriter{base}
		return f, &f.writer
	case hijacks:
		h := &hijackWriter{base}
		return h, &h.writer
	}
	return &base, &base
}

// can tells whether w, or what it wraps, is a T. It looks where
// http.ResponseController does.
func can[T any](w http.ResponseWriter) bool {
	for {
		if _, ok := w.(T); ok {
			return true
		}
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return false
		}
		w = wrapper.Unwrap()
	}
}

// class returns what the response is counted as. A handler that says nothing
// says 200.
func (w *writer) class() class {
	if w.status == 0 {
		return success
	}
	return classOf(w.status)
}

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *writer) WriteHeader(status int) {
	w.ResponseWriter.WriteHeader(status) // panics if there is no such status
	// The others below 200 go before the answer: 103 Early Hints.
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.answer(status)
	}
}

// answer notes the status, which only the first one is.
func (w *writer) answer(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *writer) Write(p []byte) (int, error) {
	w.answer(http.StatusOK)
	n, err := w.ResponseWriter.Write(p)
	w.size += int64(n)
	return n, err
}

// WriteString saves io.WriteString a copy.
func (w *writer) WriteString(s string) (int, error) {
	w.answer(http.StatusOK)
	n, err := io.WriteString(w.ResponseWriter, s)
	w.size += int64(n)
	return n, err
}

// ReadFrom lets io.Copy from a file use sendfile.
func (w *writer) ReadFrom(src io.Reader) (n int64, err error) {
	if to, ok := w.ResponseWriter.(io.ReaderFrom); ok {
		n, err = to.ReadFrom(src)
	} else {
		n, err = io.Copy(struct{ io.Writer }{w.ResponseWriter}, src)
	}
	if n > 0 { // else nothing was written, and the handler may still answer 500
		w.answer(http.StatusOK)
	}
	w.size += n
	return n, err
}

// Push is http.Pusher's, which may refuse.
func (w *writer) Push(target string, options *http.PushOptions) error {
	if p, ok := w.ResponseWriter.(http.Pusher); ok {
		return p.Push(target, options)
	}
	return http.ErrNotSupported
}

func (w *writer) flush() error {
	err := http.NewResponseController(w.ResponseWriter).Flush()
	if err == nil {
		w.answer(http.StatusOK)
	}
	return err
}

func (w *writer) hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffer, err := http.NewResponseController(w.ResponseWriter).Hijack()
	w.hijacked = w.hijacked || err == nil
	return conn, buffer, err
}

type flushWriter struct{ writer }

func (w *flushWriter) Flush()            { w.flush() } // has nobody to tell an error
func (w *flushWriter) FlushError() error { return w.flush() }

type hijackWriter struct{ writer }

func (w *hijackWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.hijack() }

type flushHijackWriter struct{ flushWriter }

func (w *flushHijackWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.hijack() }
