package pacerpush

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/run"
)

// receiver is a server that takes runs, as its function says.
type receiver struct {
	*httptest.Server
	mu   sync.Mutex
	runs []run.Run
	auth []string
}

func receive(t *testing.T, answer func(n int, w http.ResponseWriter) bool) *receiver {
	r := &receiver{}
	n := 0
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		n++
		if !answer(n, w) {
			return
		}
		z, err := gzip.NewReader(q.Body)
		if err != nil {
			t.Error(err)
			return
		}
		one, err := run.Read(z, "body")
		if err != nil {
			t.Error(err)
		}
		if q.URL.Path != "/base/api/v1/runs" {
			t.Errorf("sent to %s", q.URL)
		}
		r.runs, r.auth = append(r.runs, one), append(r.auth, q.Header.Get("Authorization"))
		w.WriteHeader(http.StatusCreated)
	}))
	t.Cleanup(r.Close)
	return r
}

// A run is sent when its recorder is closed, with the token, again where the
// server asks for it, and once.
func TestClose(t *testing.T) {
	r := receive(t, func(n int, w http.ResponseWriter) bool {
		if n == 1 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return n > 1
	})
	t.Setenv("PACER_ENDPOINT", r.URL+"/base/")
	t.Setenv("PACER_TOKEN", "pacer_secret")
	before := Stats()
	rec := pacer.New(pacer.Config{App: "app", Logger: slog.New(slog.DiscardHandler)})
	rec.Counter("orders").Add(3)
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	rec.Close()
	if err := Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(r.runs) != 1 || r.runs[0].App != "app" || r.runs[0].Find("orders", nil) == nil || r.auth[0] != "Bearer pacer_secret" {
		t.Errorf("the server has %+v, %v", r.runs, r.auth)
	}
	if after := Stats(); after.Sent != before.Sent+1 || after.Dropped != before.Dropped || after.Waiting != 0 {
		t.Errorf("%+v, before it %+v", after, before)
	}
	// Whoever collects runs by PACER_EXPORT has the run.
	t.Setenv("PACER_EXPORT", t.TempDir())
	pacer.New(pacer.Config{App: "app", Logger: slog.New(slog.DiscardHandler)}).Close()
	if len(r.runs) != 1 {
		t.Error("a run that was exported is sent as well")
	}
}

// What the server refuses is dropped, said and counted.
func TestRefused(t *testing.T) {
	r := receive(t, func(_ int, w http.ResponseWriter) bool {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":"the token is not valid"}`)
		return false
	})
	t.Setenv("PACER_ENDPOINT", r.URL)
	t.Setenv("PACER_TOKEN", "pacer_secret")
	before := Stats()
	var log bytes.Buffer
	pacer.New(pacer.Config{App: "app", Logger: slog.New(slog.NewTextHandler(&log, nil))}).Close()
	if after := Stats(); after.Dropped != before.Dropped+1 {
		t.Errorf("%+v, before it %+v", after, before)
	}
	if !strings.Contains(log.String(), "the token is not valid") || strings.Contains(log.String(), "pacer_secret") {
		t.Errorf("the log: %s", log.String())
	}
}

func TestAddress(t *testing.T) {
	for _, address := range []string{"pacer.example", "ftp://pacer.example", "http://", "https://user:password@pacer.example", "::"} {
		t.Setenv("PACER_ENDPOINT", address)
		if err := new(queue).post(&item{}); err == nil || strings.Contains(err.Error(), "password") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
