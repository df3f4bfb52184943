package server

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http/httptest"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"

	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/pacer-perf/pacer/internal/format"
)

// packed is a text that is repeated, by gzip.
func packed(before, text string, n int, after string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, before)
	for range n {
		io.WriteString(z, text)
	}
	io.WriteString(z, after)
	z.Close()
	return b.Bytes()
}

// emptyPoints is an export request of one gauge with so many points of nothing.
func emptyPoints(n int) []byte {
	inside := bytes.Repeat([]byte{1<<3 | byte(protowire.BytesType), 0}, n)
	for _, field := range []protowire.Number{5, 2, 2, 1} { // Metric.gauge, ScopeMetrics.metrics, ResourceMetrics.scope_metrics, MetricsData.resource_metrics
		inside = protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), inside)
	}
	return inside
}

// heldMost returns how much memory there was at most while f ran, in bytes.
func heldMost(f func()) (most uint64) {
	debug.FreeOSMemory()
	ended, seen := make(chan struct{}), make(chan uint64)
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			metrics.Read(sample)
			most = max(most, sample[0].Value.Uint64()-sample[1].Value.Uint64())
			select {
			case <-ended:
				seen <- most
				return
			case <-tick.C:
			}
		}
	}()
	f()
	close(ended)
	return <-seen
}

// patient waits for others as long as a slow machine needs.
func patient(c *Config) { c.Limits.StoreTime = 10 * time.Minute }

// A small body can be a large document. Sixteen at once stay below what the
// server is to take, with the limits that pacer serve sets.
//
// It is not parallel: what is in memory is to be its own.
func TestHostileMemory(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(170 << 20))
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	h := newHarness(t, patient)
	tokens := []string{h.token("", "ingest"), h.token("", "ingest"), h.token("", "ingest")}
	tiny := `{"name":"a","unit":"s"},`
	line := `{"app":"app","metrics":[` + strings.TrimSuffix(strings.Repeat(tiny, 9999), ",") + "]}\n"
	for _, tt := range []struct {
		name, path, kind string
		body             []byte
		status           int
	}{
		{"points of protobuf", otlpPath, protobufType, gzipped(emptyPoints(520_000)), 413},
		{"points of protobuf, as many as are taken", otlpPath, protobufType, gzipped(emptyPoints(100_000)), 400},
		{"points of JSON", otlpPath, jsonType, packed(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","gauge":{"dataPoints":[{}`, ",{}", 5_000_000, "]}}]}]}]}"), 413},
		{"points of JSON, as many as are taken", otlpPath, jsonType, packed(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","gauge":{"dataPoints":[{}`, ",{}", 90_000, "]}}]}]}]}"), 400},
		{"metrics of one run", "/api/v1/runs", jsonType, packed(`{"app":"app","metrics":[`, tiny, 650_000, "{}]}"), 413},
		{"metrics of one run, which can be counted", "/api/v1/runs", jsonType, packed(`{"app":"app","metrics":[`, tiny, 90_000, "{}]}"), 413},
		{"metrics in lines", "/api/v1/runs", ndjson, packed("", line, 100, ""), 200},
		{"stages of one run", "/api/v1/runs", jsonType, packed(`{"app":"app","failures":[{}`, ",{}", 5_000_000, "]}"), 413},
		{"texts of one run", "/api/v1/runs", jsonType, packed(`{"app":"app","warnings":[""`, `,""`, 5_000_000, "]}"), 413},
		{"spaces", "/api/v1/runs", jsonType, packed("", strings.Repeat(" ", 1<<20), 15, "x"), 400},
	} {
		var wait sync.WaitGroup
		answers := make([]*httptest.ResponseRecorder, 16)
		began := time.Now()
		most := heldMost(func() {
			for i := range answers {
				wait.Go(func() {
					answers[i] = h.ask("POST", tt.path, tokens[i%len(tokens)], tt.body, "Content-Type", tt.kind, "Content-Encoding", "gzip")
				})
			}
			wait.Wait()
		})
		for _, w := range answers {
			if w.Code != tt.status {
				t.Errorf("%s: status %d, want %d: %.300s", tt.name, w.Code, tt.status, w.Body)
				break
			}
		}
		t.Logf("%v %s: a body of %d bytes: %d MB at most", time.Since(began), tt.name, len(tt.body), most>>20)
		if most > 300<<20 {
			t.Errorf("%s: %d MB at most, want 300", tt.name, most>>20)
		}
	}
	if n := h.runs(); n != 0 {
		t.Errorf("%d runs", n)
	}
}

