package run

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
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
	text, _, err := r.AppendEncode(nil)
	return text, err
}

// AppendEncode appends what Encode returns to buf. It also returns what it had
// to work out for that: the statistics of each metric, as the document has them,
// those of more than MaxSamples samples by their histogram.
func (r *Run) AppendEncode(buf []byte) ([]byte, []Stats, error) {
	r = r.folded()
	if err := r.Validate(); err != nil {
		return nil, nil, fmt.Errorf("run: %w", err)
	}
	stats := make([]Stats, len(r.Metrics))
	size := 2048
	for i := range r.Metrics {
		m := &r.Metrics[i]
		stats[i] = m.Stats()
		size += 400 + 12*len(m.Samples)
		if m.Histogram != nil {
			size += 6 * len(m.Histogram.Buckets)
		}
	}
	begin := len(buf)
	text := r.encode(slices.Grow(buf, size), stats)
	if size := len(text) - begin; size > MaxSize {
		return nil, nil, fmt.Errorf("run: the document has %d bytes: at most %d", size, MaxSize)
	}
	return text, stats, nil
}

// folded returns the run as documents have it, without metrics of more than
// MaxSamples samples.
func (r *Run) folded() *Run {
	if !slices.ContainsFunc(r.Metrics, func(m Metric) bool { return len(m.Samples) > MaxSamples }) {
		return r
	}
	folded := *r
	folded.Metrics = slices.Clone(r.Metrics)
	for i := range folded.Metrics {
		folded.Metrics[i].Fold()
	}
	return &folded
}

// encode appends the document. stats are those of the metrics.
func (r *Run) encode(buf []byte, stats []Stats) []byte {
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
	flat := r.flat(func(i int) *Stats { return &stats[i] })
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
		doc.texts("labels", r.Labels)
	}
	if len(r.Warnings) > 0 {
		doc.json("warnings", r.Warnings)
	}
	if len(r.Failures) > 0 {
		doc.json("failures", r.Failures)
	}
	if len(r.Metrics) > 0 {
		doc.list("metrics", len(r.Metrics), func(buf []byte, i int) []byte { return r.Metrics[i].encode(buf, &stats[i]) })
	}
	if len(r.Stages) > 0 {
		doc.list("stages", len(r.Stages), func(buf []byte, i int) []byte { return append(buf, marshal(r.Stages[i])...) })
	}
	return append(doc.close(), '\n')
}

func (m *Metric) encode(buf []byte, stats *Stats) []byte {
	o := object{buf: buf}
	o.text("name", m.Name)
	o.text("kind", string(m.Kind))
	o.key("unit")
	o.buf = appendString(o.buf, m.Unit)
	if len(m.Labels) > 0 {
		o.texts("labels", m.Labels)
	}
	o.text("better", string(m.Better))
	if m.Resolution != 0 {
		o.number("resolution", m.Resolution)
	}
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
	o.number("mean", s.Mean)
	o.number("min", s.Min)
	o.number("max", s.Max)
	o.number("stddev", s.Stddev)
	o.number("p50", s.P50)
	o.number("p90", s.P90)
	o.number("p95", s.P95)
	o.number("p99", s.P99)
	o.number("p999", s.P999)
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

// flat derives the flat keys from the metrics, and from the statistics of a few
// of them: medians over repetitions for start-up and memory, items over summed
// time for the speed, which for equal repetitions is the harmonic mean.
func (r *Run) flat(stats func(i int) *Stats) flatKeys {
	median := func(name string) float64 {
		if i := r.index(name, nil); i >= 0 {
			v, _ := stats(i).center()
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
	if i := r.index(f.mainIs, nil); i >= 0 && r.Metrics[i].Unit == unit.Seconds && r.Metrics[i].Count() > 0 {
		f.main = stats(i)
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

// texts writes an object of strings, in the order of their keys.
func (o *object) texts(key string, m map[string]string) {
	var few [MaxLabels]string
	keys := few[:0]
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	list := o.object(key)
	for _, k := range keys {
		list.key(k)
		list.buf = appendString(list.buf, m[k])
	}
	o.buf = list.close()
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
