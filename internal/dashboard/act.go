package dashboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/alert"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// actPanel is the form of something that is done about alerts.
type actPanel struct {
	Act       string
	Title     string // Mute startup
	Explain   string
	Submit    string
	Cancel    string
	Chosen    []alertRow
	Back      []Link // parameters of the page that it leads back to
	Until     bool   // it asks until when
	Where     bool   // it asks where
	Elsewhere bool
	Author    string // who is known to act; "": it asks
	Waivers   bool   // it is written to the file of waivers
	Command   string // to type, where that is not so

	Reason, By, Ends, Worse, Version, Date, Scope string // what was entered
	Errors                                        map[string]string
	First                                         string // field that takes the focus
}

// panelField is a field of the form: what is wrong with it, and whether it takes
// the focus.
type panelField struct {
	Name, Error string
	First       bool
}

// Field returns a field of the form.
func (p *actPanel) Field(name string) panelField {
	return panelField{name, p.Errors[name], p.First == name}
}

// undoForm takes something back.
type undoForm struct {
	Undo []string
	Back []Link
}

// UndoForm is the form that takes something back and leads here again.
func (l *regressionsView) UndoForm(undo []string) undoForm {
	f := undoForm{Undo: undo}
	for name, values := range backOf(l.Query) {
		f.Back = append(f.Back, Link{name, values[0]})
	}
	slices.SortFunc(f.Back, func(a, b Link) int { return strings.Compare(a.Text, b.Text) })
	return f
}

// kinds are the acts of the forms.
var kinds = map[string]history.ActKind{
	"acknowledge": history.Acknowledged, "mute": history.Muted, "accept": history.Accepted, "dismiss": history.Dismissed, "reopen": history.Reopened,
}

// panel makes the form of an act about the alerts that are chosen.
func (h *Handler) panel(r *http.Request, l *regressionsView, act string, entered url.Values) (*actPanel, error) {
	if kinds[act] == "" {
		return nil, &problem{status: http.StatusBadRequest, Title: "Nothing is called " + act, Text: "Expected acknowledge, mute, accept, dismiss or reopen."}
	}
	p := &actPanel{Act: act, Author: l.May.Author, Errors: make(map[string]string), First: "reason", Waivers: l.May.Waivers != nil,
		Reason: entered.Get("reason"), By: entered.Get("author"), Ends: cmp.Or(entered.Get("ends"), "worse"), Worse: cmp.Or(entered.Get("worse"), "5"),
		Version: entered.Get("version"), Date: entered.Get("date"), Scope: entered.Get("where")}
	for _, name := range append([]string{"state", "q", "page"}, kept...) {
		if value := cmp.Or(entered.Get(name), l.Query.Get(name)); value != "" {
			p.Back = append(p.Back, Link{name, value})
		}
	}
	p.Cancel = l.address()
	for _, value := range entered["id"] {
		id, _, _ := strings.Cut(value, ".")
		at := slices.IndexFunc(l.Alerts.List, func(a alert.Alert) bool { return a.ID == id })
		if at < 0 {
			continue
		}
		row := l.row(&l.Alerts.List[at], true)
		row.Value = value // what was seen when it was chosen
		p.Chosen = append(p.Chosen, row)
	}
	if len(p.Chosen) == 0 {
		if l.Alerts.Behind {
			return nil, &problem{status: http.StatusServiceUnavailable, Title: "The newest runs are still being looked at", Text: "Try again in a moment."}
		}
		return nil, &problem{status: http.StatusNotFound, Title: "Nothing is chosen", Text: "Choose what it is about, then what to do.", Near: []Link{{"Regressions", l.address()}}}
	}
	p.words()
	return p, nil
}

// words says what the form is for.
func (p *actPanel) words() {
	about := p.Chosen[0].Key
	if n := len(p.Chosen); n > 1 {
		about = report.Plural(n, "alert")
	}
	environments := make(map[string]bool)
	for i := range p.Chosen {
		environments[p.Chosen[i].Finding.Environment] = true
	}
	switch p.Act {
	case "acknowledge":
		p.Title, p.Submit = "Acknowledge "+about, "Acknowledge"
		p.Explain = "Somebody is on it. It stays in sight until the value is back."
	case "mute":
		p.Title, p.Submit, p.Until, p.Where = "Mute "+about, "Mute", true, true
		p.Explain = "Hidden, still looked at, and back by itself. A mute decides nothing: pacer check fails all the same."
	case "accept":
		p.Title, p.Submit, p.Until = "Accept "+about, "Accept", true
		p.Explain = "The new level is meant. It is written to pacer.waivers.yaml: commit that, and pacer check passes wherever it is checked out."
		if !p.Waivers {
			a := p.Chosen[0].Alert
			p.Explain = "The new level is meant. That is kept in the history alone; for pacer check to pass, commit a waiver:"
			p.Command = fmt.Sprintf("pacer accept %s --reason \"…\" --worse-by %s", report.Shell(a.Finding.Key()), percentWritten(waived(a, 0.05)))
		}
	case "dismiss":
		p.Title, p.Submit = about+" is not real", "It is not real"
		p.Explain = "Noise, a busy machine, a mistake in the measurement. It is put away, and decides nothing."
	case "reopen":
		p.Title, p.Submit = "Open "+about+" again", "Open again"
	}
	p.Elsewhere = len(environments) > 1
}

