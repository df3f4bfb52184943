package measure

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"sync"
	"sync/atomic"
	"time"
)

// Ready is how a command tells that it has started up: able to do the user's
// first piece of work. One field is set.
type Ready struct {
	Line *regexp.Regexp // it prints a line that matches
	HTTP string         // a GET of this URL is answered with a status of 2xx
	TCP  string         // a connection to this address is accepted; unix:PATH is a socket
	File string         // this file is there
	// Stamp is a file like File that holds when that was, as nanoseconds since
	// 1970: the SDK's Ready writes it where PACER_READY says.
	Stamp string
}

// ErrAlreadyReady is returned when something else answers in place of the
// command, before it was started.
var ErrAlreadyReady = errors.New("was there before the command was started")

// A try takes some 10 to 100 µs of processor time, which a command on a small
// machine does not have then.
const (
	probeEvery    = time.Millisecond
	probePatience = time.Second            // for one answer
	probeBeside   = 100 * time.Millisecond // is when another try begins beside one without an answer
	probesAtOnce  = 4
)

// before makes sure that what tells of readiness does not tell of it yet.
func (r *Ready) before(ctx context.Context) error {
	if r == nil || r.Line != nil {
		return nil
	}
	if r.Stamp != "" {
		// It is this launcher's own, of an execution before.
		if err := os.Remove(r.Stamp); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if r.probe().ask(ctx).err == nil {
		return fmt.Errorf("%s %w", first(r.HTTP, r.TCP, r.File), ErrAlreadyReady)
	}
	return nil
}

// watch is the wait for one execution to be ready.
type watch struct {
	done chan struct{} // closed when it is

	mu    sync.Mutex
	at    int64 // on the clock of now
	stamp int64 // since 1970, by its own word; 0: none
	why   error // the last try failed
}

// last looks once more for a file, after the end of the command: it may have
// come between two tries.
func (w *watch) last(ctx context.Context, r *Ready) {
	if w == nil || r.File == "" && r.Stamp == "" {
		return
	}
	if a := r.probe().ask(ctx); a.err == nil {
		w.tell(a.at, a.stamp)
	}
}

// watch waits until the command is ready or the context ends.
func (r *Ready) watch(ctx context.Context, o *output) *watch {
	if r == nil {
		return nil
	}
	w := &watch{done: make(chan struct{})}
	if r.Line != nil {
		o.tail.forEach(func(line []byte) {
			if r.Line.Match(line) {
				w.tell(now(), 0)
				o.tail.each = nil // called with the lock held
			}
		})
		return w
	}
	go w.ask(ctx, r.probe())
	return w
}

// ask tries until the command is ready, one try after the other: a goroutine
// for each would have to be waited for on a busy machine. A try that gets no
// answer stays, for the command may be about to give one, and others follow
// beside it: its connection may be lost, as when a queue was full.
func (w *watch) ask(ctx context.Context, p *probe) {
	var a asking
	next := func() {
		turn := a.turn.Add(1)
		a.under.Add(1)
		go func() {
			w.inTurn(ctx, p, &a, turn)
			a.under.Add(-1)
		}()
	}
	next()
	look := time.NewTicker(probeBeside)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.done:
			return
		case <-look.C:
			if began := a.began.Load(); began > 0 && now()-began >= int64(probeBeside) && a.under.Load() < probesAtOnce {
				next()
			}
		}
	}
}

// asking is what those who ask know of one another.
type asking struct {
	turn  atomic.Int64 // of the one who goes on asking
	began atomic.Int64 // when its try began; 0: it makes none
	under atomic.Int64 // how many tries are under way
}

// inTurn tries until the command is ready, or until it is another's turn.
func (w *watch) inTurn(ctx context.Context, p *probe, a *asking, turn int64) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for skip := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-w.done:
			return
		case <-tick.C:
		}
		if skip > 0 {
			skip--
			continue
		}
		a.began.Store(now())
		found := p.ask(ctx)
		if found.err == nil {
			w.tell(found.at, found.stamp)
			return
		}
		w.mu.Lock()
		if ctx.Err() == nil {
			w.why = found.err
		}
		w.mu.Unlock()
		if a.turn.Load() != turn {
			return
		}
		a.began.Store(0)
		skip = found.skip
	}
}

func (w *watch) tell(at, stamp int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.at == 0 {
		w.at, w.stamp = at, stamp
		close(w.done)
	}
}

// is tells whether it is.
func (w *watch) is() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at != 0
}

// since returns how long an execution took to be ready, 0 if it never was.
func (w *watch) since(e *execution) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.at == 0:
		return 0
	case w.stamp > e.began:
		return time.Duration(w.stamp - e.began)
	}
	// What it says at its very end may be read after that.
	return max(1, min(time.Duration(w.at-e.start), e.result.Wall))
}

// lastTry says how the last try failed.
func (w *watch) lastTry() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.why == nil {
		return ""
	}
	return "; the last try: " + w.why.Error()
}
