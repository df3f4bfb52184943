package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func mustRead(t *testing.T, text string) Run {
	t.Helper()
	r, err := Read(strings.NewReader(text), "run.json")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReadFlat(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/flat.json")
	if err != nil {
		t.Fatal(err)
	}
	got := mustRead(t, string(text))
	nan := math.NaN()
	want := Run{
		Version:   "1.0.0",
		Timestamp: time.Date(2026, 1, 31, 12, 0, 0, 123456000, time.UTC), // no zone: UTC
		Main:      "processing",
		Metrics: []Metric{
			{Name: "startup", Unit: "s", Better: Lower, Samples: []float64{2.5}},
			{Name: "memory.peak", Unit: "bytes", Better: Lower, Samples: []float64{104857600}},
			{Name: "processing.speed", Unit: "items/s", Better: Higher, Samples: []float64{1}},
			{Name: "processing", Unit: "s", Better: Lower, Summary: &Stats{Mean: 1.5, Min: nan, Max: nan, Stddev: nan, P50: nan, P90: nan, P95: 2, P99: nan, P999: nan}},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.IgnoreFields(Run{}, "ID")); diff != "" {
		t.Errorf("flat file (-want +got):\n%s", diff)
	}
	if again := mustRead(t, strings.ReplaceAll(string(text), "\n", "\n\n")); again.ID != got.ID || len(got.ID) != 32 {
		t.Errorf("the id follows the layout: %q, %q", got.ID, again.ID)
	}
	if other := mustRead(t, strings.Replace(string(text), "2.5", "2.6", 1)); other.ID == got.ID {
		t.Errorf("the id does not follow the content: %q", got.ID)
	}
}

func TestReadFlatOddities(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want []string // metric=center
	}{
		{`{"startup_time": null, "memory_usage": 0}`, []string{"memory.peak=0"}},
		{`{"processing_metrics": {}}`, nil},
		{`{"processing_metrics": null, "startup_time": 1}`, []string{"startup=1"}},
		{`{"processing_metrics": {"p95": 3, "whatever": "x"}}`, []string{"processing=3"}},
		{`{"processing_metrics": {"avg": 1}, "main": "track.process"}`, []string{"track.process=1"}},
		{`{"metrics": [], "startup_time": 2}`, []string{"startup=2"}},
		{`{"metrics": null, "startup_time": 2}`, []string{"startup=2"}},
		{"\ufeff" + `{"startup_time": 2}`, []string{"startup=2"}},
		{`{"startup_time": 2, "main": "startup", "processing_metrics": {"avg": 9}}`, []string{"startup=2"}},
		// The metrics are the authority.
		{`{"startup_time": 9, "metrics": [{"name":"startup","unit":"s","samples":[1,2,3]}]}`, []string{"startup=2"}},
	}
	for _, tt := range tests {
		r := mustRead(t, tt.text)
		var got []string
		for i := range r.Metrics {
			v, _ := r.Metrics[i].Center()
			got = append(got, fmt.Sprintf("%s=%v", r.Metrics[i].Key(), v))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.text, diff)
		}
	}
}

