// Package k6 reads the end-of-test summaries of k6: what handleSummary is
// given, what --summary-export writes, and the machine-readable summary of
// --new-machine-readable-summary.
//
// A trend is a summary with the percentiles that were asked for, a rate a
// ratio, a counter a count and name.rate a second. Tags in the names of
// sub-metrics are labels. Thresholds that did not hold are failures. See
// docs/formats.md.
package k6

import (
	"encoding/json"
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

// Looks tells whether a file looks like a summary of k6.
func Looks(h *input.Head) bool {
	return h.Shape.Has("metrics.http_reqs", "metrics.iterations", "metrics.iteration_duration", "metrics.vus", "metrics.data_sent") ||
		h.Shape.Has("options.summaryTrendStats", "metadata.k6_version", "metadata.k6Version", "state.testRunDurationMs") ||
		h.Shape.Is("root_group.path", "root_group.groups")
}

// metric is one of the file, of whichever kind of summary.
type metric struct {
	name, kind, contains string // contains: time, data, default; "": not said
	values               map[string]float64
	thresholds           map[string]bool // by expression: whether it held
}

type group struct {
	Name   string
	Groups json.RawMessage // an object by name, or a list
	Checks json.RawMessage
}

type check struct {
	Name          string
	Passes, Fails float64
}

// Read reads a file.
func Read(src *input.Source) ([]run.Run, error) {
	doc, err := input.Read(src)
	if err != nil {
		return nil, err
	}
	var in struct {
		Metrics map[string]json.RawMessage
		Root    *group `json:"root_group"`
		Results *struct {
			Metrics []named
			Checks  struct {
				Metrics []named
				Results []check
			}
		}
		Config   struct{ Duration float64 }
		Metadata struct {
			GeneratedAt string `json:"generated_at"`
			Generated   string `json:"generatedAt"`
		}
	}
	if err := doc.Decode(&in); err != nil {
		return nil, err
	}
	f := &file{b: input.NewBuilder(), doc: doc}
	if at, err := input.Time(in.Metadata.GeneratedAt + in.Metadata.Generated); err == nil {
		f.b.Run.Timestamp = at
	}
	for _, name := range slices.Sorted(maps.Keys(in.Metrics)) {
		m, err := f.metric(name, in.Metrics[name])
		if err == nil {
			err = f.add(m)
		}
		if err != nil {
			return nil, doc.Fail("metrics."+name, "%v", err)
		}
	}
	if in.Results != nil {
		f.seconds = in.Config.Duration
		for i, n := range slices.Concat(in.Results.Checks.Metrics, in.Results.Metrics) {
			m := metric{name: n.Name, kind: n.Type, contains: n.Contains, values: n.Values}
			if err := f.add(&m); err != nil {
				return nil, doc.Fail("results", "metric %d, %s: %v", i, n.Name, err)
			}
		}
		for _, c := range in.Results.Checks.Results {
			if err := f.check(c, ""); err != nil {
				return nil, doc.Fail("results.checks.results", "%v", err)
			}
		}
	}
	if in.Root != nil {
		if err := f.group(in.Root, "", 0); err != nil {
			return nil, doc.Fail("root_group", "%v", err)
		}
	}
	if !f.b.Has() {
		return nil, doc.Fail("", "there are no metrics")
	}
	r, err := f.b.Finish()
	if err != nil {
		return nil, doc.Fail("", "%v", err)
	}
	return []run.Run{r}, nil
}

// named is a metric of the machine-readable summary.
type named struct {
	Name, Type, Contains string
	Values               map[string]float64
}

type file struct {
	b       *input.Builder
	doc     *input.Document
	seconds float64 // that the test took, where rates are not in the file; 0: not known
}

// metric reads a metric of the first two kinds of summary: with its values
// beside one another, or under "values".
func (f *file) metric(name string, raw json.RawMessage) (*metric, error) {
	m := &metric{name: name, values: make(map[string]float64), thresholds: make(map[string]bool)}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("expected an object with values")
	}
	values, nested := all["values"]
	if nested {
		json.Unmarshal(all["type"], &m.kind)
		json.Unmarshal(all["contains"], &m.contains)
		if err := json.Unmarshal(values, &m.values); err != nil {
			return nil, fmt.Errorf("values: expected an object of numbers")
		}
	} else {
		for key, v := range all {
			var number float64
			if key != "thresholds" && string(v) != "null" && json.Unmarshal(v, &number) == nil {
				m.values[key] = number
			}
		}
		m.guess()
	}
	var thresholds map[string]json.RawMessage
	if json.Unmarshal(all["thresholds"], &thresholds) == nil {
		for expression, v := range thresholds {
			var held struct{ OK *bool }
			var failed bool
			switch {
			case json.Unmarshal(v, &failed) == nil: // of --summary-export: true means that it failed
				m.thresholds[expression] = !failed
			case json.Unmarshal(v, &held) == nil && held.OK != nil:
				m.thresholds[expression] = *held.OK
			}
		}
	}
	return m, nil
}

