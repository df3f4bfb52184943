package server

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"golang.org/x/sync/semaphore"
)

// places are held by requests while they wait for a network with something in
// memory. Who asks is given one while more are free than they hold: alone they
// get half, two get a third each, and always about as much as one of them has is
// left for somebody else. Who is slow, or pretends to be, is in nobody's way but
// their own, nor are several of them.
type places struct {
	mu    sync.Mutex
	free  int
	of    map[string]int
	freed chan struct{} // closed, and made anew, when a place is given back
}

func newPlaces(n int) *places {
	return &places{free: n, of: make(map[string]int), freed: make(chan struct{})}
}

// take waits for a place, which leave gives back. It fails with the refusal busy
// if the context ends by time.
func (p *places) take(ctx context.Context, who string) (leave func(), err error) {
	for {
		p.mu.Lock()
		if p.of[who] < p.free {
			p.free--
			p.of[who]++
			p.mu.Unlock()
			return sync.OnceFunc(func() { p.leave(who) }), nil
		}
		freed := p.freed
		p.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return nil, busy(ctx)
		}
	}
}

func (p *places) leave(who string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free++
	if p.of[who]--; p.of[who] == 0 {
		delete(p.of, who)
	}
	close(p.freed)
	p.freed = make(chan struct{})
}

// room is what may be in memory of what is being read, by what it weighs. It is
// taken for work that is done without waiting for a client.
type room struct {
	*semaphore.Weighted
	size int64
}

func newRoom(size int64) room { return room{semaphore.NewWeighted(size), size} }

// take waits for room, all of it for what weighs more.
func (m *room) take(ctx context.Context, weight int64) (leave func(), err error) {
	weight = min(weight, m.size)
	if m.Acquire(ctx, weight) != nil {
		return nil, busy(ctx)
	}
	return func() { m.Release(weight) }, nil
}

// busy is the answer to a request that waited for others too long.
func busy(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err() // nobody waits any more
	}
	return &refusal{status: http.StatusServiceUnavailable, text: "the server is busy", hint: "try again in a moment: what was sent before and answered is kept", after: retryAfter, cause: ctx.Err()}
}
