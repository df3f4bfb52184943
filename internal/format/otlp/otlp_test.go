package otlp

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/format/formattest"
)

// What was recorded: twice 100 times 3 orders, 1 to 100 ms on /, 100 times
// 300 ms on /slow, 5 items more in the queue, 1000 and 1001 bytes.
const recorded = `
	orders [order] neither: 600
	process.memory.usage [bytes] -: 1000 1001
	queue.size [item] -: 10`

const (
	fast = "http.server.request.duration{http.response.status_code=200,http.route=/} [s] -:"
	slow = "http.server.request.duration{http.response.status_code=500,http.route=/slow} [s] -:"
)

func TestRealFiles(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		// The SDK's bounds are those of milliseconds: all of these values lie
		// in the first bucket, (0, 5], so that nothing but the line from the
		// least to the largest is known of them.
		"cumulative.json": fast + ` {"count":200,"mean":0.050499999999999996,"min":0.001,"max":0.1,"p50":0.0505,"p90":0.0901,"p95":0.09505000000000001,"p99":0.09901,"p999":0.099901}
			` + slow + ` {"count":200,"mean":0.29999999999999893,"min":0.3,"max":0.3,"p50":0.3,"p90":0.3,"p95":0.3,"p99":0.3,"p999":0.3}`,
		"delta.json": fast + ` {"count":200,"mean":0.05050000000000001,"min":0.001,"max":0.1,"p50":0.0505,"p90":0.0901,"p95":0.09505000000000001,"p99":0.09901,"p999":0.099901}
			` + slow + ` {"count":200,"mean":0.3000000000000005,"min":0.3,"max":0.3,"p50":0.3,"p90":0.3,"p95":0.3,"p99":0.3,"p999":0.3}`,
		"exponential.json": fast + " histogram of 200 from 0.001 to 0.1, sum 10.1\n" + slow + " histogram of 200 from 0.3 to 0.3, sum 60",
	} {
		r := formattest.One(t, Read, file)
		formattest.Want(t, r, want+recorded)
		formattest.Notes(t, r.Warnings)
		if e := r.Environment; r.App != "shop" || r.Version != "1.2.3" || r.Labels["environment"] != "test" || r.Timestamp.IsZero() || e.OS != "linux" || e.Arch != "amd64" {
			t.Errorf("%s: %+v, environment %+v", file, r, e)
		}
		if file != "exponential.json" {
			continue
		}
		m := &r.Metrics[0]
		for q, want := range map[string]float64{"p50": 0.0505, "p90": 0.09, "p99": 0.099, "min": 0.001, "max": 0.1, "mean": 0.0505} {
			if v, err := m.Statistic(q); err != nil || math.Abs(v-want) > 0.031*want {
				t.Errorf("%s = %v, %v; recorded was %v", q, v, err, want)
			}
		}
	}
}

func TestPoints(t *testing.T) {
	t.Parallel()
	// Lines of requests; the latest point of what is cumulative counts, in
	// whichever order; enumerations by name; two services; a summary; coarse
	// exponential buckets; a point without a value.
	runs, err := formattest.Text(Read, `{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}]},"scopeMetrics":[{"metrics":[
		{"name":"n","sum":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_CUMULATIVE","isMonotonic":true,"dataPoints":[{"timeUnixNano":"2000000000","asInt":"7"},{"timeUnixNano":"1000000000","asInt":"5"}]}},
		{"name":"d","unit":"1","sum":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_DELTA","isMonotonic":true,"dataPoints":[{"timeUnixNano":"1000000000","asDouble":1.5},{"timeUnixNano":"2000000000","asDouble":2}]}},
		{"name":"s","unit":"ms","summary":{"dataPoints":[{"count":"4","sum":10,"quantileValues":[{"quantile":0,"value":1},{"quantile":0.25,"value":2},{"quantile":0.99,"value":4}]}]}},
		{"name":"g","unit":"By","gauge":{"dataPoints":[{"asInt":1,"attributes":[{"key":"on","value":{"boolValue":true}},{"key":"x","value":{"doubleValue":1.5}},{"key":"l","value":{"arrayValue":{}}}]},{"flags":1}]}}
	]}]}]}
	{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"b"}}]},"scopeMetrics":[{"metrics":[
		{"name":"e","unit":"s","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[{"count":"4","sum":8,"scale":0,"zeroCount":"0","positive":{"offset":0,"bucketCounts":["2","2"]},"min":1.5,"max":3}]}},
		{"name":"h","unit":"s","histogram":{"aggregationTemporality":2,"dataPoints":[{"count":"3","sum":6}]}},
		{"name":"bad","unit":"s","histogram":{"aggregationTemporality":2,"dataPoints":[{"count":"3","sum":6,"bucketCounts":["1","-2"],"explicitBounds":[1]}]}}
	]}]}]}`)
	if err != nil || len(runs) != 2 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	formattest.Want(t, &runs[0], `
		n [] neither: 7
		d [] neither: 3.5
		s [s] -: {"count":4,"mean":0.0025,"min":0.001,"p99":0.004,"percentiles":{"25":0.002}}
		g{l=,on=true,x=1.5} [bytes] -: 1`)
	if !runs[0].Timestamp.Equal(time.Unix(2, 0)) || runs[0].App != "a" || runs[1].App != "b" {
		t.Errorf("%+v", runs)
	}
	formattest.Want(t, &runs[1], `
		e [s] -: {"count":4,"mean":2,"min":1.5,"max":3,"p50":2,"p90":2.8,"p95":2.9,"p99":2.98,"p999":2.998}
		h [s] -: {"count":3,"mean":2}`)
	formattest.Notes(t, runs[1].Warnings, "bad: bucket 1 counts -2: left out")
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                          "f:1: request 1: the document ends too early",
		"{\n\"resourceMetrics\":5}": "f:2: request 1: json: cannot unmarshal number",
		`{"resourceMetrics":[]}`:    "there are no metrics",
		"{\"resourceMetrics\":[]}\n{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"\",\"gauge\":{\"dataPoints\":[{\"asInt\":1}]}}]}]}]}": "f:2: request 2: : the name is empty",
		`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","unit":"s","gauge":{"dataPoints":[{"asInt":-1}]}}]}]}]}`:                              "a: -1 s is a negative duration",
		strings.Repeat(`{"resourceMetrics":[`, 20_000): "exceeded max depth",
	} {
		formattest.Refuses(t, Read, text, want)
	}
}

func FuzzRead(f *testing.F) { formattest.Fuzz(f, Read) }
