package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pacer-perf/pacer/internal/atomicfile"
	"github.com/pacer-perf/pacer/internal/baseline"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/sqlite"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/policy"
	"github.com/pacer-perf/pacer/run"
)

// nearest returns the path of name in this folder or the nearest one above
// that has it, and false if none does.
func nearest(name string) (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

const (
	dirName     = ".pacer"
	historyName = "history.db"
	policyName  = "pacer.yaml"
)

// writeHistory opens the history, making it if there is none.
func writeHistory(ctx context.Context) (*sqlite.Store, error) {
	dir, ok := nearest(dirName)
	if !ok {
		var err error
		if dir, err = filepath.Abs(dirName); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	ignore := filepath.Join(dir, ".gitignore")
	if _, err := os.Stat(ignore); errors.Is(err, fs.ErrNotExist) {
		text := "# What was measured stays out of the repository.\n*\n"
		if err := atomicfile.Write(ignore, func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
			return nil, err
		}
	}
	return sqlite.Open(ctx, filepath.Join(dir, historyName))
}

// errNoHistory says that nothing was recorded here.
var errNoHistory = errors.New("no history here: there is no " + dirName + "/" + historyName + " in this folder or above")

// readHistory opens the history, or returns errNoHistory. It makes nothing.
func readHistory(ctx context.Context) (*sqlite.Store, error) {
	dir, ok := nearest(dirName)
	if ok {
		path := filepath.Join(dir, historyName)
		if _, err := os.Stat(path); err == nil {
			return sqlite.Open(ctx, path)
		}
	}
	return nil, hint(errNoHistory, "make a run: pacer run -- COMMAND, or pacer demo")
}

// loadRun returns the run that a word on the command line means: a file, else
// a run of the history.
func loadRun(ctx context.Context, app, word string) (run.Run, error) {
	f, err := os.Open(word)
	if err == nil {
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return run.Run{}, fmt.Errorf("%s is a folder: expected a file with a run", word)
		}
		return run.Read(f, word)
	}
	if !errors.Is(err, fs.ErrNotExist) || strings.ContainsAny(word, `/\`) || filepath.Ext(word) == ".json" {
		return run.Run{}, err
	}
	store, err := readHistory(ctx)
	if err != nil {
		if errors.Is(err, errNoHistory) {
			return run.Run{}, hint(fmt.Errorf("%s: no such file, and %w", word, errNoHistory), "name a file, or make a run: pacer run -- COMMAND")
		}
		return run.Run{}, err
	}
	defer store.Close()
	r, err := baseline.Find(ctx, store, app, word)
	var ambiguous *baseline.AmbiguousError
	switch {
	case errors.Is(err, history.ErrNotFound):
		return r, hint(fmt.Errorf("%s: no such file, and no run of that id, version or commit", word), "see what there is: pacer log")
	case errors.As(err, &ambiguous):
		return r, hint(err, "write more of the id")
	}
	return r, err
}

// loadPolicy reads a policy: from the file named, else from PACER_POLICY, else
// from the nearest pacer.yaml, else it is the zero policy.
func loadPolicy(path string) (judge.Policy, error) {
	if path == "" {
		path = os.Getenv("PACER_POLICY")
	}
	if path == "" {
		var ok bool
		if path, ok = nearest(policyName); !ok {
			return judge.Policy{}, nil
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return judge.Policy{}, err
	}
	defer f.Close()
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, path); err == nil && filepath.IsAbs(path) {
			path = rel
		}
	}
	p, err := policy.Read(f, path)
	var at *policy.Error
	if errors.As(err, &at) && at.Excerpt != "" {
		err = fmt.Errorf("%w\n%5d | %s", err, at.Line, at.Excerpt)
	}
	return p, err
}

// writeJSON writes v, indented.
func writeJSON(w io.Writer, v any) error {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(out.Bytes())
	return err
}
