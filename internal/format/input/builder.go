package input

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

const (
	// maxName is how long a name may be, in bytes.
	maxName = 1024
	// maxText is how much of a text is kept, in bytes: of a label, a version, a
	// message.
	maxText = 1024
	// maxNotes is how many warnings and failures of a kind are kept.
	maxNotes = 20
	// maxHeld is how many samples a run may hold, over all metrics, before the
	// largest metrics become histograms: what a document can hold, and 16 MB.
	maxHeld = 2 << 20
)

// Builder makes one run of what a reader finds. Its Run may be filled in
// freely, but for the metrics.
type Builder struct {
	Run run.Run

	list     []*Metric
	at       map[string]int // by identity
	held     int            // samples, over all metrics
	most     int            // of them, before the largest metrics are folded
	relieved bool
	more     map[string]int // notes left out, by kind
}

// NewBuilder returns a builder of an empty run.
func NewBuilder() *Builder {
	return &Builder{at: make(map[string]int), more: make(map[string]int), most: maxHeld}
}

// Metric is a metric of a run that is being built.
type Metric struct {
	run.Metric
	b      *Builder
	folded bool // its samples were too many
}

// Metric returns the metric with that name, unit and labels, which is added if
// it is new. Labels beyond run.MaxLabels go into the name. The error says what
// is wrong with the name or that the metrics are too many.
func (b *Builder) Metric(name, base string, labels map[string]string) (*Metric, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	clean := make(map[string]string, len(labels))
	for k, v := range labels {
		if k = Clean(k, 200); k != "" {
			clean[k] = Clean(v, maxText)
		}
	}
	if len(clean) > run.MaxLabels {
		keys := slices.Sorted(maps.Keys(clean))
		var rest []string
		for _, k := range keys[run.MaxLabels:] {
			rest = append(rest, k+"="+clean[k])
			delete(clean, k)
		}
		name += "[" + strings.Join(rest, ",") + "]"
		if err := checkName(name); err != nil {
			return nil, err
		}
	}
	if len(clean) == 0 {
		clean = nil
	}
	base = Clean(base, 100)
	id := run.Key(name, clean) + "\x00" + base
	if i, there := b.at[id]; there {
		return b.list[i], nil
	}
	if len(b.list) >= MaxMetrics {
		return nil, fmt.Errorf("more than %d metrics", MaxMetrics)
	}
	m := &Metric{Metric: run.Metric{Name: name, Unit: base, Labels: clean}, b: b}
	b.at[id] = len(b.list)
	b.list = append(b.list, m)
	return m, nil
}

func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty")
	case len(name) > maxName:
		return fmt.Errorf("the name has %d bytes: at most %d", len(name), maxName)
	case !utf8.ValidString(name):
		return fmt.Errorf("the name %q is not UTF-8", name[:min(len(name), 40)])
	case strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("the name %q holds a control character", name[:min(len(name), 40)])
	}
	return nil
}

// Name makes a name of a text that may hold anything, such as a command line.
func Name(s string) string { return Clean(s, maxName-100) }

// Has tells whether the run has any metric yet.
func (b *Builder) Has() bool { return len(b.list) > 0 }

// Check says what is wrong with a value of the metric: not finite, or a
// negative duration.
func (m *Metric) Check(v float64) error {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return fmt.Errorf("%v is not a finite number", v)
	case v < 0 && m.Unit == unit.Seconds:
		return fmt.Errorf("%v s is a negative duration", v)
	case v < 0 && (m.Name == run.MemoryPeak || m.Name == run.Speed):
		return fmt.Errorf("%v %s is negative", v, m.Unit)
	}
	return nil
}

// Add adds samples, in the metric's unit. The error is that of Check; the
// samples before it are kept.
func (m *Metric) Add(values ...float64) error {
	for _, v := range values {
		if err := m.Check(v); err != nil {
			return err
		}
		if m.Summary != nil {
			if err := m.pool(&run.Metric{Samples: []float64{v}}); err != nil {
				return err
			}
			continue
		}
		if m.Histogram != nil {
			m.Histogram.Add(v)
			continue
		}
		m.Samples = append(m.Samples, v)
		m.b.held++
		if len(m.Samples) > run.MaxSamples {
			m.fold()
		} else if m.b.held > m.b.most {
			m.b.relieve()
		}
	}
	return nil
}

// AddCounts adds a histogram, whose values are in the metric's unit.
func (m *Metric) AddCounts(h *run.Histogram) error {
	if m.Summary != nil {
		return m.pool(&run.Metric{Histogram: h})
	}
	if m.Histogram == nil {
		m.toHistogram()
	}
	return m.Histogram.Merge(h)
}

// fold turns samples that are too many into a histogram.
func (m *Metric) fold() {
	if m.Histogram == nil {
		m.folded = true
		m.toHistogram()
	}
}

func (m *Metric) toHistogram() {
	m.Histogram = run.NewHistogram(m.Unit)
	for _, v := range m.Samples {
		m.Histogram.Add(v)
	}
	m.b.held -= len(m.Samples)
	m.Samples = nil
}

