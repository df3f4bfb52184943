package main

import (
	"slices"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/measure"
	"github.com/pacer-perf/pacer/run"
)

// What a shell takes to start is taken off all values of a metric or of none.
func TestWithoutStart(t *testing.T) {
	t.Parallel()
	s := subject{start: measure.Start{Wall: time.Second, WallVaries: 100 * time.Millisecond, CPU: time.Second}}
	of := func(wall, cpu float64) execution {
		return execution{Run: run.Run{Metrics: []run.Metric{{Name: wallMetric, Unit: "s", Samples: []float64{wall}}, {Name: cpuMetric, Unit: "s", Samples: []float64{cpu}}}}}
	}
	tests := []struct {
		name     string
		wall     []float64 // of executions
		cpu      []float64
		wantWall []float64
		wantCPU  []float64
		warnings int
	}{
		{name: "enough", wall: []float64{1.25, 3}, cpu: []float64{1.5, 2}, wantWall: []float64{0.25, 2}, wantCPU: []float64{0.5, 1}},
		{name: "one too short", wall: []float64{1.05, 3}, cpu: []float64{1.5, 2}, wantCPU: []float64{0.5, 1}, warnings: 1},
		{name: "both below", wall: []float64{0.5, 3}, cpu: []float64{1, 2}, warnings: 2},
	}
	for _, tt := range tests {
		list := []execution{of(tt.wall[0], tt.cpu[0]), of(tt.wall[1], tt.cpu[1])}
		without, warnings := s.withoutStart(list)
		var wall, cpu []float64
		for i := range without {
			if m := without[i].Find(wallMetric, nil); m != nil {
				wall = append(wall, m.Samples...)
			}
			if m := without[i].Find(cpuMetric, nil); m != nil {
				cpu = append(cpu, m.Samples...)
			}
		}
		if !slices.Equal(wall, tt.wantWall) || !slices.Equal(cpu, tt.wantCPU) || len(warnings) != tt.warnings {
			t.Errorf("%s: %v, %v, %q", tt.name, wall, cpu, warnings)
		}
		if m := list[0].Find(wallMetric, nil); m == nil || m.Samples[0] != tt.wall[0] {
			t.Errorf("%s: what was measured is changed: %+v", tt.name, m)
		}
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for want, list := range map[string][]string{
		"":                                  {"", ""},
		"the command failed: exit status 7": {"exit status 7"},
		"2 of 5 executions failed (exit status 1)":                 {"", "exit status 1", "", "exit status 1", ""},
		"2 of 2 executions failed (exit status 1; signal: killed)": {"exit status 1", "signal: killed"},
	} {
		executions := make([]execution, len(list))
		for i, why := range list {
			executions[i].failed = why
		}
		if got := failures(executions); got != want {
			t.Errorf("%q: %q, want %q", list, got, want)
		}
	}
}
