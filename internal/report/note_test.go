package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// To measure again is to type what was typed, more often; not where that would
// take for ever.
func TestMeasureAgain(t *testing.T) {
	t.Parallel()
	turns := Words{Turns: true, Bench: []string{"--setup", "make app", "--results", "out.txt"}}
	tests := []struct {
		name   string
		words  Words
		metric string
		needed judge.Needed
		want   string
	}{
		{"rounds", turns, "Sum", judge.Needed{Runs: 49}, "pacer bench --setup 'make app' --results out.txt --rounds 49 -- ./bench -q"},
		{"samples of rounds", turns, "Sum", judge.Needed{Samples: 30}, "pacer bench --setup 'make app' --results out.txt --rounds 6 -- ./bench -q"},
		{"too many rounds", turns, "Sum", judge.Needed{Runs: 9052}, "hardly worth it"},
		{"imported", Words{}, "Sum", judge.Needed{Runs: 45}, "pacer bench --rounds 45 -- ./bench -q"},
		{"a process", Words{}, "process.wall", judge.Needed{Samples: 40}, "pacer run --runs 40 -- ./bench -q"},
		{"runs of a process", Words{}, "process.wall", judge.Needed{Runs: 12}, "measure 12 times: pacer run --runs 5 -- ./bench -q"},
		{"too many runs", Words{}, "process.wall", judge.Needed{Samples: 90000}, "hardly worth it"},
		{"nothing helps", Words{}, "Sum", judge.Needed{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := &judge.Verdict{Metrics: []judge.Metric{{Name: tt.metric, Unit: "s", N: [2]int64{5, 5}, Change: judge.Inconclusive, Reasons: []string{"too few"}, Needed: &tt.needed}}}
			measured := run.Metric{Name: tt.metric, Unit: "s", Samples: []float64{1, 1, 1, 1, 1}}
			r := &Report{Verdict: v, Words: tt.words, Current: &run.Run{Command: []string{"./bench", "-q"}, Metrics: []run.Metric{measured}}}
			note := r.NoteOf(&v.Metrics[0])
			got := strings.Join(note.More, "\n")
			for _, do := range note.Do {
				got += do.What + ": " + r.Words.Line(do.Command)
			}
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// What was measured in turns is looked at in its verdict alone: judged again
// out of the history it is judged otherwise.
func TestLookAtIt(t *testing.T) {
	t.Parallel()
	m := judge.Metric{Name: "Sum", Unit: "s", Change: judge.Regressed, Reasons: []string{"slower"}}
	for _, tt := range []struct {
		words Words
		want  string
	}{
		{Words{Flags: []string{"--policy", "p.yaml"}}, "pacer why latest Sum --policy p.yaml"},
		{Words{Turns: true}, ""},
		{Words{Turns: true, Verdict: "v.json", Flags: []string{"--policy", "p.yaml"}}, "pacer why v.json Sum"},
	} {
		r := &Report{Verdict: &judge.Verdict{Metrics: []judge.Metric{m}}, Words: tt.words}
		do := r.NoteOf(&m).Do
		at := slices.IndexFunc(do, func(d Do) bool { return d.What == "look at it" })
		if got := at >= 0; got != (tt.want != "") || got && r.Words.Line(do[at].Command) != tt.want {
			t.Errorf("%+v: %v, want %q", tt.words, do, tt.want)
		}
	}
}
