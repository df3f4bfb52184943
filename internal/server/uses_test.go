package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
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

// brokenNotes is a history in which noting the use of a token fails for a while.
type brokenNotes struct {
	history.Store
	broken atomic.Bool
}

func (b *brokenNotes) UseToken(ctx context.Context, id string, at time.Time) error {
	if b.broken.Load() {
		return errors.New("it can only be read")
	}
	return b.Store.UseToken(ctx, id, at)
}

// That the use of tokens cannot be noted is logged once, and once that it can
// again.
func TestUsesFailOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	store := &brokenNotes{}
	now := time.Now()
	h := newHarness(t, func(c *Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
		c.Now = func() time.Time { return now }
		open := c.Open
		c.Open = func(ctx context.Context, make bool) (history.Store, error) {
			var err error
			store.Store, err = open(ctx, make)
			return store, err
		}
	})
	reader := h.token("", "read")
	for range 2 {
		store.broken.Store(true)
		for range 5 {
			h.want(200, nil, "GET", "/api/v1/apps", reader, nil)
			h.uses.going.Wait()
		}
		store.broken.Store(false)
		for range 5 {
			now = now.Add(usedEvery)
			h.want(200, nil, "GET", "/api/v1/apps", reader, nil)
			h.uses.going.Wait()
		}
		now = now.Add(usedEvery)
	}
	text := log.String()
	if strings.Count(text, `level=WARN msg="when tokens are used is not noted" err="it can only be read"`) != 2 ||
		strings.Count(text, `msg="when tokens are used is noted again" failed=5`) != 2 || strings.Count(text, "tokens are used") != 4 {
		t.Errorf("the log:\n%s", text)
	}
}
