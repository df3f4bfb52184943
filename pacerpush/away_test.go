package pacerpush

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/internal/request"
)

// away is a server in memory, so that a test's clock is the only one.
type away func(n int, r *http.Request, w http.ResponseWriter) error

// over is a queue to it, the moments in which it was asked since now, and the
// log.
func (a away) over() (q *queue, moments *[]time.Duration, log *bytes.Buffer) {
	start := time.Now()
	moments, log = new([]time.Duration), new(bytes.Buffer)
	q = &queue{client: request.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		*moments = append(*moments, time.Since(start))
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
		w := httptest.NewRecorder()
		if err := a(len(*moments), r, w); err != nil {
			return nil, err
		}
		return w.Result(), nil
	})}}
	return q, moments, log
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// silent never answers.
func silent(_ int, r *http.Request, _ http.ResponseWriter) error {
	<-r.Context().Done()
	return r.Context().Err()
}

func text(b *bytes.Buffer) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

// The queue is bounded, and giving a run to it takes no time, however long the
// server does.
func TestBounded(t *testing.T) {
	t.Setenv("PACER_ENDPOINT", "https://pacer.example")
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		q, _, buffer := away(func(_ int, r *http.Request, w http.ResponseWriter) error {
			<-release
			w.WriteHeader(http.StatusCreated)
			return nil
		}).over()
		log, start := text(buffer), time.Now()
		var last <-chan struct{}
		for range maxWaiting + 10 {
			last = q.send([]byte("{}"), log)
		}
		<-last // dropped at once
		synctest.Wait()
		if c := q.stats(); time.Since(start) != 0 || c != (Counts{Dropped: 10, Waiting: maxWaiting}) {
			t.Errorf("after %v: %+v", time.Since(start), c)
		}
		if !strings.Contains(buffer.String(), "64 runs") || !strings.Contains(buffer.String(), "dropped=10") {
			t.Errorf("the log: %s", buffer)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := q.flush(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("flush: %v", err)
		}
		close(release)
		if err := q.flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if c := q.stats(); c != (Counts{Sent: maxWaiting, Dropped: 10}) {
			t.Errorf("%+v", c)
		}
	})
}

// What waits is bounded in bytes as well, and has room again for what was sent.
func TestBoundedBytes(t *testing.T) {
	t.Setenv("PACER_ENDPOINT", "https://pacer.example")
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		q, _, buffer := away(func(_ int, _ *http.Request, w http.ResponseWriter) error {
			<-release
			w.WriteHeader(http.StatusCreated)
			return nil
		}).over()
		large := make([]byte, 64<<10) // that gzip makes no smaller
		rand.NewChaCha8([32]byte{}).Read(large)
		const taken = maxBytes - 150<<10 // as by others, so that there is room for two
		q.bytes = taken
		for range 3 {
			q.send(large, text(buffer))
		}
		if c := q.stats(); c != (Counts{Dropped: 1, Waiting: 2}) {
			t.Errorf("%+v", c)
		}
		close(release)
		if err := q.flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-q.send(large, text(buffer))
		if c := q.stats(); c != (Counts{Sent: 3, Dropped: 1}) || q.bytes != taken {
			t.Errorf("%+v, %d bytes", c, q.bytes-taken)
		}
	})
}

// A server that is away, or never answers, is given up after a minute: the run
// is dropped, with the reason, and the next one is tried.
func TestAway(t *testing.T) {
	t.Setenv("PACER_ENDPOINT", "https://pacer.example")
	for name, tt := range map[string]struct {
		server away
		why    string
	}{
		"refused": {func(int, *http.Request, http.ResponseWriter) error { return errors.New("connection refused") }, "connection refused"},
		"silent":  {silent, "no answer in time"},
		"broken":  {func(_ int, _ *http.Request, w http.ResponseWriter) error { w.WriteHeader(502); return nil }, "502"},
		"at once": {func(_ int, _ *http.Request, w http.ResponseWriter) error {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(503)
			return nil
		}, "503"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, moments, buffer := tt.server.over()
				start := time.Now()
				first, second := q.send([]byte("{}"), text(buffer)), q.send([]byte("{}"), text(buffer))
				<-first
				if d := time.Since(start); d < 50*time.Second || d > time.Minute {
					t.Errorf("given up after %v", d)
				}
				<-second
				if d := time.Since(start); d > 2*time.Minute {
					t.Errorf("both are given up after %v", d)
				}
				if c := q.stats(); c != (Counts{Dropped: 2}) {
					t.Errorf("%+v", c)
				}
				if n := len(*moments); n < 8 || n > 130 {
					t.Errorf("asked %d times: %v", n, *moments)
				}
				if !strings.Contains(buffer.String(), tt.why) || !strings.Contains(buffer.String(), "pacer.example") {
					t.Errorf("the log: %s", buffer)
				}
			})
		})
	}
}

// What the server asks to wait is waited, and a run that was sent meanwhile by
// an attempt whose answer was lost is sent again: the server knows it by its id.
func TestRetryAfter(t *testing.T) {
	t.Setenv("PACER_ENDPOINT", "https://pacer.example")
	synctest.Test(t, func(t *testing.T) {
		q, moments, buffer := away(func(n int, _ *http.Request, w http.ResponseWriter) error {
			switch n {
			case 1:
				w.Header().Set("Retry-After", "20")
				w.WriteHeader(http.StatusTooManyRequests)
			case 2:
				return errors.New("connection reset by peer")
			}
			return nil
		}).over()
		<-q.send([]byte("{}"), text(buffer))
		if c := q.stats(); c != (Counts{Sent: 1}) {
			t.Errorf("%+v: %s", c, buffer)
		}
		if at := *moments; len(at) != 3 || at[1] < 20*time.Second || at[1] > 30*time.Second || at[2] <= at[1] {
			t.Errorf("asked at %v", at)
		}
	})
}

// Close waits five seconds for a server that does not answer, says so, and has
// written the run to its file. A second Close waits for nothing.
func TestClosePatience(t *testing.T) {
	t.Setenv("PACER_ENDPOINT", "https://pacer.example")
	t.Setenv("PACER_EXPORT", "")
	file := t.TempDir() + "/run.json"
	synctest.Test(t, func(t *testing.T) {
		q, _, buffer := away(silent).over()
		before := standard.client
		standard.client = q.client
		defer func() { standard.client = before }()
		was := Stats()
		rec := pacer.New(pacer.Config{App: "app", ExportFile: file, Logger: text(buffer)})
		start := time.Now()
		if err := rec.Close(); err != nil {
			t.Error(err)
		}
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("closed after %v", d)
		}
		rec.Close()
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("closed again after %v", d)
		}
		if !strings.Contains(buffer.String(), "sending was still under way") {
			t.Errorf("the log: %s", buffer)
		}
		if c := Stats(); c.Waiting != 1 {
			t.Errorf("%+v", c)
		}
		if err := Flush(t.Context()); err != nil {
			t.Error(err)
		}
		if c := Stats(); c.Dropped != was.Dropped+1 || c.Waiting != 0 {
			t.Errorf("%+v", c)
		}
	})
}
