package html

import (
	"fmt"
	"html/template"
	"math"
	"regexp"
	"strings"

	"github.com/pacer-perf/pacer/internal/chart"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
)

// row is one line of the table.
type row struct {
	chip
	Anchor, Name, Statistic, Value, Base, By, Interval string
	Budget                                             *chip
	Spark                                              template.HTML
}

func rowOf(r *report.Row, series *judge.Series, anchor string) row {
	out := row{chip: changeChip(r.Metric), Anchor: anchor, Name: r.Name, Statistic: r.Statistic, Budget: statusChip(r.Status, r.Share), By: percent(r.Ratio)}
	scale := scaleOf(r)
	if !math.IsNaN(r.Now) {
		out.Value = scale.Format(r.Now)
	}
	if !math.IsNaN(r.Then) {
		out.Base = scale.Format(r.Then)
	}
	if r.Metric.Interval != nil {
		out.Interval = fmt.Sprintf("%s to %s", percent(&r.Metric.Interval[0]), percent(&r.Metric.Interval[1]))
	}
	if series != nil && anchor != "" {
		out.Spark = template.HTML(spark(r, series))
	}
	return out
}

// scaleOf is the scale of a row: that of its baseline, else of its value.
func scaleOf(r *report.Row) unit.Scale {
	if !math.IsNaN(r.Then) {
		return unit.ScaleOf(r.Then, r.Unit)
	}
	return unit.ScaleOf(r.Now, r.Unit)
}

// percent is a ratio as a signed percentage, "" if there is none.
func percent(ratio *float64) string {
	if ratio == nil {
		return ""
	}
	return typeset(unit.Percent(*ratio))
}

// signs are those of numbers: a hyphen stays one.
var signs = regexp.MustCompile(`(^|[ (])-(\d)`)

// typeset writes numbers with a true minus, and the percent sign apart.
func typeset(s string) string {
	return signs.ReplaceAllString(strings.ReplaceAll(s, "%", "\u202f%"), "$1\u2212$2")
}

// shownVersions is how many versions of a history are drawn.
const shownVersions = 60

// newest returns the part of a series that is drawn, with the value of the
// current run at its end, and how many values come before it.
func newest(r *report.Row, s *judge.Series, most int) (values []float64, left int) {
	left = max(0, len(s.Values)-most)
	values = append(values, s.Values[left:]...)
	if now := report.Center(r.Metric); !math.IsNaN(now) {
		values = append(values, now)
	}
	return values, left
}

func spark(r *report.Row, s *judge.Series) string {
	const versions = 24
	values, left := newest(r, s, versions)
	c := chart.Spark{Title: fmt.Sprintf("The last %d values of %s", len(values), r.Name), Values: values}
	if moved := r.Moved; moved != nil && moved.Index >= left {
		c.Changes = []int{moved.Index - left}
	}
	return c.SVG()
}

func budgetOf(r *report.Row) budget {
	b := r.Metric.Budget
	limit := func(v *float64) string {
		if v == nil {
			return ""
		}
		return unit.ScaleOf(*v, r.Unit).Format(*v)
	}
	return budget{r.Name, b.Statistic, limit(b.Target), limit(b.Warning), limit(b.Critical), b.Place}
}
