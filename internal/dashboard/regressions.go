package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/alert"
	"github.com/pacer-perf/pacer/internal/chart"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// regressionsView is the inbox: what got worse for good, by where that stands.
type regressionsView struct {
	view
	Alerts  *Alerts
	State   history.State
	Tabs    []stateTab
	Choices []choice
	Entries []entryView
	Panel   *actPanel
	Done    *doneBar
	Log     []logLine
	Acts    []verb // what can be done about those that are chosen
	Editing bool
	Hint    string // how to be allowed to; "": there is no way, or it is allowed
	Shown   int    // alerts
	From    int    // entries
	To      int
	Of      int
	Newer   string
	Older   string
	Clear   string
	Feed    string
	Filter  bool // something is filtered
}

// stateTab leads to the alerts in one state.
type stateTab struct {
	Title, Href string
	Count       int
	Current     bool
}

// entryView is what got worse in one range of commits.
type entryView struct {
	alert.Entry
	Compare string
	Runs    string // since then
	Rows    []alertRow
}

// alertRow is an alert.
type alertRow struct {
	*alert.Alert
	Value  string // in forms: its id, and what was seen of it
	Key    string
	Href   string
	Chip   chip
	Sides  string
	Delta  string
	Where  string // "": all are of one environment
	Note   string
	Spark  template.HTML
	Verbs  []verb
	Chosen bool
}

// verb is something that can be done: a name, a key, an address.
type verb struct{ Act, Title, Key, Href, Name string }

// stateWords are the states, in the order of the tabs, and how they are called.
var stateWords = []struct {
	state history.State
	title string
}{
	{history.StateOpen, "Open"}, {history.StateAcknowledged, "Acknowledged"}, {history.StateMuted, "Muted"},
	{history.StateAccepted, "Accepted"}, {history.StateFixed, "Fixed"}, {history.StateDismissed, "Not real"},
}

const (
	entriesPage = 30
	logLines    = 20
	// alertPatience is how long a page waits for alerts that are not known yet.
	alertPatience = 150 * time.Millisecond
)

func alerting(s Source) bool {
	_, ok := s.(Alerting)
	return ok && hasPast(s)
}

func (h *Handler) regressions(w http.ResponseWriter, r *http.Request) error {
	l, err := h.inbox(r, 0)
	if err != nil {
		return err
	}
	if act := l.Query.Get("act"); act != "" && l.Editing {
		panel, err := h.panel(r, l, act, r.URL.Query())
		if err != nil {
			return err
		}
		l.Panel = panel
	}
	return h.render(w, r, http.StatusOK, "regressions", l)
}

// inbox makes the page but for its forms. With wait, it waits as long as it
// takes.
func (h *Handler) inbox(r *http.Request, wait time.Duration) (*regressionsView, error) {
	v, err := h.view(r)
	if err != nil {
		return nil, err
	}
	l := &regressionsView{view: v, Editing: v.May.Acts != nil, Alerts: &Alerts{}}
	if !l.Editing {
		l.Hint = v.May.Hint
	}
	if l.App == nil {
		l.Title = "Regressions"
		return l, nil
	}
	q := AlertQuery{App: l.appName(), Branch: l.Query.Get("branch"), Patience: cmp.Or(wait, alertPatience)}
	if wait < 0 {
		q.Patience = 0
	}
	if l.Alerts, err = h.Source.(Alerting).Alerts(r.Context(), q); err != nil {
		return nil, err
	}
	l.fill()
	return l, nil
}

// fill makes the lists of the page.
func (l *regressionsView) fill() {
	words := make([]string, len(stateWords))
	for i, s := range stateWords {
		words[i] = string(s.state)
	}
	l.State = history.State(l.one("state", words...))
	q, env := strings.ToLower(l.Query.Get("q")), l.Query.Get("env")
	counts := make(map[history.State]int)
	var list []alert.Alert
	environments := make(map[string]bool)
	for _, a := range l.Alerts.List {
		f := &a.Finding
		if env != "" && a.Environment != env || !strings.Contains(strings.ToLower(strings.Join([]string{f.Key(), a.Bad.Version, a.Bad.Commit}, " ")), q) {
			continue
		}
		counts[a.State]++
		if a.State == l.State {
			list = append(list, a)
			environments[f.Environment] = true
		}
	}
	for _, s := range stateWords {
		state := string(s.state)
		if s.state == history.StateOpen {
			state = ""
		}
		l.Tabs = append(l.Tabs, stateTab{s.title, l.address("state", state), counts[s.state], s.state == l.State})
	}
	l.Title = fmt.Sprintf("%d open", counts[history.StateOpen])
	l.Shown, l.Filter = len(list), q != "" || env != ""
	l.Clear = l.address("q", "", "env", "")
	l.Feed = l.Link("regressions.atom")
	l.Exports = []Link{{"JSON", l.Link("regressions.json")}, {"Atom feed", l.Feed}}
	l.choices()
	entries := alert.Entries(list)
	page, err := strconv.Atoi(l.Query.Get("page"))
	if err != nil || page < 1 || page > 1<<20 {
		page = 1
	}
	from := min((page-1)*entriesPage, len(entries))
	to := min(from+entriesPage, len(entries))
	l.Of = len(entries)
	if from < to {
		l.From, l.To = from+1, to
	}
	if page > 1 {
		l.Newer = l.address("page", strconv.Itoa(page-1))
	}
	if to < len(entries) {
		l.Older = l.address("page", strconv.Itoa(page+1))
	}
	for _, e := range entries[from:to] {
		l.Entries = append(l.Entries, l.entry(e, len(environments) > 1))
	}
	if l.Editing {
		l.Acts = verbsOf(l.State)
	}
	l.log()
}

