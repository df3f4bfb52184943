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
	text := folded.encode(nil)
	if len(text) > MaxSize {
		return nil, fmt.Errorf("run: the document has %d bytes: at most %d", len(text), MaxSize)
	}
	return text, nil
}

// encode appends the document.
func (r *Run) encode(buf []byte) []byte {
	doc := object{buf: buf, indent: "  "}
	doc.text("schema", Schema)
	doc.text("id", r.ID)
	doc.text("app", r.App)
	doc.text("version", r.Version)
	doc.text("commit", r.Commit)
	doc.text("branch", r.Branch)
	if r.Dirty {
		doc.key("dirty")
		doc.buf = append(doc.buf, "true"...)
	}
	doc.text("pull_request", r.Pull)
	if !r.Timestamp.IsZero() {
		doc.text("timestamp", r.Timestamp.UTC().Format(time.RFC3339Nano))
	}
	flat := r.flat()
	doc.number("startup_time", flat.startup)
	doc.number("memory_usage", flat.memory)
	doc.number("processing_speed", flat.speed)
	if main := flat.main; main != nil {
		o := doc.object("processing_metrics")
		if main.Count > 0 {
			o.whole("count", main.Count)
		}
		o.number("avg", main.Mean)
		o.number("min", main.Min)
		o.number("p50", main.P50)
		o.number("p95", main.P95)
		o.number("p99", main.P99)
		o.number("max", main.Max)
		doc.buf = o.close()
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
	if len(r.Failures) > 0 {
		doc.json("failures", r.Failures)
	}
	if len(r.Metrics) > 0 {
		doc.list("metrics", len(r.Metrics), func(buf []byte, i int) []byte { return r.Metrics[i].encode(buf) })
	}
	if len(r.Stages) > 0 {
		doc.list("stages", len(r.Stages), func(buf []byte, i int) []byte { return append(buf, marshal(r.Stages[i])...) })
	}
	return append(doc.close(), '\n')
}

func (m *Metric) encode(buf []byte) []byte {
	o := object{buf: buf}
	o.text("name", m.Name)
	o.text("kind", string(m.Kind))
	o.key("unit")
	o.buf = appendString(o.buf, m.Unit)
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
		o.key("histogram")
		o.buf = m.Histogram.encode(o.buf)
	case m.Summary == nil:
		o.key("samples")
		o.buf = append(o.buf, '[')
		for i, v := range m.Samples {
			if i > 0 {
				o.buf = append(o.buf, ',')
			}
			o.buf = appendNumber(o.buf, v)
		}
		o.buf = append(o.buf, ']')
	}
	return o.close()
}

func (s *Stats) encode(o *object) {
	if s.Count > 0 {
		o.whole("count", s.Count)
	}
	for _, f := range s.fields() {
		o.number(f.name, *f.value)
	}
	if len(s.Percentiles) > 0 {
		list := o.object("percentiles")
		for _, p := range s.Percentiles {
			list.number(strconv.FormatFloat(p.P, 'f', -1, 64), p.Value)
		}
		o.buf = list.close()
	}
	if s.Interval != nil {
		o.key("interval")
		o.buf = appendNumber(append(o.buf, '['), s.Interval[0])
		o.buf = append(appendNumber(append(o.buf, ','), s.Interval[1]), ']')
	}
}

// MarshalJSON writes the statistics that are known.
func (s Stats) MarshalJSON() ([]byte, error) {
	var o object
	s.encode(&o)
	return o.close(), nil
}

