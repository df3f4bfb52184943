// Package app is the program CuePoint: it reads a DJ's rekordbox library,
// finds each track in a catalogue, filters the table of results and writes it
// as CSV, and measures itself while it does. As `cuepoint serve` it has a
// window, whose Settings show what was measured.
//
// The other packages of CuePoint know nothing of measuring; the timers and
// spans are all here. Metrics: startup, library.parse, track.process with its stages
// queries, search and score, table.filter, export.csv, memory.peak and
// memory.current; with the window ui.response and ui.filter.visible.
package app

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/examples/cuepoint/library"
	"github.com/pacer-perf/pacer/examples/cuepoint/match"
	"github.com/pacer-perf/pacer/examples/cuepoint/rekordbox"
	"github.com/pacer-perf/pacer/internal/atomicfile"
)

// Version is CuePoint's. It is a variable so that a build can set it:
// -ldflags "-X github.com/pacer-perf/pacer/examples/cuepoint/app.Version=1.1.0".
var Version = "1.0.0"

// Policy is the pacer.yaml with CuePoint's budgets.
//
//go:embed pacer.yaml
var Policy []byte

const usage = `CuePoint finds the tracks of a rekordbox library in a catalogue.

Usage:
  cuepoint [flags]
  cuepoint serve [flags]

Examples:
  cuepoint                                      the built-in library of 1,000 tracks
  cuepoint --library rekordbox.xml --out t.csv  your own, as a table
  cuepoint --filter house --out - | head        what a person typing "house" waits for
  cuepoint --metrics metrics.json               how long it all took
  cuepoint serve                                the table in a browser, see serve -h

Flags:
`

// options are the flags.
type options struct {
	library string
	filter  string
	out     string
	metrics string
	latency time.Duration
	verbose bool
	version bool
}

// hinted is an error about which the user can do something.
type hinted struct {
	err  error
	hint string
}

func (h *hinted) Error() string { return h.err.Error() }
func (h *hinted) Unwrap() error { return h.err }

// Main runs CuePoint with command-line arguments and returns its exit status:
// 0, 2 for wrong usage, bad input and failing output, or 130 when ctx ends
// first, as with Ctrl-C: nothing is written then.
// The window is ended by Ctrl-C and has the status 0 then.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	err := start(ctx, args, stdout, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil || errors.Is(err, syscall.EPIPE) { // a reader that went away is no trouble
		return 0
	}
	if ctx.Err() != nil {
		fmt.Fprintln(stderr, "cuepoint: interrupted")
		return 130
	}
	fmt.Fprintf(stderr, "cuepoint: %v\n", err)
	if h := (*hinted)(nil); errors.As(err, &h) {
		fmt.Fprintf(stderr, "hint: %s\n", h.hint)
	}
	return 2
}

func start(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 && args[0] == "serve" {
		o, err := parseServe(args[1:], stdout)
		if err != nil {
			return err
		}
		return serve(ctx, o, stdout, stderr)
	}
	o, err := parseFlags(args, stdout)
	if err != nil {
		return err
	}
	if o.version {
		_, err = fmt.Fprintln(stdout, "cuepoint", Version)
		return err
	}
	return run(ctx, o, stdout, stderr)
}

func parseFlags(args []string, stdout io.Writer) (options, error) {
	var o options
	fs := flag.NewFlagSet("cuepoint", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // errors are Main's to print
	fs.StringVar(&o.library, "library", "", "read the rekordbox export `FILE` instead of the built-in library")
	fs.StringVar(&o.filter, "filter", "", "filter the table for `TEXT`, as typed letter by letter; the CSV keeps all rows")
	fs.StringVar(&o.out, "out", "", "write the table as CSV into `FILE`; - is standard output")
	fs.StringVar(&o.metrics, "metrics", "", "write the metrics of this run into `FILE`")
	fs.DurationVar(&o.latency, "latency", 0, "let the catalogue answer this much later, as a distant store would: `DURATION`")
	fs.BoolVar(&o.verbose, "verbose", false, "log the metrics")
	fs.BoolVar(&o.version, "version", false, "print the version and exit")
	err := fs.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fs.SetOutput(stdout)
		io.WriteString(stdout, usage)
		fs.PrintDefaults()
		return o, err
	case err == nil && fs.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case err == nil && o.latency < 0:
		err = fmt.Errorf("--latency %s: expected 0 or more", o.latency)
	case err == nil && o.metrics == "-":
		err = errors.New("--metrics cannot go to standard output")
	case err == nil && o.out != "-" && sameFile(o.out, o.library):
		err = fmt.Errorf("--out would overwrite the library %s", o.library)
	case err == nil && (sameFile(o.metrics, o.library) || sameFile(o.metrics, o.out)):
		err = fmt.Errorf("--metrics would overwrite %s", o.metrics)
	}
	if err != nil {
		err = &hinted{err, "cuepoint -h lists the flags"}
	}
	return o, err
}

