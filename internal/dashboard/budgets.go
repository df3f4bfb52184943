package dashboard

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/run"
)

// budgetsView is what the app is held to, what the last versions would have been
// judged by it, and, where that is allowed, a form to change it.
type budgetsView struct {
	view
	Place    string // of the file; "": there is none
	Modified *time.Time
	Form     bool   // it can be edited
	ReadOnly string // why it cannot be saved
	Hint     string // how to be allowed to edit
	Base     string // the text that the form was made from, encoded
	Rows     []budgetRow
	Names    []string // of metrics, for new budgets
	Stats    []string
	Checks   []checkField
	Versions int    // that are looked back at, at most
	Where    string // the environment whose runs are
	Changes  int    // that are not saved
	Posted   bool   // they come from the form
	Errors   int
	Diff     []diffLine
	Text     string // as it would be written
	Saved    bool
	Conflict *conflict
	Note     string // above the table
	Aside    string // why the file that is there says nothing of this app
	Broken   string // why the file does not read
	Others   []string
	Suggest  string // address; "": nothing to suggest from
	Discard  string
}

// budgetRow is a budget, as a row of the form.
type budgetRow struct {
	N                           int
	Metric                      string
	New                         bool // it is not in the file yet
	Remove                      bool
	Focus                       bool
	Statistic                   string
	Usual                       string // the statistic unless one is named
	Unit                        string // of numbers without one: ms
	Target, Warning, Critical   budgetField
	Matches                     string // "" for a metric that is there
	Href                        string
	Now                         *budgetCell
	NowText                     string
	Counts                      []countOf // what would have been said of the last versions
	Strip                       []strip
	Past                        string // why there is no Counts
	Why                         string // it is suggested
	Error                       string // of the row as a whole
	StatisticError, MetricError string
	Edited                      bool

	place string // of the budget in the text that is shown
}

// budgetField is an input.
type budgetField struct {
	Name, Label, Value, Error string
}

// countOf is how many versions had a status.
type countOf struct {
	N int
	chip
}

// strip is one version in a row of them.
type strip struct {
	Class, Title string
	X            int
}

// checkField is one of the other keys.
type checkField struct {
	Key, Label, After, Value, Error, Usual string
	Options                                []option // it is a choice
}

const (
	// whatIfVersions is how many versions are looked back at.
	whatIfVersions = 30
	suggestRuns    = 30
	maxRows        = 1000
)

func (h *Handler) budgets(w http.ResponseWriter, r *http.Request) error {
	b, err := h.budgetsPage(r)
	if err != nil {
		return err
	}
	text, err := b.read(r.Context())
	if err != nil {
		return err
	}
	e := newEditor(h, b, text)
	if e.err != nil {
		b.Broken, b.Text = e.err.Error(), string(text.Text)
		return h.render(w, r, http.StatusOK, "budgets", b)
	}
	e.fromFile()
	if b.Form && b.Query.Get("suggest") == "1" {
		if err := e.suggest(r.Context()); err != nil {
			return err
		}
	}
	if key := b.Query.Get("m"); key != "" {
		e.focus(key)
	}
	b.Saved = b.Query.Get("saved") != "" && b.Query.Get("saved") == text.Revision
	if err := e.show(r.Context()); err != nil {
		return err
	}
	if p, err := h.Source.Policy(r.Context(), b.appName()); err == nil && p.Aside.App != "" {
		b.Aside = "Nothing is held to a policy here: " + b.aside(p) + "."
	}
	if b.Form && len(e.policy.Budgets) == 0 && b.Note == "" {
		e.none(r.Context(), len(text.Text) == 0)
	}
	return h.render(w, r, http.StatusOK, "budgets", b)
}

// none says what it means that there are no budgets, or no file at all: the app
// may have some of its own.
func (e *editor) none(ctx context.Context, noFile bool) {
	e.Note = "There are no budgets yet: absolute limits that a metric must keep, whatever it was before."
	if p, err := e.h.Source.Policy(ctx, e.appName()); noFile && err == nil && len(p.Budgets) > 0 {
		e.Note = "The app's own budgets hold as long as there is no file: what is saved here takes their place."
	}
}

// aside says which app the policy is for that is not this one's, and if there is
// no such app, of which there are runs: its name may be misspelt.
func (v *view) aside(p *judge.Policy) string {
	text := p.Aside.File + " is for " + p.Aside.App
	known := make([]string, len(v.Apps))
	for i, a := range v.Apps {
		known[i] = a.Name
	}
	if !slices.Contains(known, p.Aside.App) {
		text += ", and there are only runs of " + strings.Join(known, ", ")
	}
	return text
}

// BudgetLink leads from the page of a metric to its budget, nil where there is
// nothing to see.
func (m *metricView) BudgetLink() *Link {
	switch href := m.Link("budgets", "m", m.Key); {
	case m.May.Policy != nil && m.Budget == nil:
		return &Link{"Add a budget", href}
	case m.May.Policy != nil:
		return &Link{"Edit its budget", href}
	case m.Budget != nil:
		return &Link{"Budgets", href}
	}
	return nil
}

