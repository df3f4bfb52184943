package policyfile

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/dashboard/historic"
	"github.com/pacer-perf/pacer/internal/dashboard/madeup"
	"github.com/pacer-perf/pacer/internal/dashboard/pagetest"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/memory"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

var clock = time.Date(2026, 11, 23, 7, 17, 0, 0, time.UTC)

var year = sync.OnceValue(func() []*run.Run { return madeup.Runs(clock) })

// desk is the pages over a history, with what they may change.
type desk struct {
	t       *testing.T
	pages   http.Handler
	history *memory.History
	policy  *Policy
	waivers *Waivers
	may     dashboard.Editing // of the next request
	log     bytes.Buffer
}

// newDesk serves the made-up year, or other runs.
func newDesk(t *testing.T, policy *Policy, waivers *Waivers, runs ...*run.Run) *desk {
	t.Helper()
	if len(runs) == 0 && !strings.Contains(t.Name(), "Empty") {
		runs = year()
	}
	store, err := memory.New(runs...)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, history: store, policy: policy, waivers: waivers}
	d.may = dashboard.Editing{Author: "the team", Acts: store, Policy: policy, Waivers: waivers}
	source := historic.New(historic.Config{
		Open:   func(context.Context) (history.Reader, error) { return store, nil },
		Policy: func(string) (judge.Policy, error) { return Current(policy, waivers) },
		Now:    func() time.Time { return clock },
	})
	t.Cleanup(func() { source.Close() })
	var shown dashboard.Source = source
	if !strings.Contains(t.Name(), "Budgets") {
		// What got worse is worked out before anything is looked at.
		if _, err := source.Alerts(t.Context(), dashboard.AlertQuery{App: madeup.App}); err != nil {
			t.Fatal(err)
		}
	} else { // budgets do without: it takes a second
		shown = struct {
			dashboard.Source
			dashboard.Recalling
		}{source, source}
	}
	d.pages = dashboard.New(dashboard.Config{
		Source: shown, Editing: func(*http.Request) dashboard.Editing { return d.may },
		Log: slog.New(slog.NewTextHandler(&d.log, nil)), Now: func() time.Time { return clock },
	})
	return d
}

func madeupDesk(t *testing.T) *desk {
	t.Helper()
	return newDesk(t, InMemory(madeup.Policy, "pacer.yaml"), WaiversInMemory(madeup.Waivers, "pacer.waivers.yaml"))
}

// page is an answer.
type page struct {
	status   int
	location string
	body     string
}

func (d *desk) send(r *http.Request) page {
	d.t.Helper()
	w := httptest.NewRecorder()
	d.pages.ServeHTTP(w, r)
	p := page{w.Code, w.Header().Get("Location"), w.Body.String()}
	if p.status != http.StatusSeeOther && strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		if err := pagetest.Sound(p.body); err != nil {
			d.t.Errorf("%s: %v", r.URL, err)
		}
	}
	return p
}

func (d *desk) get(target string) page {
	d.t.Helper()
	return d.send(httptest.NewRequest(http.MethodGet, "/"+target, nil))
}

// post sends a form as a browser does from the page itself.
func (d *desk) post(target string, form url.Values) page {
	d.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/"+target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return d.send(r)
}

// follow sends a form and looks at the page that it leads to.
func (d *desk) follow(target string, form url.Values) page {
	d.t.Helper()
	p := d.post(target, form)
	if p.status != http.StatusSeeOther {
		d.t.Fatalf("%s: status %d: %s", target, p.status, words(p.body))
	}
	return d.get(p.location)
}

var (
	formOf   = regexp.MustCompile(`(?s)<form [^>]*>.*?</form>`)
	inputOf  = regexp.MustCompile(`<input ([^>]*)>`)
	selectOf = regexp.MustCompile(`(?s)<select name="([^"]*)".*?</select>`)
	chosenOf = regexp.MustCompile(`<option value="([^"]*)" selected`)
	errorOf  = regexp.MustCompile(`class="error"[^>]*>([^<]*)<`)
	partOf   = regexp.MustCompile(`([a-z-]+)(?:="([^"]*)")?`)
	tag      = regexp.MustCompile(`<[^>]*>`)
	blank    = regexp.MustCompile(`\s+`)
)

// form is what a browser would send of the form of a page that has a mark.
func (p page) form(t *testing.T, mark string) url.Values {
	t.Helper()
	for _, text := range formOf.FindAllString(p.body, -1) {
		if !strings.Contains(text, mark) {
			continue
		}
		form := make(url.Values)
		for _, m := range inputOf.FindAllStringSubmatch(text, -1) {
			parts := make(map[string]string)
			for _, a := range partOf.FindAllStringSubmatch(m[1], -1) {
				if _, has := parts[a[1]]; !has {
					parts[a[1]] = html.UnescapeString(a[2])
				}
			}
			_, checked := parts["checked"]
			if kind := parts["type"]; (kind != "radio" && kind != "checkbox" || checked) && parts["name"] != "" {
				form.Add(parts["name"], parts["value"])
			}
		}
		for _, m := range selectOf.FindAllStringSubmatch(text, -1) {
			if o := chosenOf.FindStringSubmatch(m[0]); o != nil {
				form.Add(m[1], html.UnescapeString(o[1]))
			}
		}
		return form
	}
	t.Fatalf("no form with %q in: %s", mark, words(p.body))
	return nil
}

// link is where the first link of a page with a text leads.
func (p page) link(t *testing.T, text string) string {
	t.Helper()
	m := regexp.MustCompile(`<a [^>]*href="([^"]*)"[^>]*>` + regexp.QuoteMeta(text)).FindStringSubmatch(p.body)
	if m == nil {
		t.Fatalf("no link %q in: %s", text, words(p.body))
	}
	return strings.SplitN(html.UnescapeString(m[1]), "#", 2)[0]
}

// words are what a page says.
func words(body string) string {
	_, body, _ = strings.Cut(body, "<main")
	body, _, _ = strings.Cut(body, "</main>")
	return html.UnescapeString(blank.ReplaceAllString(tag.ReplaceAllString("<"+body, " "), " "))
}

// says fails unless a page says each of some texts.
func (p page) says(t *testing.T, status int, texts ...string) {
	t.Helper()
	if p.status != status {
		t.Errorf("status %d, want %d", p.status, status)
	}
	said := words(p.body)
	for _, text := range texts {
		if !strings.Contains(said, text) {
			t.Errorf("it does not say %q: %s", text, said)
		}
	}
}

// saysNot fails if a page says a text.
func (p page) saysNot(t *testing.T, texts ...string) {
	t.Helper()
	said := words(p.body)
	for _, text := range texts {
		if strings.Contains(said, text) {
			t.Errorf("it says %q: %s", text, said)
		}
	}
}

func set(form url.Values, pairs ...string) url.Values {
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// field is the name of a field of a metric's row.
func field(t *testing.T, form url.Values, name, metric string) string {
	t.Helper()
	for n := range 1000 {
		if form.Get(fmt.Sprintf("metric.%d", n)) == metric {
			return fmt.Sprintf("%s.%d", name, n)
		}
	}
	t.Fatalf("no row of %q in %v", metric, form)
	return ""
}
