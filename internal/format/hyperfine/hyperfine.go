// Package hyperfine reads what hyperfine exports: JSON and CSV.
//
// What it measures of a process is what pacer run measures, and has the same
// names: process.wall, with a sample for each run, process.memory.peak, and the
// means process.cpu.user and process.cpu.system. The command and its
// parameters are labels. See docs/formats.md.
package hyperfine

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// result is one command of the file; seconds and bytes.
type result struct {
	Command                                      string
	Mean, Stddev, Median, User, System, Min, Max *input.Number
	Times                                        []float64
	Memory                                       []float64 `json:"memory_usage_byte"`
	ExitCodes                                    []*int    `json:"exit_codes"`
	Parameters                                   input.Strings
}

// Looks tells whether a file looks like an export of hyperfine.
func Looks(h *input.Head) bool {
	if h.Shape.Is("results[].command") && h.Shape.Has("results[].mean", "results[].times") {
		return true
	}
	lines := h.Lines()
	return len(lines) > 0 && strings.HasPrefix(lines[0], "command,mean,stddev,median,user,system,min,max")
}

// Read reads an export of either kind.
func Read(src *input.Source) ([]run.Run, error) {
	doc, err := input.Read(src)
	if err != nil {
		return nil, err
	}
	f := &file{b: input.NewBuilder(), doc: doc}
	if text := strings.TrimSpace(string(doc.Text()[:min(len(doc.Text()), 100)])); strings.HasPrefix(text, "command,") {
		err = f.csv(src)
	} else {
		err = f.json()
	}
	if err != nil {
		return nil, err
	}
	r, err := f.b.Finish()
	if err != nil {
		return nil, src.Fail(0, "%v", err)
	}
	return []run.Run{r}, nil
}

type file struct {
	b   *input.Builder
	doc *input.Document
}

func (f *file) json() error {
	var in struct{ Results []result }
	if err := f.doc.Decode(&in); err != nil {
		return err
	}
	if len(in.Results) == 0 {
		return f.doc.Fail("", "there are no results")
	}
	for i := range in.Results {
		key := fmt.Sprintf("results[%d]", i)
		if err := f.add(&in.Results[i]); err != nil {
			return f.doc.Fail(key, "%v", err)
		}
	}
	return nil
}

// add takes one command.
func (f *file) add(r *result) error {
	if r.Command == "" {
		return errors.New("the command is missing")
	}
	labels := map[string]string{"command": input.Name(r.Command)}
	for k, v := range r.Parameters {
		if k == "command" {
			k = "parameter.command"
		}
		labels[k] = v
	}
	m, err := f.b.Metric("process.wall", unit.Seconds, labels)
	if err != nil {
		return err
	}
	m.Better = run.Lower
	if len(r.Times) > 0 {
		err = m.Add(r.Times...)
	} else {
		s := run.NewStats()
		s.Mean, s.Stddev, s.P50, s.Min, s.Max = r.Mean.Or(), r.Stddev.Or(), r.Median.Or(), r.Min.Or(), r.Max.Or()
		err = m.Summarise(*s)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", r.Command, err)
	}
	for _, cpu := range []struct {
		name string
		mean *input.Number
	}{{"process.cpu.user", r.User}, {"process.cpu.system", r.System}} {
		if !cpu.mean.Known() {
			continue
		}
		m, err := f.b.Metric(cpu.name, unit.Seconds, labels)
		if err != nil {
			return err
		}
		m.Better = run.Lower
		s := run.NewStats()
		s.Count, s.Mean = int64(len(r.Times)), cpu.mean.Or()
		// Short commands round to less than nothing once the shell is taken off.
		s.Mean = math.Max(s.Mean, 0)
		if err := m.Summarise(*s); err != nil {
			return fmt.Errorf("%s: %s: %w", r.Command, cpu.name, err)
		}
	}
	if len(r.Memory) > 0 {
		m, err := f.b.Metric("process.memory.peak", unit.Bytes, labels)
		if err != nil {
			return err
		}
		m.Better = run.Lower
		if err := m.Add(r.Memory...); err != nil {
			return fmt.Errorf("%s: memory_usage_byte: %w", r.Command, err)
		}
	}
	f.exits(r)
	return nil
}

// exits notes runs that did not end well, which hyperfine keeps only if it was
// told to ignore them.
func (f *file) exits(r *result) {
	bad, which := 0, ""
	for _, code := range r.ExitCodes {
		switch {
		case code == nil:
			bad++
			which = "killed by a signal"
		case *code != 0:
			bad++
			which = "exit status " + strconv.Itoa(*code)
		}
	}
	if bad > 0 {
		f.b.Warn("%s: %d of %d runs failed (%s), as hyperfine was told to ignore", r.Command, bad, len(r.ExitCodes), which)
	}
}

// csv reads the export as CSV, which has no single runs.
func (f *file) csv(src *input.Source) error {
	in := csv.NewReader(strings.NewReader(string(f.doc.Text())))
	header, err := in.Read()
	for n := 0; err == nil; n++ {
		var record []string
		if record, err = in.Read(); err != nil {
			break
		}
		line, _ := in.FieldPos(0)
		r := result{Parameters: make(input.Strings)}
		into := map[string]**input.Number{"mean": &r.Mean, "stddev": &r.Stddev, "median": &r.Median, "user": &r.User, "system": &r.System, "min": &r.Min, "max": &r.Max}
		for i, name := range header {
			switch to, ok := into[name]; {
			case name == "command":
				r.Command = record[i]
			case ok && record[i] == "":
			case ok:
				v, err := strconv.ParseFloat(record[i], 64)
				if err != nil {
					return src.Fail(line, "%q is no number (column %s)", input.Clean(record[i], 40), name)
				}
				number := input.Number(v)
				*to = &number
			case strings.HasPrefix(name, "parameter_"):
				r.Parameters[name[len("parameter_"):]] = record[i]
			}
		}
		if err := f.add(&r); err != nil {
			return src.Fail(line, "%v", err)
		}
	}
	var syntax *csv.ParseError
	switch {
	case errors.As(err, &syntax):
		return src.Fail(syntax.Line, "%v", syntax.Err)
	case !errors.Is(err, io.EOF):
		return src.Fail(0, "%v", err)
	case !f.b.Has():
		return src.Fail(1, "there are no rows below the header")
	}
	return nil
}
