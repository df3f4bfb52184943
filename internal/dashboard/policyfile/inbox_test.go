package policyfile

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/alert"
	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/dashboard/madeup"
	"github.com/pacer-perf/pacer/internal/dashboard/pagetest"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// acts is the log of the history, in short.
func (d *desk) acts() (list []string) {
	d.t.Helper()
	all, err := d.history.Acts(d.t.Context(), history.ActFilter{})
	if err != nil {
		d.t.Fatal(err)
	}
	for _, a := range all {
		if a.Kind != history.Opened {
			list = append(list, string(a.Kind)+" by "+a.Author+": "+a.Reason)
		}
	}
	return list
}

// From open to acknowledged, to muted, undone, dismissed and open again: each
// act has a reason and an author, says what was done, and can be taken back.
func TestInbox(t *testing.T) {
	t.Parallel()
	d := madeupDesk(t)
	inbox := d.get("regressions")
	inbox.says(t, 200, "Open 4", "Fixed 8", "Accepted 1", "Since 2.4.1", "startup", "+19.9", "94\u202f% of it in open library db", "after 2.4.0")
	if !strings.Contains(inbox.body, "<title>4 open · cuepoint · pacer</title>") || !strings.Contains(inbox.body, `Regressions <span class="count">4`) {
		t.Error("neither title nor navigation count what is open")
	}

	form := d.get(inbox.link(t, "Acknowledge<span")).form(t, `name="reason"`)
	short := d.post("regressions", set(form, "reason", "on it"))
	short.says(t, 422, "Expected at least 8 characters", "these are 5")
	if !strings.Contains(short.body, `value="on it"`) || !strings.Contains(short.body, `aria-invalid="true"`) || len(d.acts()) != 0 {
		t.Error("what was entered is lost, or done")
	}
	p := d.follow("regressions", set(short.form(t, `name="reason"`), "reason", "the new index, issue 398"))
	p.says(t, 200, "Acknowledged startup: “the new index, issue 398”", "Open 3", "Acknowledged 1", "the team : Acknowledged startup")
	p.saysNot(t, "Since 2.4.1")

	muting := d.get(d.get("regressions?state=acknowledged").link(t, "Mute<span"))
	muting.says(t, 200, "Mute startup", "pacer check fails all the same")
	mute := set(muting.form(t, `name="reason"`), "reason", "waits for the rewrite")
	for field, value := range map[string]string{"worse": "-3", "version": "", "date": "yesterday"} {
		d.post("regressions", set(mute, "ends", field, field, value)).says(t, 422, "Expected a")
	}
	d.post("regressions", set(mute, "ends", "date", "date", "2026-11-01")).says(t, 422, "2026-11-01 is over already")
	p = d.follow("regressions", set(mute, "ends", "version", "version", "2.5.0"))
	p.says(t, 200, "Muted until version 2.5.0: startup", "Muted 1", "Acknowledged 0")

	p = d.follow("regressions", p.form(t, `name="undo"`))
	p.says(t, 200, "Acknowledged 1", "Muted 0", "Undone for startup")
	p = d.follow("regressions", set(d.get(p.link(t, "Not real<span")).form(t, `name="reason"`), "reason", "the machine was swapping"))
	p.says(t, 200, "Not real 1", "Acknowledged 0")
	p = d.get("regressions?state=dismissed")
	p = d.follow("regressions", set(d.get(p.link(t, "Open again<span")).form(t, `name="reason"`), "reason", "it was not that machine"))
	p.says(t, 200, "Not real 0")
	if d.get("regressions"); len(d.acts()) != 5 {
		t.Errorf("acts %q", d.acts())
	}
	p = d.get("metric?m=startup")
	p.says(t, 200, "It got worse with 2.4.1", "See it among the regressions", "Edit its budget")
	d.get(p.link(t, "Mute…")).says(t, 200, "Mute startup", "Until")
}

