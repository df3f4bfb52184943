package run

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/jsonscan"
	"github.com/pacer-perf/pacer/internal/unit"
)

// SyntaxError is a document that Read refuses: where, and what is wrong.
type SyntaxError struct {
	File         string
	Line, Column int    // from 1; the column counts characters
	Key          string // metrics[2].samples[7]; empty for the document itself
	Msg          string
}

func (e *SyntaxError) Error() string {
	key := e.Key
	if key != "" {
		key += ": "
	}
	return fmt.Sprintf("%s:%d:%d: %s%s", e.File, e.Line, e.Column, key, e.Msg)
}

// Read reads one document; name stands for it in errors, which are
// *SyntaxError for anything that is wrong with its content. Keys that are not
// known are passed over, null is read as absent. A run without an id gets a
// hash of its content. Memory grows with the document, which may have MaxSize
// bytes.
func Read(r io.Reader, name string) (Run, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err != nil {
		return Run{}, fmt.Errorf("reading %s: %w", name, err)
	}
	return Parse(data, name)
}

// Parse is Read of a document that is in memory. The run holds nothing of data.
func Parse(data []byte, name string) (Run, error) {
	if len(data) > MaxSize {
		return Run{}, &SyntaxError{File: name, Line: 1, Column: 1, Msg: fmt.Sprintf("the document is larger than %d MiB, the most that is read", MaxSize>>20)}
	}
	scanner, err := jsonscan.New(data, name)
	if err != nil {
		return Run{}, refused(err)
	}
	scanner.Words = words
	scanner.Empty = "the file is empty: expected a " + Schema + " document"
	p := &parser{Parser: scanner, file: name}
	document, err := p.document()
	return document, refused(err)
}

func (p *parser) document() (Run, error) {
	nan := math.NaN()
	p.flat = flatKeys{startup: nan, memory: nan, speed: nan}
	p.flatAt = make(map[string]int)
	ok, err := p.Object(documentKeys.has, p.documentKey)
	if err != nil {
		return Run{}, err
	}
	if !ok {
		return Run{}, p.Fail("expected an object, found null")
	}
	if err := p.Close(); err != nil {
		return Run{}, err
	}
	if len(p.run.Metrics) == 0 {
		p.metricsFromFlat()
	} else {
		p.compareFlat()
	}
	for i := range p.run.Metrics {
		m := &p.run.Metrics[i]
		if n := len(m.Samples); m.Fold() {
			p.warn("%s: %d samples were folded into a histogram, which keeps percentiles to within 0.8 %%", m.Key(), n)
		}
	}
	if len(p.run.Metrics) == 0 {
		p.warn("the run has no metrics")
	}
	if err := p.run.Validate(); err != nil {
		return Run{}, p.fail(0, "%v", err)
	}
	if p.run.ID == "" {
		id, err := p.run.ContentID()
		if err != nil {
			return Run{}, p.fail(0, "%v", err)
		}
		p.run.ID = id
	}
	return p.run, nil
}

