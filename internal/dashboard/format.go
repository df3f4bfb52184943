package dashboard

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// functions are what templates may call.
var functions = template.FuncMap{
	"day":    func(t time.Time) string { return t.UTC().Format("2006-01-02") },
	"stamp":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
	"clock":  func(t time.Time) string { return t.Local().Format("15:04:05") },
	"iso":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"ago":    ago,
	"short":  short,
	"list":   func(words ...string) []string { return words },
	"word":   func(s string) string { w, _, _ := strings.Cut(s, " "); return w },
	"rest":   func(s string) string { _, r, _ := strings.Cut(s, " "); return r },
	"before": func(key string) string { name, _, _ := strings.Cut(key, "{"); return name },
	"labels": func(key string) string { name, _, _ := strings.Cut(key, "{"); return key[len(name):] },
	"minus1": func(n int) int { return n - 1 },
	"name":   name,
	"plural": report.Plural,
}

const (
	minus = "−"      // U+2212
	thin  = "\u202f" // narrow no-break space
)

// percent writes a ratio as the change that it is: +19.7 %; from eleven times
// on, as the ratio: ×12.
func percent(ratio float64) string {
	switch {
	case math.IsInf(ratio, 1) || ratio >= 1e6:
		return "over ×1" + thin + "000" + thin + "000"
	case ratio >= 11:
		return "×" + unit.ScaleOf(1, "").Number(ratio)
	}
	text := unit.Percent(ratio)
	return strings.Replace(strings.TrimSuffix(text, "%")+thin+"%", "-", minus, 1)
}

// plainPercent writes the size of a change: 19.7 %.
func plainPercent(ratio float64) string {
	return strings.TrimLeft(percent(ratio), "+"+minus)
}

// interval writes an interval of ratios: +16.4 to +23.1.
func interval(i *[2]float64) string {
	if i == nil {
		return ""
	}
	bare := func(r float64) string { return strings.TrimSuffix(percent(r), thin+"%") }
	return bare(i[0]) + " to " + bare(i[1])
}

// quantity writes a value in a scale, with a minus that is one.
func quantity(s unit.Scale, v float64) string { return strings.Replace(s.Format(v), "-", minus, 1) }

// ago writes how long ago something was, as people say it.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return "at a time that is not known"
	}
	switch d := now.Sub(t); {
	case d < -time.Minute:
		return "in the future"
	case d < 90*time.Second:
		return "just now"
	case d < 90*time.Minute:
		return fmt.Sprintf("%d min ago", int(math.Round(d.Minutes())))
	case d < 36*time.Hour:
		return fmt.Sprintf("%d h ago", int(math.Round(d.Hours())))
	case d < 60*24*time.Hour:
		return fmt.Sprintf("%d days ago", int(math.Round(d.Hours()/24)))
	}
	return "on " + t.UTC().Format("2006-01-02")
}

// short abbreviates a commit.
func short(commit string) string { return commit[:min(7, len(commit))] }

// sides returns what the two sides of a metric are compared by, and its name;
// NaN for a side that is not there.
func sides(m *judge.Metric) (baseline, current float64, statistic string) {
	if m.Levels != nil {
		return m.Levels[0], m.Levels[1], "level"
	}
	return center(m.Baseline, m.Statistic), center(m.Current, m.Statistic), statisticOf(m)
}

func statisticOf(m *judge.Metric) string {
	switch {
	case m.Test != nil && m.Statistic != "":
		return m.Statistic
	case m.Current != nil && math.IsNaN(m.Current.P50):
		return "mean"
	}
	return "median"
}

func center(s *run.Stats, statistic string) float64 {
	switch {
	case s == nil:
		return math.NaN()
	case statistic == "mean" || math.IsNaN(s.P50):
		return s.Mean
	}
	return s.P50
}

// scaleOf is the scale of a metric's row: that of its baseline, so that both
// sides read alike.
func scaleOf(m *judge.Metric) unit.Scale {
	baseline, current, _ := sides(m)
	if !math.IsNaN(baseline) && baseline != 0 {
		return unit.ScaleOf(baseline, m.Unit)
	}
	if math.IsNaN(current) {
		current = 1
	}
	return unit.ScaleOf(current, m.Unit)
}

// name writes what a run is of: a version, else a commit, else its id.
func name(h *judge.Head) string {
	switch {
	case h.Version != "":
		return h.Version
	case h.Commit != "":
		return short(h.Commit)
	}
	return h.ID[:min(10, len(h.ID))]
}

// EnvironmentName writes where a run was made, and with which labels.
func EnvironmentName(e *run.Environment, labels map[string]string) string {
	var words []string
	if e != nil {
		if e.OS != "" {
			words = append(words, strings.TrimSuffix(e.OS+"/"+e.Arch, "/"))
		}
		if e.CPU != "" {
			words = append(words, e.CPU)
		}
		if e.Cores != 0 {
			words = append(words, report.Plural(e.Cores, "core"))
		}
		if e.CPULimit != 0 {
			words = append(words, fmt.Sprintf("limited to %v cores", e.CPULimit))
		}
		if e.MemoryLimit != 0 {
			words = append(words, "limited to "+limit(float64(e.MemoryLimit), unit.Bytes))
		}
	}
	if len(words) == 0 {
		words = append(words, "environment not known")
	}
	if len(labels) > 0 {
		words = append(words, strings.Trim(run.Key("", labels), "{}"))
	}
	return strings.Join(words, ", ")
}

// difference writes a difference with its sign: +342 ms.
func difference(s unit.Scale, v float64) string {
	if v > 0 {
		return "+" + quantity(s, v)
	}
	return quantity(s, v)
}