// Several at once, with one reason; undone at once.
func TestInboxBulk(t *testing.T) {
	t.Parallel()
	d := madeupDesk(t)
	form := d.get("regressions").form(t, "data-bulk")
	if len(form["id"]) != 0 {
		t.Errorf("chosen without a person: %v", form)
	}
	p := d.get("regressions?q=search")
	for _, part := range strings.Split(p.body, `name="id" value="`)[1:] {
		form.Add("id", part[:strings.IndexByte(part, '"')])
	}
	form.Set("act", "mute")
	panel := d.get("regressions?" + form.Encode())
	panel.says(t, 200, "Mute 2 alerts", "in every environment")
	p = d.follow("regressions", set(panel.form(t, `name="reason"`), "reason", "search is rewritten next"))
	p.says(t, 200, "Muted until it gets worse by 5%: search.query, search.query", "Muted 2", "Open 2")
	p = d.follow("regressions", p.form(t, `name="undo"`))
	p.says(t, 200, "Muted 0", "Open 4")
	d.get("regressions?act=mute").says(t, 404, "Nothing is chosen")
	d.get("regressions?act=frobnicate").says(t, 400, "Nothing is called frobnicate")
}

// What was accepted stands in the file of waivers, and no longer fails; taken
// back, the file is as it was.
func TestInboxAccept(t *testing.T) {
	t.Parallel()
	d := madeupDesk(t)
	read := func() string {
		text, _, err := d.waivers.store.read()
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	before := read()
	d.get("").says(t, 200, "1 regression: startup")
	panel := d.get(d.get("regressions").link(t, "Accept<span"))
	panel.says(t, 200, "Accept startup", "written to pacer.waivers.yaml")
	p := d.follow("regressions", set(panel.form(t, `name="reason"`), "reason", "artwork is loaded up front (issue 412)"))
	p.says(t, 200, "Accepted until it gets worse by 5%: startup", "Accepted 2", "Open 3")
	// It is 20.2 % over what it was, and may get worse by 5 % of what it is.
	if got := read(); !strings.HasPrefix(got, before) || !strings.Contains(got, "worse_by: 26.2%") || !strings.Contains(got, `reason: "artwork is loaded up front (issue 412)"`) || !strings.Contains(got, `author: "the team"`) {
		t.Errorf("waivers:\n%s", got)
	}
	d.get("").saysNot(t, "1 regression")
	p = d.follow("regressions", p.form(t, `name="undo"`))
	p.says(t, 200, "Accepted 1", "Open 4")
	if got := read(); got != before {
		t.Errorf("taken back, the waivers are:\n%s", got)
	}
	// Without a file there is the history, and a command to type.
	d.may.Waivers = nil
	panel = d.get(d.get("regressions").link(t, "Accept<span"))
	panel.says(t, 200, `pacer accept startup --reason "…" --worse-by 26.2%`)
	d.follow("regressions", set(panel.form(t, `name="reason"`), "reason", "artwork is loaded up front")).says(t, 200, "Accepted 2")
}

// Of two who act on the same alert, the second is told, and nothing is lost.
func TestInboxTogether(t *testing.T) {
	t.Parallel()
	d := madeupDesk(t)
	address := d.get("regressions").link(t, "Acknowledge<span")
	mine, theirs := d.get(address).form(t, `name="reason"`), d.get(d.get("regressions").link(t, "Not real<span")).form(t, `name="reason"`)
	d.may.Author = "the other team"
	d.follow("regressions", set(theirs, "reason", "the machine was swapping"))
	d.may.Author = "the team"
	p := d.post("regressions", set(mine, "reason", "the new index, issue 398"))
	p.says(t, 409, "Not done: startup was dismissed by the other team meanwhile: “the machine was swapping”")
	if got := d.acts(); len(got) != 1 || got[0] != "dismissed by the other team: the machine was swapping" {
		t.Errorf("acts %q", got)
	}
}

// Nobody changes anything who may not: no page offers it, and no form is taken.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	d := madeupDesk(t)
	act := set(d.get(d.get("regressions").link(t, "Acknowledge<span")).form(t, `name="reason"`), "reason", "on it since today")
	save := set(d.get("budgets").form(t, `name="was"`), "act", "save", "fail_on", "target")
	before, _ := d.policy.Read(t.Context())
	may := d.may
	d.may = dashboard.Editing{Hint: "pacer serve --edit"}
	for _, target := range []string{"regressions", "budgets", "regressions?act=mute&id=" + act.Get("id"), "metric?m=startup"} {
		p := d.get(target)
		p.says(t, 200)
		p.saysNot(t, "Acknowledge ", "Reason (", "Save to", "Edit its budget", "Undo")
		if strings.Contains(p.body, `method="post"`) {
			t.Errorf("%s has a form", target)
		}
	}
	d.get("regressions").says(t, 200, "These pages only read. To act here: pacer serve --edit")
	d.get("budgets").says(t, 200, "These pages only read. To edit budgets here: pacer serve --edit", "startup", "2s", "last 30: 29 within, 1 over target")
	for target, form := range map[string]url.Values{"regressions": act, "budgets": save} {
		d.post(target, form).says(t, 403, "These pages only read", "pacer serve --edit")
	}
	d.may = may
	for _, name := range []string{"regressions", "budgets"} {
		form := map[string]url.Values{"regressions": act, "budgets": save}[name]
		for _, from := range []map[string]string{{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}} {
			r := httptest.NewRequest(http.MethodPost, "/"+name, strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			for name, value := range from {
				r.Header.Set(name, value)
			}
			d.send(r).says(t, 403, "That came from another site")
		}
	}
	after, _ := d.policy.Read(t.Context())
	if len(d.acts()) != 0 || after.Revision != before.Revision {
		t.Error("something was changed")
	}
	// Forms that no page of ours made.
	for _, id := range []string{"", "x", act.Get("id") + "9", strings.SplitN(act.Get("id"), ".", 2)[0], strings.SplitN(act.Get("id"), ".", 2)[0] + ".-1"} {
		if p := d.post("regressions", url.Values{"act": {"acknowledge"}, "reason": {"on it since today"}, "id": {id}}); p.status != 404 && p.status != 400 {
			t.Errorf("id %q: status %d", id, p.status)
		}
	}
	for _, undo := range []string{"x", "1.2.3", strings.SplitN(act.Get("id"), ".", 2)[0] + ".7.0"} {
		if p := d.post("regressions", url.Values{"act": {"undo"}, "undo": {undo}}); p.status != 404 && p.status != 409 {
			t.Errorf("undo %q: status %d: %s", undo, p.status, words(p.body))
		}
	}
	d.post("regressions", url.Values{"pad": {strings.Repeat("x", 3<<20)}}).says(t, 400, "The form cannot be read")
	// Whoever is not known says who they are.
	d.may.Author = ""
	p := d.post("regressions", act)
	p.says(t, 422, "Your name", "Expected who does this")
	d.follow("regressions", set(p.form(t, `name="reason"`), "author", "somebody"))
	if got := d.acts(); len(got) != 1 || !strings.HasPrefix(got[0], "acknowledged by somebody:") {
		t.Errorf("acts %q", got)
	}
}

// A log that takes nothing says so on the page.
func TestInboxRefused(t *testing.T) {
	t.Parallel()
	d := madeupDesk(t)
	d.may.Acts, d.may.Waivers = refusing{}, nil
	act := set(d.get(d.get("regressions").link(t, "Acknowledge<span")).form(t, `name="reason"`), "reason", "on it since today")
	d.post("regressions", act).says(t, 409, "Not done: startup: This cannot be written to.")
}

type refusing struct{}

func (refusing) Act(context.Context, history.Act) (history.Act, error) {
	return history.Act{}, &dashboard.RefusedError{Text: "This cannot be written to."}
}

var _ alert.Log = refusing{}

// The feed is Atom: what is required is there, ids stay, addresses are whole.
func TestFeed(t *testing.T) {
	t.Parallel()
	d := madeupDesk(t)
	type feed struct {
		XMLName            xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
		ID, Title, Updated string   `xml:",omitempty"`
		Entries            []struct {
			ID      string `xml:"id"`
			Title   string `xml:"title"`
			Updated string `xml:"updated"`
			Summary string `xml:"summary"`
			Link    struct {
				Href string `xml:"href,attr"`
			} `xml:"link"`
			Category struct {
				Term string `xml:"term,attr"`
			} `xml:"category"`
		} `xml:"entry"`
	}
	read := func() (f feed) {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, "http://localhost:7717/perf/regressions.atom", nil)
		w := httptest.NewRecorder()
		d.pages.ServeHTTP(w, r)
		if got := w.Header().Get("Content-Type"); w.Code != 200 || got != "application/atom+xml; charset=utf-8" {
			t.Errorf("status %d, %s", w.Code, got)
		}
		if err := xml.Unmarshal(w.Body.Bytes(), &f); err != nil {
			t.Fatal(err)
		}
		return f
	}
	before := read()
	if len(before.Entries) != 13 {
		t.Errorf("%d entries", len(before.Entries))
	}
	first := before.Entries[0]
	if !strings.HasPrefix(first.Title, "startup +19.9") || !strings.HasSuffix(first.Title, "since 2.4.1") || first.Category.Term != "open" || first.ID == "" || !strings.Contains(first.Summary, "open library db") ||
		!strings.HasPrefix(first.Link.Href, "http://") || !strings.Contains(first.Link.Href, "metric?") {
		t.Errorf("%+v", first)
	}
	d.follow("regressions", set(d.get(d.get("regressions").link(t, "Acknowledge<span")).form(t, `name="reason"`), "reason", "on it since today"))
	after := read()
	if now := after.Entries[0]; now.ID != first.ID || now.Category.Term != "acknowledged" || !(now.Updated > first.Updated) || len(after.Entries) != 13 {
		t.Errorf("acknowledged: %+v", now)
	}
	d.follow("regressions", set(d.get(d.get("regressions?state=acknowledged").link(t, "Mute<span")).form(t, `name="reason"`), "reason", "wait for the rewrite"))
	if after := read(); len(after.Entries) != 12 {
		t.Errorf("what is muted is in the feed: %d entries", len(after.Entries))
	}
}

