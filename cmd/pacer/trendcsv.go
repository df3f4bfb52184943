package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// csvColumn is a column of metrics: its values by row, NaN where the cell is
// empty.
type csvColumn struct {
	metric report.TrendMetric
	scale  input.Scale // of the cells, to the metric's unit
	values []float64
}

// csvTable is a file of metrics: a header, then a row for each run.
type csvTable struct {
	file    string
	special map[string]int // the columns time, version and commit
	columns []*csvColumn   // nil: a special one, or one without a name
	rows    []report.TrendPoint
}

// csvError is a fault in a file.
func (t *csvTable) error(line, column int, format string, args ...any) error {
	return fmt.Errorf("%s:%d:%d: %s", t.file, line, column, fmt.Sprintf(format, args...))
}

// readCSV reads a file with a column for each metric, a header line, and
// optional columns time, version and commit. Rows with times are put in their
// order, those of one time stay as they are. The error says file, line and
// column.
func readCSV(r io.Reader, file string) ([]report.TrendMetric, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	t := &csvTable{file: file, special: make(map[string]int)}
	switch {
	case bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")):
		return nil, t.error(1, 1, "the text is UTF-16: save it as UTF-8")
	case bytes.IndexByte(text, 0) >= 0:
		return nil, t.error(1, 1, "this is no text")
	}
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	in.FieldsPerRecord, in.TrimLeadingSpace, in.ReuseRecord = -1, true, true
	for n := 0; ; n++ {
		record, err := in.Read()
		var syntax *csv.ParseError
		switch {
		case err == io.EOF && n == 0:
			return nil, t.error(1, 1, "the file is empty: expected a header line with names")
		case err == io.EOF:
			return t.metrics(), nil
		case errors.As(err, &syntax):
			return nil, t.error(syntax.Line, syntax.Column, "%v", syntax.Err)
		case err != nil:
			return nil, fmt.Errorf("reading %s: %w", file, err)
		case n == 0:
			err = t.header(record, in.FieldPos)
		default:
			err = t.row(record, in.FieldPos)
		}
		if err != nil {
			return nil, err
		}
	}
}

// header reads the names and units of the columns.
func (t *csvTable) header(record []string, at func(int) (int, int)) error {
	if len(record) == 1 && strings.ContainsAny(record[0], ";\t") {
		line, column := at(0)
		return t.error(line, column, "the cells are separated by %q: expected commas", record[0][strings.IndexAny(record[0], ";\t")])
	}
	seen := make(map[string]bool)
	for i, name := range record {
		line, column := at(i)
		name = strings.TrimSpace(name)
		if name == "" {
			t.columns = append(t.columns, nil)
			continue
		}
		if _, err := strconv.ParseFloat(name, 64); err == nil {
			return t.error(line, column, "found the number %s: expected a header line with names", name)
		}
		name, base, scale := input.NameAndUnit(name)
		if identity := name + "\x00" + base; seen[identity] {
			return t.error(line, column, "the column %s is there twice", name)
		} else {
			seen[identity] = true
		}
		if base == "" && (name == "time" || name == "version" || name == "commit") {
			t.special[name] = i
			t.columns = append(t.columns, nil)
			continue
		}
		c := &csvColumn{metric: report.TrendMetric{Name: name, Unit: base, Better: run.Better(unit.Better(base)), ChangePoints: []report.ChangePoint{}}, scale: scale}
		t.columns = append(t.columns, c)
	}
	if !slices.ContainsFunc(t.columns, func(c *csvColumn) bool { return c != nil }) {
		return t.error(1, 1, "there is no column of a metric")
	}
	return nil
}

// row reads the values of one run.
func (t *csvTable) row(record []string, at func(int) (int, int)) error {
	p := report.TrendPoint{Index: len(t.rows)}
	cell := func(name string) string {
		if i, ok := t.special[name]; ok && i < len(record) {
			return strings.TrimSpace(record[i])
		}
		return ""
	}
	p.Version, p.Commit = cell("version"), cell("commit")
	if i, ok := t.special["time"]; ok {
		if !slices.ContainsFunc(record, func(s string) bool { return strings.TrimSpace(s) != "" }) {
			return nil // a row of nothing is at no time
		}
		line, column := at(min(i, len(record)-1))
		var err error
		text := cell("time")
		if text == "" {
			return t.error(line, column, "the time is empty: every row needs one, or none")
		}
		if p.Time, err = input.Time(text); err != nil {
			return t.error(line, column, "%v", err)
		}
	}
	for i, c := range t.columns {
		if c == nil {
			continue
		}
		value := math.NaN()
		if i < len(record) {
			if text := strings.TrimSpace(record[i]); text != "" {
				var err error
				value, err = strconv.ParseFloat(text, 64)
				if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
					line, column := at(i)
					return t.error(line, column, "%q is no number (column %s)", text, c.metric.Name)
				}
			}
		}
		value = c.scale.Apply(value)
		c.values = append(c.values, value)
	}
	for i := len(t.columns); i < len(record); i++ {
		if strings.TrimSpace(record[i]) != "" {
			line, column := at(i)
			return t.error(line, column, "found %d cells: the header has %d", len(record), len(t.columns))
		}
	}
	t.rows = append(t.rows, p)
	return nil
}

// metrics returns the columns, with their points in the order of time.
func (t *csvTable) metrics() []report.TrendMetric {
	order := make([]int, len(t.rows))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return t.rows[a].Time.Compare(t.rows[b].Time) })
	var list []report.TrendMetric
	for _, c := range t.columns {
		if c == nil {
			continue
		}
		m := c.metric
		for index, row := range order {
			if v := c.values[row]; !math.IsNaN(v) {
				p := t.rows[row]
				p.Index, p.Value = index, v
				m.Points = append(m.Points, p)
			}
		}
		m.N = len(m.Points)
		list = append(list, m)
	}
	return list
}
