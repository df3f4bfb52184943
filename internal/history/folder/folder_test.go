package folder

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/run"
)

func aRun(n int) *run.Run {
	at := time.Date(2026, 11, 1+n, 7, 0, 0, 0, time.UTC)
	return &run.Run{ID: run.NewID(at, [10]byte{byte(n)}), App: "app", Timestamp: at, Metrics: []run.Metric{{Name: "startup", Unit: "s", Samples: []float64{float64(n + 1)}}}}
}

// ids returns what a folder holds, by id.
func ids(t *testing.T, f *Folder) []string {
	t.Helper()
	runs, err := f.Runs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, r := range runs {
		list = append(list, r.ID)
	}
	slices.Sort(list)
	return list
}

func version(t *testing.T, f *Folder) string {
	t.Helper()
	v, err := f.Version(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// What is kept is there, each run once; what is no run document is left out;
// the version changes when the files do.
func TestFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "runs")
	f := New(dir)
	before := version(t, f)
	if list := ids(t, f); list != nil {
		t.Errorf("a folder that is not there holds %v", list)
	}
	a, b := aRun(0), aRun(1)
	for _, r := range []*run.Run{a, b, a} {
		if err := f.Keep(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if after := version(t, f); after == before || after != version(t, f) {
		t.Errorf("the version went from %q to %q", before, after)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var copied strings.Builder
	if err := a.Write(&copied); err != nil {
		t.Fatal(err)
	}
	write("copy.json", copied.String())
	write("broken.json", "{")
	write("notes.txt", "text")
	if err := os.Mkdir(filepath.Join(dir, "folder.json"), 0o777); err != nil {
		t.Fatal(err)
	}
	want := []string{a.ID, b.ID}
	if list := ids(t, f); !slices.Equal(list, want) {
		t.Errorf("holds %v, want %v", list, want)
	}
	// One without id and time gets both.
	write("flat.json", `{"startup_time": 2.5}`)
	runs, err := f.Runs(t.Context())
	if err != nil || len(runs) != 3 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	for _, r := range runs {
		if r.ID == "" || r.Timestamp.IsZero() {
			t.Errorf("%+v has no id or no time", r)
		}
	}
	if err := os.Remove(filepath.Join(dir, b.ID+".json")); err != nil {
		t.Fatal(err)
	}
	if list := ids(t, f); slices.Contains(list, b.ID) || len(list) != 2 {
		t.Errorf("after %s is gone: %v", b.ID, list)
	}
	// What did not change is not read again.
	again, err := f.Runs(t.Context())
	if err != nil || !slices.ContainsFunc(again, func(r *run.Run) bool { return slices.Contains(runs, r) }) {
		t.Errorf("all was read again: %v", err)
	}
}

// The newest by name are read, and no more than so many.
func TestFolderBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := New(dir)
	for n := range MaxRuns + 5 {
		text := fmt.Sprintf(`{"schema":"pacer.run/v1","id":%q,"app":"app","startup_time":1}`, aRun(n).ID)
		if err := os.WriteFile(filepath.Join(dir, aRun(n).ID+".json"), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	list := ids(t, f)
	if len(list) != MaxRuns || list[0] != aRun(5).ID {
		t.Errorf("%d runs from %s on, want %d from %s", len(list), list[0], MaxRuns, aRun(5).ID)
	}
}

func TestFolderTrouble(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	f := New(file)
	if _, err := f.Runs(t.Context()); err == nil {
		t.Error("a file is no folder")
	}
	if err := f.Keep(t.Context(), aRun(0)); err == nil {
		t.Error("nothing can be kept in a file")
	}
	if err := f.Keep(t.Context(), &run.Run{}); err == nil {
		t.Error("a run without an id was kept")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f = New(t.TempDir())
	if err := f.Keep(t.Context(), aRun(0)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Runs(ctx); err == nil {
		t.Error("nobody waits any more")
	}
}
