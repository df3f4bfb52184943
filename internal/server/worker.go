package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/pacer-perf/pacer/internal/access"
	"github.com/pacer-perf/pacer/internal/history"
)

// verdictKind is the kind of the jobs that are verdicts; their keys are runs.
const verdictKind = "verdict"

// worker works out verdicts, one after the other: one server's part of the
// queue.
type worker struct {
	server *Server
	name   string
	lease  time.Duration // for how long a job is another's after nothing is heard of a worker
	idle   time.Duration // between looks at a queue that was empty
	signal chan struct{}
}

func newWorker(s *Server) *worker {
	host, _ := os.Hostname()
	return &worker{server: s, name: fmt.Sprintf("%s-%d-%s", host, os.Getpid(), access.NewSecret()[:6]), lease: time.Minute, idle: 2 * time.Second, signal: make(chan struct{}, 1)}
}

// wake says that there is something to do.
func (w *worker) wake() {
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

// run works until the context ends. What was begun is given back.
func (w *worker) run(ctx context.Context) {
	failing := false
	for ctx.Err() == nil {
		did, err := w.once(ctx)
		if err != nil && ctx.Err() == nil && !failing { // once, until it works again
			w.server.Log.Warn("verdicts are not worked out now", "err", err)
		}
		failing = err != nil
		if did && err == nil {
			continue
		}
		select {
		case <-w.signal:
		case <-time.After(w.idle):
		case <-ctx.Done():
		}
	}
}

// once works out a verdict, if there is one to come.
func (w *worker) once(ctx context.Context) (did bool, err error) {
	store, err := w.server.keeper.get(ctx, false)
	if err != nil || store == nil {
		return false, err
	}
	jobs, err := store.Lease(ctx, verdictKind, w.name, 1, w.lease)
	if err != nil || len(jobs) == 0 {
		return false, err
	}
	return true, w.job(ctx, store, jobs[0])
}

// job works one job out, and keeps its lease meanwhile.
func (w *worker) job(ctx context.Context, store history.Store, j history.Job) error {
	working, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		tick := time.NewTicker(w.lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-working.Done():
				return
			case <-tick.C:
				if errors.Is(store.Extend(working, j, w.lease), history.ErrLeaseLost) {
					cancel() // another one has it by now
				}
			}
		}
	}()
	result, err := w.verdict(working, store, j.Key)
	// Giving back must also work for a server that ends.
	last, end := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer end()
	switch {
	case err == nil:
		w.server.counters.judged.Add(1)
		err = store.Complete(last, j, result)
	case ctx.Err() != nil:
		err = store.Release(last, j, 0, "the server ended")
	default:
		w.server.counters.failed.Add(1)
		err = errors.Join(err, store.Release(last, j, w.lease/4, clip(err.Error(), 500)))
	}
	if errors.Is(err, history.ErrLeaseLost) {
		return nil // its result is the other one's
	}
	return err
}

// verdict returns the verdict on a run, as it is kept: null, if the run is no
// more.
func (w *worker) verdict(ctx context.Context, store history.Store, id string) (text []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p) // one run must not end the server
		}
	}()
	current, err := store.Run(ctx, id)
	if errors.Is(err, history.ErrNotFound) {
		return []byte("null"), nil
	}
	if err != nil {
		return nil, err
	}
	v, err := w.server.verdictOf(ctx, scope(store, current.App), &current, "")
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}
