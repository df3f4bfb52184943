// Package jmh reads the JSON of JMH (-rf json).
//
// A benchmark becomes a metric with its iterations of all forks as samples, its
// mode and parameters as labels; its secondary metrics stand beside it,
// name.gc.alloc.rate.norm. The unit says what is better: ops/s higher, time per
// operation lower. See docs/formats.md.
package jmh

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Looks tells whether a file looks like JSON of JMH.
func Looks(h *input.Head) bool { return h.Shape.Is("[].benchmark", "[].primaryMetric") }

// score is one metric of a benchmark.
type score struct {
	Score       *input.Number
	Confidence  []input.Number          `json:"scoreConfidence"`
	Percentiles map[string]input.Number `json:"scorePercentiles"`
	Unit        string                  `json:"scoreUnit"`
	Raw         [][]input.Number        `json:"rawData"`
	Histogram   [][][][2]input.Number   `json:"rawDataHistogram"` // fork, iteration, pairs of value and count
}

type benchmark struct {
	Benchmark, Mode string
	Threads         int
	Params          input.Strings
	Primary         score            `json:"primaryMetric"`
	Secondary       map[string]score `json:"secondaryMetrics"`
}

// Read reads a file.
func Read(src *input.Source) ([]run.Run, error) {
	doc, err := input.Read(src)
	if err != nil {
		return nil, err
	}
	var in []benchmark
	if err := doc.Decode(&in); err != nil {
		return nil, err
	}
	if len(in) == 0 {
		return nil, doc.Fail("", "there are no benchmarks")
	}
	b := input.NewBuilder()
	for i := range in {
		bench := &in[i]
		key := fmt.Sprintf("[%d]", i)
		if bench.Benchmark == "" {
			return nil, doc.Fail(key, "the benchmark has no name")
		}
		if err := add(b, bench, bench.Benchmark, "", &bench.Primary); err != nil {
			return nil, doc.Fail(key+".primaryMetric", "%s: %v", bench.Benchmark, err)
		}
		for _, name := range slices.Sorted(maps.Keys(bench.Secondary)) {
			s := bench.Secondary[name]
			// Until 1.36 those of profilers began with U+00B7.
			plain := strings.TrimPrefix(name, "\u00b7")
			if err := add(b, bench, bench.Benchmark+"."+plain, plain, &s); err != nil {
				return nil, doc.Fail(key+".secondaryMetrics."+name, "%s: %v", bench.Benchmark, err)
			}
		}
	}
	r, err := b.Finish()
	if err != nil {
		return nil, doc.Fail("", "%v", err)
	}
	return []run.Run{r}, nil
}

// add takes one metric of a benchmark; secondary is its name, empty for the
// primary one.
func add(b *input.Builder, bench *benchmark, name, secondary string, s *score) error {
	labels := map[string]string{"mode": bench.Mode}
	if bench.Mode == "" {
		delete(labels, "mode")
	}
	if bench.Threads > 1 {
		labels["threads"] = strconv.Itoa(bench.Threads)
	}
	for k, v := range bench.Params {
		if _, taken := labels[k]; taken {
			k = "param." + k
		}
		labels[k] = v
	}
	base, scale := input.Unit(s.Unit)
	m, err := b.Metric(input.Name(name), base, labels)
	if err != nil {
		return err
	}
	m.Better = better(base, secondary)
	if n, err := samples(m, s, scale); n > 0 || err != nil {
		return err
	}
	// Without data there is what was worked out of it.
	sum := run.NewStats()
	sum.Mean = scale.Apply(s.Score.Or())
	for p, v := range s.Percentiles {
		if percent, err := strconv.ParseFloat(p, 64); err == nil && percent >= 0 && percent <= 100 && v.Known() {
			sum.SetPercentile(percent, scale.Apply(v.Or()))
		}
	}
	if c := s.Confidence; len(c) == 2 && c[0].Known() && c[1].Known() {
		sum.Interval = &[2]float64{scale.Apply(c[0].Or()), scale.Apply(c[1].Or())}
	}
	if math.IsNaN(sum.Mean) && len(s.Percentiles) == 0 || !s.Score.Known() {
		if secondary == "" {
			b.Warn("%s has no score", name)
		}
		return nil
	}
	return m.Summarise(*sum)
}

// better is the direction of a metric that its unit does not tell.
func better(base, secondary string) run.Better {
	switch {
	case strings.HasPrefix(secondary, "gc.alloc.rate.norm"), strings.HasPrefix(secondary, "gc.count"), strings.HasPrefix(secondary, "gc.time"):
		return run.Lower
	case strings.HasPrefix(secondary, "gc.") && strings.HasSuffix(base, "/s"):
		return run.Neither // more garbage in a second may be more work in a second
	}
	return run.Better(unit.Better(base))
}

// samples takes the raw data and returns how many values that were.
func samples(m *input.Metric, s *score, scale input.Scale) (n int64, err error) {
	for _, fork := range s.Raw {
		for _, v := range fork {
			if !v.Known() {
				continue
			}
			if err := m.Add(scale.Apply(v.Or())); err != nil {
				return n, err
			}
			n++
		}
	}
	h := run.NewHistogram(m.Unit)
	for _, fork := range s.Histogram {
		for _, iteration := range fork {
			for _, pair := range iteration {
				v, count := scale.Apply(pair[0].Or()), pair[1].Or()
				if err := m.Check(v); err != nil {
					return n, err
				}
				if !(count >= 0 && count <= 1<<53) || count != math.Trunc(count) {
					return n, fmt.Errorf("%v is no number of values", count)
				}
				h.AddN(v, int64(count))
				n += int64(count)
				if n > 1<<53 {
					return n, fmt.Errorf("more than 2^53 values")
				}
			}
		}
	}
	if h.Count == 0 {
		return n, nil
	}
	if h.Count > run.MaxSamples || m.Histogram != nil {
		return n, m.AddCounts(h)
	}
	for _, fork := range s.Histogram {
		for _, iteration := range fork {
			for _, pair := range iteration {
				for range int(pair[1].Or()) {
					if err := m.Add(scale.Apply(pair[0].Or())); err != nil {
						return n, err
					}
				}
			}
		}
	}
	return n, nil
}
