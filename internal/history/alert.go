package history

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/run"
)

// MinReason is how many characters a reason has at least: whoever reads it
// later must be able to judge whether it still holds.
const MinReason = 8

// ActKind is what was done about an alert.
type ActKind string

const (
	Opened       ActKind = "opened"       // by Pacer: a metric regressed
	Acknowledged ActKind = "acknowledged" // somebody is on it
	Muted        ActKind = "muted"        // hidden until its condition ends; there is no for ever
	Accepted     ActKind = "accepted"     // the new level is the baseline from the finding's run on
	Dismissed    ActKind = "dismissed"    // it is not real
	Fixed        ActKind = "fixed"        // the value is back
	Reopened     ActKind = "reopened"     // by Pacer, when what silenced it has ended, or by a person
	Undone       ActKind = "undone"       // an earlier act does not count
)

// State is where an alert is.
type State string

const (
	StateOpen         State = "open"
	StateAcknowledged State = "acknowledged"
	StateMuted        State = "muted"
	StateAccepted     State = "accepted"
	StateDismissed    State = "dismissed"
	StateFixed        State = "fixed"
)

// states says which state an act leads to.
var states = map[ActKind]State{
	Opened: StateOpen, Acknowledged: StateAcknowledged, Muted: StateMuted, Accepted: StateAccepted,
	Dismissed: StateDismissed, Fixed: StateFixed, Reopened: StateOpen,
}

// Pacer is the author of what no person did.
const Pacer = "pacer"

// Act is one entry of the log of an alert. Nothing in the log changes: an act
// that is undone stays, with the one that undoes it.
type Act struct {
	Alert  string    `json:"alert"` // id: Finding.ID of what opened it
	N      int       `json:"n"`     // 1, 2, ... among the acts of the alert; the store's
	App    string    `json:"app"`
	Kind   ActKind   `json:"kind"`
	Time   time.Time `json:"time"`
	Author string    `json:"author"`
	Reason string    `json:"reason,omitempty"`

	Finding *Finding `json:"finding,omitempty"` // what Opened is about
	Until   *Until   `json:"until,omitempty"`   // what ends Muted
	Run     string   `json:"run,omitempty"`     // of Fixed and Reopened: the run that showed it
	Undoes  int      `json:"undoes,omitempty"`  // of Undone: the number of the act

	// Seen is the number of the newest act that the author knew of; 0: no
	// matter. It is not kept.
	Seen int `json:"-"`
}

// About is the id of the alert: that of the finding, where none is given.
func (a *Act) About() string {
	if a.Alert == "" && a.Finding != nil {
		return a.Finding.ID()
	}
	return a.Alert
}

// Finding is what was found to be worse.
type Finding struct {
	App         string            `json:"app"`
	RunLabels   map[string]string `json:"run_labels,omitempty"`
	Name        string            `json:"name"`
	Labels      map[string]string `json:"labels,omitempty"`
	Unit        string            `json:"unit"`
	Better      run.Better        `json:"better,omitempty"`
	Environment string            `json:"environment,omitempty"` // in words

	Run      string      `json:"run"` // the first run of the new level
	Version  string      `json:"version,omitempty"`
	Commit   string      `json:"commit,omitempty"`
	Baseline []string    `json:"baseline,omitempty"` // ids of the runs that it was compared with
	Why      string      `json:"why"`                // regressed, a budget, a change point: in words
	Before   float64     `json:"before"`             // in the metric's unit
	After    float64     `json:"after"`
	Interval *[2]float64 `json:"interval,omitempty"` // of After over Before; nil: not known
	Stage    string      `json:"stage,omitempty"`    // that carries the change
	Share    float64     `json:"share,omitempty"`    // of the change, that the stage carries
}

// Key is the metric's name and labels.
func (f *Finding) Key() string { return run.Key(f.Name, f.Labels) }

// ID is the alert's: the same for the same metric and first run, whoever found
// it.
func (f *Finding) ID() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{run.Key(f.App, f.RunLabels), f.Key(), f.Unit, f.Run}, "\x00")))
	return hex.EncodeToString(sum[:10])
}

// Until is what ends a mute: whichever comes first. One of them is given.
type Until struct {
	WorseBy float64   `json:"worse_by,omitempty"` // worse than Value by more than this ratio: 0.05
	Value   float64   `json:"value,omitempty"`    // the level when it was muted, in the metric's unit
	Version string    `json:"version,omitempty"`  // from this version on
	Time    time.Time `json:"time,omitzero"`
	// AnyEnvironment mutes the metric wherever it is measured, not only in the
	// finding's environment.
	AnyEnvironment bool `json:"any_environment,omitempty"`
}

// ActFilter selects acts. Empty fields select everything.
type ActFilter struct{ App, Alert string }

// Alert is an alert as its acts have left it.
type Alert struct {
	ID      string
	Finding Finding
	State   State
	Since   Act   // that made the state
	Acts    []Act // all of them, in order
	// Ended says why the state is open again without an act: a mute's date is
	// over.
	Ended string
}

// StaleError is an act whose author did not know of a newer one.
type StaleError struct {
	Alert  string
	Newest Act
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("alert %s was %s by %s meanwhile", e.Alert, e.Newest.Kind, e.Newest.Author)
}

// ActError is an act that makes no sense.
type ActError struct{ What string }

func (e *ActError) Error() string { return e.What }

