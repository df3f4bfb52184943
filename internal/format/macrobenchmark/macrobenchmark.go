// Package macrobenchmark reads the JSON of Android's Macrobenchmark and
// Microbenchmark (androidx.benchmark).
//
// A test becomes a metric for each thing it measures, with its runs as samples:
// com.example.StartupBenchmark.startup.timeToInitialDisplayMs, in seconds. The
// samples of sampled metrics, such as frames, are those of all runs. See
// docs/formats.md.
package macrobenchmark

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Looks tells whether a file looks like JSON of androidx.benchmark.
func Looks(h *input.Head) bool {
	return h.Shape.Is("benchmarks[].className") && h.Shape.Has("benchmarks[].metrics", "benchmarks[].sampledMetrics", "context.build")
}

type document struct {
	Context struct {
		Build struct {
			Brand, Device, Model, Fingerprint string
		}
		CPUCoreCount  int
		CPULocked     *bool
		MemTotalBytes int64
	}
	Benchmarks []struct {
		Name, ClassName string
		Params          input.Strings
		Metrics         map[string]struct {
			Minimum, Maximum, Median *input.Number
			Runs                     []float64
		}
		SampledMetrics map[string]struct {
			P50, P90, P95, P99 *input.Number
			Runs               [][]float64
		}
	}
}

// Read reads a file.
func Read(src *input.Source) ([]run.Run, error) {
	doc, err := input.Read(src)
	if err != nil {
		return nil, err
	}
	var in document
	if err := doc.Decode(&in); err != nil {
		return nil, err
	}
	b := input.NewBuilder()
	env := b.Environment()
	env.Cores, env.Memory, env.CPU = in.Context.CPUCoreCount, in.Context.MemTotalBytes, in.Context.Build.Model
	if in.Context.Build.Fingerprint != "" || in.Context.Build.Model != "" {
		env.OS = "android"
	}
	if locked := in.Context.CPULocked; locked != nil && !*locked {
		b.Warn("the CPU's frequency was not locked: times may vary")
	}
	for i, bench := range in.Benchmarks {
		key := fmt.Sprintf("benchmarks[%d]", i)
		name := strings.TrimPrefix(bench.ClassName+"."+bench.Name, ".")
		for _, what := range slices.Sorted(maps.Keys(bench.Metrics)) {
			m := bench.Metrics[what]
			s := run.NewStats()
			s.Min, s.Max, s.P50 = m.Minimum.Or(), m.Maximum.Or(), m.Median.Or()
			if err := add(b, name, what, bench.Params, m.Runs, s); err != nil {
				return nil, doc.Fail(key+".metrics."+what, "%v", err)
			}
		}
		for _, what := range slices.Sorted(maps.Keys(bench.SampledMetrics)) {
			m := bench.SampledMetrics[what]
			s := run.NewStats()
			s.P50, s.P90, s.P95, s.P99 = m.P50.Or(), m.P90.Or(), m.P95.Or(), m.P99.Or()
			if err := add(b, name, what, bench.Params, slices.Concat(m.Runs...), s); err != nil {
				return nil, doc.Fail(key+".sampledMetrics."+what, "%v", err)
			}
		}
	}
	if !b.Has() {
		return nil, doc.Fail("", "there are no metrics")
	}
	r, err := b.Finish()
	if err != nil {
		return nil, doc.Fail("", "%v", err)
	}
	return []run.Run{r}, nil
}

// add takes one metric: its samples, else what is said of them.
func add(b *input.Builder, name, what string, params map[string]string, samples []float64, s *run.Stats) error {
	base, scale, better := unitOf(what)
	m, err := b.Metric(input.Name(name+"."+what), base, params)
	if err != nil {
		return err
	}
	m.Better = better
	if len(samples) == 0 {
		for _, v := range []*float64{&s.Min, &s.Max, &s.P50, &s.P90, &s.P95, &s.P99} {
			*v = scale.Apply(*v)
		}
		return m.Summarise(*s)
	}
	for i, v := range samples {
		if err := m.Add(scale.Apply(v)); err != nil {
			return fmt.Errorf("runs: value %s: %w", strconv.Itoa(i), err)
		}
	}
	return nil
}

// unitOf tells the unit from the end of a metric's name, as the library has it.
func unitOf(what string) (base string, scale input.Scale, better run.Better) {
	for _, u := range []struct {
		end, base string
		scale     input.Scale
	}{
		{"Ms", unit.Seconds, input.Scale{Times: 1, By: 1e3}}, {"Ns", unit.Seconds, input.Scale{Times: 1, By: 1e9}},
		{"Us", unit.Seconds, input.Scale{Times: 1, By: 1e6}}, {"Kb", unit.Bytes, input.Scale{Times: 1 << 10, By: 1}}, {"Bytes", unit.Bytes, input.One},
	} {
		if strings.HasSuffix(what, u.end) {
			// How far a frame is over its deadline is negative where it is early.
			if strings.HasPrefix(what, "frameOverrun") {
				return "ms", input.One, run.Lower
			}
			return u.base, u.scale, run.Lower
		}
	}
	switch {
	case what == "frameCount":
		return unit.Count, input.One, run.Neither
	case strings.HasSuffix(what, "Count"):
		return unit.Count, input.One, run.Lower
	}
	return "", input.One, ""
}