// budgetsPage is the page without its rows.
func (h *Handler) budgetsPage(r *http.Request) (*budgetsView, error) {
	v, err := h.view(r)
	if err != nil {
		return nil, err
	}
	b := &budgetsView{view: v, Versions: whatIfVersions, Form: v.May.Policy != nil}
	b.Title = "Budgets"
	b.Discard = b.Link("budgets")
	if b.Form {
		b.Suggest = b.Link("budgets", "suggest", "1")
	} else {
		b.Hint = v.May.Hint
	}
	return b, nil
}

// read is the file; where there is none to edit, nothing.
func (b *budgetsView) read(ctx context.Context) (PolicyText, error) {
	if !b.Form {
		return PolicyText{}, nil
	}
	text, err := b.May.Policy.Read(ctx)
	if err != nil {
		return text, err
	}
	b.Place, b.ReadOnly = text.Place, text.ReadOnly
	if !text.Modified.IsZero() {
		b.Modified = &text.Modified
	}
	return text, nil
}

// Kept are the filters, to send along.
func (b *budgetsView) Kept() (list []Link) {
	for _, name := range kept {
		if value := b.Query.Get(name); value != "" {
			list = append(list, Link{name, value})
		}
	}
	return list
}

// Choice is the choice of the statistic of a row.
func (r *budgetRow) Choice(names []string) []option {
	list := []option{{Value: "", Text: cmp.Or(r.Usual, "usual"), Selected: r.Statistic == ""}}
	if r.Statistic != "" && !slices.Contains(names, r.Statistic) {
		names = append(slices.Clone(names), r.Statistic)
	}
	for _, name := range names {
		if name != r.Usual || r.Statistic == name {
			list = append(list, option{Value: name, Text: name, Selected: r.Statistic == name})
		}
	}
	return list
}

// editor is the work on the form of one text.
type editor struct {
	*budgetsView
	h      *Handler
	text   PolicyText
	policy judge.Policy // as the text has it
	edited judge.Policy // as the form would have it
	out    []byte       // the text as the form would have it
	edits  PolicyEdits
	newest *run.Run // that budgets are held against; nil: there is none
	err    error    // the text does not read
}

func newEditor(h *Handler, b *budgetsView, text PolicyText) *editor {
	e := &editor{budgetsView: b, h: h, text: text, out: text.Text}
	if b.Form {
		e.policy, e.err = b.May.Policy.Parse(text.Text)
		b.Base = base64.StdEncoding.EncodeToString(text.Text)
	}
	e.edited = e.policy
	return e
}

// rowOf is the row of a budget as it is.
func rowOf(b *judge.Budget) budgetRow {
	r := budgetRow{Metric: string(b.Metric), Statistic: b.Statistic, place: b.Place}
	for _, f := range []struct {
		field *budgetField
		tier  judge.Tier
	}{{&r.Target, judge.Target}, {&r.Warning, judge.Warning}, {&r.Critical, judge.Critical}} {
		if q, ok := b.Limits[f.tier]; ok {
			f.field.Value = written(q)
		}
	}
	return r
}

// blank tells that nothing was entered in a row.
func (r *budgetRow) blank() bool {
	return r.New && r.Metric == "" && r.Target.Value+r.Warning.Value+r.Critical.Value == ""
}

// fromFile makes the rows of what is there.
func (e *editor) fromFile() {
	for i := range e.policy.Budgets {
		e.Rows = append(e.Rows, rowOf(&e.policy.Budgets[i]))
	}
	e.checks(func(string) (string, bool) { return "", false })
	if e.Form {
		e.Rows = append(e.Rows, budgetRow{New: true})
	}
}

// fromForm makes the rows of what was entered.
func (e *editor) fromForm(form url.Values) {
	e.Posted = true
	for n := range maxRows {
		key := func(name string) string { return fmt.Sprintf("%s.%d", name, n) }
		if !form.Has(key("metric")) {
			break
		}
		get := func(name string) string { return strings.TrimSpace(form.Get(key(name))) }
		r := budgetRow{Metric: get("metric"), Statistic: get("statistic"), Remove: get("remove") != "", Unit: get("unit"), Why: get("why")}
		r.Target.Value, r.Warning.Value, r.Critical.Value = get("target"), get("warning"), get("critical")
		r.New = !slices.ContainsFunc(e.policy.Budgets, func(b judge.Budget) bool { return string(b.Metric) == r.Metric })
		e.Rows = append(e.Rows, r)
	}
	for len(e.Rows) > 0 && e.Rows[len(e.Rows)-1].blank() {
		e.Rows = e.Rows[:len(e.Rows)-1]
	}
	e.checks(func(key string) (string, bool) { return strings.TrimSpace(form.Get(key)), form.Has(key) })
	e.Rows = append(e.Rows, budgetRow{New: true})
}