func TestReadWarns(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{`{"startup_time": 9, "metrics": [{"name":"startup","unit":"s","samples":[1]}]}`, "startup_time: 9 disagrees"},
		{`{"startup_time": 9, "metrics": [{"name":"x","unit":"s","samples":[1]}]}`, "the metrics have no startup"},
		{`{"main":"x","processing_metrics":{"p95":2},"metrics":[{"name":"x","unit":"s","samples":[1]}]}`, "processing_metrics: 2 disagrees with the metric x p95"},
		{`{}`, "no metrics"},
	}
	for _, tt := range tests {
		r := mustRead(t, tt.text)
		if len(r.Doubts) != 1 || !strings.Contains(r.Doubts[0], tt.want) || !strings.HasPrefix(r.Doubts[0], "run.json: ") {
			t.Errorf("%s: doubts %q, want one with %q", tt.text, r.Doubts, tt.want)
		}
	}
	full, err := os.ReadFile("testdata/full.json")
	if err != nil {
		t.Fatal(err)
	}
	r := mustRead(t, strings.Replace(string(full), "1600,", "1600.0000001,", 1))
	if len(r.Doubts) != 0 {
		t.Errorf("rounding makes doubts: %q", r.Doubts)
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	many := strings.TrimSuffix(strings.Repeat(`"k":"v",`, 1), ",")
	tests := []struct {
		name, text, want string
	}{
		{"empty", "", "run.json:1:1: the file is empty"},
		{"space", " \n ", "the file is empty"},
		{"array", "[1]", "run.json:1:1: expected an object, found an array"},
		{"null", "null", "expected an object, found null"},
		{"truncated", `{"startup_time": 1`, "the document ends too early"},
		{"trailing", `{"startup_time": 1} {}`, "expected the end of the file"},
		{"not JSON", `{startup_time: 1}`, "not JSON"},
		{"NaN", "{\n  \"startup_time\": NaN\n}", "run.json:2:19: startup_time: NaN is not a finite number"},
		{"infinity", `{"startup_time": -Infinity}`, "-Infinity is not a finite number"},
		{"overflow", `{"memory_usage": 1e999}`, "memory_usage: 1e999 is out of range"},
		{"string for a number", `{"startup_time": "2.5"}`, "startup_time: expected a number, found a string"},
		{"number for a string", `{"version": 1.0}`, "version: expected a string, found a number"},
		{"negative", `{"startup_time": -1}`, "startup_time: -1 is negative"},
		{"negative summary", `{"processing_metrics": {"avg": -1}}`, "processing_metrics.avg: -1 is negative"},
		{"flat key twice", `{"startup_time": 1, "startup_time": 2}`, "startup_time: the key is there twice"},
		{"version 2", `{"schema": "pacer.run/v2"}`, `schema: unknown version "pacer.run/v2"`},
		{"other schema", `{"schema": "pacer.verdict/v1"}`, "another kind of document"},
		{"bad time", `{"timestamp": "yesterday"}`, "timestamp: \"yesterday\" is no time"},
		{"bad id", `{"id": "a b"}`, "id: \"a b\": expected 1 to 64"},
		{"metrics object", `{"metrics": {}}`, "metrics: expected an array, found an object"},
		{"no name", `{"metrics": [{"unit":"s","samples":[1]}]}`, "metrics[0]: the metric has no name"},
		{"no unit", `{"metrics": [{"name":"a","samples":[1]}]}`, "metrics[0]: a has no unit"},
		{"null metric", `{"metrics": [null]}`, "metrics[0]: expected an object, found null"},
		{"twice", "{\"metrics\": [\n{\"name\":\"a\",\"unit\":\"s\",\"samples\":[1]},\n{\"name\":\"a\",\"unit\":\"s\",\"samples\":[1]}]}", "run.json:3:2: metrics[1]: a is there twice, first as metrics[0]"},
		{"twice with labels", `{"metrics": [{"name":"a","unit":"s","labels":{"x":"1","y":"2"}},{"name":"a","unit":"s","labels":{"y":"2","x":"1"}}]}`, "a{x=1,y=2} is there twice"},
		{"negative duration", "{\"metrics\": [{\"name\":\"a\",\"unit\":\"s\",\"samples\":[1,\n -2]}]}", "run.json:2:2: metrics[0].samples[1]: -2 s is a negative duration"},
		{"negative before its unit", `{"metrics": [{"name":"a","samples":[-2],"unit":"s"}]}`, "metrics[0].samples[0]: -2 s is a negative duration"},
		{"null sample", `{"metrics": [{"name":"a","unit":"s","samples":[null]}]}`, "metrics[0].samples[0]: expected a number, found null"},
		{"string sample", `{"metrics": [{"name":"a","unit":"s","samples":[1,"2"]}]}`, "metrics[0].samples[1]: expected a number, found a string"},
		{"better", `{"metrics": [{"name":"a","unit":"s","better":"bigger"}]}`, "metrics[0].better: \"bigger\": expected lower, higher or neither"},
		{"percentile", `{"metrics": [{"name":"a","unit":"s","percentiles":{"p25":1}}]}`, "metrics[0].percentiles.p25: \"p25\": expected a percentage"},
		{"percentile of 100", `{"metrics": [{"name":"a","unit":"s","percentiles":{"100":1}}]}`, "expected a percentage between 0 and 100"},
		{"negative percentile", `{"metrics": [{"name":"a","unit":"s","percentiles":{"25":-1}}]}`, "metrics[0].percentiles.25: -1 s is a negative duration"},
		{"interval", `{"metrics": [{"name":"a","unit":"s","mean":1,"interval":[1]}]}`, "metrics[0].interval: expected two numbers, found 1"},
		{"interval backwards", `{"metrics": [{"name":"a","unit":"s","mean":1,"interval":[2,1]}]}`, "metrics[0].interval: [2 1]: expected two finite numbers in order"},
		{"failures", `{"failures": [1]}`, "failures[0]: expected a string, found a number"},
		{"control character", `{"metrics": [{"name":"a\u0007","unit":"s"}]}`, "control character"},
		{"both", `{"metrics": [{"name":"a","unit":"x","samples":[1],"histogram":{"tick":1,"count":1,"ticks":1,"min":1,"max":1,"buckets":[65473,1]}}]}`, "a has both samples and a histogram"},
		{"histogram count", `{"metrics": [{"name":"a","unit":"x","histogram":{"tick":1,"count":2,"ticks":1,"min":1,"max":1,"buckets":[65473,1]}}]}`, "metrics[0].histogram: count is 2 but the buckets hold 1"},
		{"histogram min", `{"metrics": [{"name":"a","unit":"x","histogram":{"tick":1,"count":1,"ticks":1,"min":5,"max":5,"buckets":[65473,1]}}]}`, "not in the first and last bucket"},
		{"histogram lacks", `{"metrics": [{"name":"a","unit":"x","histogram":{"tick":1}}]}`, "the histogram has no count"},
		{"stage", `{"stages": [{"path":"a","total":-1}]}`, "stages[0].total: -1 is negative"},
		{"stage path", `{"stages": [{}]}`, "the stage has no path"},
		{"labels", `{"labels": {"a": 1}}`, "labels.a: expected a string, found a number"},
		{"cores", `{"environment": {"cores": 1.5}}`, "environment.cores: 1.5 is not a whole number"},
		{"items", `{"items": {"tracks": -1}}`, "items.tracks: -1 is negative"},
		{"not UTF-8", "{\"version\": \"\xff\"}", "run.json:1:14: the text is not UTF-8"},
		{"nine labels", `{"metrics": [{"name":"a","unit":"s","labels":{"1":"","2":"","3":"","4":"","5":"","6":"","7":"","8":"","9":""}}]}`, "a has 9 labels: at most 8"},
		{"report", `{"metrics": {` + many + `}}`, "expected an array, found an object: is this a report?"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Read(strings.NewReader(tt.text), "run.json")
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v; want a SyntaxError with %q", err, tt.want)
			}
		})
	}
}

