// Package googlebench reads the JSON of Google Benchmark.
//
// Every repetition is a sample of a metric with the benchmark's name, its real
// time; name.cpu_time and its counters, name.items_per_second, stand beside it.
// Aggregates (_mean, _median, _stddev, _cv) become a summary only where the
// file has no repetitions. See docs/formats.md.
package googlebench

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Looks tells whether a file looks like JSON of Google Benchmark.
func Looks(h *input.Head) bool {
	return h.Shape.Is("benchmarks[].name") && h.Shape.Has("benchmarks[].real_time", "benchmarks[].run_name", "benchmarks[].cpu_time", "benchmarks[].error_occurred", "context.library_build_type") &&
		!h.Shape.Has("benchmarks[].className", "benchmarks[].stats")
}

// row is what every row of the file may have; what else it has is a counter.
type row struct {
	Name          string        `json:"name"`
	RunName       string        `json:"run_name"`
	RunType       string        `json:"run_type"`
	AggregateName string        `json:"aggregate_name"`
	AggregateUnit string        `json:"aggregate_unit"`
	Label         string        `json:"label"`
	TimeUnit      string        `json:"time_unit"`
	RealTime      *input.Number `json:"real_time"`
	CPUTime       *input.Number `json:"cpu_time"`
	ErrorOccurred bool          `json:"error_occurred"`
	ErrorMessage  string        `json:"error_message"`
	Skipped       any           `json:"skipped"`
	SkipMessage   string        `json:"skip_message"`
	Repetitions   int64         `json:"repetitions"`
	BigO          any           `json:"big_o"`
	RMS           *float64      `json:"rms"`

	counters map[string]float64
}

// known are the keys of a row that are no counters.
var known = []string{"name", "family_index", "per_family_instance_index", "run_name", "run_type", "repetitions", "repetition_index",
	"threads", "aggregate_name", "aggregate_unit", "iterations", "real_time", "cpu_time", "time_unit", "label", "error_occurred",
	"error_message", "skipped", "skip_message", "cpu_coefficient", "real_coefficient", "big_o", "rms"}

// UnmarshalJSON reads a row and the numbers that it has beside the known keys.
func (r *row) UnmarshalJSON(text []byte) error {
	type plain row
	in := plain{}
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	*r = row(in)
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	r.counters = make(map[string]float64)
	for key, raw := range all {
		var v float64
		if !slices.Contains(known, key) && json.Unmarshal(raw, &v) == nil && string(raw) != "null" {
			r.counters[key] = v
		}
	}
	return nil
}

// Read reads a file.
func Read(src *input.Source) ([]run.Run, error) {
	doc, err := input.Read(src)
	if err != nil {
		return nil, err
	}
	var in struct {
		Context struct {
			Date    string
			NumCPUs int    `json:"num_cpus"`
			Build   string `json:"library_build_type"`
			Scaling any    `json:"cpu_scaling_enabled"`
		}
		Benchmarks []row
	}
	if err := doc.Decode(&in); err != nil {
		return nil, err
	}
	b := input.NewBuilder()
	if at, err := input.Time(in.Context.Date); err == nil {
		b.Run.Timestamp = at
	}
	if in.Context.NumCPUs > 0 {
		b.Environment().Cores = in.Context.NumCPUs
	}
	if in.Context.Build == "debug" {
		b.Warn("the benchmark library was built for debugging: times may be longer than they should")
	}
	if on, ok := in.Context.Scaling.(bool); ok && on {
		b.Warn("the frequency of the CPU was not fixed: times may vary")
	}
	f := &file{b: b, single: make(map[string]bool)}
	for _, r := range in.Benchmarks {
		if !r.aggregate() {
			f.single[r.name()] = true
		}
	}
	for i := range in.Benchmarks {
		if err := f.add(&in.Benchmarks[i]); err != nil {
			return nil, doc.Fail(fmt.Sprintf("benchmarks[%d]", i), "%v", err)
		}
	}
	if err := f.summarise(); err != nil {
		return nil, doc.Fail("benchmarks", "%v", err)
	}
	if !b.Has() && len(b.Run.Failures) == 0 {
		return nil, doc.Fail("", "there are no benchmarks")
	}
	r, err := b.Finish()
	if err != nil {
		return nil, doc.Fail("", "%v", err)
	}
	return []run.Run{r}, nil
}

type file struct {
	b      *input.Builder
	single map[string]bool // the benchmarks with rows of single repetitions
	sums   []*summary      // of the others
}