// act takes the form of an act, or of an undo.
func (h *Handler) act(w http.ResponseWriter, r *http.Request) error {
	if may := h.editing(r); may.Acts == nil {
		return may.forbidden()
	}
	if err := h.posted(w, r); err != nil {
		return err
	}
	r.URL.RawQuery = backOf(r.PostForm).Encode()
	l, err := h.inbox(r, -1)
	if err != nil {
		return err
	}
	if r.PostForm.Get("act") == "undo" {
		return h.undo(w, r, l)
	}
	p, err := h.panel(r, l, r.PostForm.Get("act"), r.PostForm)
	if err != nil {
		return err
	}
	act := p.read(h.Now())
	if len(p.Errors) > 0 {
		l.Panel = p
		return h.render(w, r, http.StatusUnprocessableEntity, "regressions", l)
	}
	var done, refused []string
	for i := range p.Chosen {
		one, err := l.actOn(r.Context(), &p.Chosen[i], act)
		var stale *history.StaleError
		var wrong *history.ActError
		var no *RefusedError
		switch key := p.Chosen[i].Key; {
		case errors.As(err, &stale):
			refused = append(refused, fmt.Sprintf("%s was %s by %s meanwhile: “%s”", key, stale.Newest.Kind, stale.Newest.Author, stale.Newest.Reason))
		case errors.As(err, &wrong):
			refused = append(refused, key+": "+wrong.What)
		case errors.As(err, &no):
			refused = append(refused, key+": "+no.Text+" "+no.Hint)
		case err != nil:
			return err
		default:
			done = append(done, fmt.Sprintf("%s.%d", one.Alert, one.N))
		}
	}
	if len(refused) > 0 {
		return h.refused(w, r, len(done), refused)
	}
	back := backOf(r.PostForm)
	back.Set("done", strings.Join(done[:min(len(done), 20)], ","))
	return seeOther(w, "regressions?"+back.Encode())
}

// refused shows what was not done, with what others did, on the page as it is
// now.
func (h *Handler) refused(w http.ResponseWriter, r *http.Request, done int, refused []string) error {
	l, err := h.inbox(r, -1)
	if err != nil {
		return err
	}
	if done > 0 {
		refused = append(refused, fmt.Sprintf("done for %d others", done))
	}
	l.Bars = append(l.Bars, bar{Class: "warning", Text: "Not done: " + strings.Join(refused, "; ") + ". Look again, and repeat it if it still holds."})
	return h.render(w, r, http.StatusConflict, "regressions", l)
}

