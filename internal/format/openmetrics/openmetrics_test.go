package openmetrics

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/format/formattest"
	"github.com/pacer-perf/pacer/run"
)

// Plain samples of a real exposition are there, in both versions of the text;
// histograms and summaries have their counts and sums.
func TestRealFiles(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"openmetrics.txt", "prometheus.txt"} {
		text, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		r := formattest.One(t, Read, file)
		counts := 0
		for _, m := range regexp.MustCompile(`(?m)^(\w+?)_(count|sum)(?:\{(\w+)="([^"]*)"\})? (\S+)$`).FindAllStringSubmatch(string(text), -1) {
			v, _ := strconv.ParseFloat(m[5], 64)
			metric := r.Find(m[1], map[string]string{m[3]: m[4]})
			switch {
			case m[4] == "never":
				if metric != nil {
					t.Errorf("nothing was observed of %+v", metric)
				}
			case metric == nil:
				t.Errorf("%s is not there", m[0])
			case m[2] == "count" && metric.Count() != int64(v), m[2] == "sum" && metric.Sum() != v:
				t.Errorf("%s: %d values with the sum %v", m[0], metric.Count(), metric.Sum())
			default:
				counts++
			}
		}
		if counts != 6 || len(r.Metrics) != 6 {
			t.Errorf("%s: %d counts and sums, %d metrics:\n%s", file, counts, len(r.Metrics), formattest.Tell(r))
		}
		formattest.Notes(t, r.Warnings)
		// Half of the values lie in the second bucket, [0.01, 0.1], half above.
		slow := r.Find("http_request_duration_seconds", map[string]string{"route": "/"})
		if s := slow.Stats(); s.P50 != 0.1 || s.P90 != 0.82 || slow.Unit != "s" || slow.Direction() != run.Lower {
			t.Errorf("%+v", slow)
		}
		if m := r.Find("orders_total", nil); m.Samples[0] != 7 || m.Kind != run.CounterKind || m.Direction() != "" {
			t.Errorf("counter %+v", m)
		}
		if m := r.Find("parse_seconds", map[string]string{"kind": "csv"}); m.Summary.P99 != 0.099 || m.Summary.P50 != 0.05 {
			t.Errorf("summary %+v", m.Summary)
		}
		if m := r.Find("build_info", map[string]string{"version": "1.2.3", "odd": `a"b\c d`}); m == nil {
			t.Errorf("escapes:\n%s", formattest.Tell(r))
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	runs, err := formattest.Text(Read, `# TYPE temperature gauge
# UNIT load ratio
# TYPE load gauge
temperature{room="a"} 21.5 1767225600
temperature{room="a"} 22.5 1767225660
load 0.5 # {trace_id="x"} 1
x_milliseconds 250
nan_value NaN
process_start_time_seconds 1.7e9
# TYPE rpc histogram
rpc_bucket{le="1"} 5
rpc_bucket{le="2"} 3
rpc_count 5
# TYPE ok histogram
ok_bucket{le="1"} 4
ok_bucket{le="+Inf"} 8
ok_sum 12
ok_count 8
bad
bad{ 1
bad{a="b} 1
bad{a=b} 1
bad x
bad 1 2 3
x_seconds -1
# TYPE v info
v_info{a="b"} 1
# EOF
after 1
`)
	if err != nil {
		t.Fatal(err)
	}
	formattest.Want(t, &runs[0], `
		temperature{room=a} [] -: 21.5 22.5
		load [ratio] -: 0.5
		x_milliseconds [s] -: 0.25
		process_start_time_seconds [s] neither: 1700000000
		ok [] -: {"count":8,"mean":1.5,"p50":1}`)
	formattest.Notes(t, runs[0].Warnings, "line 19: expected a name and a value", "line 20: bad: the labels do not read", "line 21: bad: a label does not end",
		"line 22: bad: the labels do not read", `line 23: bad: "x" is no number`, "line 24: bad: expected a value", "line 25: x_seconds: -1 is a negative duration", "rpc: the buckets do not add up")
	formattest.Refuses(t, Read, "# TYPE a gauge\n# EOF\n", "there is no sample")
	formattest.Refuses(t, Read, strings.Repeat("x", 100), "there is no sample")
}

func FuzzRead(f *testing.F) { formattest.Fuzz(f, Read) }
