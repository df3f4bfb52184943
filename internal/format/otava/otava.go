// Package otava reads CSV with a row for each run, as Apache Otava (formerly
// Hunter) does: a column for the time, one for each metric, others for what was
// measured.
//
// Every row becomes a run. A column in which all cells are numbers is a metric;
// its unit may stand behind its name: "load (ms)". Columns commit, branch,
// version and app are what they say; other texts are left out. Cells may be
// separated by commas, semicolons or tabs. See docs/formats.md.
package otava

import (
	"encoding/csv"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Looks tells whether a file looks like such CSV: a header with a time, and a
// row with as many cells that begins to be one.
func Looks(h *input.Head) bool {
	lines := h.Lines()
	if len(lines) < 2 || strings.ContainsAny(lines[0], "{}") {
		return false
	}
	comma := separator(lines[0])
	header := strings.Split(lines[0], string(comma))
	at := slices.IndexFunc(header, func(s string) bool { return isTime(trim(s)) })
	if at < 0 || len(header) < 2 {
		return false
	}
	cells := strings.Split(lines[1], string(comma))
	if at >= len(cells) {
		return false
	}
	_, err := parseTime(trim(cells[at]))
	return err == nil
}

func trim(cell string) string { return strings.Trim(strings.TrimSpace(cell), `"'`) }

// separator guesses what separates the cells of a header.
func separator(header string) rune {
	best := ','
	for _, c := range ";\t" {
		if strings.Count(header, string(c)) > strings.Count(header, string(best)) {
			best = c
		}
	}
	return best
}

func isTime(name string) bool {
	switch strings.ToLower(name) {
	case "time", "timestamp", "date", "datetime":
		return true
	}
	return false
}

// column is one column of the file.
type column struct {
	name, base string
	scale      input.Scale
	numbers    bool // every cell that is not empty is a number
	filled     bool
}

type row struct {
	line  int
	at    time.Time
	cells []string
}

// Read reads a file.
func Read(src *input.Source) ([]run.Run, error) {
	doc, err := input.Read(src)
	if err != nil {
		return nil, err
	}
	text := string(doc.Text())
	first, _, _ := strings.Cut(text, "\n")
	in := csv.NewReader(strings.NewReader(text))
	in.Comma, in.FieldsPerRecord, in.TrimLeadingSpace = separator(first), -1, true
	header, err := in.Read()
	if err != nil {
		return nil, refuse(src, err)
	}
	columns := make([]column, len(header))
	timeAt := -1
	for i, name := range header {
		name = strings.TrimSpace(name)
		c := column{name: name, scale: input.One, numbers: true}
		if isTime(name) && timeAt < 0 {
			timeAt = i
		}
		c.name, c.base, c.scale = input.NameAndUnit(name)
		columns[i] = c
	}
	if timeAt < 0 {
		return nil, src.Fail(1, "there is no column time, timestamp or date")
	}
	var rows []row
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, refuse(src, err)
		}
		line, _ := in.FieldPos(0)
		if !slices.ContainsFunc(record, func(s string) bool { return strings.TrimSpace(s) != "" }) {
			continue
		}
		if len(record) > len(header) {
			return nil, src.Fail(line, "found %d cells: the header has %d", len(record), len(header))
		}
		if timeAt >= len(record) {
			return nil, src.Fail(line, "the row has no time")
		}
		r := row{line: line, cells: record}
		if r.at, err = parseTime(strings.TrimSpace(record[timeAt])); err != nil {
			return nil, src.Fail(line, "%v", err)
		}
		for i, cell := range record {
			cell = strings.TrimSpace(cell)
			if cell == "" {
				continue
			}
			columns[i].filled = true
			if v, err := strconv.ParseFloat(cell, 64); err != nil || math.IsInf(v, 0) {
				columns[i].numbers = columns[i].numbers && err == nil && strings.EqualFold(cell, "nan")
			}
		}
		if rows = append(rows, r); len(rows) > input.MaxRuns {
			return nil, src.Fail(line, "more than %d rows", input.MaxRuns)
		}
	}
	return runs(src, columns, rows, timeAt)
}

func refuse(src *input.Source, err error) error {
	var syntax *csv.ParseError
	switch {
	case errors.As(err, &syntax):
		return src.Fail(syntax.Line, "%v", syntax.Err)
	case errors.Is(err, io.EOF):
		return src.Fail(0, "the file is empty: expected a header line with names")
	}
	return src.Fail(0, "%v", err)
}

// facts are the columns that say what a run is of.
var facts = map[string]func(*run.Run) *string{
	"app": func(r *run.Run) *string { return &r.App }, "version": func(r *run.Run) *string { return &r.Version },
	"commit": func(r *run.Run) *string { return &r.Commit }, "git_commit": func(r *run.Run) *string { return &r.Commit },
	"branch": func(r *run.Run) *string { return &r.Branch }, "git_branch": func(r *run.Run) *string { return &r.Branch },
}

// runs makes a run of every row.
func runs(src *input.Source, columns []column, rows []row, timeAt int) ([]run.Run, error) {
	metrics, left := 0, []string(nil)
	for i, c := range columns {
		_, fact := facts[strings.ToLower(c.name)]
		switch {
		case i == timeAt || fact || !c.filled || c.name == "":
		case c.numbers:
			metrics++
		default:
			left = append(left, c.name)
		}
	}
	switch {
	case len(rows) == 0:
		return nil, src.Fail(1, "there are no rows below the header")
	case metrics == 0:
		return nil, src.Fail(1, "there is no column of numbers")
	}
	list := make([]run.Run, 0, len(rows))
	for _, r := range rows {
		b := input.NewBuilder()
		b.Run.Timestamp = r.at
		for i, cell := range r.cells {
			c := &columns[i]
			cell = strings.TrimSpace(cell)
			if i == timeAt || cell == "" || c.name == "" {
				continue
			}
			if into, ok := facts[strings.ToLower(c.name)]; ok {
				*into(&b.Run) = cell
				continue
			}
			v, err := strconv.ParseFloat(cell, 64)
			if !c.numbers || err != nil || math.IsNaN(v) {
				continue
			}
			m, err := b.Metric(input.Name(c.name), c.base, nil)
			if err == nil {
				m.Better = run.Better(unit.Better(c.base))
				if m.Count() > 0 {
					return nil, src.Fail(1, "the column %s is there twice", c.name)
				}
				err = m.Add(c.scale.Apply(v))
			}
			if err != nil {
				return nil, src.Fail(r.line, "column %s: %v", input.Clean(c.name, 100), err)
			}
		}
		one, err := b.Finish()
		if err != nil {
			return nil, src.Fail(r.line, "%v", err)
		}
		if len(one.Metrics) > 0 {
			list = append(list, one)
		}
	}
	if len(list) == 0 {
		return nil, src.Fail(1, "there is no row with a number")
	}
	if len(left) > 0 {
		list[len(list)-1].Doubts = append(list[len(list)-1].Doubts, src.Name+": left out: columns that are no numbers: "+strings.Join(left, ", "))
	}
	input.Sort(list)
	return list, nil
}

// parseTime reads a time, also Unix milliseconds.
func parseTime(s string) (time.Time, error) {
	at, err := input.Time(s)
	if err == nil {
		return at, nil
	}
	if ms, e := strconv.ParseFloat(s, 64); e == nil {
		if at := input.Milliseconds(ms); !at.IsZero() {
			return at, nil
		}
	}
	return at, err
}
