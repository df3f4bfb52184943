package vegeta

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/format/formattest"
	"github.com/pacer-perf/pacer/run"
)

// Every number of a report is there, latencies in seconds.
func TestReport(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"report.json", "buckets.json"} {
		text, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		var in struct {
			Latencies   map[string]float64
			Requests    float64
			Success     float64
			Throughput  float64
			Rate        float64
			StatusCodes map[string]float64 `json:"status_codes"`
		}
		if err := json.Unmarshal(text, &in); err != nil {
			t.Fatal(err)
		}
		r := formattest.One(t, Read, file)
		latency := r.Find("latency", nil)
		if latency.Unit != "s" || latency.Direction() != run.Lower || latency.Count() != int64(in.Requests) {
			t.Errorf("latency: %+v", latency)
		}
		for key, ns := range in.Latencies {
			name := map[string]string{"mean": "mean", "50th": "p50", "90th": "p90", "95th": "p95", "99th": "p99", "max": "max", "min": "min"}[key]
			if v, _ := latency.Statistic(name); name != "" && v != ns/1e9 {
				t.Errorf("%s = %v s, in the file %v ns", key, v, ns)
			}
		}
		for name, want := range map[string]float64{"success": in.Success, "throughput": in.Throughput, "rate": in.Rate, "requests": in.Requests} {
			if m := r.Find(name, nil); m == nil || m.Samples[0] != want {
				t.Errorf("%s: %+v, in the file %v", name, m, want)
			}
		}
		for code, n := range in.StatusCodes {
			if m := r.Find("status", map[string]string{"code": code}); m == nil || m.Samples[0] != n {
				t.Errorf("status %s: %+v, in the file %v", code, m, n)
			}
		}
		formattest.Notes(t, r.Warnings, "requests failed: 500 Internal Server Error")
	}
}

// Every request of results is a sample; what is worked out of them is what
// vegeta works out.
func TestResults(t *testing.T) {
	t.Parallel()
	r := formattest.One(t, Read, "results.json")
	text, err := os.ReadFile("testdata/results.json")
	if err != nil {
		t.Fatal(err)
	}
	n, good := 0, 0.0
	latency := r.Find("latency", nil)
	for line := range strings.Lines(string(text)) {
		var one struct{ Latency, Code float64 }
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatal(err)
		}
		if one.Code == 200 {
			good++
		}
		if latency.Samples[n] != one.Latency/1e9 {
			t.Errorf("request %d took %v s, in the file %v ns", n, latency.Samples[n], one.Latency)
		}
		n++
	}
	if len(latency.Samples) != n || r.Find("success", nil).Samples[0] != good/float64(n) || r.Find("requests", nil).Samples[0] != float64(n) {
		t.Errorf("%d of %d requests; success %v", len(latency.Samples), n, r.Find("success", nil).Samples)
	}
	formattest.Notes(t, r.Warnings, "requests failed: 500 Internal Server Error")
}

// As vegeta itself reports these: 2 of 3 requests succeed, over 1 s and 1.5 s.
func TestWorkedOut(t *testing.T) {
	t.Parallel()
	runs, err := formattest.Text(Read, `{"attack":"big","seq":0,"code":200,"timestamp":"2026-01-01T00:00:00Z","latency":500000000}

{"seq":1,"code":0,"timestamp":"2026-01-01T00:00:00.5Z","latency":1000,"error":"refused"}
{"seq":2,"code":302,"timestamp":"2026-01-01T00:00:01Z","latency":500000000}
oops
{"seq":3,"code":200,"timestamp":"2026-01-01T00:00:01Z","latency":-5}
`)
	if err != nil {
		t.Fatal(err)
	}
	r := &runs[0]
	for name, want := range map[string]float64{"success": 2. / 3, "rate": 3, "throughput": 2 / 1.5, "duration": 1, "wait": 0.5, "requests": 3} {
		if m := r.Find(name, nil); m == nil || math.Abs(m.Samples[0]-want) > 1e-12 {
			t.Errorf("%s: %+v, want %v", name, m, want)
		}
	}
	if r.Labels["attack"] != "big" {
		t.Errorf("labels %v", r.Labels)
	}
	formattest.Notes(t, r.Warnings, "requests failed: refused", "line 5 is no result", "line 6: latency: -5e-09 s is a negative duration")
	for text, want := range map[string]string{
		"": "the file is empty", "{}": "latencies: there is no number", `{"latencies":{"mean":-1}}`: "latencies: -1e-09 s is a negative duration",
		`{"latencies":{"mean":1,"max":`: "ends too early", `{"code":200,"latency":-1}`: "there is no result of a request",
	} {
		formattest.Refuses(t, Read, text, want)
	}
}

func FuzzRead(f *testing.F) { formattest.Fuzz(f, Read) }
