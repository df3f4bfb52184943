package html

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/chart"
	"github.com/pacer-perf/pacer/internal/explain"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// details is all about one metric.
type details struct {
	chip
	Anchor, Name, Statistic string
	Open                    bool
	Budget                  *chip
	Sentence                string
	Notes                   []string
	History                 *figure
	Distribution            []figure
	Stages                  *stages
	Samples                 *samples
}

type figure struct {
	Caption string
	SVG     template.HTML
}

type stages struct {
	figure
	Label string
	Rows  []stageRow
}

type stageRow struct{ Name, Before, Now, Difference, Share string }

type samples struct {
	Label string
	Names []string
	Sides []sampleRow
}

type sampleRow struct {
	Name   string
	Values []string
}

// sides are the metrics of the runs of both sides, by identity.
type sides struct {
	current  map[string]*run.Metric
	baseline map[string][]*run.Metric
}

func sidesOf(r *report.Report) sides {
	s := sides{make(map[string]*run.Metric), make(map[string][]*run.Metric)}
	if r.Current != nil {
		for i := range r.Current.Metrics {
			m := &r.Current.Metrics[i]
			s.current[judge.Identity(m.Key(), m.Unit)] = m
		}
	}
	for _, b := range r.Baseline {
		for i := range b.Metrics {
			m := &b.Metrics[i]
			id := judge.Identity(m.Key(), m.Unit)
			s.baseline[id] = append(s.baseline[id], m)
		}
	}
	return s
}

func detailsOf(r *report.Report, row *report.Row, series *judge.Series, of sides, anchor string) details {
	m := row.Metric
	d := details{chip: changeChip(m), Anchor: anchor, Name: row.Name, Statistic: row.Statistic, Open: report.NeedsPerson(m),
		Budget: statusChip(row.Status, row.Share), Sentence: sentence(row)}
	if note := r.NoteOf(m); note != nil {
		d.Notes = append([]string{note.Lead}, note.More...)
	} else {
		d.Notes = m.Reasons
	}
	if series != nil {
		d.History = historyOf(row, series)
	}
	id := judge.Identity(row.Name, m.Unit)
	d.Distribution = distributionOf(row, of.current[id], of.baseline[id])
	d.Stages = stagesOf(r, m)
	d.Samples = samplesOf(row)
	return d
}

// sentence says the numbers of a row.
func sentence(r *report.Row) string {
	scale := scaleOf(r)
	var b strings.Builder
	switch {
	case !math.IsNaN(r.Then) && !math.IsNaN(r.Now):
		fmt.Fprintf(&b, "%s %s → %s", r.Statistic, scale.Format(r.Then), scale.Format(r.Now))
	case !math.IsNaN(r.Now):
		fmt.Fprintf(&b, "%s %s", r.Statistic, scale.Format(r.Now))
	case !math.IsNaN(r.Then):
		fmt.Fprintf(&b, "%s %s before, not measured now", r.Statistic, scale.Format(r.Then))
	default:
		b.WriteString("not measured")
	}
	if r.Ratio != nil {
		fmt.Fprintf(&b, "; %s", percent(r.Ratio))
		if r.Metric.Interval != nil {
			fmt.Fprintf(&b, ", interval %s to %s", percent(&r.Metric.Interval[0]), percent(&r.Metric.Interval[1]))
		}
		if r.OtherStatistic {
			b.WriteString(", of the level of all samples")
		}
	}
	fmt.Fprintf(&b, "; %d and %d samples.", r.N[0], r.N[1])
	return b.String()
}

