// Package criterion reads what Criterion.rs leaves behind: what it prints, the
// bencher format of it and of libtest, the messages of cargo criterion, and the
// files under target/criterion, singly or the whole folder.
//
// A benchmark becomes a metric by its id, in seconds, with the time of an
// iteration of every sample where the file has them, else with the estimate and
// its interval. A throughput is name.thrpt. See docs/formats.md.
package criterion

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/jsonscan"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

var (
	timeLine    = regexp.MustCompile(`^(.*?)\s*time:\s+\[([0-9.]+) (ps|ns|us|µs|μs|ms|s) ([0-9.]+) (ps|ns|us|µs|μs|ms|s) ([0-9.]+) (ps|ns|us|µs|μs|ms|s)\]`)
	thrptLine   = regexp.MustCompile(`^\s+thrpt:\s+\[([0-9.]+) (\S+/s) ([0-9.]+) (\S+/s) ([0-9.]+) (\S+/s)\]`)
	bencherLine = regexp.MustCompile(`^test (.+?)\s+\.\.\. bench:\s+([0-9.,]+) ([a-zµ]+)/iter \(\+/- ([0-9.,]+)\)(?: = ([0-9.,]+) MB/s)?`)
	failedLine  = regexp.MustCompile(`^test (.+?)\s+\.\.\. FAILED`)
)

// Looks tells whether a file looks like one of them.
func Looks(h *input.Head) bool {
	s := h.Shape
	switch {
	case s.Is("reason"): // messages, those of the compiler among them
		return bytes.Contains(h.Text, []byte(`"benchmark-complete"`))
	case s.Is("iters", "times"), s.Is("mean.point_estimate"), s.Is("Mean.point_estimate"):
		return true
	case s.Kind != jsonscan.End:
		return false
	}
	for _, line := range h.Lines() {
		if timeLine.MatchString(line) || bencherLine.MatchString(line) {
			return true
		}
	}
	return false
}