// suggest adds rows for metrics that have no budget, as past runs call for.
func (e *editor) suggest(ctx context.Context) error {
	source, ok := e.h.Source.(Recalling)
	head, there, err := e.h.newest(ctx, &e.view)
	if err != nil || !ok || !there {
		e.Note = "There are no runs to suggest anything from."
		return err
	}
	runs, err := source.Comparable(ctx, head.ID, suggestRuns)
	if err != nil {
		return err
	}
	list, err := e.May.Policy.Suggest(runs)
	var no *RefusedError
	if errors.As(err, &no) {
		e.Note = strings.TrimSpace(no.Text + " " + no.Hint)
		return nil
	}
	if err != nil {
		return err
	}
	added := 0
	last := e.Rows[len(e.Rows)-1]
	e.Rows = e.Rows[:len(e.Rows)-1]
	for _, s := range list {
		covered := slices.ContainsFunc(runs[len(runs)-1].Metrics, func(m run.Metric) bool {
			return judge.PatternOf(m.Name, m.Labels) == s.Metric && e.policy.Rules(&m).Budget != nil
		})
		if covered {
			continue
		}
		row := budgetRow{Metric: string(s.Metric), New: true, Why: s.Why}
		row.Target.Value = s.Target
		e.Rows = append(e.Rows, row)
		added++
	}
	e.Rows = append(e.Rows, last)
	e.Note = fmt.Sprintf("%s suggested from %s, not saved yet.", report.Plural(added, "budget"), report.Plural(len(runs), "run"))
	if added == 0 {
		e.Note = "Every metric that could have a budget has one."
	}
	return nil
}

// focus goes to the budget of a metric, or begins one.
func (e *editor) focus(key string) {
	name, _, _ := strings.Cut(key, "{")
	for i := range e.Rows {
		if e.Rows[i].Metric == key || e.Rows[i].Metric == name && !e.Rows[i].New {
			e.Rows[i].Focus = true
			return
		}
	}
	if n := len(e.Rows) - 1; n >= 0 && e.Rows[n].New {
		e.Rows[n].Metric, e.Rows[n].Focus = key, true
	}
}

// show works out what the page says of its rows: what is wrong with them, how
// the file would look, and what the last versions would have been judged.
func (e *editor) show(ctx context.Context) error {
	if !e.Form {
		p, err := e.h.Source.Policy(ctx, e.appName())
		if err != nil {
			return err
		}
		e.policy, e.edited, e.Place = *p, *p, p.File
		for i := range p.Budgets {
			e.Rows = append(e.Rows, rowOf(&p.Budgets[i]))
		}
		e.checks(func(string) (string, bool) { return "", false })
	}
	head, ok, err := e.h.newest(ctx, &e.view)
	if err != nil && !errors.Is(err, history.ErrNotFound) {
		return err
	}
	if ok {
		if e.newest, err = e.h.Source.Run(ctx, head.ID); err != nil {
			return err
		}
		e.Where = EnvironmentName(e.newest.Environment, e.newest.Labels)
	}
	e.units()
	if e.Form {
		if err := e.apply(); err != nil {
			return err
		}
	}
	if err := e.look(ctx); err != nil {
		return err
	}
	e.finish()
	return nil
}

// finish numbers the rows and names what is in them.
func (e *editor) finish() {
	for i := range e.Rows {
		r := &e.Rows[i]
		r.N = i
		about := r.Metric
		if about == "" {
			about = "new budget"
		}
		in := ""
		if r.Unit != "" {
			in = ", in " + r.Unit + " unless a unit is given"
		}
		for _, f := range []struct {
			field *budgetField
			name  string
		}{{&r.Target, "target"}, {&r.Warning, "warning"}, {&r.Critical, "critical"}} {
			f.field.Name, f.field.Label = f.name+"."+strconv.Itoa(i), about+" "+f.name+in
		}
		for _, text := range []string{r.Target.Error, r.Warning.Error, r.Critical.Error, r.StatisticError, r.MetricError, r.Error} {
			if text != "" {
				e.Errors++
			}
		}
	}
	for i := range e.Checks {
		if e.Checks[i].Error != "" {
			e.Errors++
		}
	}
	if e.Form {
		e.Text = string(e.out)
		e.Diff = lineDiff(string(e.text.Text), string(e.out))
	}
	if e.newest != nil {
		names := make(map[string]bool)
		for i := range e.newest.Metrics {
			if m := &e.newest.Metrics[i]; m.Count() > 0 {
				names[m.Key()] = true
			}
		}
		e.Names = slices.Sorted(maps.Keys(names))
	}
	e.Stats = []string{"median", "mean", "p90", "p95", "p99", "p99.9", "min", "max", "stddev"}
	for i := range e.edited.Thresholds {
		if t := &e.edited.Thresholds[i]; t.Metric != "*" {
			e.Others = append(e.Others, string(t.Metric))
		}
	}
	switch {
	case e.Errors > 0:
		e.Title = report.Plural(e.Errors, "mistake") + " in the budgets"
	case e.Changes > 0:
		e.Title = "Budgets, not saved"
	}
}
