package alert

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/changepoint"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func day(i int) time.Time { return start.Add(time.Duration(i) * 24 * time.Hour) }

// find is Find without a memory.
func find(values []float64, tick float64) []changepoint.Point {
	points, err := changepoint.Find(values, changepoint.Options{Tick: tick})
	if err != nil {
		panic(err)
	}
	return points
}

// group is n runs, one a day.
func group(n int) *Group {
	runs := make([]judge.Head, n)
	for i := range runs {
		at := day(i)
		runs[i] = judge.Head{ID: fmt.Sprintf("R%03d", i), App: "app", Version: fmt.Sprintf("1.%d", i), Commit: fmt.Sprintf("c%03d", i), Branch: "main", Timestamp: &at}
	}
	return NewGroup("env", "linux/amd64", runs)
}

// track is a metric that every run of a group of its own measured.
func track(values ...float64) *Track {
	t := &Track{Group: group(len(values)), Name: "startup", Unit: "s", Better: run.Lower, Limit: Limit{Change: 0.05}, Values: values}
	for i := range values {
		t.At = append(t.At, i)
	}
	return t
}

// levels returns n values around each of some levels in turn, with a little
// noise.
func levels(seed uint64, noise float64, n int, of ...float64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 1))
	var values []float64
	for _, l := range of {
		for range n {
			values = append(values, l*(1+noise*rng.NormFloat64()))
		}
	}
	return values
}

// derive returns the alerts of tracks.
func derive(c Case, tracks ...*Track) []Alert {
	c.Tracks, c.Found = tracks, nil
	for _, t := range tracks {
		c.Found = append(c.Found, Search(t, find))
	}
	if c.Now.IsZero() {
		c.Now = day(1000)
	}
	return Derive(c)
}

// log is a log of acts about alerts, as a store keeps it.
type log struct {
	t    *testing.T
	acts []history.Act
}

func (l *log) act(a Alert, kind history.ActKind, at time.Time, change ...func(*history.Act)) history.Act {
	l.t.Helper()
	add := func(act history.Act) history.Act {
		var own []history.Act
		for _, old := range l.acts {
			if old.Alert == act.About() {
				own = append(own, old)
			}
		}
		kept, added, err := history.Advance(own, act, at)
		if err != nil {
			l.t.Fatal(err)
		}
		if added {
			l.acts = append(l.acts, kept)
		}
		return kept
	}
	add(history.Act{Kind: history.Opened, Author: history.Pacer, Finding: &a.Finding, Time: at})
	act := history.Act{Alert: a.ID, Kind: kind, Author: "somebody", Reason: "a reason that holds", Time: at}
	for _, f := range change {
		f(&act)
	}
	return add(act)
}

func until(u history.Until) func(*history.Act) { return func(a *history.Act) { a.Until = &u } }

