package pacerhttp_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/internal/dashboard/pagetest"
	"github.com/pacer-perf/pacer/pacerhttp"
	"github.com/pacer-perf/pacer/pacertest"
	"github.com/pacer-perf/pacer/run"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

func quiet() pacerhttp.DashboardOption {
	return pacerhttp.WithLogger(slog.New(slog.DiscardHandler))
}

// measured is a recorder that has a bit of everything.
func measured(t *testing.T) *pacer.Recorder {
	t.Helper()
	rec, clock := pacertest.New(t, pacer.Config{App: "cuepoint", Version: "1.4.0", Main: "track.process", Logger: slog.New(slog.DiscardHandler)})
	rec.Phase("open library")
	clock.Advance(2500 * time.Millisecond)
	rec.Ready()
	ctx := pacer.NewContext(t.Context(), rec)
	for range 20 {
		ctx, span := pacer.Start(ctx, "track.process")
		_, child := pacer.Start(ctx, "search")
		clock.Advance(100 * time.Millisecond)
		child.End()
		span.End()
	}
	rec.Timer("table.filter", pacer.Budget{Target: 200 * time.Millisecond, Critical: time.Second}).Record(1200 * time.Millisecond)
	rec.Counter("cache.misses").Add(7)
	return rec
}

func fetch(t *testing.T, h http.Handler, target string, edit ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	return do(t, h, http.MethodGet, target, "", edit...)
}

func do(t *testing.T, h http.Handler, method, target, form string, edit ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(form))
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, e := range edit {
		e(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var tag = regexp.MustCompile(`(?s)<svg.*?</svg>|<[^>]*>`)

// text is what a reader sees of a page.
func text(page string) string {
	page = page[strings.Index(page, "<main"):]
	return strings.Join(strings.Fields(strings.NewReplacer("\u202f", " ", "&lt;", "<", "&gt;", ">", "&#43;", "+").Replace(tag.ReplaceAllString(page, " "))), " ")
}

// The first section is the specification's, then operations, budgets, stages.
func TestDashboard(t *testing.T) {
	t.Parallel()
	h := pacerhttp.Dashboard(measured(t), quiet(), pacerhttp.WithBudgets(map[string]pacer.Limit{
		"startup": {Target: 2, Warning: 3}, "memory.peak": {Target: 1 << 40},
	}))
	w := fetch(t, h, "/")
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, text(w.Body.String()))
	}
	page := w.Body.String()
	first := page[strings.Index(page, "<section"):]
	if h := first[strings.Index(first, "<h"):]; !strings.HasPrefix(h, `<h2 id="metrics-title">Performance Metrics</h2>`) {
		t.Errorf("the first section begins %.100s", h)
	}
	if table := text("<main" + first); !strings.HasPrefix(table[strings.Index(table, "Metric Value"):], "Metric Value Startup Time from the start of the process to its first piece of work 2.50s Memory Usage") ||
		!regexp.MustCompile(`Memory Usage the most it was at any time \d+\.\d\dMB`).MatchString(table) {
		t.Errorf("the specification's table: %.300s", table)
	}
	seen := text(page)
	for _, want := range []string{
		"2 metrics over budget: table.filter, p95 1.20 s of 1 s (critical).",
		"table.filter p95 critical 120 % 1.20 s 200 ms – 1 s",
		"startup median over target 125 % 2.50 s 2 s 3 s –",
		"track.process 20 100 ms 100 ms 100 ms 100 ms –",
		"search 20 2 s 2 s", "open library 1 2.50 s 2.50 s", "cache.misses counter 7",
		"pacerhttp.WithHistory", "Measuring: 41 observations at about",
	} {
		if !strings.Contains(seen, want) {
			t.Errorf("no %q in\n%s", want, seen)
		}
	}
	if got := w.Header().Get("Content-Security-Policy"); !strings.Contains(got, "frame-ancestors 'self';") || !strings.Contains(got, "default-src 'none'") {
		t.Errorf("the policy is %s", got)
	}
	live := text(fetch(t, h, "/live").Body.String())
	for _, want := range []string{"Without script", "track.process/search – 100 ms", "Startup of this process: 2.50 s over target 125 %", "Save this window as a run"} {
		if !strings.Contains(live, want) {
			t.Errorf("no %q on Live:\n%s", want, live)
		}
	}
}

