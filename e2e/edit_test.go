package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/dashboard/historic"
	"github.com/pacer-perf/pacer/internal/dashboard/madeup"
	"github.com/pacer-perf/pacer/internal/dashboard/policyfile"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/memory"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/policy"
)

// editable serves the made-up year, with its policy and whatever else can be
// changed.
func editable(t testing.TB) (http.Handler, *policyfile.Policy) {
	t.Helper()
	store, err := memory.New(madeup.Runs(now)...)
	if err != nil {
		t.Fatal(err)
	}
	rules, waivers := policyfile.InMemory(madeup.Policy, "pacer.yaml"), policyfile.WaiversInMemory(madeup.Waivers, policy.WaiversFile)
	source := historic.New(historic.Config{
		Open:   func(context.Context) (history.Reader, error) { return store, nil },
		Policy: func(string) (judge.Policy, error) { return policyfile.Current(rules, waivers) },
		Now:    func() time.Time { return now },
	})
	// What got worse is worked out before anybody looks.
	if _, err := source.Alerts(context.Background(), dashboard.AlertQuery{App: madeup.App}); err != nil {
		t.Fatal(err)
	}
	may := dashboard.Editing{Author: "the team", Acts: store, Policy: rules, Waivers: waivers}
	return serve(source, may), rules
}

// lookedAt is an editable year that is only looked at.
func lookedAt(t testing.TB) http.Handler {
	sharedYear.Do(func() { sharedYear.handler, _ = editable(t) })
	return sharedYear.handler
}

var sharedYear struct {
	sync.Once
	handler http.Handler
}

// muted is the first alert of the year, as forms name it: nobody acted on it.
const muted = "bcd88a7c12c29936e8af.0"

// text is what the policy says by now.
func text(t testing.TB, p *policyfile.Policy) string {
	t.Helper()
	now, err := p.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return string(now.Text)
}

// replace empties the field that has the focus and writes something else.
func (b *tab) replace(value string) {
	b.t.Helper()
	eval[bool](b, `document.activeElement.select() || true`)
	b.write(value)
}

// From the inbox by keys alone: mute, a reason that is too short, undo; several
// at once.
func TestInboxKeyboard(t *testing.T) {
	t.Parallel()
	h, _ := editable(t)
	b := open(t, h, window{})
	b.expected = append(b.expected, "status of 422")
	b.visit("")
	b.press("g", "r")
	b.arrives("the inbox", `document.querySelector("h1")?.textContent === "Regressions" && document.title.startsWith("4 open")`)
	b.press("j", "m")
	b.arrives("the form", `document.querySelector("#panel-title")?.textContent === "Mute startup"`)
	b.until("the focus in it", `document.activeElement.name === "reason"`)
	b.write("slow")
	b.press("Enter")
	b.arrives("the mistake", `document.querySelector("#error-reason")?.textContent.includes("at least 8 characters") && document.activeElement.name === "reason"`)
	b.replace("waits for the rewrite")
	b.tabTo("[name=worse]")
	b.tabTo("[name=version]")
	b.write("2.5.0")
	b.until("the choice to follow", `document.querySelector("[name=ends][value=version]").checked`)
	b.tabTo(".panel .primary")
	b.press("Enter")
	b.arrives("what was done", `document.querySelector(".done")?.textContent.includes("Muted until version 2.5.0: startup: “waits for the rewrite”") && document.title.startsWith("3 open")`)
	b.tabTo(".done button")
	b.press("Enter")
	b.arrives("it to be undone", `document.title.startsWith("4 open") && document.querySelector(".log")?.textContent.includes("Undone for startup")`)

	b.press("/")
	b.write("search")
	b.until("the filter", `document.querySelectorAll(".alerts tbody tr").length === 2 && location.search.includes("q=search")`)
	b.tabTo(".alerts tbody input")
	b.press(" ")
	b.tabTo(".alerts tbody input")
	b.press("x")
	b.until("two to be chosen", `document.querySelector("[data-chosen]").textContent === "2 chosen:"`)
	b.press("a")
	b.arrives("the form for both", `document.querySelector("#panel-title")?.textContent === "Acknowledge 2 alerts" && document.activeElement.name === "reason"`)
	b.write("search is rewritten next")
	b.press("Enter")
	b.arrives("both to be acknowledged", `[...document.querySelectorAll(".tabs a")].some(a => a.textContent.startsWith("Acknowledged 2"))`)
}

