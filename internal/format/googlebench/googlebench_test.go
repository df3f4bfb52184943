package googlebench

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/pacer-perf/pacer/internal/format/formattest"
	"github.com/pacer-perf/pacer/run"
)

// Every repetition in a real file is a sample, in base units; aggregates, fits
// and failures are none.
func TestRealFiles(t *testing.T) {
	t.Parallel()
	seconds := map[string]float64{"ns": 1e9, "us": 1e6, "ms": 1e3, "s": 1}
	for _, file := range []string{"all.json", "single.json"} {
		text, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		var in struct{ Benchmarks []map[string]any }
		if err := json.Unmarshal(text, &in); err != nil {
			t.Fatal(err)
		}
		want := make(map[string][]float64)
		for _, row := range in.Benchmarks {
			if row["run_type"] != "iteration" || row["error_occurred"] == true {
				continue
			}
			name, scale := row["run_name"].(string), seconds[row["time_unit"].(string)]
			want[name] = append(want[name], row["real_time"].(float64)/scale)
			want[name+".cpu_time"] = append(want[name+".cpu_time"], row["cpu_time"].(float64)/scale)
			for _, counter := range []string{"items_per_second", "bytes_per_second", "hits"} {
				if v, ok := row[counter].(float64); ok {
					want[name+"."+counter] = append(want[name+"."+counter], v)
				}
			}
		}
		if len(want) < 10 {
			t.Fatalf("%s: only %d were counted", file, len(want))
		}
		r := formattest.One(t, Read, file)
		for i := range r.Metrics {
			m := &r.Metrics[i]
			w := want[m.Name]
			delete(want, m.Name)
			if len(w) == 0 || len(w) != len(m.Samples) {
				t.Errorf("%s: %v, in the file %v", m.Name, m.Samples, w)
				continue
			}
			for k := range w {
				if w[k] != m.Samples[k] {
					t.Errorf("%s: %v, in the file %v", m.Name, m.Samples, w)
					break
				}
			}
		}
		if len(want) > 0 {
			t.Errorf("%s: not read: %v", file, want)
		}
		formattest.Notes(t, r.Failures, "BM_Broken: no input")
		formattest.Notes(t, r.Warnings, "built for debugging")
		if r.Environment.Cores != 2 || r.Timestamp.IsZero() {
			t.Errorf("environment %+v, time %v", r.Environment, r.Timestamp)
		}
		label := map[string]string{"label": "memcpy"}
		for name, better := range map[string]run.Better{"BM_Copy/64": run.Lower, "BM_Copy/64.cpu_time": run.Lower, "BM_Copy/64.items_per_second": run.Higher, "BM_Copy/64.bytes_per_second": run.Higher, "BM_Copy/64.hits": ""} {
			if m := r.Find(name, label); m == nil || m.Direction() != better {
				t.Errorf("%s: %+v, want %q better", name, m, better)
			}
		}
	}
}

// A file with aggregates alone has summaries, with nothing of cv and BigO.
func TestAggregates(t *testing.T) {
	t.Parallel()
	r := formattest.One(t, Read, "aggregates.json")
	text, err := os.ReadFile("testdata/aggregates.json")
	if err != nil {
		t.Fatal(err)
	}
	var in struct {
		Benchmarks []struct {
			Run       string  `json:"run_name"`
			Aggregate string  `json:"aggregate_name"`
			Real      float64 `json:"real_time"`
		}
	}
	if err := json.Unmarshal(text, &in); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, row := range in.Benchmarks {
		m := r.Find(row.Run, map[string]string{"label": "memcpy"})
		if m == nil {
			continue
		}
		s := m.Summary
		got, ok := map[string]float64{"mean": s.Mean, "median": s.P50, "stddev": s.Stddev}[row.Aggregate]
		if ok {
			if found++; got != row.Real/1e9 || s.Count != 3 {
				t.Errorf("%s %s = %v, in the file %v", row.Run, row.Aggregate, got, row.Real)
			}
		}
	}
	if found != 6 || len(r.Metrics) != 12 {
		t.Errorf("%d statistics and %d metrics", found, len(r.Metrics))
	}
}

// A file of an old version: no context, no run_type, a unit for each row.
func TestOld(t *testing.T) {
	t.Parallel()
	r := formattest.One(t, Read, "old.json")
	formattest.Want(t, r, `
		BM_Parse/8 [s] -: 1.25e-05 1.35e-05
		BM_Parse/8.cpu_time [s] -: 1.225e-05 1.325e-05
		BM_Sleep [s] -: 0.002
		BM_Sleep.cpu_time [s] -: 1e-05
		BM_Sleep.allocs_per_iter [allocs/op] lower: 3
		BM_Sleep.max_bytes_used [bytes] lower: 4096`)
	formattest.Notes(t, r.Warnings, "BM_Skipped was skipped: no device")
}

// Statistics that a user defined are kept, where nothing else is.
func TestUserStatistics(t *testing.T) {
	t.Parallel()
	runs, err := formattest.Text(Read, `{"benchmarks":[
		{"name":"A_max","run_name":"A","run_type":"aggregate","aggregate_name":"max","repetitions":5,"real_time":9,"cpu_time":8,"time_unit":"s"},
		{"name":"A_p75","run_name":"A","run_type":"aggregate","aggregate_name":"p75","repetitions":5,"real_time":7,"cpu_time":6,"time_unit":"s"},
		{"name":"A_cv","run_name":"A","run_type":"aggregate","aggregate_name":"cv","aggregate_unit":"percentage","repetitions":5,"real_time":0.1,"cpu_time":0.1,"time_unit":"s"},
		{"name":"B","run_name":"B","run_type":"iteration","skipped":"error","skip_message":"no device"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	formattest.Want(t, &runs[0], `
		A [s] -: {"count":5,"max":9}
		A.cpu_time [s] -: {"count":5,"max":8}
		A.p75 [s] -: 7
		A.cpu_time.p75 [s] -: 6`)
	formattest.Notes(t, runs[0].Failures, "B: no device")
	for text, want := range map[string]string{
		`{"benchmarks":[]}`: "there are no benchmarks",
		"{\"benchmarks\":[\n{\"name\":\"A\",\"real_time\":-1}]}": "f:2:1: benchmarks[0]: A: -1e-09 s is a negative duration",
		`{"benchmarks":[{"name":"","real_time":1}]}`:             "has no name",
		`{"benchmarks":[{"name":5,"real_time":1}]}`:              "expected a string, found a number",
		`{"benchmarks":[{"name":"A","real_time":1}`:              "ends too early",
	} {
		formattest.Refuses(t, Read, text, want)
	}
}

func FuzzRead(f *testing.F) { formattest.Fuzz(f, Read) }