// Every page and file works under any prefix, since their addresses are
// relative.
func TestDashboardPrefix(t *testing.T) {
	t.Parallel()
	h := pacerhttp.Dashboard(measured(t), quiet())
	stripped := http.NewServeMux()
	stripped.Handle("/settings/performance/", http.StripPrefix("/settings/performance", h))
	stripped.Handle("/bare", http.StripPrefix("/bare", h))
	plain := http.NewServeMux()
	plain.Handle("/any/where/", h)
	for _, tt := range []struct {
		name   string
		h      http.Handler
		prefix string
	}{{"alone", h, "/"}, {"under a prefix", plain, "/any/where/"}, {"behind StripPrefix", stripped, "/settings/performance/"}} {
		for _, path := range []string{"", "live", "?embed=1", "?embed=1&card=1", "live?embed=1"} {
			w := fetch(t, tt.h, tt.prefix+path)
			if w.Code != http.StatusOK {
				t.Fatalf("%s, %q: status %d", tt.name, path, w.Code)
			}
			base, _ := url.Parse("http://example.org" + tt.prefix + path)
			for _, m := range regexp.MustCompile(`(?:src|href)="([^"#]+)`).FindAllStringSubmatch(w.Body.String(), -1) {
				to, err := base.Parse(strings.ReplaceAll(m[1], "&amp;", "&"))
				if err != nil || !strings.HasPrefix(to.Path, tt.prefix) {
					t.Errorf("%s, %q: %s leads to %v", tt.name, path, m[1], to)
					continue
				}
				if w := fetch(t, tt.h, to.RequestURI()); w.Code != http.StatusOK && !strings.Contains(to.Path, "settings") && !strings.Contains(to.Path, "window.json") {
					t.Errorf("%s, %q: %s has status %d", tt.name, path, m[1], w.Code)
				}
			}
		}
	}
	if w := fetch(t, stripped, "/bare?embed=1"); w.Code != http.StatusTemporaryRedirect || w.Header().Get("Location") != "bare/?embed=1" {
		t.Errorf("without the slash: %d to %q", w.Code, w.Header().Get("Location"))
	}
}

// Whatever an app measures, under whatever names, every page is sound and every
// link leads somewhere.
func TestDashboardSound(t *testing.T) {
	t.Parallel()
	rec := measured(t)
	for _, label := range []string{"<b>&\"'", "%41?a=b#c", "ü 夜 \u202e", strings.Repeat("x", 200)} {
		for range 3 {
			rec.Timer("odd", pacer.L("with", strings.ReplaceAll(label, "=", "-"))).Record(0)
		}
	}
	rec.Timer("never.used")
	rec.Timer("hours").Record(1 << 50)
	rec.Value("rows", pacer.Limit{Target: 1, Critical: 1e300}).Record(1 << 62)
	rec.Gauge("free", pacer.Bytes, pacer.Higher, pacer.Limit{Target: 100}).Set(-5)
	rec.Gauge("tiny", pacer.Unit("furlongs")).Set(1e-300)
	rec.Rate("speed").Record(5, time.Second)
	rec.Counter("none")
	deep := pacer.NewContext(t.Context(), rec)
	for range 12 {
		var span *pacer.Span
		deep, span = pacer.Start(deep, "level")
		defer span.End()
		span.End()
	}
	dir := t.TempDir()
	r := rec.Snapshot()
	if err := pacerhttp.Folder(dir).Keep(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	for name, h := range map[string]http.Handler{
		"alone":        pacerhttp.Dashboard(rec, quiet()),
		"with history": pacerhttp.Dashboard(rec, quiet(), pacerhttp.WithEditing(), pacerhttp.WithHistory(pacerhttp.Folder(dir))),
		"off":          pacerhttp.Dashboard(nil, quiet()),
	} {
		for _, start := range []string{"/", "/live", "/?embed=1&card=1", "/live?embed=1&win=600&m=nothing"} {
			n, problems := pagetest.Crawl(h, start, 300)
			for _, p := range problems {
				// A window is there only once somebody looked; a page in a frame has no first heading.
				if !strings.Contains(p.Error(), "window.json") && !strings.HasSuffix(p.Error(), "h2 follows h0") {
					t.Errorf("%s, from %s: %v", name, start, p)
				}
			}
			if n < 3 {
				t.Errorf("%s, from %s: %d pages", name, start, n)
			}
		}
	}
}

// serve serves a handler on a loopback port until the test ends.
func serve(t *testing.T, h http.Handler, edit ...func(*http.Server)) (string, *http.Server) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	for _, e := range edit {
		e(s)
	}
	done := make(chan struct{})
	go func() { defer close(done); s.Serve(l) }()
	t.Cleanup(func() { s.Close(); <-done })
	return "http://" + l.Addr().String(), s
}