// Without script all of that works as well.
func TestEditNoScript(t *testing.T) {
	t.Parallel()
	h, rules := editable(t)
	b := open(t, h, window{NoScript: true})
	b.expected = append(b.expected, "status of 422")
	b.visit("regressions")
	b.tabTo(".c-acts a")
	b.press("Enter")
	b.until("the form", `document.querySelector("#panel-title")?.textContent === "Acknowledge startup"`)
	b.tabTo("[name=reason]")
	b.write("the new index, issue 398")
	b.press("Enter")
	b.until("what was done", `document.querySelector(".done")?.textContent.includes("Acknowledged startup")`)
	b.tabTo(".done button")
	b.press("Enter")
	b.until("it to be undone", `document.querySelector(".log")?.textContent.includes("Undone for startup")`)

	b.visit("budgets")
	b.tabTo(`[name="target.0"]`)
	b.press("Backspace", "Backspace")
	b.write("soon")
	b.tabTo(".save .primary")
	b.press("Enter")
	b.until("the mistake", `document.querySelector("[name='target.0']").getAttribute("aria-invalid") === "true" && document.body.textContent.includes("is no quantity")`)
	b.until("the focus at it", `document.activeElement.name === "target.0"`)
	b.press("End", "Backspace", "Backspace", "Backspace", "Backspace")
	b.write("2100ms")
	b.press("Enter") // looks, and does not save
	b.until("the difference", `document.querySelector(".diff .added")?.textContent.includes("target: 2100ms")`)
	if text(t, rules) != madeup.Policy {
		t.Error("looking at it saves it")
	}
	b.tabTo(".save .primary")
	b.press("Enter")
	b.until("it to be saved", `document.body.textContent.includes("Saved to pacer.yaml")`)
	if got, want := text(t, rules), strings.Replace(madeup.Policy, "{target: 2s, ", "{target: 2100ms, ", 1); got != want {
		t.Errorf("the file is:\n%s", got)
	}
}

// While one types, the page says what that would have done, and what is wrong
// with it; whoever types keeps the place.
func TestBudgetsKeyboard(t *testing.T) {
	t.Parallel()
	h, rules := editable(t)
	b := open(t, h, window{})
	b.visit("metric?m=startup")
	b.tabTo(`a[href^="budgets"].button`)
	b.press("Enter")
	b.arrives("the budgets", `document.querySelector("h1")?.textContent === "Budgets" && document.querySelector(".here [name='statistic.0']") === document.activeElement`)
	b.tabTo(`[name="target.0"]`)
	b.replace("never")
	b.until("the mistake", `document.activeElement.getAttribute("aria-invalid") === "true" && document.getElementById(document.activeElement.getAttribute("aria-describedby"))?.textContent.includes("no quantity")`)
	b.replace("1800ms")
	b.until("what would have been", `document.querySelector("[data-part='past.0']").textContent.includes("last 30: 28 within, 2 over target")`)
	b.until("the difference", `document.querySelector(".diff .added")?.textContent.includes("target: 1800ms")`)
	if got := b.focused(); !strings.Contains(got, "startup target") {
		t.Errorf("the focus moved to %s", got)
	}
	b.tabTo(".budgets [list]") // the row for another one
	b.write("search.query")
	b.tabTo("[name='target.6']")
	b.write("20ms")
	b.until("a row more", `document.querySelector("[name='metric.7']") && document.querySelector("[data-part='past.6']").textContent.includes("last 30")`)
	b.tabTo(".save .primary")
	b.press("Enter")
	b.arrives("it to be saved", `document.body.textContent.includes("Saved to pacer.yaml") && !document.querySelector("[data-changes]")`)
	if got := text(t, rules); !strings.Contains(got, "  search.query:            {target: 20ms}\n") || !strings.HasPrefix(got, "# What CuePoint holds itself to.") {
		t.Errorf("the file is:\n%s", got)
	}
}

// Two pages edit the same budget: the second is told, and nothing is lost.
func TestTwoPages(t *testing.T) {
	t.Parallel()
	h, rules := editable(t)
	first, second := open(t, h, window{}), open(t, h, window{})
	second.expected = append(second.expected, "status of 409")
	for i, b := range []*tab{first, second} {
		b.visit("budgets")
		b.tabTo(`[name="target.0"]`)
		b.replace(fmt.Sprintf("%ds", i+7))
		b.until("the mistake that this is", `document.body.textContent.includes("the strictest")`)
		b.replace(fmt.Sprintf("%d00ms", 18+i))
		b.until("the difference", `document.querySelector("[data-changes]")`)
	}
	for _, b := range []*tab{first, second} {
		b.tabTo(".save .primary")
		b.press("Enter")
		if b == first {
			b.arrives("it to be saved", `document.body.textContent.includes("Saved to pacer.yaml")`)
		}
	}
	second.arrives("the second to be told", `document.querySelector("#conflict-title")?.textContent.includes("changed the file meanwhile") && document.querySelector("[name='target.0']").value === "1900ms"`)
	if list := second.unnamed(); len(list) > 0 {
		t.Errorf("without a name: %q", list)
	}
	if s := second.look(); len(s.Faint) > 0 || s.Scroll > s.Width || len(s.Small) > 0 {
		t.Errorf("the conflict: %+v", s)
	}
	if got := text(t, rules); !strings.Contains(got, "{target: 1800ms,") {
		t.Errorf("the file is:\n%s", got)
	}
	second.tabTo(".conflict .primary")
	second.press("Enter")
	second.arrives("the second to be saved", `document.body.textContent.includes("Saved to pacer.yaml")`)
	if got := text(t, rules); !strings.Contains(got, "{target: 1900ms,") {
		t.Errorf("the file is:\n%s", got)
	}
}