// What got worse, and whether it is back.
func TestSearch(t *testing.T) {
	t.Parallel()
	judged := func(ratio float64) *judge.Metric {
		return &judge.Metric{Change: judge.Regressed, Ratio: &ratio, Reasons: []string{"startup_time: 1.20x slower"}}
	}
	flat := func(n int) []float64 { return levels(1, 0.01, n, 1) }
	for _, tt := range []struct {
		name   string
		values []float64
		better run.Better
		judged map[int]*judge.Metric
		want   string // first:back of each
	}{
		{name: "nothing", values: flat(40)},
		{name: "a step", values: levels(1, 0.01, 20, 1, 1.2), want: "20:-1"},
		{name: "a step that does not matter", values: levels(1, 0.003, 20, 1, 1.03)},
		{name: "a step for the better", values: levels(1, 0.01, 20, 1.2, 1)},
		{name: "more is better", values: levels(1, 0.01, 20, 1.2, 1), better: run.Higher, want: "20:-1"},
		{name: "no direction", values: levels(1, 0.01, 20, 1, 1.2), better: "none"},
		{name: "taken back", values: levels(1, 0.01, 20, 1, 1.2, 1.01), want: "20:40"},
		{name: "taken back in part", values: levels(1, 0.01, 20, 1, 1.3, 1.12), want: "20:-1"},
		{name: "two steps", values: levels(1, 0.01, 20, 1, 1.2, 1.44), want: "20:-1 40:-1"},
		{name: "two steps, the second taken back", values: levels(1, 0.01, 20, 1, 1.2, 1.44, 1.2), want: "20:-1 40:60"},
		{name: "back for two runs", values: append(levels(1, 0.01, 20, 1, 1.2), 1.01, 0.99), want: "20:40"},
		{name: "back for one run", values: append(levels(1, 0.01, 20, 1, 1.2), 1.01), want: "20:-1"},
		{name: "just judged", values: append(flat(20), 1.2), judged: map[int]*judge.Metric{20: judged(1.2)}, want: "20:-1"},
		{name: "judged twice", values: append(flat(20), 1.2, 1.21), judged: map[int]*judge.Metric{20: judged(1.2), 21: judged(1.2)}, want: "20:-1"},
		{name: "judged twice, and worse", values: append(flat(20), 1.2, 1.5), judged: map[int]*judge.Metric{20: judged(1.2), 21: judged(1.5)}, want: "20:-1 21:-1"},
		{name: "judged, and back", values: append(flat(20), 1.2, 1, 1.01), judged: map[int]*judge.Metric{20: judged(1.2)}, want: "20:21"},
		{name: "judged within a step", values: levels(1, 0.01, 20, 1, 1.2), judged: map[int]*judge.Metric{38: judged(1.2), 39: judged(1.2)}, want: "20:-1"},
		{name: "judged beyond a step", values: append(levels(1, 0.01, 20, 1, 1.2), 1.5), judged: map[int]*judge.Metric{40: judged(1.25)}, want: "20:-1 40:-1"},
		{name: "judged before its step", values: append(flat(20), 1.17, 1.22, 1.2, 1.21, 1.2), judged: map[int]*judge.Metric{20: judged(1.17), 21: judged(1.2), 23: judged(1.2)}, want: "20:-1"},
		{name: "few values", values: []float64{1, 1.3}, judged: map[int]*judge.Metric{1: judged(1.3)}, want: "1:-1"},
	} {
		tr := track(tt.values...)
		tr.Judged = tt.judged
		switch tt.better {
		case run.Higher:
			tr.Better = run.Higher
		case "none":
			tr.Better = ""
		}
		var got []string
		for _, f := range Search(tr, find) {
			got = append(got, fmt.Sprintf("%d:%d", f.first, f.back))
			if f.Finding.Run != fmt.Sprintf("R%03d", f.first) || f.Finding.Why == "" || !(f.Finding.After != f.Finding.Before) {
				t.Errorf("%s: %+v", tt.name, f.Finding)
			}
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, s, tt.want)
		}
	}
}

