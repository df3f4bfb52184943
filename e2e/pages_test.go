package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/dashboard/historic"
	"github.com/pacer-perf/pacer/internal/dashboard/madeup"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/memory"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/policy"
)

// now is when everything here takes place.
var now = time.Date(2026, 11, 23, 7, 17, 0, 0, time.UTC)

// demo serves the made-up year.
func demo(t testing.TB) http.Handler {
	t.Helper()
	store, err := memory.New(madeup.Runs(now)...)
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Read(strings.NewReader(madeup.Policy), "pacer.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if p.Waivers, err = policy.ReadWaivers(strings.NewReader(madeup.Waivers), policy.WaiversFile); err != nil {
		t.Fatal(err)
	}
	source := historic.New(historic.Config{
		Open:   func(context.Context) (history.Reader, error) { return store, nil },
		Policy: func(string) (judge.Policy, error) { return p, nil },
		Now:    func() time.Time { return now },
	})
	return serve(source)
}

// empty serves a history without runs.
func empty(testing.TB) http.Handler {
	return serve(historic.New(historic.Config{Open: func(context.Context) (history.Reader, error) { return nil, nil }}))
}

// serve serves a source; may is what can be changed, nothing unless it is given.
func serve(source dashboard.Source, may ...dashboard.Editing) http.Handler {
	may = append(may, dashboard.Editing{Hint: "pacer serve --edit"})
	return dashboard.New(dashboard.Config{Source: source, Editing: func(*http.Request) dashboard.Editing { return may[0] }, Version: "0.0.0", Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }})
}

// pages are what every page is held to. A new page is one line.
var pages = []struct {
	name, path string
	of         func(testing.TB) http.Handler
	refused    bool // it answers with an error
}{
	{name: "overview", path: "", of: demo},
	{name: "overview-grouped", path: "?group=prefix&sort=change", of: demo},
	{name: "metric", path: "metric?m=startup", of: demo},
	{name: "metric-many", path: "metric?m=table.filter%7Brows%3D1000%7D&x=date&y=zero&stat=p95", of: demo},
	{name: "compare", path: "compare?a=2.3.20&b=2.4.1", of: demo},
	{name: "compare-unknown", path: "compare?a=2.3.200", of: demo, refused: true},
	{name: "regressions", path: "regressions", of: lookedAt},
	{name: "regressions-form", path: "regressions?act=mute&id=" + muted, of: lookedAt},
	{name: "budgets", path: "budgets?m=startup", of: lookedAt},
	{name: "budgets-suggested", path: "budgets?suggest=1", of: lookedAt},
	{name: "budgets-read", path: "budgets", of: demo},
	{name: "runs", path: "runs", of: demo},
	{name: "settings", path: "settings", of: demo},
	{name: "error", path: "metric?m=startap", of: demo, refused: true},
	{name: "empty", path: "", of: empty},
	{name: "embed", path: "?embed=1", of: demo},
	{name: "apps", path: "apps", of: admins},
	{name: "tokens", path: "tokens", of: admins},
	{name: "server-settings", path: "settings", of: admins},
	{name: "signin", path: "signin", of: strangers},
}

// Every page can be read, by everybody, in any window: contrast, reflow, names,
// words beside colours, targets. It violates nothing.
func TestPages(t *testing.T) {
	t.Parallel()
	for _, p := range pages {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			b := open(t, p.of(t), window{})
			if p.refused {
				b.expected = append(b.expected, "status of 404")
			}
			titles := make(map[string]bool)
			for _, w := range []window{{Width: 1280}, {Width: 860, Scheme: "dark"}, {Width: 390, Scheme: "dark"}, {Width: 320}} {
				b.resize(w)
				b.visit(p.path)
				if list := b.unnamed(); len(list) > 0 {
					t.Errorf("%+v: without a name: %q", w, list)
				}
				s := b.look()
				if s.Scroll > s.Width {
					t.Errorf("%+v: %d pixels wide: %s", w, s.Scroll, s.Widest)
				}
				if len(s.Faint) > 0 || s.Texts < 3 {
					t.Errorf("%+v: of %d texts, too little contrast in %d: %q", w, s.Texts, len(s.Faint), s.Faint[:min(5, len(s.Faint))])
				}
				if len(s.Small) > 0 {
					t.Errorf("%+v: small: %q", w, s.Small)
				}
				if len(s.Broken) > 0 {
					t.Errorf("%+v: too narrow for their words: %q", w, s.Broken[:min(5, len(s.Broken))])
				}
				if len(s.Spilt) > 0 {
					t.Errorf("%+v: words beyond their cell: %q", w, s.Spilt[:min(5, len(s.Spilt))])
				}
				if len(s.Wordless) > 0 {
					t.Errorf("%+v: colour without a word: %q", w, s.Wordless)
				}
				titles[s.Title] = true
				b.violations()
			}
			if len(titles) != 1 || titles[""] {
				t.Errorf("titles %v", titles)
			}
		})
	}
}

