package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/nearest"
	"github.com/pacer-perf/pacer/run"
)

// Findings are what Lint finds, each list in the order of the files or of the
// metrics' keys.
type Findings struct {
	Rules   []Finding `json:"rules"`   // of the policy, and of the waivers, that do nothing or do not fit
	Metrics []string  `json:"metrics"` // keys of metrics that no rule matches
}

// Finding is one rule, and what is wrong with it.
type Finding struct {
	Place  string `json:"place"` // pacer.yaml:4:3
	Kind   string `json:"kind"`  // budget, threshold or waiver
	Metric string `json:"metric"`
	Text   string `json:"text"`
}

// Lint holds a policy against what was measured: rules and waivers that match
// no metric of any run, rules that do not fit theirs, waivers that do not hold
// any more, and metrics that no rule matches. Waivers are asked as of now, and
// of the version of the first run.
func Lint(p judge.Policy, runs []*run.Run, now time.Time) Findings {
	found := Findings{Rules: []Finding{}, Metrics: []string{}}
	metrics := Metrics(runs)
	note := func(place, kind string, metric judge.Pattern, text string) {
		found.Rules = append(found.Rules, Finding{Place: place, Kind: kind, Metric: string(metric), Text: text})
	}
	keys := make([]string, len(metrics))
	for i, m := range metrics {
		keys[i] = m.Key()
	}
	idle := func(place, kind string, metric judge.Pattern) {
		if !matchesAny(metric, metrics) {
			note(place, kind, metric, "matches no metric"+nearestMetric(metric, keys))
		}
	}
	for _, b := range p.Budgets {
		idle(b.Place, "budget", b.Metric)
	}
	for _, t := range p.Thresholds {
		idle(t.Place, "threshold", t.Metric)
	}
	for _, w := range p.Waivers {
		version := ""
		if len(runs) > 0 {
			version = runs[0].Version
		}
		if why := w.Expired(version, now); why != "" {
			note(w.Place, "waiver", w.Metric, why)
		} else {
			idle(w.Place, "waiver", w.Metric)
		}
	}
	for _, m := range metrics {
		var misfit *judge.PolicyError
		if err := p.Fits(m); errors.As(err, &misfit) {
			found.Rules = append(found.Rules, Finding{Place: misfit.Place, Kind: "rule", Metric: m.Key(), Text: misfit.Msg})
		}
		if !ruled(&p, m) && !slices.Contains(found.Metrics, m.Key()) {
			found.Metrics = append(found.Metrics, m.Key())
		}
	}
	return found
}

// ruled tells whether any budget or threshold matches a metric.
func ruled(p *judge.Policy, m *run.Metric) bool {
	return slices.ContainsFunc(p.Budgets, func(b judge.Budget) bool { return b.Metric.Matches(m.Name, m.Labels) }) ||
		slices.ContainsFunc(p.Thresholds, func(t judge.Threshold) bool { return t.Metric.Matches(m.Name, m.Labels) })
}

func matchesAny(p judge.Pattern, metrics []*run.Metric) bool {
	return slices.ContainsFunc(metrics, func(m *run.Metric) bool { return p.Matches(m.Name, m.Labels) })
}

// Metrics returns every metric of some runs once, by key and unit, as the
// first run has it, sorted by key.
func Metrics(runs []*run.Run) []*run.Metric {
	var list []*run.Metric
	seen := make(map[string]bool)
	for _, r := range runs {
		for i := range r.Metrics {
			if id := identity(&r.Metrics[i]); !seen[id] {
				seen[id] = true
				list = append(list, &r.Metrics[i])
			}
		}
	}
	slices.SortFunc(list, func(a, b *run.Metric) int {
		return cmp.Or(strings.Compare(a.Key(), b.Key()), strings.Compare(a.Unit, b.Unit))
	})
	return list
}

func identity(m *run.Metric) string { return m.Key() + "\x00" + m.Unit }

func nearestMetric(p judge.Pattern, keys []string) string {
	near := NearestMetrics(p, keys)
	if len(near) == 0 {
		return ""
	}
	return fmt.Sprintf(": did you mean %s?", near[0])
}

// NearestMetrics returns the keys of metrics that a pattern which matches none
// may have meant, at most three: those with the same name, then those whose
// name or key a slip in every third letter makes of it.
func NearestMetrics(p judge.Pattern, keys []string) []string {
	name, _, _ := strings.Cut(string(p), "{")
	var near []string
	for _, key := range keys {
		if of, _, _ := strings.Cut(key, "{"); of == name {
			near = append(near, key)
		}
	}
	for _, key := range nearest.Words(string(p), keys, max(2, len(p)/3), 3) {
		if !slices.Contains(near, key) {
			near = append(near, key)
		}
	}
	return near[:min(3, len(near))]
}
