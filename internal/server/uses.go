package server

import (
	"context"
	"sync"
	"time"
)

// useTime bounds how long noting the use of a token may take.
const useTime = 2 * time.Second

// uses notes the use of tokens while requests go on, one at a time: what comes
// meanwhile is left out, for the next request of that token notes it.
type uses struct {
	mu    sync.Mutex
	stop  context.CancelFunc // of what is being noted; nil: nothing is
	ended bool
	going sync.WaitGroup
}

func (u *uses) note(f func(context.Context)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.stop != nil || u.ended {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), useTime)
	u.stop = cancel
	u.going.Go(func() {
		f(ctx)
		cancel()
		u.mu.Lock()
		defer u.mu.Unlock()
		u.stop = nil
	})
}

// close ends what is being noted, and waits for it.
func (u *uses) close() error {
	u.mu.Lock()
	u.ended = true
	if u.stop != nil {
		u.stop()
	}
	u.mu.Unlock()
	u.going.Wait()
	return nil
}
