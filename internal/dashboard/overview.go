package dashboard

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/chart"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
)

// overviewView is the first page: a verdict in a sentence, then the metrics,
// worst first.
type overviewView struct {
	view
	Run      *judge.Head // nil: nothing was measured
	Here     string      // address of the server, where nothing was measured; "": it takes no runs
	Where    string      // environment and labels of the run
	Summary  summary
	Compared bool // there is a baseline
	Compare  string
	Choices  []choice
	Sorts    []sortLink
	Tables   []table
	Worst    []row // three of them, for the smallest form
	Shown    int
	Of       int
	Clear    string // address without filters
}

// table is a part of the metrics.
type table struct {
	Title  string // "": it is the first and stands open
	Counts string
	Rows   []row
	View   *overviewView
}

// row is one metric.
type row struct {
	Key, Statistic, Href string
	Value, Baseline      string
	Sides                string // both of them: 1.75 → 2.06 s
	Delta, Interval      string
	Budget               *budgetCell
	Change               chip
	Flags                []chip
	Note                 string // one line on what matters about it
	Spark                template.HTML

	metric *judge.Metric
}

// sortLink sorts by a column.
type sortLink struct {
	Key, Title, Href string
	Sorted           string // ascending, descending; "": not by this one
}

// TrendRuns is how many runs the trends of the first page show.
const TrendRuns = 24

// groupBeyond is how many metrics that need no look are in one list; more are
// grouped.
const groupBeyond = 20

func (h *Handler) overview(w http.ResponseWriter, r *http.Request) error {
	v, err := h.view(r)
	if err != nil {
		return err
	}
	o := overviewView{view: v}
	o.Exports = h.exports(&o.view)
	head, ok, err := h.newest(r.Context(), &o.view)
	if err != nil {
		return err
	}
	if !ok {
		return h.nothing(w, r, &o)
	}
	o.Where = EnvironmentName(head.Environment, head.Labels)
	verdict, err := h.Source.Verdict(r.Context(), head.ID, v.Query.Get("base"))
	if err != nil {
		return err
	}
	trends, err := h.Source.Trends(r.Context(), head.ID, TrendRuns)
	if gone(r, err) {
		return err
	}
	if err != nil { // the verdict is what matters
		o.Bars = append(o.Bars, bar{Class: "warning", Text: fmt.Sprintf("The trends could not be read: %v.", err)})
	}
	o.fill(verdict, trends)
	name := "overview"
	if v.Card {
		name = "card"
	}
	return h.render(w, r, http.StatusOK, name, &o)
}

// nothing shows what to do where there is no run.
func (h *Handler) nothing(w http.ResponseWriter, r *http.Request, o *overviewView) error {
	o.Title = "No samples yet"
	if h.Accounts != nil {
		o.Here = "http://" + r.Host
		if h.Secure {
			o.Here = "https://" + r.Host
		}
	}
	if o.App != nil {
		o.Title = "No run matches"
		o.Clear = o.Link("", "env", "", "branch", "", "base", "", "run", "")
		o.Choices = o.filters()
	}
	name := "overview"
	if o.Card {
		name = "card"
	}
	return h.render(w, r, http.StatusOK, name, o)
}

// fill makes the page of a verdict.
func (o *overviewView) fill(v *judge.Verdict, trends []Trend) {
	o.Run = &v.Current
	o.Summary = summarise(v)
	o.Title = o.Summary.Title
	o.Compared = len(v.Baseline.Runs) > 0
	if o.Compared {
		o.Compare = o.Link("compare", "a", o.Query.Get("base"), "b", v.Current.ID)
	}
	o.choices(v)
	sparks := make(map[string]*Trend, len(trends))
	for i := range trends {
		sparks[judge.Identity(trends[i].Key, trends[i].Unit)] = &trends[i]
	}
	metrics := o.selected(v.Metrics)
	o.Shown, o.Of = len(metrics), len(v.Metrics)
	o.Clear = o.With("q", "", "show", "")
	o.Sorts = o.sorts()
	var open, calmed []row
	sorted := o.Query.Get("sort") != ""
	for i := range metrics {
		m := &metrics[i]
		if line := o.row(m, sparks[judge.Identity(m.Key(), m.Unit)]); !calm(m) || sorted || !o.Compared {
			open = append(open, line)
		} else {
			calmed = append(calmed, line)
		}
	}
	o.Tables = o.split(open, calmed)
	worst := slices.Concat(open, calmed)
	o.Worst = worst[:min(3, len(worst))]
}