func TestReadTooLarge(t *testing.T) {
	t.Parallel()
	_, err := Read(bytes.NewReader(bytes.Repeat([]byte(" "), MaxSize+1)), "big.json")
	if err == nil || !strings.Contains(err.Error(), "larger than 64 MiB") {
		t.Errorf("error = %v", err)
	}
}

// Every document that is read is written, read again, and then the same; the
// seeds are the files of testdata.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("testdata/*.json")
	if len(files) < 2 {
		t.Fatal("no seeds")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		roundTrip(t, text)
	}
}

func roundTrip(t *testing.T, text []byte) {
	t.Helper()
	r, err := Read(bytes.NewReader(text), "run.json")
	if err != nil {
		return
	}
	first, err := r.Encode()
	if err != nil {
		t.Fatalf("what Read accepted does not encode: %v\n%s", err, text)
	}
	again, err := Read(bytes.NewReader(first), "run.json")
	if err != nil {
		t.Fatalf("what Encode wrote is refused: %v\n%s", err, first)
	}
	second, err := again.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Fatalf("the second round differs from the first:\n%s\n%s", first, second)
	}
	if len(again.Doubts) > 0 && len(r.Metrics) > 0 {
		t.Fatalf("our own document makes doubts: %q\n%s", again.Doubts, first)
	}
}

func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := Read(bytes.NewReader(text), "f"); err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Line < 1 || syntax.Column < 1 || syntax.Msg == "" {
				t.Fatalf("error without a place: %#v", err)
			}
		}
		roundTrip(t, text)
	})
}

