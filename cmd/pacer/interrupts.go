package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/pacer-perf/pacer/internal/measure"
)

// lastWait is how long after the second interrupt this process may take to put
// away what it has.
const lastWait = 2 * time.Second

// interrupts returns a context that ends with the first interrupt, and under
// which the second kills what is measured. Then this process ends soon, come
// what may, and with the third at once; what it started ends with it.
func interrupts(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	kill, killNow := context.WithCancel(parent)
	came := make(chan os.Signal, 3)
	signal.Notify(came, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		next := func(f func()) bool {
			select {
			case <-done:
				return false
			case <-came:
				f()
				return true
			}
		}
		if !next(cancel) || !next(killNow) {
			return
		}
		select {
		case <-done:
			return
		case <-came:
		case <-time.After(lastWait):
		}
		os.Exit(statusInterrupted)
	}()
	return measure.AtOnce(ctx, kill), func() {
		signal.Stop(came)
		close(done)
		cancel()
		killNow()
	}
}
