package server

import (
	"bytes"
	"math"
	"strings"
	"testing"

	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/pacer-perf/pacer/internal/history"
)

// otlpJSON is an export request with an exponential histogram of scale 5: 10
// values from 2^(32/32) = 2 on, 20 in the next bucket, and a gauge.
const otlpJSON = `{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},{"key":"service.version","value":{"stringValue":"1.2"}}]},
"scopeMetrics":[{"metrics":[
{"name":"http.server.request.duration","unit":"s","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1767225600000000000","count":"30","sum":61.5,"scale":5,"zeroCount":"0","positive":{"offset":32,"bucketCounts":["10","20"]},"min":2.001,"max":2.08}]}},
{"name":"queue.length","unit":"{item}","gauge":{"dataPoints":[{"timeUnixNano":"1767225600000000000","asInt":"7"}]}}]}]}]}`

// An exponential histogram becomes one of Pacer's, in either encoding; the same
// request twice is one run.
func TestOTLP(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	token := h.token("shop", "ingest")
	var m metricspb.MetricsData
	if err := protojson.Unmarshal([]byte(otlpJSON), &m); err != nil {
		t.Fatal(err)
	}
	wire, err := proto.Marshal(&m)
	if err != nil {
		t.Fatal(err)
	}
	w := h.want(200, nil, "POST", otlpPath, token, wire, "Content-Type", protobufType)
	if w.Body.Len() != 0 || w.Header().Get("Content-Type") != protobufType {
		t.Errorf("the answer: %q, %s", w.Body, w.Header())
	}
	w = h.want(200, nil, "POST", otlpPath, token, gzipped([]byte(otlpJSON)), "Content-Type", jsonType, "Content-Encoding", "gzip")
	if w.Body.String() != "{}" {
		t.Errorf("the answer: %q", w.Body)
	}
	h.want(200, nil, "POST", otlpPath, token, zstded(wire), "Content-Type", protobufType, "Content-Encoding", "zstd")
	if n := h.runs(); n != 1 {
		t.Fatalf("%d runs, want 1", n)
	}
	heads, err := h.store.Heads(t.Context(), history.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := h.store.Run(t.Context(), heads[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	m1 := r.Find("http.server.request.duration", nil)
	if r.App != "shop" || r.Version != "1.2" || m1 == nil || m1.Histogram == nil || m1.Histogram.Count != 30 {
		t.Fatalf("the run: %+v", r)
	}
	// The median is in the second bucket, between 2^(33/32) and 2^(34/32).
	if q := m1.Histogram.Quantile(0.5); q < math.Exp2(33./32)*0.99 || q > math.Exp2(34./32)*1.01 || m1.Histogram.Min != 2.001 || m1.Histogram.Max != 2.08 {
		t.Errorf("median %v, min %v, max %v", q, m1.Histogram.Min, m1.Histogram.Max)
	}
	if math.Abs(m1.Histogram.Sum()-61.5) > 1e-6 {
		t.Errorf("sum %v", m1.Histogram.Sum())
	}
	// Nothing to say is no mistake.
	h.want(200, nil, "POST", otlpPath, token, nil, "Content-Type", protobufType)
	for _, empty := range []string{"{}", " { }\n", `{"resourceMetrics": []}`} {
		h.want(200, nil, "POST", otlpPath, token, []byte(empty), "Content-Type", jsonType)
	}
}

// Errors are a google.rpc.Status in the encoding of the request.
func TestOTLPErrors(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	token := h.token("other", "ingest")
	for _, tt := range []struct {
		token, kind string
		body        []byte
		status      int
		says        string
	}{
		{"", jsonType, []byte(otlpJSON), 401, `{"code":16,"message":"that takes a token`},
		{token, jsonType, []byte(otlpJSON), 403, `{"code":7,"message":"the token is for the runs of other alone`},
		{token, jsonType, []byte(`{"resourceMetrics":`), 400, `"code":3`},
		{token, protobufType, []byte{0xff}, 400, "no export request"},
		{token, "text/plain", nil, 415, "content type"},
	} {
		w := h.want(tt.status, nil, "POST", otlpPath, tt.token, tt.body, "Content-Type", tt.kind)
		if !bytes.Contains(w.Body.Bytes(), []byte(tt.says)) {
			t.Errorf("%s: %q, want %q", tt.kind, w.Body, tt.says)
		}
		if tt.kind == protobufType {
			if _, _, n := protowire.ConsumeTag(w.Body.Bytes()); n < 0 || w.Header().Get("Content-Type") != protobufType {
				t.Errorf("the answer is no status: %q", w.Body)
			}
		}
	}
	if n := h.runs(); n != 0 {
		t.Errorf("%d runs", n)
	}
}

// Files of other tools are taken as pacer import takes them.
func TestImport(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	token := h.token("app", "ingest", "read")
	bench := []byte("goos: linux\nBenchmarkA-8 10 100 ns/op\nBenchmarkA-8 10 110 ns/op\n")
	var first, second Kept
	h.want(201, &first, "POST", "/api/v1/import?commit=1a2b3c4", token, bench)
	h.want(200, &second, "POST", "/api/v1/import?commit=1a2b3c4", token, zstded(bench), "Content-Encoding", "zstd")
	if first.Added != 1 || second.Known != 1 || first.Runs[0] != second.Runs[0] {
		t.Errorf("first %+v, then %+v", first, second)
	}
	h.want(201, nil, "POST", "/api/v1/import?format=customBiggerIsBetter", token, []byte(`[{"name":"speed","unit":"MB/s","value":3}]`))
	for _, tt := range []struct{ query, body, says string }{
		{"", "nothing that is known", "looks like no format"},
		{"?format=nothing", "x", "unknown format"},
		{"?time=yesterday", string(bench), "time"},
		{"?label=x", string(bench), "KEY=VALUE"},
		{"?format=gobench", "no benchmark", ""},
	} {
		if w := h.want(400, nil, "POST", "/api/v1/import"+tt.query, token, []byte(tt.body)); !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%s: %s", tt.query, w.Body)
		}
	}
	h.want(403, nil, "POST", "/api/v1/import?app=other", token, bench)
	if w := h.want(400, nil, "POST", "/api/v1/import", h.token("", "ingest"), bench); !strings.Contains(w.Body.String(), "?app=") {
		t.Errorf("without an app: %s", w.Body)
	}
}
