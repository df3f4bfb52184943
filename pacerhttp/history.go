package pacerhttp

import (
	"context"

	"github.com/pacer-perf/pacer/internal/history/folder"
	"github.com/pacer-perf/pacer/run"
)

// History is past runs of an app, which its dashboard shows beside the process.
// It is only read. Its methods may be called from any goroutine.
type History interface {
	// Runs returns the runs, in any order. Each has an id of its own and a
	// time, and is not changed afterwards. They are held in memory.
	Runs(ctx context.Context) ([]*run.Run, error)
	// Version returns a word that changes when Runs would return others. It is
	// asked for whenever a page is.
	Version(ctx context.Context) (string, error)
}

// Keeper is a History that runs can be added to: with WithEditing, a window of
// Live.
type Keeper interface {
	History
	Keep(ctx context.Context, r *run.Run) error
}

// Folder returns the history that the run documents in a folder are, such as
// Recorder.Export and PACER_EXPORT write: the 500 files *.json whose names come
// last. The folder is made when a run is kept there.
//
//	runs := filepath.Join(config, "performance")
//	rec := pacer.New(pacer.Config{…})
//	defer func() { rec.Export(filepath.Join(runs, rec.Snapshot().ID+".json")) }()
//	pacerhttp.Dashboard(rec, pacerhttp.WithHistory(pacerhttp.Folder(runs)))
func Folder(dir string) Keeper { return folder.New(dir) }
