package dashboard

import (
	"context"
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

// detail is what two sides of a metric look like beneath their one number.
type detail struct {
	Key       string
	Histogram template.HTML // "": too few values
	ECDF      template.HTML
	Base, Now bool    // which sides there are
	Shifts    []shift // by how much each part moved
	Stages    *stages // nil: none were recorded
	Few       string  // what is missing
	Sub       bool    // beneath another heading
}

// shift is how much a quantile moved.
type shift struct{ Name, Text string }

// stages is where the time went.
type stages struct {
	Chart template.HTML
	Rows  []stageRow
}

type stageRow struct {
	Name, Baseline, Current, Delta, Ratio, Share string
	Class                                        string
}

// fewValues is below how many values bins say nothing.
const fewValues = 5

// wholeRuns loads the current run and its baseline.
func (h *Handler) wholeRuns(ctx context.Context, v *judge.Verdict) (current *run.Run, before []*run.Run, err error) {
	if current, err = h.Source.Run(ctx, v.Current.ID); err != nil {
		return nil, nil, err
	}
	for i := range v.Baseline.Runs {
		r, err := h.Source.Run(ctx, v.Baseline.Runs[i].ID)
		if err != nil {
			return nil, nil, err
		}
		before = append(before, r)
	}
	return current, before, nil
}

// newDetail draws the distributions and the stages of a metric.
func newDetail(m *judge.Metric, current *run.Run, before []*run.Run) *detail {
	d := &detail{Key: m.Key()}
	now := weighted(current, m)
	var base []chart.Weighted
	for _, r := range before {
		base = append(base, weighted(r, m)...)
	}
	d.Base, d.Now = len(base) > 0, len(now) > 0
	both := d.Base && d.Now
	n := max(len(base), len(now))
	dist := chart.Distribution{Unit: m.Unit, Baseline: base, Current: now}
	for _, q := range []float64{0.5, 0.95, 0.99} {
		if len(now) >= fewValues {
			dist.Ticks = append(dist.Ticks, chart.Tick{Name: fmt.Sprintf("p%g", 100*q), Value: quantileOf(now, q)})
		}
		if both && len(base) >= fewValues && len(now) >= fewValues {
			if b, c := quantileOf(base, q), quantileOf(now, q); b > 0 && c > 0 {
				d.Shifts = append(d.Shifts, shift{fmt.Sprintf("p%g", 100*q), percent(c / b)})
			}
		}
	}
	about := fmt.Sprintf("%s in this run", report.Plural(len(now), "value"))
	if both {
		about += fmt.Sprintf(", %d in the baseline", len(base))
	}
	for _, s := range d.Shifts {
		about += fmt.Sprintf(", %s %s", s.Name, s.Text)
	}
	switch {
	case n == 0 && (m.Current == nil || m.Current.Count == 0):
		d.Few = "This run has no values of it, and of the baseline no single ones are kept."
	case n == 0:
		d.Few = "Only a summary of its values is kept."
	case n < fewValues:
		d.Few = fmt.Sprintf("%d values are needed for an interval and for bins; there are %d.", fewValues, n)
		dist.Frame = chart.Frame{Title: "Values of " + d.Key, Description: about}
		d.ECDF = template.HTML(chart.Strip(dist).SVG())
	default:
		dist.Frame = chart.Frame{Title: "Values of " + d.Key + " in bins", Description: about}
		d.Histogram = template.HTML(chart.Histogram(dist).SVG())
		dist.Frame = chart.Frame{Title: "Values of " + d.Key + ", cumulative", Description: about}
		d.ECDF = template.HTML(chart.ECDF(dist).SVG())
	}
	d.Stages = newStages(m, current, before)
	return d
}

// weighted returns the observations of a metric in a run: its samples, or
// values that lie as its histogram does; nil where only a summary is known.
func weighted(r *run.Run, m *judge.Metric) []chart.Weighted {
	x := measured(r, m)
	switch {
	case x == nil:
		return nil
	case x.Histogram == nil:
		return chart.Each(x.Samples)
	}
	const most = 500
	n := int(min(x.Count(), most))
	list := make([]chart.Weighted, n)
	for i := range list {
		list[i] = chart.Weighted{Value: x.Histogram.Quantile((float64(i) + 0.5) / float64(n)), Weight: float64(x.Count()) / float64(n)}
	}
	return list
}

// measured returns the metric of a run that was judged, nil if it lacks it.
func measured(r *run.Run, m *judge.Metric) *run.Metric {
	key := m.Key()
	for i := range r.Metrics {
		if x := &r.Metrics[i]; x.Unit == m.Unit && x.Key() == key {
			return x
		}
	}
	return nil
}

// quantileOf returns the q-quantile of observations.
func quantileOf(list []chart.Weighted, q float64) float64 {
	values := make([]float64, len(list))
	for i, w := range list {
		values[i] = w.Value
	}
	m := run.Metric{Samples: values}
	v, err := m.Statistic(fmt.Sprintf("p%g", 100*q))
	if err != nil {
		return math.NaN()
	}
	return v
}

// newStages draws where the time of one call goes, nil if nothing was recorded
// on it. The order is that of the run's document.
func newStages(m *judge.Metric, current *run.Run, before []*run.Run) *stages {
	if m.Unit != unit.Seconds {
		return nil
	}
	compared := len(before) > 0
	if !compared {
		before = []*run.Run{current}
	}
	list := explain.Stages(before, current, m.Name)
	if list == nil {
		return nil
	}
	order := func(path string) int {
		i := slices.IndexFunc(current.Stages, func(s run.Stage) bool { return s.Path == path })
		if i < 0 || path == m.Name { // gone, or what no stage measured: at the end
			return len(current.Stages)
		}
		return i
	}
	slices.SortStableFunc(list, func(a, b explain.Stage) int { return order(a.Path) - order(b.Path) })
	base, now := chart.StageBar{Name: "baseline"}, chart.StageBar{Name: "current"}
	totals := [2]float64{}
	out := &stages{}
	most := slices.MaxFunc(list, func(a, b explain.Stage) int { return int(1e6 * (a.Share - b.Share)) })
	for _, s := range list {
		title := strings.TrimPrefix(s.Path, m.Name+"/")
		if s.Path == m.Name {
			title = "other"
		}
		scale := unit.ScaleOf(max(s.Baseline, s.Current), m.Unit)
		bar := chart.Stage{Name: title, Value: s.Current, Title: title + ": " + quantity(scale, s.Current)}
		row := stageRow{Name: title, Baseline: quantity(scale, s.Baseline), Current: quantity(scale, s.Current)}
		if compared {
			bar.Title += ", " + difference(scale, s.Delta)
			row.Delta = difference(scale, s.Delta)
			if s.Baseline > 0 && s.Current > 0 {
				row.Ratio = percent(s.Current / s.Baseline)
			}
			if s.Share >= 0.005 {
				row.Share = fmt.Sprintf("%.0f%s%%", 100*s.Share, thin)
			}
			if s.Path == most.Path && s.Share >= 0.3 && m.Change == judge.Regressed {
				bar.Tone, row.Class = chart.Worse, "worst"
			}
		}
		totals[0], totals[1] = totals[0]+s.Baseline, totals[1]+s.Current
		base.Stages = append(base.Stages, chart.Stage{Name: title, Value: s.Baseline, Title: title + ": " + quantity(scale, s.Baseline)})
		now.Stages = append(now.Stages, bar)
		out.Rows = append(out.Rows, row)
	}
	scale := unit.ScaleOf(max(totals[0], totals[1]), m.Unit)
	base.Total, now.Total = quantity(scale, totals[0]), quantity(scale, totals[1])
	c := chart.Stages{Frame: chart.Frame{Title: "Where the time of one call goes", Description: "One call takes " + now.Total + "."}, Unit: m.Unit, Bars: []chart.StageBar{now}}
	if compared {
		c.Description = fmt.Sprintf("One call took %s, now %s.", base.Total, now.Total)
		c.Bars = []chart.StageBar{base, now}
	}
	out.Chart = template.HTML(c.SVG())
	return out
}

// samples are the raw values of a run.
type samples struct {
	Count int
	Strip template.HTML
	Rows  []string
	CSV   string
	More  int // that the table leaves out
	Note  string
}

// newSamples shows the values of the current run, nil if it has none.
func newSamples(v *view, m *judge.Metric, current *run.Run) *samples {
	x := measured(current, m)
	if x == nil || x.Count() == 0 || x.Summary != nil {
		return nil
	}
	s := &samples{Count: int(x.Count()), CSV: v.Link("export.csv", "m", m.Key(), "run", current.ID, "raw", "1")}
	if x.Histogram != nil {
		s.Note = "They were folded into a histogram: single values are no longer known."
		s.CSV = ""
		return s
	}
	dist := chart.Distribution{Unit: m.Unit, Current: chart.Each(x.Samples)}
	dist.Frame = chart.Frame{Title: "Every value of " + m.Key(), Description: report.Plural(len(x.Samples), "value"), Height: 90}
	s.Strip = template.HTML(chart.Strip(dist).SVG())
	center, _ := x.Center()
	scale := unit.ScaleOf(center, m.Unit)
	for i, value := range x.Samples {
		if i == rawRows {
			s.More = len(x.Samples) - rawRows
			break
		}
		s.Rows = append(s.Rows, quantity(scale, value))
	}
	return s
}