// Alerts makes alerts of acts, which are in their order, as they are at a time:
// the alerts whose newest act is the newest come first.
func Alerts(acts []Act, now time.Time) []Alert {
	byID := make(map[string]*Alert)
	var ids []string
	for _, a := range acts {
		alert := byID[a.Alert]
		if alert == nil {
			alert = &Alert{ID: a.Alert}
			byID[a.Alert] = alert
			ids = append(ids, a.Alert)
		}
		alert.Acts = append(alert.Acts, a)
	}
	list := make([]Alert, 0, len(ids))
	for _, id := range ids {
		alert := byID[id]
		alert.derive(now)
		list = append(list, *alert)
	}
	slices.SortStableFunc(list, func(a, b Alert) int {
		return cmp.Or(b.newest().Time.Compare(a.newest().Time), strings.Compare(a.ID, b.ID))
	})
	return list
}

func (a *Alert) newest() *Act { return &a.Acts[len(a.Acts)-1] }

// derive works out the state from the acts that were not undone.
func (a *Alert) derive(now time.Time) {
	undone := make(map[int]bool)
	for _, act := range a.Acts {
		if act.Kind == Undone {
			undone[act.Undoes] = true
		}
	}
	for _, act := range a.Acts {
		if act.Finding != nil {
			a.Finding = *act.Finding
		}
		if state, ok := states[act.Kind]; ok && !undone[act.N] {
			a.State, a.Since = state, act
		}
	}
	if u := a.Since.Until; a.State == StateMuted && u != nil && !u.Time.IsZero() && !now.Before(u.Time) {
		a.State = StateOpen
		a.Ended = "it was muted until " + u.Time.UTC().Format(time.DateOnly)
	}
}

// Next says what is wrong with an act as the next one of an alert, whose acts
// so far are given; without any it has to open one. Stores hold acts to it.
func Next(acts []Act, a *Act) error {
	wrong := func(format string, args ...any) error { return &ActError{What: fmt.Sprintf(format, args...)} }
	_, known := states[a.Kind]
	switch {
	case !known && a.Kind != Undone:
		return wrong("unknown act %q: expected acknowledged, muted, accepted, dismissed, fixed, reopened or undone", a.Kind)
	case a.Author == "":
		return wrong("%s: the act has no author", a.Kind)
	case a.Author != Pacer && utf8.RuneCountInString(strings.TrimSpace(a.Reason)) < MinReason:
		return wrong("%s: the reason %q is too short: expected at least %d characters", a.Kind, a.Reason, MinReason)
	case len(acts) == 0 && a.Kind != Opened:
		return fmt.Errorf("alert %s: %w", a.Alert, ErrNotFound)
	case a.Kind == Opened && (a.Finding == nil || a.Finding.ID() != a.Alert):
		return wrong("opened: the alert is not that of its finding")
	case a.Kind == Opened:
		return nil
	}
	if newest := acts[len(acts)-1]; a.Seen != 0 && a.Seen != newest.N {
		return &StaleError{Alert: a.Alert, Newest: newest}
	}
	alert := Alert{Acts: acts}
	alert.derive(a.Time)
	switch a.Kind {
	case Undone:
		return nextUndone(acts, a, wrong)
	case Muted:
		u := a.Until
		if u == nil || u.WorseBy <= 0 && u.Version == "" && u.Time.IsZero() {
			return wrong("muted: expected an end: until it worsens by so much, a version or a date")
		}
		if !u.Time.IsZero() && !a.Time.Before(u.Time) {
			return wrong("muted until %s: that is over already", u.Time.UTC().Format(time.DateOnly))
		}
	case Reopened:
		if alert.State == StateOpen && alert.Ended == "" {
			return wrong("reopened: the alert is open")
		}
		return nil
	}
	if alert.State == StateFixed {
		return wrong("%s: the alert is fixed", a.Kind)
	}
	return nil
}

func nextUndone(acts []Act, a *Act, wrong func(string, ...any) error) error {
	at := slices.IndexFunc(acts, func(old Act) bool { return old.N == a.Undoes })
	switch {
	case at < 0:
		return wrong("undone: the alert has no act %d", a.Undoes)
	case acts[at].Kind == Undone || acts[at].Kind == Opened || acts[at].Author == Pacer:
		return wrong("undone: act %d, %s by %s, cannot be undone", a.Undoes, acts[at].Kind, acts[at].Author)
	case slices.ContainsFunc(acts, func(old Act) bool { return old.Kind == Undone && old.Undoes == a.Undoes }):
		return wrong("undone: act %d is undone already", a.Undoes)
	}
	return nil
}

// Advance returns an act as a store keeps it next, whose alert has these acts
// so far, and false if it is there already: an alert that is opened again.
func Advance(acts []Act, a Act, now time.Time) (Act, bool, error) {
	if a.Time.IsZero() {
		a.Time = now
	}
	a.Time, a.Alert = a.Time.UTC(), a.About()
	if err := Next(acts, &a); err != nil {
		return a, false, err
	}
	if a.Kind == Opened && len(acts) > 0 {
		return acts[0], false, nil
	}
	a.N, a.Seen = len(acts)+1, 0
	if a.Finding != nil {
		a.App = a.Finding.App
	} else {
		a.App = acts[0].App
	}
	return a, true, nil
}

// Follows tells whether an act of another store is to be added to these, or
// is there already. It is an error if another act has its number, or the ones
// before it are missing.
func Follows(acts []Act, a *Act) (add bool, err error) {
	for _, old := range acts {
		if old.N != a.N {
			continue
		}
		if old.Kind != a.Kind || !old.Time.Equal(a.Time) || old.Author != a.Author || old.Reason != a.Reason {
			return false, fmt.Errorf("act %d of alert %s is %s by %s here, %s by %s there", a.N, a.Alert, old.Kind, old.Author, a.Kind, a.Author)
		}
		return false, nil
	}
	if a.N != len(acts)+1 {
		return false, fmt.Errorf("act %d of alert %s comes after %d acts", a.N, a.Alert, len(acts))
	}
	return true, nil
}
