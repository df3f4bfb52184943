package nearest

import (
	"slices"
	"testing"
)

func TestWords(t *testing.T) {
	t.Parallel()
	known := []string{"target", "warning", "critical", "statistic"}
	for word, want := range map[string][]string{"tarjet": {"target"}, "warn": nil, "critcial": {"critical"}, "": nil, "target": {"target"}} {
		if got := Words(word, known, Slips, 2); !slices.Equal(got, want) {
			t.Errorf("Words(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	known := []string{"startup", "table.filter{rows=10}", "table.filter{rows=1000}", "track.process"}
	if got, want := Metrics("table.filter{rows=12}", known, 2), []string{"table.filter{rows=10}", "table.filter{rows=1000}"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := Metrics("strtup", known, 1); !slices.Equal(got, []string{"startup"}) {
		t.Errorf("%q", got)
	}
	if known[0] != "startup" || len(Metrics("x", nil, 3)) != 0 {
		t.Error("arguments are left as they were, and nothing is near to nothing")
	}
}

// A distance: symmetric, 0 for equals, never beyond what a detour takes.
func TestEdits(t *testing.T) {
	t.Parallel()
	words := []string{"", "a", "ab", "ba", "abc", "startup", "strtup", "stratup"}
	for _, a := range words {
		for _, b := range words {
			if edits(a, b) != edits(b, a) || (edits(a, b) == 0) != (a == b) {
				t.Errorf("edits(%q, %q) = %d, back %d", a, b, edits(a, b), edits(b, a))
			}
			for _, c := range words {
				if edits(a, c) > edits(a, b)+edits(b, c) {
					t.Errorf("from %q to %q it is shorter through %q", a, c, b)
				}
			}
		}
	}
}