// summary collects the aggregates of one measure.
type summary struct {
	m     *input.Metric
	stats run.Stats
}

// aggregate tells whether a row says something of other rows. Older files say
// it by the name alone.
func (r *row) aggregate() bool {
	if r.RunType != "" {
		return r.RunType == "aggregate"
	}
	return r.BigO != nil || r.RMS != nil || r.aggregateName() != ""
}

func (r *row) aggregateName() string {
	if r.AggregateName != "" || r.RunType != "" {
		return r.AggregateName
	}
	for _, word := range []string{"mean", "median", "stddev", "cv"} {
		if strings.HasSuffix(r.Name, "_"+word) {
			return word
		}
	}
	return ""
}

// name is the benchmark's, without the aggregate's.
func (r *row) name() string {
	name := r.RunName
	if name == "" {
		name = r.Name
		if word := r.aggregateName(); r.RunType == "" && word != "" {
			name = strings.TrimSuffix(name, "_"+word)
		}
	}
	return input.Name(name)
}

func (f *file) add(r *row) error {
	name := r.name()
	if name == "" {
		return fmt.Errorf("the benchmark has no name")
	}
	skipped, _ := r.Skipped.(bool)
	switch word, isText := r.Skipped.(string); {
	case r.ErrorOccurred:
		f.b.Fail("%s: %s", name, cmp.Or(r.ErrorMessage, "an error occurred"))
		return nil
	case isText && strings.EqualFold(word, "error"):
		f.b.Fail("%s: %s", name, cmp.Or(r.SkipMessage, "an error occurred"))
		return nil
	case skipped || isText && word != "":
		f.b.Warn("%s was skipped: %s", name, cmp.Or(r.SkipMessage, "no reason given"))
		return nil
	case r.BigO != nil || r.RMS != nil:
		return nil // a curve through other rows
	}
	word := r.aggregateName()
	if r.aggregate() && (f.single[name] || word == "cv" || r.AggregateUnit == "percentage") {
		return nil // worked out of what is there
	}
	base, scale := input.Unit(cmp.Or(r.TimeUnit, "ns"))
	for _, t := range []struct {
		name string
		v    *input.Number
	}{{name, r.RealTime}, {name + ".cpu_time", r.CPUTime}} {
		if !t.v.Known() {
			continue
		}
		if err := f.value(r, t.name, base, "", scale, t.v.Or()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(r.counters)) {
		base, better := counter(key)
		if err := f.value(r, name+"."+key, base, better, input.One, r.counters[key]); err != nil {
			return fmt.Errorf("%s: %s: %w", name, key, err)
		}
	}
	return nil
}

// counter returns the unit of the counters that the library itself knows.
func counter(key string) (base string, better run.Better) {
	switch key {
	case "items_per_second":
		return unit.Speed, run.Higher
	case "bytes_per_second":
		return unit.Bytes + "/s", run.Higher
	case "allocs_per_iter":
		return "allocs/op", run.Lower
	case "max_bytes_used", "total_allocated_bytes", "net_heap_growth":
		return unit.Bytes, run.Lower
	}
	return "", ""
}

// value takes one number of a row: a sample, or one statistic of a summary.
func (f *file) value(r *row, name, base string, better run.Better, scale input.Scale, v float64) error {
	var labels map[string]string
	if r.Label != "" {
		labels = map[string]string{"label": r.Label}
	}
	word := r.aggregateName()
	statistic := !r.aggregate() || slices.Contains([]string{"mean", "median", "stddev", "min", "max"}, word)
	if !statistic { // one that the user defined
		name += "." + word
	}
	m, err := f.b.Metric(name, base, labels)
	if err != nil {
		return err
	}
	m.Better = better
	if !r.aggregate() || !statistic {
		return m.Add(scale.Apply(v))
	}
	i := slices.IndexFunc(f.sums, func(s *summary) bool { return s.m == m })
	if i < 0 {
		i = len(f.sums)
		f.sums = append(f.sums, &summary{m: m, stats: *run.NewStats()})
	}
	s := f.sums[i]
	s.stats.Count = max(s.stats.Count, r.Repetitions)
	*map[string]*float64{"mean": &s.stats.Mean, "median": &s.stats.P50, "stddev": &s.stats.Stddev, "min": &s.stats.Min, "max": &s.stats.Max}[word] = scale.Apply(v)
	return nil
}

func (f *file) summarise() error {
	for _, s := range f.sums {
		if err := s.m.Summarise(s.stats); err != nil {
			return fmt.Errorf("%s: %w", s.m.Key(), err)
		}
	}
	return nil
}