// stream is an event stream that is read line by line.
type stream struct {
	*http.Response
	lines *bufio.Scanner
	id    string
}

func open(t *testing.T, url, lastID string) *stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	return &stream{Response: answer, lines: lines}
}

// event returns the next event's name; "" when the stream has ended.
func (s *stream) event() (name string, data []byte) {
	for s.lines.Scan() {
		line := s.lines.Text()
		switch {
		case strings.HasPrefix(line, "id: "):
			s.id = line[4:]
		case strings.HasPrefix(line, "event: "):
			name = line[7:]
		case strings.HasPrefix(line, "data: "):
			data = []byte(line[6:])
		case line == "" && name != "":
			return name, data
		}
	}
	return "", nil
}

// Streams outlive the server's deadlines for requests, and go on after a
// reconnect where they broke.
func TestEvents(t *testing.T) {
	t.Parallel()
	rec := measured(t)
	url, _ := serve(t, pacerhttp.Middleware(rec)(pacerhttp.Dashboard(rec, quiet())), func(s *http.Server) {
		s.WriteTimeout, s.ReadTimeout = time.Second, time.Second
	})
	if answer, err := http.Head(url + "/events"); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("HEAD: %v, %v", answer, err)
	}
	s := open(t, url, "")
	if s.StatusCode != http.StatusOK || s.Header.Get("Content-Type") != "text/event-stream" || s.Header.Get("Cache-Control") != "no-store, no-transform" {
		t.Fatalf("%s %v", s.Status, s.Header)
	}
	if name, data := s.event(); name != "full" || !bytes.Contains(data, []byte(`"key":"track.process"`)) {
		t.Fatalf("the first event is %s: %s", name, data)
	}
	for range 3 { // three seconds
		if name, _ := s.event(); name != "step" {
			t.Fatalf("the stream broke: %q, %v", name, s.lines.Err())
		}
	}
	id := s.id
	s.Body.Close()
	rec.Timer("in.the.gap").Record(time.Millisecond)
	s = open(t, url, id)
	name, data := s.event()
	if name != "step" || !bytes.Contains(data, []byte(`in.the.gap`)) {
		t.Errorf("after the reconnect: %s %s", name, data)
	}
}

// hiding hides everything that a ResponseWriter can do beyond the least.
type hiding struct{ w http.ResponseWriter }

func (b hiding) Header() http.Header         { return b.w.Header() }
func (b hiding) Write(p []byte) (int, error) { return b.w.Write(p) }
func (b hiding) WriteHeader(status int)      { b.w.WriteHeader(status) }

// unwrapping hides the same, and tells what it hides.
type unwrapping struct{ hiding }

func (u unwrapping) Unwrap() http.ResponseWriter { return u.w }

func TestEventsWithoutFlush(t *testing.T) {
	t.Parallel()
	h := pacerhttp.Dashboard(measured(t), quiet())
	url, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(hiding{w}, r) }))
	s := open(t, url, "")
	if s.StatusCode != http.StatusNotImplemented || s.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%s %v", s.Status, s.Header)
	}
	answer, err := http.Get(url + "/snapshot.json")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var document struct{ Events []struct{ Name string } }
	if err := json.NewDecoder(answer.Body).Decode(&document); err != nil || len(document.Events) != 1 || document.Events[0].Name != "full" {
		t.Errorf("%+v, %v", document, err)
	}
	url, _ = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(unwrapping{hiding{w}}, r) }))
	if name, _ := open(t, url, "").event(); name != "full" {
		t.Errorf("with Unwrap: %q", name)
	}
}