// guess finds out the kind of a metric whose summary does not say it.
func (m *metric) guess() {
	has := func(key string) bool { _, ok := m.values[key]; return ok }
	switch {
	case has("passes") && has("fails"):
		m.kind = "rate"
	case has("count") && has("rate"):
		m.kind = "counter"
	case has("value"):
		m.kind = "gauge"
	default:
		m.kind = "trend"
	}
	// What k6 and its extensions measure themselves; of a script's own metrics
	// nothing is known.
	name, _, _ := strings.Cut(m.name, "{")
	for _, prefix := range []string{"http_req_", "iteration_duration", "group_duration", "ws_connecting", "ws_session_duration", "ws_ping", "grpc_req_duration", "browser_web_vital_", "browser_http_req_duration"} {
		if m.kind == "trend" && strings.HasPrefix(name, prefix) && name != "browser_web_vital_cls" {
			m.contains = "time"
		}
	}
	if name == "data_sent" || name == "data_received" {
		m.contains = "data"
	}
}

// of returns the name, the labels, the unit and the scale of a metric.
func (m *metric) of() (name string, labels map[string]string, base string, scale input.Scale) {
	name, rest, tagged := strings.Cut(m.name, "{")
	if tagged && strings.HasSuffix(rest, "}") {
		labels = make(map[string]string)
		for tag := range strings.SplitSeq(strings.TrimSuffix(rest, "}"), ",") {
			key, value, _ := strings.Cut(tag, ":")
			labels[strings.TrimSpace(key)] = strings.Trim(strings.TrimSpace(value), `"'`)
		}
	} else {
		name = m.name
	}
	switch m.contains {
	case "time":
		return name, labels, unit.Seconds, input.Scale{Times: 1, By: 1e3}
	case "data":
		return name, labels, unit.Bytes, input.One
	}
	return name, labels, "", input.One
}

func (f *file) add(m *metric) error {
	name, labels, base, scale := m.of()
	name = input.Name(name)
	for _, expression := range slices.Sorted(maps.Keys(m.thresholds)) {
		if !m.thresholds[expression] {
			f.b.Fail("threshold %s of %s", expression, m.name)
		}
	}
	switch m.kind {
	case "trend":
		return f.trend(m, name, base, scale, labels)
	case "rate":
		rate, ok := m.values["rate"]
		if !ok {
			rate, ok = m.values["value"]
		}
		if !ok {
			return nil
		}
		return f.value(name, unit.Ratio, run.RateKind, rateBetter[name], labels, rate)
	case "counter":
		count := base
		if base == "" {
			count = unit.Count
		}
		better := counterBetter[name] // of a script's own nothing is known
		if v, ok := m.values["count"]; ok {
			if err := f.value(name, count, run.CounterKind, better, labels, scale.Apply(v)); err != nil {
				return err
			}
		}
		rate, ok := m.values["rate"]
		if !ok && f.seconds > 0 {
			rate, ok = m.values["count"]/f.seconds, true
		}
		if !ok {
			return nil
		}
		better = run.Neither
		if known, ok := speedBetter[name]; ok {
			better = known
		}
		return f.value(name+".rate", count+"/s", run.RateKind, better, labels, scale.Apply(rate))
	case "gauge":
		better := run.Better("")
		if name == "vus" || name == "vus_max" {
			better = run.Neither
		}
		s := run.NewStats()
		s.Mean, s.Min, s.Max = math.NaN(), scale.Apply(number(m.values, "min")), scale.Apply(number(m.values, "max"))
		s.P50 = scale.Apply(number(m.values, "value"))
		metric, err := f.b.Metric(name, base, labels)
		if err != nil {
			return err
		}
		metric.Kind, metric.Better = run.GaugeKind, better
		return metric.Summarise(*s)
	}
	f.b.Warn("%s is of the unknown kind %q: left out", m.name, m.kind)
	return nil
}