// Before anything was measured, and in a history where nothing got worse.
func TestInboxEmpty(t *testing.T) {
	t.Parallel()
	one := &run.Run{ID: "R1", App: "app", Version: "1.0", Timestamp: clock, Metrics: []run.Metric{{Name: "startup", Unit: "s", Samples: []float64{1}}}}
	newDesk(t, InMemory("", "pacer.yaml"), WaiversInMemory("", "pacer.waivers.yaml")).get("regressions").says(t, 200, "There are no runs yet.")
	d := newDesk(t, InMemory("", "pacer.yaml"), WaiversInMemory("", "pacer.waivers.yaml"), one)
	d.get("regressions").says(t, 200, "No open regressions.", "in 1 run", "up to 1.0", "Open 0")
	d.get("regressions?state=fixed").says(t, 200, "Nothing is fixed.")
	d.get("regressions?q=nothing").says(t, 200, "Nothing here matches “nothing”")
	d.get("regressions?state=lost").says(t, 200, "state=lost is not known here")
}

// Every link of the pages that change something leads somewhere, with names
// that nobody would choose as well.
func TestInboxCrawl(t *testing.T) {
	t.Parallel()
	var odd []*run.Run
	names := []string{`<script>alert(1)</script>`, `a&b=c?d#e%20f/g`, `"quoted" 'names' \`, "{{.}}", "größe 🎧 \u202e rtl", "javascript:alert(1)", ".."}
	for i := range 14 {
		r := &run.Run{ID: fmt.Sprintf("ODD%03d", i), App: madeup.App, Version: names[i%7], Commit: names[(i+1)%7], Timestamp: clock.Add(time.Duration(i-14) * time.Hour)}
		for k, name := range names {
			m := run.Metric{Name: name, Unit: "s", Labels: map[string]string{"k": names[(k+2)%7]}}
			for j := range 6 {
				m.Samples = append(m.Samples, float64(1+i/7)+0.001*float64((i*7+j*3)%5))
			}
			r.Metrics = append(r.Metrics, m)
		}
		odd = append(odd, r)
	}
	for name, d := range map[string]*desk{
		"the year":  madeupDesk(t),
		"odd names": newDesk(t, InMemory("", "pacer.yaml"), WaiversInMemory("", "pacer.waivers.yaml"), odd...),
	} {
		d.get("regressions").says(t, 200, "Acknowledge ")
		visited, problems := pagetest.Crawl(d.pages, "/regressions", 30)
		for _, problem := range problems[:min(8, len(problems))] {
			t.Errorf("%s: %v", name, problem)
		}
		if visited < 25 {
			t.Errorf("%s: only %d pages are reached", name, visited)
		}
	}
}
