package input

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/run"
)

// Sort puts the runs of a history in the order of their times, then of their
// labels; those of one time stay as they are.
func Sort(runs []run.Run) {
	slices.SortStableFunc(runs, func(a, b run.Run) int {
		return cmp.Or(a.Timestamp.Compare(b.Timestamp), strings.Compare(run.Key("", a.Labels), run.Key("", b.Labels)))
	})
}
