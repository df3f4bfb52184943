package dashboard

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/chart"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/nearest"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// compareView is two sides, metric by metric: direction, size, doubt and
// threshold in one picture each.
type compareView struct {
	view
	A, B     field
	Swap     string
	Recent   []recent // what may be typed
	Ready    bool     // there is something to compare
	Baseline []judge.Head
	Current  *judge.Head
	Chosen   string
	Counts   []chip
	Mean     string // geometric mean of the times
	Axis     template.HTML
	Choices  []choice
	Rows     []compareRow
	Calm     []compareRow // closed at first
	Between  []judge.Head // runs after A and up to B
	More     int          // of Between that are left out
	Clear    string
	IsQuiet  bool
}

// Quiet is the page's other table: of what did not change.
func (c *compareView) Quiet() *compareView {
	other := *c
	other.Rows, other.IsQuiet = c.Calm, true
	return &other
}

// field is one side's input.
type field struct {
	Name, Label, Value, Error string
	Near                      []Link
}

// recent is a run that may be named.
type recent struct{ Value, Text string }

// compareRow is one metric.
type compareRow struct {
	row
	Forest  template.HTML
	Detail  *detail       // nil: a click away
	History template.HTML // with both sides marked
}

const (
	detailed   = 6  // metrics whose details come along
	betweenMax = 20 // runs in between that are listed
)

func (h *Handler) compare(w http.ResponseWriter, r *http.Request) error {
	v, err := h.view(r)
	if err != nil {
		return err
	}
	c := compareView{view: v, A: field{Name: "a", Label: "Baseline (A)", Value: v.Query.Get("a")}, B: field{Name: "b", Label: "Current (B)", Value: v.Query.Get("b")}}
	c.Title = "Compare"
	c.Exports = h.exports(&c.view)
	c.Swap = c.With("a", c.B.Value, "b", c.A.Value)
	list, err := h.Source.Runs(r.Context(), Filter{App: v.appName(), Environment: v.Query.Get("env")})
	if err != nil {
		return err
	}
	c.recent(list.Heads)
	c.Choices = c.filters()
	if len(list.Heads) == 0 {
		return h.render(w, r, http.StatusOK, "compare", &c)
	}
	status := http.StatusOK
	verdict, err := c.judge(r.Context(), h.Source, list.Heads)
	switch {
	case errors.Is(err, history.ErrNotFound):
		status = http.StatusNotFound // the field says it
	case err != nil:
		return err
	default:
		if err := c.fill(r.Context(), h, verdict, list.Heads); err != nil {
			return err
		}
	}
	return h.render(w, r, status, "compare", &c)
}

// recent lists what the fields may hold.
func (c *compareView) recent(heads []run.Run) {
	seen := make(map[string]bool)
	for i := range heads {
		h := judge.HeadOf(&heads[i])
		word := name(&h)
		if h.Version == "" && h.Commit == "" {
			word = h.ID
		}
		if seen[word] || len(c.Recent) == 40 {
			continue
		}
		seen[word] = true
		text := h.Branch
		if h.Timestamp != nil {
			text = strings.TrimSpace(text + " " + h.Timestamp.Format("2006-01-02"))
		}
		c.Recent = append(c.Recent, recent{Value: word, Text: text})
	}
}

// judge judges B against A. What a field does not find is its error, and
// history.ErrNotFound.
func (c *compareView) judge(ctx context.Context, src Source, heads []run.Run) (*judge.Verdict, error) {
	b := heads[0]
	if c.B.Value != "" {
		var err error
		if b, err = src.Find(ctx, c.appName(), c.B.Value); err != nil {
			c.B.fail(c, err, "b")
			return nil, err
		}
	}
	v, err := src.Verdict(ctx, b.ID, c.A.Value)
	if err != nil && c.A.Value != "" {
		c.A.fail(c, err, "a")
	}
	return v, err
}

// fail says in the field what is wrong with its word.
func (f *field) fail(c *compareView, err error, name string) {
	if !errors.Is(err, history.ErrNotFound) {
		return
	}
	f.Error = fmt.Sprintf("No run is called %s: expected a version, a commit, an id, latest or branch:NAME.", f.Value)
	var words []string
	for _, r := range c.Recent {
		words = append(words, r.Value)
	}
	for _, near := range nearest.Words(f.Value, words, len(f.Value), 3) {
		f.Near = append(f.Near, Link{near, c.With(name, near)})
	}
}

