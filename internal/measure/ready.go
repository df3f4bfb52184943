package measure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
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

// probing is how often a command is asked. A try takes some 10 to 100 µs of
// processor time, which a command on a small machine does not have then.
const (
	probeEvery     = time.Millisecond
	probeHTTPEvery = 2 * time.Millisecond
	probePatience  = time.Second // for one answer
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
	ctx, cancel := context.WithTimeout(ctx, probePatience)
	defer cancel()
	p := r.probe()
	defer p.close()
	if p.try(ctx) == nil {
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
	if p := r.probe(); p.try(ctx) == nil {
		w.tell(now(), p.stamp)
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
	go func() {
		p := r.probe()
		defer p.close()
		tick := time.NewTicker(p.every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			try, cancel := context.WithTimeout(ctx, probePatience)
			err := p.try(try)
			cancel()
			if err == nil {
				w.tell(now(), p.stamp)
				return
			}
			w.mu.Lock()
			if ctx.Err() == nil {
				w.why = err
			}
			w.mu.Unlock()
		}
	}()
	return w
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

// probe asks once whether a command is ready.
type probe struct {
	try   func(context.Context) error
	close func()
	every time.Duration
	stamp int64
}

func (r *Ready) probe() *probe {
	p := &probe{close: func() {}, every: probeEvery}
	switch {
	case r.HTTP != "":
		client := &http.Client{
			Transport: &http.Transport{DisableKeepAlives: true},
			// A page that sends elsewhere is not ready itself.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
		p.every, p.close = probeHTTPEvery, client.CloseIdleConnections
		p.try = func(ctx context.Context) error { return get(ctx, client, r.HTTP) }
	case r.TCP != "":
		network, address := "tcp", r.TCP
		if path, ok := strings.CutPrefix(address, "unix:"); ok {
			network, address = "unix", path
		}
		p.try = func(ctx context.Context) error {
			var d net.Dialer
			conn, err := d.DialContext(ctx, network, address)
			if err == nil {
				conn.Close()
			}
			return err
		}
	case r.Stamp != "":
		p.try = func(context.Context) error {
			text, err := os.ReadFile(r.Stamp)
			if err != nil {
				return err
			}
			p.stamp, err = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
			return err
		}
	default:
		p.try = func(context.Context) error {
			_, err := os.Stat(r.File)
			return err
		}
	}
	return p
}

func get(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	io.CopyN(io.Discard, response.Body, 1<<10)
	response.Body.Close()
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("GET %s: %s", url, response.Status)
	}
	return nil
}
