package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// App names what was measured: the app and the labels of the run.
func App(h *judge.Head) string {
	app := h.App
	if app == "" {
		app = "unnamed app"
	}
	if len(h.Labels) == 0 {
		return app
	}
	return app + " " + run.Key("", h.Labels)
}

// RunName names a run: its version with the commit and the branch, else these,
// else its id.
func RunName(h *judge.Head) string {
	commit := h.Commit[:min(7, len(h.Commit))]
	if h.Dirty && commit != "" {
		commit += "+"
	}
	words := slices.DeleteFunc([]string{commit, h.Branch}, func(s string) bool { return s == "" })
	switch {
	case h.Version != "" && len(words) == 0:
		return h.Version
	case h.Version != "":
		return h.Version + " (" + strings.Join(words, ", ") + ")"
	case commit != "" && h.Branch != "":
		return commit + " (" + h.Branch + ")"
	case commit != "":
		return commit
	}
	return "run " + h.ID
}

// BaselineName names what a run was compared with, "" if nothing.
func BaselineName(v *judge.Verdict) string {
	runs := v.Baseline.Runs
	if len(runs) == 0 {
		return ""
	}
	newest := &runs[len(runs)-1]
	if len(runs) == 1 {
		return RunName(newest)
	}
	same := !slices.ContainsFunc(runs, func(h judge.Head) bool { return RunName(&h) != RunName(newest) })
	if same {
		return fmt.Sprintf("%d runs of %s", len(runs), RunName(newest))
	}
	return fmt.Sprintf("%d runs up to %s", len(runs), RunName(newest))
}

// Environment says where a run was made, "" if that is not known.
func Environment(e *run.Environment) string {
	if e == nil {
		return ""
	}
	var words []string
	add := func(known bool, format string, values ...any) {
		if known {
			words = append(words, fmt.Sprintf(format, values...))
		}
	}
	add(e.OS != "", "%s", strings.TrimSuffix(e.OS+"/"+e.Arch, "/"))
	add(e.CPU != "", "%s", e.CPU)
	add(e.Cores != 0, "%s", Plural(e.Cores, "core"))
	add(e.Memory != 0, "%s", unit.Format(float64(e.Memory), unit.Bytes))
	add(e.CPULimit != 0, "limited to %v cores", e.CPULimit)
	add(e.MemoryLimit != 0, "limited to %s", unit.Format(float64(e.MemoryLimit), unit.Bytes))
	add(e.Go != "", "%s", e.Go)
	return strings.Join(words, ", ")
}

// Environments says where the runs of a verdict were made, and whether both
// sides were made alike. It is empty if neither side is known.
func Environments(v *judge.Verdict) (current, baseline string) {
	current = Environment(v.Current.Environment)
	if len(v.Baseline.Runs) == 0 {
		return current, ""
	}
	alike := true
	newest := ""
	for i := range v.Baseline.Runs {
		newest = Environment(v.Baseline.Runs[i].Environment)
		alike = alike && newest == current
	}
	switch {
	case current == "" && newest == "":
		return "", ""
	case current == "":
		return "not known", "baseline: " + newest
	case newest == "":
		return current, "not known of the baseline"
	case alike && len(v.Baseline.Runs) == 1:
		return current, "same on both sides"
	case alike:
		return current, "same for all runs"
	}
	return current, "baseline: " + newest
}

// ElsewherePrefix begins the reason of a verdict whose baseline was made in
// another environment.
const ElsewherePrefix = "the baseline is not comparable ("

// Elsewhere returns in what the environments of both sides differ, where that
// keeps all metrics from being compared; else "".
func Elsewhere(v *judge.Verdict) string {
	for _, reason := range v.Reasons {
		if rest, is := strings.CutPrefix(reason, ElsewherePrefix); is {
			return strings.TrimSuffix(rest, ")")
		}
	}
	return ""
}

// EnvironmentName is the platform of a run in few words, "" if it is not
// known.
func EnvironmentName(e *run.Environment) string {
	if e == nil {
		return ""
	}
	words := make([]string, 0, 2)
	if e.OS != "" {
		words = append(words, strings.TrimSuffix(e.OS+"/"+e.Arch, "/"))
	}
	if e.CPU != "" {
		words = append(words, e.CPU)
	}
	return strings.Join(words, ", ")
}
