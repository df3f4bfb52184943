// Package otlp reads metrics of OpenTelemetry in JSON: one export request, or a
// line for each, as the Collector's file exporter writes them.
//
// The service is the app, its version the version; each service becomes a run.
// Gauges are samples in the order of their times, of cumulative sums and
// histograms the last point counts, those of delta are added up. An exponential
// histogram of scale 4 or finer is kept as a histogram; of coarser ones, and of
// explicit buckets, percentiles are interpolated. See docs/formats.md.
package otlp

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/run"
)

// Looks tells whether a file looks like metrics of OpenTelemetry.
func Looks(h *input.Head) bool {
	return h.Shape.Has("resourceMetrics")
}

// request is an ExportMetricsServiceRequest. The keys are those of the JSON
// encoding; encoding/json takes them in either case.
type request struct {
	ResourceMetrics []struct {
		Resource     struct{ Attributes []attribute }
		ScopeMetrics []struct{ Metrics []metric }
	}
}

type metric struct {
	Name, Unit string
	Gauge      *struct{ DataPoints []point }
	Sum        *struct {
		DataPoints             []point
		AggregationTemporality temporality
		IsMonotonic            bool
	}
	Histogram *struct {
		DataPoints             []point
		AggregationTemporality temporality
	}
	ExponentialHistogram *struct {
		DataPoints             []point
		AggregationTemporality temporality
	}
	Summary *struct{ DataPoints []point }
}

type point struct {
	Attributes     []attribute
	TimeUnixNano   input.Number
	AsDouble       *input.Number
	AsInt          *input.Number
	Flags          int
	Count          *input.Number
	Sum, Min, Max  *input.Number
	BucketCounts   []input.Number
	ExplicitBounds []float64
	Scale          int
	ZeroCount      input.Number
	Positive       side
	Negative       side
	QuantileValues []struct{ Quantile, Value input.Number }
}

// side are the buckets of an exponential histogram on one side of zero.
type side struct {
	Offset       int
	BucketCounts []input.Number
}

// temporality tells whether a point counts since the last one (delta) or since
// the beginning.
type temporality bool

// UnmarshalJSON reads the number or the name of the enumeration.
func (t *temporality) UnmarshalJSON(text []byte) error {
	*t = temporality(string(text) == "1" || strings.Contains(string(text), "DELTA"))
	return nil
}

type attribute struct {
	Key   string
	Value struct {
		StringValue           *string
		IntValue, DoubleValue *input.Number
		BoolValue             *bool
	}
}

// text is an attribute's value as text; "" for lists and objects.
func (a *attribute) text() string {
	switch v := &a.Value; {
	case v.StringValue != nil:
		return *v.StringValue
	case v.IntValue != nil:
		return strconv.FormatFloat(v.IntValue.Or(), 'f', -1, 64)
	case v.DoubleValue != nil:
		return strconv.FormatFloat(v.DoubleValue.Or(), 'g', -1, 64)
	case v.BoolValue != nil:
		return strconv.FormatBool(*v.BoolValue)
	}
	return ""
}

// Read reads a request, or lines of them.
func Read(src *input.Source) ([]run.Run, error) {
	f := &file{services: make(map[string]*service)}
	in := &limited{Reader: src}
	dec := json.NewDecoder(in)
	for n := 1; ; n++ {
		in.left = input.MaxJSON
		var r request
		err := dec.Decode(&r)
		if err == io.EOF && n > 1 {
			break
		}
		if err != nil {
			return nil, src.Fail(in.line(dec), "request %d: %v", n, plain(err))
		}
		if err := f.add(&r); err != nil {
			return nil, src.Fail(in.line(dec), "request %d: %v", n, err)
		}
	}
	return f.runs(src)
}

func plain(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("the document ends too early")
	}
	return err
}

// limited bounds what one request may take, and counts lines.
type limited struct {
	io.Reader
	left  int
	lines int
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("larger than %d MiB, the most that is read", input.MaxJSON>>20)
	}
	n, err := l.Reader.Read(p[:min(len(p), l.left)])
	l.left -= n
	l.lines += bytes.Count(p[:n], []byte("\n"))
	return n, err
}

