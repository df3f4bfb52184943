package dashboard

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/alert"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
)

// logLine is what somebody did at once.
type logLine struct {
	Time   time.Time
	Author string
	Did    string
	About  string
	Reason string
	Undo   []string // values of what can be undone; none: nothing
}

// doneBar says what was just done.
type doneBar struct {
	Text string
	Undo []string
}

// log lists what was done last, and says what was just done.
func (l *regressionsView) log() {
	done := strings.Split(l.Query.Get("done"), ",")
	type batch struct {
		line logLine
		done bool
	}
	var batches []batch
	for i := range l.Alerts.List {
		a := &l.Alerts.List[i]
		undone := make(map[int]bool)
		for _, act := range a.Acts {
			undone[act.Undoes] = true
		}
		for k := range a.Acts {
			act := &a.Acts[k]
			if act.Kind == history.Opened {
				continue
			}
			line := logLine{Time: act.Time, Author: act.Author, Did: didOf(act), About: a.Finding.Key(), Reason: act.Reason}
			if l.Editing && act.Kind != history.Undone && act.Author != history.Pacer && !undone[act.N] {
				line.Undo = []string{fmt.Sprintf("%s.%d.%d", a.ID, act.N, a.Seen())}
			}
			just := slices.Contains(done, fmt.Sprintf("%s.%d", a.ID, act.N))
			at := slices.IndexFunc(batches, func(b batch) bool {
				return b.line.Time.Equal(line.Time) && b.line.Author == line.Author && b.line.Did == line.Did && b.line.Reason == line.Reason && (len(b.line.Undo) > 0) == (len(line.Undo) > 0)
			})
			if at < 0 {
				batches = append(batches, batch{line, just})
				continue
			}
			batches[at].line.About += ", " + line.About
			batches[at].line.Undo = append(batches[at].line.Undo, line.Undo...)
			batches[at].done = batches[at].done || just
		}
	}
	slices.SortStableFunc(batches, func(a, b batch) int { return b.line.Time.Compare(a.line.Time) })
	for i, b := range batches {
		if b.done && l.Done == nil {
			l.Done = &doneBar{Text: fmt.Sprintf("%s %s: “%s”", b.line.Did, b.line.About, b.line.Reason), Undo: b.line.Undo}
		}
		if i < logLines {
			l.Log = append(l.Log, b.line)
		}
	}
}

// didOf says what somebody did.
func didOf(act *history.Act) string {
	text := map[history.ActKind]string{
		history.Acknowledged: "Acknowledged", history.Muted: "Muted", history.Accepted: "Accepted", history.Dismissed: "Not real:",
		history.Fixed: "Fixed", history.Reopened: "Opened again", history.Undone: "Undone for",
	}[act.Kind]
	if until := alert.Ends(act.Until); until != "" {
		text += " until " + until
		if act.Until.AnyEnvironment {
			text += " in every environment"
		}
		text += ":"
	}
	return text
}

// regressionsJSON serves the alerts as pacer alerts --format json writes them:
// all of them, or those of one state.
func (h *Handler) regressionsJSON(w http.ResponseWriter, r *http.Request) error {
	l, err := h.inbox(r, -1)
	if err != nil {
		return err
	}
	state := history.State(r.URL.Query().Get("state"))
	list := slices.DeleteFunc(slices.Clone(l.Alerts.List), func(a alert.Alert) bool { return state != "" && a.State != state })
	attach(w, "application/json", "pacer-regressions.json")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(l.Alerts.Document(list))
}

// Document is what pacer alerts --format json writes of some of the alerts.
func (a *Alerts) Document(list []alert.Alert) any {
	if list == nil {
		list = []alert.Alert{}
	}
	return struct {
		Branch string        `json:"branch"`
		Runs   int           `json:"runs"` // that were looked at
		Newest *judge.Head   `json:"newest,omitempty"`
		Alerts []alert.Alert `json:"alerts"`
	}{a.Branch, a.Runs, a.Newest, list}
}
