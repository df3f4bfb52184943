package server

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
)

// slowNotes is a history in which the use of a token is never noted.
type slowNotes struct {
	history.Store
	t     *testing.T
	began chan bool
	going atomic.Int32
}

func (s *slowNotes) UseToken(ctx context.Context, id string, at time.Time) error {
	if n := s.going.Add(1); n > 1 {
		s.t.Errorf("%d are noted at once", n)
	}
	s.began <- true
	<-ctx.Done()
	s.going.Add(-1)
	return ctx.Err()
}

// Who reads does not wait for the use of a token to be noted, one is noted at a
// time, and that ends with the server.
func TestUsesAreNotWaitedFor(t *testing.T) {
	t.Parallel()
	slow := &slowNotes{t: t, began: make(chan bool, 100)}
	h := newHarness(t, func(c *Config) {
		open := c.Open
		c.Open = func(ctx context.Context, make bool) (history.Store, error) {
			store, err := open(ctx, make)
			if store == nil {
				return nil, err
			}
			slow.Store = store
			return slow, err
		}
	})
	reader := h.token("", "read")
	for range 5 {
		h.want(200, nil, "GET", "/api/v1/apps", reader, nil)
	}
	<-slow.began
	if err := h.Server.Close(); err != nil {
		t.Error(err)
	}
	if n := slow.going.Load(); n != 0 {
		t.Errorf("the server is closed, and %d are still being noted", n)
	}
}