// line is the line up to which the decoder has read.
func (l *limited) line(dec *json.Decoder) int {
	rest, _ := io.ReadAll(dec.Buffered())
	return l.lines - bytes.Count(rest, []byte("\n")) + 1
}

type file struct {
	services map[string]*service
	order    []*service
}

// service is what came from one service: a run.
type service struct {
	b      *input.Builder
	last   float64 // time of the last point, Unix nanoseconds
	totals map[string]*total
	order  []*total
	latest map[string]float64 // times of the last point, by series
}

// total is the last word of a sum or histogram.
type total struct {
	m      *input.Metric
	scale  input.Scale
	at     float64
	value  float64 // of a sum
	isSum  bool
	points []point // of a histogram: one, or those of delta
	kind   string
}

func (f *file) add(r *request) error {
	for i := range r.ResourceMetrics {
		rm := &r.ResourceMetrics[i]
		s, err := f.service(rm.Resource.Attributes)
		if err != nil {
			return err
		}
		for _, scope := range rm.ScopeMetrics {
			for j := range scope.Metrics {
				if err := s.metric(&scope.Metrics[j]); err != nil {
					return fmt.Errorf("%s: %w", input.Clean(scope.Metrics[j].Name, 100), err)
				}
			}
		}
	}
	return nil
}

// service returns the service of a resource.
func (f *file) service(attributes []attribute) (*service, error) {
	values := make(map[string]string)
	for i := range attributes {
		values[attributes[i].Key] = attributes[i].text()
	}
	id := values["service.namespace"] + "\x00" + values["service.name"] + "\x00" + values["service.version"] + "\x00" + values["service.instance.id"]
	if s, ok := f.services[id]; ok {
		return s, nil
	}
	if len(f.order) >= 1000 {
		return nil, fmt.Errorf("more than 1,000 services")
	}
	s := &service{b: input.NewBuilder(), totals: make(map[string]*total), latest: make(map[string]float64)}
	r := &s.b.Run
	r.App, r.Version = values["service.name"], values["service.version"]
	r.Commit = values["vcs.ref.head.revision"]
	r.Branch = values["vcs.ref.head.name"]
	s.b.Label("environment", cmp.Or(values["deployment.environment.name"], values["deployment.environment"]))
	env := s.b.Environment()
	env.OS, env.Arch = input.Platform(values["os.type"], values["host.arch"])
	env.CPU, env.Host = values["host.cpu.model.name"], input.Host(values["host.name"])
	if values["process.runtime.name"] == "go" {
		env.Go = values["process.runtime.version"]
	}
	f.services[id] = s
	f.order = append(f.order, s)
	return s, nil
}

// unitOf reads a unit of UCUM: 1 and what stands in braces are no units of
// measurement.
func unitOf(word string) (string, input.Scale) {
	if word == "1" {
		return "", input.One
	}
	if inner, ok := strings.CutPrefix(word, "{"); ok && strings.HasSuffix(inner, "}") {
		return strings.TrimSuffix(inner, "}"), input.One
	}
	return input.Unit(word)
}

func (s *service) metric(m *metric) error {
	base, scale := unitOf(m.Unit)
	switch {
	case m.Gauge != nil:
		for i := range m.Gauge.DataPoints {
			p := &m.Gauge.DataPoints[i]
			v := p.number()
			if math.IsNaN(v) {
				continue
			}
			metric, err := s.of(m.Name, base, p)
			if err != nil {
				return err
			}
			metric.Kind = run.GaugeKind
			if err := metric.Add(scale.Apply(v)); err != nil {
				return err
			}
		}
	case m.Sum != nil:
		for i := range m.Sum.DataPoints {
			p := &m.Sum.DataPoints[i]
			if err := s.sum(m, p, base, scale); err != nil {
				return err
			}
		}
	case m.Histogram != nil:
		return s.histogram(m.Name, "histogram", m.Histogram.DataPoints, bool(m.Histogram.AggregationTemporality), base, scale)
	case m.ExponentialHistogram != nil:
		return s.histogram(m.Name, "exponential", m.ExponentialHistogram.DataPoints, bool(m.ExponentialHistogram.AggregationTemporality), base, scale)
	case m.Summary != nil:
		return s.histogram(m.Name, "summary", m.Summary.DataPoints, false, base, scale)
	}
	return nil
}

