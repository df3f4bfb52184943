package run

import "github.com/pacer-perf/pacer/internal/unit"

func everyKey(string) bool { return true }

// The keys that may not come twice. Others are passed over.
var (
	documentKeys = set("schema", "id", "app", "version", "commit", "branch", "dirty", "pull_request", "timestamp", "main", "items",
		"command", "environment", "labels", "metrics", "stages", "warnings", "failures",
		"startup_time", "memory_usage", "processing_speed", "processing_metrics")
	environmentKeys = set("os", "arch", "cpu", "cores", "memory", "cpu_limit", "memory_limit", "go", "host",
		"kernel", "virtual", "governor", "turbo", "smt", "aslr", "clock", "counters")
	metricKeys = set("name", "kind", "unit", "labels", "better", "resolution", "samples", "histogram",
		"count", "mean", "min", "max", "stddev", "p50", "p90", "p95", "p99", "p999", "percentiles", "interval")
	histogramKeys = set("tick", "count", "ticks", "min", "max", "buckets")
	stageKeys     = set("path", "count", "total", "self", "failures")
	summaryKeys   = set("count", "avg", "median", "mean", "min", "max", "stddev", "p50", "p90", "p95", "p99", "p999")
)

// words are the keys, and values that most documents have.
var words = func() map[string]string {
	m := make(map[string]string)
	for _, keys := range []map[string]bool{documentKeys, environmentKeys, metricKeys, histogramKeys, stageKeys, summaryKeys,
		set(unit.Seconds, unit.Bytes, unit.Speed, string(Lower), string(Higher), string(Neither),
			string(TimerKind), string(ValueKind), string(CounterKind), string(GaugeKind), string(RateKind), string(ExactKind), string(WitnessKind))} {
		for key := range keys {
			m[key] = key
		}
	}
	return m
}()

type keys map[string]bool

func (k keys) has(key string) bool { return k[key] }

func set(list ...string) keys {
	m := make(keys, len(list))
	for _, k := range list {
		m[k] = true
	}
	return m
}
