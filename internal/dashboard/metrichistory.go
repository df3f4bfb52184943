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
	"github.com/pacer-perf/pacer/run"
)

// query is the history that the address asks for.
func (m *metricView) query() SeriesQuery {
	q := SeriesQuery{App: m.appName(), Environment: m.Query.Get("env"), Branch: m.Query.Get("branch"), Key: m.Key, Statistic: m.Query.Get("stat")}
	q.Last = lasts[m.one("last", "", "50", "1000", "all")]
	if q.From, q.To, _ = strings.Cut(m.Query.Get("range"), ".."); q.From != "" {
		q.Last = 0
	}
	return q
}

// history draws the history of the metric.
func (m *metricView) history(h *Handler, r *http.Request, j *judge.Metric) error {
	q := m.query()
	if q.From != "" {
		m.Zoomed = m.With("range", "")
	}
	if j != nil {
		q.Unit = j.Unit
	}
	s, err := h.Source.Series(r.Context(), q)
	if err != nil {
		return err
	}
	m.one("stat", append([]string{""}, s.Statistics...)...)
	m.choices(s)
	c := m.chart(s, j)
	c.Frame = chart.Frame{Title: "History of " + m.Key, Description: m.describe(s)}
	m.History = template.HTML(c.SVG())
	m.Left = s.Left
	m.Shown = report.Plural(len(s.Points), "run")
	if s.Total > len(s.Points) {
		m.Shown = fmt.Sprintf("%d of %s", len(s.Points), report.Plural(s.Total, "run"))
	}
	if len(s.Points) < 2 {
		m.Few = "A history starts with the second run."
	}
	m.rows(s)
	return nil
}

// lasts are how many runs a history may show.
var lasts = map[string]int{"": usualRuns, "50": 50, "1000": 1000, "all": 0}

// choices are the filters and the toggles of the history.
func (m *metricView) choices(s *Series) {
	stats := []option{{Value: "", Text: s.Statistics[0]}}
	for _, name := range s.Statistics[1:] {
		stats = append(stats, option{Value: name, Text: name})
	}
	m.Choices = append(m.filters(), m.choose("stat", "Statistic", stats...))
	for _, t := range []struct {
		label, name string
		values      [][2]string
	}{
		{"Show", "last", [][2]string{{"50", "50"}, {"", "200"}, {"1000", "1000"}, {"all", "all"}}},
		{"Across", "x", [][2]string{{"", "runs"}, {"date", "dates"}}},
		{"Up", "y", [][2]string{{"", "fit"}, {"zero", "from zero"}}},
	} {
		one := toggle{Label: t.label}
		for _, v := range t.values {
			// A number that is more than there are is all.
			if n := lasts[v[0]]; t.name == "last" && n >= s.Total && v[0] != m.Query.Get("last") {
				continue
			}
			one.Links = append(one.Links, toggleLink{Text: v[1], Href: m.With(t.name, v[0]) + "#history", On: m.Query.Get(t.name) == v[0]})
		}
		if t.name == "last" && s.Total <= lasts["50"] {
			continue
		}
		if t.name == "last" && s.Total <= usualRuns {
			one.Links = slices.DeleteFunc(one.Links, func(l toggleLink) bool { return l.Text == "200" })
			last := &one.Links[len(one.Links)-1]
			last.Href, last.On = m.With("last", "")+"#history", m.Query.Get("last") != "50"
		}
		m.Toggles = append(m.Toggles, one)
	}
}

// chart makes the chart of a series.
func (m *metricView) chart(s *Series, j *judge.Metric) chart.History {
	c := chart.History{
		Unit: s.Unit, HigherBetter: s.Better == run.Higher,
		ByTime: m.one("x", "", "version", "date") == "date", FromZero: m.one("y", "", "fit", "zero") == "zero",
	}
	previous := -1
	for i := range s.Points {
		p := &s.Points[i]
		point := chart.Point{Label: label(&p.Run), Value: p.Value, Low: p.Low, High: p.High, Title: pointTitle(s, p), ID: p.Run.ID, Apart: p.Apart}
		if p.Run.Timestamp != nil {
			point.At = float64(p.Run.Timestamp.Unix())
		}
		if previous >= 0 {
			point.Href = m.Link("compare", "a", s.Points[previous].Run.ID, "b", p.Run.ID)
		} else {
			point.Href = m.Link("", "run", p.Run.ID)
		}
		if j != nil && j.Accepted != nil && m.Run != nil && p.Run.ID == m.Run.ID {
			point.Hollow = true
		}
		c.Points = append(c.Points, point)
		if !p.Apart {
			previous = i
		}
	}
	for i := range s.Changes {
		c.Changes = append(c.Changes, changeOf(s, &s.Changes[i]))
	}
	if j != nil && j.Budget != nil {
		if b := j.Budget; sameStatistic(b.Statistic, s.Statistic) {
			for _, t := range []struct {
				name  string
				limit *float64
			}{{"target", b.Target}, {"warning", b.Warning}, {"critical", b.Critical}} {
				if t.limit != nil {
					c.Limits = append(c.Limits, chart.Limit{Name: t.name, Value: *t.limit})
				}
			}
		} else if slices.Contains(s.Statistics, b.Statistic) {
			m.LimitsOf = m.With("stat", b.Statistic) + "#history"
		}
	}
	return c
}

