// Package pytest reads the JSON of pytest-benchmark.
//
// A test becomes a metric by its full name, in seconds: with its rounds as
// samples where the file has them (--benchmark-save-data), else as a summary.
// Numbers in extra_info are metrics beside it. See docs/formats.md.
package pytest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Looks tells whether a file looks like JSON of pytest-benchmark.
func Looks(h *input.Head) bool {
	return h.Shape.Has("benchmarks[].stats.rounds", "benchmarks[].stats.iterations") || h.Shape.Is("machine_info", "benchmarks[].fullname")
}

type document struct {
	Machine struct {
		Node, Machine, System string
		CPU                   struct {
			Brand    string
			BrandRaw string `json:"brand_raw"` // since py-cpuinfo 5
			Count    int
		}
	} `json:"machine_info"`
	Commit struct {
		ID, Project, Branch string
		Dirty               bool
	} `json:"commit_info"`
	Datetime   string
	Benchmarks []struct {
		Name, Fullname string
		ExtraInfo      map[string]json.RawMessage `json:"extra_info"`
		Stats          struct {
			Min, Max, Mean, Stddev, Median, Q1, Q3 *input.Number
			Rounds                                 int64
			Data                                   []float64
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
	if len(in.Benchmarks) == 0 {
		return nil, doc.Fail("", "there are no benchmarks")
	}
	b := input.NewBuilder()
	r := &b.Run
	r.App, r.Commit, r.Branch, r.Dirty = in.Commit.Project, in.Commit.ID, in.Commit.Branch, in.Commit.Dirty
	if at, err := input.Time(in.Datetime); err == nil {
		r.Timestamp = at
	}
	env := b.Environment()
	env.OS, env.Arch = input.Platform(in.Machine.System, in.Machine.Machine)
	env.CPU, env.Cores = in.Machine.CPU.BrandRaw, in.Machine.CPU.Count
	if env.CPU == "" {
		env.CPU = in.Machine.CPU.Brand
	}
	env.Host = input.Host(in.Machine.Node)
	for i := range in.Benchmarks {
		bench := &in.Benchmarks[i]
		name := input.Name(bench.Fullname)
		if name == "" {
			name = input.Name(bench.Name)
		}
		key := fmt.Sprintf("benchmarks[%d]", i)
		m, err := b.Metric(name, unit.Seconds, nil)
		if err != nil {
			return nil, doc.Fail(key, "%v", err)
		}
		m.Better = run.Lower
		if s := &bench.Stats; len(s.Data) > 0 {
			err = m.Add(s.Data...)
		} else {
			sum := run.NewStats()
			sum.Count, sum.Mean, sum.Min, sum.Max, sum.Stddev, sum.P50 = max(s.Rounds, 0), s.Mean.Or(), s.Min.Or(), s.Max.Or(), s.Stddev.Or(), s.Median.Or()
			for p, v := range map[float64]*input.Number{25: s.Q1, 75: s.Q3} {
				if v.Known() && *v != 0 {
					sum.SetPercentile(p, v.Or())
				}
			}
			err = m.Summarise(*sum)
		}
		if err != nil {
			return nil, doc.Fail(key+".stats", "%s: %v", name, err)
		}
		for _, extra := range slices.Sorted(maps.Keys(bench.ExtraInfo)) {
			var v float64
			raw := bench.ExtraInfo[extra]
			if strings.HasPrefix(string(raw), "n") || json.Unmarshal(raw, &v) != nil {
				continue // a text, which is no measurement
			}
			m, err := b.Metric(input.Name(name+"."+extra), "", nil)
			if err == nil {
				err = m.Add(v)
			}
			if err != nil {
				return nil, doc.Fail(key+".extra_info", "%s: %v", extra, err)
			}
		}
	}
	whole, err := b.Finish()
	if err != nil {
		return nil, doc.Fail("", "%v", err)
	}
	return []run.Run{whole}, nil
}
