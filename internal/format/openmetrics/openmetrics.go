// Package openmetrics reads the text that programs expose for Prometheus:
// OpenMetrics 1.0 and the older text format.
//
// Gauges are samples, counters single values without a direction, for they grow
// with the time that a program has run. Summaries keep their quantiles;
// of histograms, percentiles are interpolated from the buckets, whose counts
// are not kept. The unit is the family's, else the end of its name. See
// docs/formats.md.
package openmetrics

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Looks tells whether a file looks like such text.
func Looks(h *input.Head) bool {
	for _, line := range h.Lines() {
		fields := strings.Fields(line)
		if len(fields) >= 4 && fields[0] == "#" && fields[1] == "TYPE" {
			return types[fields[3]]
		}
	}
	return false
}

var types = map[string]bool{"counter": true, "gauge": true, "histogram": true, "summary": true, "untyped": true,
	"unknown": true, "info": true, "stateset": true, "gaugehistogram": true}

// family is a metric family: what comments say of it.
type family struct{ kind, unit string }

// spread is a histogram or summary while its lines come in.
type spread struct {
	name       string
	labels     map[string]string
	base       string
	scale      input.Scale
	bounds     []bound // of a histogram: cumulative
	quantiles  []bound // of a summary: quantile and value
	sum, count float64 // NaN: not there
}

type bound struct{ at, value float64 }

