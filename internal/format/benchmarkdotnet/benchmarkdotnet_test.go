package benchmarkdotnet

import (
	"testing"

	"github.com/pacer-perf/pacer/internal/format/formattest"
)

func TestFull(t *testing.T) {
	t.Parallel()
	r := formattest.One(t, Read, "full.json")
	formattest.Want(t, r, `
		Example.Benchmarks.Parse.Csv(N: 100) [s] lower: 1.0825e-07 1.095e-07 1.0775e-07
		Example.Benchmarks.Parse.Csv(N: 100).InstructionsPerCycle [Count] higher: 1.75
		Example.Benchmarks.Parse.Csv(N: 100).allocated [bytes/op] lower: 672
		Example.Benchmarks.Parse.Csv(N: 100).gen0 [collections/op] lower: 4.00543212891e-05
		Example.Benchmarks.Parse.Csv(N: 100).gen1 [collections/op] lower: 0
		Example.Benchmarks.Parse.Csv(N: 100).gen2 [collections/op] lower: 0
		Example.Benchmarks.Parse.Json(N: 100){job=.NET 8.0(Runtime=.NET 8.0)} [s] lower: {"count":20,"mean":2.21e-07,"min":2.1e-07,"max":2.4e-07,"stddev":8e-09,"p50":2.2e-07,"percentiles":{"25":2.15e-07,"75":2.26e-07},"interval":[2.15e-07,2.27e-07]}
		Example.Benchmarks.Parse.Json(N: 100){job=.NET 9.0(Runtime=.NET 9.0)} [s] lower: 1e-07 1.05e-07`)
	formattest.Notes(t, r.Failures, "Parse.Broken has no result")
	if e := r.Environment; e.OS != "windows" || e.Arch != "amd64" || e.CPU != "AMD Ryzen 7 5800X" || e.Cores != 16 {
		t.Errorf("environment %+v", e)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"Benchmarks":[]}`: "there are no benchmarks",
		"{\"Benchmarks\":[\n{\"FullName\":\"A\",\"Statistics\":{\"OriginalValues\":[1,-1]}}]}": "f:2:1: Benchmarks[0]: A: -1e-09 s is a negative duration",
		`{"Benchmarks":[{"FullName":"A","Statistics":{}}]}`:                                    "there is no number",
		`{"Benchmarks":[{"Statistics":{"Mean":1}}]}`:                                           "has no name",
		`{"Benchmarks":[{"FullName":"A","Statistics":{"Mean":[]}}]}`:                           "expected a number",
	} {
		formattest.Refuses(t, Read, text, want)
	}
}

func FuzzRead(f *testing.F) { formattest.Fuzz(f, Read) }
