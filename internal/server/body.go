package server

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// body is what a request sends, decompressed as it is read and bounded before
// and after that.
type body struct {
	raw     wire
	decoded io.Reader
	left    int64 // of what may come out of it
	limit   int64
	release func()

	enter func() (leave func(), err error) // waits for a place for what is large
	leave func()                           // gives it back; nil: it has none
}

// wire is the body as it is sent. It remembers what went wrong with it, to be
// told from what is wrong with the compression.
type wire struct {
	io.Reader
	bytes int64
	err   error
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	w.bytes += int64(n)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

// zstdReaders are decoders that wait for work: making one takes a while.
var zstdReaders = sync.Pool{New: func() any {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		panic(err) // options that do not go together
	}
	return d
}}

// bodyOf returns the body of a request, of which at most a number of bytes may
// come out. It is to be closed.
func (s *Server) bodyOf(w http.ResponseWriter, r *http.Request, most int64) (*body, error) {
	if r.ContentLength > s.Limits.Body {
		return nil, &http.MaxBytesError{Limit: s.Limits.Body} // before any of it comes: a sender that waits (Expect) is spared sending it
	}
	b := &body{raw: wire{Reader: http.MaxBytesReader(w, r.Body, s.Limits.Body)}, left: most, limit: most, release: func() {}}
	b.enter = func() (func(), error) {
		ctx, cancel := context.WithTimeout(r.Context(), s.Limits.StoreTime)
		defer cancel()
		return s.large.take(ctx, asker(r))
	}
	switch encoding := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding"))); encoding {
	case "", "identity":
		b.decoded = &b.raw
	case "gzip":
		z, err := gzip.NewReader(&b.raw)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF // nothing at all is no gzip
		}
		if err != nil {
			return nil, b.explain(err)
		}
		b.decoded = z
	case "zstd":
		d := zstdReaders.Get().(*zstd.Decoder)
		if err := d.Reset(&b.raw); err != nil {
			return nil, b.explain(err)
		}
		b.decoded, b.release = d, func() { d.Reset(nil); zstdReaders.Put(d) }
	default:
		return nil, refuse(http.StatusUnsupportedMediaType, "send it as it is, or by gzip or zstd", "the content encoding %.40q is not known", encoding)
	}
	return b, nil
}

func (b *body) close() {
	b.small()
	b.release()
}

// grow is called before more than largeDocument of what comes out is held.
func (b *body) grow() (err error) {
	if b.leave == nil {
		b.leave, err = b.enter()
	}
	return err
}

// small is called once that is held no more.
func (b *body) small() {
	if b.leave != nil {
		b.leave()
		b.leave = nil
	}
}

func (b *body) Read(p []byte) (int, error) {
	if b.left <= 0 {
		// Whether there is more tells too much from just enough.
		var one [1]byte
		if n, err := io.ReadFull(b.decoded, one[:]); n == 0 {
			return 0, b.explain(err)
		}
		return 0, tooLarge(b.limit)
	}
	n, err := b.decoded.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, b.explain(err)
}

func tooLarge(limit int64) *refusal {
	return refuse(http.StatusRequestEntityTooLarge, "send it in parts", "what was sent comes to more than %d bytes", limit)
}

// explain says what is wrong with a body.
func (b *body) explain(err error) error {
	var large *http.MaxBytesError
	switch {
	case err == nil, err == io.EOF && b.raw.err == nil:
		return err
	case errors.As(b.raw.err, &large):
		return large
	case errors.Is(b.raw.err, os.ErrDeadlineExceeded):
		return &refusal{status: http.StatusRequestTimeout, text: "the body did not come in time", hint: "send less at once", cause: err}
	case b.raw.err != nil:
		return &refusal{status: http.StatusBadRequest, text: "the body ended too early", cause: b.raw.err}
	}
	return &refusal{status: http.StatusBadRequest, text: "the body is not what its Content-Encoding says: " + err.Error(), cause: err}
}

// all returns the whole body.
func (b *body) all() ([]byte, error) {
	var text bytes.Buffer
	_, err := io.CopyN(&text, b, largeDocument)
	if err == nil {
		if err = b.grow(); err == nil {
			_, err = text.ReadFrom(b)
		}
	}
	if err != nil && err != io.EOF {
		return nil, err
	}
	return text.Bytes(), nil
}

// lines reads a body line by line.
type lines struct {
	in   *bufio.Reader
	most int64        // bytes of a line
	n    int          // lines that were read
	grow func() error // is called for a large one
}

// TooLarge is what to do about a run that is larger than a server takes.
const TooLarge = "fold its samples into histograms (in a history: pacer history prune --samples), or split it"

// next returns a line, which is the caller's, or io.EOF. A line that is too
// large is read to its end, of which nothing is kept, and told by tooLong: what
// follows it can be read.
func (l *lines) next() (line []byte, tooLong *refusal, err error) {
	size := int64(0)
	for {
		part, err := l.in.ReadSlice('\n')
		if size += int64(len(part)); size > l.most {
			line = nil
		} else {
			if size > largeDocument {
				if err := l.grow(); err != nil {
					return nil, nil, err
				}
			}
			line = append(line, part...)
		}
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err != nil && (err != io.EOF || size == 0):
			return nil, nil, err
		}
		if l.n++; size > l.most {
			return nil, refuse(http.StatusRequestEntityTooLarge, TooLarge, "line %d is larger than %d bytes", l.n, l.most), nil
		}
		return line, nil, nil
	}
}

// mediaType returns the type of what is sent, without parameters.
func mediaType(r *http.Request) string {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}

// wantType refuses a body of another type than those that are taken.
func wantType(r *http.Request, types ...string) (string, error) {
	kind := mediaType(r)
	for _, t := range types {
		if kind == t {
			return kind, nil
		}
	}
	return "", refuse(http.StatusUnsupportedMediaType, fmt.Sprintf("expected Content-Type: %s", strings.Join(types, " or ")), "the content type %.60q is not taken here", kind)
}