// address is that of this page without what is only said once.
func (l *regressionsView) address(pairs ...string) string {
	return l.With(append([]string{"act", "", "id", "", "done", "", "page", ""}, pairs...)...)
}

// choices are the filters.
func (l *regressionsView) choices() {
	for _, c := range l.filters() {
		if c.Name == "env" {
			c.Options[0].Text = "all"
		}
		if c.Name == "branch" {
			c.Options[0].Text = cmp.Or(l.Alerts.Branch, "all")
			c.Options = slices.DeleteFunc(c.Options, func(o option) bool { return o.Value == l.Alerts.Branch && !o.Selected })
		}
		l.Choices = append(l.Choices, c)
	}
}

// entry makes the part of one range of commits.
func (l *regressionsView) entry(e alert.Entry, where bool) entryView {
	v := entryView{Entry: e}
	if n := e.Alerts[0].Runs; n > 0 {
		v.Runs = report.Plural(n, "run")
	}
	if e.Good != nil {
		v.Compare = l.Link("compare", "a", e.Good.ID, "b", e.Bad.ID, "env", "", "branch", "", "base", "")
	}
	for i := range e.Alerts {
		v.Rows = append(v.Rows, l.row(&e.Alerts[i], where))
	}
	return v
}

// row makes the line of an alert.
func (l *regressionsView) row(a *alert.Alert, where bool) alertRow {
	f := &a.Finding
	r := alertRow{Alert: a, Value: valueOf(a), Key: f.Key(), Href: l.Link("metric", "m", f.Key(), "env", a.Environment, "base", "")}
	r.Chosen = slices.Contains(l.Query["id"], r.Value)
	r.Chip = chip{Class: "regressed", Icon: "up", Word: "regressed", Title: f.Why}
	if f.Better == run.Higher {
		r.Chip.Icon = "down"
	}
	switch a.State {
	case history.StateFixed:
		r.Chip = chip{Class: "improved", Icon: "check", Word: "fixed", Title: f.Why}
	case history.StateOpen:
	default:
		r.Chip.Class = "unchanged"
	}
	scale := unit.ScaleOf(cmp.Or(f.Before, f.After), f.Unit)
	r.Sides = scale.Number(f.Before) + " → " + quantity(scale, f.After)
	if ratio := f.After / f.Before; f.Before > 0 && f.After > 0 {
		r.Delta = percent(ratio)
	}
	if where {
		r.Where = f.Environment
	}
	r.Note = noteOf(a, scale)
	if len(a.Trend) > 1 {
		r.Spark = template.HTML(sparkOf(a).SVG())
	}
	if l.Editing {
		since := a.Since()
		for _, v := range verbsOf(a.State) {
			if v.Act == "reopen" && since == nil {
				continue // by a waiver, or by a mute of another environment
			}
			v.Href = "regressions?" + l.with(url.Values{"act": {v.Act}, "id": {r.Value}}).Encode() + "#panel"
			v.Name = r.Key
			r.Verbs = append(r.Verbs, v)
		}
	}
	return r
}

