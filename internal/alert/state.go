package alert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Case is what alerts follow from.
type Case struct {
	Tracks  []*Track
	Found   [][]Found // for each of Tracks: what Search found
	Acts    []history.Act
	Waivers []judge.Waiver
	Now     time.Time
}

// Derive returns the alerts of a case, the one that began last first, then by
// how much it is worse.
//
// An alert that somebody acted on is there as long as its acts are, also where
// nothing in the runs tells of it any more.
func Derive(c Case) []Alert {
	known := make(map[string][]*history.Alert) // by metric
	for _, a := range history.Alerts(c.Acts, c.Now) {
		id := identityOf(&a.Finding)
		known[id] = append(known[id], &a)
	}
	var list []Alert
	for i, t := range c.Tracks {
		list = append(list, c.of(t, slices.Clone(c.Found[i]), known)...)
	}
	for _, rest := range known {
		for _, a := range rest {
			if a != nil {
				list = append(list, orphan(a))
			}
		}
	}
	c.silence(list)
	slices.SortFunc(list, func(a, b Alert) int {
		return cmp.Or(begun(&b).Compare(begun(&a)), cmp.Compare(b.size(), a.size()), strings.Compare(a.ID, b.ID))
	})
	return list
}

// begun is when the first run of the new level was, as far as that is known.
func begun(a *Alert) time.Time {
	if a.Bad.Timestamp == nil {
		return time.Time{}
	}
	return *a.Bad.Timestamp
}

// size orders alerts by how much is at stake.
func (a *Alert) size() float64 {
	r := a.Finding.After / a.Finding.Before
	if a.Finding.Better == run.Higher {
		r = 1 / r
	}
	return r
}

// of returns the alerts of a track: what was found, by the names under which
// people acted on it, and what they acted on that is not found any more. It
// takes those out of known.
func (c *Case) of(t *Track, found []Found, known map[string][]*history.Alert) []Alert {
	logged := known[t.identity()]
	matched := match(t, found, logged)
	var list []Alert
	for i := range found {
		f := &found[i]
		var log *history.Alert
		if k := matched[i]; k >= 0 {
			log, logged[k] = logged[k], nil
			f.Finding.Run, f.Finding.Version, f.Finding.Commit = log.Finding.Run, log.Finding.Version, log.Finding.Commit
		}
		list = append(list, c.alert(t, f, log))
	}
	for k, log := range logged {
		if log == nil {
			continue
		}
		if at, ok := t.Group.places[log.Finding.Run]; ok {
			logged[k] = nil
			list = append(list, c.alert(t, t.remembered(log, at), log))
		}
	}
	return list
}

// value is the value that a run measured, the next one if it measured none.
func (t *Track) value(at int) int {
	i, _ := slices.BinarySearch(t.At, at)
	return min(i, len(t.At)-1)
}

// match returns for each finding which logged alert it is, -1 for none: the
// nearest.
func match(t *Track, found []Found, logged []*history.Alert) []int {
	matched := make([]int, len(found))
	taken := make([]bool, len(logged))
	for i := range matched {
		matched[i] = -1
	}
	for distance := range Near + 1 {
		for i := range found {
			for k, log := range logged {
				if matched[i] >= 0 || log == nil || taken[k] {
					continue
				}
				at, ok := t.Group.places[log.Finding.Run]
				if d := found[i].first - t.value(at); ok && (d == distance || d == -distance) {
					matched[i], taken[k] = k, true
				}
			}
		}
	}
	return matched
}

// remembered is a finding that is only in the log, from a run of the group on.
func (t *Track) remembered(log *history.Alert, at int) *Found {
	f := &Found{first: t.value(at), from: log.Finding.Before, back: -1, Finding: log.Finding}
	if ratio := log.Finding.After / log.Finding.Before; ratio > 0 && t.At[f.first] == at {
		f.from = t.Values[f.first] / ratio
	}
	f.now = t.level(f.first)
	if t.isBack(f) {
		f.back = len(t.Values) - Confirm
		f.now = t.Values[len(t.Values)-1]
	}
	return f
}

// alert puts together what was found and what was done about it.
func (c *Case) alert(t *Track, f *Found, log *history.Alert) Alert {
	at := t.Group.places[f.Finding.Run]
	a := Alert{ID: f.Finding.ID(), State: history.StateOpen, Finding: f.Finding, Bad: t.Group.Runs[at], Now: f.now, Runs: len(t.Group.Runs) - at,
		Environment: t.Group.Environment, Trend: t.Values[max(0, len(t.Values)-trend):], Acts: []history.Act{}}
	a.Mark = f.first - (len(t.Values) - len(a.Trend))
	if f.first > 0 && t.At[f.first] <= at {
		a.Good = t.headAt(f.first - 1)
	}
	if log != nil {
		a.ID, a.State, a.Acts, a.Note = log.ID, log.State, log.Acts, log.Ended
		a.Until = log.Since.Until
	}
	c.ended(&a, t)
	if w := c.waiver(&a, t); w != nil && (a.State == history.StateOpen || a.State == history.StateAcknowledged || a.State == history.StateMuted) {
		a.State, a.Note = history.StateAccepted, fmt.Sprintf("accepted by the waiver at %s, which ends %s: %s", w.Place, w.End(), w.Reason)
	}
	if f.back >= 0 {
		a.Back = t.headAt(f.back)
		closed := a.State == history.StateDismissed || a.State == history.StateAccepted && log != nil && log.State == history.StateAccepted
		if !closed {
			a.State, a.Note = history.StateFixed, "back within "+within(t.Limit, t.Unit)+" of what it was"
		}
	}
	return a
}