// fill makes the page of a verdict.
func (c *compareView) fill(ctx context.Context, h *Handler, v *judge.Verdict, heads []run.Run) error {
	c.Ready, c.Current, c.Chosen = true, &v.Current, v.Baseline.Chosen
	for i := range slices.Backward(v.Baseline.Runs) { // newest first
		c.Baseline = append(c.Baseline, v.Baseline.Runs[i])
	}
	if c.A.Value == "" && len(c.Baseline) > 0 { // it has no word: its newest run stands for it
		c.Swap = c.With("a", v.Current.ID, "b", c.Baseline[0].ID)
	}
	current, before, err := h.wholeRuns(ctx, v)
	if err != nil {
		return err
	}
	c.about(v, current, before)
	c.between(v, heads)
	unbudgeted := slices.Clone(v.Metrics)
	for i := range unbudgeted {
		unbudgeted[i].Budget = nil // a comparison asks what changed
	}
	metrics := c.selected(unbudgeted)
	c.Clear = c.With("q", "", "show", "")
	var intervals []chart.Interval
	for i := range metrics {
		intervals = append(intervals, intervalOf(&metrics[i]))
	}
	forest := chart.NewForest(intervals)
	c.Axis = template.HTML(forest.Axis())
	for i := range metrics {
		m := &metrics[i]
		line := compareRow{Forest: template.HTML(forest.Row(intervals[i]))}
		line.row = newRow(m, c.Link("metric", "m", m.Key(), "run", v.Current.ID, "base", c.A.Value))
		if calm(m) {
			c.Calm = append(c.Calm, line)
			continue
		}
		if len(c.Rows) < detailed {
			line.Detail = newDetail(m, current, before)
			line.Detail.Sub = true
			if line.History, err = c.history(ctx, h.Source, v, m); err != nil {
				return err
			}
		}
		c.Rows = append(c.Rows, line)
	}
	if len(c.Rows) == 0 {
		c.Rows, c.Calm = c.Calm, nil
	}
	return nil
}

// intervalOf is a metric's row of the forest.
func intervalOf(m *judge.Metric) chart.Interval {
	i := chart.Interval{Title: m.Key() + ": " + string(m.Change), Low: math.NaN(), High: math.NaN()}
	if m.Ratio == nil || m.Change == judge.Incomparable {
		return i
	}
	i.Ratio, i.Threshold = *m.Ratio, m.Threshold
	i.Title += " " + percent(*m.Ratio)
	if m.Interval != nil {
		i.Low, i.High = m.Interval[0], m.Interval[1]
		i.Title += ", " + interval(m.Interval)
	}
	switch m.Change {
	case judge.Regressed:
		i.Tone = chart.Worse
	case judge.Improved:
		i.Tone = chart.Better
	}
	return i
}

// about says what holds for all metrics: counts, the mean, what differs between
// the machines, whether the sides make sense.
func (c *compareView) about(v *judge.Verdict, current *run.Run, before []*run.Run) {
	counts := tally(v.Metrics)
	for _, ch := range changes {
		if n := counts[ch]; n > 0 {
			one := changeChip(&judge.Metric{Change: ch})
			one.Word, one.Title = fmt.Sprintf("%d %s", n, ch), ""
			c.Counts = append(c.Counts, one)
		}
	}
	c.Title = "Compare: " + report.Counts(v.Metrics)
	sum, n := 0.0, 0
	for i := range v.Metrics {
		if m := &v.Metrics[i]; m.Unit == unit.Seconds && m.Ratio != nil && *m.Ratio > 0 && m.Change != judge.Incomparable {
			sum, n = sum+math.Log(*m.Ratio), n+1
		}
	}
	if n > 1 {
		c.Mean = fmt.Sprintf("geometric mean of %d times %s", n, percent(math.Exp(sum/float64(n))))
	}
	switch {
	case len(before) == 0:
		c.Bars = append(c.Bars, bar{Class: "plain", Text: "There is nothing to compare with: " + v.Baseline.Chosen + "."})
		return
	case len(before) == 1 && before[0].ID == current.ID:
		c.Bars = append(c.Bars, bar{Class: "plain", Text: "Both sides are the same run."})
	case before[len(before)-1].Timestamp.After(current.Timestamp):
		c.Bars = append(c.Bars, bar{Class: "plain", Text: "The baseline is later than the run that is compared with it."})
	}
	differing := environmentDifferences(before[len(before)-1], current)
	switch {
	case counts[judge.Incomparable] > 0:
		c.Bars = append(c.Bars, bar{Class: "warning", Text: "The two sides cannot be compared, so no change is told; the values are shown. " + strings.Join(differing, "; ") + "."})
	case len(differing) > 0:
		c.Bars = append(c.Bars, bar{Class: "plain", Text: "What differs: " + strings.Join(differing, "; ") + ". Everything else that is known is the same."})
	}
}