// relieve folds the metrics with the most samples until the run holds half as
// many.
func (b *Builder) relieve() {
	b.relieved = true
	most := 0
	for _, m := range b.list {
		most = max(most, len(m.Samples))
	}
	for least := most / 2; b.held > b.most/2 && least >= 1; least /= 2 {
		for _, m := range b.list {
			if len(m.Samples) >= least {
				m.fold()
			}
		}
	}
}

// Summarise adds what a tool says instead of samples. Where the metric has
// some already, the two are put together. The error says what is wrong with a
// number; an interval that cannot be one is left out.
func (m *Metric) Summarise(s run.Stats) error {
	if err := m.checkSummary(&s); err != nil {
		return err
	}
	if m.Summary == nil && m.Count() == 0 {
		m.Summary = &s
		return nil
	}
	return m.pool(&run.Metric{Summary: &s})
}

// pool takes the observations of another metric.
func (m *Metric) pool(other *run.Metric) error {
	whole, err := run.Pool(&m.Metric, other)
	if err != nil {
		return err
	}
	m.b.held -= len(m.Samples)
	m.Samples, m.Histogram, m.Summary = whole.Samples, whole.Histogram, whole.Summary
	return nil
}

func (m *Metric) checkSummary(s *run.Stats) error {
	known := false
	values := []float64{s.Mean, s.Min, s.Max, s.Stddev, s.P50, s.P90, s.P95, s.P99, s.P999}
	for _, p := range s.Percentiles {
		values = append(values, p.Value)
	}
	for _, v := range values {
		if math.IsNaN(v) {
			continue
		}
		known = true
		if err := m.Check(v); err != nil {
			return err
		}
	}
	if !known {
		return errors.New("there is no number")
	}
	if in := s.Interval; in != nil && !(in[0] <= in[1] && !math.IsInf(in[0], 0) && !math.IsInf(in[1], 0)) {
		s.Interval = nil
	}
	return nil
}

// Warn notes a doubt about how the run was measured, or about what was left
// out of its file.
func (b *Builder) Warn(format string, args ...any) {
	b.Run.Warnings = b.note(b.Run.Warnings, "warnings", format, args)
}

// Fail notes that something failed while the run was measured.
func (b *Builder) Fail(format string, args ...any) {
	b.Run.Failures = b.note(b.Run.Failures, "failures", format, args)
}

// note appends a text unless there are too many, or it is there already.
func (b *Builder) note(list []string, kind, format string, args []any) []string {
	text := Clean(fmt.Sprintf(format, args...), maxText)
	switch {
	case slices.Contains(list, text):
	case len(list) >= maxNotes:
		b.more[kind]++
	default:
		list = append(list, text)
	}
	return list
}

// Label labels the run.
func (b *Builder) Label(key, value string) {
	if key, value = Clean(key, 200), Clean(value, maxText); key == "" || value == "" {
		return
	}
	if b.Run.Labels == nil {
		b.Run.Labels = make(map[string]string)
	}
	b.Run.Labels[key] = value
}

// Environment returns the environment of the run, to be filled in.
func (b *Builder) Environment() *run.Environment {
	if b.Run.Environment == nil {
		b.Run.Environment = new(run.Environment)
	}
	return b.Run.Environment
}

// Finish returns the run, without an id: metrics in the order in which they
// were met, those without any observation left out.
func (b *Builder) Finish() (run.Run, error) {
	r := b.Run
	folded := 0
	for _, m := range b.list {
		if m.Count() == 0 {
			continue
		}
		if m.folded {
			folded++
		}
		r.Metrics = append(r.Metrics, m.Metric)
	}
	if folded > 0 && b.relieved {
		b.Warn("%d metrics have more samples than a run keeps: they were folded into histograms, which keep percentiles to within 0.8 %%", folded)
	} else if folded > 0 {
		b.Warn("%d metrics with more than %d samples were folded into histograms, which keep percentiles to within 0.8 %%", folded, run.MaxSamples)
	}
	r.Warnings, r.Failures = b.Run.Warnings, b.Run.Failures
	for kind, list := range map[string]*[]string{"warnings": &r.Warnings, "failures": &r.Failures} {
		if n := b.more[kind]; n > 0 {
			*list = append(*list, fmt.Sprintf("and %d more %s like these", n, kind))
		}
	}
	for _, s := range []*string{&r.App, &r.Version, &r.Commit, &r.Branch} {
		*s = Clean(*s, maxText)
	}
	if e := r.Environment; e != nil {
		for _, s := range []*string{&e.OS, &e.Arch, &e.CPU, &e.Go, &e.Host} {
			*s = Clean(*s, 200)
		}
		e.Cores, e.Memory = max(e.Cores, 0), max(e.Memory, 0)
		if *e == (run.Environment{}) {
			r.Environment = nil
		}
	}
	return r, r.Validate()
}