// sameStatistic tells whether two names are of one statistic.
func sameStatistic(a, b string) bool {
	same := map[string]string{"median": "p50", "avg": "mean", "p100": "max", "p0": "min"}
	return cmp.Or(same[a], a) == cmp.Or(same[b], b)
}

// label names a run on an axis.
func label(h *judge.Head) string {
	switch {
	case h.Version != "":
		return h.Version
	case h.Commit != "":
		return short(h.Commit)
	case h.Timestamp != nil:
		return h.Timestamp.Format("01-02")
	}
	return ""
}

// pointTitle says all about a point.
func pointTitle(s *Series, p *Point) string {
	scale := unit.ScaleOf(p.Value, s.Unit)
	parts := []string{name(&p.Run)}
	if p.Run.Commit != "" && p.Run.Version != "" {
		parts = append(parts, short(p.Run.Commit))
	}
	if p.Apart {
		parts = append(parts, "branch "+p.Run.Branch)
	}
	if p.Run.Timestamp != nil {
		parts = append(parts, p.Run.Timestamp.Format("2006-01-02"))
	}
	text := strings.Join(parts, ", ") + ": " + s.Statistic + " " + quantity(scale, p.Value)
	if !math.IsNaN(p.Low) {
		text += fmt.Sprintf(", 95%s%% interval %s to %s", thin, scale.Number(p.Low), scale.Number(p.High))
	}
	return text + ", " + report.Plural(int(p.Count), "value")
}

// tone says whether a level that moved got worse.
func tone(s *Series, c *Change) chart.Tone {
	switch up := c.After > c.Before; {
	case s.Better == "":
		return chart.Neutral
	case up == (s.Better == run.Lower):
		return chart.Worse
	}
	return chart.Better
}

// changeOf makes the mark of a change point.
func changeOf(s *Series, c *Change) chart.Change {
	at := &s.Points[c.Index].Run
	by := "moved"
	if c.Before > 0 && c.After > 0 {
		by = percent(c.After / c.Before)
	}
	text := by + " at " + label(at)
	if c.Drift {
		text = by + " slowly from " + label(at)
	}
	return chart.Change{Index: c.Index, End: c.End, Label: text, Tone: tone(s, c), Up: c.After > c.Before}
}

// describe says in a sentence what a history shows.
func (m *metricView) describe(s *Series) string {
	if len(s.Points) == 0 {
		return ""
	}
	first, last := &s.Points[0], &s.Points[len(s.Points)-1]
	scale := unit.ScaleOf(first.Value, s.Unit)
	text := fmt.Sprintf("The %s of %s, from %s at %s to %s at %s.", s.Statistic, report.Plural(len(s.Points), "run"),
		quantity(scale, first.Value), label(&first.Run), quantity(scale, last.Value), label(&last.Run))
	switch n := len(s.Changes); n {
	case 0:
		text += " Its level did not move."
	case 1:
		text += " Its level moved once: " + changeOf(s, &s.Changes[0]).Label + "."
	default:
		text += fmt.Sprintf(" Its level moved %d times, last %s.", n, changeOf(s, &s.Changes[n-1]).Label)
	}
	return text
}

// rows fills in what the chart shows as words: the change points, and a table
// of all points.
func (m *metricView) rows(s *Series) {
	m.Value = s.Statistic
	for i := range slices.Backward(s.Changes) {
		c := &s.Changes[i]
		scale := unit.ScaleOf(c.Before, s.Unit)
		mark := changeOf(s, c)
		one := move{At: s.Points[c.Index].Run, Class: map[chart.Tone]string{chart.Worse: "regressed", chart.Better: "improved", chart.Neutral: "unchanged"}[mark.Tone], Icon: "down"}
		if mark.Up {
			one.Icon = "up"
		}
		one.Text = fmt.Sprintf("%s: from %s to %s, %.0f%s%% sure", mark.Label, quantity(scale, c.Before), quantity(scale, c.After), min(99, 100*c.Confidence), thin)
		one.Href = m.Link("compare", "a", s.Points[max(0, c.Index-1)].Run.ID, "b", s.Points[c.Index].Run.ID)
		m.Moves = append(m.Moves, one)
	}
	scale := unit.ScaleOf(s.Points[len(s.Points)-1].Value, s.Unit)
	for _, p := range slices.Backward(s.Points) {
		row := pointRow{Run: p.Run, Value: quantity(scale, p.Value), Count: p.Count, Href: m.Link("", "run", p.Run.ID)}
		if !math.IsNaN(p.Low) {
			row.Interval = scale.Number(p.Low) + " to " + scale.Number(p.High)
		}
		m.Points = append(m.Points, row)
	}
	m.Caption = pointTitle(s, &s.Points[len(s.Points)-1])
}
