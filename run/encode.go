package run

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/pacer-perf/pacer/internal/unit"
)

// Write writes the document. It fails, having written nothing, if the run does
// not validate.
func (r *Run) Write(w io.Writer) error {
	text, err := r.Encode()
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// Encode returns the document: equal runs give equal bytes. A metric or stage
// takes one line, so that a person can read it and a diff shows what changed.
// Memory grows with the document.
func (r *Run) Encode() ([]byte, error) {
	metrics := make([]Metric, len(r.Metrics))
	copy(metrics, r.Metrics)
	for i := range metrics {
		metrics[i].Fold()
	}
	folded := *r
	folded.Metrics = metrics
	if err := folded.Validate(); err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	text := folded.encode()
	if len(text) > MaxSize {
		return nil, fmt.Errorf("run: the document has %d bytes: at most %d", len(text), MaxSize)
	}
	return text, nil
}

func (r *Run) encode() []byte {
	doc := object{indent: "  "}
	doc.text("schema", Schema)
	doc.text("id", r.ID)
	doc.text("app", r.App)
	doc.text("version", r.Version)
	doc.text("commit", r.Commit)
	doc.text("branch", r.Branch)
	if r.Dirty {
		doc.raw("dirty", []byte("true"))
	}
	if !r.Timestamp.IsZero() {
		doc.text("timestamp", r.Timestamp.UTC().Format(time.RFC3339Nano))
	}
	flat := r.flat()
	doc.number("startup_time", flat.startup)
	doc.number("memory_usage", flat.memory)
	doc.number("processing_speed", flat.speed)
	if main := flat.main; main != nil {
		var o object
		if main.Count > 0 {
			o.raw("count", strconv.AppendInt(nil, main.Count, 10))
		}
		o.number("avg", main.Mean)
		o.number("min", main.Min)
		o.number("p50", main.P50)
		o.number("p95", main.P95)
		o.number("p99", main.P99)
		o.number("max", main.Max)
		doc.raw("processing_metrics", o.close())
	}
	doc.text("main", r.Main)
	if len(r.Items) > 0 {
		doc.json("items", r.Items)
	}
	if len(r.Command) > 0 {
		doc.json("command", r.Command)
	}
	if r.Environment != nil {
		doc.json("environment", r.Environment)
	}
	if len(r.Labels) > 0 {
		doc.json("labels", r.Labels)
	}
	if len(r.Warnings) > 0 {
		doc.json("warnings", r.Warnings)
	}
	if len(r.Metrics) > 0 {
		doc.list("metrics", len(r.Metrics), func(i int) []byte { return r.Metrics[i].encode() })
	}
	if len(r.Stages) > 0 {
		doc.list("stages", len(r.Stages), func(i int) []byte { return marshal(r.Stages[i]) })
	}
	return append(doc.close(), '\n')
}

func (m *Metric) encode() []byte {
	var o object
	o.text("name", m.Name)
	o.text("kind", string(m.Kind))
	o.raw("unit", marshal(m.Unit))
	if len(m.Labels) > 0 {
		o.json("labels", m.Labels)
	}
	o.text("better", string(m.Better))
	if m.Resolution != 0 {
		o.number("resolution", m.Resolution)
	}
	stats := m.Stats()
	stats.encode(&o)
	switch {
	case m.Histogram != nil:
		o.raw("histogram", m.Histogram.encode())
	case m.Summary == nil:
		buf := []byte{'['}
		for i, v := range m.Samples {
			if i > 0 {
				buf = append(buf, ',')
			}
			buf = appendNumber(buf, v)
		}
		o.raw("samples", append(buf, ']'))
	}
	return o.close()
}

func (s *Stats) encode(o *object) {
	if s.Count > 0 {
		o.raw("count", strconv.AppendInt(nil, s.Count, 10))
	}
	for _, f := range s.fields() {
		o.number(f.name, *f.value)
	}
}

// MarshalJSON writes the statistics that are known.
func (s Stats) MarshalJSON() ([]byte, error) {
	var o object
	s.encode(&o)
	return o.close(), nil
}

// encode writes the buckets as one flat list: the first index, its count, then
// for each further bucket how far its index lies above the one before, and its
// count.
func (h *Histogram) encode() []byte {
	var o object
	o.number("tick", h.Tick)
	o.raw("count", strconv.AppendInt(nil, h.Count, 10))
	o.number("ticks", h.Ticks)
	o.number("min", h.Min)
	o.number("max", h.Max)
	buf, last := []byte{'['}, 0
	for i, b := range h.Buckets {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = strconv.AppendInt(buf, int64(b.Index-last), 10)
		buf = append(buf, ',')
		buf = strconv.AppendInt(buf, b.Count, 10)
		last = b.Index
	}
	o.raw("buckets", append(buf, ']'))
	return o.close()
}

// flatKeys are the values on top of a document; NaN and nil mean absent.
type flatKeys struct {
	startup, memory, speed float64
	main                   *Stats
	mainIs                 string // the metric that main summarises
}

// flat derives the flat keys from the metrics: medians over repetitions for
// start-up and memory, items over summed time for the speed, which for equal
// repetitions is the harmonic mean.
func (r *Run) flat() flatKeys {
	median := func(name string) float64 {
		if m := r.Find(name, nil); m != nil {
			v, _ := m.Center()
			return v
		}
		return math.NaN()
	}
	f := flatKeys{startup: median(Startup), memory: median(MemoryPeak), speed: median(Speed)}
	if m := r.Find(Speed, nil); m != nil && len(m.Samples) > 0 {
		f.speed = harmonicMean(m.Samples)
	}
	f.mainIs = r.Main
	if f.mainIs == "" {
		f.mainIs = Processing
	}
	if m := r.Find(f.mainIs, nil); m != nil && m.Unit == unit.Seconds && m.Count() > 0 {
		s := m.Stats()
		f.main = &s
	}
	return f
}

// object writes a JSON object with its keys in the order of the calls; with an
// indent, a line for each.
type object struct {
	buf    bytes.Buffer
	indent string
}

func (o *object) raw(key string, value []byte) {
	sep := byte('{')
	if o.buf.Len() > 0 {
		sep = ','
	}
	o.buf.WriteByte(sep)
	if o.indent != "" {
		o.buf.WriteString("\n" + o.indent)
	}
	o.buf.Write(marshal(key))
	o.buf.WriteByte(':')
	if o.indent != "" {
		o.buf.WriteByte(' ')
	}
	o.buf.Write(value)
}

// text writes a string unless it is empty.
func (o *object) text(key, value string) {
	if value != "" {
		o.raw(key, marshal(value))
	}
}

// number writes a number unless it is NaN.
func (o *object) number(key string, v float64) {
	if !math.IsNaN(v) {
		o.raw(key, appendNumber(nil, v))
	}
}

func (o *object) json(key string, v any) { o.raw(key, marshal(v)) }

// list writes an array, an element a line.
func (o *object) list(key string, n int, element func(i int) []byte) {
	var b bytes.Buffer
	b.WriteByte('[')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n" + o.indent + o.indent)
		b.Write(element(i))
	}
	b.WriteString("\n" + o.indent + "]")
	o.raw(key, b.Bytes())
}

func (o *object) close() []byte {
	switch {
	case o.buf.Len() == 0:
		o.buf.WriteByte('{')
	case o.indent != "":
		o.buf.WriteByte('\n')
	}
	o.buf.WriteByte('}')
	return o.buf.Bytes()
}

// marshal encodes strings, maps and plain structs, which cannot fail, without
// the escapes that JSON in HTML would need.
func marshal(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// appendNumber writes the shortest text that reads back as the same float64.
func appendNumber(buf []byte, v float64) []byte {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.AppendInt(buf, int64(v), 10)
	}
	return strconv.AppendFloat(buf, v, 'g', -1, 64)
}
