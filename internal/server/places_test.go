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

// Of some places one asker holds no more than half, and one that is given back
// goes to who waits.
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
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := p.take(ctx, "a")
		if r := refusalOf(err); r.status != 503 || r.text != "the server is busy" || r.after == 0 {
			t.Errorf("the third place of one: %v", err)
		}
		for range 2 {
			if _, err := p.take(t.Context(), "b"); err != nil {
				t.Fatal(err)
			}
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

// Bodies that do not come take no places; those that come slowly take no more
// than half of them for each token.
func TestSlowBodies(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	slow, other := h.token("app", "ingest"), h.token("app", "ingest")
	ended := make(chan struct{})
	var all sync.WaitGroup
	defer all.Wait()
	defer close(ended)
	begin := func(n int, part string) {
		var idle sync.WaitGroup
		for range n {
			idle.Add(1)
			r := httptest.NewRequest(http.MethodPost, "/api/v1/runs", &stalled{strings.NewReader(part), ended, sync.OnceFunc(idle.Done)})
			r.Header.Set("Authorization", "Bearer "+slow)
			r.Header.Set("Content-Type", ndjson)
			all.Go(func() { h.ServeHTTP(httptest.NewRecorder(), r) })
		}
		idle.Wait()
	}
	_, text := typical("app", 1)
	begin(5*mostIntakes, "")
	h.want(201, nil, "POST", "/api/v1/runs", slow, text, "Content-Type", jsonType)
	begin(mostIntakes/2, `{"app":`)
	for range mostIntakes {
		h.want(200, nil, "POST", "/api/v1/runs", other, text, "Content-Type", jsonType)
	}
	if free := h.intakes.free; free != mostIntakes/2 {
		t.Errorf("%d places are free", free)
	}
}
