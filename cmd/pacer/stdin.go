package main

import (
	"context"
	"fmt"
	"io"
	"os"
)

// spooled are the files that are the standard input of what is measured. Every
// execution reads from the beginning, so what has none, as a pipe, is copied
// into a temporary file first.
type spooled struct {
	files  map[string]*os.File
	copies []string
}

// open returns the file of a name, - being standard input.
func (s *spooled) open(ctx context.Context, name string) (*os.File, error) {
	if f := s.files[name]; f != nil {
		return f, nil
	}
	f, err := s.rewindable(ctx, name)
	if err != nil {
		return nil, err
	}
	if s.files == nil {
		s.files = make(map[string]*os.File)
	}
	s.files[name] = f
	return f, nil
}

func (s *spooled) rewindable(ctx context.Context, name string) (*os.File, error) {
	path := name
	if name == "-" {
		path = os.Stdin.Name()
	}
	info, err := os.Stat(path)
	if name == "-" {
		info, err = os.Stdin.Stat()
	}
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("--stdin %s: expected a file, found a folder", name)
	case name != "-" && (info.Mode().IsRegular() || isNull(info)):
		return os.Open(path)
	case info.Mode()&os.ModeCharDevice != 0 && !isNull(info):
		return nil, hint(fmt.Errorf("--stdin %s: a device cannot be read from its beginning again", name), "keep what it says in a file: --stdin FILE")
	}
	return s.copied(ctx, name)
}

// isNull tells whether a file is the one without content.
func isNull(info os.FileInfo) bool {
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(null, info)
}

// copied copies what can be read only once into a temporary file. Whoever writes into the pipe may take his time: the context ends the
// wait.
func (s *spooled) copied(ctx context.Context, name string) (*os.File, error) {
	into, err := os.CreateTemp("", "pacer-stdin-")
	if err != nil {
		return nil, err
	}
	done := make(chan error, 1)
	go func() {
		from := os.Stdin
		var err error
		if name != "-" {
			if from, err = os.Open(name); err != nil {
				done <- err
				return
			}
			defer from.Close()
		}
		_, err = io.Copy(into, from)
		done <- err
	}()
	select {
	case <-ctx.Done():
		err = ctx.Err()
	case err = <-done:
	}
	if err != nil {
		into.Close()
		os.Remove(into.Name())
		return nil, fmt.Errorf("--stdin %s: %w", name, err)
	}
	s.copies = append(s.copies, into.Name())
	return into, nil
}

// close closes the files, and removes those that are copies.
func (s *spooled) close() {
	for _, f := range s.files {
		f.Close()
	}
	for _, name := range s.copies {
		os.Remove(name)
	}
}
