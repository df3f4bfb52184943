package alert

import (
	"fmt"
	"math"
	"slices"

	"github.com/pacer-perf/pacer/internal/changepoint"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Find finds the change points of a series, as changepoint.Find does. A caller
// that asks again and again may remember what it found.
type Find func(values []float64, tick float64) []changepoint.Point

// Found is a place where a metric got worse by so much that it matters.
type Found struct {
	Finding history.Finding
	first   int     // of the track's values: the first of the new level
	from    float64 // the level before, in the track's values
	now     float64 // the level today
	back    int     // of the track's values: from which on it was back; -1: it is not
}

// Search returns what got worse in a track, oldest first.
//
// A change point for the worse is one, if it moved the level by what matters.
// So is a run that the judge found regressed, unless it is part of what a
// change point or an earlier run says already. It is back once a later level,
// or the last Confirm values, are no worse than the level before it.
func Search(t *Track, find Find) []Found {
	n := len(t.Values)
	if n == 0 || t.Better == "" {
		return nil
	}
	steps := find(t.Values, t.Tick)
	var list []Found
	taken := make(map[int]bool)
	for i := range steps {
		s := &steps[i]
		if s.Index >= n || !t.Limit.Worse(s.Before, s.After, t.Better) {
			continue
		}
		first := t.locate(s, find)
		if taken[first] {
			first = s.Index
		}
		taken[first] = true
		f := Found{first: first, from: s.Before, back: -1, Finding: t.finding(first)}
		f.Finding.Before, f.Finding.After = s.Before, s.After
		if s.Before > 0 && s.After > 0 {
			f.Finding.Interval = &[2]float64{s.Low, s.High}
		}
		f.Finding.Why = "its level moved"
		if s.Drift {
			f.Finding.Why = "its level drifted"
		}
		f.Finding.Why += fmt.Sprintf(" from %s to %s", unit.Format(s.Before, t.Unit), unit.FormatLike(s.After, s.Before, t.Unit))
		for _, later := range steps[i+1:] {
			if !t.Limit.Worse(s.Before, later.After, t.Better) {
				f.back = later.Index
				break
			}
		}
		list = append(list, f)
	}
	list = append(list, t.judged(list)...)
	slices.SortFunc(list, func(a, b Found) int { return a.first - b.first })
	moved := 0
	if len(steps) > 0 {
		moved = min(steps[len(steps)-1].Index, n-1)
	}
	for i := range list {
		f := &list[i]
		f.now = t.level(max(f.first, moved))
		if f.back < 0 && t.isBack(f) {
			f.back = n - Confirm
			f.now = t.Values[n-1]
		}
	}
	return list
}

// level is where the values lie today: the median of the newest five, from a
// value on.
func (t *Track) level(first int) float64 { return median(t.Values[max(first, len(t.Values)-5):]) }

// isBack tells whether the last values are no worse than the level before.
func (t *Track) isBack(f *Found) bool {
	n := len(t.Values)
	if f.first > n-1-Confirm {
		return false
	}
	for _, v := range t.Values[n-Confirm:] {
		if t.Limit.Worse(f.from, v, t.Better) {
			return false
		}
	}
	return true
}

// finding says what is known of a finding that begins with a value.
func (t *Track) finding(first int) history.Finding {
	head := t.headAt(first)
	return history.Finding{
		App: t.Group.App, RunLabels: t.Group.RunLabels, Name: t.Name, Labels: t.Labels, Unit: t.Unit, Better: t.Better,
		Environment: t.Group.Words, Run: head.ID, Version: head.Version, Commit: head.Commit,
	}
}

// judged returns what the judge found in the newest runs beyond what change
// points say.
func (t *Track) judged(known []Found) []Found {
	var list []Found
	for i, at := range t.At {
		m := t.Judged[at]
		if m == nil || t.covered(i, known) || t.covered(i, list) {
			continue
		}
		f := Found{first: i, from: t.Values[i], back: -1, Finding: t.finding(i)}
		f.Finding.Before, f.Finding.After = math.NaN(), t.Values[i]
		if m.Ratio != nil && *m.Ratio > 0 {
			// What the two sides were compared by may be another statistic than
			// the history has: the level before, as that would have it.
			f.from = t.Values[i] / *m.Ratio
			f.Finding.Before = f.from
			f.Finding.Interval = m.Interval
		}
		if m.Levels != nil {
			f.Finding.Before, f.Finding.After = m.Levels[0], m.Levels[1]
		}
		if math.IsNaN(f.Finding.Before) {
			f.Finding.Before, f.from = 0, 0 // from nothing to something
		}
		f.Finding.Why = "regressed"
		if len(m.Reasons) > 0 {
			f.Finding.Why = m.Reasons[0]
		}
		if len(m.Stages) > 0 && m.Stages[0].Path != t.Name {
			f.Finding.Stage, f.Finding.Share = m.Stages[0].Path, m.Stages[0].Share
		}
		list = append(list, f)
	}
	return list
}

// covered tells whether what the judge found with value i is part of a
// finding: of one that began before it or is placed a little after it, was not
// back by then, and whose level is no better.
func (t *Track) covered(i int, known []Found) bool {
	for k := range known {
		f := &known[k]
		over := f.back >= 0 && f.back <= i
		if f.first-i > Near || over {
			continue
		}
		if f.first > i || !t.Limit.Worse(t.reached(f, i), t.Values[i], t.Better) {
			return true
		}
	}
	return false
}

// reached is the worst level of a finding up to value i: its own, or the middle
// of the values since it began, whichever is worse.
func (t *Track) reached(f *Found, i int) float64 {
	level := f.from
	if ratio := f.Finding.After / f.Finding.Before; ratio > 0 && !math.IsInf(ratio, 0) {
		level *= ratio
	} else {
		level = t.Values[f.first]
	}
	if since := median(t.Values[f.first:max(f.first+1, i)]); t.Better == run.Lower && since > level || t.Better == run.Higher && since < level {
		level = since
	}
	return level
}

// clear is from how many times the noise on a step is where it is, whatever is
// measured later.
const clear = 6

// locate returns the first value of a step's level. Where noise blurs it, the
// place of a change point may move a little as more is measured. An alert must
// not change its name with it: it is at the place where the step was found
// first, by what was known then.
func (t *Track) locate(s *changepoint.Point, find Find) int {
	noise := noise(t.Values[max(0, s.Index-30):s.Index])
	if s.Drift || noise == 0 || math.Abs(s.After-s.Before) >= clear*noise {
		return s.Index
	}
	for n := max(1, s.Index-Near+3); n <= min(len(t.Values), s.Index+3*Near); n++ {
		for _, p := range find(t.Values[:n], t.Tick) {
			if d := p.Index - s.Index; d >= -Near && d <= Near && (p.After > p.Before) == (s.After > s.Before) && !p.Drift {
				return p.Index
			}
		}
	}
	return s.Index
}

// noise is the standard deviation of values about a level that may move slowly:
// by the median of successive differences, as policy.Suggest has it.
func noise(values []float64) float64 {
	if len(values) < 4 {
		return math.Inf(1)
	}
	steps := make([]float64, len(values)-1)
	for i := range steps {
		steps[i] = math.Abs(values[i+1] - values[i])
	}
	return 1.4826 * median(steps) / math.Sqrt2
}

func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	switch n := len(s); {
	case n == 0:
		return math.NaN()
	case n%2 == 1:
		return s[n/2]
	default:
		return s[n/2-1]/2 + s[n/2]/2
	}
}

// headAt is the run of a value.
func (t *Track) headAt(i int) *judge.Head { return &t.Group.Runs[t.At[i]] }

// Open tells whether a finding of a track is not back, and returns the runs
// before and after it began. Without one before it, it is not.
func (f *Found) Open(t *Track) (good, bad *judge.Head, open bool) {
	if f.back >= 0 || f.first == 0 {
		return nil, nil, false
	}
	return t.headAt(f.first - 1), t.headAt(f.first), true
}
