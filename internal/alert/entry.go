package alert

import (
	"cmp"
	"slices"

	"github.com/pacer-perf/pacer/internal/judge"
)

// Entry is what got worse in one range of commits: alerts that likely have one
// cause.
type Entry struct {
	Good   *judge.Head // the last run before; nil: not known
	Bad    judge.Head  // the first run after
	Alerts []Alert     // the worst first
}

// Entries puts alerts of one app that began in the same range of commits
// together, in the order of the first of each.
func Entries(list []Alert) []Entry {
	var entries []Entry
	at := make(map[[3]string]int)
	for _, a := range list {
		key := [3]string{a.Finding.App, "", code(&a.Bad)}
		if a.Good != nil {
			key[1] = code(a.Good)
		}
		i, ok := at[key]
		if !ok {
			i = len(entries)
			at[key] = i
			entries = append(entries, Entry{Good: a.Good, Bad: a.Bad})
		}
		entries[i].Alerts = append(entries[i].Alerts, a)
	}
	for i := range entries {
		slices.SortStableFunc(entries[i].Alerts, func(a, b Alert) int { return cmp.Compare(b.size(), a.size()) })
	}
	return entries
}

// code names what a run measured: a commit, else a version, else the run alone.
func code(h *judge.Head) string { return cmp.Or(h.Commit, h.Version, h.ID) }