// Without script every page says as much, and its links and forms work.
func TestNoScript(t *testing.T) {
	t.Parallel()
	for _, p := range pages {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			b := open(t, p.of(t), window{})
			if p.refused {
				b.expected = append(b.expected, "status of 404")
			}
			words := func(noScript bool) string {
				b.resize(window{NoScript: noScript})
				b.visit(p.path)
				return eval[string](b, `[...document.querySelectorAll("main h1, main h2, main th, main td:not([data-verdict]), main .sentence, main .chip:not([data-verdict] *)")].map(e => e.textContent.trim()).join("\n")`)
			}
			with, without := words(false), words(true)
			// That a token was used is noted a moment later.
			for deadline := time.Now().Add(30 * time.Second); with != without && time.Now().Before(deadline); {
				with, without = words(false), words(true)
			}
			if with != without || without == "" {
				t.Errorf("with script:\n%.500s\nwithout:\n%.500s", with, without)
			}
		})
	}
	b := open(t, demo(t), window{NoScript: true})
	b.visit("")
	b.tabTo("[name=q]")
	b.write("memory")
	b.press("Enter")
	b.until("the filter", `location.search.includes("q=memory") && document.querySelectorAll("#results tbody tr").length === 2`)
	b.tabTo("thead a")
	b.press("Enter")
	b.until("the order", `location.search.includes("sort=")`)
	b.visit("runs")
	b.tabTo("button[data-key-c]")
	b.press("Enter")
	b.until("the comparison", `location.pathname.endsWith("/compare") && document.querySelector(".compare")`)
}

// The colours are not needed.
func TestColorless(t *testing.T) {
	t.Parallel()
	b := open(t, demo(t), window{Colorless: true})
	b.visit("")
	got := eval[string](b, `[...document.querySelectorAll("main .chip, main .budget")].map(e => e.textContent.trim()).join(" ")`)
	for _, word := range []string{"fail", "regressed", "improved", "inconclusive", "missing", "accepted", "over target", "within"} {
		if !strings.Contains(got, word) {
			t.Errorf("no word for %s in: %s", word, got)
		}
	}
	if n := eval[int](b, `[...document.querySelectorAll("main .chip, main .budget")].filter(e => !e.querySelector("svg use")).length`); n > 0 {
		t.Errorf("%d words without a shape", n)
	}
}

// Everything can be done from the keyboard: from the overview to a metric, a
// point, a comparison, and back.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	b := open(t, demo(t), window{})
	b.visit("")
	b.press("Tab")
	if got := b.focused(); !strings.Contains(got, "Skip") {
		t.Errorf("the first thing to reach is %s", got)
	}
	b.press("/")
	b.write("star")
	b.until("the filter", `document.querySelectorAll("#results tbody tr").length === 1 && location.search.includes("q=star")`)
	b.tabTo("tbody a") // out of the field, where letters are keys again
	b.press("k", "j", "Enter")
	b.arrives("the metric", `document.querySelector("h1")?.textContent === "startup"`)
	b.tabTo("svg a")
	usual := eval[string](b, `document.querySelector("[data-caption]").textContent`)
	b.press("ArrowLeft", "ArrowLeft")
	b.until("the line to follow the focus", `document.querySelector("[data-caption]").textContent !== `+quote(usual))
	b.press("Shift+ArrowLeft", " ")
	b.until("the card", `document.querySelector(".card-at.pinned")`)
	b.press("Escape", "Home", "End", "ArrowLeft", "+")
	b.until("the zoom", `location.search.includes("range=") && document.querySelectorAll("svg a[data-i]").length < 80`)
	b.press("0")
	b.until("no zoom", `!location.search.includes("range=") && document.querySelectorAll("svg a[data-i]").length > 100`)
	b.press("ArrowLeft", "Enter")
	b.arrives("the comparison", `location.pathname.endsWith("/compare")`)
	b.tabTo("tbody a")
	b.press("o")
	b.until("the row's details", `document.querySelector("tr.more details[open]")`)
	b.press("g", "u")
	b.arrives("the runs", `location.pathname.endsWith("/runs")`)
	b.until("verdicts of runs", `document.querySelectorAll("[data-verdict] .chip").length > 3`)
	b.tabTo("tbody th a")
	b.press("j", "j", "x", "c")
	b.arrives("another comparison", `location.pathname.endsWith("/compare") && document.querySelectorAll("h1 ~ p strong").length > 1`)
	b.press("?")
	b.until("help", `document.querySelector("dialog[open]")`)
	b.press("Tab", "Tab", "Tab")
	if !eval[bool](b, `document.querySelector("dialog").contains(document.activeElement) || document.activeElement === document.body`) {
		t.Errorf("the focus leaves the dialog for %s", b.focused())
	}
	b.press("Escape")
	b.until("no help", `!document.querySelector("dialog[open]")`)
	b.press("t")
	b.until("the theme", `document.documentElement.dataset.theme === "light"`)
	b.press("g", "s")
	b.arrives("the settings", `location.pathname.endsWith("/settings")`)
	b.tabTo("#keys-on")
	b.press(" ")
	b.tabTo("footer ~ *, body, a")
	b.press("g", "o", "/")
	if got := eval[string](b, "location.pathname"); !strings.HasSuffix(got, "/settings") {
		t.Errorf("keys that were turned off lead to %s", got)
	}
}

