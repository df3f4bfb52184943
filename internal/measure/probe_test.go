package measure

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// answering is a server that reads a request and answers with a text, word for
// word.
func answering(t *testing.T, text string) (url string, asked func() string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	requests := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		var request strings.Builder
		for block := make([]byte, 1<<10); !strings.HasSuffix(request.String(), "\r\n\r\n"); {
			n, err := conn.Read(block)
			request.Write(block[:n])
			if err != nil {
				break
			}
		}
		io.WriteString(conn, text)
		requests <- request.String()
	}()
	return "http://user:word@" + l.Addr().String() + "/a%20b?c=d#e", func() string { return <-requests }
}

func TestConverse(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, err string }{
		{name: "plain", text: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
		{name: "no reason", text: "HTTP/1.0 204\n\n"},
		{name: "no more than the line", text: "HTTP/1.1 200 OK\r\n"},
		{name: "hints before", text: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"},
		{name: "hints alone", text: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n", err: "no answer"},
		{name: "not yet", text: "HTTP/1.1 503 Service Unavailable\r\n\r\n", err: "503 Service Unavailable"},
		{name: "elsewhere", text: "HTTP/1.1 302 Found\r\nLocation: /b\r\n\r\n", err: "302 Found"},
		{name: "half a line", text: "HTTP/1.1 200", err: "no answer"},
		{name: "nothing", err: "no answer"},
		{name: "another protocol", text: "SSH-2.0-OpenSSH_9.2\r\n", err: `no HTTP: "SSH-2.0-OpenSSH_9.2\r\n"`},
		{name: "no status", text: "HTTP/1.1 OK\r\n", err: "no HTTP"},
		{name: "a line without end", text: strings.Repeat("x", 1<<20), err: "no answer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url, asked := answering(t, tt.text)
			began := now()
			a := (&Ready{HTTP: url}).probe().ask(t.Context())
			if tt.err == "" && (a.err != nil || a.at < began || a.at > now()) || tt.err != "" && (a.err == nil || !strings.Contains(a.err.Error(), tt.err)) {
				t.Errorf("%+v; want %q", a, tt.err)
			}
			if a.err != nil && strings.Contains(a.err.Error(), "word") {
				t.Errorf("%v tells the password", a.err)
			}
			request := asked()
			for _, want := range []string{"GET /a%20b?c=d HTTP/1.1\r\nHost: 127.0.0.1:", "\r\nConnection: close\r\n",
				"\r\nAuthorization: Basic " + base64.StdEncoding.EncodeToString([]byte("user:word")) + "\r\n"} {
				if !strings.Contains(request, want) {
					t.Errorf("%q is not in the request %q", want, request)
				}
			}
		})
	}
}

// The first byte of an answer counts, not the last of its body; and nobody is
// cut off in the middle of one.
func TestAnswerWithoutEnd(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	whole := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-done
		_, err := w.Write(make([]byte, 100<<10))
		whole <- err
	}))
	defer server.Close()
	a := (&Ready{HTTP: server.URL}).probe().ask(t.Context())
	close(done)
	if a.err != nil {
		t.Error(a.err)
	}
	if err := <-whole; err != nil {
		t.Errorf("the server could not end its answer: %v", err)
	}
}

func TestEncrypted(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	if a := (&Ready{HTTP: server.URL}).probe().ask(t.Context()); a.err == nil || !strings.Contains(a.err.Error(), "certificate") {
		t.Errorf("%+v", a)
	}
}

// A try without an answer does not hold up the next one.
func TestBesideOneAnother(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var tries atomic.Int64
	p := &probe{func(ctx context.Context) answer {
		if n := tries.Add(1); n == probesAtOnce {
			return answer{at: n}
		}
		<-ctx.Done()
		return answer{err: ctx.Err()}
	}}
	w := &watch{done: make(chan struct{})}
	go w.ask(ctx, p)
	select {
	case <-w.done:
	case <-time.After(time.Minute):
		t.Fatalf("%d tries in a minute", tries.Load())
	}
	if w.at != probesAtOnce {
		t.Errorf("at %d", w.at)
	}
	// More than so many are not made.
	lost := errors.New("lost")
	tries.Store(0)
	answers := make(chan struct{})
	p.ask = func(ctx context.Context) answer {
		tries.Add(1)
		select {
		case <-answers:
		case <-ctx.Done():
		}
		return answer{err: lost}
	}
	w = &watch{done: make(chan struct{})}
	go w.ask(ctx, p)
	for deadline := time.Now().Add(time.Minute); tries.Load() < probesAtOnce; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d tries in a minute", tries.Load())
		}
	}
	answers <- struct{}{}
	for deadline := time.Now().Add(time.Minute); w.lastTry() != "; the last try: lost"; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%q", w.lastTry())
		}
	}
	if n := tries.Load(); n > probesAtOnce+1 {
		t.Errorf("%d tries", n)
	}
}
