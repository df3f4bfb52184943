//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/sqlite"
	"github.com/pacer-perf/pacer/internal/server"
	"github.com/pacer-perf/pacer/run"
)

// keepSamples keeps a run of so many samples, which do not compress, and
// returns the size of its document.
func keepSamples(t *testing.T, dir, id string, n int) int {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, ".pacer", "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	r := &run.Run{ID: id, App: "app", Timestamp: time.Now()}
	for n > 0 {
		samples := make([]float64, min(n, run.MaxSamples))
		for i := range samples {
			samples[i] = 1 + rng.Float64()
		}
		n -= len(samples)
		r.Metrics = append(r.Metrics, run.Metric{Name: fmt.Sprintf("m%d", n), Unit: "s", Samples: samples})
	}
	if _, err := store.Append(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	text, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return len(text)
}

// thinRun folds the samples of a run into histograms.
func thinRun(t *testing.T, dir, id string) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, ".pacer", "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if n, err := store.Thin(t.Context(), history.Histograms, id); n != 1 || err != nil {
		t.Fatalf("%d runs were thinned: %v", n, err)
	}
}

// A run that is too large for the server is named, holds up no others, and is
// sent again only once it changed.
func TestPushTooLarge(t *testing.T) {
	t.Parallel()
	there, here := t.TempDir(), t.TempDir()
	s := startServer(t, there, "serve", "--addr", "127.0.0.1:0")
	keep(t, here, "A1", 1)
	if n := keepSamples(t, here, "A2", 1_000_000); n <= 16<<20 {
		t.Fatalf("the large run has %d bytes", n)
	}
	keep(t, here, "A3", 1)
	keep(t, here, "A4", 1)
	for _, tt := range []struct{ want, when string }{{"4 runs sent to 127.0.0.1", ""}, {"0 runs to send to 127.0.0.1", " before, and not sent again"}} {
		status, _, text := said(t, here, nil, "push", "--patience", "1ms", s.url)
		if status != 2 || !strings.Contains(text, tt.want) || !strings.Contains(text, "rejected"+tt.when+": run A2: is larger than 16777216 bytes\n  fold its samples") || strings.Contains(text, "wait") {
			t.Errorf("status %d: %s\nwant %q", status, text, tt.want)
		}
	}
	// Once there is less of it, it is another matter.
	thinRun(t, here, "A2")
	if status, _, text := said(t, here, nil, "push", "--patience", "1ms", s.url); status != 0 || !strings.Contains(text, "1 run sent to 127.0.0.1") || strings.Contains(text, "rejected:") {
		t.Errorf("thinned: status %d: %s", status, text)
	}
	_, body := fetch(t, "GET", s.url+"api/v1/runs", nil)
	for _, id := range []string{"A1", "A2", "A3", "A4"} {
		if !strings.Contains(body, `"id":"`+id+`"`) {
			t.Errorf("the server lacks %s: %s", id, body)
		}
	}
	s.interrupt(t)
}

// strict is a server, or what stands before it, that answers 413 for a request
// as a whole: for a line that is too long, having kept what came before it, or
// for a body that is.
type strict struct {
	mostLine, mostBody int

	mu       sync.Mutex
	kept     map[string]int // times that a run came and was answered
	requests int
}

func (s *strict) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	body, err := io.ReadAll(r.Body)
	if err == nil && len(body) > s.mostBody {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		fmt.Fprint(w, "<html>413 Request Entity Too Large</html>")
		return
	}
	z, _ := zstd.NewReader(nil)
	text, err := z.DecodeAll(body, nil)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var kept server.Kept
	lines := bufio.NewScanner(strings.NewReader(string(text)))
	lines.Buffer(nil, len(text)+1)
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) > s.mostLine {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			fmt.Fprintf(w, `{"error":"line %d is larger than %d bytes"}`, n, s.mostLine)
			return
		}
		var one struct{ ID string }
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.kept[one.ID]++
		kept.Runs, kept.Added = append(kept.Runs, one.ID), kept.Added+1
	}
	json.NewEncoder(w).Encode(kept)
}

// state is how often each run came, and the number of requests.
func (s *strict) state() (kept map[string]int, requests int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.kept), s.requests
}

