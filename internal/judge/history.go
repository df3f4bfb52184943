package judge

import (
	"fmt"
	"math"

	"github.com/pacer-perf/pacer/internal/changepoint"
	"github.com/pacer-perf/pacer/internal/parallel"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// recent is for how many runs after a change point the judge speaks of it.
const recent = 10

// lookBack asks whether the history of the metric moved, the current run being
// its newest point. A move for the worse that matters, and that neither the
// comparison with the baseline nor a person has answered for, is a reason for
// a warning: a step that was too small to be sure of in any one run, or a
// drift.
func (j *judgement) lookBack() {
	s, points := j.past, j.moves
	if len(points) == 0 {
		return
	}
	p := points[len(points)-1]
	if !(p.Before > 0) || !(p.After > 0) {
		return
	}
	m := Moved{Index: p.Index, Ago: len(s.Values) - p.Index, Before: p.Before, After: p.After, Ratio: p.After / p.Before,
		Interval: [2]float64{p.Low, p.High}, Confidence: p.Confidence, Drift: p.Drift}
	at := HeadOf(j.Current)
	if p.Index < len(s.Runs) {
		at = s.Runs[p.Index]
	}
	m.Run, m.Version, m.Commit = at.ID, at.Version, at.Commit
	j.out.Moved = &m
	if m.Ago < recent && j.out.Change != Regressed && j.movedForTheWorse(&m) && !j.answeredFor(at) {
		what := "moved"
		if m.Drift {
			what = "drifts"
		}
		j.why.warn = append(j.why.warn, fmt.Sprintf("%s: its level %s by %s %s", j.out.Key(), what, unit.Percent(m.Ratio), when(&m)))
	}
}

// findMoves returns where the histories of metrics moved, the current run being
// their newest point. It is most of what a verdict costs, and each is on its
// own.
func findMoves(list []couple, histories map[string]*Series, find changepoint.Finder) [][]changepoint.Point {
	if find == nil {
		find = changepoint.Find
	}
	moves := make([][]changepoint.Point, len(list))
	parallel.Each(len(list), func(i int) {
		s := histories[list[i].id]
		if s == nil || len(s.Values) == 0 || list[i].current == nil {
			return
		}
		now, _ := list[i].current.Center()
		// A value that is not finite has no history worth speaking of.
		moves[i], _ = find(append(s.Values[:len(s.Values):len(s.Values)], now), changepoint.Options{Tick: s.Tick})
	})
	return moves
}

func (j *judgement) movedForTheWorse(m *Moved) bool {
	l, err := j.Policy.limit(j.couple)
	if err != nil || math.Abs(m.After-m.Before) < l.minChange {
		return false
	}
	switch j.out.Better {
	case run.Lower:
		return m.Ratio > 1+l.change
	case run.Higher:
		return m.Ratio < 1/(1+l.change)
	}
	return false
}

// answeredFor tells whether a person made a run at or after the move the
// baseline.
func (j *judgement) answeredFor(at Head) bool {
	if !j.Baseline.Set || at.Timestamp == nil {
		return false
	}
	for _, r := range j.Baseline.Runs {
		if !r.Timestamp.IsZero() && !r.Timestamp.Before(*at.Timestamp) {
			return true
		}
	}
	return false
}

func when(m *Moved) string {
	where := "run " + m.Run
	switch {
	case m.Version != "" && m.Commit != "":
		where = fmt.Sprintf("version %s (%.9s)", m.Version, m.Commit)
	case m.Version != "":
		where = "version " + m.Version
	case m.Commit != "":
		where = fmt.Sprintf("commit %.9s", m.Commit)
	}
	switch m.Ago {
	case 0:
		return "with this run"
	case 1:
		return "one run ago, at " + where
	}
	return fmt.Sprintf("%d runs ago, at %s", m.Ago, where)
}
