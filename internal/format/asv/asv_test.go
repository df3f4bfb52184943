package asv

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/format/formattest"
)

// A whole folder: the names of parameters and the units stand in
// benchmarks.json; null failed, NaN was skipped.
func TestFolder(t *testing.T) {
	t.Parallel()
	files := os.DirFS("testdata/results")
	if !LooksFolder(files) || LooksFolder(os.DirFS("testdata/nope")) {
		t.Error("the folder is not told from others")
	}
	runs, err := ReadFolder(files, "results")
	if err != nil || len(runs) != 2 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	for i := range runs {
		formattest.RoundTrip(t, &runs[i])
	}
	r := &runs[0]
	formattest.Want(t, r, `
		bench.Suite.time_sort{kind=quick,n=10} [s] lower: 1.4e-05 1.5e-05 1.6e-05
		bench.Suite.time_sort{kind=quick,n=1000} [s] lower: {"count":10,"p50":0.0025,"percentiles":{"25":0.00245,"75":0.00255},"interval":[0.0024,0.0026]}
		bench.mem_table [bytes] lower: 73728
		bench.track_ratio [ratio] lower: 0.125`)
	formattest.Notes(t, r.Failures, "bench.Suite.time_sort{kind=merge,n=10} failed")
	if e := r.Environment; !strings.HasPrefix(r.Commit, "45d78258") || r.Timestamp.Format(time.RFC3339) != "2025-12-31T15:07:00Z" || e.OS != "linux" || e.Arch != "amd64" || e.Cores != 8 || e.Memory != 16315400<<10 || r.Labels["machine"] != "box" {
		t.Errorf("%+v, environment %+v", r, e)
	}
	// The next one is of the first version of the format.
	formattest.Want(t, &runs[1], `
		bench.Suite.time_sort{kind=quick,n=10} [s] lower: 1.6e-05
		bench.Suite.time_sort{kind=merge,n=10} [s] lower: 1.7e-05
		bench.Suite.time_sort{kind=quick,n=1000} [s] lower: 0.0026
		bench.mem_table [bytes] lower: 73800`)
	formattest.Notes(t, runs[1].Failures, "bench.Suite.time_sort{kind=merge,n=1000} failed", "bench.old failed")
}

// A file on its own finds benchmarks.json two folders up; without it, names
// tell the kind.
func TestFile(t *testing.T) {
	t.Parallel()
	inside, alone := formattest.One(t, Read, "results/box/45d78258-env.json"), formattest.One(t, Read, "result.json")
	if inside.Find("bench.mem_table", nil).Unit != "bytes" || inside.Find("bench.Suite.time_sort", map[string]string{"kind": "quick", "n": "10"}) == nil {
		t.Errorf("%s", formattest.Tell(inside))
	}
	formattest.Want(t, alone, `
		bench.Suite.time_sort{param1=10,param2=quick} [s] lower: 1.4e-05 1.5e-05 1.6e-05
		bench.Suite.time_sort{param1=1000,param2=quick} [s] lower: {"count":10,"p50":0.0025,"percentiles":{"25":0.00245,"75":0.00255},"interval":[0.0024,0.0026]}
		bench.mem_table [bytes] lower: 73728
		bench.track_ratio [] lower: 12.5`)
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{\"results\":{\n\"time_a\":[[-1]]},\"result_columns\":[\"result\"]}": "f:2:10: results.time_a: -1 s is a negative duration",
		`{"results":{"time_a":"x"}}`:                                          `expected a number, found "x"`,
		`{"results":{"a":[[1],[1]]},"result_columns":["result","params"]}`:    "params: expected lists of texts",
		`{"results":`: "ends too early",
	} {
		formattest.Refuses(t, Read, text, want)
	}
	if _, err := ReadFolder(os.DirFS("testdata/results/nope"), "nope"); err == nil {
		t.Error("a folder that is not there was read")
	}
}

func TestFinite(t *testing.T) {
	t.Parallel()
	if got := string(finite([]byte(`[NaN, -Infinity, Infinity, "NaN \" Infinity"]`))); got != `[{} ,  null    , null    , "NaN \" Infinity"]` {
		t.Errorf("%s", got)
	}
}

func FuzzRead(f *testing.F) { formattest.Fuzz(f, Read) }
