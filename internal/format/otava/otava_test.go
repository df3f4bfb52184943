package otava

import (
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/format/formattest"
	"github.com/pacer-perf/pacer/internal/format/input"
)

// Every row is a run; units behind the names; an empty cell is no value.
func TestBranches(t *testing.T) {
	t.Parallel()
	runs := formattest.All(t, Read, "branches.csv")
	want := []struct{ commit, branch, at, metrics string }{
		{"aaa0", "main", "2026-01-01T02:00:00Z", "latency [s] lower: 0.1545\nsize [bytes] lower: 11010048\nthroughput [requests/s] higher: 1023"},
		{"aaa1", "main", "2026-01-02T02:00:00Z", "latency [s] lower: 0.13825\nsize [bytes] lower: 11010048\nthroughput [requests/s] higher: 1043"},
		{"aaa2", "feature-x", "2026-01-03T02:00:00Z", "size [bytes] lower: 11534336\nthroughput [requests/s] higher: 1029"},
	}
	if len(runs) != len(want) {
		t.Fatalf("%d runs", len(runs))
	}
	for i, w := range want {
		r := &runs[i]
		if r.Commit != w.commit || r.Branch != w.branch || r.Timestamp.Format(time.RFC3339) != w.at {
			t.Errorf("run %d: %s %s %v", i, r.Commit, r.Branch, r.Timestamp)
		}
		formattest.Want(t, r, w.metrics)
	}
	formattest.Notes(t, runs[2].Doubts, "left out: columns that are no numbers: note")
}

func TestSeparators(t *testing.T) {
	t.Parallel()
	runs := formattest.All(t, Read, "semicolons.csv")
	if len(runs) != 2 || !runs[0].Timestamp.Equal(time.Unix(1767225600, 0)) {
		t.Fatalf("%+v", runs)
	}
	formattest.Want(t, &runs[1], "metric1 [] -: 138455\nmetric2 [] -: 10.23")
	runs = formattest.All(t, Read, "milliseconds.tsv") // the second row has no number
	if len(runs) != 1 || !runs[0].Timestamp.Equal(time.Unix(1767225600, 0)) || runs[0].Version != "1.0" {
		t.Fatalf("%+v", runs)
	}
	formattest.Want(t, &runs[0], "p99 [s] lower: 0.0015")
}

func TestLooks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"time,a\n2026-01-01,1\n": true, "a;timestamp\n1;1767225600\n": true, "time,a\nsoon,1\n": false, "a,b\n1,2\n": false, "time\n2026-01-01\n": false, "time,a\n": false, "": false,
	} {
		if got := Looks(input.NewHead([]byte(text))); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                               "the file is empty",
		"a,b\n1,2\n":                     "f:1: there is no column time",
		"time,a\n":                       "f:1: there are no rows",
		"time,a\n2026-01-01,x\n":         "f:1: there is no column of numbers",
		"time,a\n2026-01-01,1\nsoon,2\n": `f:3: "soon" is no time`,
		"time,a\n2026-01-01,1,2\n":       "f:2: found 3 cells: the header has 2",
		"a,time\n1\n":                    "f:2: the row has no time",
		"time,a (s)\n2026-01-01,1\n2026-01-02,-1\n": "f:3: column a: -1 s is a negative duration",
		"time,a,a\n2026-01-01,1,2\n":                "f:1: the column a is there twice",
		"time,a\n2026-01-01,\"1\n":                  `f:2: extraneous or missing " in quoted-field`,
	} {
		formattest.Refuses(t, Read, text, want)
	}
}

func FuzzRead(f *testing.F) { formattest.Fuzz(f, Read) }