// The states of an alert, by what people did and what was measured since.
func TestStates(t *testing.T) {
	t.Parallel()
	bad := levels(1, 0.01, 20, 1, 1.2) // from day 20 on
	worse := append(levels(1, 0.01, 20, 1, 1.2), 1.3, 1.31)
	back := append(levels(1, 0.01, 20, 1, 1.2), 1, 1.01)
	acted := day(30)
	for _, tt := range []struct {
		name    string
		values  []float64
		acts    func(*log, Alert)
		waivers []judge.Waiver
		now     time.Time
		want    history.State
		note    string
	}{
		{name: "nobody", values: bad, want: history.StateOpen},
		{name: "back", values: back, want: history.StateFixed, note: "back within 5% of what it was"},
		{name: "acknowledged", values: bad, acts: func(l *log, a Alert) { l.act(a, history.Acknowledged, acted) }, want: history.StateAcknowledged},
		{name: "acknowledged and back", values: back, acts: func(l *log, a Alert) { l.act(a, history.Acknowledged, acted) }, want: history.StateFixed, note: "back"},
		{name: "dismissed and back", values: back, acts: func(l *log, a Alert) { l.act(a, history.Dismissed, acted) }, want: history.StateDismissed},
		{name: "accepted and back", values: back, acts: func(l *log, a Alert) { l.act(a, history.Accepted, acted) }, want: history.StateAccepted},
		{name: "undone", values: bad, acts: func(l *log, a Alert) {
			n := l.act(a, history.Acknowledged, acted).N
			l.act(a, history.Undone, acted, func(act *history.Act) { act.Undoes = n })
		}, want: history.StateOpen},
		{name: "muted until worse", values: bad, acts: func(l *log, a Alert) {
			l.act(a, history.Muted, acted, until(history.Until{WorseBy: 0.05, Value: a.Now}))
		}, want: history.StateMuted},
		{name: "muted until worse, and worse", values: worse, acts: func(l *log, a Alert) {
			l.act(a, history.Muted, acted, until(history.Until{WorseBy: 0.05, Value: 1.2}))
		}, want: history.StateOpen, note: "it was muted until it gets worse by 5%: it did, with 1.40"},
		{name: "muted until worse, and worse once", values: worse[:41], acts: func(l *log, a Alert) {
			l.act(a, history.Muted, acted, until(history.Until{WorseBy: 0.05, Value: 1.2}))
		}, want: history.StateMuted},
		{name: "muted when it was worse already", values: worse, acts: func(l *log, a Alert) {
			l.act(a, history.Muted, day(100), until(history.Until{WorseBy: 0.05, Value: 1.2}))
		}, want: history.StateMuted},
		{name: "muted until a version", values: bad, acts: func(l *log, a Alert) {
			l.act(a, history.Muted, acted, until(history.Until{Version: "1.40"}))
		}, want: history.StateMuted},
		{name: "muted until a version that is there", values: bad, acts: func(l *log, a Alert) {
			l.act(a, history.Muted, acted, until(history.Until{Version: "1.39"}))
		}, want: history.StateOpen, note: "it was muted until version 1.39"},
		{name: "muted until a date", values: bad, now: day(49), acts: func(l *log, a Alert) {
			l.act(a, history.Muted, acted, until(history.Until{Time: day(50)}))
		}, want: history.StateMuted},
		{name: "muted until a date that is past", values: bad, now: day(50), acts: func(l *log, a Alert) {
			l.act(a, history.Muted, acted, until(history.Until{Time: day(50)}))
		}, want: history.StateOpen, note: "it was muted until 2026-02-20"},
		{name: "muted, and back", values: back, acts: func(l *log, a Alert) {
			l.act(a, history.Muted, acted, until(history.Until{WorseBy: 0.05, Value: 1.2}))
		}, want: history.StateFixed, note: "back"},
		{name: "accepted until worse", values: worse, acts: func(l *log, a Alert) {
			l.act(a, history.Accepted, acted, until(history.Until{WorseBy: 0.05, Value: 1.2}))
		}, want: history.StateOpen, note: "it was accepted until it gets worse by 5%"},
		{name: "waived", values: bad, waivers: []judge.Waiver{{Metric: "startup", Reason: "on purpose", WorseBy: 0.25, Place: "w.yaml:2:5"}},
			want: history.StateAccepted, note: "accepted by the waiver at w.yaml:2:5, which ends when worse by more than 25%: on purpose"},
		{name: "waived for less", values: bad, waivers: []judge.Waiver{{Metric: "startup", Reason: "on purpose", WorseBy: 0.1}}, want: history.StateOpen},
		{name: "waived, and dismissed", values: bad, waivers: []judge.Waiver{{Metric: "startup", Reason: "on purpose", WorseBy: 0.25}},
			acts: func(l *log, a Alert) { l.act(a, history.Dismissed, acted) }, want: history.StateDismissed},
		{name: "reopened", values: bad, acts: func(l *log, a Alert) {
			l.act(a, history.Dismissed, acted)
			l.act(a, history.Reopened, acted)
		}, want: history.StateOpen},
	} {
		first := derive(Case{}, track(bad...))
		if len(first) != 1 {
			t.Fatalf("%d alerts", len(first))
		}
		l := &log{t: t}
		if tt.acts != nil {
			tt.acts(l, first[0])
		}
		list := derive(Case{Acts: l.acts, Waivers: tt.waivers, Now: tt.now}, track(tt.values...))
		i := 0
		for i < len(list) && list[i].ID != first[0].ID {
			i++
		}
		if i == len(list) {
			t.Errorf("%s: the alert is gone: %+v", tt.name, list)
			continue
		}
		if a := list[i]; a.State != tt.want || !strings.HasPrefix(a.Note, tt.note) || tt.note == "" && a.Note != "" {
			t.Errorf("%s: %s, %q; want %s, %q", tt.name, a.State, a.Note, tt.want, tt.note)
		}
	}
}

