package dashboard

import (
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/nearest"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// metricView is the page of one metric: what the judge says of it, its
// history, and how the values of the two sides lie.
type metricView struct {
	view
	Key      string
	Run      *judge.Head // that is judged; nil: none has it
	Where    string
	Change   *chip // nil: the run does not have it
	Flags    []chip
	Budget   *budgetCell
	Sentence string
	Facts    []string // what else the judge says
	Commands []command
	Compare  string

	Choices  []choice
	Toggles  []toggle
	History  template.HTML
	Caption  string
	Moves    []move
	Points   []pointRow
	Value    string // what values are: median in ms
	Left     []string
	Shown    string // 200 of 1,234 runs
	Zoomed   string // address without the zoom; "": there is none
	LimitsOf string // address that shows the statistic of the budget; "": it is shown
	Few      string // what is missing for a history

	Detail  *detail
	Samples *samples
	Noise   []fact
}

// command is something to type.
type command struct{ Why, Text string }

// toggle is a choice between a few, as links.
type toggle struct {
	Label string
	Links []toggleLink
}

type toggleLink struct {
	Text, Href string
	On         bool
}

// move is a change point in words.
type move struct {
	Class, Icon string
	Text        string
	At          judge.Head
	Href        string // the runs before and after
}

// pointRow is a point of the history as a row of a table.
type pointRow struct {
	Run             judge.Head
	Value, Interval string
	Count           int64
	Href            string
}

type fact struct{ Name, Text string }

const (
	usualRuns  = 200 // of a history that are shown
	rawRows    = 100 // samples in a table
	pointsBand = 5   // values that an interval takes
)

func (h *Handler) metric(w http.ResponseWriter, r *http.Request) error {
	v, err := h.view(r)
	if err != nil {
		return err
	}
	m := metricView{view: v, Key: v.Query.Get("m")}
	if m.Key == "" {
		return &problem{status: http.StatusBadRequest, Title: "Which metric?", Text: "The address says none: expected metric?m=NAME."}
	}
	head, ok, err := h.newest(r.Context(), &m.view)
	if err != nil {
		return err
	}
	if !ok {
		return &problem{status: http.StatusNotFound, Title: "No run matches", Text: "Nothing was measured yet, or the filter matches nothing.", Near: []Link{{"Clear the filters", "metric?m=" + m.Key}}}
	}
	verdict, err := h.Source.Verdict(r.Context(), head.ID, v.Query.Get("base"))
	if err != nil {
		return err
	}
	judged := find(verdict, m.Key)
	if judged == nil { // the newest run does not have it, nor its baseline
		m.Bars = append(m.Bars, bar{Class: "plain", Text: fmt.Sprintf("The newest run, %s, did not measure it.", name(&verdict.Current))})
	}
	if err := m.history(h, r, judged); err != nil {
		if errors.Is(err, history.ErrNotFound) && judged == nil {
			return m.unknown(verdict)
		} else if !errors.Is(err, history.ErrNotFound) {
			return err
		}
		m.Few = "No history: no run that is shown here measured it."
	}
	h.alertBars(r.Context(), &m.view, m.Key)
	m.Title, m.Where = m.Key, EnvironmentName(head.Environment, head.Labels)
	m.Exports = h.exports(&m.view)
	if judged != nil {
		m.Run = &verdict.Current
		m.judged(verdict, judged)
		current, before, err := h.wholeRuns(r.Context(), verdict)
		if err != nil {
			return err
		}
		m.Detail = newDetail(judged, current, before)
		m.Samples = newSamples(&m.view, judged, current)
		m.noise(judged, verdict, current)
	}
	return h.render(w, r, http.StatusOK, "metric", &m)
}

// find returns a metric of a verdict by its key, nil if it has none.
func find(v *judge.Verdict, key string) *judge.Metric {
	for i := range v.Metrics {
		if v.Metrics[i].Key() == key {
			return &v.Metrics[i]
		}
	}
	return nil
}

// unknown says that there is no such metric, and which ones are near.
func (m *metricView) unknown(v *judge.Verdict) error {
	p := &problem{status: http.StatusNotFound, Title: "No metric " + m.Key, Text: "No run that is shown measured it."}
	var names []string
	for i := range v.Metrics {
		names = append(names, v.Metrics[i].Key())
	}
	for _, near := range nearest.Metrics(m.Key, names, 3) {
		p.Near = append(p.Near, Link{near, m.Link("metric", "m", near)})
	}
	return p
}

// judged says what the judge says of the metric.
func (m *metricView) judged(v *judge.Verdict, j *judge.Metric) {
	c := changeChip(j)
	m.Change, m.Flags, m.Budget = &c, flags(j), budgetOf(j)
	m.Title = fmt.Sprintf("%s %s", j.Change, m.Key)
	baseline, current, statistic := sides(j)
	scale := scaleOf(j)
	switch {
	case j.Ratio != nil && !math.IsNaN(baseline) && !math.IsNaN(current):
		m.Sentence = fmt.Sprintf("%s to %s (%s): %s, %s", quantity(scale, baseline), quantity(scale, current), statistic,
			difference(unit.ScaleOf(current-baseline, j.Unit), current-baseline), percent(*j.Ratio))
		if j.Interval != nil {
			m.Sentence += fmt.Sprintf(", with %g%s%% confidence between %s and %s", 100*v.Policy.Confidence, thin, percent(j.Interval[0]), percent(j.Interval[1]))
		}
		m.Sentence += fmt.Sprintf("; %d and %d values.", j.N[0], j.N[1])
	case !math.IsNaN(current):
		m.Sentence = fmt.Sprintf("%s (%s) of %s.", quantity(scale, current), statistic, report.Plural(int(j.N[1]), "value"))
	case !math.IsNaN(baseline):
		m.Sentence = fmt.Sprintf("The baseline had %s (%s); this run has no value. Renamed, or not run?", quantity(scale, baseline), statistic)
	}
	if text := note(j); text != "" && j.Change != judge.Missing && j.Accepted == nil {
		m.Facts = append(m.Facts, text)
	}
	if text := unseen(j.Needed); text != "" && j.Change == judge.Inconclusive {
		m.Facts = append(m.Facts, text)
	}
	for _, reason := range slices.Concat(j.Reasons, j.Warnings) {
		if !slices.Contains(m.Facts, reason) && !said(reason, j) {
			m.Facts = append(m.Facts, reason)
		}
	}
	if j.Accepted != nil {
		m.Facts = append(m.Facts, flags(j)[0].Title)
	}
	if len(v.Baseline.Runs) > 0 {
		m.Compare = m.Link("compare", "a", m.Query.Get("base"), "b", v.Current.ID)
	}
	m.Commands = commands(v, j)
}

// said tells whether the page says a reason anyhow, in its sentence, its budget
// or its note.
func said(reason string, j *judge.Metric) bool {
	numbers := j.Change == judge.Regressed && len(j.Reasons) > 0 && (reason == j.Reasons[0] || j.Interval != nil && strings.Contains(reason, "confidence between"))
	return numbers || j.Budget != nil && (strings.Contains(reason, " is over its ") || strings.Contains(reason, " is under its ")) ||
		reason == judge.BelowThreshold || j.Change == judge.Inconclusive && j.Needed != nil && strings.HasPrefix(reason, "between ")
}

// commands are what one may want to type next.
func commands(v *judge.Verdict, m *judge.Metric) []command {
	key := report.Shell(m.Key())
	list := []command{{"How the judge came to it", fmt.Sprintf("pacer why %s %s", v.Current.ID, key)}}
	switch {
	case m.Change == judge.Regressed && m.Accepted == nil:
		list = append(list, command{"If it is intended", fmt.Sprintf("pacer accept %s --reason \"…\"", key)})
	case m.Change == judge.Inconclusive && m.Needed != nil && m.Needed.Samples > 0:
		list = append(list, command{"To be sure, measure more", fmt.Sprintf("pacer run --runs %d -- COMMAND", m.Needed.Samples)})
	}
	return list
}

// noise says how the judge came to it: what it knows of the noise, and by which
// rule it went.
func (m *metricView) noise(j *judge.Metric, v *judge.Verdict, current *run.Run) {
	add := func(name, format string, args ...any) {
		m.Noise = append(m.Noise, fact{name, fmt.Sprintf(format, args...)})
	}
	part := func(x float64) string { return fmt.Sprintf("%.2g%s%%", 100*x, thin) }
	add("Environment", "%s", EnvironmentName(current.Environment, current.Labels))
	if current.Environment != nil && current.Environment.Go != "" {
		add("Toolchain", "%s", current.Environment.Go)
	}
	if s := j.Current; s != nil && s.Stddev > 0 && s.Mean > 0 {
		add("Spread of this run's values", "%s (standard deviation over mean)", part(s.Stddev/s.Mean))
	}
	if t := j.Test; t != nil {
		add("Rule", "%s", t.Method)
		if t.Within != nil {
			add("Noise inside a run", "%s", part(*t.Within))
		}
		if t.Between != nil {
			add("Noise between runs", "%s, %s", part(*t.Between), cmp.Or(t.BetweenFrom, "assumed"))
		}
		if t.Adjusted != nil {
			add("Chance of as much by noise alone", "%.2g, for all metrics of the run together", *t.Adjusted)
		}
	}
	if i := j.Interval; i != nil && i[0] > 0 {
		// Half the interval is 1.96 standard errors; to see a change in 80 % of
		// cases takes 0.84 more.
		add("Smallest change that would be seen", "about %s", part(math.Expm1(math.Log(i[1]/i[0])/2*(1.96+0.84)/1.96)))
	}
	if j.Threshold > 0 {
		place := ""
		if j.Test != nil && j.Test.Place != "" {
			place = " (" + j.Test.Place + ")"
		}
		add("Threshold", "changes of more than %s count%s", part(j.Threshold), place)
	}
	if j.MinChange > 0 {
		add("Smallest change that matters", "%s", limit(j.MinChange, j.Unit))
	}
	add("Baseline", "%s", v.Baseline.Chosen)
}