// What k6 itself measures, and in which direction it improves.
var (
	rateBetter    = map[string]run.Better{"http_req_failed": run.Lower, "checks": run.Higher, "checks_failed": run.Lower, "checks_succeeded": run.Higher}
	counterBetter = map[string]run.Better{
		"dropped_iterations": run.Lower,
		// These grow with the length of the test.
		"http_reqs": run.Neither, "iterations": run.Neither, "data_sent": run.Neither, "data_received": run.Neither,
		"checks_total": run.Neither, "ws_sessions": run.Neither, "ws_msgs_sent": run.Neither, "ws_msgs_received": run.Neither,
		"browser_data_sent": run.Neither, "browser_data_received": run.Neither,
	}
	speedBetter = map[string]run.Better{"http_reqs": run.Higher, "iterations": run.Higher, "dropped_iterations": run.Lower}
)

func number(values map[string]float64, key string) float64 {
	if v, ok := values[key]; ok {
		return v
	}
	return math.NaN()
}

// trend takes a distribution.
func (f *file) trend(m *metric, name, base string, scale input.Scale, labels map[string]string) error {
	s := run.NewStats()
	for key, v := range m.values {
		v = scale.Apply(v)
		switch key {
		case "avg":
			s.Mean = v
		case "min":
			s.Min = v
		case "max":
			s.Max = v
		case "med":
			s.P50 = v
		case "count":
			if v := m.values[key]; v >= 0 && v <= 1<<53 {
				s.Count = int64(v)
			}
		default: // p(95), or p95
			digits := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(key, "p"), "("), ")")
			if percent, err := strconv.ParseFloat(digits, 64); err == nil && key[0] == 'p' && percent >= 0 && percent <= 100 {
				s.SetPercentile(percent, v)
			}
		}
	}
	metric, err := f.b.Metric(name, base, labels)
	if err != nil {
		return err
	}
	if s.Count == 0 && len(m.values) > 0 && m.values["count"] == 0 && hasKey(m.values, "count") {
		return nil // nothing was observed
	}
	return metric.Summarise(*s)
}

func hasKey(values map[string]float64, key string) bool { _, ok := values[key]; return ok }

// value takes a single number.
func (f *file) value(name, base string, kind run.Kind, better run.Better, labels map[string]string, v float64) error {
	m, err := f.b.Metric(name, base, labels)
	if err != nil {
		return err
	}
	m.Kind, m.Better = kind, better
	return m.Add(v)
}

// group takes the checks of a group and of those inside it.
func (f *file) group(g *group, path string, depth int) error {
	if depth > 100 {
		return fmt.Errorf("groups are nested more than 100 deep")
	}
	for _, c := range list[check](g.Checks) {
		if err := f.check(c, path); err != nil {
			return err
		}
	}
	for _, inner := range list[group](g.Groups) {
		name := inner.Name
		if path != "" {
			name = path + "::" + name
		}
		if err := f.group(&inner, name, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// list reads what older summaries have as an object by name, newer as a list.
func list[T any](raw json.RawMessage) []T {
	var l []T
	if json.Unmarshal(raw, &l) == nil {
		return l
	}
	var m map[string]T
	if json.Unmarshal(raw, &m) != nil {
		return nil
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		l = append(l, m[k])
	}
	return l
}

// check takes one check: the part of its calls that passed.
func (f *file) check(c check, path string) error {
	total := c.Passes + c.Fails
	if !(total > 0) || !(c.Passes >= 0) || !(c.Fails >= 0) {
		return nil
	}
	labels := map[string]string{"check": c.Name}
	if path != "" {
		labels["group"] = path
	}
	return f.value("checks", unit.Ratio, run.RateKind, run.Higher, labels, c.Passes/total)
}
