package hyperfine

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/pacer-perf/pacer/internal/format/formattest"
	"github.com/pacer-perf/pacer/run"
)

// Every command of a real file has its times, in seconds, lower better, and
// the means of its CPU times; nothing else is there.
func TestRealFiles(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"params.json", "failing.json", "single.json"} {
		text, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		var want struct {
			Results []struct {
				Command      string
				User, System float64
				Times        []float64
				Parameters   map[string]string
			}
		}
		if err := json.Unmarshal(text, &want); err != nil || len(want.Results) < 2 {
			t.Fatal(file, err)
		}
		r := formattest.One(t, Read, file)
		if len(r.Metrics) != 3*len(want.Results) {
			t.Errorf("%s: %d metrics of %d commands", file, len(r.Metrics), len(want.Results))
		}
		for _, w := range want.Results {
			labels := map[string]string{"command": w.Command}
			for k, v := range w.Parameters {
				labels[k] = v
			}
			wall, user, system := r.Find("process.wall", labels), r.Find("process.cpu.user", labels), r.Find("process.cpu.system", labels)
			if wall == nil || user == nil || system == nil || !slices.Equal(wall.Samples, w.Times) || wall.Unit != "s" || wall.Direction() != run.Lower ||
				user.Summary.Mean != w.User || system.Summary.Mean != w.System || user.Summary.Count != int64(len(w.Times)) {
				t.Errorf("%s: %v: %+v, %+v, %+v", file, labels, wall, user, system)
			}
		}
	}
}

func TestTraps(t *testing.T) {
	t.Parallel()
	formattest.Notes(t, formattest.One(t, Read, "failing.json").Warnings, "broken: 3 of 3 runs failed (exit status 3)")
	r := formattest.One(t, Read, "memory.json")
	formattest.Notes(t, r.Warnings, "app --fast: 1 of 3 runs failed (killed by a signal)")
	labels := "command=app --fast,parameter.command=fast,threads=4"
	formattest.Want(t, r, `
		process.wall{`+labels+`} [s] lower: 0.146 0.15 0.161
		process.memory.peak{`+labels+`} [bytes] lower: 5242880 5246976 5251072
		process.cpu.user{`+labels+`} [s] lower: {"count":3,"mean":0.12}
		process.cpu.system{`+labels+`} [s] lower: {"count":3,"mean":0.02}`)
	// CSV has the same numbers, but no single runs.
	whole, table := formattest.One(t, Read, "params.json"), formattest.One(t, Read, "params.csv")
	for i := range whole.Metrics {
		m := &whole.Metrics[i]
		other := table.Find(m.Name, m.Labels)
		a, b := m.Stats(), other.Stats()
		if m.Name == "process.wall" && (a.P50 != b.P50 || a.Min != b.Min || a.Max != b.Max) || m.Name != "process.wall" && a.Mean != b.Mean {
			t.Errorf("%s: %+v, in CSV %+v", m.Key(), a, b)
		}
	}
	if len(whole.Metrics) != len(table.Metrics) {
		t.Errorf("%d metrics, in CSV %d", len(whole.Metrics), len(table.Metrics))
	}
	// The standard deviation of one run is null.
	runs, err := formattest.Text(Read, `{"results":[{"command":"a","mean":1,"stddev":null,"median":1,"min":1,"max":1}]}`)
	if err != nil {
		t.Fatal(err)
	}
	formattest.Want(t, &runs[0], `process.wall{command=a} [s] lower: {"mean":1,"min":1,"max":1,"p50":1}`)
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"results":[]}`: "f:1:1: there are no results",
		"{\"results\":[{\"command\":\"a\",\n\"times\":[1,\"2\"]}]}":             "f:2:12: results[0].times[1]: expected a number, found a string",
		`{"results":[{"command":"a","mean":1},{"command":"a","times":[1,-2]}]}`: "f:1:38: results[1]: a: -2 s is a negative duration",
		`{"results":[{"mean":1}]}`:                                              "the command is missing",
		`{"results":[{"command":"a"}]}`:                                         "there is no number",
		`{"results":[{"command":"a","mean":1`:                                   "the document ends too early",
		"command,mean,stddev,median,user,system,min,max\n":                      "f:1: there are no rows",
		"command,mean,stddev,median,user,system,min,max\na,b,,,,,,\n":           `f:2: "b" is no number (column mean)`,
		"command,mean,stddev,median,user,system,min,max\na,1\n":                 "f:2: wrong number of fields",
	} {
		formattest.Refuses(t, Read, text, want)
	}
}

func FuzzRead(f *testing.F) { formattest.Fuzz(f, Read) }
