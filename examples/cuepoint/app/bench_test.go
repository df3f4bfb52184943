package app_test

import (
	"fmt"
	"testing"

	"github.com/pacer-perf/pacer/examples/cuepoint/library"
)

// BenchmarkTargets runs the whole program, as a process, on the embedded
// library and on one of 4,000 tracks, and reports what the specification has
// targets for: start-up under 2 s, a track under 250 ms, a filter under
// 200 ms, memory under 500 MB. A figure is the worst of all the runs.
func BenchmarkTargets(b *testing.B) {
	for _, n := range []int{library.Embedded.Tracks, 4000} {
		b.Run(fmt.Sprintf("tracks=%d", n), func(b *testing.B) {
			var more []string
			if n != library.Embedded.Tracks {
				path, _ := generate(b, library.Config{Seed: 41, Tracks: n, Rekordbox: 7, WrongEntries: true})
				more = append(more, "--library="+path)
			}
			dir := b.TempDir()
			figures := []struct {
				metric, statistic string
				scale             float64
				unit              string
				worst             float64
			}{
				{metric: "startup", statistic: "max", scale: 1, unit: "startup-s"},
				{metric: "track.process", statistic: "p95", scale: 1e3, unit: "track-p95-ms"},
				{metric: "table.filter", statistic: "p95", scale: 1e3, unit: "filter-p95-ms"},
				{metric: "memory.peak", statistic: "max", scale: 1.0 / (1 << 20), unit: "peak-MB"},
			}
			for b.Loop() {
				r := child(b, dir, more...)
				for i := range figures {
					f := &figures[i]
					m := r.Find(f.metric, nil)
					if m == nil {
						b.Fatalf("%s was not measured", f.metric)
					}
					v, err := m.Statistic(f.statistic)
					if err != nil {
						b.Fatal(err)
					}
					f.worst = max(f.worst, v*f.scale)
				}
			}
			for _, f := range figures {
				b.ReportMetric(f.worst, f.unit)
			}
		})
	}
}