// Eight may look at a time. When they are gone nothing runs.
func TestEventsBounded(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, pacerhttp.Dashboard(measured(t), quiet()))
	var streams []*stream
	for range 8 {
		s := open(t, url, "")
		if name, _ := s.event(); name != "full" {
			t.Fatal(s.Status)
		}
		streams = append(streams, s)
	}
	if s := open(t, url, ""); s.StatusCode != http.StatusServiceUnavailable || s.Header.Get("Retry-After") == "" {
		t.Errorf("the ninth: %s %v", s.Status, s.Header)
	}
	for _, s := range streams {
		s.Body.Close()
	}
	until(t, "the feed's goroutine ends", func() bool { return !running("feed.(*Feed).collect") })
	if name, _ := open(t, url, "").event(); name != "full" {
		t.Error("nobody may look any more")
	}
}

// running tells whether a function is on any goroutine's stack.
func running(function string) bool {
	b := make([]byte, 4<<20)
	return bytes.Contains(b[:runtime.Stack(b, true)], []byte(function))
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %v until %s", patience, what)
		}
	}
}

// A server that is shut down is not held up by who looks, and says so.
func TestEventsEnd(t *testing.T) {
	t.Parallel()
	url, server := serve(t, pacerhttp.Dashboard(measured(t), quiet()))
	s := open(t, url, "")
	s.event()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	last := ""
	for name, _ := s.event(); name != ""; name, _ = s.event() {
		last = name
	}
	if last != "ended" {
		t.Errorf("the last event is %q", last)
	}
}

// Without WithEditing nothing can be changed; with it, not from elsewhere.
func TestDashboardEditing(t *testing.T) {
	t.Parallel()
	rec := measured(t)
	reading := pacerhttp.Dashboard(rec, quiet())
	editing := pacerhttp.Dashboard(rec, quiet(), pacerhttp.WithEditing())
	for _, form := range []string{"recording?on=0", "window?seconds=60"} {
		path, body, _ := strings.Cut(form, "?")
		if w := do(t, reading, http.MethodPost, "/"+path, body); w.Code != http.StatusForbidden {
			t.Errorf("%s without editing: %d", form, w.Code)
		}
		if w := do(t, editing, http.MethodPost, "/"+path, body, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }); w.Code != http.StatusForbidden {
			t.Errorf("%s from elsewhere: %d", form, w.Code)
		}
	}
	if !rec.Recording() {
		t.Fatal("recording was turned off")
	}
	if strings.Contains(fetch(t, reading, "/").Body.String(), `role="switch"`) {
		t.Error("there is a switch on a page that only reads")
	}
	if w := do(t, editing, http.MethodPost, "/recording", "on=0"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "./" || rec.Recording() {
		t.Errorf("turning recording off: %d to %q", w.Code, w.Header().Get("Location"))
	}
	if page := fetch(t, editing, "/").Body.String(); !strings.Contains(page, `aria-checked="false"`) || !strings.Contains(text(page), "Recording is turned off") {
		t.Error("the page does not say that recording is off")
	}
	if w := do(t, editing, http.MethodPost, "/recording", "on=1&card=1"); w.Header().Get("Location") != "./?embed=1&card=1" || !rec.Recording() {
		t.Errorf("turning it on in the card: %d to %q", w.Code, w.Header().Get("Location"))
	}
	if w := do(t, editing, http.MethodPost, "/recording", "on=maybe"); w.Code != http.StatusBadRequest {
		t.Errorf("on=maybe: %d", w.Code)
	}
	if w := do(t, editing, http.MethodPost, "/live", ""); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST to Live: %d", w.Code)
	}
}

