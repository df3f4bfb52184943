package dashboard

import (
	"bytes"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/dashboard/pagetest"
	"github.com/pacer-perf/pacer/internal/golden"
	"github.com/pacer-perf/pacer/internal/history"
)

// handler serves a source at the time of the tests.
func handler(src Source) *Handler {
	return New(Config{Source: src, Version: "0.0.0", Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return clock }})
}

// get asks for an address and returns the answer.
func get(t testing.TB, h http.Handler, target string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	return w
}

// pageOf asks for a page that must be there, and well formed.
func pageOf(t testing.TB, h http.Handler, target string) string {
	t.Helper()
	w := get(t, h, target)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: status %d: %s", target, w.Code, words(w.Body.String()))
	}
	text := w.Body.String()
	if err := sound(text); err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	return text
}

var sound = pagetest.Sound

var (
	element = regexp.MustCompile(`<[^>]*>`)
	block   = regexp.MustCompile(`</(p|tr|li|h[1-6]|summary|caption|option|div|label|dd|button)>`)
	cell    = regexp.MustCompile(`</(td|th|dt)>`)
	small   = regexp.MustCompile(`<(small|option)\b`)
	blank   = regexp.MustCompile(`[ \t\n]+`)
	newline = regexp.MustCompile(` ?\n[ \n]*`)
)

// words are what a page says, without its charts: a line for a row.
func words(page string) string {
	_, page, _ = strings.Cut(page, "<main id=")
	page, _, _ = strings.Cut("<main id="+page, "<dialog")
	page = withoutCharts(page)
	page = small.ReplaceAllString(blank.ReplaceAllString(page, " "), " $0")
	page = cell.ReplaceAllString(block.ReplaceAllString(page, "\n"), " | ")
	page = html.UnescapeString(element.ReplaceAllString(page, ""))
	page = strings.ReplaceAll(strings.ReplaceAll(page, "  ", " "), "  ", " ")
	return strings.TrimSpace(newline.ReplaceAllString(page, "\n")) + "\n"
}

// withoutCharts drops drawings, which nest.
func withoutCharts(page string) string {
	var b strings.Builder
	depth := 0
	for page != "" {
		i := strings.Index(page, "svg")
		if i < 1 || depth == 0 && !strings.Contains(page, "<svg") {
			break
		}
		opens, closes := page[i-1] == '<', page[i-1] == '/'
		if depth == 0 && opens {
			b.WriteString(page[:i-1])
		} else if depth == 0 {
			b.WriteString(page[:i+3])
		}
		page = page[i+3:]
		switch {
		case opens:
			depth++
		case closes && depth > 0:
			if depth--; depth == 0 {
				page = strings.TrimPrefix(page, ">")
			}
		}
	}
	return b.String() + page
}

// check compares what a page says with a golden file.
func check(t *testing.T, name string, h http.Handler, target string) string {
	t.Helper()
	page := pageOf(t, h, target)
	golden.Check(t, name+".txt", []byte(words(page)))
	return page
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	h := handler(example())
	for _, target := range []string{"/", "/nothing", "/static/app.css"} {
		header := get(t, h, target).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'; require-trusted-types-for 'script'",
			"X-Content-Type-Options":  "nosniff",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %s is %q", target, name, got)
			}
		}
		if header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s can be read from other origins", target)
		}
	}
	if got := get(t, h, "/").Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("pages are kept: %s", got)
	}
	framed := New(Config{Source: example(), FrameAncestors: []string{"'self'", "wails://wails"}})
	if got := get(t, framed, "/").Header().Get("Content-Security-Policy"); !strings.Contains(got, "frame-ancestors 'self' wails://wails;") {
		t.Errorf("policy %s", got)
	}
}

func TestAssets(t *testing.T) {
	t.Parallel()
	h := handler(example())
	page := pageOf(t, h, "/")
	for _, m := range regexp.MustCompile(`(?:src|href)="(static/[^"]+)"`).FindAllStringSubmatch(page, -1) {
		w := get(t, h, "/"+m[1])
		if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Body.Len() == 0 {
			t.Errorf("%s: status %d, %s", m[1], w.Code, w.Header().Get("Cache-Control"))
		}
	}
	if w := get(t, h, "/static/app.css?v=old"); w.Header().Get("Cache-Control") != "no-store" {
		t.Error("an old address is kept for ever")
	}
	if w := get(t, h, "/static/nothing.js"); w.Code != http.StatusNotFound {
		t.Errorf("a file that is not there: %d", w.Code)
	}
	assets, _ := assets()
	script, style := len(assets["app.js"]), len(assets["app.css"])
	if script > 16<<10 || style > 24<<10 || len(assets["theme.js"]) > 250 {
		t.Errorf("%d bytes of script, %d of style", script, style)
	}
}

// The handler stands under any path.
func TestMounted(t *testing.T) {
	t.Parallel()
	h := handler(example())
	mux := http.NewServeMux()
	mux.Handle("/settings/performance/", http.StripPrefix("/settings/performance", h))
	mux.Handle("/settings/performance", http.StripPrefix("/settings/performance", h))
	mux.Handle("/plain/", h) // no prefix taken away
	for _, target := range []string{"/settings/performance/", "/plain/", "/settings/performance/static/app.js", "/plain/static/app.js"} {
		if w := get(t, mux, target); w.Code != http.StatusOK {
			t.Errorf("%s: status %d", target, w.Code)
		}
	}
	w := get(t, mux, "/settings/performance?embed=1")
	if w.Code != http.StatusTemporaryRedirect || w.Header().Get("Location") != "performance/?embed=1" {
		t.Errorf("without the slash: status %d to %q", w.Code, w.Header().Get("Location"))
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	h := handler(example())
	for method, want := range map[string]int{http.MethodHead: http.StatusOK, http.MethodPost: http.StatusMethodNotAllowed, http.MethodDelete: http.StatusMethodNotAllowed} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/", nil))
		if w.Code != want {
			t.Errorf("%s: status %d, want %d", method, w.Code, want)
		}
		if method == http.MethodHead && w.Body.Len() > 0 {
			t.Error("HEAD has a body")
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	broken := example()
	broken.err = &history.NewerError{Store: "history.db", Has: 9, Newest: 4}
	down := example()
	down.err = fmt.Errorf("postgres: %w", history.ErrUnavailable)
	for _, tt := range []struct {
		name, target string
		src          *fake
		status       int
		says         string
	}{
		{"page", "/nothing", example(), 404, "There is no such page"},
		{"app", "/?app=cuepiont", example(), 404, "cuepoint"},
		{"run", "/?run=9.9.9", example(), 404, "not found in the history"},
		{"newer", "/", broken, 500, "written by a newer pacer"},
		{"unavailable", "/", down, 503, "Try again in a moment"},
	} {
		h := New(Config{Source: tt.src, Log: slog.New(slog.NewTextHandler(&log, nil))})
		w := get(t, h, tt.target)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%s: status %d: %s", tt.name, w.Code, words(w.Body.String()))
		}
		if err := sound(w.Body.String()); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		id := w.Header().Get("X-Request-Id")
		if id == "" || !strings.Contains(w.Body.String(), id) || !strings.Contains(log.String(), id) {
			t.Errorf("%s: the request's id %q is not on the page and in the log", tt.name, id)
		}
	}
}
