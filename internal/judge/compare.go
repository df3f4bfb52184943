package judge

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/pacer-perf/pacer/run"
)

// Differences lists what keeps two runs from being compared: the app, a label
// or a field of the environment, with both values. Runs without differences
// are alike. What either side does not know is no difference; see Unknown.
func Differences(a, b *run.Run) []string {
	var list []string
	if a.App != "" && b.App != "" && a.App != b.App {
		list = append(list, difference("app", a.App, b.App))
	}
	list = append(list, LabelDifferences(a, b)...)
	return append(list, environmentDifferences(a.Environment, b.Environment)...)
}

func difference(field string, x, y any) string {
	return fmt.Sprintf("%s: %v and %v", field, x, y)
}

// LabelDifferences lists the labels in which two runs differ: they measured
// different things.
func LabelDifferences(a, b *run.Run) []string {
	var list []string
	keys := maps.Clone(a.Labels)
	if keys == nil {
		keys = make(map[string]string)
	}
	maps.Copy(keys, b.Labels)
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		x, inA := a.Labels[k]
		y, inB := b.Labels[k]
		if x != y || inA != inB {
			list = append(list, difference("label "+k, quoteOr(x, inA), quoteOr(y, inB)))
		}
	}
	return list
}

func environmentDifferences(x, y *run.Environment) []string {
	if x == nil || y == nil {
		return nil
	}
	var list []string
	differ := func(field string, x, y any) { list = append(list, difference(field, x, y)) }
	for _, f := range []struct{ name, x, y string }{
		{"os", x.OS, y.OS}, {"arch", x.Arch, y.Arch}, {"cpu", x.CPU, y.CPU},
	} {
		if f.x != "" && f.y != "" && f.x != f.y {
			differ(f.name, f.x, f.y)
		}
	}
	if x.Cores != 0 && y.Cores != 0 && x.Cores != y.Cores {
		differ("cores", x.Cores, y.Cores)
	}
	// Machines of one size differ a little in what the firmware leaves them.
	if x.Memory != 0 && y.Memory != 0 && !near(float64(x.Memory), float64(y.Memory), 0.05) {
		differ("memory", x.Memory, y.Memory)
	}
	// A limit of 0 is no limit, where the machine is known at all.
	if x.Cores != 0 && y.Cores != 0 && !near(x.CPULimit, y.CPULimit, 0.01) {
		differ("cpu_limit", x.CPULimit, y.CPULimit)
	}
	if x.Memory != 0 && y.Memory != 0 && !near(float64(x.MemoryLimit), float64(y.MemoryLimit), 0.01) {
		differ("memory_limit", x.MemoryLimit, y.MemoryLimit)
	}
	return list
}

// Unknown lists the fields of the environment by which machines are told apart
// and which only one of two runs knows, or "environment" if one knows none.
func Unknown(a, b *run.Run) []string {
	x, y := a.Environment, b.Environment
	if x == nil || y == nil {
		return []string{"environment"}
	}
	var list []string
	for _, f := range []struct {
		name string
		x, y bool
	}{
		{"os", x.OS != "", y.OS != ""}, {"arch", x.Arch != "", y.Arch != ""}, {"cpu", x.CPU != "", y.CPU != ""},
		{"cores", x.Cores != 0, y.Cores != 0}, {"memory", x.Memory != 0, y.Memory != 0},
	} {
		if f.x != f.y {
			list = append(list, f.name)
		}
	}
	return list
}

func quoteOr(s string, there bool) string {
	if !there {
		return "none"
	}
	return fmt.Sprintf("%q", s)
}

func near(x, y, part float64) bool {
	return math.Abs(x-y) <= part*math.Max(x, y)
}

// The default rule: how much worse one value may be than another.
const (
	worseLower  = 1.2 // where lower is better
	worseHigher = 0.8 // where higher is better
	defaultRule = "ratio of medians: worse by more than 1.2 where lower is better, under 0.8 where higher is"
)

// worse tells by the default rule whether current is a regression from
// baseline. Improvement is the same rule with the sides swapped.
func worse(baseline, current float64, better run.Better) bool {
	if better == run.Higher {
		return current/baseline < worseHigher
	}
	return current/baseline > worseLower
}

// compare judges the change of one metric by the default rule.
func compare(out *Metric, baseline, current *run.Metric, minChange float64) {
	b, c := centers(baseline, current)
	before, after := b.value, c.value
	out.Statistic = c.statistic
	switch {
	case math.IsNaN(before) || math.IsNaN(after):
		out.Change = Incomparable
		out.Warnings = append(out.Warnings, "the two sides have no statistic in common")
		return
	case before == 0:
		out.Change = Incomparable
		if after == 0 {
			out.Change = Unchanged
		}
		out.Warnings = append(out.Warnings, "the baseline is zero: skipped, there is no ratio")
		return
	case before < 0 || after < 0:
		out.Change = Incomparable
		out.Warnings = append(out.Warnings, "a side is negative: there is no ratio")
		return
	}
	ratio := after / before
	out.Ratio = &ratio
	direction := current.Direction()
	switch {
	case direction != baseline.Direction():
		out.Change = Incomparable
		out.Warnings = append(out.Warnings, fmt.Sprintf("the two sides disagree on what is better: %q and %q", baseline.Direction(), direction))
	case before == after:
		out.Change = Unchanged
	case direction == "":
		out.Change = Inconclusive
		out.Warnings = append(out.Warnings, `it is not known whether lower or higher is better: say it in the run's "better"`)
	case math.Abs(after-before) < minChange:
		out.Change = Unchanged
		if worse(before, after, direction) || worse(after, before, direction) {
			out.Reasons = append(out.Reasons, TooSmall)
		}
	case worse(before, after, direction):
		out.Change = Regressed
		out.Reasons = append(out.Reasons, regression(current, ratio))
	case worse(after, before, direction):
		out.Change = Improved
	default:
		out.Change = Unchanged
	}
}

// TooSmall is the reason of a metric whose ratio says that it changed, by less
// than matters.
const TooSmall = "the change is too small to matter: below min_change"

type center struct {
	value     float64
	statistic string
}

// centers returns the values by which two metrics are compared: by the same
// statistic on both sides.
func centers(baseline, current *run.Metric) (b, c center) {
	b.value, b.statistic = baseline.Center()
	c.value, c.statistic = current.Center()
	if b.statistic == c.statistic {
		return b, c
	}
	// One side is a summary that lacks the median.
	for _, name := range []string{b.statistic, c.statistic} {
		x, errX := baseline.Statistic(name)
		y, errY := current.Statistic(name)
		if errX == nil && errY == nil && !math.IsNaN(x) && !math.IsNaN(y) {
			return center{x, name}, center{y, name}
		}
	}
	nan := center{value: math.NaN()}
	return nan, nan
}

// specificationNames are the names that the specification gives to metrics.
var specificationNames = map[string]string{
	run.Startup: "startup_time", run.MemoryPeak: "memory_usage", run.Speed: "processing_speed",
}

// regression says a regression in the specification's words.
func regression(m *run.Metric, ratio float64) string {
	name := m.Key()
	if flat, ok := specificationNames[name]; ok {
		name = flat
	}
	if m.Direction() == run.Higher {
		return fmt.Sprintf("%s: %.2fx slower", name, ratio)
	}
	return fmt.Sprintf("%s: %.2fx slower/higher", name, ratio)
}
