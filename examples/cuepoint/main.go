// Command cuepoint matches the tracks of a rekordbox library with a catalogue
// and writes them as CSV. It is the worked example of a program that Pacer
// watches; package app is all of it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/pacer-perf/pacer/examples/cuepoint/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := app.Main(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}