// choices are the filters.
func (o *overviewView) choices(v *judge.Verdict) {
	o.Choices = o.filters()
	base := []option{{Value: "", Text: "as pacer.yaml says"}, {Value: "previous", Text: "the run before"}}
	if o.App != nil {
		for _, b := range o.App.Branches[:min(5, len(o.App.Branches))] {
			if b.Name != "" {
				base = append(base, option{Value: "branch:" + b.Name, Text: "branch " + b.Name})
			}
		}
	}
	seen := ""
	for i := len(v.Baseline.Runs) - 1; i >= 0; i-- {
		if version := v.Baseline.Runs[i].Version; version != "" && version != seen && len(base) < 12 {
			base = append(base, option{Value: version, Text: "version " + version})
			seen = version
		}
	}
	o.Choices = append(o.Choices, o.choose("base", "Baseline", base...))
	shows := []option{{Value: "", Text: "all"}, {Value: "attention", Text: "needs a look"}, {Value: "budget", Text: "with a budget"}}
	counts := tally(v.Metrics)
	for _, c := range changes {
		if counts[c] > 0 {
			shows = append(shows, option{Value: string(c), Text: string(c)})
		}
	}
	o.Choices = append(o.Choices, o.choose("show", "Show", shows...))
}

// selected returns the metrics that the filters select, sorted.
func (o *view) selected(metrics []judge.Metric) []judge.Metric {
	q, show := strings.ToLower(o.Query.Get("q")), o.Query.Get("show")
	list := slices.DeleteFunc(report.ByGravity(metrics), func(m judge.Metric) bool {
		if !strings.Contains(strings.ToLower(m.Key()), q) {
			return true
		}
		switch show {
		case "":
			return false
		case "attention":
			return !report.NeedsPerson(&m)
		case "budget":
			return m.Budget == nil
		}
		return string(m.Change) != show
	})
	key := o.one("sort", "", "name", "change", "budget")
	if key == "" {
		return list
	}
	slices.SortStableFunc(list, func(a, b judge.Metric) int {
		switch key {
		case "change":
			return cmp.Compare(size(&b), size(&a))
		case "budget":
			return cmp.Compare(share(&b), share(&a))
		}
		return strings.Compare(a.Key(), b.Key())
	})
	if o.Query.Get("dir") == "desc" {
		slices.Reverse(list)
	}
	return list
}

// share is which part of its budget a metric takes; -1 without one.
func share(m *judge.Metric) float64 {
	if m.Budget == nil || m.Budget.Value == nil {
		return -1
	}
	_, at, ok := m.Budget.Limit()
	switch {
	case !ok || at == 0:
		return -1
	case higherIsBetter(m):
		return at / *m.Budget.Value
	}
	return *m.Budget.Value / at
}

func (o *overviewView) sorts() []sortLink {
	list := []sortLink{{Key: "name", Title: "Metric"}, {Key: "budget", Title: "Budget"}, {Key: "change", Title: "Change"}}
	for i := range list {
		s := &list[i]
		switch {
		case o.Query.Get("sort") != s.Key:
			s.Href = o.With("sort", s.Key, "dir", "")
		case o.Query.Get("dir") == "desc":
			s.Sorted, s.Href = "descending", o.With("sort", "", "dir", "")
		default:
			s.Sorted, s.Href = "ascending", o.With("dir", "desc")
		}
	}
	return list
}

