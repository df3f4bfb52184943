package history

import (
	"errors"
	"testing"
	"time"
)

var day = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// log makes acts by one after the other, as a store does.
func log(t *testing.T, list ...Act) []Act {
	t.Helper()
	f := &Finding{App: "a", Name: "m", Unit: "s", Run: "R"}
	var acts []Act
	for i, a := range append([]Act{{Kind: Opened, Finding: f, Author: Pacer}}, list...) {
		a.Alert = f.ID()
		if a.Author == "" {
			a.Author, a.Reason = "someone", "a good reason"
		}
		kept, add, err := Advance(acts, a, day.Add(time.Duration(i)*time.Minute))
		if err != nil || !add {
			t.Fatalf("act %d, %s: %v, %v", i+1, a.Kind, add, err)
		}
		acts = append(acts, kept)
	}
	return acts
}

func TestAlertStates(t *testing.T) {
	t.Parallel()
	mute := &Until{Time: day.Add(24 * time.Hour)}
	for name, tt := range map[string]struct {
		acts []Act
		want State
	}{
		"opened":                    {nil, StateOpen},
		"acknowledged":              {[]Act{{Kind: Acknowledged}}, StateAcknowledged},
		"muted":                     {[]Act{{Kind: Acknowledged}, {Kind: Muted, Until: mute}}, StateMuted},
		"muted until it worsens":    {[]Act{{Kind: Muted, Until: &Until{WorseBy: 0.05, Value: 1}}}, StateMuted},
		"its mute ended":            {[]Act{{Kind: Muted, Until: mute}, {Kind: Reopened, Author: Pacer}}, StateOpen},
		"accepted":                  {[]Act{{Kind: Accepted}}, StateAccepted},
		"dismissed":                 {[]Act{{Kind: Dismissed}}, StateDismissed},
		"fixed by itself":           {[]Act{{Kind: Acknowledged}, {Kind: Fixed, Author: Pacer}}, StateFixed},
		"worse again":               {[]Act{{Kind: Fixed, Author: Pacer}, {Kind: Reopened, Author: Pacer}}, StateOpen},
		"undone":                    {[]Act{{Kind: Dismissed}, {Kind: Undone, Undoes: 2}}, StateOpen},
		"an earlier act undone":     {[]Act{{Kind: Acknowledged}, {Kind: Accepted}, {Kind: Undone, Undoes: 2}}, StateAccepted},
		"undone, to the one before": {[]Act{{Kind: Acknowledged}, {Kind: Accepted}, {Kind: Undone, Undoes: 3}}, StateAcknowledged},
	} {
		if got := Alerts(log(t, tt.acts...), day)[0].State; got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
	late := Alerts(log(t, Act{Kind: Muted, Until: mute}), day.Add(48*time.Hour))[0]
	if late.State != StateOpen || late.Ended == "" {
		t.Errorf("after its date: %+v", late)
	}
}

func TestActsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	who := Act{Author: "someone", Reason: "a good reason"}
	act := func(edit func(*Act)) Act { a := who; edit(&a); return a }
	fixed := []Act{{Kind: Fixed, Author: Pacer}}
	for name, tt := range map[string]struct {
		before []Act
		act    Act
	}{
		"no author":          {nil, Act{Kind: Acknowledged, Reason: "a good reason"}},
		"no reason":          {nil, Act{Kind: Acknowledged, Author: "someone", Reason: "  fine "}},
		"no such act":        {nil, act(func(a *Act) { a.Kind = "forgotten" })},
		"muted for ever":     {nil, act(func(a *Act) { a.Kind = Muted })},
		"muted until then":   {nil, act(func(a *Act) { a.Kind, a.Until = Muted, &Until{Time: day.Add(-time.Hour)} })},
		"already open":       {nil, act(func(a *Act) { a.Kind = Reopened })},
		"fixed already":      {fixed, act(func(a *Act) { a.Kind = Acknowledged })},
		"undoes nothing":     {nil, act(func(a *Act) { a.Kind, a.Undoes = Undone, 7 })},
		"undoes the opening": {nil, act(func(a *Act) { a.Kind, a.Undoes = Undone, 1 })},
		"undoes Pacer's":     {fixed, act(func(a *Act) { a.Kind, a.Undoes = Undone, 2 })},
		"undone twice":       {[]Act{{Kind: Dismissed}, {Kind: Undone, Undoes: 2}}, act(func(a *Act) { a.Kind, a.Undoes = Undone, 2 })},
	} {
		acts := log(t, tt.before...)
		tt.act.Alert, tt.act.Time = acts[0].Alert, day.Add(time.Hour)
		var wrong *ActError
		if err := Next(acts, &tt.act); !errors.As(err, &wrong) {
			t.Errorf("%s: %v", name, err)
		}
	}
	acts := log(t, Act{Kind: Acknowledged})
	seen := act(func(a *Act) { a.Alert, a.Kind, a.Seen = acts[0].Alert, Dismissed, 1 })
	var stale *StaleError
	if err := Next(acts, &seen); !errors.As(err, &stale) || stale.Newest.N != 2 {
		t.Errorf("stale: %v", err)
	}
}