// historyOf draws the newest versions of a metric.
func historyOf(r *report.Row, s *judge.Series) *figure {
	values, left := newest(r, s, shownVersions)
	c := chart.History{
		Frame: chart.Frame{Title: "History of " + r.Name, Height: 240}, Unit: r.Unit, HigherBetter: r.Better == run.Higher, First: left,
	}
	scale := unit.ScaleOf(report.Median(values), r.Unit)
	for i, v := range values {
		name := "this run"
		if at := left + i; at < len(s.Runs) {
			name = report.RunName(&s.Runs[at])
		}
		label := strings.Fields(name)[0]
		if name == "this run" {
			label = "now"
		} else if strings.HasPrefix(name, "run ") {
			label = fmt.Sprint(left + i + 1)
		}
		c.Points = append(c.Points, chart.Point{Label: label, Value: v, Low: math.NaN(), High: math.NaN(), Title: name + ": " + scale.Format(v)})
	}
	if moved := r.Moved; moved != nil && moved.Index > left && moved.Index-left < len(values) {
		c.Changes = []chart.Change{{Index: moved.Index - left, End: moved.Index - left, Up: moved.Ratio > 1, Label: percent(&moved.Ratio), Tone: toneOf(r.Better, moved.Ratio)}}
	}
	if b := r.Metric.Budget; b != nil && b.Statistic == "median" { // what a history is of
		for _, l := range []struct {
			name string
			at   *float64
		}{{"target", b.Target}, {"warning", b.Warning}, {"critical", b.Critical}} {
			if l.at != nil {
				c.Limits = append(c.Limits, chart.Limit{Name: l.name, Value: *l.at})
			}
		}
	}
	c.Description = fmt.Sprintf("%d values from %s to %s.", len(values), scale.Format(slices.Min(values)), scale.Format(slices.Max(values)))
	caption := "History: the median of each run"
	if left > 0 {
		caption = fmt.Sprintf("%s, the newest %d of %d", caption, len(values), len(values)+left)
	}
	return &figure{caption, template.HTML(c.SVG())}
}

func toneOf(better run.Better, ratio float64) chart.Tone {
	switch {
	case better == "" || ratio == 1:
		return chart.Neutral
	case (ratio > 1) == (better == run.Higher):
		return chart.Better
	}
	return chart.Worse
}

// enoughForBins is how many samples a histogram takes; fewer are drawn one by
// one.
const (
	enoughForBins = 30
	enoughForECDF = 5
)

// distributionOf draws the samples of both sides.
func distributionOf(r *report.Row, current *run.Metric, baseline []*run.Metric) []figure {
	d := chart.Distribution{Frame: chart.Frame{Title: "Distribution of " + r.Name}, Unit: r.Unit, Current: weighted(current)}
	for _, b := range baseline {
		d.Baseline = append(d.Baseline, weighted(b)...)
	}
	n := max(r.N[0], r.N[1])
	if len(d.Current)+len(d.Baseline) < 2 {
		return nil
	}
	if s := r.Metric.Current; s != nil && s.Count >= enoughForBins {
		for _, t := range []chart.Tick{{Name: "p50", Value: s.P50}, {Name: "p95", Value: s.P95}, {Name: "p99", Value: s.P99}} {
			if !math.IsNaN(t.Value) {
				d.Ticks = append(d.Ticks, t)
			}
		}
	}
	d.Description = fmt.Sprintf("%d samples of the baseline, %d of this run.", r.N[0], r.N[1])
	switch {
	case n < enoughForECDF:
		return []figure{{"Samples, one dot each", template.HTML(chart.Strip(d).SVG())}}
	case n < enoughForBins:
		return []figure{{"Share of samples up to a value; the baseline is dashed", template.HTML(chart.ECDF(d).SVG())}}
	}
	return []figure{
		{"Samples: this run filled, the baseline dashed", template.HTML(chart.Histogram(d).SVG())},
		{"Share of samples up to a value; the baseline is dashed", template.HTML(chart.ECDF(d).SVG())},
	}
}

// spread is how many values stand for a histogram.
const spread = 500

// weighted returns the observations of a metric. A histogram is read at even
// steps of its quantiles.
func weighted(m *run.Metric) []chart.Weighted {
	switch {
	case m == nil:
		return nil
	case m.Histogram == nil:
		return chart.Each(m.Samples)
	}
	n := int(min(m.Count(), spread))
	list := make([]chart.Weighted, n)
	for i := range list {
		list[i] = chart.Weighted{Value: m.Histogram.Quantile((float64(i) + 0.5) / float64(n)), Weight: float64(m.Count()) / float64(n)}
	}
	return list
}

