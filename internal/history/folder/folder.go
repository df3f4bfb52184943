// Package folder is a history of run documents in a folder, a file each: the
// simplest there is, for an app that keeps its own runs. What it reads it holds
// in memory; package history/memory answers out of that.
package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pacer-perf/pacer/internal/atomicfile"
	"github.com/pacer-perf/pacer/run"
)

// MaxRuns is how many files are read: those whose names come last, which where
// they are called by their ids are the newest runs.
const MaxRuns = 500

// Folder is a folder with run documents. Its methods may be called from any
// goroutine.
type Folder struct {
	dir string

	mu    sync.Mutex
	files map[string]file // by name
	stamp string          // of what files hold
}

// file is a document that was read.
type file struct {
	size int64
	at   time.Time
	run  *run.Run // nil: it is none
}

// New returns a Folder, which need not be there yet.
func New(dir string) *Folder { return &Folder{dir: dir, files: make(map[string]file)} }

// Version returns a word that changes when the files do. It costs a look into
// the folder.
func (f *Folder) Version(context.Context) (string, error) {
	list, err := f.list()
	if err != nil {
		return "", err
	}
	return stampOf(list), nil
}

// Runs returns the runs of the folder, in any order. A file that is no run
// document, or cannot be read, is left out: another may be written still. A run
// that is there twice counts once. Files that did not change are not read again.
func (f *Folder) Runs(ctx context.Context) ([]*run.Run, error) {
	list, err := f.list()
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if stamp := stampOf(list); stamp != f.stamp {
		fresh := make(map[string]file, len(list))
		for _, info := range list {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			old, known := f.files[info.Name()]
			if !known || old.size != info.Size() || !old.at.Equal(info.ModTime()) {
				old = file{info.Size(), info.ModTime(), f.read(info)}
			}
			fresh[info.Name()] = old
		}
		f.files, f.stamp = fresh, stamp
	}
	var runs []*run.Run
	seen := make(map[string]bool)
	for _, info := range list {
		if r := f.files[info.Name()].run; r != nil && !seen[r.ID] {
			seen[r.ID] = true
			runs = append(runs, r)
		}
	}
	return runs, nil
}

// Keep adds a run to the folder, which is made if it is missing.
func (f *Folder) Keep(_ context.Context, r *run.Run) error {
	if r.ID == "" {
		return errors.New("keeping a run without an id")
	}
	return atomicfile.Write(filepath.Join(f.dir, r.ID+".json"), r.Write)
}

// list returns the files that may be documents, by name.
func (f *Folder) list() ([]fs.FileInfo, error) {
	entries, err := os.ReadDir(f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the history: %w", err)
	}
	var list []fs.FileInfo
	for _, e := range slices.Backward(entries) {
		if !strings.HasSuffix(e.Name(), ".json") || !e.Type().IsRegular() || len(list) >= MaxRuns {
			continue
		}
		if info, err := e.Info(); err == nil { // else it went meanwhile
			list = append(list, info)
		}
	}
	return list, nil
}

// read reads a document; nil if it is none.
func (f *Folder) read(info fs.FileInfo) *run.Run {
	in, err := os.Open(filepath.Join(f.dir, info.Name()))
	if err != nil {
		return nil
	}
	defer in.Close()
	r, err := run.Read(in, info.Name())
	if err != nil {
		return nil
	}
	if r.ID == "" {
		if r.ID, err = r.ContentID(); err != nil {
			return nil
		}
	}
	if r.Timestamp.IsZero() {
		r.Timestamp = info.ModTime().UTC()
	}
	return &r
}

// stampOf names a state of files.
func stampOf(list []fs.FileInfo) string {
	var b strings.Builder
	for _, info := range list {
		fmt.Fprintf(&b, "%s %d %d\n", info.Name(), info.Size(), info.ModTime().UnixNano())
	}
	return b.String()
}
