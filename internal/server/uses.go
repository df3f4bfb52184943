package server

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// useTime bounds how long noting the use of a token may take.
const useTime = 2 * time.Second

// uses notes the use of tokens while requests go on, one at a time: what comes
// meanwhile is left out, for the next request of that token notes it. That it
// fails is told when it begins to, and when it no longer does.
type uses struct {
	log *slog.Logger

	mu     sync.Mutex
	stop   context.CancelFunc // of what is being noted; nil: nothing is
	ended  bool
	failed int // in a row
	going  sync.WaitGroup
}

func (u *uses) note(f func(context.Context) error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.stop != nil || u.ended {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), useTime)
	u.stop = cancel
	u.going.Go(func() {
		err := f(ctx)
		cancel()
		u.mu.Lock()
		defer u.mu.Unlock()
		u.stop = nil
		u.tell(err)
	})
}

func (u *uses) tell(err error) {
	switch {
	case err != nil && u.ended: // which is why
	case err != nil:
		if u.failed++; u.failed == 1 {
			u.log.Warn("when tokens are used is not noted", "err", err)
		}
	case u.failed > 0:
		u.log.Info("when tokens are used is noted again", "failed", u.failed)
		u.failed = 0
	}
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