// backOf are the parameters of the page that a form came from.
func backOf(form url.Values) url.Values {
	q := make(url.Values)
	for _, name := range append([]string{"state", "q", "page"}, kept...) {
		if value := form.Get(name); value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// read makes an act of what was entered. What is wrong is noted by field.
func (p *actPanel) read(now time.Time) history.Act {
	act := history.Act{Kind: kinds[p.Act], Time: now.UTC(), Author: cmp.Or(p.Author, strings.TrimSpace(p.By)), Reason: strings.TrimSpace(p.Reason)}
	fail := func(field, format string, args ...any) {
		if p.Errors[field] = fmt.Sprintf(format, args...); len(p.Errors) == 1 {
			p.First = field
		}
	}
	if n := len([]rune(act.Reason)); n < history.MinReason {
		fail("reason", "Expected at least %d characters, so that whoever reads it later can judge whether it still holds; these are %d.", history.MinReason, n)
	}
	if act.Author == "" {
		fail("author", "Expected who does this.")
	}
	if !p.Until {
		return act
	}
	act.Until = &history.Until{AnyEnvironment: p.Where && p.Scope == "everywhere"}
	switch p.Ends {
	case "version":
		if act.Until.Version = strings.TrimSpace(p.Version); act.Until.Version == "" {
			fail("version", "Expected a version, as in 2.5.0.")
		}
	case "date":
		day, err := time.Parse(time.DateOnly, strings.TrimSpace(p.Date))
		switch {
		case err != nil:
			fail("date", "Expected a date, as in 2027-02-01.")
		case !now.Before(day):
			fail("date", "%s is over already.", day.Format(time.DateOnly))
		case day.After(now.AddDate(100, 0, 0)):
			fail("date", "That is as good as never.")
		}
		act.Until.Time = day
	default:
		v, base, err := unit.Parse(strings.TrimSpace(p.Worse))
		if base == unit.Ratio {
			v *= 100
		}
		if err != nil || base != "" && base != unit.Ratio || !(v > 0 && v <= 1000) {
			fail("worse", "Expected a percentage of more than 0 and up to 1000, as in 5.")
		}
		act.Until.WorseBy = v / 100
	}
	return act
}

// actOn does something about one alert. What is accepted goes to the file of
// waivers first: it is what counts.
func (l *regressionsView) actOn(ctx context.Context, row *alertRow, act history.Act) (history.Act, error) {
	a := *row.Alert
	if act.Until != nil {
		until := *act.Until
		if until.WorseBy > 0 {
			until.Value = a.Now
		}
		act.Until = &until
	}
	// What was seen of it is what the form says, not what is known by now.
	_, seen, _ := strings.Cut(row.Value, ".")
	n, err := strconv.Atoi(seen)
	if err != nil || n < 0 || n > len(a.Acts) {
		return act, &problem{status: http.StatusBadRequest, Title: "The form is not one of ours", Text: "It does not say what was seen of the alert."}
	}
	newer := a.Acts[n:]
	if a.Acts = a.Acts[:n]; len(newer) > 0 && newer[len(newer)-1].Kind != history.Opened {
		return act, &history.StaleError{Alert: a.ID, Newest: newer[len(newer)-1]}
	}
	var w judge.Waiver
	accepts := act.Kind == history.Accepted && l.May.Waivers != nil
	if accepts {
		w = waiverOf(&a.Finding, &act)
		if _, err := l.May.Waivers.Accept(ctx, w); err != nil {
			return act, err
		}
	}
	done, err := alert.Do(ctx, l.May.Acts, &a, act)
	if err != nil && accepts {
		err = errors.Join(err, l.May.Waivers.Withdraw(ctx, w))
	}
	return done, err
}

// undo takes back what was done.
func (h *Handler) undo(w http.ResponseWriter, r *http.Request, l *regressionsView) error {
	var refused []string
	done := 0
	reason := cmp.Or(strings.TrimSpace(r.PostForm.Get("reason")), "undone on the page")
	author := cmp.Or(l.May.Author, strings.TrimSpace(r.PostForm.Get("author")), "whoever was at the page")
	for _, value := range r.PostForm["undo"] {
		parts := strings.Split(value, ".")
		at := slices.IndexFunc(l.Alerts.List, func(a alert.Alert) bool { return a.ID == parts[0] })
		if len(parts) != 3 || at < 0 {
			return &problem{status: http.StatusNotFound, Title: "There is nothing to undo", Text: "The alert is not there any more."}
		}
		n, _ := strconv.Atoi(parts[1])
		seen, _ := strconv.Atoi(parts[2])
		a := &l.Alerts.List[at]
		undone := slices.IndexFunc(a.Acts, func(act history.Act) bool { return act.N == n })
		_, err := l.May.Acts.Act(r.Context(), history.Act{Alert: a.ID, Kind: history.Undone, Undoes: n, Seen: seen, Author: author, Reason: reason, Time: h.Now().UTC()})
		var stale *history.StaleError
		var wrong *history.ActError
		switch {
		case errors.As(err, &stale):
			refused = append(refused, fmt.Sprintf("%s was %s by %s meanwhile", a.Finding.Key(), stale.Newest.Kind, stale.Newest.Author))
			continue
		case errors.As(err, &wrong):
			refused = append(refused, a.Finding.Key()+": "+wrong.What)
			continue
		case err != nil:
			return err
		}
		done++
		if undone >= 0 && a.Acts[undone].Kind == history.Accepted && l.May.Waivers != nil {
			if err := l.May.Waivers.Withdraw(r.Context(), waiverOf(&a.Finding, &a.Acts[undone])); err != nil {
				var no *RefusedError
				if !errors.As(err, &no) {
					return err
				}
				refused = append(refused, "the waiver stays: "+no.Text+" "+no.Hint)
			}
		}
	}
	if len(refused) > 0 {
		return h.refused(w, r, done, refused)
	}
	return seeOther(w, "regressions?"+backOf(r.PostForm).Encode())
}

// waiverOf is the waiver that accepts an alert, as an act has it.
func waiverOf(f *history.Finding, act *history.Act) judge.Waiver {
	at := act.Time.UTC()
	w := judge.Waiver{Metric: judge.PatternOf(f.Name, f.Labels), Reason: act.Reason, Author: act.Author, Since: time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)}
	if u := act.Until; u != nil {
		w.UntilVersion, w.Until = u.Version, u.Time
		if u.WorseBy > 0 {
			w.WorseBy = waived(&alert.Alert{Finding: *f, Now: u.Value}, u.WorseBy)
		}
	}
	return w
}

// waived is by how much a metric may be worse than its baseline, for an alert
// to be accepted until it gets worse than now: in whole tenths of a percent.
func waived(a *alert.Alert, worseBy float64) float64 {
	ratio := a.Now / a.Finding.Before
	if a.Finding.Better == run.Higher {
		ratio = 1 / ratio
	}
	if !(ratio > 0) || math.IsInf(ratio, 0) {
		ratio = 1
	}
	return min(10, max(0.001, math.Ceil(1000*(ratio*(1+worseBy)-1)-1e-9)/1000))
}

// percentWritten writes 0.257 as 25.7%.
func percentWritten(x float64) string {
	return strconv.FormatFloat(math.Round(1e6*x)/1e4, 'f', -1, 64) + "%"
}