func (p *parser) documentKey(key string) (err error) {
	switch key {
	case "schema":
		return p.schema()
	case "id":
		if err := p.text(&p.run.ID); err != nil {
			return err
		}
		if p.run.ID != "" && validID(p.run.ID) != nil {
			return p.Fail("%q: %v", p.run.ID, errID)
		}
		return nil
	case "app":
		return p.text(&p.run.App)
	case "version":
		return p.text(&p.run.Version)
	case "commit":
		return p.text(&p.run.Commit)
	case "branch":
		return p.text(&p.run.Branch)
	case "pull_request":
		return p.text(&p.run.Pull)
	case "main":
		return p.text(&p.run.Main)
	case "dirty":
		p.run.Dirty, err = p.Bool()
		return err
	case "timestamp":
		return p.timestamp()
	case "items":
		_, err = p.Object(everyKey, func(kind string) error {
			n, err := p.count()
			if err != nil {
				return err
			}
			if p.run.Items == nil {
				p.run.Items = make(map[string]int64)
			}
			p.run.Items[kind] = n
			return nil
		})
		return err
	case "command":
		return p.texts(&p.run.Command)
	case "warnings":
		return p.texts(&p.run.Warnings)
	case "failures":
		return p.texts(&p.run.Failures)
	case "environment":
		return p.environment()
	case "labels":
		p.run.Labels, err = p.strings()
		return err
	case "metrics":
		first := make(map[identity]int)
		_, err = p.Array(func(i int) error {
			m, at, err := p.metric()
			if err != nil {
				return err
			}
			id := m.identity()
			if j, twice := first[id]; twice {
				return p.fail(at, "%s is there twice, first as metrics[%d]", m.Key(), j)
			}
			first[id] = i
			p.run.Metrics = append(p.run.Metrics, m)
			return nil
		})
		return err
	case "stages":
		_, err = p.Array(func(int) error {
			s, err := p.stage()
			p.run.Stages = append(p.run.Stages, s)
			return err
		})
		return err
	case "startup_time":
		p.flat.startup, err = p.quantity()
	case "memory_usage":
		p.flat.memory, err = p.quantity()
	case "processing_speed":
		p.flat.speed, err = p.quantity()
	case "processing_metrics":
		p.flat.main, err = p.summary()
	default:
		return p.Skip()
	}
	p.flatAt[key] = p.Start()
	return err
}

func (p *parser) schema() error {
	name := Schema
	if err := p.text(&name); err != nil {
		return err
	}
	if name == Schema {
		return nil
	}
	if strings.HasPrefix(name, "pacer.run/") {
		return p.Fail("unknown version %q of the run document: expected %s; a newer pacer may read it", name, Schema)
	}
	return p.Fail("%q is another kind of document: expected %s", name, Schema)
}

// timestamp reads RFC 3339; without a zone, as in Python's isoformat, it is
// UTC.
func (p *parser) timestamp() error {
	text := ""
	if err := p.text(&text); err != nil || text == "" {
		return err
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999"} {
		if at, err := time.Parse(layout, text); err == nil {
			// Years outside these cannot be written as RFC 3339 in UTC.
			if at = at.UTC(); at.Year() >= 1 && at.Year() <= 9999 {
				p.run.Timestamp = at
				return nil
			}
		}
	}
	return p.Fail("%q is no time: expected RFC 3339, such as 2026-01-31T12:00:00Z", text)
}

func (p *parser) environment() error {
	var env Environment
	count := func(into *int64) error {
		n, err := p.count()
		*into = n
		return err
	}
	ok, err := p.Object(environmentKeys.has, func(key string) error {
		switch key {
		case "os":
			return p.text(&env.OS)
		case "arch":
			return p.text(&env.Arch)
		case "cpu":
			return p.text(&env.CPU)
		case "cores":
			var n int64
			err := count(&n)
			env.Cores = int(n)
			return err
		case "memory":
			return count(&env.Memory)
		case "memory_limit":
			return count(&env.MemoryLimit)
		case "cpu_limit":
			v, err := p.quantity()
			if !math.IsNaN(v) {
				env.CPULimit = v
			}
			return err
		case "go":
			return p.text(&env.Go)
		case "host":
			return p.text(&env.Host)
		case "kernel":
			return p.text(&env.Kernel)
		case "virtual":
			return p.text(&env.Virtual)
		case "governor":
			return p.text(&env.Governor)
		case "turbo":
			return p.text(&env.Turbo)
		case "smt":
			return p.text(&env.SMT)
		case "aslr":
			return p.text(&env.ASLR)
		case "clock":
			return p.text(&env.Clock)
		case "counters":
			return p.text(&env.Counters)
		}
		return p.Skip()
	})
	if ok && env != (Environment{}) {
		p.run.Environment = &env
	}
	return err
}

