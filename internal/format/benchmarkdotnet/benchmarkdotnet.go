// Package benchmarkdotnet reads the JSON of BenchmarkDotNet, full or brief.
//
// A benchmark becomes a metric by its full name, with its measurements as
// samples, in seconds; what it allocates is name.allocated, in bytes/op. Other
// diagnosers' metrics stand beside it, in their unit and direction. See
// docs/formats.md.
package benchmarkdotnet

import (
	"fmt"
	"strings"

	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Looks tells whether a file looks like JSON of BenchmarkDotNet.
func Looks(h *input.Head) bool {
	return h.Shape.Has("HostEnvironmentInfo", "HostEnvironmentInfo.BenchmarkDotNetVersion") || h.Shape.Is("Benchmarks[].FullName", "Benchmarks[].Statistics")
}

type document struct {
	HostEnvironmentInfo struct {
		BenchmarkDotNetVersion, OsVersion, ProcessorName, Architecture, Configuration string
		LogicalCoreCount                                                              int
		HasAttachedDebugger                                                           bool
	}
	Benchmarks []benchmark
}

type benchmark struct {
	DisplayInfo, Namespace, Type, Method, Parameters, FullName string
	Statistics                                                 *statistics
	Memory                                                     *memory
	Measurements                                               []struct {
		IterationMode, IterationStage string
		Operations, Nanoseconds       float64
	}
	Metrics []struct {
		Value      *input.Number
		Descriptor struct {
			ID, DisplayName, Unit string
			TheGreaterIsBetter    bool
		}
	}
}

// statistics are in nanoseconds.
type statistics struct {
	OriginalValues                                    []float64
	N                                                 int64
	Min, Max, Mean, Median, Q1, Q3, StandardDeviation *input.Number
	ConfidenceInterval                                struct{ Lower, Upper *input.Number }
}

type memory struct {
	Gen0Collections, Gen1Collections, Gen2Collections, TotalOperations float64
	BytesAllocatedPerOperation                                         *input.Number
}

var nanoseconds = input.Scale{Times: 1, By: 1e9}

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
	if len(in.Benchmarks) == 0 {
		return nil, doc.Fail("", "there are no benchmarks")
	}
	b := input.NewBuilder()
	host := &in.HostEnvironmentInfo
	env := b.Environment()
	env.OS, env.Arch = input.Platform(host.OsVersion, host.Architecture)
	if words := strings.Fields(env.OS); len(words) > 0 {
		env.OS = words[0]
	}
	env.CPU, env.Cores = host.ProcessorName, host.LogicalCoreCount
	if host.Configuration == "DEBUG" || host.HasAttachedDebugger {
		b.Warn("measured in a debug build or under a debugger: times may be longer than they should")
	}
	jobs := make(map[string]int)
	for i := range in.Benchmarks {
		jobs[in.Benchmarks[i].name()]++
	}
	for i := range in.Benchmarks {
		bench := &in.Benchmarks[i]
		labels := make(map[string]string)
		if jobs[bench.name()] > 1 {
			labels["job"] = bench.job()
		}
		if err := add(b, bench, labels); err != nil {
			return nil, doc.Fail(fmt.Sprintf("Benchmarks[%d]", i), "%v", err)
		}
	}
	r, err := b.Finish()
	if err != nil {
		return nil, doc.Fail("", "%v", err)
	}
	return []run.Run{r}, nil
}

func (bench *benchmark) name() string {
	if bench.FullName != "" {
		return input.Name(bench.FullName)
	}
	name := strings.Trim(bench.Namespace+"."+bench.Type+"."+bench.Method, ".")
	if bench.Parameters != "" {
		name += "(" + bench.Parameters + ")"
	}
	return input.Name(name)
}

// job is the name of the job in "Type.Method: Job-ABC(Runtime=.NET 9.0) [N=1]".
func (bench *benchmark) job() string {
	_, rest, _ := strings.Cut(bench.DisplayInfo, ": ")
	job, _, _ := strings.Cut(rest, " [")
	return job
}

func add(b *input.Builder, bench *benchmark, labels map[string]string) error {
	name := bench.name()
	if name == "" {
		return fmt.Errorf("the benchmark has no name")
	}
	s := bench.Statistics
	if s == nil {
		b.Fail("%s has no result", name)
		return nil
	}
	m, err := b.Metric(name, unit.Seconds, labels)
	if err != nil {
		return err
	}
	m.Better = run.Lower
	if err := bench.times(m); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	value := func(what, base string, better run.Better, v float64) error {
		m, err := b.Metric(input.Name(name+"."+what), base, labels)
		if err != nil {
			return err
		}
		m.Better = better
		if err := m.Add(v); err != nil {
			return fmt.Errorf("%s: %s: %w", name, what, err)
		}
		return nil
	}
	if mem := bench.Memory; mem != nil {
		if mem.BytesAllocatedPerOperation.Known() {
			if err := value("allocated", "bytes/op", run.Lower, mem.BytesAllocatedPerOperation.Or()); err != nil {
				return err
			}
		}
		for i, n := range []float64{mem.Gen0Collections, mem.Gen1Collections, mem.Gen2Collections} {
			if mem.TotalOperations > 0 {
				// Per operation: the number of operations is BenchmarkDotNet's choice.
				if err := value(fmt.Sprintf("gen%d", i), "collections/op", run.Lower, n/mem.TotalOperations); err != nil {
					return err
				}
			}
		}
	}
	for _, extra := range bench.Metrics {
		d := &extra.Descriptor
		if !extra.Value.Known() || bench.Memory != nil && (strings.HasPrefix(d.ID, "Gen") || d.ID == "Allocated Memory") {
			continue
		}
		better := run.Lower
		if d.TheGreaterIsBetter {
			better = run.Higher
		}
		base, scale := input.Unit(d.Unit)
		what := d.ID
		if what == "" {
			what = d.DisplayName
		}
		if err := value(what, base, better, scale.Apply(extra.Value.Or())); err != nil {
			return err
		}
	}
	return nil
}

// times takes the measurements of a benchmark: the values that its statistics
// were made of, else the single measurements, else the statistics.
func (bench *benchmark) times(m *input.Metric) error {
	s := bench.Statistics
	for _, v := range s.OriginalValues {
		if err := m.Add(nanoseconds.Apply(v)); err != nil {
			return err
		}
	}
	if len(s.OriginalValues) > 0 {
		return nil
	}
	n := 0
	for _, r := range bench.Measurements {
		if r.IterationMode == "Workload" && r.IterationStage == "Result" && r.Operations > 0 {
			if err := m.Add(nanoseconds.Apply(r.Nanoseconds / r.Operations)); err != nil {
				return err
			}
			n++
		}
	}
	if n > 0 {
		return nil
	}
	sum := run.NewStats()
	sum.Count = max(s.N, 0)
	for _, f := range []struct {
		into *float64
		from *input.Number
	}{{&sum.Min, s.Min}, {&sum.Max, s.Max}, {&sum.Mean, s.Mean}, {&sum.P50, s.Median}, {&sum.Stddev, s.StandardDeviation}} {
		*f.into = nanoseconds.Apply(f.from.Or())
	}
	for p, v := range map[float64]*input.Number{25: s.Q1, 75: s.Q3} {
		if v.Known() {
			sum.SetPercentile(p, nanoseconds.Apply(v.Or()))
		}
	}
	if c := s.ConfidenceInterval; c.Lower.Known() && c.Upper.Known() {
		sum.Interval = &[2]float64{nanoseconds.Apply(c.Lower.Or()), nanoseconds.Apply(c.Upper.Or())}
	}
	return m.Summarise(*sum)
}
