package criterion

import (
	"encoding/json"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/format/formattest"
	"github.com/pacer-perf/pacer/run"
)

// Every benchmark that was printed has its estimate, the others none: the lines
// on what changed are no results.
func TestPrinted(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/stdout.txt")
	if err != nil {
		t.Fatal(err)
	}
	r := formattest.One(t, Read, "stdout.txt")
	scale := map[string]float64{"ps": 1e12, "ns": 1e9, "µs": 1e6, "ms": 1e3, "s": 1}
	found := 0
	for _, part := range strings.Split(string(text), ": Analyzing\n")[1:] {
		name := strings.TrimSpace(regexp.MustCompile(`(?s)^(.*?)\s+time:`).FindStringSubmatch(part)[1])
		v := regexp.MustCompile(`time:\s+\[\S+ \S+ (\S+) (\S+) `).FindStringSubmatch(part)
		number, _ := strconv.ParseFloat(v[1], 64)
		m := r.Find(name, nil)
		if m == nil || m.Unit != "s" || m.Direction() != run.Lower || math.Abs(m.Summary.Mean*scale[v[2]]-number) > 1e-9*number || m.Summary.Interval == nil {
			t.Errorf("%s: %+v, printed was %s %s", name, m, v[1], v[2])
		}
		if found++; strings.Contains(part, "thrpt:") != (r.Find(name+".thrpt", nil) != nil) {
			t.Errorf("%s: throughput is printed or read, and not both", name)
		}
	}
	if found != 4 || len(r.Metrics) != 7 {
		t.Errorf("%d benchmarks, %d metrics", found, len(r.Metrics))
	}
	flat := r.Find("copy/flat.thrpt", nil) // 414.53 Kelem/s
	if flat.Unit != "elements/s" || flat.Summary.Mean != 414530 || flat.Direction() != run.Higher {
		t.Errorf("throughput %+v", flat)
	}
	// The samples of the same run say the same.
	runs, err := ReadFolder(os.DirFS("testdata/target/criterion"), "c")
	if err != nil {
		t.Fatal(err)
	}
	folder := &runs[0]
	formattest.RoundTrip(t, folder)
	if len(folder.Metrics) != 5 {
		t.Errorf("%s", formattest.Tell(folder))
	}
	for _, name := range []string{"fib 10", "copy/flat", "copy/a function with quite a long name/64"} {
		var in struct{ Iters, Times []float64 }
		text, err := os.ReadFile("testdata/target/criterion/" + name + "/new/sample.json")
		if err == nil {
			err = json.Unmarshal(text, &in)
		}
		if err != nil {
			t.Fatal(err)
		}
		m := folder.Find(name, nil)
		if m == nil || len(m.Samples) != len(in.Times) {
			t.Fatalf("%s: %+v", name, m)
		}
		for i, v := range m.Samples {
			if want := in.Times[i] / in.Iters[i] / 1e9; v != want {
				t.Errorf("%s: sample %d is %v, in the file %v", name, i, v, want)
			}
		}
	}
	speed := folder.Find("copy/a function with quite a long name/64.thrpt", nil)
	if speed == nil || speed.Unit != "bytes/s" || math.Abs(speed.Samples[0]*folder.Find("copy/a function with quite a long name/64", nil).Samples[0]-64) > 1e-9 {
		t.Errorf("throughput %+v", speed)
	}
}

// The bencher format of Criterion, and libtest's own.
func TestBencher(t *testing.T) {
	t.Parallel()
	formattest.Want(t, formattest.One(t, Read, "bencher.txt"), `
		copy/a function with quite a long name/4096 [s] lower: {"p50":1.7e-07,"interval":[1.62e-07,1.78e-07]}
		copy/a function with quite a long name/64 [s] lower: {"p50":1.7e-08,"interval":[1.6e-08,1.8e-08]}
		copy/flat [s] lower: {"p50":2.2469e-05,"interval":[2.0311e-05,2.4627e-05]}
		fib 10 [s] lower: {"p50":2.83e-07,"interval":[2.755e-07,2.905e-07]}`)
	r := formattest.One(t, Read, "libtest.txt")
	formattest.Want(t, r, `
		parse::large [s] lower: {"p50":0.012345678,"interval":[0.0123006165,0.0123907395]}
		parse::large.thrpt [bytes/s] higher: 85000000
		parse::small [s] lower: {"p50":1.23456e-06,"interval":[1.20066e-06,1.26846e-06]}`)
	formattest.Notes(t, r.Failures, "parse::broken failed")
}