// mostStages is how many stages are drawn; the table has as many rows.
const mostStages = 20

// stagesOf shows where the time of an operation goes, nil if no stages were
// recorded on both sides.
func stagesOf(r *report.Report, m *judge.Metric) *stages {
	list := m.Stages
	if len(list) == 0 && r.Current != nil {
		list = explain.Stages(r.Baseline, r.Current, m.Name)
	}
	list = slices.DeleteFunc(slices.Clone(list), func(s explain.Stage) bool { return s.Baseline == 0 && s.Current == 0 })
	if len(list) == 0 {
		return nil
	}
	out := &stages{figure: figure{Caption: "Where the time of a call goes"}, Label: "Stages of " + m.Key()}
	var totals [2]float64
	for _, s := range list {
		totals[0], totals[1] = totals[0]+s.Baseline, totals[1]+s.Current
	}
	largest := 0.0
	for _, s := range list {
		largest = max(largest, s.Baseline, s.Current)
	}
	scale := unit.ScaleOf(largest, unit.Seconds)
	c := chart.Stages{Frame: chart.Frame{Title: out.Caption, Description: fmt.Sprintf("%s before, %s now.", scale.Format(totals[0]), scale.Format(totals[1]))}, Unit: unit.Seconds,
		Bars: []chart.StageBar{{Name: "baseline", Total: scale.Format(totals[0])}, {Name: "current", Total: scale.Format(totals[1])}}}
	list = list[:min(len(list), mostStages)]
	for _, s := range inOrder(list, r.Current) {
		name := strings.TrimPrefix(strings.TrimPrefix(s.Path, m.Name), "/")
		if name == "" {
			name = "own"
		}
		tone := chart.Neutral
		if s.Share >= 0.2 {
			tone = chart.Worse
		}
		c.Bars[0].Stages = append(c.Bars[0].Stages, chart.Stage{Name: name, Title: s.Path + ": " + scale.Format(s.Baseline), Value: s.Baseline})
		c.Bars[1].Stages = append(c.Bars[1].Stages, chart.Stage{Name: name, Title: s.Path + ": " + scale.Format(s.Current), Value: s.Current, Tone: tone})
	}
	for _, s := range list {
		row := stageRow{Name: s.Path, Before: scale.Format(s.Baseline), Now: scale.Format(s.Current), Difference: signed(scale, s.Delta)}
		if s.Share > 0 {
			row.Share = fmt.Sprintf("%.0f\u202f%%", 100*s.Share)
		}
		out.Rows = append(out.Rows, row)
	}
	out.SVG = template.HTML(c.SVG())
	return out
}

// inOrder returns stages in the order in which the run has them, that of
// execution.
func inOrder(list []explain.Stage, r *run.Run) []explain.Stage {
	if r == nil {
		return list
	}
	at := make(map[string]int, len(r.Stages))
	for i, s := range r.Stages {
		at[s.Path] = i + 1
	}
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b explain.Stage) int { return at[a.Path] - at[b.Path] })
	return sorted
}

func signed(scale unit.Scale, v float64) string {
	sign := "+"
	if v < 0 {
		sign = "\u2212"
	}
	return sign + scale.Format(math.Abs(v))
}

// samplesOf summarises the samples of both sides.
func samplesOf(r *report.Row) *samples {
	out := &samples{Label: "Samples of " + r.Name, Names: []string{"n", "mean", "stddev", "min", "p50", "p95", "p99", "max"}}
	scale := scaleOf(r)
	for i, s := range []*run.Stats{r.Baseline, r.Metric.Current} {
		if s == nil {
			continue
		}
		row := sampleRow{Name: []string{"baseline", "current"}[i], Values: []string{fmt.Sprint(r.N[i])}}
		for _, v := range []float64{s.Mean, s.Stddev, s.Min, s.P50, s.P95, s.P99, s.Max} {
			if math.IsNaN(v) {
				row.Values = append(row.Values, "–")
			} else {
				row.Values = append(row.Values, scale.Format(v))
			}
		}
		out.Sides = append(out.Sides, row)
	}
	if out.Sides == nil {
		return nil
	}
	return out
}
