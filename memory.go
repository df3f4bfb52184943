package pacer

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime/metrics"
	"slices"

	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// What the Go runtime says of its memory. Live is what the last collection
// left; total is what the heap takes from the operating system.
const (
	heapLive    = "/gc/heap/live:bytes"
	heapObjects = "/memory/classes/heap/objects:bytes"
	heapUnused  = "/memory/classes/heap/unused:bytes"
	heapFree    = "/memory/classes/heap/free:bytes"
	gcPauses    = "/sched/pauses/total/gc:seconds"
	goroutines  = "/sched/goroutines:goroutines"
)

// readMemory returns the metrics of memory, and the error that kept some out.
func (r *Recorder) readMemory(items map[string]int64) ([]run.Metric, error) {
	var list []run.Metric
	add := func(m run.Metric) {
		m.Better = run.Lower
		list = append(list, m)
	}
	bytes := func(name string, n float64) {
		add(run.Metric{Name: name, Unit: unit.Bytes, Samples: []float64{n}})
	}
	use, err := r.process.memory()
	if errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("reading memory use: %w", err)
	}
	if use.current > 0 {
		bytes("memory.current", float64(use.current))
	}
	if use.peak > 0 {
		bytes(run.MemoryPeak, float64(use.peak))
		for _, kind := range slices.Sorted(maps.Keys(items)) {
			if n := items[kind]; n > 0 && r.memoryAtNew > 0 {
				grown := max(0, use.peak-r.memoryAtNew)
				add(run.Metric{Name: "memory.per_item", Unit: unit.Bytes, Labels: map[string]string{"items": kind},
					Samples: []float64{math.Round(float64(grown) / float64(n))}})
			}
		}
	}
	samples := []metrics.Sample{{Name: heapLive}, {Name: heapObjects}, {Name: heapUnused}, {Name: heapFree}, {Name: goroutines}, {Name: gcPauses}}
	metrics.Read(samples)
	number := func(i int) float64 {
		if samples[i].Value.Kind() != metrics.KindUint64 { // a runtime without it
			return 0
		}
		return float64(samples[i].Value.Uint64())
	}
	if live := number(0); live > 0 { // 0 before the first collection
		bytes("memory.heap.live", live)
	}
	bytes("memory.heap.total", number(1)+number(2)+number(3))
	add(run.Metric{Name: "go.goroutines", Unit: unit.Count, Samples: []float64{number(4)}})
	if samples[5].Value.Kind() == metrics.KindFloat64Histogram {
		if h := pauses(samples[5].Value.Float64Histogram()); h.Count > 0 {
			add(run.Metric{Name: "gc.pause", Unit: unit.Seconds, Histogram: h})
		}
	}
	return list, err
}

// pauses turns the runtime's histogram into ours. The runtime's buckets are
// wider (a fourth of a power of two and more): each is counted at its middle.
func pauses(of *metrics.Float64Histogram) *run.Histogram {
	h := run.NewHistogram(unit.Seconds)
	for i, n := range of.Counts {
		low, high := of.Buckets[i], of.Buckets[i+1]
		if math.IsInf(low, -1) {
			low = 0
		}
		if math.IsInf(high, 1) {
			high = low
		}
		h.AddN(math.Round((low+high)/2*1e9)/1e9, int64(n))
	}
	return h
}
