// Package report says what a report holds and in which order; its subpackages
// say it in a medium.
//
// Every medium is a pure function of a Report: the same one gives the same
// bytes. What is the same in all of them is here: which rows need a person,
// how their numbers are rounded, what is said of them, and what to do.
package report

import (
	"time"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// Report is what a medium says: a verdict, and what it was made of where that
// is at hand.
type Report struct {
	Verdict  *judge.Verdict
	Current  *run.Run       // nil: not at hand, as where only the verdict was kept
	Baseline []*run.Run     // the runs it was compared with, oldest first; likewise
	History  []judge.Series // of the metrics, before the current run; likewise
	At       time.Time      // when the report is made
	Tool     string         // name and version of what makes it: "pacer 1.2.0"
	URL      string         // where the whole report is; empty: nowhere
	Words    Words
}

// New returns the report of a verdict on a case.
func New(c judge.Case, v *judge.Verdict, at time.Time) *Report {
	r := &Report{Verdict: v, Current: c.Current, History: c.History, At: at}
	used := make(map[string]bool, len(v.Baseline.Runs))
	for i := range v.Baseline.Runs {
		used[v.Baseline.Runs[i].ID] = true
	}
	for _, b := range c.Baseline.Runs {
		if used[b.ID] {
			r.Baseline = append(r.Baseline, b)
		}
	}
	return r
}

// Series returns the history of a metric, nil if there is none.
func (r *Report) Series(m *judge.Metric) *judge.Series {
	for i := range r.History {
		if s := &r.History[i]; s.Unit == m.Unit && s.Name == m.Name && s.Key() == m.Key() {
			return s
		}
	}
	return nil
}
