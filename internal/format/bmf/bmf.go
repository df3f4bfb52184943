// Package bmf reads the Bencher Metric Format: measures with values, by
// benchmark.
//
// A benchmark's latency is a metric of its name, in seconds; its other measures
// stand beside it: name.throughput. Lower and upper values are the interval.
// The format has no units: those of the measures that Bencher itself makes are
// known, others are not. See docs/formats.md.
package bmf

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/jsonscan"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Looks tells whether a file looks like the Bencher Metric Format: an object of
// objects of objects with a value, or of lists of parameters and measures.
func Looks(h *input.Head) bool {
	if h.Shape.Kind != jsonscan.Object {
		return false
	}
	names := h.Shape.Keys("")
	if len(names) == 0 {
		return false
	}
	name := names[0] // the first benchmark tells
	return h.Shape.KindOf(name+"[].measures") == jsonscan.Object || slices.ContainsFunc(h.Shape.Keys(name), func(measure string) bool {
		return h.Shape.KindOf(name+"."+measure+".value") == jsonscan.Number
	})
}

// value is one measure: the number itself, and statistics that newer files may
// have beside it.
type value map[string]input.Number

// variant is a benchmark under one set of parameters.
type variant struct {
	Parameters input.Strings
	Measures   map[string]value
}

// Read reads a file.
func Read(src *input.Source) ([]run.Run, error) {
	doc, err := input.Read(src)
	if err != nil {
		return nil, err
	}
	var in map[string]json.RawMessage
	if err := doc.Decode(&in); err != nil {
		return nil, err
	}
	b := input.NewBuilder()
	for _, name := range slices.Sorted(maps.Keys(in)) {
		var variants []variant
		if strings.HasPrefix(string(in[name]), "[") {
			err = json.Unmarshal(in[name], &variants)
		} else {
			variants = make([]variant, 1)
			err = json.Unmarshal(in[name], &variants[0].Measures)
		}
		if err != nil {
			return nil, doc.Fail(name, "expected measures with values: %v", err)
		}
		for _, v := range variants {
			for _, measure := range slices.Sorted(maps.Keys(v.Measures)) {
				if err := add(b, name, measure, v.Parameters, v.Measures[measure]); err != nil {
					return nil, doc.Fail(name, "%s: %v", measure, err)
				}
			}
		}
	}
	if !b.Has() {
		return nil, doc.Fail("", "there are no benchmarks")
	}
	r, err := b.Finish()
	if err != nil {
		return nil, doc.Fail("", "%v", err)
	}
	return []run.Run{r}, nil
}

// measures are those that Bencher and its adapters make, with their units.
var measures = map[string]struct {
	base   string
	scale  input.Scale
	better run.Better
}{
	"latency":          {unit.Seconds, input.Scale{Times: 1, By: 1e9}, run.Lower},
	"throughput":       {"ops/s", input.One, run.Higher},
	"build-time":       {unit.Seconds, input.One, run.Lower},
	"file-size":        {unit.Bytes, input.One, run.Lower},
	"allocated":        {unit.Bytes, input.One, run.Lower},
	"instructions":     {unit.Instructions, input.One, run.Lower},
	"estimated-cycles": {"cycles", input.One, run.Lower},
}

// ignored are the ends of names whose changes Bencher raises no alert for. They
// are no part of the name.
var ignored = []string{"-bencher-ignore", "_bencher_ignore", "BencherIgnore"}

func add(b *input.Builder, name, measure string, labels map[string]string, v value) error {
	number, there := v["value"]
	if !there || !number.Known() {
		return fmt.Errorf("there is no value")
	}
	better := run.Better("")
	for _, end := range ignored {
		if rest, ok := strings.CutSuffix(name, end); ok && rest != "" {
			name, better = rest, run.Neither
			break
		}
	}
	known, ok := measures[measure]
	if !ok {
		known.scale = input.One
	}
	if better == "" {
		better = known.better
	}
	if measure != "latency" {
		name += "." + measure
	}
	m, err := b.Metric(input.Name(name), known.base, labels)
	if err != nil {
		return err
	}
	m.Better = better
	if len(v) == 1 {
		return m.Add(known.scale.Apply(number.Or()))
	}
	s := run.NewStats()
	s.Mean = known.scale.Apply(number.Or())
	lower, hasLower := v["lower_value"]
	upper, hasUpper := v["upper_value"]
	if hasLower && lower.Known() || hasUpper && upper.Known() {
		// An end that is not said is at the value itself.
		s.Interval = &[2]float64{s.Mean, s.Mean}
		if lower.Known() && hasLower {
			s.Interval[0] = known.scale.Apply(lower.Or())
		}
		if upper.Known() && hasUpper {
			s.Interval[1] = known.scale.Apply(upper.Or())
		}
	}
	for key, v := range v {
		if percent, err := strconv.ParseFloat(strings.TrimPrefix(key, "p"), 64); err == nil && key[0] == 'p' && percent >= 0 && percent <= 100 && v.Known() {
			s.SetPercentile(percent, known.scale.Apply(v.Or()))
		}
	}
	return m.Summarise(*s)
}