// Read reads a text, line by line.
func Read(src *input.Source) ([]run.Run, error) {
	r := &reader{b: input.NewBuilder(), families: make(map[string]family), spreads: make(map[string]*spread)}
	lines := input.NewLines(src)
	for lines.Next() {
		text := bytes.TrimSpace(lines.Text())
		if string(text) == "# EOF" {
			break
		}
		var err error
		switch {
		case len(text) == 0:
		case text[0] == '#':
			r.comment(string(text))
		case lines.Cut():
			err = fmt.Errorf("it is longer than %d bytes", input.MaxLine)
		default:
			err = r.sample(string(text))
		}
		if err != nil {
			r.b.Warn("line %d: %v: left out", lines.Number(), err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	r.finish()
	if !r.b.Has() {
		return nil, src.Fail(0, "there is no sample")
	}
	whole, err := r.b.Finish()
	if err != nil {
		return nil, src.Fail(0, "%v", err)
	}
	return []run.Run{whole}, nil
}

type reader struct {
	b        *input.Builder
	families map[string]family
	spreads  map[string]*spread
	order    []*spread
}

// comment reads # TYPE and # UNIT.
func (r *reader) comment(line string) {
	fields := strings.Fields(line)
	if len(fields) < 4 || len(r.families) >= input.MaxMetrics {
		return
	}
	f := r.families[fields[2]]
	switch fields[1] {
	case "TYPE":
		f.kind = fields[3]
	case "UNIT":
		f.unit = fields[3]
	default:
		return
	}
	r.families[fields[2]] = f
}

// sample reads one line: name{labels} value [timestamp] [# exemplar].
func (r *reader) sample(line string) error {
	name, labels, rest, err := series(line)
	if err != nil {
		return err
	}
	rest, _, _ = strings.Cut(rest, " # ")
	fields := strings.Fields(rest)
	if len(fields) == 0 || len(fields) > 2 {
		return fmt.Errorf("%s: expected a value", name)
	}
	v, err := strconv.ParseFloat(fields[0], 64)
	if err != nil {
		return fmt.Errorf("%s: %q is no number", name, input.Clean(fields[0], 40))
	}
	base, f := r.family(name)
	switch suffix := strings.TrimPrefix(name, base); {
	case suffix == "_created", f.kind == "info", f.kind == "stateset":
		return nil
	case f.kind == "histogram", f.kind == "gaugehistogram", f.kind == "summary":
		return r.spread(base, suffix, labels, v, f)
	case math.IsNaN(v):
		return nil // as exporters say that there is nothing
	}
	kind, better := run.GaugeKind, run.Better("")
	if f.kind == "counter" {
		kind, better = run.CounterKind, run.Neither
	}
	if strings.HasSuffix(base, "timestamp_seconds") || strings.HasSuffix(base, "start_time_seconds") {
		better = run.Neither
	}
	of, scale := unitOf(base, f.unit)
	m, err := r.b.Metric(name, of, labels)
	if err != nil {
		return err
	}
	m.Kind, m.Better = kind, better
	if of == unit.Seconds && v < 0 {
		return fmt.Errorf("%s: %v is a negative duration", name, v)
	}
	return m.Add(scale.Apply(v))
}

// family returns the family of a sample's name, and what is known of it.
func (r *reader) family(name string) (string, family) {
	if f, ok := r.families[name]; ok {
		return name, f
	}
	for _, suffix := range []string{"_total", "_bucket", "_sum", "_count", "_created", "_gcount", "_gsum", "_info"} {
		if base, ok := strings.CutSuffix(name, suffix); ok {
			if f, known := r.families[base]; known {
				return base, f
			}
		}
	}
	return name, family{}
}

// unitOf returns the unit that a family says, else the one that its name ends
// in.
func unitOf(name, word string) (string, input.Scale) {
	if word == "" {
		plain := strings.TrimSuffix(name, "_total")
		if i := strings.LastIndexByte(plain, '_'); i >= 0 {
			word = plain[i+1:]
		}
	}
	switch word {
	case "seconds", "milliseconds", "microseconds", "nanoseconds", "minutes", "hours", "bytes", "ratio", "percent":
		return input.Unit(word)
	}
	return "", input.One
}

// spread takes a line of a histogram or summary.
func (r *reader) spread(name, suffix string, labels map[string]string, v float64, f family) error {
	var at float64
	var special string
	switch {
	case suffix == "_bucket":
		special = "le"
	case suffix == "" && f.kind == "summary":
		special = "quantile"
	}
	if special != "" {
		text, there := labels[special]
		var err error
		if at, err = strconv.ParseFloat(text, 64); !there || err != nil || math.IsNaN(at) {
			return fmt.Errorf("%s: %q is no %s", name, input.Clean(text, 40), special)
		}
		delete(labels, special)
	}
	id := run.Key(name, labels)
	s, ok := r.spreads[id]
	if !ok {
		if len(r.spreads) >= input.MaxMetrics {
			return fmt.Errorf("more than %d histograms", input.MaxMetrics)
		}
		s = &spread{name: name, labels: labels, sum: math.NaN(), count: math.NaN()}
		s.base, s.scale = unitOf(name, f.unit)
		r.spreads[id] = s
		r.order = append(r.order, s)
	}
	switch {
	case special == "le":
		s.bounds = append(s.bounds, bound{at, v})
	case special == "quantile" && !math.IsNaN(v):
		s.quantiles = append(s.quantiles, bound{at, v})
	case suffix == "_sum", suffix == "_gsum":
		s.sum = v
	case suffix == "_count", suffix == "_gcount":
		s.count = v
	}
	return nil
}

// finish makes metrics of the histograms and summaries.
func (r *reader) finish() {
	for _, s := range r.order {
		if err := r.add(s); err != nil {
			r.b.Warn("%s: %v: left out", run.Key(s.name, s.labels), err)
		}
	}
}

func (r *reader) add(s *spread) error {
	if s.count == 0 {
		return nil // nothing was observed
	}
	stats := *run.NewStats()
	if len(s.bounds) > 0 {
		b := input.Buckets{Sum: s.sum, Min: math.NaN(), Max: math.NaN()}
		slices.SortStableFunc(s.bounds, func(x, y bound) int { return cmp.Compare(x.at, y.at) })
		below := 0.0
		for _, x := range s.bounds {
			if x.value < below || math.IsInf(x.value, 0) {
				return fmt.Errorf("the buckets do not add up")
			}
			if !math.IsInf(x.at, 0) {
				b.Bounds = append(b.Bounds, x.at)
			}
			b.Counts = append(b.Counts, x.value-below)
			below = x.value
		}
		if len(b.Counts) == len(b.Bounds) { // without le="+Inf"
			b.Counts = append(b.Counts, math.Max(0, s.count-below))
		}
		if len(b.Bounds) == 0 {
			b.Bounds, b.Counts = []float64{0}, []float64{0, below}
		}
		if stats = b.Stats(); stats.Count == 0 {
			return nil
		}
	} else if s.count > 0 && s.count <= 1<<53 {
		stats.Count, stats.Mean = int64(s.count), s.sum/s.count
	}
	for _, q := range s.quantiles {
		if q.at >= 0 && q.at <= 1 {
			stats.SetPercentile(math.Round(q.at*1e8)/1e6, q.value)
		}
	}
	for _, v := range []*float64{&stats.Mean, &stats.Min, &stats.Max, &stats.P50, &stats.P90, &stats.P95, &stats.P99, &stats.P999} {
		*v = s.scale.Apply(*v)
	}
	for i := range stats.Percentiles {
		stats.Percentiles[i].Value = s.scale.Apply(stats.Percentiles[i].Value)
	}
	m, err := r.b.Metric(s.name, s.base, s.labels)
	if err != nil {
		return err
	}
	if math.IsNaN(stats.Mean) && math.IsNaN(stats.P50) && len(s.quantiles) == 0 {
		return nil
	}
	return m.Summarise(stats)
}

// series takes name{labels} from the beginning of a line.
func series(line string) (name string, labels map[string]string, rest string, err error) {
	end := strings.IndexAny(line, "{ \t")
	if end <= 0 {
		return "", nil, "", fmt.Errorf("expected a name and a value")
	}
	name, rest = line[:end], line[end:]
	if rest[0] != '{' {
		return name, nil, rest, nil
	}
	labels = make(map[string]string)
	rest = rest[1:]
	for {
		rest = strings.TrimLeft(rest, " \t,")
		if after, ok := strings.CutPrefix(rest, "}"); ok {
			return name, labels, after, nil
		}
		key, after, ok := strings.Cut(rest, "=")
		after = strings.TrimLeft(after, " \t")
		if !ok || !strings.HasPrefix(after, `"`) || len(labels) > 100 {
			return "", nil, "", fmt.Errorf("%s: the labels do not read", name)
		}
		value, after, ok := quoted(after[1:])
		if !ok {
			return "", nil, "", fmt.Errorf("%s: a label does not end", name)
		}
		labels[strings.TrimSpace(key)], rest = value, after
	}
}

// quoted reads the value of a label up to its quote.
func quoted(s string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return b.String(), s[i+1:], true
		case c == '\\' && i+1 < len(s):
			i++
			if s[i] == 'n' {
				b.WriteByte('\n')
			} else {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}