// A mute in every environment reaches the others, for what there was when it
// was given.
func TestEverywhere(t *testing.T) {
	t.Parallel()
	here := track(levels(1, 0.01, 20, 1, 1.2)...)
	there := track(levels(2, 0.01, 20, 2, 2.4)...)
	for i := range there.Group.Runs {
		there.Group.Runs[i].ID = strings.Replace(there.Group.Runs[i].ID, "R", "S", 1)
	}
	there.Group = NewGroup("other", "linux/arm64", there.Group.Runs)
	l := &log{t: t}
	list := derive(Case{}, here, there)
	if len(list) != 2 {
		t.Fatalf("%d alerts", len(list))
	}
	mine := list[0]
	if mine.Finding.Run != "R020" {
		mine = list[1]
	}
	states := func(tracks ...*Track) string {
		var s []string
		for _, a := range derive(Case{Acts: l.acts}, tracks...) {
			s = append(s, fmt.Sprint(a.Finding.Run, " ", a.State))
		}
		return strings.Join(s, ", ")
	}
	l.act(mine, history.Muted, day(39), until(history.Until{WorseBy: 0.05, Value: mine.Now}))
	if got := states(here); got != "R020 muted" {
		t.Error(got)
	}
	l.acts = nil
	l.act(mine, history.Muted, day(39), until(history.Until{WorseBy: 0.05, Value: mine.Now, AnyEnvironment: true}))
	if got := states(here, there); !strings.Contains(got, "R020 muted") || !strings.Contains(got, "S020 muted") {
		t.Error(got)
	}
	l.acts = nil
	l.act(mine, history.Muted, day(10), until(history.Until{WorseBy: 0.05, Value: mine.Now, AnyEnvironment: true}))
	if got := states(here, there); !strings.Contains(got, "S020 open") {
		t.Errorf("what began later: %s", got)
	}
}

// What people did something about stays, also where nothing tells of it any
// more.
func TestRemembered(t *testing.T) {
	t.Parallel()
	values := levels(1, 0.01, 20, 1, 1.2)
	tr := track(values...)
	l := &log{t: t}
	l.act(derive(Case{}, tr)[0], history.Acknowledged, day(30))

	calm := track(levels(1, 0.01, 40, 1)...) // what was one value is no step
	calm.Values[20] = values[20]
	list := derive(Case{Acts: l.acts}, calm)
	if len(list) != 1 || list[0].State != history.StateFixed || list[0].Bad.ID != "R020" {
		t.Errorf("%+v", list)
	}
	late := track(values...) // the window begins later
	late.At, late.Values = late.At[30:], late.Values[30:]
	list = derive(Case{Acts: l.acts}, late)
	if len(list) != 1 || list[0].State != history.StateAcknowledged || list[0].Bad.ID != "R020" || list[0].Runs != 20 || list[0].Good != nil {
		t.Errorf("%+v", list)
	}
	list = derive(Case{Acts: l.acts}) // no run is left
	if len(list) != 1 || list[0].State != history.StateAcknowledged || list[0].Note == "" || list[0].Bad.ID != "R020" {
		t.Errorf("%+v", list)
	}
	moved := track(values...) // found two runs later: the same alert
	moved.Values = append([]float64(nil), values...)
	moved.Values[20], moved.Values[21] = 1.0, 1.01
	list = derive(Case{Acts: l.acts}, moved)
	if len(list) != 1 || list[0].ID != l.acts[0].Alert || list[0].State != history.StateAcknowledged {
		t.Errorf("%+v", list)
	}
}

func TestEntries(t *testing.T) {
	t.Parallel()
	a := track(levels(1, 0.01, 20, 1, 1.2)...)
	b := track(levels(2, 0.01, 20, 5, 8)...)
	b.Group, b.Name = a.Group, "track.process"
	c := track(levels(3, 0.01, 10, 1, 1, 1, 1.3)...)
	c.Group, c.Name = a.Group, "memory.peak"
	entries := Entries(derive(Case{}, a, b, c))
	if len(entries) != 2 || entries[0].Bad.ID != "R030" || len(entries[1].Alerts) != 2 || entries[1].Good.ID != "R019" ||
		entries[1].Alerts[0].Finding.Name != "track.process" {
		t.Errorf("%+v", entries)
	}
}

