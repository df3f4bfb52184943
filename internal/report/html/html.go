// Package html says a verdict as a page in one file: no script, no request, no
// font from elsewhere. It follows the reader's light or dark, prints with
// everything open, and carries its data for other programs.
//
// The page forbids itself everything but its own style sheet, by a content
// security policy with the sheet's hash. Charts carry presentation attributes,
// so that they stay readable where even that is blocked.
package html

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/chart"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
)

const (
	mostRows    = 1000 // of the table
	mostDetails = 200  // metrics that have charts
)

//go:embed report.tmpl
var layout string

//go:embed report.css
var sheet string

// css is the whole style sheet, and policy what the page allows itself.
var css, policy = styles()

func styles() (css, policy string) {
	css = chart.CSS() + sheet
	sum := sha256.Sum256([]byte(css))
	return css, fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; img-src data:; base-uri 'none'; form-action 'none'",
		base64.StdEncoding.EncodeToString(sum[:]))
}

// Policy is the content security policy of every page that Write writes, for a
// server that serves them.
func Policy() string { return policy }

var page = template.Must(template.New("report").Funcs(template.FuncMap{"icon": icon}).Parse(layout))

// Write writes the page. Its charts take what the report holds beside the
// verdict: the runs of both sides, and the history.
func Write(w io.Writer, r *report.Report) error {
	view, err := viewOf(r)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := page.Execute(&out, view); err != nil {
		return err
	}
	_, err = out.WriteTo(w)
	return err
}

// view is what the template shows.
type view struct {
	Title, Policy         string
	CSS                   template.CSS
	Icons, Data           template.HTML
	App, Run, Baseline    string
	Verdict               judge.Word
	Word, Shape, Headline string
	Counts, Size, URL     string
	Reasons, Warnings     []string
	Facts                 []fact
	Steps                 []step
	Confidence            string
	HasTrend              bool
	Rows                  []row
	LeftRows              string
	Details               []details
	LeftDetails           string
	Budgets               []budget
	Accepted              []accepted
	Foot, DataNote        string
}

type fact struct{ Name, Text string }

type step struct{ What, Command string }

type accepted struct{ Name, Text string }

type budget struct {
	Name, Statistic, Target, Warning, Critical, Place string
}

func viewOf(r *report.Report) (*view, error) {
	v := r.Verdict
	shape, sentence := report.Headline(v, itself, itself)
	p := &view{
		Policy: policy, CSS: template.CSS(css), Icons: icons,
		App: report.App(&v.Current), Run: report.RunName(&v.Current), Baseline: report.BaselineName(v),
		Verdict: v.Verdict, Word: strings.ToUpper(string(v.Verdict)), Shape: iconOf(shape), Headline: typeset(sentence),
		Counts: report.Counts(v.Metrics), Size: report.Plural(len(v.Metrics), "metric"), URL: r.URL,
		Reasons: report.OtherReasons(v), Warnings: v.Warnings,
		Confidence: fmt.Sprintf("%.3g", 100*v.Policy.Confidence),
	}
	p.Title = fmt.Sprintf("%s: %s. %s %s", p.Word, sentence, p.App, p.Run)
	p.facts(r)
	for _, s := range r.Steps(3) {
		p.Steps = append(p.Steps, step{s.Metric.Key() + ": " + s.Do.What, r.Words.Line(s.Do.Command)})
	}
	p.metrics(r)
	p.Foot = foot(r)
	data, note, err := dataOf(r)
	p.Data, p.DataNote = data, note
	return p, err
}

func itself(s string) string { return s }

func (p *view) facts(r *report.Report) {
	v := r.Verdict
	add := func(name, text string) {
		if text != "" {
			p.Facts = append(p.Facts, fact{name, text})
		}
	}
	add("Baseline", v.Baseline.Chosen)
	current, baseline := report.Environments(v)
	if baseline != "" {
		current += "; " + baseline
	}
	add("Environment", current)
	add("Method", fmt.Sprintf("%s. Regressed means that the change is beyond its threshold and that noise does not explain it, at %s\u202f%% confidence over all metrics together; inconclusive, that neither a regression nor its absence can be said.",
		v.Policy.Rule, p.Confidence))
	if v.Policy.File != "" {
		add("Policy", v.Policy.File)
	}
	if r.Current != nil && len(r.Current.Command) > 0 {
		add("Measured command", report.Shell(r.Current.Command...))
	}
}

// metrics fills in the tables and the details.
func (p *view) metrics(r *report.Report) {
	rows := report.Rows(r.Verdict)
	index := make(map[string]*judge.Series, len(r.History))
	for i := range r.History {
		s := &r.History[i]
		index[judge.Identity(s.Key(), s.Unit)] = s
	}
	sides := sidesOf(r)
	for i := range rows {
		m := rows[i].Metric
		series := index[judge.Identity(rows[i].Name, m.Unit)]
		anchor := ""
		if i < mostDetails {
			anchor = fmt.Sprintf("m%d", i+1)
			p.Details = append(p.Details, detailsOf(r, &rows[i], series, sides, anchor))
		}
		if i < mostRows {
			p.Rows = append(p.Rows, rowOf(&rows[i], series, anchor))
			p.HasTrend = p.HasTrend || series != nil
		}
		if b := m.Budget; b != nil {
			p.Budgets = append(p.Budgets, budgetOf(&rows[i]))
		}
		if a := m.Accepted; a != nil {
			p.Accepted = append(p.Accepted, accepted{rows[i].Name, fmt.Sprintf("%s: %s; it ends %s (%s)", rows[i].By, a.Reason, a.Until, a.Place)})
		}
	}
	p.Budgets = p.Budgets[:min(len(p.Budgets), mostRows)]
	if n := len(rows) - mostRows; n > 0 {
		p.LeftRows = fmt.Sprintf("And %d more, less grave than these: they are in the data of this page.", n)
	}
	if n := len(rows) - mostDetails; n > 0 {
		p.LeftDetails = fmt.Sprintf("The charts of %d more metrics are left out.", n)
	}
	if !slices.ContainsFunc(p.Rows, func(r row) bool { return r.Spark != "" }) {
		p.HasTrend = false
	}
}

func foot(r *report.Report) string {
	words := []string{"Run " + r.Verdict.Current.ID}
	if at := r.Verdict.Current.Timestamp; at != nil {
		words = append(words, "of "+at.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	if !r.At.IsZero() {
		words = append(words, "reported "+r.At.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	if r.Tool != "" {
		words = append(words, "by "+r.Tool)
	}
	return strings.Join(words, ", ") + "."
}