// sameFile reports whether two names, neither empty, are of one file.
func sameFile(a, b string) bool {
	if a == "" || b == "" {
		return false
	}
	if filepath.Clean(a) == filepath.Clean(b) {
		return true
	}
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// run does the work of the program and exports what was measured.
func run(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	rec := newRecorder(o.verbose, stderr)
	defer func() {
		if cerr := rec.Close(); cerr != nil && err == nil {
			err = cerr
		}
	}()
	p := newProgram(rec)

	tracks, sum, err := p.load(ctx, o.library)
	if err != nil {
		return err
	}
	if o.library != "" || o.verbose { // nobody can do anything about the built-in one
		for _, w := range sum.Warnings {
			fmt.Fprintf(stderr, "cuepoint: warning: %s: %s\n", o.libraryName(), w)
		}
	}
	// A real catalogue would be an online store, and there when we come.
	var catalogue match.Catalogue = match.NewLocal(match.Invent(tracks))
	if o.latency > 0 {
		catalogue = distant{catalogue, o.latency}
	}
	rec.Ready()

	t := make(table, 0, len(tracks))
	for _, track := range tracks {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r, err := p.process(ctx, catalogue, track)
		if err != nil {
			return fmt.Errorf("track %s: %w", track.ID, err)
		}
		t = append(t, r)
	}
	rec.Items("tracks", len(t))
	shown := p.filter(t, o.filter)

	if err := p.export(t, o.out, stdout); err != nil {
		return err
	}
	report := stdout
	if o.out == "-" {
		report = stderr
	}
	if err := summarise(report, o, sum, t, shown); err != nil {
		return fmt.Errorf("writing the summary: %w", err)
	}
	if o.metrics != "" {
		if err := rec.Export(o.metrics); err != nil {
			return fmt.Errorf("writing the metrics: %w", err)
		}
	}
	return nil
}

// distant is a catalogue that answers late.
type distant struct {
	match.Catalogue
	latency time.Duration
}

func (d distant) Search(ctx context.Context, query string, limit int) ([]match.Recording, error) {
	timer := time.NewTimer(d.latency)
	defer timer.Stop()
	select {
	case <-timer.C:
		return d.Catalogue.Search(ctx, query, limit)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func newRecorder(verbose bool, stderr io.Writer) *pacer.Recorder {
	level := slog.LevelWarn
	if verbose {
		level = slog.LevelInfo
	}
	return pacer.New(pacer.Config{
		App:     "cuepoint",
		Version: Version,
		Main:    "track.process",
		Items:   "tracks",
		Logger:  slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level})),
	})
}

// libraryName names the library in messages.
func (o options) libraryName() string {
	if o.library == "" {
		return library.Name
	}
	return o.library
}

// program is the steps of the work, each with its timer. The matching of a
// track is timed by spans, which nest.
type program struct {
	rec    *pacer.Recorder
	parse  *pacer.Timer
	typing *pacer.Timer
	csv    *pacer.Timer
}

func newProgram(rec *pacer.Recorder) *program {
	return &program{
		rec:    rec,
		parse:  rec.Timer("library.parse"),
		typing: rec.Timer("table.filter"),
		csv:    rec.Timer("export.csv"),
	}
}

// load reads the library at path, or the embedded one if path is empty.
func (p *program) load(ctx context.Context, path string) ([]rekordbox.Track, rekordbox.Summary, error) {
	defer p.parse.Start().Stop()
	in, name := library.Open(), library.Name
	if path != "" {
		f, err := os.Open(path)
		if err != nil {
			return nil, rekordbox.Summary{}, &hinted{err, "make one in rekordbox with File > Export Collection in xml format"}
		}
		defer f.Close()
		in, name = f, path
	}
	var tracks []rekordbox.Track
	sum, err := rekordbox.Read(in, name, func(t rekordbox.Track) error {
		tracks = append(tracks, t)
		return ctx.Err()
	})
	if syntax := (*rekordbox.SyntaxError)(nil); errors.As(err, &syntax) {
		err = &hinted{err, "export the collection from rekordbox again; nothing was written"}
	}
	return tracks, sum, err
}

// process finds one track in the catalogue.
func (p *program) process(ctx context.Context, c match.Catalogue, t rekordbox.Track) (row, error) {
	ctx, whole := p.rec.Start(ctx, "track.process")
	defer whole.End()
	whole.Note("track", t.ID)

	_, stage := pacer.Start(ctx, "queries")
	subject := match.Normalise(t)
	queries := subject.Queries()
	stage.End()

	_, stage = pacer.Start(ctx, "search")
	found, err := match.Search(ctx, c, queries)
	stage.Fail(err)
	stage.End()
	if err != nil {
		whole.Fail(err)
		return row{}, err
	}

	_, stage = pacer.Start(ctx, "score")
	result := subject.Choose(found)
	stage.End()

	return newRow(t, subject, result), nil
}

// filter narrows the table down as a person types text, and returns what the
// whole of it leaves. The table is first shown with an empty filter.
func (p *program) filter(t table, text string) []int {
	for end := range text {
		p.keystroke(t, text[:end])
	}
	return p.keystroke(t, text)
}

func (p *program) keystroke(t table, text string) []int {
	defer p.typing.Start().Stop()
	return t.filter(text)
}

// export writes the table as CSV to where out says, whole or not at all.
func (p *program) export(t table, out string, stdout io.Writer) error {
	if out == "" {
		return nil
	}
	defer p.csv.Start().Stop()
	if out != "-" {
		if err := atomicfile.Write(out, t.writeCSV); err != nil {
			return fmt.Errorf("writing the table: %w", err)
		}
		return nil
	}
	buffered := bufio.NewWriter(stdout)
	err := t.writeCSV(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err != nil {
		return fmt.Errorf("writing the table to standard output: %w", err)
	}
	return nil
}
