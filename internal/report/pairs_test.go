package report

import (
	"testing"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// Of pairs, only what they were measured for has a word when it is
// inconclusive, and to measure again is to measure pairs.
func TestNotesOfPairs(t *testing.T) {
	t.Parallel()
	doubtful := func(name string) judge.Metric {
		return judge.Metric{Name: name, Unit: "s", Change: judge.Inconclusive, Reasons: []string{"too few"}, Needed: &judge.Needed{Samples: 40}}
	}
	v := &judge.Verdict{Pairs: &judge.PairsHead{Count: 5, Main: []string{"process.wall"}, Stopped: "limit"},
		Metrics: []judge.Metric{doubtful("process.wall"), doubtful("process.cpu")}}
	r := &Report{Verdict: v, Current: &run.Run{Command: []string{"./new", "a b"}}, Baseline: []*run.Run{{Command: []string{"./old"}}}}
	if note := r.NoteOf(&v.Metrics[1]); note != nil {
		t.Errorf("%+v", note)
	}
	note := r.NoteOf(&v.Metrics[0])
	if note == nil || len(note.Do) != 1 || r.Words.Line(note.Do[0].Command) != `pacer compare --pairs 40 --exec ./old './new '\''a b'\'''` {
		t.Errorf("%+v", note)
	}
	r.Words.Pairs = []string{"--ref", "main", "--exec", "./new 'a b'"}
	if do := r.NoteOf(&v.Metrics[0]).Do; len(do) != 1 || r.Words.Line(do[0].Command) != `pacer compare --pairs 40 --ref main --exec './new '\''a b'\'''` {
		t.Errorf("%+v", do)
	}
	r.Words.Pairs = nil
	// What is here, with changes, against its own commit: the command is the same.
	r.Current.Dirty = true
	if do := r.NoteOf(&v.Metrics[0]).Do; len(do) != 0 {
		t.Errorf("%+v", do)
	}
	r.Current.Dirty = false
	v.Pairs.Stopped = "sure"
	if note := r.NoteOf(&v.Metrics[0]); note == nil || len(note.Do) != 0 {
		t.Errorf("%+v", note)
	}
}
