// Package pacerpush sends what a program measured straight to a server (pacer
// serve), where the environment names one:
//
//	import _ "github.com/pacer-perf/pacer/pacerpush"
//
//	PACER_ENDPOINT=https://pacer.example PACER_TOKEN=pacer_... ./app
//
// Importing it is all there is to do; package pacer alone sends nothing, for it
// must not bring net/http along. A run is sent when its recorder is closed: as a
// whole and once, so that it is one run of the program. It is not sent where
// PACER_EXPORT is set, as by pacer run, which keeps the run itself.
//
// A run is one life of the program, not an hour of it: start-up and peak memory
// are measured once in a life, so an hour without them would fail its budgets as
// missing. What runs for weeks sends OpenTelemetry while it does: pacerotel.
//
// Sending never holds the program up but in Recorder.Close, which waits for its
// own run, up to five seconds. Runs wait in a queue of at most 64, or 32 MB;
// what finds no place, or what the server does not take within a minute, is
// dropped, logged and counted: see Stats. Until then it is tried again, after as
// long as the server asks to wait (Retry-After), else after pauses that grow; each
// is spread by chance.
//
// A program that is killed sends nothing. One whose runs must not be lost writes
// them to a file as well (Config.ExportFile, Config.ExportEvery), which pacer
// import takes.
package pacerpush

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pacer-perf/pacer/internal/request"
	"github.com/pacer-perf/pacer/internal/sender"
)

const (
	maxWaiting = 64       // runs in the queue
	maxBytes   = 32 << 20 // of them, compressed
	patience   = time.Minute
)

func init() { sender.Register(standard.send) }

var standard = &queue{}

// Counts say what became of runs.
type Counts struct {
	Sent    int // that the server has
	Dropped int // that found no place, or that the server did not take
	Waiting int // that are still to be sent
}

// Stats says what became of the runs of this program.
func Stats() Counts { return standard.stats() }

// Flush waits until the runs that are closed were sent or dropped, or until the
// context ends, whose error it returns then.
func Flush(ctx context.Context) error { return standard.flush(ctx) }

// queue sends runs one after the other, on a goroutine that is there while
// something waits.
type queue struct {
	client request.Client

	mu      sync.Mutex
	list    []*item
	bytes   int
	working bool
	counts  Counts
}

// item is a run that waits.
type item struct {
	body []byte
	log  *slog.Logger
	done chan struct{}
}

func (q *queue) stats() Counts {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := q.counts
	c.Waiting = len(q.list)
	return c
}

func (q *queue) flush(ctx context.Context) error {
	for {
		q.mu.Lock()
		var last *item
		if n := len(q.list); n > 0 {
			last = q.list[n-1]
		}
		q.mu.Unlock()
		if last == nil {
			return nil
		}
		select {
		case <-last.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// send is a sender.Func.
func (q *queue) send(document []byte, log *slog.Logger) <-chan struct{} {
	it := &item{log: log, done: make(chan struct{})}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(document)
	if err = errors.Join(err, z.Close()); err != nil {
		q.drop(it, err)
		return it.done
	}
	it.body = b.Bytes()
	q.mu.Lock()
	if len(q.list) >= maxWaiting || q.bytes+len(it.body) > maxBytes {
		err := fmt.Errorf("%d runs of %d bytes wait already", len(q.list), q.bytes)
		q.mu.Unlock()
		q.drop(it, err)
		return it.done
	}
	q.list = append(q.list, it)
	q.bytes += len(it.body)
	if !q.working {
		q.working = true
		go q.work()
	}
	q.mu.Unlock()
	return it.done
}

// work sends what waits until nothing does.
func (q *queue) work() {
	for {
		q.mu.Lock()
		if len(q.list) == 0 {
			q.working = false
			q.mu.Unlock()
			return
		}
		it := q.list[0]
		q.mu.Unlock()
		err := q.post(it)
		q.mu.Lock()
		q.list = q.list[1:]
		q.bytes -= len(it.body)
		if err == nil {
			q.counts.Sent++
		}
		q.mu.Unlock()
		if err != nil {
			q.drop(it, err)
		} else {
			close(it.done)
		}
	}
}

// drop gives a run up.
func (q *queue) drop(it *item, err error) {
	q.mu.Lock()
	q.counts.Dropped++
	n := q.counts.Dropped
	q.mu.Unlock()
	func() {
		defer func() { _ = recover() }() // what a handler does wrong must not reach the app
		it.log.Error("pacer: a run was not sent", "error", err, "dropped", n)
	}()
	close(it.done)
}

// post sends a run to the server that the environment names.
func (q *queue) post(it *item) error {
	at, err := url.Parse(os.Getenv("PACER_ENDPOINT"))
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" || at.User != nil {
		return errors.New("PACER_ENDPOINT: expected http://HOST:PORT or https://HOST")
	}
	at.Path, at.RawQuery, at.Fragment = strings.TrimSuffix(at.Path, "/")+"/api/v1/runs", "", ""
	header := http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}
	if token := os.Getenv("PACER_TOKEN"); token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	client := q.client
	client.UserAgent, client.Timeout, client.Attempts, client.Patience = "pacerpush", 10*time.Second, 1000, patience
	why := "no answer in time"
	client.Waiting = func(w string, _ time.Duration) { why = w }
	// A minute is one, however long the attempts take.
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err = client.Do(ctx, request.Request{Method: http.MethodPost, URL: at.String(), Name: at.Host, Header: header, Body: it.body})
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%s did not take it within %s: %s", at.Host, patience, why)
	}
	return err
}