// trend is how many values come along for a picture.
const trend = 30

func within(l Limit, base string) string {
	switch {
	case l.MinChange > 0 && l.Change == 0:
		return unit.Format(l.MinChange, base)
	case l.MinChange > 0:
		return fmt.Sprintf("%.3g%% or %s", 100*l.Change, unit.Format(l.MinChange, base))
	}
	return fmt.Sprintf("%.3g%%", 100*l.Change)
}

// ended opens an alert again whose mute, or acceptance, has met its end.
func (c *Case) ended(a *Alert, t *Track) {
	u := a.Until
	if u == nil || a.State != history.StateMuted && a.State != history.StateAccepted {
		return
	}
	since := a.Since()
	var why string
	switch worse, at := t.worsened(u, since.Time); {
	case !u.Time.IsZero() && !c.Now.Before(u.Time):
		why = "until " + u.Time.UTC().Format(time.DateOnly)
	case reached(u.Version, t.Group.version(), c.Now):
		why = "until version " + u.Version
	case worse:
		why = fmt.Sprintf("until it gets worse by %.3g%%: it did, with %s", 100*u.WorseBy, nameOf(at))
	default:
		return
	}
	a.Note = fmt.Sprintf("it was %s %s", a.State, why)
	a.State, a.Until = history.StateOpen, nil
}

// worsened tells whether, after a time, Confirm runs in a row were worse than
// what silenced an alert allows for, and the first of them.
func (t *Track) worsened(u *history.Until, since time.Time) (bool, *judge.Head) {
	if !(u.WorseBy > 0) || !(u.Value > 0) {
		return false, nil
	}
	limit, row := Limit{Change: u.WorseBy}, 0
	for i, v := range t.Values {
		head := t.headAt(i)
		if head.Timestamp == nil || !head.Timestamp.After(since) || !limit.Worse(u.Value, v, t.Better) {
			row = 0
			continue
		}
		if row++; row == Confirm {
			return true, t.headAt(i - Confirm + 1)
		}
	}
	return false, nil
}

// reached tells whether a version is there or past.
func reached(until, version string, now time.Time) bool {
	w := judge.Waiver{UntilVersion: until}
	return until != "" && version != "" && w.Expired(version, now) != ""
}

// waiver returns the waiver that covers an alert as it is today, nil if none
// does.
func (c *Case) waiver(a *Alert, t *Track) *judge.Waiver {
	ratio := a.Ratio()
	if ratio == 0 {
		return nil
	}
	if t.Better == run.Higher {
		ratio = 1 / ratio
	}
	for i := range c.Waivers {
		w := &c.Waivers[i]
		if w.Covers(t.Name, t.Labels, t.Group.version(), ratio, c.Now) {
			return w
		}
	}
	return nil
}

// orphan is an alert whose runs are gone: what was done about it is left.
func orphan(log *history.Alert) Alert {
	f := log.Finding
	opened := log.Acts[0].Time
	return Alert{ID: log.ID, State: log.State, Finding: f, Now: f.After, Until: log.Since.Until, Acts: log.Acts,
		Bad:  judge.Head{ID: f.Run, App: f.App, Version: f.Version, Commit: f.Commit, Labels: f.RunLabels, Timestamp: &opened},
		Note: cmp.Or(log.Ended, "the runs that it is about are not there any more")}
}

// silence mutes what a mute in every environment reaches: alerts of the same
// metric that began before it, as long as they have not got worse by what it
// allows.
func (c *Case) silence(list []Alert) {
	for i := range list {
		by := &list[i]
		if by.State != history.StateMuted || by.Until == nil || !by.Until.AnyEnvironment {
			continue
		}
		act := by.Since()
		for k := range list {
			a := &list[k]
			if k == i || a.State != history.StateOpen || identityOf(&a.Finding) != identityOf(&by.Finding) || a.Bad.Timestamp == nil || a.Bad.Timestamp.After(act.Time) {
				continue
			}
			limit := Limit{Change: by.Until.WorseBy}
			if own := a.Since(); own != nil && own.Time.After(act.Time) || by.Until.WorseBy > 0 && limit.Worse(a.Finding.After, a.Now, a.Finding.Better) {
				continue
			}
			until := *by.Until
			a.State, a.Until = history.StateMuted, &until
			a.Note = fmt.Sprintf("muted in every environment by %s: %s", act.Author, act.Reason)
		}
	}
}

// nameOf names a run: a version, else a commit, else its id.
func nameOf(h *judge.Head) string {
	switch {
	case h.Version != "":
		return h.Version
	case h.Commit != "":
		return h.Commit[:min(7, len(h.Commit))]
	}
	return h.ID
}
