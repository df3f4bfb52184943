package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/pacer-perf/pacer/internal/format"
	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/run"
)

// loaded is what a file or a folder holds.
type loaded struct {
	name   string
	format format.Format
	runs   []run.Run
}

// loadFile reads a file of any format that is known, "-" for standard input,
// or a folder of results. Without a format, the content tells it. It returns
// fs.ErrNotExist if there is no such file, and ctx's error once it is done.
func loadFile(ctx context.Context, path, as string, reading func(done, size int64)) (loaded, error) {
	l := loaded{name: path}
	src := &input.Source{Name: path}
	size := int64(0)
	if path == "-" {
		src.Name, src.Reader = "standard input", os.Stdin
	} else {
		f, err := os.Open(path)
		if err != nil {
			return l, err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return l, err
		}
		if info.IsDir() {
			return loadFolder(path, as)
		}
		if info.Mode().IsRegular() {
			size = info.Size()
			src.Near = func(near string) ([]byte, error) { return readBeside(path, near) }
		}
		src.Reader = f
	}
	l.name = src.Name
	src.Reader = &watched{Reader: src.Reader, ctx: ctx, size: size, reading: reading}
	var err error
	if as != "" {
		if l.format, err = format.Named(as); err != nil {
			return l, hint(err, "pacer import --help lists the formats")
		}
		l.runs, err = readAs(l.format, src)
	} else {
		l.format, l.runs, err = format.Read(src)
	}
	if ctx.Err() != nil {
		return l, ctx.Err()
	}
	switch {
	case errors.Is(err, format.ErrUnknown):
		err = hint(err, "pacer import --help lists the formats; --format names one")
	case errors.Is(err, format.ErrEmpty) && path == "-":
		err = hint(err, "did the command before the pipe fail, or write into a file?")
	case errors.Is(err, format.ErrEmpty):
		err = hint(err, "did the command fail that should have written it?")
	}
	return l, err
}

// readAs reads a file in a format that was named. The error says what the file
// looks like, if that is another one.
func readAs(f format.Format, src *input.Source) ([]run.Run, error) {
	in := bufio.NewReaderSize(src.Reader, input.HeadSize())
	head, _ := in.Peek(input.HeadSize()) // its error comes again on reading
	guess, unknown := format.Detect(head)
	whole := *src
	whole.Reader = in
	runs, err := f.Read(&whole)
	if err != nil && unknown == nil && !strings.HasPrefix(f.Title, guess.Title) {
		err = hint(err, "it looks like %s: leave --format out", guess.Title)
	}
	return runs, err
}

// loadFolder reads a folder of results.
func loadFolder(path, as string) (loaded, error) {
	l := loaded{name: path}
	var err error
	if l.format, l.runs, err = format.ReadFolder(os.DirFS(path), path); err != nil {
		if errors.Is(err, format.ErrFolder) {
			err = hint(err, "it knows target/criterion and .asv/results; of others name the files: pacer import %s", report.Shell(path)+"/*")
		}
		return l, err
	}
	if as != "" && !strings.EqualFold(as, l.format.Name) {
		return l, fmt.Errorf("%s holds results of %s, not of %s", path, l.format.Title, as)
	}
	return l, nil
}

// readBeside reads a file by its path from the folder of another one.
func readBeside(path, near string) ([]byte, error) {
	f, err := os.Open(filepath.Join(filepath.Dir(path), filepath.FromSlash(near)))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", near)
	}
	return io.ReadAll(io.LimitReader(f, input.MaxJSON+1))
}

// watched is a file that is being read: it ends when the context does, and
// says how far it is.
type watched struct {
	io.Reader
	ctx        context.Context
	done, size int64
	reading    func(done, size int64)
}

func (w *watched) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := w.Reader.Read(p)
	w.done += int64(n)
	if w.reading != nil && w.size > 0 {
		w.reading(min(w.done, w.size), w.size)
	}
	return n, err
}

// single returns the one run of a file.
func (l *loaded) single() (run.Run, error) {
	if n := len(l.runs); n != 1 {
		return run.Run{}, hint(fmt.Errorf("%s holds %d runs: expected one", l.name, n), "keep them: pacer import %s; then name one of the history: pacer log", l.name)
	}
	return l.runs[0], nil
}
