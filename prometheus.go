package pacer

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// WritePrometheus writes what was measured so far in the Prometheus text
// format, version 0.0.4. Timers and values become histograms with fixed
// limits at powers of two, in which every count is exact; names get their unit
// (table_filter_seconds), the app becomes a label.
func (r *Recorder) WritePrometheus(w io.Writer) error { return r.expose(w, false) }

// WriteOpenMetrics writes the same in the OpenMetrics text format, version
// 1.0.0.
func (r *Recorder) WriteOpenMetrics(w io.Writer) error { return r.expose(w, true) }

func (r *Recorder) expose(w io.Writer, open bool) error {
	if r == nil {
		return nil
	}
	out := bufio.NewWriter(w)
	snapshot := r.Snapshot()
	e := exposition{w: out, open: open, app: snapshot.App, families: make(map[string]*family), samples: make(map[string]bool)}
	// In the order of their keys, so that names don't depend on which metric
	// was registered first.
	slices.SortStableFunc(snapshot.Metrics, func(a, b run.Metric) int { return strings.Compare(a.Key(), b.Key()) })
	for i := range snapshot.Metrics {
		e.add(&snapshot.Metrics[i])
	}
	e.write()
	return out.Flush()
}

// exposition collects metrics into families: the formats want those of one
// name together.
type exposition struct {
	w        *bufio.Writer
	open     bool
	app      string
	families map[string]*family
	samples  map[string]bool // names that are taken
}

type family struct {
	kind, unit string
	series     map[string]bool // labels
	lines      []string
}

func (e *exposition) add(m *run.Metric) {
	kind := "gauge"
	switch {
	case m.Kind == run.TimerKind, m.Kind == run.ValueKind, m.Histogram != nil, len(m.Samples) > 1:
		kind = "histogram"
	case m.Kind == run.CounterKind:
		kind = "counter"
	}
	name, f := e.family(m, kind)
	labels := exposedLabels(e.app, m.Labels)
	if f.series[labels] {
		// Two metrics of ours that become one of theirs stay apart.
		labels += ",metric=" + quoteLabel(m.Key())
	}
	f.series[labels] = true
	line := func(suffix, more string, v string) {
		f.lines = append(f.lines, name+suffix+"{"+labels+more+"} "+v)
	}
	switch kind {
	case "histogram":
		h := histogramOf(m)
		for _, c := range cumulative(h) {
			line("_bucket", `,le="`+number(c.limit)+`"`, strconv.FormatInt(c.count, 10))
		}
		line("_sum", "", number(h.Sum()))
		line("_count", "", strconv.FormatInt(h.Count, 10))
	case "counter":
		suffix := "" // the older format has it in the family's name
		if e.open {
			suffix = "_total"
		}
		line(suffix, "", number(m.Samples[0]))
	default:
		line("", "", number(m.Samples[0]))
	}
}

// family returns the family for a metric of a kind, and its name: another one
// where a family of another kind has that, or has samples of that name.
func (e *exposition) family(m *run.Metric, kind string) (string, *family) {
	for word := exposedWord(m.Name); ; word += "_" + kind {
		name, base := exposedName(word, m.Unit)
		if kind == "counter" {
			name = strings.TrimSuffix(name, "_total")
			if !e.open {
				name += "_total"
			}
		}
		if f := e.families[name]; f != nil && f.kind == kind && f.unit == base {
			return name, f
		}
		samples := []string{name}
		if kind == "histogram" {
			samples = []string{name, name + "_bucket", name + "_sum", name + "_count"}
		} else if kind == "counter" && e.open {
			samples = []string{name, name + "_total"}
		}
		if slices.ContainsFunc(samples, func(s string) bool { return e.samples[s] }) {
			continue
		}
		for _, s := range samples {
			e.samples[s] = true
		}
		f := &family{kind: kind, unit: base, series: make(map[string]bool)}
		e.families[name] = f
		return name, f
	}
}

// exposedLabels writes the app and the metric's labels.
func exposedLabels(app string, labels map[string]string) string {
	var b strings.Builder
	b.WriteString("app=" + quoteLabel(app))
	seen := map[string]bool{"app": true, "le": true, "metric": true}
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		key := exposedWord(k)
		for seen[key] {
			key += "_"
		}
		seen[key] = true
		b.WriteString("," + key + "=" + quoteLabel(labels[k]))
	}
	return b.String()
}

func (e *exposition) write() {
	for _, name := range slices.Sorted(maps.Keys(e.families)) {
		f := e.families[name]
		fmt.Fprintf(e.w, "# TYPE %s %s\n", name, f.kind)
		if e.open && f.unit != "" {
			fmt.Fprintf(e.w, "# UNIT %s %s\n", name, f.unit)
		}
		for _, line := range f.lines {
			fmt.Fprintln(e.w, line)
		}
	}
	if e.open {
		fmt.Fprintln(e.w, "# EOF")
	}
}

// exposedName returns a name with its unit, and the unit.
func exposedName(word, of string) (name, base string) {
	switch of {
	case unit.Seconds:
		base = "seconds"
	case unit.Bytes:
		base = "bytes"
	case unit.Speed:
		base = "items_per_second"
	case unit.Count, "":
		return word, ""
	default:
		base = exposedWord(of)
	}
	if !strings.HasSuffix(word, "_"+base) {
		word += "_" + base
	}
	return word, base
}

// exposedWord replaces what the formats do not allow in a name.
func exposedWord(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, s)
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		s = "_" + s
	}
	return s
}

func quoteLabel(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(strings.ToValidUTF8(s, "?")) + `"`
}

func number(v float64) string {
	if math.IsInf(v, 1) {
		return "+Inf"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// histogramOf returns the metric's histogram, or that of its samples.
func histogramOf(m *run.Metric) *run.Histogram {
	if m.Histogram != nil {
		return m.Histogram
	}
	h := run.NewHistogram(m.Unit)
	for _, v := range m.Samples {
		h.Add(v)
	}
	return h
}

type cumulated struct {
	limit float64 // inclusive
	count int64
}

// cumulative counts the values up to fixed limits. A bucket of ours begins at
// a power of two of ticks and ticks are whole, so one tick less is a limit that
// every value below it keeps, and none above.
func cumulative(h *run.Histogram) []cumulated {
	first, last, step := 1, 40, 2 // for bytes and rows: 1 to a tera, by fours
	if h.Tick < 1 {
		first, last, step = 10, 36, 1 // for nanoseconds: 1 µs to 68 s
	}
	var list []cumulated
	count, i := int64(0), 0
	for power := first; power <= last; power += step {
		edge := math.Ldexp(1, power)
		for ; i < len(h.Buckets) && h.Buckets[i].Index < run.BucketIndex(edge); i++ {
			count += h.Buckets[i].Count
		}
		limit := edge - 1
		if h.Tick < 1 {
			limit /= 1e9
		}
		list = append(list, cumulated{limit, count})
	}
	return append(list, cumulated{math.Inf(1), h.Count})
}