// A file of another tool can be as much more in memory as a run can. One is read
// at a time; the other one waits with its text.
//
// It is not parallel: what is in memory is to be its own.
func TestHostileImports(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(170 << 20))
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	h := newHarness(t, patient)
	token := h.token("", "ingest")
	for _, tt := range []struct {
		name, format string
		body         []byte
		status       int
	}{
		{"results", "hyperfine", packed(`{"results":[{"command":"a","mean":1}`, ",{}", 5_000_000, "]}"), 413},
		{"rows", "googlebench", packed(`{"benchmarks":[{"name":"a"}`, ",{}", 5_000_000, "]}"), 413},
		{"points", "otlp", packed(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","gauge":{"dataPoints":[{}`, ",{}", 5_000_000, "]}}]}]}]}"), 413},
		{"keys", "jmh", gzipped(inTurn(`[{"benchmark":"a","primaryMetric":{"score":1},"secondaryMetrics":{"a":{}`, `,"%d":{}`, 1_000_000, "}}]")), 413},
		{"cells", "otava", table(90_000, 80), 413},
		{"rows, as many as are taken", "googlebench", packed(`{"benchmarks":[{"name":"a"}`, ",{}", 98_000, "]}"), 400},
		{"values, as many as are taken", "asv", packed(`{"result_columns":["result","params"],"results":{"a":[[1`, ",1", 2_500_000, `],[["1"]]]}}`), 400},
		{"cells, as many as are taken", "otava", table(40_000, 9), 413},
	} {
		var wait sync.WaitGroup
		answers := make([]*httptest.ResponseRecorder, 2)
		began := time.Now()
		most := heldMost(func() {
			for i := range answers {
				wait.Go(func() {
					answers[i] = h.ask("POST", "/api/v1/import?app=app&format="+tt.format, token, tt.body, "Content-Encoding", "gzip")
				})
			}
			wait.Wait()
		})
		for _, w := range answers {
			if w.Code != tt.status {
				t.Errorf("%s of %s: status %d, want %d: %.300s", tt.name, tt.format, w.Code, tt.status, w.Body)
				break
			}
		}
		t.Logf("%v %s of %s: a body of %d bytes: %d MB at most", time.Since(began), tt.name, tt.format, len(tt.body), most>>20)
		if most > 300<<20 {
			t.Errorf("%s of %s: %d MB at most, want 300", tt.name, tt.format, most>>20)
		}
	}
	if n := h.runs(); n != 0 {
		t.Errorf("%d runs", n)
	}
}

// inTurn is a text of so many others, each with its number.
func inTurn(before, format string, n int, after string) []byte {
	var b bytes.Buffer
	b.WriteString(before)
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	b.WriteString(after)
	return b.Bytes()
}

// table is a table of so many columns of numbers, and rows, by gzip.
func table(columns, rows int) []byte {
	return packed(string(inTurn("time", ",c%d", columns, "\n")), "1"+strings.Repeat(",1", columns)+"\n", rows, "")
}

// What is read line by line weighs what it has bytes, however many parts it has.
func TestWeightOfFile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		format, text string
		want         int64
	}{
		{"gobench", `{"Action":"output","Output":"BenchmarkA 1 1 ns/op\n"}`, 53},
		{"hyperfine", `{"results":[{"command":"a","times":[1,2]}]}`, 43 + 2*partWeight + 2*valueWeight + 3*keyWeight + 2*valueWeight},
		{"otava", "time,a\n1,2\n", 11 + 4*cellWeight},
		{"", `[{}]`, 4 + partWeight + valueWeight},
	} {
		f, _ := format.Named(tt.format)
		if got := weightOfFile([]byte(tt.text), f); got != tt.want {
			t.Errorf("%s as %q: %d, want %d", tt.text, tt.format, got, tt.want)
		}
	}
}

// What a message weighs is at least what it takes, and what no message is has
// no weight.
func TestWeightOfMessage(t *testing.T) {
	t.Parallel()
	var m metricspb.MetricsData
	of := m.ProtoReflect().Descriptor()
	counts := make([]uint64, 1000)
	point := &metricspb.HistogramDataPoint{BucketCounts: counts, ExplicitBounds: make([]float64, 999)}
	m.ResourceMetrics = []*metricspb.ResourceMetrics{{ScopeMetrics: []*metricspb.ScopeMetrics{{Metrics: []*metricspb.Metric{{Data: &metricspb.Metric_Histogram{Histogram: &metricspb.Histogram{DataPoints: []*metricspb.HistogramDataPoint{point}}}}}}}}}
	wire, err := proto.Marshal(&m)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := weightOfMessage(wire, of); err != nil || got != int64(4*len(wire)+5*partWeight+1999*2*valueWeight) {
		t.Errorf("%d, %v", got, err)
	}
	if got, err := weightOfMessage(emptyPoints(1000), of); err != nil || got < 1000*partWeight {
		t.Errorf("%d, %v", got, err)
	}
	deep := []byte{}
	for range 2 * deepest { // AnyValue.array_value, ArrayValue.values
		deep = protowire.AppendBytes([]byte{5<<3 | 2}, protowire.AppendBytes([]byte{1<<3 | 2}, deep))
	}
	for _, field := range []byte{2, 1, 1, 1} { // KeyValue.value, Resource.attributes, ResourceMetrics.resource
		deep = protowire.AppendBytes([]byte{field<<3 | 2}, deep)
	}
	for _, bad := range [][]byte{{0xff}, wire[:len(wire)-1], bytes.Repeat([]byte{0x0a}, 1000), deep} {
		if _, err := weightOfMessage(bad, of); err == nil {
			t.Errorf("%.20q has a weight", bad)
		}
	}
}

// The metrics of a run are counted however it is written.
func TestMetricsIn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		`{"metrics":[{"name":"{{{"},{}]}`: 2, `{"\u006detrics":[{}]}`: 1, `{"a":{"metrics":[{},{}]},"metrics":[{}]}`: 1, `{}`: 0, ``: 0, `{"metrics":[1,2`: 2, "\xff": 0, `{"metrics":[],"metrics":[{}]}`: 0,
	} {
		if got := metricsIn([]byte(text)); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}
