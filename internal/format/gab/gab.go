// Package gab reads what github-action-benchmark reads and keeps: the list of
// customSmallerIsBetter and customBiggerIsBetter, and the history in data.js.
//
// An entry becomes a metric of its name. Which direction is better is not in a
// list but in the name of the tool, which is that of the format here; in a
// history it is with every run. A history becomes its runs, one for each commit
// and suite. See docs/formats.md.
package gab

import (
	"bytes"
	"fmt"
	"math"
	"path"
	"strconv"
	"strings"

	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/run"
)

// Looks tells whether a file looks like either.
func Looks(h *input.Head) bool {
	if bytes.Contains(h.Text[:min(len(h.Text), 1000)], []byte(prefix)) {
		return true
	}
	return h.Shape.Is("[].name", "[].unit", "[].value") || h.Shape.Is("entries", "lastUpdate")
}

const prefix = "window.BENCHMARK_DATA"

// entry is one value.
type entry struct {
	Name, Unit string
	Value      *input.Number
	Range      any // a text for people, sometimes a number
}

// Read reads a list or a history. In a list, the units tell what is better.
func Read(src *input.Source) ([]run.Run, error) { return read(src, "") }

// ReadSmaller reads a list in which smaller values are better.
func ReadSmaller(src *input.Source) ([]run.Run, error) { return read(src, run.Lower) }

// ReadBigger reads a list in which bigger values are better.
func ReadBigger(src *input.Source) ([]run.Run, error) { return read(src, run.Higher) }

func read(src *input.Source, better run.Better) ([]run.Run, error) {
	doc, err := input.Read(src)
	if err != nil {
		return nil, err
	}
	text := bytes.TrimSpace(doc.Text())
	if !bytes.HasPrefix(text, []byte("[")) {
		return history(src, doc)
	}
	var in []entry
	if err := doc.Decode(&in); err != nil {
		return nil, err
	}
	if len(in) == 0 {
		return nil, doc.Fail("", "there are no entries")
	}
	b := input.NewBuilder()
	unknown := 0
	for i := range in {
		m, err := add(b, &in[i], better, "")
		if err != nil {
			return nil, doc.Fail(fmt.Sprintf("[%d]", i), "%v", err)
		}
		if m.Direction() == "" {
			unknown++
		}
	}
	if unknown > 0 {
		b.Warn("of %d of %d metrics the unit does not tell whether lower or higher is better: import the file with --format customSmallerIsBetter or customBiggerIsBetter", unknown, len(in))
	}
	r, err := b.Finish()
	if err != nil {
		return nil, doc.Fail("", "%v", err)
	}
	return []run.Run{r}, nil
}

// add takes one value.
func add(b *input.Builder, e *entry, better run.Better, tool string) (*input.Metric, error) {
	if !e.Value.Known() {
		return nil, fmt.Errorf("%s: the value is no number", input.Clean(e.Name, 100))
	}
	base, scale := input.Unit(e.Unit)
	m, err := b.Metric(input.Name(e.Name), base, nil)
	if err != nil {
		return nil, err
	}
	m.Better = better
	v := scale.Apply(e.Value.Or())
	// The range of pytest is in seconds, its value in iterations a second.
	around := deviation(e.Range, e.Value.Or())
	if math.IsNaN(around) || tool == "pytest" {
		return m, named(e, m.Add(v))
	}
	s := run.NewStats()
	s.Mean = v
	s.Interval = &[2]float64{scale.Apply(e.Value.Or() - around), scale.Apply(e.Value.Or() + around)}
	return m, named(e, m.Summarise(*s))
}

func named(e *entry, err error) error {
	if err != nil {
		err = fmt.Errorf("%s: %w", input.Clean(e.Name, 100), err)
	}
	return err
}

// deviation reads the text of a range: "± 3%", "+/- 2,802", "2.1". It returns
// NaN for any other.
func deviation(text any, value float64) float64 {
	s, ok := text.(string)
	if n, isNumber := text.(float64); isNumber {
		return math.Abs(n)
	}
	if !ok {
		return math.NaN()
	}
	s = strings.TrimSpace(s)
	for _, sign := range []string{"±", "+/-", "+-"} {
		s = strings.TrimSpace(strings.TrimPrefix(s, sign))
	}
	s, percent := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(strings.ReplaceAll(strings.TrimSpace(s), ",", ""), 64)
	switch {
	case err != nil || math.IsInf(v, 0):
		return math.NaN()
	case percent:
		return math.Abs(value * v / 100)
	}
	return math.Abs(v)
}

// record is what a history has of one commit and suite.
type record struct {
	Commit struct{ ID, Timestamp string }
	Date   *input.Number // milliseconds
	Tool   string
	// Benches may be nothing in files that were edited.
	Benches []entry
}

// history reads data.js.
func history(src *input.Source, doc *input.Document) ([]run.Run, error) {
	// What is no JSON becomes space, so that places stay right.
	text := bytes.Clone(doc.Text())
	if open := bytes.IndexByte(text, '{'); open > 0 && bytes.Contains(text[:open], []byte(prefix)) {
		for i := range open {
			if text[i] != '\n' {
				text[i] = ' '
			}
		}
	}
	if end := bytes.TrimRight(text, " \t\r\n"); bytes.HasSuffix(end, []byte(";")) {
		text[len(end)-1] = ' '
	}
	doc = input.NewDocument(src.Name, text)
	var in struct {
		RepoURL string
		Entries map[string][]record
	}
	if err := doc.Decode(&in); err != nil {
		return nil, err
	}
	app := path.Base(in.RepoURL)
	if in.RepoURL == "" {
		app = ""
	}
	var runs []run.Run
	for suite, records := range in.Entries {
		for i := range records {
			key := fmt.Sprintf("entries.%s[%d]", suite, i)
			r, err := of(&records[i], app, suite)
			if err != nil {
				return nil, doc.Fail(key, "%v", err)
			}
			if runs = append(runs, r); len(runs) > input.MaxRuns {
				return nil, doc.Fail(key, "more than %d runs", input.MaxRuns)
			}
		}
	}
	if len(runs) == 0 {
		return nil, doc.Fail("", "there are no entries")
	}
	input.Sort(runs)
	return runs, nil
}

// of makes the run of one record.
func of(rec *record, app, suite string) (run.Run, error) {
	b := input.NewBuilder()
	b.Run.App, b.Run.Commit = app, rec.Commit.ID
	b.Label("suite", suite)
	if rec.Date.Known() {
		b.Run.Timestamp = input.Milliseconds(rec.Date.Or())
	}
	if at, err := input.Time(rec.Commit.Timestamp); err == nil && b.Run.Timestamp.IsZero() {
		b.Run.Timestamp = at
	}
	for i := range rec.Benches {
		e := &rec.Benches[i]
		if !e.Value.Known() {
			b.Warn("%s has no number", e.Name)
			continue
		}
		if _, err := add(b, e, better(rec.Tool, e.Unit), rec.Tool); err != nil {
			return run.Run{}, err
		}
	}
	return b.Finish()
}

// better is the direction that a tool's values have, for all but those whose
// unit tells.
func better(tool, word string) run.Better {
	base, _ := input.Unit(word)
	m := run.Metric{Unit: base}
	switch tool {
	case "customBiggerIsBetter", "benchmarkjs", "pytest":
		return run.Higher
	case "customSmallerIsBetter":
		return run.Lower
	case "jmh": // the action takes all of them for smaller
		return m.Direction()
	}
	if d := m.Direction(); d != "" {
		return d
	}
	return run.Lower
}