// A theme that was chosen holds before anything is seen.
func TestTheme(t *testing.T) {
	t.Parallel()
	b := open(t, demo(t), window{})
	b.visit("settings")
	ground := `getComputedStyle(document.body).backgroundColor`
	light := eval[string](b, ground)
	eval[bool](b, `document.querySelector("input[value=dark]").click() || true`)
	b.until("dark", ground+" !== "+quote(light))
	b.visit("")
	if got := eval[string](b, ground); got == light {
		t.Error("the next page forgot the theme")
	}
	b.resize(window{Media: "print"})
	if got := eval[string](b, ground); got != light {
		t.Errorf("paper is %s", got)
	}
}

// On paper nothing is folded, and what only a screen needs is gone.
func TestPrint(t *testing.T) {
	t.Parallel()
	b := open(t, demo(t), window{Media: "print"})
	b.visit("metric?m=startup")
	hidden := eval[int](b, `[...document.querySelectorAll("main details:not(.menu)")].filter(d => ![...d.children].slice(1).some(c => c.getBoundingClientRect().height > 0)).length`)
	if hidden > 0 {
		t.Errorf("%d folded parts are not printed", hidden)
	}
	if eval[bool](b, `document.querySelector("header").checkVisibility()`) {
		t.Error("the head is printed")
	}
}

// The card fits where it is meant to stand.
func TestCard(t *testing.T) {
	t.Parallel()
	h := demo(t)
	mux := http.NewServeMux()
	mux.Handle("/perf/", http.StripPrefix("/perf", h))
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<!doctype html><title>Settings</title><link rel="icon" href="data:,"><iframe src="perf/?embed=1&amp;card=1" width="320" height="180" title="Performance"></iframe>`)
	})
	b := open(t, mux, window{})
	b.visit("")
	b.until("the card", `document.querySelector("iframe").contentDocument?.querySelector(".worst li")`)
	got := eval[struct{ Width, Height, Items int }](b, `(() => { const d = document.querySelector("iframe").contentDocument, r = d.documentElement;
		return {width: r.scrollWidth, height: Math.max(...[...d.querySelectorAll("main *")].map(e => e.getBoundingClientRect().bottom)), items: d.querySelectorAll(".worst li").length} })()`)
	if got.Width > 320 || got.Height > 180 || got.Items != 3 {
		t.Errorf("the card takes %+v", got)
	}
}

// How long a reader waits for the first thing to see, in the browser.
func BenchmarkFirstPaint(bench *testing.B) {
	for _, p := range pages {
		if p.refused {
			continue
		}
		bench.Run(p.name, func(bench *testing.B) {
			b := open(bench, p.of(bench), window{})
			b.visit(p.path)
			sum, n := 0.0, 0
			for bench.Loop() {
				b.visit(p.path)
				b.until("the first paint", `performance.getEntriesByName("first-contentful-paint").length`)
				sum += eval[float64](b, `performance.getEntriesByName("first-contentful-paint")[0].startTime`)
				n++
			}
			bench.ReportMetric(sum/float64(n), "ms-to-paint")
		})
	}
}
