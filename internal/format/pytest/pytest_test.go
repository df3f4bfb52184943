package pytest

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/pacer-perf/pacer/internal/format/formattest"
	"github.com/pacer-perf/pacer/run"
)

type file struct {
	Commit     struct{ ID string } `json:"commit_info"`
	Benchmarks []struct {
		Fullname string
		Stats    struct {
			Min, Max, Mean, Stddev, Median, Q1, Q3 float64
			Rounds                                 int64
			Data                                   []float64
		}
	}
}

func counted(t *testing.T, name string) (f file) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil || len(f.Benchmarks) != 3 {
		t.Fatal(err, len(f.Benchmarks))
	}
	return f
}

// Every test has its rounds as samples, or without them all that is said.
func TestRealFiles(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"data.json", "summary.json"} {
		want, r := counted(t, name), formattest.One(t, Read, name)
		if len(r.Metrics) != 4 {
			t.Errorf("%s: %d metrics, want three tests and an extra", name, len(r.Metrics))
		}
		for _, w := range want.Benchmarks {
			m := r.Find(w.Fullname, nil)
			if m == nil || m.Unit != "s" || m.Direction() != run.Lower {
				t.Errorf("%s: %+v", w.Fullname, m)
				continue
			}
			if name == "data.json" {
				if !slices.Equal(m.Samples, w.Stats.Data) || len(m.Samples) != int(w.Stats.Rounds) {
					t.Errorf("%s: %d samples, in the file %d", w.Fullname, len(m.Samples), len(w.Stats.Data))
				}
				continue
			}
			s := m.Summary
			q1, _ := m.Statistic("p25")
			q3, _ := m.Statistic("p75")
			if s.Count != w.Stats.Rounds || s.Min != w.Stats.Min || s.Max != w.Stats.Max || s.Mean != w.Stats.Mean || s.Stddev != w.Stats.Stddev || s.P50 != w.Stats.Median || q1 != w.Stats.Q1 || q3 != w.Stats.Q3 {
				t.Errorf("%s: %+v, in the file %+v", w.Fullname, s, w.Stats)
			}
		}
		if m := r.Find("test_b.py::test_parse.size", nil); m == nil || !slices.Equal(m.Samples, []float64{12}) {
			t.Errorf("extra_info: %+v", m)
		}
		if e := r.Environment; r.App != "py" || r.Branch != "master" || r.Commit != want.Commit.ID || r.Timestamp.IsZero() || e.OS != "linux" || e.Arch != "amd64" || e.CPU == "" || e.Host == "" || e.Host == "vm" {
			t.Errorf("run %+v, environment %+v", r, e)
		}
	}
}

// Old versions lack data, ops, total and params; names alone.
func TestOld(t *testing.T) {
	t.Parallel()
	runs, err := formattest.Text(Read, `{"machine_info":{"system":"Windows-10","machine":"AMD64"},"datetime":"2015-01-01T00:00:00.5",
		"benchmarks":[{"name":"test_parse","fullname":null,"stats":{"min":0.0011,"max":0.0019,"mean":0.0013,"stddev":0.0001,"rounds":50,"median":0.0012}}]}`)
	if err != nil {
		t.Fatal(err)
	}
	formattest.Want(t, &runs[0], `test_parse [s] lower: {"count":50,"mean":0.0013,"min":0.0011,"max":0.0019,"stddev":0.0001,"p50":0.0012}`)
	if e := runs[0].Environment; e.OS != "windows" || e.Arch != "amd64" {
		t.Errorf("environment %+v", e)
	}
	for text, want := range map[string]string{
		`{"benchmarks":[]}`: "there are no benchmarks",
		"{\"benchmarks\":[{\"fullname\":\"a\",\n\"stats\":{\"mean\":-1}}]}": "f:2:9: benchmarks[0].stats: a: -1 s is a negative duration",
		`{"benchmarks":[{"fullname":"a","stats":{}}]}`:                      "there is no number",
		`{"benchmarks":[{"fullname":"","stats":{"mean":1}}]}`:               "the name is empty",
		`{"benchmarks":{}}`: "benchmarks: expected an array, found an object",
	} {
		formattest.Refuses(t, Read, text, want)
	}
}

func FuzzRead(f *testing.F) { formattest.Fuzz(f, Read) }