func (p *parser) stage() (Stage, error) {
	var s Stage
	ok, err := p.Object(stageKeys.has, func(key string) (err error) {
		switch key {
		case "path":
			if err := p.text(&s.Path); err != nil {
				return err
			}
			if err := validName("path", s.Path); err != nil {
				return p.Fail("%v", err)
			}
		case "count":
			s.Count, err = p.count()
		case "failures":
			s.Failures, err = p.count()
		case "total":
			s.Total, err = p.seconds()
		case "self":
			s.Self, err = p.seconds()
		default:
			return p.Skip()
		}
		return err
	})
	if err == nil && (!ok || s.Path == "") {
		err = p.Fail("the stage has no path")
	}
	return s, err
}

// seconds is a quantity that reads null as 0.
func (p *parser) seconds() (float64, error) {
	v, err := p.quantity()
	if math.IsNaN(v) {
		v = 0
	}
	return v, err
}

// summary reads processing_metrics. It returns nil for null and for an object
// that says nothing.
func (p *parser) summary() (*Stats, error) {
	s := unknown()
	found := false
	_, err := p.Object(summaryKeys.has, func(key string) error {
		if key == "count" {
			n, err := p.count()
			s.Count = n
			return err
		}
		value := s.field(key)
		switch key {
		case "avg":
			value = &s.Mean
		case "median":
			value = &s.P50
		}
		if value == nil {
			return p.Skip()
		}
		v, err := p.quantity()
		if err == nil && !math.IsNaN(v) {
			found = true
			*value = v
		}
		return err
	})
	if err != nil || !found {
		return nil, err
	}
	return &s, nil
}

// metricsFromFlat makes metrics of the flat keys of a file without others.
func (p *parser) metricsFromFlat() {
	for _, f := range []struct {
		name, unit string
		better     Better
		value      float64
	}{
		{Startup, unit.Seconds, Lower, p.flat.startup},
		{MemoryPeak, unit.Bytes, Lower, p.flat.memory},
		{Speed, unit.Speed, Higher, p.flat.speed},
	} {
		if !math.IsNaN(f.value) {
			p.run.Metrics = append(p.run.Metrics, Metric{Name: f.name, Unit: f.unit, Better: f.better, Samples: []float64{f.value}})
		}
	}
	if p.flat.main != nil {
		if p.run.Main == "" {
			p.run.Main = Processing
		}
		// A main operation that takes the name of a flat key's metric would be
		// there twice.
		if p.run.Find(p.run.Main, nil) == nil {
			p.run.Metrics = append(p.run.Metrics, Metric{Name: p.run.Main, Unit: unit.Seconds, Better: Lower, Summary: p.flat.main})
		}
	}
}

// compareFlat warns where the flat keys say other than the metrics.
func (p *parser) compareFlat() {
	if len(p.flatAt) == 0 {
		return
	}
	derived := p.run.flat(func(i int) *Stats {
		s := p.run.Metrics[i].Stats()
		return &s
	})
	differ := func(key string, flat, of float64, metric string) {
		if _, there := p.flatAt[key]; !there || math.IsNaN(flat) {
			return
		}
		switch {
		case math.IsNaN(of):
			p.warn("%s: the metrics have no %s: the key is not used", key, metric)
		case math.Abs(flat-of) > 1e-6*math.Max(math.Abs(flat), math.Abs(of)):
			p.warn("%s: %v disagrees with the metric %s, which says %v and counts", key, flat, metric, of)
		}
	}
	differ("startup_time", p.flat.startup, derived.startup, Startup)
	differ("memory_usage", p.flat.memory, derived.memory, MemoryPeak)
	differ("processing_speed", p.flat.speed, derived.speed, Speed)
	if p.flat.main == nil {
		return
	}
	of := unknown()
	if derived.main != nil {
		of = *derived.main
	}
	flat, metric := p.flat.main.fields(), of.fields()
	for i, f := range flat {
		if before := len(p.run.Doubts); !math.IsNaN(*f.value) {
			differ("processing_metrics", *f.value, *metric[i].value, derived.mainIs+" "+f.name)
			if len(p.run.Doubts) > before {
				return // one doubt is enough
			}
		}
	}
}