// encode appends the histogram, its buckets as one flat list: the first index,
// its count, then for each further bucket how far its index lies above the one
// before, and its count.
func (h *Histogram) encode(buf []byte) []byte {
	o := object{buf: buf}
	o.number("tick", h.Tick)
	o.whole("count", h.Count)
	o.number("ticks", h.Ticks)
	o.number("min", h.Min)
	o.number("max", h.Max)
	o.key("buckets")
	o.buf = append(o.buf, '[')
	last := 0
	for i, b := range h.Buckets {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		o.buf = strconv.AppendInt(o.buf, int64(b.Index-last), 10)
		o.buf = append(o.buf, ',')
		o.buf = strconv.AppendInt(o.buf, b.Count, 10)
		last = b.Index
	}
	o.buf = append(o.buf, ']')
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

// object appends a JSON object to buf, its keys in the order of the calls; with
// an indent, a line for each.
type object struct {
	buf    []byte
	indent string
	begun  bool
}

// key begins a key, whose value is appended to buf next.
func (o *object) key(key string) {
	sep := byte('{')
	if o.begun {
		sep = ','
	}
	o.begun = true
	o.buf = append(o.buf, sep)
	if o.indent != "" {
		o.buf = append(append(o.buf, '\n'), o.indent...)
	}
	o.buf = append(appendString(o.buf, key), ':')
	if o.indent != "" {
		o.buf = append(o.buf, ' ')
	}
}

// object begins an object under a key; its close returns the buffer of both.
func (o *object) object(key string) object {
	o.key(key)
	return object{buf: o.buf}
}

// text writes a string unless it is empty.
func (o *object) text(key, value string) {
	if value != "" {
		o.key(key)
		o.buf = appendString(o.buf, value)
	}
}

// number writes a number unless it is NaN.
func (o *object) number(key string, v float64) {
	if !math.IsNaN(v) {
		o.key(key)
		o.buf = appendNumber(o.buf, v)
	}
}

func (o *object) whole(key string, n int64) {
	o.key(key)
	o.buf = strconv.AppendInt(o.buf, n, 10)
}

func (o *object) json(key string, v any) {
	o.key(key)
	o.buf = append(o.buf, marshal(v)...)
}

// list writes an array, an element a line.
func (o *object) list(key string, n int, element func(buf []byte, i int) []byte) {
	o.key(key)
	o.buf = append(o.buf, '[')
	for i := range n {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		o.buf = append(append(append(o.buf, '\n'), o.indent...), o.indent...)
		o.buf = element(o.buf, i)
	}
	o.buf = append(append(append(o.buf, '\n'), o.indent...), ']')
}

func (o *object) close() []byte {
	switch {
	case !o.begun:
		o.buf = append(o.buf, '{')
	case o.indent != "":
		o.buf = append(o.buf, '\n')
	}
	o.buf = append(o.buf, '}')
	return o.buf
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

// appendString appends a string as marshal writes it, most of them as they are.
func appendString(buf []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return append(buf, marshal(s)...)
		}
	}
	buf = append(append(buf, '"'), s...)
	return append(buf, '"')
}

// appendNumber writes the shortest text that reads back as the same float64.
func appendNumber(buf []byte, v float64) []byte {
	size := math.Abs(v)
	switch {
	case v == math.Trunc(v) && size < 1e15:
		return strconv.AppendInt(buf, int64(v), 10)
	case size >= 1e-4 && size < 1e6:
		// A whole number of nanoseconds, as clocks give it: of at most 15 digits,
		// which no other number of as many digits reads back as.
		if n := math.Round(size * 1e9); n < 1e15 && n/1e9 == size {
			return appendNanos(buf, v < 0, uint64(n))
		}
	}
	return strconv.AppendFloat(buf, v, 'g', -1, 64)
}

// appendNanos appends n/1e9, which is no whole number.
func appendNanos(buf []byte, negative bool, n uint64) []byte {
	if negative {
		buf = append(buf, '-')
	}
	buf = strconv.AppendUint(buf, n/1e9, 10)
	buf = append(buf, ".000000000"...)
	rest := n % 1e9
	for i := len(buf) - 1; rest > 0; i-- {
		buf[i] = byte('0' + rest%10)
		rest /= 10
	}
	return bytes.TrimRight(buf, "0")
}