func TestFiles(t *testing.T) {
	t.Parallel()
	// Beside estimates.json stands sample.json; alone it is a summary.
	inside := formattest.One(t, Read, "target/criterion/fib 10/new/estimates.json")
	if m := inside.Find("fib 10", nil); m == nil || len(m.Samples) != 10 {
		t.Errorf("%s", formattest.Tell(inside))
	}
	text, err := os.ReadFile("testdata/estimates.json")
	if err != nil {
		t.Fatal(err)
	}
	runs, err := formattest.Text(Read, string(text))
	if err != nil {
		t.Fatal(err)
	}
	if s := runs[0].Metrics[0].Summary; s == nil || math.Abs(s.Mean-279.01026113202494e-9) > 1e-18 || s.Interval == nil || math.Abs(s.Interval[0]-254.58572692493746e-9) > 1e-18 {
		t.Errorf("%s", formattest.Tell(&runs[0]))
	}
	// In flat sampling there is no slope: the interval is that of the mean.
	flat, err := os.ReadFile("testdata/target/criterion/copy/flat/new/estimates.json")
	if err != nil {
		t.Fatal(err)
	}
	if runs, err = formattest.Text(Read, string(flat)); err != nil || math.Abs(runs[0].Metrics[0].Summary.Interval[0]-19326.912542955324e-9) > 1e-15 {
		t.Errorf("%+v, %v", runs, err)
	}
	// Old releases have capitals.
	formattest.Want(t, formattest.One(t, Read, "old-estimates.json"), `benchmark [s] lower: {"mean":2.79e-07,"stddev":1.55e-08,"p50":2.835e-07,"interval":[2.545e-07,2.805e-07]}`)
	formattest.Want(t, formattest.One(t, Read, "messages.json"), `
		copy/64 [s] lower: 1.6e-08 1.7e-08
		copy/64.thrpt [bytes/s] higher: 4000000000 3764705882.35
		fib 10 [s] lower: 2.5e-07 2.6e-07 2.6e-07`)
	for file, want := range map[string]string{
		"target/criterion/fib 10/new/x.json": "fib 10", "C:\\p\\target\\criterion\\g\\a\\new\\x.json": "g/a", "x/fib/new/x.json": "fib", "x.json": "benchmark",
	} {
		if got := identify(nil, file).id; got != want {
			t.Errorf("%s is of %q, want %q", file, got, want)
		}
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	change, err := os.ReadFile("testdata/target/criterion/fib 10/change/estimates.json")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":                              "there is no result of Criterion",
		string(change):                  "these are no estimates of times",
		`{"iters":[1],"times":[1,2]}`:   "1 iterations and 2 times",
		`{"iters":[0],"times":[1]}`:     "f:1:22: times: benchmark: sample 0 has 0 iterations",
		`{"iters":[1],"times":[-1]}`:    "sample 0: -1e-09 s is a negative duration",
		"{\"iters\":[1],\n\"times\":5}": "f:2:9: times: expected an array, found a number",
		`{"mean":{"point_estimate":-1},"std_dev":{}}`: "negative duration",
		`{"iters":[1`: "ends too early",
	} {
		formattest.Refuses(t, Read, text, want)
	}
	runs, err := formattest.Text(Read, `{"reason":"benchmark-complete","id":"a","unit":"ns"}
{"reason":"benchmark-complete","id":"b","typical":{"estimate":2,"lower_bound":1,"upper_bound":3,"unit":"us"}}
{"reason":
thread 'main' panicked at src/lib.rs:5
`)
	if err != nil {
		t.Fatal(err)
	}
	formattest.Want(t, &runs[0], `b [s] lower: {"mean":2e-06,"interval":[1e-06,3e-06]}`)
	formattest.Notes(t, runs[0].Warnings, "line 1: a has no values", "line 3: the message does not read")
	formattest.Notes(t, runs[0].Failures, "panicked at src/lib.rs:5")
}

func FuzzRead(f *testing.F) { formattest.Fuzz(f, Read) }