func TestWriteDerivesFlatKeys(t *testing.T) {
	t.Parallel()
	r := Run{App: "a", Main: "op", Metrics: []Metric{
		{Name: Startup, Unit: "s", Samples: []float64{3, 1, 2}},
		{Name: MemoryPeak, Unit: "bytes", Samples: []float64{10, 30}},
		{Name: Speed, Unit: "items/s", Samples: []float64{100, 300}}, // of equal work: 2/(1/100+1/300)
		{Name: "op", Unit: "s", Samples: []float64{1, 2, 3}},
	}}
	text, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"schema": "pacer.run/v1"`, `"startup_time": 2,`, `"memory_usage": 20,`, `"processing_speed": 150,`,
		`"processing_metrics": {"count":3,"avg":2,"min":1,"p50":2,"p95":2.9,"p99":2.98,"max":3},`,
	} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	bare := Run{App: "a"}
	text, err = bare.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"startup_time", "memory_usage", "processing", "timestamp", "null", "metrics"} {
		if bytes.Contains(text, []byte(key)) {
			t.Errorf("what was not measured is there: %s in\n%s", key, text)
		}
	}
}

// What only other tools say survives: percentiles of any kind, an interval, no
// direction, failures.
func TestForeignSummary(t *testing.T) {
	t.Parallel()
	s := NewStats()
	s.Mean = 2
	for _, p := range []float64{99.99, 25, 50, 100, 0} {
		s.SetPercentile(p, p)
	}
	s.Interval = &[2]float64{-1, 5}
	r := Run{App: "a", Failures: []string{"a threshold"}, Metrics: []Metric{
		{Name: "m", Unit: "bytes", Better: Neither, Kind: ExactKind, Summary: s},
	}}
	text, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if want := `"percentiles":{"25":25,"99.99":99.99},"interval":[-1,5]`; !bytes.Contains(text, []byte(want)) {
		t.Errorf("no %s in\n%s", want, text)
	}
	got := mustRead(t, string(text))
	if diff := cmp.Diff(r, got, cmpopts.EquateNaNs(), cmpopts.IgnoreFields(Run{}, "ID")); diff != "" {
		t.Errorf("read again (-want +got):\n%s", diff)
	}
	m := &got.Metrics[0]
	for name, want := range map[string]float64{"p25": 25, "p99.99": 99.99, "median": 50, "max": 100, "min": 0, "p75": nan} {
		if v, err := m.Statistic(name); err != nil || v != want && !(math.IsNaN(v) && math.IsNaN(want)) {
			t.Errorf("%s = %v, %v; want %v", name, v, err, want)
		}
	}
	alone, err := json.Marshal(m.Summary)
	if err != nil {
		t.Fatal(err)
	}
	var stats Stats
	if err := json.Unmarshal(alone, &stats); err != nil || cmp.Diff(*m.Summary, stats, cmpopts.EquateNaNs()) != "" {
		t.Errorf("as JSON alone: %s, %v", cmp.Diff(*m.Summary, stats, cmpopts.EquateNaNs()), err)
	}
	if m.Direction() != "" {
		t.Errorf("a metric without a direction improves %s", m.Direction())
	}
}

var nan = math.NaN()

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]Metric{
		"metrics[0].samples[1]: NaN is not a finite number": {Name: "a", Unit: "s", Samples: []float64{1, math.NaN()}},
		"metrics[0].samples[0]: -1 s is a negative":         {Name: "a", Unit: "s", Samples: []float64{-1}},
		"metrics[0].name: name is empty":                    {Unit: "s"},
	} {
		r := Run{Metrics: []Metric{m}}
		if _, err := r.Encode(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want %q", err, want)
		}
	}
}

func TestStatistic(t *testing.T) {
	t.Parallel()
	// By R: quantile(c(1,2,3,4,10), c(.5,.9,.95,.999), type=7) and sd().
	m := Metric{Name: "a", Unit: "s", Samples: []float64{10, 1, 3, 2, 4}}
	for name, want := range map[string]float64{
		"p50": 3, "median": 3, "p90": 7.6, "p95": 8.8, "p99.9": 9.976, "p999": 9.976, "p0": 1, "p100": 10,
		"mean": 4, "avg": 4, "min": 1, "max": 10, "stddev": 3.535533905932738,
	} {
		if got, err := m.Statistic(name); err != nil || math.Abs(got-want) > 1e-12 {
			t.Errorf("%s = %v, %v; want %v", name, got, err, want)
		}
	}
	for _, name := range []string{"", "p", "px", "p-1", "p101", "p150", "p1000", "average", "95", "pNaN", "p+Inf"} {
		if _, err := m.Statistic(name); !errors.Is(err, ErrStatistic) {
			t.Errorf("%q: error = %v, want ErrStatistic", name, err)
		}
	}
	empty := Metric{Unit: "s"}
	if v, err := empty.Statistic("p95"); err != nil || !math.IsNaN(v) {
		t.Errorf("of nothing: %v, %v; want NaN", v, err)
	}
	huge := Metric{Samples: []float64{math.MaxFloat64, math.MaxFloat64}}
	if s := huge.Stats(); math.IsInf(s.Mean, 0) || math.IsNaN(s.Stddev) {
		t.Errorf("huge samples overflow: %+v", s)
	}
}

// distributions for the laws of histograms: heavy tails, two modes, ties, nine
// decades apart.
var distributions = map[string]func(*rand.Rand) float64{
	"uniform":     func(r *rand.Rand) float64 { return r.Float64() },
	"exponential": func(r *rand.Rand) float64 { return r.ExpFloat64() * 1e-3 },
	"lognormal":   func(r *rand.Rand) float64 { return math.Exp(r.NormFloat64() * 2) },
	"pareto":      func(r *rand.Rand) float64 { return 1e-6 * math.Pow(1-r.Float64(), -1) },
	"two modes":   func(r *rand.Rand) float64 { return []float64{1e-3, 5e-2}[r.IntN(2)] * (1 + 0.1*r.Float64()) },
	"constant":    func(*rand.Rand) float64 { return 0.25 },
	"nine apart":  func(r *rand.Rand) float64 { return []float64{1e-9, 1}[r.IntN(2)] },
	"with zeros":  func(r *rand.Rand) float64 { return max(0, r.NormFloat64()) },
	"ticks":       func(r *rand.Rand) float64 { return float64(r.IntN(40)) * 0.01 },
	"hours":       func(r *rand.Rand) float64 { return 3600 * (1 + r.Float64()) },
}

func TestHistogramQuantiles(t *testing.T) {
	t.Parallel()
	for name, draw := range distributions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(7, 7))
			m := Metric{Name: "a", Unit: "s"}
			h := NewHistogram("s")
			for range 5000 {
				v := time.Duration(draw(rng) * 1e9).Seconds()
				m.Samples = append(m.Samples, v)
				h.Add(v)
			}
			exact := m.Stats()
			if h.Count != exact.Count || h.Min != exact.Min || h.Max != exact.Max || math.Abs(h.Sum()-m.Sum()) > 1e-9*m.Sum() {
				t.Errorf("count, min, max, sum: %+v of %+v", h, exact)
			}
			for _, q := range []float64{0, 0.001, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1} {
				want, _ := m.Statistic(fmt.Sprintf("p%g", q*100))
				if got := h.Quantile(q); math.Abs(got-want) > want/128+1e-18 {
					t.Errorf("quantile %v = %v, samples say %v", q, got, want)
				}
			}
			if err := h.validate(&m); err != nil {
				t.Error(err)
			}
		})
	}
}

// However values are split and in whichever order parts are merged, the result
// is the histogram of all values, bit for bit.
func TestHistogramMerge(t *testing.T) {
	t.Parallel()
	for name, draw := range distributions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(3, 9))
			all := NewHistogram("s")
			parts := make([]*Histogram, 7)
			for i := range parts {
				parts[i] = NewHistogram("s")
			}
			for range 1000 {
				v := time.Duration(draw(rng) * 1e9).Seconds()
				all.Add(v)
				parts[rng.IntN(len(parts)-1)].Add(v) // the last stays empty
			}
			rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
			merged := NewHistogram("s")
			for _, p := range parts {
				if err := merged.Merge(p); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(all, merged); diff != "" {
				t.Errorf("merged differs (-all +merged):\n%s", diff)
			}
		})
	}
	h := NewHistogram("s")
	h.Add(1)
	if err := h.Merge(h); err != nil || h.Count != 2 {
		t.Errorf("merged with itself: %+v, %v", h, err)
	}
	if err := h.Merge(NewHistogram("bytes")); err == nil {
		t.Error("histograms of different ticks merged")
	}
}

// Neighbouring nanoseconds, as seconds and back, fall into the bucket of the
// whole number.
func TestHistogramTicks(t *testing.T) {
	t.Parallel()
	h := NewHistogram("s")
	for ns := int64(1); ns < 1<<50; ns += 1 + ns/50 {
		if got := h.ticks(time.Duration(ns).Seconds()); got != float64(ns) {
			t.Fatalf("%d ns come back as %v", ns, got)
		}
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	m := Metric{Name: "a", Unit: "s"}
	for i := range MaxSamples {
		m.Samples = append(m.Samples, float64(i))
	}
	if m.Fold() {
		t.Error("folded at the limit")
	}
	m.Samples = append(m.Samples, 1)
	r := Run{Metrics: []Metric{m}}
	text, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if got := mustRead(t, string(text)); got.Metrics[0].Histogram == nil || got.Metrics[0].Count() != MaxSamples+1 {
		t.Errorf("beyond the limit: %d samples, histogram %v", len(got.Metrics[0].Samples), got.Metrics[0].Histogram)
	}
	if len(r.Metrics[0].Samples) != MaxSamples+1 {
		t.Error("Encode changed the run")
	}
	var long strings.Builder
	long.WriteString(`{"metrics":[{"name":"a","unit":"s","samples":[0`)
	long.WriteString(strings.Repeat(",0.5", MaxSamples))
	long.WriteString(`]}]}`)
	if got := mustRead(t, long.String()); len(got.Doubts) != 1 || !strings.Contains(got.Doubts[0], "folded") {
		t.Errorf("doubts = %q", got.Doubts)
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	one := func(startup float64, ops ...float64) Run {
		return Run{App: "a", Version: "1", Main: "op", Items: map[string]int64{"tracks": 2},
			Stages: []Stage{{"op", 2, 3, 1, 1}},
			Metrics: []Metric{
				{Name: Startup, Unit: "s", Samples: []float64{startup}},
				{Name: "op", Unit: "s", Samples: ops},
			}}
	}
	first, second := one(1, 5, 6), one(2, 7)
	second.Metrics = append(second.Metrics, Metric{Name: "late", Unit: "s", Samples: []float64{9}})
	got, err := Merge(first, second)
	if err != nil {
		t.Fatal(err)
	}
	want := Run{App: "a", Version: "1", Main: "op", Items: map[string]int64{"tracks": 4},
		Stages: []Stage{{"op", 4, 6, 2, 2}},
		Metrics: []Metric{
			{Name: Startup, Unit: "s", Samples: []float64{1, 2}},
			{Name: "op", Unit: "s", Samples: []float64{5, 6, 7}},
			{Name: "late", Unit: "s", Samples: []float64{9}},
		}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Merge (-want +got):\n%s", diff)
	}
	if len(first.Metrics[1].Samples) != 2 {
		t.Error("Merge changed its argument")
	}

	other := one(1)
	other.Version = "2"
	if _, err := Merge(first, other); err == nil || !strings.Contains(err.Error(), `differ in version: "1" and "2"`) {
		t.Errorf("error = %v", err)
	}
	other = one(1)
	other.Metrics[1].Summary = &Stats{Mean: 1}
	other.Metrics[1].Samples = nil
	got, err = Merge(first, other)
	if s := got.Metrics[1].Stats(); err != nil || s.Count != 3 || s.Mean != 4 || !math.IsNaN(s.P95) || len(got.Warnings) != 1 {
		t.Errorf("merged with a summary: %+v, %q, %v", s, got.Warnings, err)
	}
}

// Repetitions with more samples than a metric keeps end as one histogram of
// all of them.
func TestMergeFolds(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	var runs []Run
	all := NewHistogram("s")
	for range 5 {
		m := Metric{Name: "op", Unit: "s"}
		for range 4000 {
			v := time.Duration(rng.IntN(1e9)).Seconds()
			m.Samples = append(m.Samples, v)
			all.Add(v)
		}
		runs = append(runs, Run{Metrics: []Metric{m}})
	}
	folded := runs[4].Metrics[0]
	folded.Histogram = NewHistogram("s")
	for _, v := range folded.Samples {
		folded.Histogram.Add(v)
	}
	folded.Samples = nil
	runs[4].Metrics = []Metric{folded}
	got, err := Merge(runs...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all, got.Metrics[0].Histogram); diff != "" {
		t.Errorf("(-all +merged):\n%s", diff)
	}
}

func TestNewID(t *testing.T) {
	t.Parallel()
	// The example of the ULID specification: 01ARZ3NDEKTSV4RRFFQ69G5FAV is
	// 2016-07-30T23:54:10.259Z; its random part decoded by hand with Crockford's
	// alphabet.
	at := time.UnixMilli(1469922850259)
	random := [10]byte{0xd6, 0x76, 0x4c, 0x61, 0xef, 0xb9, 0x93, 0x02, 0xbd, 0x5b}
	if got := NewID(at, random); got != "01ARZ3NDEKTSV4RRFFQ69G5FAV" {
		t.Errorf("NewID = %s", got)
	}
	if a, b := NewID(at, random), NewID(at.Add(time.Millisecond), [10]byte{}); a >= b {
		t.Errorf("ids do not sort by time: %s, %s", a, b)
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	if got := Key("table.filter", map[string]string{"rows": "1000", "a": "b"}); got != "table.filter{a=b,rows=1000}" {
		t.Errorf("Key = %s", got)
	}
}