// with are the parameters of this page and some others.
func (l *regressionsView) with(q url.Values) url.Values {
	for _, name := range append([]string{"state", "q", "page"}, kept...) {
		if value := l.Query.Get(name); value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// noteOf is one line on what a person should know of an alert.
func noteOf(a *alert.Alert, scale unit.Scale) string {
	var parts []string
	f := &a.Finding
	if f.Stage != "" && f.Share >= 0.3 {
		parts = append(parts, fmt.Sprintf("%.0f%s%% of it in %s", 100*f.Share, thin, strings.TrimPrefix(f.Stage, f.Name+"/")))
	}
	if (alert.Limit{Change: 0.02}).Worse(f.After, a.Now, f.Better) || (alert.Limit{Change: 0.02}).Worse(a.Now, f.After, f.Better) {
		parts = append(parts, "now "+quantity(scale, a.Now))
	}
	if a.Note != "" {
		parts = append(parts, a.Note)
	}
	if since := a.Since(); since != nil && (a.State == history.StateAcknowledged || a.State == history.StateMuted || a.State == history.StateAccepted || a.State == history.StateDismissed) && a.Note == "" {
		text := fmt.Sprintf("by %s: %s", since.Author, since.Reason)
		if until := alert.Ends(a.Until); until != "" {
			text = "until " + until + ", " + text
		}
		parts = append(parts, text)
	}
	if a.Back != nil {
		parts = append(parts, "since "+name(a.Back))
	}
	return strings.Join(parts, "; ")
}

// sparkOf draws the trend of an alert, and where in it it begins.
func sparkOf(a *alert.Alert) *chart.Spark {
	low, high := slices.Min(a.Trend), slices.Max(a.Trend)
	scale := unit.ScaleOf(high, a.Finding.Unit)
	s := &chart.Spark{Values: a.Trend, Title: fmt.Sprintf("%s, between %s and %s", report.Plural(len(a.Trend), "run"), quantity(scale, low), quantity(scale, high))}
	if a.Mark > 0 {
		s.Changes = []int{a.Mark}
		s.Title += fmt.Sprintf("; it got worse %s", runsAgo(len(a.Trend)-1-a.Mark))
	}
	return s
}

// valueOf stands for an alert in forms: its id, and the number of the newest
// act that whoever sees it knows of.
func valueOf(a *alert.Alert) string { return a.ID + "." + strconv.Itoa(a.Seen()) }

// verbsOf is what can be done about an alert in a state.
func verbsOf(s history.State) []verb {
	acknowledge, mute := verb{Act: "acknowledge", Title: "Acknowledge", Key: "a"}, verb{Act: "mute", Title: "Mute", Key: "m"}
	accept, dismiss, reopen := verb{Act: "accept", Title: "Accept"}, verb{Act: "dismiss", Title: "Not real"}, verb{Act: "reopen", Title: "Open again"}
	switch s {
	case history.StateOpen:
		return []verb{acknowledge, mute, accept, dismiss}
	case history.StateAcknowledged:
		return []verb{mute, accept, dismiss, reopen}
	case history.StateMuted:
		return []verb{acknowledge, accept, reopen}
	case history.StateAccepted, history.StateDismissed:
		return []verb{reopen}
	}
	return nil
}

// open counts the alerts that nobody did anything about, as far as that is
// known. Other pages do not begin to work it out: it would be in their way.
func (h *Handler) open(ctx context.Context, v *view) int {
	source, ok := h.Source.(Alerting)
	if !ok || v.App == nil {
		return 0
	}
	found, err := source.Alerts(ctx, AlertQuery{App: v.App.Name, Branch: v.Query.Get("branch"), Patience: -1})
	if err != nil {
		return 0 // the page itself says what is wrong
	}
	n := 0
	for i := range found.List {
		if found.List[i].State == history.StateOpen {
			n++
		}
	}
	return n
}

// alertBars says on the page of a metric that it is in the inbox, and leads to
// what can be done about it there.
func (h *Handler) alertBars(ctx context.Context, v *view, key string) {
	source, ok := h.Source.(Alerting)
	if !ok || v.App == nil {
		return
	}
	found, err := source.Alerts(ctx, AlertQuery{App: v.App.Name, Branch: v.Query.Get("branch"), Patience: -1})
	if err != nil {
		return
	}
	for i := range found.List {
		a := &found.List[i]
		live := a.State == history.StateOpen || a.State == history.StateAcknowledged || a.State == history.StateMuted
		if a.Finding.Key() != key || !live || v.Query.Get("env") != "" && a.Environment != v.Query.Get("env") {
			continue
		}
		text := fmt.Sprintf("It got worse with %s", name(&a.Bad))
		if ratio := a.Ratio(); ratio > 0 {
			text += ", by " + percent(ratio)
		}
		if a.State != history.StateOpen {
			text += ": " + string(a.State)
		}
		state := string(a.State)
		if a.State == history.StateOpen {
			state = ""
		}
		b := bar{Class: "plain", Text: text + ".", Link: &Link{"See it among the regressions", v.Link("regressions", "state", state, "q", key, "env", a.Environment)}}
		if v.May.Acts != nil {
			for _, verb := range verbsOf(a.State) {
				if verb.Act != "reopen" {
					b.Acts = append(b.Acts, Link{verb.Title + "…", v.Link("regressions", "state", state, "q", key, "env", a.Environment, "act", verb.Act, "id", valueOf(a)) + "#panel"})
				}
			}
		}
		v.Bars = append(v.Bars, b)
		if len(v.Bars) > 2 {
			return
		}
	}
}