// random is a track of some levels and some noise.
func random(rng *rand.Rand) *Track {
	var of []float64
	for range 1 + rng.IntN(4) {
		of = append(of, 1+rng.Float64())
	}
	return track(levels(rng.Uint64(), 0.002+0.03*rng.Float64(), 10+rng.IntN(20), of...)...)
}

// What is said does not depend on the unit, nor on which way is better, nor on
// the order of tracks, and is the same every time.
func TestLaws(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	say := func(list []Alert) string {
		var s []string
		for _, a := range list {
			back := "-"
			if a.Back != nil {
				back = a.Back.ID
			}
			s = append(s, fmt.Sprint(a.Finding.Name, " ", a.Finding.Run, " ", a.State, " ", back))
		}
		return strings.Join(s, "\n")
	}
	alerts := 0
	for range 60 {
		tr := random(rng)
		other := random(rng)
		other.Group, other.Name = tr.Group, "other"
		n := min(len(tr.Values), len(other.Values))
		tr.Values, other.Values, tr.At, other.At = tr.Values[:n], other.Values[:n], tr.At[:n], other.At[:n]
		list := derive(Case{}, tr, other)
		alerts += len(list)
		want, _ := json.Marshal(list)
		if got, _ := json.Marshal(derive(Case{}, other, tr)); string(got) != string(want) {
			t.Fatalf("in another order:\n%s\n%s", got, want)
		}
		scaled, turned := *tr, *tr
		scaled.Values, turned.Values = nil, nil
		turned.Better = run.Higher
		for _, v := range tr.Values {
			scaled.Values, turned.Values = append(scaled.Values, v*1024), append(turned.Values, 1/v)
		}
		want1 := say(derive(Case{}, tr))
		if got := say(derive(Case{}, &scaled)); got != want1 {
			t.Fatalf("in another unit:\n%s\n\n%s", got, want1)
		}
		if got := say(derive(Case{}, &turned)); got != want1 {
			t.Fatalf("turned over:\n%s\n\n%s", got, want1)
		}
		for _, a := range list {
			if a.State == history.StateFixed != (a.Back != nil) {
				t.Fatalf("fixed and not back, or the other way: %+v", a)
			}
		}
	}
	if alerts < 30 {
		t.Fatalf("only %d alerts", alerts)
	}
}

// Whatever people do and undo, the state is as if they had not.
func TestUndoLaw(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(2, 1))
	tr := track(levels(1, 0.01, 20, 1, 1.2)...)
	kinds := []history.ActKind{history.Acknowledged, history.Muted, history.Accepted, history.Dismissed}
	for range 200 {
		l := &log{t: t}
		at := day(40)
		state := func() history.State { return derive(Case{Acts: l.acts}, tr)[0].State }
		first := derive(Case{}, tr)[0]
		for range rng.IntN(3) {
			l.act(first, kinds[rng.IntN(len(kinds))], at, until(history.Until{Version: "2.0"}))
		}
		before := state()
		n := l.act(first, kinds[rng.IntN(len(kinds))], at, until(history.Until{Version: "2.0"})).N
		l.act(first, history.Undone, at, func(a *history.Act) { a.Undoes = n })
		if after := state(); after != before {
			t.Fatalf("%s, and after an act was undone %s:\n%+v", before, after, l.acts)
		}
	}
}

// An alert keeps its name as more is measured, as long as it is found.
func TestNamesAreStable(t *testing.T) {
	t.Parallel()
	renamed, followed := 0, 0
	for seed := range uint64(12) {
		// Steps of three times the noise: their place is not clear for long.
		values := levels(seed, 0.03, 40, 1, 1.09)
		name := ""
		for n := 41; n <= len(values); n++ {
			for _, a := range derive(Case{}, track(values[:n]...)) {
				if name != "" && a.ID != name {
					renamed++
				}
				name = a.ID
				followed++
			}
		}
	}
	if followed < 200 {
		t.Fatalf("only %d alerts", followed)
	}
	if renamed*33 > followed {
		t.Errorf("of %d alerts, %d have another name than one run before", followed, renamed)
	}
}
