package report

import (
	"fmt"
	"math"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Row is what a table says of a metric, rounded for people. Empty is not
// known, or nothing to say.
type Row struct {
	*judge.Metric
	Name      string // with labels
	Statistic string // that the values are: p95, median, level
	Value     string
	Base      string             // the baseline's
	Now, Then float64            // both values, in the metric's unit; NaN: not known
	Status    judge.BudgetStatus // "": it has no budget
	Share     string             // of the lowest limit of the budget: "104%"
	By        string             // the change, signed: "+19.7%"
	Low, High string             // the interval of it
	// OtherStatistic tells that By is of another statistic than the values.
	OtherStatistic bool
}

// RowOf returns the row of a metric.
func RowOf(m *judge.Metric) Row {
	r := Row{Metric: m, Name: m.Key(), Status: Status(m)}
	statistic, value, base := values(m)
	r.Statistic, r.Now, r.Then = statistic, value, base
	like := base
	if math.IsNaN(base) {
		like = value
	}
	if !math.IsNaN(value) {
		r.Value = unit.FormatLike(value, like, m.Unit)
	}
	if !math.IsNaN(base) {
		r.Base = unit.Format(base, m.Unit)
	}
	if b := m.Budget; b != nil && b.Value != nil {
		if limit := lowest(b); limit != nil && *limit != 0 {
			r.Share = share(*b.Value / *limit)
		}
	}
	if m.Ratio != nil {
		r.By = unit.Percent(*m.Ratio)
		r.OtherStatistic = m.Budget != nil && m.Budget.Value != nil && m.Statistic != "" && m.Statistic != r.Statistic
	}
	if m.Interval != nil {
		r.Low, r.High = unit.Percent(m.Interval[0]), unit.Percent(m.Interval[1])
	}
	return r
}

// share is a part as a percentage. A little is not nothing.
func share(part float64) string {
	if part > 0 && part < 0.005 {
		return "<1%"
	}
	return fmt.Sprintf("%.0f%%", 100*part)
}

// Rows returns the rows of the metrics of a verdict, gravest first.
func Rows(v *judge.Verdict) []Row {
	metrics := ByGravity(v.Metrics)
	rows := make([]Row, len(metrics))
	for i := range metrics {
		rows[i] = RowOf(&metrics[i])
	}
	return rows
}

// values returns both sides of a metric by one statistic: that of its budget,
// else that by which it was compared, else its median.
func values(m *judge.Metric) (statistic string, value, base float64) {
	switch {
	case m.Budget != nil && m.Budget.Statistic != "":
		value = math.NaN()
		if m.Budget.Value != nil {
			value = *m.Budget.Value
		}
		return m.Budget.Statistic, value, named(m.Baseline, m.Budget.Statistic)
	case m.Levels != nil:
		return "level", m.Levels[1], m.Levels[0]
	}
	statistic = m.Statistic
	if statistic == "" {
		statistic = "median"
	}
	value, base = named(m.Current, statistic), named(m.Baseline, statistic)
	if math.IsNaN(value) && math.IsNaN(base) {
		mean, old := named(m.Current, "mean"), named(m.Baseline, "mean")
		if !math.IsNaN(mean) || !math.IsNaN(old) {
			return "mean", mean, old
		}
	}
	return statistic, value, base
}

// named returns a statistic of a summary, NaN if it lacks it.
func named(s *run.Stats, statistic string) float64 {
	if s == nil {
		return math.NaN()
	}
	v, err := (&run.Metric{Summary: s}).Statistic(statistic)
	if err != nil {
		return math.NaN()
	}
	return v
}

// lowest returns the limit that a value is held to first: the target, or the
// lowest tier above it.
func lowest(b *judge.BudgetResult) *float64 {
	for _, limit := range []*float64{b.Target, b.Warning, b.Critical} {
		if limit != nil {
			return limit
		}
	}
	return nil
}

// Center is the value of the current run that a history of the metric goes on
// with, NaN if it has none.
func Center(m *judge.Metric) float64 {
	if m.Current == nil {
		return math.NaN()
	}
	v, _ := (&run.Metric{Summary: m.Current}).Center()
	return v
}