// environmentDifferences lists in which fields two runs differ, for people.
func environmentDifferences(a, b *run.Run) []string {
	var x, y run.Environment
	if a.Environment != nil {
		x = *a.Environment
	}
	if b.Environment != nil {
		y = *b.Environment
	}
	size := func(n int64) string {
		if n == 0 {
			return ""
		}
		return limit(float64(n), unit.Bytes)
	}
	number := func(v float64) string {
		if v == 0 {
			return ""
		}
		return fmt.Sprint(v)
	}
	var list []string
	for _, f := range []struct{ name, x, y string }{
		{"system", x.OS + "/" + x.Arch, y.OS + "/" + y.Arch}, {"CPU", x.CPU, y.CPU},
		{"cores", number(float64(x.Cores)), number(float64(y.Cores))}, {"memory", size(x.Memory), size(y.Memory)},
		{"core limit", number(x.CPULimit), number(y.CPULimit)}, {"memory limit", size(x.MemoryLimit), size(y.MemoryLimit)},
		{"Go", x.Go, y.Go}, {"labels", strings.Trim(run.Key("", a.Labels), "{}"), strings.Trim(run.Key("", b.Labels), "{}")},
	} {
		if f.x != f.y {
			list = append(list, fmt.Sprintf("%s %s → %s", f.name, orNone(f.x), orNone(f.y)))
		}
	}
	return list
}

func orNone(s string) string {
	if s == "" || s == "/" {
		return "not known"
	}
	return s
}

// between lists the runs after the baseline's newest and up to the current one.
func (c *compareView) between(v *judge.Verdict, heads []run.Run) {
	if len(v.Baseline.Runs) == 0 {
		return
	}
	at := func(id string) int { return slices.IndexFunc(heads, func(h run.Run) bool { return h.ID == id }) }
	to, from := at(v.Current.ID), at(v.Baseline.Runs[len(v.Baseline.Runs)-1].ID)
	if to < 0 || from < to {
		return
	}
	seen := make(map[string]bool)
	for i := to; i < from; i++ {
		h := judge.HeadOf(&heads[i])
		if h.Commit != "" && seen[h.Commit] {
			continue
		}
		seen[h.Commit] = true
		if len(c.Between) == betweenMax {
			c.More++
			continue
		}
		c.Between = append(c.Between, h)
	}
}

// history draws the history of a metric with both sides marked.
func (c *compareView) history(ctx context.Context, src Source, v *judge.Verdict, m *judge.Metric) (template.HTML, error) {
	s, err := src.Series(ctx, SeriesQuery{App: c.appName(), Environment: c.Query.Get("env"), Key: m.Key(), Unit: m.Unit, Last: usualRuns})
	if errors.Is(err, history.ErrNotFound) {
		return "", nil
	}
	if err != nil || len(s.Points) < 2 {
		return "", err
	}
	view := metricView{view: c.view, Key: m.Key()}
	h := view.chart(s, nil)
	h.Frame = chart.Frame{Title: "History of " + m.Key(), Description: view.describe(s), Height: 200}
	baseline := ""
	if n := len(v.Baseline.Runs); n > 0 {
		baseline = v.Baseline.Runs[n-1].ID
	}
	for i := range h.Points {
		p := &h.Points[i]
		switch p.ID {
		case v.Current.ID:
			p.Mark = "B"
		case baseline:
			p.Mark = "A"
		}
		p.Href, p.ID = "", "" // one page has hundreds of them: the metric's page has the links
		if p.Mark == "" {
			p.Title = ""
		}
	}
	return template.HTML(h.SVG()), nil
}