// With a history, its pages are there too, and a window becomes a run in it.
func TestDashboardHistory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "runs")
	rec := measured(t)
	h := pacerhttp.Dashboard(rec, quiet(), pacerhttp.WithEditing(), pacerhttp.WithHistory(pacerhttp.Folder(dir)))
	if page := text(fetch(t, h, "/history").Body.String()); !strings.Contains(page, "No samples yet") {
		t.Errorf("an empty history: %s", page)
	}
	for i, version := range []string{"1.2.0", "1.3.0"} {
		r := rec.Snapshot()
		r.Version, r.Timestamp = version, time.Date(2026, 11, 20+i, 7, 0, 0, 0, time.UTC)
		r.ID = run.NewID(r.Timestamp, [10]byte{})
		if err := pacerhttp.Folder(dir).Keep(t.Context(), &r); err != nil {
			t.Fatal(err)
		}
	}
	for _, junk := range []string{"broken.json", "other.txt"} {
		if err := os.WriteFile(filepath.Join(dir, junk), []byte("{"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	page := text(fetch(t, h, "/history").Body.String())
	if !strings.Contains(page, "1.3.0") || !strings.Contains(page, "table.filter") {
		t.Errorf("the history: %s", page)
	}
	if page := text(fetch(t, h, "/").Body.String()); strings.Contains(page, "WithHistory") {
		t.Errorf("the first page asks for a history that it has: %s", page)
	}
	// Two seconds, then the window.
	next := func(after string) string {
		var document struct {
			Events []struct{ Data struct{ ID string } }
		}
		until(t, "a step is read", func() bool {
			w := fetch(t, h, "/snapshot.json?after="+url.QueryEscape(after))
			return json.Unmarshal(w.Body.Bytes(), &document) == nil && len(document.Events) > 0
		})
		return document.Events[len(document.Events)-1].Data.ID
	}
	id := next("")
	rec.Timer("table.filter").Record(3 * time.Millisecond)
	id = next(id)
	w := do(t, h, http.MethodPost, "/window", url.Values{"name": {"after the cache"}, "seconds": {"60"}, "until": {id}}.Encode())
	to := w.Header().Get("Location")
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(to, "compare?b=") {
		t.Fatalf("keeping a window: %d %s", w.Code, text(w.Body.String()))
	}
	file, err := os.Open(filepath.Join(dir, strings.TrimPrefix(to, "compare?b=")+".json"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	kept, err := run.Read(file, "window")
	if err != nil {
		t.Fatal(err)
	}
	if m := kept.Find("table.filter", nil); kept.Version != "1.4.0+after-the-cache" || m == nil || m.Count() != 1 {
		t.Errorf("kept: %+v", kept)
	}
	w = fetch(t, h, "/window.json?seconds=60&name=x&until="+url.QueryEscape(id))
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment; filename=cuepoint-1.4.0+x-2") {
		t.Errorf("the window as a file: %d %v", w.Code, w.Header())
	}
	if _, err := run.Read(w.Body, "window.json"); err != nil {
		t.Error(err)
	}
	for query, want := range map[string]int{"seconds=0": 400, "seconds=x": 400, "": 400, "seconds=60&until=nonsense": 404} {
		if w := fetch(t, h, "/window.json?"+query); w.Code != want {
			t.Errorf("window.json?%s: %d, want %d", query, w.Code, want)
		}
	}
	if _, err := run.Read(fetch(t, h, "/run.json").Body, "run.json"); err != nil {
		t.Error(err)
	}
}

// Evidence of a breach is a link away, and nothing else is.
func TestDashboardEvidence(t *testing.T) {
	dir := t.TempDir()
	reported := make(chan pacer.Breach, 1)
	rec := pacer.New(pacer.Config{App: "a", Logger: slog.New(slog.DiscardHandler), Evidence: pacer.Evidence{Dir: dir, Trace: true}, OnBreach: func(b pacer.Breach) { reported <- b }})
	if rec == nil || rec.Err() != nil {
		t.Fatal(rec.Err())
	}
	defer rec.Close()
	rec.Timer("op", pacer.Budget{Warning: 1}).Record(time.Second)
	b := <-reported
	h := pacerhttp.Dashboard(rec, quiet())
	page := fetch(t, h, "/").Body.String()
	link := regexp.MustCompile(`evidence\?file=[^"]+`).FindString(page)
	if link == "" {
		t.Fatalf("no link to evidence: %s", text(page))
	}
	w := fetch(t, h, "/"+link)
	want, err := os.ReadFile(b.Evidence[0])
	if err != nil {
		t.Fatal(err)
	}
	if w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), want) || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("the trace: %d, %d bytes of %d, %v", w.Code, w.Body.Len(), len(want), w.Header())
	}
	if err := os.WriteFile(filepath.Join(dir, "secret.trace"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "secret.trace", "../secret.trace", "/etc/passwd", "..%2f" + filepath.Base(b.Evidence[0])} {
		if w := fetch(t, h, "/evidence?file="+name); w.Code != http.StatusNotFound {
			t.Errorf("%q: %d", name, w.Code)
		}
	}
}

// On a loopback address only names of this machine are answered, and those that
// the app allows.
func TestDashboardHost(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, pacerhttp.Dashboard(measured(t), quiet(), pacerhttp.WithHosts("Proxy.example.org")))
	for host, want := range map[string]int{"": 200, "localhost": 200, "evil.example.org": 421, "proxy.example.org": 200} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			r.Host = host
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("Host %q: %d, want %d", host, answer.StatusCode, want)
		}
	}
}

