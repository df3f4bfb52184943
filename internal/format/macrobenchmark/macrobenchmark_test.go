package macrobenchmark

import (
	"testing"

	"github.com/pacer-perf/pacer/internal/format/formattest"
)

func TestStartup(t *testing.T) {
	t.Parallel()
	r := formattest.One(t, Read, "startup.json")
	formattest.Want(t, r, `
		com.example.ParseBenchmark.parse.allocationCount [count] lower: 12 12
		com.example.ParseBenchmark.parse.timeNs [s] lower: {"min":1.25e-06,"max":1.3e-06,"p50":1.26e-06}
		com.example.ScrollBenchmark.scroll.frameCount [count] neither: 3 4
		com.example.ScrollBenchmark.scroll.frameDurationCpuMs [s] lower: 0.0055 0.006 0.0065 0.007 0.009 0.011 0.012
		com.example.ScrollBenchmark.scroll.frameOverrunMs [ms] lower: -5.5 -6 -2 1 3 -7 -5
		com.example.StartupBenchmark.startup.memoryRssAnonMaxKb{mode=COLD} [bytes] lower: 52428800 52490240 52449280
		com.example.StartupBenchmark.startup.timeToFullDisplayMs{mode=COLD} [s] lower: 0.5015 0.62025 0.55075
		com.example.StartupBenchmark.startup.timeToInitialDisplayMs{mode=COLD} [s] lower: 0.34543 0.42044 0.35473`)
	if e := r.Environment; e.OS != "android" || e.CPU != "Pixel 3" || e.Cores != 8 || e.Memory != 3753299968 {
		t.Errorf("environment %+v", e)
	}
	formattest.Notes(t, r.Warnings, "the CPU's frequency was not locked")
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"benchmarks":[]}`: "there are no metrics",
		"{\"benchmarks\":[{\"name\":\"a\",\"metrics\":{\n\"timeNs\":{\"runs\":[1,-2]}}}]}": "f:2:10: benchmarks[0].metrics.timeNs: runs: value 1: -2e-09 s is a negative duration",
		`{"benchmarks":[{"name":"a","metrics":{"timeNs":{"runs":[]}}}]}`:                   "there is no number",
		`{"benchmarks":[{"name":"a","sampledMetrics":{"frameMs":{"runs":[1]}}}]}`:          "expected an array, found a number",
	} {
		formattest.Refuses(t, Read, text, want)
	}
}

func FuzzRead(f *testing.F) { formattest.Fuzz(f, Read) }
