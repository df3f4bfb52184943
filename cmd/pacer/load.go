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
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/atomicfile"
	"github.com/pacer-perf/pacer/internal/baseline"
	"github.com/pacer-perf/pacer/internal/format"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/open"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/policy"
	"github.com/pacer-perf/pacer/run"
)

// upwards returns the path of name in this folder or the nearest one above
// that has it, and false if none does.
func upwards(name string) (string, bool) {
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

// home returns the nearest .pacer, else makes one here.
func home() (string, error) {
	dir, ok := upwards(dirName)
	if !ok {
		var err error
		if dir, err = filepath.Abs(dirName); err != nil {
			return "", err
		}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	ignore := filepath.Join(dir, ".gitignore")
	if _, err := os.Stat(ignore); errors.Is(err, fs.ErrNotExist) {
		text := "# What was measured stays out of the repository.\n*\n"
		if err := atomicfile.Write(ignore, func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
			return "", err
		}
	}
	return dir, nil
}

type historyKey struct{}

// withHistory returns a context in which the history is the one at an address.
func withHistory(ctx context.Context, address string) context.Context {
	return context.WithValue(ctx, historyKey{}, address)
}

// historyAddress is where the history is: what --history says, else
// PACER_HISTORY, else "": the file in the nearest .pacer.
func historyAddress(ctx context.Context) string {
	flag, _ := ctx.Value(historyKey{}).(string)
	return first(flag, env("PACER_HISTORY"))
}

// writeHistory opens the history, making it if there is none.
func writeHistory(ctx context.Context) (history.Store, error) {
	address := historyAddress(ctx)
	if address == "" {
		dir, err := home()
		if err != nil {
			return nil, err
		}
		address = filepath.Join(dir, historyName)
	}
	store, err := open.Store(ctx, address)
	var readOnly *history.ReadOnlyError
	switch {
	case errors.As(err, &readOnly):
		return nil, hint(err, "it is written by what scrapes or receives; keep runs elsewhere: --history FILE")
	case err != nil:
		return nil, unreachable(err)
	}
	return store, nil
}

// unreachable adds what to do about a history that cannot be reached.
func unreachable(err error) error {
	var older *history.OlderError
	if errors.As(err, &older) {
		return hint(err, "bring it up to date: pacer history vacuum --history %s", older.Store)
	}
	var newer *history.NewerError
	if errors.As(err, &newer) {
		return hint(err, "upgrade this one (pacer version says which it is), or name another history: --history ADDRESS")
	}
	if errors.Is(err, history.ErrFull) {
		return hint(err, "or name a history on another disk: --history ADDRESS")
	}
	if errors.Is(err, history.ErrUnavailable) {
		return hint(err, "is the server running, has the disk room? try again, or name another history: --history ADDRESS")
	}
	return err
}

// errNoHistory says that nothing was recorded yet.
var errNoHistory = errors.New("no history here: there is no " + dirName + "/" + historyName + " in this folder or above")

// noHistory is errNoHistory at an address.
type noHistory struct{ address string }

func (e *noHistory) Error() string        { return "no history at " + e.address }
func (e *noHistory) Is(target error) bool { return target == errNoHistory }

// readHistory opens the history, or returns errNoHistory. It makes nothing.
func readHistory(ctx context.Context) (history.Reader, error) {
	const what = "make a run: pacer run -- COMMAND, or pacer demo"
	if address := historyAddress(ctx); address != "" {
		store, err := open.Reader(ctx, address)
		if errors.Is(err, history.ErrNone) {
			return nil, hint(&noHistory{open.Redact(address)}, what)
		}
		return store, unreachable(err)
	}
	dir, ok := upwards(dirName)
	if ok {
		path := filepath.Join(dir, historyName)
		if _, err := os.Stat(path); err == nil {
			return open.Reader(ctx, path)
		}
		if info, err := os.Stat(dir); err == nil && !info.IsDir() {
			return nil, fmt.Errorf("%s is a file: expected a folder", dir)
		}
	}
	return nil, hint(errNoHistory, what)
}

// changeHistory opens the history to change it, or returns errNoHistory. One of an
// older Pacer is brought up to date.
func changeHistory(ctx context.Context) (history.Store, error) {
	store, err := readHistory(ctx)
	var older *history.OlderError
	switch {
	case err == nil:
		store.Close()
	case !errors.As(err, &older):
		return nil, err
	}
	return writeHistory(ctx)
}

// appOf returns the app whose runs count: what a flag says, else PACER_APP,
// else the app of the policy.
func appOf(flag string, p judge.Policy) string { return first(flag, env("PACER_APP"), p.App) }

// finder finds a run in the history, as baseline.Find does.
type finder func(store baseline.Source, word string) (run.Run, error)

// find is the finder of the runs of an app.
func find(ctx context.Context, app string) finder {
	return func(store baseline.Source, word string) (run.Run, error) {
		r, err := baseline.Find(ctx, store, app, word)
		return r, noRunsOf(ctx, store, app, err)
	}
}

// loadRun returns the run that a word on the command line means: a file of any
// format that is known, "-" for standard input, else a run of the history.
func loadRun(ctx context.Context, word string, find finder) (run.Run, error) {
	l, fileErr := loadFile(ctx, word, "", nil)
	switch {
	case fileErr == nil:
		return l.single()
	case errors.Is(fileErr, format.ErrFolder):
		fileErr = fmt.Errorf("%s is a folder: expected a file with a run, or a folder of results", word)
	case !errors.Is(fileErr, fs.ErrNotExist):
		return run.Run{}, fileErr
	}
	r, err := fromHistory(ctx, word, find)
	looksLikeFile := strings.ContainsAny(word, `/\`) && !baseline.IsRule(word) || slices.Contains(extensions, filepath.Ext(word)) || word == "." || word == ".."
	if looksLikeFile && (errors.Is(err, errNoHistory) || errors.Is(err, history.ErrNotFound)) {
		return r, fileErr
	}
	return r, err
}

// extensions are those of files with results.
var extensions = []string{".json", ".txt", ".csv", ".tsv", ".js", ".html", ".jsonl", ".ndjson", ".prom", ".log"}

// fromHistory returns the run of the history that a word names.
func fromHistory(ctx context.Context, word string, find finder) (run.Run, error) {
	store, err := readHistory(ctx)
	if err != nil {
		if errors.Is(err, errNoHistory) && word != latest {
			return run.Run{}, hint(fmt.Errorf("%s: no such file, and %w", word, err), "name a file, or make a run: pacer run -- COMMAND")
		}
		return run.Run{}, err
	}
	defer store.Close()
	return inHistory(store, word, find)
}

// latest is the word for the newest run.
const latest = "latest"

// inHistory is fromHistory in a store that is open.
func inHistory(store baseline.Source, word string, find finder) (run.Run, error) {
	r, err := find(store, word)
	var ambiguous *baseline.AmbiguousError
	var none *baseline.NoneError
	var missing *noRuns
	switch {
	case errors.As(err, &missing):
		return r, missing.hinted()
	case errors.As(err, &none):
		return r, hint(err, "%s", none.Hint)
	case errors.Is(err, history.ErrNotFound) && word == latest:
		return r, hint(err, "make a run: pacer run -- COMMAND; see what there is: pacer log")
	case errors.Is(err, history.ErrNotFound):
		return r, hint(fmt.Errorf("%s: no such file, and no run of that id, version or commit: %w", word, err), "see what there is: pacer log")
	case errors.As(err, &ambiguous):
		return r, hint(err, "write more of the id")
	}
	return r, err
}

// loadPolicy reads a policy: from the file named, else from PACER_POLICY, else
// from the nearest pacer.yaml, else it is the zero policy. The waivers are in
// the file beside it, or without a policy in the nearest one.
func loadPolicy(path string) (judge.Policy, error) {
	if path == "" {
		path = os.Getenv("PACER_POLICY")
	}
	if path == "" {
		path, _ = upwards(policyName)
	}
	var p judge.Policy
	waivers, ok := upwards(policy.WaiversFile)
	if path != "" {
		var err error
		if p, err = readFile(path, policy.Read); err != nil {
			return p, err
		}
		waivers, ok = filepath.Join(filepath.Dir(path), policy.WaiversFile), true
	}
	if !ok {
		return p, nil
	}
	var err error
	p.Waivers, err = readFile(waivers, policy.ReadWaivers)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return p, err
}

// readFile reads a file of people's making. Errors show the line, and the path
// as seen from here.
func readFile[T any](path string, read func(io.Reader, string) (T, error)) (T, error) {
	var zero T
	f, err := os.Open(path)
	if err != nil {
		return zero, err
	}
	defer f.Close()
	v, err := read(f, shown(path))
	return v, excerpt(err)
}

// shown returns an absolute path as seen from the working directory.
func shown(path string) string {
	if wd, err := os.Getwd(); err == nil && filepath.IsAbs(path) {
		if rel, err := filepath.Rel(wd, path); err == nil {
			return rel
		}
	}
	return path
}

// excerpt adds the line to an error that has one.
func excerpt(err error) error {
	var at *policy.Error
	if errors.As(err, &at) && at.Excerpt != "" && len(at.Excerpt) <= 200 {
		return fmt.Errorf("%w\n%5d | %s", err, at.Line, at.Excerpt)
	}
	return err
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

// writeRuns writes several run documents as one array.
func writeRuns(w io.Writer, runs []*run.Run) error {
	out := []byte{'['}
	for i, r := range runs {
		document, err := r.Encode()
		if err != nil {
			return err
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, '\n'), bytes.TrimSpace(document)...)
	}
	_, err := w.Write(append(out, "\n]\n"...))
	return err
}

// first returns the first of words that is not empty.
func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

func env(name string) string { return os.Getenv(name) }