// Without a recorder the page says why, and stays a page.
func TestDashboardOff(t *testing.T) {
	t.Parallel()
	h := pacerhttp.Dashboard(nil, quiet(), pacerhttp.WithEditing())
	for path, want := range map[string]string{"/": "PACER_DISABLED=1", "/live": "PACER_DISABLED=1", "/?embed=1&card=1": "Nothing is recorded"} {
		if w := fetch(t, h, path); w.Code != http.StatusOK || !strings.Contains(text(w.Body.String()), want) {
			t.Errorf("%s: %d %s", path, w.Code, text(w.Body.String()))
		}
	}
	empty, _ := pacertest.New(t, pacer.Config{})
	h = pacerhttp.Dashboard(empty, quiet())
	for _, path := range []string{"/", "/live"} {
		if page := text(fetch(t, h, path).Body.String()); !strings.Contains(page, "No operations recorded yet") {
			t.Errorf("%s: %s", path, page)
		}
	}
}

func TestDashboardFrames(t *testing.T) {
	t.Parallel()
	rec := measured(t)
	for want, option := range map[string]pacerhttp.DashboardOption{
		"frame-ancestors 'self' wails:;": pacerhttp.WithFrameAncestors("wails:"),
		"frame-ancestors 'none';":        pacerhttp.WithFrameAncestors(),
	} {
		if got := fetch(t, pacerhttp.Dashboard(rec, quiet(), option), "/").Header().Get("Content-Security-Policy"); !strings.Contains(got, want) {
			t.Errorf("want %s in %s", want, got)
		}
	}
	if page := fetch(t, pacerhttp.Dashboard(rec, quiet(), pacerhttp.WithTitle("The <app>")), "/").Body.String(); !strings.Contains(page, "<h1>The &lt;app&gt;</h1>") {
		t.Error("the title is not that of the option")
	}
}

// What is vendored is what was released: VERSIONS has the hashes.
func TestVendored(t *testing.T) {
	t.Parallel()
	h := pacerhttp.Dashboard(nil, quiet())
	versions, err := os.ReadFile(filepath.Join("..", "internal", "dashboard", "static", "uplot", "VERSIONS"))
	if err != nil {
		t.Fatal(err)
	}
	files := regexp.MustCompile(`(?m)^([0-9a-f]{64})  (\S+)$`).FindAllStringSubmatch(string(versions), -1)
	if len(files) != 3 {
		t.Fatalf("VERSIONS has %d files", len(files))
	}
	for _, f := range files {
		body := fetch(t, h, "/static/"+f[2]).Body.Bytes()
		if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != f[1] {
			t.Errorf("%s has the hash %x, not that of its release", f[2], sum)
		}
	}
}

func ExampleDashboard() {
	rec := pacer.New(pacer.Config{App: "cuepoint"})
	defer rec.Close()

	mux := http.NewServeMux()
	mux.Handle("/settings/performance/", http.StripPrefix("/settings/performance", pacerhttp.Dashboard(rec,
		pacerhttp.WithBudgets(map[string]pacer.Limit{"startup": {Target: 2}, "memory.peak": {Target: 500 << 20}}),
		pacerhttp.WithEditing(), // whoever reaches it may turn recording off
	)))
	server := httptest.NewServer(mux)
	defer server.Close()

	answer, err := http.Get(server.URL + "/settings/performance/")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	fmt.Println(answer.StatusCode, strings.Contains(string(page), "Performance Metrics"), errors.Is(err, io.EOF))
	// Output: 200 true false
}