// number is the value of a point of a gauge or sum.
func (p *point) number() float64 {
	if p.AsDouble.Known() {
		return p.AsDouble.Or()
	}
	return p.AsInt.Or()
}

// of returns the metric of a point, and notes its time.
func (s *service) of(name, base string, p *point) (*input.Metric, error) {
	if t := float64(p.TimeUnixNano); t > s.last {
		s.last = t
	}
	labels := make(map[string]string)
	for i := range p.Attributes {
		labels[p.Attributes[i].Key] = p.Attributes[i].text()
	}
	return s.b.Metric(input.Name(name), base, labels)
}

// total returns the total of a metric.
func (s *service) total(m *input.Metric, scale input.Scale, kind string) *total {
	id := m.Key() + "\x00" + m.Unit
	t, ok := s.totals[id]
	if !ok {
		t = &total{m: m, scale: scale, kind: kind, at: -1}
		s.totals[id] = t
		s.order = append(s.order, t)
	}
	return t
}

func (s *service) sum(m *metric, p *point, base string, scale input.Scale) error {
	v := p.number()
	if math.IsNaN(v) {
		return nil
	}
	metric, err := s.of(m.Name, base, p)
	if err != nil {
		return err
	}
	metric.Kind, metric.Better = run.CounterKind, run.Neither
	if !m.Sum.IsMonotonic {
		metric.Kind, metric.Better = run.GaugeKind, ""
	}
	t := s.total(metric, scale, "sum")
	t.isSum = true
	switch at := float64(p.TimeUnixNano); {
	case bool(m.Sum.AggregationTemporality):
		t.value += v
	case at >= t.at:
		t.value, t.at = v, at
	}
	return nil
}

func (s *service) histogram(name, kind string, points []point, delta bool, base string, scale input.Scale) error {
	for i := range points {
		p := &points[i]
		metric, err := s.of(name, base, p)
		if err != nil {
			return err
		}
		t := s.total(metric, scale, kind)
		if t.kind != kind {
			return fmt.Errorf("it is a %s and a %s", t.kind, kind)
		}
		switch at := float64(p.TimeUnixNano); {
		case delta:
			if t.points = append(t.points, *p); len(t.points) > 100_000 {
				return fmt.Errorf("more than 100,000 points")
			}
		case at >= t.at:
			t.points, t.at = append(t.points[:0], *p), at
		}
	}
	return nil
}

// runs makes a run of every service.
func (f *file) runs(src *input.Source) ([]run.Run, error) {
	var runs []run.Run
	for _, s := range f.order {
		for _, t := range s.order {
			if err := s.finish(t); err != nil {
				s.b.Warn("%s: %v: left out", t.m.Key(), err)
			}
		}
		if !s.b.Has() {
			continue
		}
		if s.last > 0 {
			s.b.Run.Timestamp = input.Milliseconds(math.Round(s.last / 1e6))
		}
		r, err := s.b.Finish()
		if err != nil {
			return nil, src.Fail(0, "%v", err)
		}
		runs = append(runs, r)
	}
	if len(runs) == 0 {
		return nil, src.Fail(0, "there are no metrics")
	}
	return runs, nil
}

func (s *service) finish(t *total) error {
	if t.isSum {
		return t.m.Add(t.scale.Apply(t.value))
	}
	if t.kind == "histogram" {
		t.points = together(t.points)
	}
	for i := range t.points {
		p := &t.points[i]
		switch {
		case t.kind == "exponential" && p.Scale >= finest:
			h, err := p.exponential(t)
			if err != nil {
				return err
			}
			if h.Count > 0 {
				if err := t.m.AddCounts(h); err != nil {
					return err
				}
			}
			continue
		case p.Count.Known() && *p.Count == 0:
			continue
		}
		stats, err := p.stats(t.kind, t.scale)
		if err != nil {
			return err
		}
		if err := t.m.Summarise(stats); err != nil {
			return err
		}
	}
	return nil
}
