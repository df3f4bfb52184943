// Package junit says verdicts as JUnit XML: a test case a metric, so that any
// CI system that shows tests shows what got slower.
//
// What fails the run is a failure; what cannot be told, or is missing without
// failing, is skipped with the reason. Schema: junit-4.xsd of Jenkins, which
// the tests hold it to.
package junit

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
)

type suites struct {
	XMLName  xml.Name `xml:"testsuites"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Suites   []suite  `xml:"testsuite"`
}

type suite struct {
	Name       string      `xml:"name,attr"`
	Tests      int         `xml:"tests,attr"`
	Failures   int         `xml:"failures,attr"`
	Errors     int         `xml:"errors,attr"`
	Skipped    int         `xml:"skipped,attr"`
	Timestamp  string      `xml:"timestamp,attr,omitempty"`
	Properties *properties `xml:"properties,omitempty"`
	Cases      []testCase  `xml:"testcase"`
	Err        string      `xml:"system-err,omitempty"`
}

type properties struct {
	List []property `xml:"property"`
}

type property struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type testCase struct {
	Name    string   `xml:"name,attr"`
	Class   string   `xml:"classname,attr"`
	Skipped *string  `xml:"skipped"`
	Failure *failure `xml:"failure"`
	Out     string   `xml:"system-out,omitempty"`
}

type failure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// Write writes the verdict as one suite, the metrics gravest first.
func Write(w io.Writer, r *report.Report) error {
	v := r.Verdict
	s := suite{Name: clean(report.App(&v.Current)), Properties: &properties{}}
	if v.Current.Timestamp != nil {
		s.Timestamp = v.Current.Timestamp.UTC().Format("2006-01-02T15:04:05")
	}
	add := func(name, value string) {
		if value != "" {
			s.Properties.List = append(s.Properties.List, property{name, clean(value)})
		}
	}
	add("verdict", string(v.Verdict))
	add("run", v.Current.ID)
	add("version", v.Current.Version)
	add("commit", v.Current.Commit)
	add("branch", v.Current.Branch)
	add("baseline", report.BaselineName(v))
	environment, _ := report.Environments(v)
	add("environment", environment)
	for _, row := range report.Rows(v) {
		s.add(r, &row)
	}
	switch other := clean(strings.Join(report.OtherReasons(v), "\n")); {
	case report.FailsBeside(v):
		s.Cases = append(s.Cases, testCase{Name: "verdict", Class: s.Name, Failure: &failure{Message: other, Type: "verdict"}})
		s.Failures++
	case other != "" && v.Verdict == judge.Undecided:
		s.Cases = append(s.Cases, testCase{Name: "verdict", Class: s.Name, Skipped: &other})
		s.Skipped++
	}
	s.Tests = len(s.Cases)
	s.Err = clean(strings.Join(v.Warnings, "\n"))
	all := suites{Name: "pacer", Tests: s.Tests, Failures: s.Failures, Suites: []suite{s}}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// add adds the case of one metric.
func (s *suite) add(r *report.Report, row *report.Row) {
	m := row.Metric
	c := testCase{Name: clean(strings.TrimSpace(row.Name + " " + row.Statistic)), Class: s.Name}
	text := numbers(row)
	lead := report.Change(m)
	if note := r.NoteOf(m); note != nil {
		lead = note.Lead
		text += "\n" + strings.Join(append([]string{note.Lead}, note.More...), "\n")
	}
	switch {
	case m.Fails:
		kind := string(m.Change)
		if m.Change != judge.Regressed && m.Change != judge.Missing {
			kind = "budget: " + string(row.Status)
		}
		c.Failure = &failure{Message: clean(lead), Type: kind, Text: clean(text)}
		s.Failures++
	case report.NeedsPerson(m) && row.Status != judge.OverWarning && m.Change != judge.Regressed:
		c.Skipped = ptr(clean(lead))
		s.Skipped++
	default:
		c.Out = clean(text)
	}
	s.Cases = append(s.Cases, c)
}

// numbers are those of a row in one line.
func numbers(row *report.Row) string {
	var words []string
	add := func(format string, value string) {
		if value != "" {
			words = append(words, fmt.Sprintf(format, value))
		}
	}
	add("%s", row.Value)
	add("%s of its budget", row.Share)
	add("baseline %s", row.Base)
	add("change %s", row.By)
	if row.Low != "" {
		words = append(words, fmt.Sprintf("between %s and %s", row.Low, row.High))
	}
	add("%s", report.Change(row.Metric))
	return strings.Join(words, ", ")
}

func ptr[T any](v T) *T { return &v }

// clean replaces what XML 1.0 cannot hold.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r == 0xFFFE || r == 0xFFFF || unicode.IsControl(r) && r != '\n' && r != '\t' {
			return '\uFFFD'
		}
		return r
	}, s)
}
