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
// are alike. What either side does not know is no difference; see Unknown. The
// fields of the environment named in anyField may differ.
func Differences(a, b *run.Run, anyField ...string) []string {
	var list []string
	if a.App != "" && b.App != "" && a.App != b.App {
		list = append(list, difference("app", a.App, b.App))
	}
	list = append(list, LabelDifferences(a, b)...)
	return append(list, environmentDifferences(a.Environment, b.Environment, anyField)...)
}

// EnvironmentFields are the fields by which machines are told apart, as
// Policy.AnyEnvironment names them.
var EnvironmentFields = []string{"os", "arch", "cpu", "cores", "memory", "cpu_limit", "memory_limit"}

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

func environmentDifferences(x, y *run.Environment, anyField []string) []string {
	if x == nil || y == nil {
		return nil
	}
	var list []string
	differ := func(field string, x, y any) {
		if !slices.Contains(anyField, field) {
			list = append(list, difference(field, x, y))
		}
	}
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

// stateDifferences lists where two runs were measured on a machine in another
// state: reason for doubt, not against comparing them.
func stateDifferences(a, b *run.Run) []string {
	x, y := a.Environment, b.Environment
	if x == nil || y == nil {
		return nil
	}
	var list []string
	for _, f := range []struct{ name, x, y string }{
		{"kernel", x.Kernel, y.Kernel}, {"virtual", x.Virtual, y.Virtual}, {"governor", x.Governor, y.Governor}, {"turbo", x.Turbo, y.Turbo},
		{"smt", x.SMT, y.SMT}, {"aslr", x.ASLR, y.ASLR}, {"clock", x.Clock, y.Clock},
	} {
		if f.x != "" && f.y != "" && f.x != f.y {
			list = append(list, difference(f.name, f.x, f.y))
		}
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
