package k6

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/format/formattest"
	"github.com/pacer-perf/pacer/run"
)

// metricsOf finds the metrics of a summary by other means: values by name.
func metricsOf(t *testing.T, file string) map[string]map[string]float64 {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var in struct {
		Metrics map[string]map[string]any
		Results struct {
			Metrics []map[string]any
			Checks  struct{ Metrics []map[string]any }
		}
	}
	if err := json.Unmarshal(text, &in); err != nil {
		t.Fatal(err)
	}
	for _, m := range append(in.Results.Metrics, in.Results.Checks.Metrics...) {
		if in.Metrics == nil {
			in.Metrics = make(map[string]map[string]any)
		}
		in.Metrics[m["name"].(string)] = m
	}
	found := make(map[string]map[string]float64)
	for name, m := range in.Metrics {
		if nested, ok := m["values"].(map[string]any); ok {
			m = nested
		}
		found[name] = make(map[string]float64)
		for k, v := range m {
			if n, ok := v.(float64); ok {
				found[name][k] = n
			}
		}
	}
	return found
}

// Every number of the three kinds of summary is there, times in seconds.
func TestRealFiles(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"handle.json", "legacy.json", "machine.json"} {
		want, r := metricsOf(t, file), formattest.One(t, Read, file)
		if len(want) < 14 {
			t.Fatalf("%s: only %d metrics were counted", file, len(want))
		}
		for name, values := range want {
			plain, tag, tagged := strings.Cut(strings.TrimSuffix(name, "}"), "{")
			var labels map[string]string
			if tagged {
				key, value, _ := strings.Cut(tag, ":")
				labels = map[string]string{key: value}
			}
			m := r.Find(plain, labels)
			if m == nil {
				t.Errorf("%s: %s is not there", file, name)
				continue
			}
			scale := 1.0
			if m.Unit == "s" {
				scale = 1e3
			}
			for key, v := range values {
				statistic, at := key, m
				switch {
				case key == "med":
					statistic = "median"
				case key == "passes" || key == "fails" || key == "matches" || key == "total":
					continue
				case key == "count" && m.Kind == run.CounterKind, key == "value", key == "rate" && m.Kind == run.RateKind:
					statistic = "median"
				case key == "count":
					if m.Count() != int64(v) {
						t.Errorf("%s: %s counts %d, in the file %v", file, name, m.Count(), v)
					}
					continue
				case key == "rate":
					statistic, at = "median", r.Find(plain+".rate", labels)
				case strings.HasPrefix(key, "p("):
					statistic = "p" + strings.Trim(key[1:], "()")
				}
				got, err := at.Statistic(statistic)
				if err != nil || math.Abs(got*scale-v) > 1e-9*math.Abs(v) {
					t.Errorf("%s: %s %s = %v %s, in the file %v", file, name, key, got, at.Unit, v)
				}
			}
		}
		failures := []string{"threshold avg<0.0001 of http_req_duration"}
		if file == "machine.json" { // which says nothing of thresholds
			failures = nil
		}
		formattest.Notes(t, r.Failures, failures...)
		check := r.Find("checks", map[string]string{"check": "bad is 200"})
		if check == nil || check.Samples[0] != 0 || check.Direction() != run.Higher {
			t.Errorf("%s: check %+v", file, check)
		}
	}
}

// Units and directions: those of k6's own metrics are known, of a script's own
// only what the summary says.
func TestDirections(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"handle.json", "legacy.json", "machine.json"} {
		r := formattest.One(t, Read, file)
		for name, want := range map[string]string{
			"http_req_duration": "s lower", "iteration_duration": "s lower", "http_req_failed": "ratio lower", "data_sent": "bytes ", "data_sent.rate": "bytes/s ",
			"http_reqs.rate": "count/s higher", "iterations.rate": "count/s higher", "http_reqs": "count ", "my_count": "count ", "my_count.rate": "count/s ",
			"my_rate": "ratio ", "my_size": " ", "my_gauge": " ", "my_time": map[bool]string{true: " ", false: "s lower"}[file == "legacy.json"],
		} {
			m := r.Find(name, nil)
			if m == nil || m.Unit+" "+string(m.Direction()) != want {
				t.Errorf("%s: %s: %+v, want %s", file, name, m, want)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"metrics":{}}`:      "there are no metrics",
		`{"metrics":{"a":5}}`: "f:1:17: metrics.a: expected an object",
		"{\"metrics\":{\n\"http_req_waiting\":{\"avg\":-1}}}":       "f:2:20: metrics.http_req_waiting: -0.001 s is a negative duration",
		`{"metrics":{"a":{"type":"trend","values":{"avg":"x"}}}}`:   "values: expected an object of numbers",
		`{"root_group":` + strings.Repeat(`{"groups":[`, 400) + `1`: "ends too early",
		`{"metrics":[1]}`: "metrics: expected an object, found an array",
	} {
		formattest.Refuses(t, Read, text, want)
	}
	// A trend without observations is nothing, one of an unknown kind is told.
	runs, err := formattest.Text(Read, `{"metrics":{"a":{"type":"trend","values":{"avg":0,"count":0}},"b":{"type":"odd","values":{}},"vus":{"type":"gauge","values":{"value":1}}}}`)
	if err != nil {
		t.Fatal(err)
	}
	formattest.Want(t, &runs[0], `vus [] neither: {"p50":1}`)
	formattest.Notes(t, runs[0].Warnings, `b is of the unknown kind "odd"`)
}

func FuzzRead(f *testing.F) { formattest.Fuzz(f, Read) }
