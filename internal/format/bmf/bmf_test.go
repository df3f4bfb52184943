package bmf

import (
	"testing"

	"github.com/pacer-perf/pacer/internal/format/formattest"
	"github.com/pacer-perf/pacer/internal/format/input"
)

func TestFiles(t *testing.T) {
	t.Parallel()
	formattest.Want(t, formattest.One(t, Read, "measures.json"), `
		api::login [s] lower: {"mean":1.25e-06,"interval":[1.2e-06,1.31e-06]}
		api::login.throughput [ops/s] higher: 812
		api::search [s] neither: 8.80005e-05
		app.build-time [s] lower: {"mean":12.5,"interval":[12.5,13]}
		app.file-size [bytes] lower: 4194304
		app.screams [] -: 3`)
	formattest.Want(t, formattest.One(t, Read, "parameters.json"), `
		disk.throughput{op=write,size_mb=16} [ops/s] higher: 100
		disk{op=read,size_mb=16} [s] lower: {"mean":0.0015,"p50":0.0014,"p99":0.0029}
		disk{op=write,size_mb=16} [s] lower: 0.0025`)
}

func TestLooks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{"a":{"latency":{"value":1}}}`: true, `{"a":[{"measures":{"latency":{"value":1}}}]}`: true,
		`{"a":{"latency":{"value":"1"}}}`: false, `{"a":1}`: false, `[]`: false, `{}`: false,
	} {
		if got := Looks(input.NewHead([]byte(text))); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{}`:                                     "there are no benchmarks",
		"{\n\"a\":{\"latency\":{\"value\":-1}}}": "f:2:5: a: latency: -1e-09 s is a negative duration",
		`{"a":{"latency":{"lower_value":1}}}`:    "there is no value",
		`{"a":{"latency":5}}`:                    "expected measures with values",
		`{"a":{"latency":{"value":1}}`:           "ends too early",
		`{"":{"latency":{"value":1}}}`:           "the name is empty",
	} {
		formattest.Refuses(t, Read, text, want)
	}
}

func FuzzRead(f *testing.F) { formattest.Fuzz(f, Read) }
