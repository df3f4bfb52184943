package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Of some places one asker holds no more than half, those who come later no more
// than half of what is left, and one that is given back goes to who waits.
func TestPlaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(4)
		var leaves []func()
		for range 2 {
			leave, err := p.take(t.Context(), "a")
			if err != nil {
				t.Fatal(err)
			}
			leaves = append(leaves, leave)
		}
		tooMany := func(who string) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := p.take(ctx, who)
			if r := refusalOf(err); r.status != 503 || r.text != "the server is busy" || r.after == 0 {
				t.Errorf("one more place of %s: %v", who, err)
			}
		}
		tooMany("a")
		if _, err := p.take(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		tooMany("b")
		if _, err := p.take(t.Context(), "third"); err != nil {
			t.Fatal(err)
		}
		gone, end := context.WithCancel(t.Context())
		end()
		if _, err := p.take(gone, "c"); !errors.Is(err, context.Canceled) {
			t.Errorf("whoever went away: %v", err)
		}
		got := make(chan error, 1)
		go func() {
			_, err := p.take(t.Context(), "c")
			got <- err
		}()
		synctest.Wait()
		leaves[0]()
		leaves[0]() // which is one place all the same
		if err := <-got; err != nil || p.free != 0 {
			t.Errorf("%v, %d places are free", err, p.free)
		}
	})
}

// stalled is a body of which a part comes, and no more before the test ends.
type stalled struct {
	part   io.Reader
	ended  chan struct{}
	onIdle func() // called when nothing more comes
}

func (s *stalled) Read(p []byte) (int, error) {
	if n, err := s.part.Read(p); n > 0 || err != io.EOF {
		return n, err
	}
	s.onIdle()
	<-s.ended
	return 0, io.ErrUnexpectedEOF
}

// What goes wrong with the first byte of a body is told when it is read.
func TestFirstByte(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	token := h.token("app", "ingest")
	for _, kind := range []string{jsonType, ndjson} {
		r := httptest.NewRequest(http.MethodPost, "/api/v1/runs", &failing{os.ErrDeadlineExceeded})
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != http.StatusRequestTimeout {
			t.Errorf("%s: status %d: %s", kind, w.Code, w.Body)
		}
	}
}

// failing fails once, and is at its end then.
type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) {
	err := f.err
	f.err = io.EOF
	return 0, err
}

// Bodies that do not come take no places; those that come slowly, of one token or
// of two, leave some to a third one.
func TestSlowBodies(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	slow, slower, other := h.token("app", "ingest"), h.token("app", "ingest"), h.token("app", "ingest")
	ended := make(chan struct{})
	var all sync.WaitGroup
	defer all.Wait()
	defer close(ended)
	begin := func(n, served int, token, part string) { // of which so many are read to where they stall
		idle := make(chan bool, n)
		for range n {
			r := httptest.NewRequest(http.MethodPost, "/api/v1/runs", &stalled{strings.NewReader(part), ended, sync.OnceFunc(func() { idle <- true })})
			r.Header.Set("Authorization", "Bearer "+token)
			r.Header.Set("Content-Type", ndjson)
			all.Go(func() { h.ServeHTTP(httptest.NewRecorder(), r) })
		}
		for range served {
			<-idle
		}
	}
	_, text := typical("app", 1)
	begin(5*mostIntakes, 5*mostIntakes, slow, "")
	h.want(201, nil, "POST", "/api/v1/runs", slow, text, "Content-Type", jsonType)
	begin(mostIntakes, mostIntakes/2, slow, `{"app":`)
	begin(mostIntakes, mostIntakes/4, slower, `{"app":`)
	for range mostIntakes {
		h.want(200, nil, "POST", "/api/v1/runs", other, text, "Content-Type", jsonType)
	}
	if free := h.intakes.free; free != mostIntakes/4 {
		t.Errorf("%d places are free", free)
	}
}
