// Package gobench reads what go test -bench prints: the text, with or without
// -v, and the events of -json.
//
// A benchmark becomes a metric for each of its units, in which every line is a
// sample: Encode/size=1k in seconds, Encode/size=1k.allocs/op and so on, the
// name without "Benchmark", with its package as a label. See docs/formats.md.
package gobench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/run"
)

// Looks tells whether a file looks like benchmarks of Go.
func Looks(h *input.Head) bool {
	if h.Shape.Is("Action", "Package") || h.Shape.Is("ImportPath", "Action") {
		return true
	}
	config := false
	for _, line := range h.Lines() {
		if fields := strings.Fields(line); isResult(fields) {
			return true
		}
		config = config || strings.HasPrefix(line, "goos: ") || strings.HasPrefix(line, "pkg: ")
	}
	return config
}

// isResult tells whether the words of a line are name, iterations, value, unit.
func isResult(fields []string) bool {
	if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
		return false
	}
	_, errN := strconv.ParseUint(fields[1], 10, 63)
	_, errV := strconv.ParseFloat(fields[2], 64)
	return errN == nil && errV == nil
}

// Read reads a file, line by line, in memory that grows with the number of
// benchmarks alone.
func Read(src *input.Source) ([]run.Run, error) {
	r := &reader{b: input.NewBuilder(), benches: make(map[string]*bench), units: make(map[string]unitMeta),
		main: state{header: true}, packages: make(map[string]*stream)}
	lines := input.NewLines(src)
	for lines.Next() {
		r.line = lines.Number()
		switch text := lines.Text(); {
		case lines.Cut():
			r.b.Warn("line %d is longer than %d bytes: left out", r.line, input.MaxLine)
		case len(text) > 0 && text[0] == '{' && r.event(text):
		default:
			r.text(&r.main, text)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	for _, name := range r.order { // events that were cut off
		if s := r.packages[name]; len(s.partial) > 0 {
			r.text(&s.state, s.partial)
		}
	}
	if !r.b.Has() && len(r.b.Run.Failures) == 0 {
		return nil, src.Fail(0, "there is no result of a benchmark: expected lines such as BenchmarkName-8 1000 24130 ns/op")
	}
	r.name()
	whole, err := r.b.Finish()
	if err != nil {
		return nil, src.Fail(0, "%v", err)
	}
	return []run.Run{whole}, nil
}

// reader is the work on one file.
type reader struct {
	b    *input.Builder
	line int

	main     state
	packages map[string]*stream // of -json, by package
	order    []string

	benches map[string]*bench // by package, settings and name
	list    []*bench
	units   map[string]unitMeta
	fields  [][]byte
	key     []byte
	failed  bool // a line of FAIL was explained by one before it
}

// state is what lines have said before the one at hand.
type state struct {
	pkg    string
	config []setting // keys that this package does not know, in order
	id     []byte    // of both
	header bool      // in a place where settings stand
}

// setting is a line "key: value".
type setting struct{ key, value string }

// stream is the text of one package in the events of -json.
type stream struct {
	state
	partial []byte
}

// bench is one benchmark under one set of settings.
type bench struct {
	pkg      string
	config   []setting
	full     string // without "Benchmark"
	stem     string // without the number of processors
	procs    string // "8" of Encode-8; empty: none
	measures []measure
}

type measure struct {
	unit   string // as go test wrote it
	scale  input.Scale
	metric *input.Metric
}

// unitMeta is what a Unit line says.
type unitMeta struct {
	better run.Better
	exact  bool
}

// event reads one event of -json, and returns false if the line is none.
func (r *reader) event(text []byte) bool {
	var e struct {
		Time, Action, Package, Output, FailedBuild string
	}
	if json.Unmarshal(text, &e) != nil || e.Action == "" {
		return false
	}
	if r.b.Run.Timestamp.IsZero() && e.Time != "" {
		if at, err := input.Time(e.Time); err == nil {
			r.b.Run.Timestamp = at
		}
	}
	if e.Action != "output" {
		if e.Action == "fail" && e.FailedBuild != "" {
			r.failed = true
			r.b.Fail("package %s did not build", e.Package)
		}
		return true
	}
	s, ok := r.packages[e.Package]
	if !ok {
		if len(r.packages) >= input.MaxMetrics {
			return true
		}
		s = &stream{state: state{pkg: input.Clean(e.Package, 500), header: true}}
		s.identify()
		r.packages[e.Package] = s
		r.order = append(r.order, e.Package)
	}
	// A result comes in two events: its name, then its values.
	s.partial = append(s.partial, e.Output...)
	for {
		line, rest, ok := bytes.Cut(s.partial, []byte("\n"))
		if !ok {
			break
		}
		r.text(&s.state, bytes.TrimRight(line, "\r"))
		s.partial = append(s.partial[:0], rest...)
	}
	if len(s.partial) > input.MaxLine {
		s.partial = s.partial[:0]
	}
	return true
}

// text reads one line of what a test prints.
func (r *reader) text(s *state, line []byte) {
	if benchmark := bytes.HasPrefix(line, []byte("Benchmark")); benchmark {
		s.header = false
		r.result(s, line)
		return
	}
	trimmed := bytes.TrimSpace(line)
	switch {
	case len(trimmed) == 0, bytes.Equal(trimmed, []byte("PASS")), bytes.HasPrefix(line, []byte("ok  \t")):
		s.header = true
	case bytes.HasPrefix(trimmed, []byte("--- FAIL: ")):
		name, _, _ := bytes.Cut(trimmed[len("--- FAIL: "):], []byte(" "))
		r.failed = true
		r.b.Fail("%s failed%s", name, in(s.pkg))
		s.header = false
	case bytes.Equal(line, []byte("FAIL")), bytes.HasPrefix(line, []byte("FAIL\t")):
		s.header = true
		r.fail(string(line))
	case bytes.HasPrefix(line, []byte("panic: ")):
		r.failed = true
		r.b.Fail("a test panicked%s: %s", in(s.pkg), line[len("panic: "):])
	case bytes.HasPrefix(line, []byte("Unit ")):
		r.unit(string(line))
	case s.header:
		s.header = r.setting(s, line)
	}
}

func in(pkg string) string {
	if pkg == "" {
		return ""
	}
	return " in " + pkg
}

// fail reads FAIL, alone or with a package.
func (r *reader) fail(line string) {
	rest := strings.Fields(line)[1:]
	switch {
	case len(rest) > 1 && strings.HasPrefix(rest[1], "["):
		r.b.Fail("package %s: %s", rest[0], strings.Trim(strings.Join(rest[1:], " "), "[]"))
	case r.failed:
	case len(rest) > 0:
		r.b.Fail("package %s failed", rest[0])
	default:
		r.b.Fail("go test says FAIL")
	}
	r.failed = true
}

// setting reads "key: value", and returns false for any other line.
func (r *reader) setting(s *state, line []byte) bool {
	key, value, ok := bytes.Cut(line, []byte(":"))
	if !ok || len(key) == 0 || len(key) > 100 || len(value) > 0 && value[0] != ' ' && value[0] != '\t' {
		return false
	}
	if first, _ := utf8.DecodeRune(key); !unicode.IsLower(first) {
		return false
	}
	for _, c := range string(key) {
		if unicode.IsSpace(c) || unicode.IsUpper(c) {
			return false
		}
	}
	text := input.Clean(string(value), 500)
	switch key := string(key); key {
	case "goos":
		r.same("goos", &r.b.Environment().OS, text)
	case "goarch":
		r.same("goarch", &r.b.Environment().Arch, text)
	case "cpu":
		r.same("cpu", &r.b.Environment().CPU, text)
	case "commit":
		r.same(key, &r.b.Run.Commit, text)
	case "branch":
		r.same(key, &r.b.Run.Branch, text)
	case "pkg":
		s.pkg = text
	default:
		s.set(key, text)
	}
	s.identify()
	return true
}

// same notes a fact that holds for the file.
func (r *reader) same(key string, into *string, value string) {
	if *into != "" && *into != value {
		r.b.Warn("line %d: %s is %s, before it was %s: results of several origins in one file", r.line, key, value, *into)
		return
	}
	*into = value
}

// set notes a setting of the benchmarks that follow; an empty one ends it.
func (s *state) set(key, value string) {
	config := slices.DeleteFunc(slices.Clone(s.config), func(c setting) bool { return c.key == key })
	if value != "" && len(config) < run.MaxLabels {
		config = append(config, setting{key, value})
	}
	s.config = config
}

// identify makes the part of a benchmark's identity that is not its name.
func (s *state) identify() {
	s.id = append(s.id[:0], s.pkg...)
	for _, c := range s.config {
		s.id = fmt.Appendf(s.id, "\x00%s\x01%s", c.key, c.value)
	}
	s.id = append(s.id, 0)
}

// unit reads "Unit ns/op better=lower assume=exact".
func (r *reader) unit(line string) {
	fields := strings.Fields(line)
	if len(fields) < 3 {
		r.b.Warn("line %d: %q says nothing of a unit", r.line, line)
		return
	}
	meta := r.units[fields[1]]
	for _, word := range fields[2:] {
		switch word {
		case "better=higher":
			meta.better = run.Higher
		case "better=lower":
			meta.better = run.Lower
		case "assume=exact":
			meta.exact = true
		case "assume=nothing":
			meta.exact = false
		}
	}
	if len(r.units) < 1000 {
		r.units[fields[1]] = meta
	}
}

// result reads the line of a benchmark.
func (r *reader) result(s *state, line []byte) {
	r.fields = appendFields(r.fields[:0], line)
	name := r.fields[0]
	if len(r.fields) == 1 {
		return // -v: the name alone comes first
	}
	bad := func(format string, args ...any) {
		r.b.Warn("line %d: %s: %s", r.line, name, fmt.Sprintf(format, args...))
	}
	if n, err := strconv.ParseInt(string(r.fields[1]), 10, 64); err != nil || n < 0 {
		bad("%q is no number of iterations", r.fields[1])
		return
	}
	if len(r.fields)%2 != 0 {
		bad("expected values, each with its unit")
		return
	}
	b := r.bench(s, name)
	if b == nil {
		return
	}
	for i := 2; i < len(r.fields); i += 2 {
		v, err := strconv.ParseFloat(string(r.fields[i]), 64)
		if err != nil {
			bad("%q is no number", r.fields[i])
			continue
		}
		m, err := r.measure(b, r.fields[i+1])
		if err == nil {
			err = m.metric.Add(m.scale.Apply(v))
		}
		if err != nil {
			bad("%v", err)
		}
	}
}

// bench returns the benchmark of that name, nil if the name is no good.
func (r *reader) bench(s *state, name []byte) *bench {
	r.key = append(append(r.key[:0], s.id...), name...)
	if b, ok := r.benches[string(r.key)]; ok {
		return b
	}
	full := strings.TrimPrefix(string(name), "Benchmark")
	if full == "" {
		full = "Benchmark"
	}
	if clean := input.Name(full); clean != full || len(r.list) >= input.MaxMetrics {
		r.b.Warn("line %d: %s: the name cannot be one, or there are too many: left out", r.line, full)
		return nil
	}
	b := &bench{pkg: s.pkg, config: s.config, full: full, stem: full}
	if i := strings.LastIndexByte(full, '-'); i > 0 {
		if n, err := strconv.Atoi(full[i+1:]); err == nil && n > 1 && full[i+1] != '0' && full[i+1] != '+' {
			b.stem, b.procs = full[:i], full[i+1:]
		}
	}
	r.benches[string(r.key)] = b
	r.list = append(r.list, b)
	return b
}

// measure returns the metric of one unit of a benchmark. It gets its name when
// the whole file is known.
func (r *reader) measure(b *bench, unit []byte) (*measure, error) {
	for i := range b.measures {
		if b.measures[i].unit == string(unit) {
			return &b.measures[i], nil
		}
	}
	if len(b.measures) >= 1000 {
		return nil, fmt.Errorf("more than 1000 units")
	}
	word := string(unit)
	base, scale := baseOf(word)
	if clean := input.Clean(word, 100); clean != word {
		return nil, fmt.Errorf("%q is no unit", clean)
	}
	m, err := r.b.Metric(fmt.Sprintf("%s#%d", b.full, len(r.list)), base, map[string]string{"": "", "of": word, "pkg": b.pkg, "config": fmt.Sprint(b.config)})
	if err != nil {
		return nil, err
	}
	b.measures = append(b.measures, measure{word, scale, m})
	return &b.measures[len(b.measures)-1], nil
}

// appendFields is bytes.Fields into a slice that is used again.
func appendFields(fields [][]byte, line []byte) [][]byte {
	for i := 0; i < len(line); {
		if line[i] == ' ' || line[i] == '\t' {
			i++
			continue
		}
		from := i
		for i < len(line) && line[i] != ' ' && line[i] != '\t' {
			i++
		}
		fields = append(fields, line[from:i])
	}
	return fields
}