// split puts what needs no look into lists that are closed: one, or one for
// each group of names.
func (o *overviewView) split(open, calmed []row) []table {
	var list []table
	if len(open) > 0 {
		list = append(list, table{Rows: open, View: o})
	}
	group := o.one("group", "", "none", "prefix")
	grouped := group == "prefix" || group == "" && len(calmed) > groupBeyond
	if len(open) == 0 && len(calmed) > 0 && !grouped {
		return append(list, table{Rows: calmed, View: o})
	}
	groups := make(map[string]int)
	for _, r := range calmed {
		title := "without a change"
		if grouped {
			title = prefix(r.metric.Name)
		}
		i, ok := groups[title]
		if !ok {
			i = len(list)
			groups[title] = i
			list = append(list, table{Title: title, View: o})
		}
		list[i].Rows = append(list[i].Rows, r)
	}
	for i := range list {
		list[i].Counts = fmt.Sprint(len(list[i].Rows))
	}
	return list
}

// prefix is the group of a metric: the first part of its name.
func prefix(name string) string {
	if i := strings.IndexAny(name, "./{"); i > 0 {
		return name[:i]
	}
	return name
}

// row makes the line of a metric.
func (o *overviewView) row(m *judge.Metric, t *Trend) row {
	r := newRow(m, o.Link("metric", "m", m.Key(), "run", o.Query.Get("run")))
	if t != nil {
		r.Spark = spark(m, t)
	}
	return r
}

// newRow makes the line of a metric, without its trend.
func newRow(m *judge.Metric, href string) row {
	baseline, current, statistic := sides(m)
	scale := scaleOf(m)
	r := row{
		Key: m.Key(), Statistic: statistic, Href: href, metric: m,
		Value: quantity(scale, current), Budget: budgetOf(m), Change: changeChip(m), Flags: flags(m), Note: note(m),
	}
	r.Sides = scale.Number(baseline) + " → " + r.Value
	if !math.IsNaN(baseline) {
		r.Baseline = quantity(scale, baseline)
		if math.IsNaN(current) {
			r.Sides = r.Baseline + " → –"
		}
	}
	if m.Ratio != nil {
		r.Delta, r.Interval = percent(*m.Ratio), interval(m.Interval)
	}
	return r
}

// note is one line on what a person should know of a metric.
func note(m *judge.Metric) string {
	switch {
	case m.Change == judge.Inconclusive && m.Needed != nil:
		return needed(m.Needed)
	case m.Change == judge.Missing:
		return "the baseline has it, this run does not: renamed, or not run?"
	case m.Change == judge.Regressed && len(m.Stages) > 0 && m.Stages[0].Share >= 0.3 && m.Stages[0].Path != m.Name:
		s := m.Stages[0]
		return fmt.Sprintf("%.0f%s%% of it in %s", 100*s.Share, thin, strings.TrimPrefix(s.Path, m.Name+"/"))
	case m.Change == judge.Unchanged && slices.Contains(m.Reasons, judge.BelowThreshold):
		return fmt.Sprintf("real, below the threshold of %s", plainPercent(1+m.Threshold))
	case m.Accepted != nil:
		return "accepted: " + m.Accepted.Reason
	}
	return ""
}

// spark draws the trend of a metric.
func spark(m *judge.Metric, t *Trend) template.HTML {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range t.Values {
		low, high = min(low, v), max(high, v)
	}
	s := chart.Spark{Values: t.Values}
	scale := unit.ScaleOf(high, m.Unit)
	s.Title = fmt.Sprintf("%s, between %s and %s", report.Plural(len(t.Values), "run"), quantity(scale, low), quantity(scale, high))
	if m.Moved != nil && m.Moved.Ago < len(t.Values)-1 {
		s.Changes = []int{len(t.Values) - 1 - m.Moved.Ago}
		s.Title += fmt.Sprintf("; it moved by %s %s", percent(m.Moved.Ratio), runsAgo(m.Moved.Ago))
	}
	return template.HTML(s.SVG())
}

func runsAgo(n int) string {
	if n == 0 {
		return "with this run"
	}
	return report.Plural(n, "run") + " ago"
}
