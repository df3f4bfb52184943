package gobench

import (
	"strings"

	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// baseOf returns the base unit of a unit that go test writes: ns/op is
// seconds, MB/s (a million bytes) bytes/s, p99-ns seconds as well. What is no
// time and no size is kept as it is.
func baseOf(word string) (string, input.Scale) {
	top, bottom, per := strings.Cut(word, "/")
	scale, base := input.One, ""
	for token := range strings.SplitSeq(top, "-") {
		switch token {
		case "ns":
			base, scale = unit.Seconds, input.Scale{Times: 1, By: 1e9}
		case "us", "µs", "μs":
			base, scale = unit.Seconds, input.Scale{Times: 1, By: 1e6}
		case "ms":
			base, scale = unit.Seconds, input.Scale{Times: 1, By: 1e3}
		case "sec", "s":
			base, scale = unit.Seconds, input.One
		case "B", "bytes":
			base, scale = unit.Bytes, input.One
		case "MB":
			base, scale = unit.Bytes, input.Scale{Times: 1e6, By: 1}
		}
	}
	switch {
	case base == "":
		return word, input.One
	case !per, base == unit.Seconds && bottom == "op":
		return base, scale
	}
	return base + "/" + bottom, scale
}

// name gives the metrics their names and labels, which depend on the whole
// file: a number of processors that all benchmarks share is said once, of the
// run, and a setting only where it tells two results of one name apart.
func (r *reader) name() {
	procs := r.procs()
	if procs != "" {
		r.b.Label("procs", procs)
	}
	apart := r.apart()
	for _, b := range r.list {
		name := b.full
		if procs != "" {
			name = b.stem
		}
		labels := make(map[string]string)
		if b.pkg != "" {
			labels["pkg"] = b.pkg
		}
		keys := apart[b.pkg+"\x00"+b.full]
		for _, c := range b.config {
			if keys[c.key] && len(labels) < run.MaxLabels {
				labels[c.key] = c.value
			}
		}
		if len(labels) == 0 {
			labels = nil
		}
		for i := range b.measures {
			m := &b.measures[i]
			m.metric.Name, m.metric.Labels = name, labels
			if m.unit != "ns/op" {
				m.metric.Name += "." + m.unit
			}
			if meta, ok := r.meta(m.unit); ok {
				m.metric.Better = meta.better
				if meta.exact {
					m.metric.Kind = run.ExactKind
				}
			}
		}
	}
}

// procs returns the number of processors that the names of all benchmarks end
// in, "" if they do not agree.
func (r *reader) procs() string {
	for _, b := range r.list {
		if b.procs == "" || b.procs != r.list[0].procs {
			return ""
		}
	}
	if len(r.list) == 0 {
		return ""
	}
	return r.list[0].procs
}

// apart returns, for each benchmark that was measured under several settings,
// which keys tell them apart.
func (r *reader) apart() map[string]map[string]bool {
	first := make(map[string]*bench)
	apart := make(map[string]map[string]bool)
	for _, b := range r.list {
		id := b.pkg + "\x00" + b.full
		other, there := first[id]
		if !there {
			first[id] = b
			continue
		}
		keys := apart[id]
		if keys == nil {
			keys = make(map[string]bool)
			apart[id] = keys
		}
		here, before := valuesOf(b), valuesOf(other)
		for k, v := range here {
			if w, ok := before[k]; !ok || w != v {
				keys[k] = true
			}
		}
		for k := range before {
			if _, ok := here[k]; !ok {
				keys[k] = true
			}
		}
	}
	return apart
}

func valuesOf(b *bench) map[string]string {
	m := make(map[string]string)
	for _, c := range b.config {
		m[c.key] = c.value
	}
	return m
}

// meta returns what Unit lines say of a unit, under its own name or the one
// that benchstat gives it.
func (r *reader) meta(word string) (unitMeta, bool) {
	if meta, ok := r.units[word]; ok {
		return meta, true
	}
	top, bottom, per := strings.Cut(word, "/")
	tokens := strings.Split(top, "-")
	for i, token := range tokens {
		switch token {
		case "ns":
			tokens[i] = "sec"
		case "MB":
			tokens[i] = "B"
		}
	}
	tidy := strings.Join(tokens, "-")
	if per {
		tidy += "/" + bottom
	}
	meta, ok := r.units[tidy]
	return meta, ok
}