// Where a server refuses a batch as a whole, the run that is too large is found
// and the others are sent.
func TestPushStrictServer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		to   *strict
		says string
	}{
		{"a line", &strict{mostLine: 4000, mostBody: 1 << 20}, "line 1 is larger than 4000 bytes"},
		{"a body", &strict{mostLine: 1 << 20, mostBody: 4000}, "413 Request Entity Too Large"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			to := tt.to
			to.kept = make(map[string]int)
			at := httptest.NewServer(to)
			defer at.Close()
			here := t.TempDir()
			for i := range 9 {
				if id := fmt.Sprintf("A%d", i); i == 3 || i == 8 {
					keepSamples(t, here, id, 1000)
				} else {
					keep(t, here, id, 1)
				}
			}
			status, _, text := said(t, here, nil, "push", "--patience", "1ms", at.URL)
			for _, want := range []string{"9 runs sent to 127.0.0.1", "7 new, 0 known there, 2 rejected", "rejected: run A3: its ", "rejected: run A8: its ", tt.says, "pacer history prune --samples"} {
				if status != 2 || !strings.Contains(text, want) {
					t.Errorf("status %d: %s\nwant %q", status, text, want)
				}
			}
			kept, before := to.state()
			if len(kept) != 7 {
				t.Errorf("it has %v", kept)
			}
			keep(t, here, "B0", 1)
			status, _, text = said(t, here, nil, "push", "--patience", "1ms", at.URL)
			kept, after := to.state()
			if status != 2 || !strings.Contains(text, "1 new, 0 known there, 2 rejected") || kept["B0"] != 1 {
				t.Errorf("again: status %d: %s", status, text)
			}
			if after != before+1 || strings.Count(text, "rejected before, and not sent again: run A") != 2 {
				t.Errorf("again: %d requests: %s", after-before, text)
			}
			status, _, text = said(t, here, nil, "push", "--dry-run", at.URL)
			if status != 0 || !strings.Contains(text, "run A8") || !strings.Contains(text, "0 runs to send") {
				t.Errorf("again, dry: status %d: %s", status, text)
			}
			status, _, text = said(t, here, nil, "push", "--patience", "1ms", "--again", at.URL)
			if _, asked := to.state(); status != 2 || asked != after+3 || !strings.Contains(text, "rejected: run A8: its ") { // both, and each alone
				t.Errorf("--again: status %d, %d requests: %s", status, asked-after, text)
			}
			// To a server that takes more by now.
			to.mu.Lock()
			to.mostLine, to.mostBody = 1<<20, 1<<20
			to.mu.Unlock()
			status, _, text = said(t, here, nil, "push", "--patience", "1ms", "--again", at.URL)
			if kept, _ = to.state(); status != 0 || kept["A3"] != 1 || kept["A8"] != 1 || strings.Contains(text, "rejected:") {
				t.Errorf("--again: status %d, it has %v: %s", status, kept, text)
			}
			if status, _, text = said(t, here, nil, "push", at.URL); status != 0 || strings.Contains(text, "before") {
				t.Errorf("all sent: status %d: %s", status, text)
			}
		})
	}
}

// What is sent is found without reading what was sent before, also where runs
// have one time and where some of them were rejected.
func TestUnsent(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "h.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	at := func(second int) time.Time { return time.Date(2026, 1, 1, 0, 0, second, 0, time.UTC) }
	sent := make(map[string]bool)
	want := make(map[string]bool)
	for i, one := range []struct {
		second int
		sent   bool
	}{{0, true}, {1, false}, {2, true}, {2, false}, {2, true}, {2, false}, {3, false}, {4, true}, {5, true}, {6, false}, {7, false}} {
		id := fmt.Sprintf("R%02d", i)
		if _, err := store.Append(t.Context(), &run.Run{ID: id, App: "app", Timestamp: at(one.second), Metrics: []run.Metric{{Name: "m", Unit: "s", Samples: []float64{1}}}}); err != nil {
			t.Fatal(err)
		}
		if sent[id] = one.sent; !one.sent {
			want[id] = true
		}
	}
	last := &run.Run{ID: "R99", App: "app", Timestamp: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), Metrics: []run.Metric{{Name: "m", Unit: "s", Samples: []float64{1}}}}
	if _, err := store.Append(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	want["R99"] = true
	todo, list, err := unsent(t.Context(), store, history.Filter{}, func(e *history.Entry) bool { return !sent[e.Head.ID] })
	if err != nil || todo != len(want) || len(list) != 3 {
		t.Fatalf("%d in %v, %v; want %d in 3", todo, list, err, len(want))
	}
	read := 0
	for _, st := range list {
		err := store.Walk(t.Context(), st.of(history.Filter{}), history.Parts{}, func(e *history.Entry) error {
			read++
			if !sent[e.Head.ID] && !want[e.Head.ID] {
				return fmt.Errorf("%s comes twice", e.Head.ID)
			}
			delete(want, e.Head.ID)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if len(want) > 0 || read != 9 {
		t.Errorf("%d runs were read, want 9; not read: %v", read, want)
	}
}