// Read reads a file of any of the kinds.
func Read(src *input.Source) ([]run.Run, error) {
	r := &reader{b: input.NewBuilder(), src: src}
	lines := input.NewLines(src)
	var whole []byte // of a JSON document on its own
	begun := false
	for lines.Next() {
		text := lines.Text()
		if trimmed := bytes.TrimSpace(text); !begun && len(trimmed) > 0 {
			begun = true
			if trimmed[0] == '{' && !bytes.Contains(trimmed, []byte(`"reason"`)) {
				whole = []byte{}
			}
		}
		if whole != nil {
			if whole = append(append(whole, text...), '\n'); len(whole) > input.MaxJSON || lines.Cut() {
				return nil, src.Fail(lines.Number(), "the document is too large")
			}
			continue
		}
		if err := r.line(lines.Number(), text); err != nil {
			r.b.Warn("line %d: %v: left out", lines.Number(), err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if whole != nil {
		if err := r.single(input.NewDocument(src.Name, whole)); err != nil {
			return nil, err
		}
	}
	return r.finish()
}

// LooksFolder tells whether a folder is target/criterion, or one inside it.
func LooksFolder(files fs.FS) bool {
	found := false
	fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && (strings.HasSuffix(name, "/estimates.json") || name == "estimates.json") {
			found = true
			return fs.SkipAll
		}
		return nil
	})
	return found
}

// ReadFolder reads the newest results under a folder: those in folders new.
func ReadFolder(files fs.FS, name string) ([]run.Run, error) {
	r := &reader{b: input.NewBuilder(), src: &input.Source{Name: name}}
	err := fs.WalkDir(files, ".", func(file string, d fs.DirEntry, err error) error {
		dir, base := path.Split(file)
		if err != nil || base != "estimates.json" || path.Base(dir) != "new" && dir != "" {
			return err
		}
		read := func(name string) []byte {
			text, _ := fs.ReadFile(files, path.Join(dir, name))
			return text
		}
		what := identify(read("benchmark.json"), path.Join(name, file))
		doc := input.NewDocument(path.Join(name, dir, "sample.json"), read("sample.json"))
		if len(doc.Text()) > 0 {
			return r.sample(doc, what)
		}
		return r.estimates(input.NewDocument(path.Join(name, file), read(base)), what)
	})
	if err != nil {
		return nil, err
	}
	return r.finish()
}

type reader struct {
	b        *input.Builder
	src      *input.Source
	last     string // line before this one, if a name may stand there
	name     string // of the benchmark whose times were read last
	inChange bool   // in the lines on what changed since the last run
}

func (r *reader) finish() ([]run.Run, error) {
	if !r.b.Has() && len(r.b.Run.Failures) == 0 {
		return nil, r.src.Fail(0, "there is no result of Criterion")
	}
	whole, err := r.b.Finish()
	if err != nil {
		return nil, r.src.Fail(0, "%v", err)
	}
	return []run.Run{whole}, nil
}

// metric returns a metric of a benchmark.
func (r *reader) metric(name, base string, better run.Better) (*input.Metric, error) {
	m, err := r.b.Metric(input.Name(name), base, nil)
	if err == nil {
		m.Better = better
	}
	return m, err
}

// estimate takes an estimate and the interval around it.
func (r *reader) estimate(name, base string, better run.Better, low, middle, high float64) error {
	m, err := r.metric(name, base, better)
	if err != nil {
		return err
	}
	s := run.NewStats()
	s.Mean, s.Interval = middle, &[2]float64{low, high}
	return m.Summarise(*s)
}

// line reads a line of what is printed, or a message.
func (r *reader) line(number int, raw []byte) error {
	if trimmed := bytes.TrimSpace(raw); len(trimmed) > 0 && trimmed[0] == '{' {
		return r.message(trimmed)
	}
	line := strings.TrimRight(string(raw), " ")
	indented := strings.HasPrefix(line, " ")
	before := r.last
	r.last = ""
	if !indented {
		r.inChange, r.last = false, line
	}
	if strings.TrimSpace(line) == "change:" {
		r.inChange = true
		return nil
	}
	if m := timeLine.FindStringSubmatch(line); m != nil && !r.inChange {
		name := strings.TrimSpace(m[1])
		if indented || name == "" {
			name = strings.TrimSpace(before)
		}
		r.name = name
		v := [3]float64{}
		for i := range v {
			n, _ := strconv.ParseFloat(m[2+2*i], 64)
			_, scale := input.Unit(m[3+2*i])
			v[i] = scale.Apply(n)
		}
		return r.estimate(name, unit.Seconds, run.Lower, v[0], v[1], v[2])
	}
	if m := thrptLine.FindStringSubmatch(line); m != nil && !r.inChange && r.name != "" {
		v, base := [3]float64{}, ""
		for i := range v {
			n, _ := strconv.ParseFloat(m[1+2*i], 64)
			var scale input.Scale
			base, scale = throughput(m[2+2*i])
			v[i] = scale.Apply(n)
		}
		return r.estimate(r.name+".thrpt", base, run.Higher, v[0], v[1], v[2])
	}
	if m := bencherLine.FindStringSubmatch(line); m != nil {
		return r.bencher(m)
	}
	if m := failedLine.FindStringSubmatch(line); m != nil {
		r.b.Fail("%s failed", m[1])
	}
	if strings.Contains(line, "panicked at") {
		r.b.Fail("%s", line)
	}
	return nil
}

// bencher reads "test NAME ... bench: 12,345 ns/iter (+/- 67)".
func (r *reader) bencher(m []string) error {
	number := func(s string) float64 {
		v, _ := strconv.ParseFloat(strings.ReplaceAll(s, ",", ""), 64)
		return v
	}
	_, scale := input.Unit(m[3])
	v, around := number(m[2]), number(m[4])
	// What is printed is the median, and the distance between the ends of its
	// interval.
	metric, err := r.metric(m[1], unit.Seconds, run.Lower)
	if err != nil {
		return err
	}
	s := run.NewStats()
	s.P50, s.Interval = scale.Apply(v), &[2]float64{scale.Apply(v - around/2), scale.Apply(v + around/2)}
	if err := metric.Summarise(*s); err != nil || m[5] == "" {
		return err
	}
	speed, err := r.metric(m[1]+".thrpt", "bytes/s", run.Higher)
	if err != nil {
		return err
	}
	return speed.Add(number(m[5]) * 1e6)
}

// throughput reads the units of a throughput. Elements are counted in
// thousands, bytes in 1,024, but those named KB in thousands too.
func throughput(word string) (string, input.Scale) {
	top, _, _ := strings.Cut(word, "/")
	for _, u := range []struct {
		name, base string
		times      float64
	}{
		{"elem", "elements/s", 1}, {"Kelem", "elements/s", 1e3}, {"Melem", "elements/s", 1e6}, {"Gelem", "elements/s", 1e9},
		{"KB", "bytes/s", 1e3}, {"MB", "bytes/s", 1e6}, {"GB", "bytes/s", 1e9},
		{"B", "bytes/s", 1}, {"KiB", "bytes/s", 1 << 10}, {"MiB", "bytes/s", 1 << 20}, {"GiB", "bytes/s", 1 << 30},
	} {
		if u.name == top {
			return u.base, input.Scale{Times: u.times, By: 1}
		}
	}
	return word, input.One
}

// message reads a message of cargo criterion.
func (r *reader) message(text []byte) error {
	var in struct {
		Reason     string
		ID         string
		Iterations []float64 `json:"iteration_count"`
		Values     []float64 `json:"measured_values"`
		Unit       string
		Throughput []struct {
			PerIteration float64 `json:"per_iteration"`
			Unit         string
		}
		Typical, Mean, Median *struct {
			Estimate, Lower, Upper *input.Number
			LowerBound             *input.Number `json:"lower_bound"`
			UpperBound             *input.Number `json:"upper_bound"`
			Unit                   string
		}
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return fmt.Errorf("the message does not read: %w", err)
	}
	if in.Reason != "benchmark-complete" {
		return nil // of a group, or of the compiler
	}
	base, scale := input.Unit(in.Unit)
	if len(in.Values) == 0 || len(in.Values) != len(in.Iterations) {
		t := in.Typical
		if t == nil || !t.Estimate.Known() {
			return fmt.Errorf("%s has no values", in.ID)
		}
		base, scale := input.Unit(t.Unit)
		return r.estimate(in.ID, base, run.Lower, scale.Apply(t.LowerBound.Or()), scale.Apply(t.Estimate.Or()), scale.Apply(t.UpperBound.Or()))
	}
	what := benchmark{id: in.ID}
	if len(in.Throughput) > 0 {
		what.per, what.of = in.Throughput[0].PerIteration, in.Throughput[0].Unit
	}
	return r.samples(what, base, scale, in.Iterations, in.Values)
}

// benchmark is what is known of one beside its times.
type benchmark struct {
	id  string
	per float64 // bytes or elements in an iteration; 0: not said
	of  string  // bytes, elements
}

// identify reads benchmark.json; without it, the path of a file tells the id.
func identify(text []byte, file string) benchmark {
	var in struct {
		FullID     string `json:"full_id"`
		Throughput any
	}
	b := benchmark{}
	if json.Unmarshal(text, &in) == nil {
		b.id = in.FullID
		if t, ok := in.Throughput.(map[string]any); ok {
			for key, v := range t {
				if n, ok := v.(float64); ok {
					b.per = n
					b.of = strings.ToLower(strings.TrimSuffix(key, "Decimal"))
				}
			}
		}
	}
	if b.id == "" {
		// target/criterion/GROUP/ID/new/estimates.json
		inside := path.Dir(strings.ReplaceAll(file, `\`, "/"))
		dir := path.Dir(inside)
		switch i := strings.LastIndex("/"+dir, "/criterion/"); {
		case path.Base(inside) != "new" && path.Base(inside) != "base":
			b.id = "benchmark"
		case i >= 0:
			b.id = dir[i+len("criterion/"):]
		default:
			b.id = path.Base(dir)
		}
	}
	return b
}

// samples takes the time of an iteration of each sample.
func (r *reader) samples(what benchmark, base string, scale input.Scale, iterations, values []float64) error {
	m, err := r.metric(what.id, base, run.Lower)
	if err != nil {
		return err
	}
	var speed *input.Metric
	if what.per > 0 && (what.of == "bytes" || what.of == "elements") {
		if speed, err = r.metric(what.id+".thrpt", what.of+"/s", run.Higher); err != nil {
			return err
		}
	}
	for i, n := range iterations {
		if !(n > 0) {
			return fmt.Errorf("%s: sample %d has %v iterations", what.id, i, n)
		}
		v := scale.Apply(values[i] / n)
		if err := m.Add(v); err != nil {
			return fmt.Errorf("%s: sample %d: %w", what.id, i, err)
		}
		if speed != nil && v > 0 {
			if err := speed.Add(what.per / v); err != nil {
				return fmt.Errorf("%s: sample %d: %w", what.id, i, err)
			}
		}
	}
	return nil
}

// single reads sample.json or estimates.json.
func (r *reader) single(doc *input.Document) error {
	what := identify(r.src.Beside("benchmark.json"), r.src.Name)
	if input.NewHead(doc.Text()).Shape.Is("iters", "times") {
		return r.sample(doc, what)
	}
	if sample := r.src.Beside("sample.json"); len(sample) > 0 {
		return r.sample(input.NewDocument("sample.json beside "+r.src.Name, sample), what)
	}
	return r.estimates(doc, what)
}

func (r *reader) sample(doc *input.Document, what benchmark) error {
	var in struct{ Iters, Times []float64 }
	if err := doc.Decode(&in); err != nil {
		return err
	}
	if len(in.Iters) == 0 || len(in.Iters) != len(in.Times) {
		return doc.Fail("", "%d iterations and %d times: expected as many of both", len(in.Iters), len(in.Times))
	}
	if err := r.samples(what, unit.Seconds, nanoseconds, in.Iters, in.Times); err != nil {
		return doc.Fail("times", "%v", err)
	}
	return nil
}

var nanoseconds = input.Scale{Times: 1, By: 1e9}

// estimation is one statistic with its interval.
type estimation struct {
	Interval struct {
		Lower *input.Number `json:"lower_bound"`
		Upper *input.Number `json:"upper_bound"`
	} `json:"confidence_interval"`
	Point *input.Number `json:"point_estimate"`
}

func (r *reader) estimates(doc *input.Document, what benchmark) error {
	var in struct {
		Mean, Median, Slope *estimation
		StdDev              *estimation `json:"std_dev"`
		OldStdDev           *estimation `json:"StdDev"`
	}
	if err := doc.Decode(&in); err != nil {
		return err
	}
	if in.StdDev == nil {
		in.StdDev = in.OldStdDev
	}
	if in.Mean == nil || in.StdDev == nil {
		return doc.Fail("", "these are no estimates of times: expected mean and std_dev, as in new/estimates.json (those in change/ are fractions)")
	}
	s := run.NewStats()
	s.Mean, s.Stddev = nanoseconds.Apply(in.Mean.Point.Or()), nanoseconds.Apply(in.StdDev.Point.Or())
	if in.Median != nil {
		s.P50 = nanoseconds.Apply(in.Median.Point.Or())
	}
	around := in.Mean
	if in.Slope != nil { // as Criterion prints: the slope where there is one
		around = in.Slope
	}
	if in := around.Interval; in.Lower.Known() && in.Upper.Known() {
		s.Interval = &[2]float64{nanoseconds.Apply(in.Lower.Or()), nanoseconds.Apply(in.Upper.Or())}
	}
	m, err := r.metric(what.id, unit.Seconds, run.Lower)
	if err == nil {
		err = m.Summarise(*s)
	}
	if err != nil {
		return doc.Fail("", "%v", err)
	}
	return nil
}
