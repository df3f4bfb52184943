package app

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/internal/loopback"
)

const serveUsage = `CuePoint's window: the table of tracks, in a browser on this machine.

Usage:
  cuepoint serve [flags]

Examples:
  cuepoint serve                                  the built-in library of 1,000 tracks
  cuepoint serve --library rekordbox.xml          your own
  cuepoint serve --history ~/.cuepoint/runs       Settings also shows how earlier runs went

The first line on standard output is the address. Ctrl-C ends it.

Flags:
`

// serveOptions are the flags of serve.
type serveOptions struct {
	addr    string
	library string
	history string
	verbose bool
}

func parseServe(args []string, stdout io.Writer) (serveOptions, error) {
	var o serveOptions
	fs := flag.NewFlagSet("cuepoint serve", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&o.addr, "addr", "127.0.0.1:0", "`HOST:PORT` to listen on, of this machine; port 0 is a free one")
	fs.StringVar(&o.library, "library", "", "read the rekordbox export `FILE` instead of the built-in library")
	fs.StringVar(&o.history, "history", "", "keep the metrics of each run in the folder `DIR`, and show them in Settings")
	fs.BoolVar(&o.verbose, "verbose", false, "log the metrics")
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fs.SetOutput(stdout)
		io.WriteString(stdout, serveUsage)
		fs.PrintDefaults()
		return o, err
	}
	if err == nil && fs.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if err != nil {
		return o, &hinted{err, "cuepoint serve -h lists the flags"}
	}
	switch here, err := loopback.Is(o.addr); {
	case err != nil:
		return o, &hinted{fmt.Errorf("--addr %s: expected HOST:PORT", o.addr), "--addr 127.0.0.1:0"}
	case !here:
		return o, &hinted{fmt.Errorf("--addr %s: others could reach that: expected an address of this machine alone", o.addr), "--addr 127.0.0.1:0"}
	}
	return o, nil
}

// serve shows the library until ctx ends, which is how it is meant to end.
func serve(ctx context.Context, o serveOptions, stdout, stderr io.Writer) (err error) {
	rec := newRecorder(o.verbose, stderr)
	defer func() {
		if cerr := rec.Close(); cerr != nil && err == nil {
			err = cerr
		}
	}()
	rec.Phase("listen")
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		return &hinted{fmt.Errorf("--addr: %w", err), "on a port that is free: --addr 127.0.0.1:0"}
	}
	rec.Phase("open library")
	// Whoever registers a timer first gives it its budget; spans of its name
	// record into it.
	rec.Timer("table.filter", filterBudget)
	rec.Timer("track.process", processBudget)
	p := newProgram(rec)
	tracks, sum, err := p.load(ctx, o.library)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	for _, w := range sum.Warnings {
		if o.library != "" || o.verbose {
			fmt.Fprintf(stderr, "cuepoint: warning: %s: %s\n", options{library: o.library}.libraryName(), w)
		}
	}
	rec.Phase("prepare table")
	s := newShelf(p, options{library: o.library}.libraryName(), tracks)
	defer s.stop()
	server := http.Server{
		Handler:           newWindow(s, o.history),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(slog.NewTextHandler(stderr, nil), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	rec.Ready()
	if _, err := fmt.Fprintf(stdout, "http://%s/\n", listener.Addr()); err != nil {
		server.Close()
		<-ended
		return err
	}
	fmt.Fprintf(stderr, "%s: %s; Ctrl-C ends it\n", s.name, count(len(tracks), "track"))
	select {
	case err = <-ended:
		return err
	case <-ctx.Done():
	}
	// What is being answered gets a moment.
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if server.Shutdown(stop) != nil {
		server.Close()
	}
	<-ended
	return keep(rec, o.history)
}

// keep adds the run that ends to the history.
func keep(rec *pacer.Recorder, dir string) error {
	if dir == "" || rec == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	return rec.Export(filepath.Join(dir, rec.Snapshot().ID+".json"))
}
