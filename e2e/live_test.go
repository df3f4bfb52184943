package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/pacerhttp"
	"github.com/pacer-perf/pacer/run"
)

var silent = slog.New(slog.DiscardHandler)

// process is a recorder that measured a bit of everything.
func process(t testing.TB) *pacer.Recorder {
	t.Helper()
	var clock atomic.Int64
	rec := pacer.New(pacer.Config{App: "cuepoint", Version: "1.4.0", Main: "track.process", Logger: silent, Clock: func() time.Duration { return time.Duration(clock.Load()) }})
	if rec == nil {
		t.Fatal("PACER_DISABLED is set: nothing would be recorded")
	}
	t.Cleanup(func() { rec.Close() })
	for _, phase := range []string{"config", "open library", "first paint"} {
		rec.Phase(phase)
		clock.Add(int64(700 * time.Millisecond))
	}
	rec.Ready()
	ctx := pacer.NewContext(t.Context(), rec)
	for range 30 {
		ctx, span := pacer.Start(ctx, "track.process")
		_, child := pacer.Start(ctx, "search")
		clock.Add(int64(80 * time.Millisecond))
		child.End()
		span.End()
	}
	rec.Timer("table.filter", pacer.L("rows", "1000"), pacer.Budget{Target: 200 * time.Millisecond, Warning: 300 * time.Millisecond, Critical: time.Second}).Record(700 * time.Millisecond)
	rec.Timer("ui.response", pacer.Budget{Target: 100 * time.Millisecond}).Record(40 * time.Millisecond)
	rec.Counter("cache.misses").Add(7)
	return rec
}

func panel(rec *pacer.Recorder, more ...pacerhttp.DashboardOption) http.Handler {
	return pacerhttp.Dashboard(rec, append([]pacerhttp.DashboardOption{pacerhttp.WithLogger(silent),
		pacerhttp.WithBudgets(map[string]pacer.Limit{"startup": {Target: 2, Warning: 3}, "memory.peak": {Target: 500 << 20}})}, more...)...)
}

// connection waits for a state of the stream, in words.
func (b *tab) connection(word string) {
	b.t.Helper()
	b.until("the connection to be "+word, fmt.Sprintf(`document.querySelector("#connection span")?.textContent.startsWith(%q)`, word))
}

// The pages of a process are held to what every page is.
func TestProcessPages(t *testing.T) {
	t.Parallel()
	for _, p := range []struct {
		name, path string
		handler    http.Handler
	}{
		{"process", "", panel(process(t), pacerhttp.WithEditing())},
		{"live", "live", panel(process(t))},
		{"live-embed", "live?embed=1", panel(process(t))},
		{"live-nothing", "live", panel(pacer.New(pacer.Config{Logger: silent}))},
		{"off", "", panel(nil)},
		{"live-off", "live", panel(nil)},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			b := open(t, p.handler, window{})
			for _, w := range []window{{Width: 1280}, {Width: 1280, Scheme: "dark"}, {Width: 390}, {Width: 390, Scheme: "dark"}, {Width: 320}, {Width: 390, NoScript: true}} {
				b.resize(w)
				b.visit(p.path)
				if strings.HasPrefix(p.name, "live") && p.name != "live-off" && !w.NoScript {
					b.connection("live")
				}
				b.legible(w)
			}
		})
	}
}

// legible fails the test for what a page lacks that some people need.
func (b *tab) legible(w window) {
	b.t.Helper()
	if list := b.unnamed(); len(list) > 0 {
		b.t.Errorf("%+v: without a name: %q", w, list)
	}
	s := b.look()
	if s.Scroll > s.Width {
		b.t.Errorf("%+v: %d pixels wide: %s", w, s.Scroll, s.Widest)
	}
	for what, list := range map[string][]string{"too little contrast": s.Faint, "small": s.Small, "narrower than their words": s.Broken, "words beyond their cell": s.Spilt, "colour without a word": s.Wordless} {
		if len(list) > 0 {
			b.t.Errorf("%+v: %s: %q", w, what, list[:min(5, len(list))])
		}
	}
	if s.Texts < 3 || s.Title == "" {
		b.t.Errorf("%+v: %d texts, titled %q", w, s.Texts, s.Title)
	}
	b.violations()
}

// Cells are updated where they are: focus and selection survive, and what the
// table says is what the recorder knows of the window.
func TestLiveUpdates(t *testing.T) {
	t.Parallel()
	rec := process(t)
	b := open(t, panel(rec), window{})
	b.visit("live")
	b.connection("live")
	op := rec.Timer("late.op")
	rng := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		op.Record(time.Duration(1e6 * math.Exp(2*rng.NormFloat64())))
	}
	row := `[...document.querySelectorAll("#rows tr")].find(r => r.querySelector("a").textContent === "late.op")`
	b.until("the new operation", row)
	eval[bool](b, `window.row = `+row+`; row.querySelector("a").focus(); getSelection().selectAllChildren(row.querySelector("[data-c=count]")); true`)
	cell := func(name string) string {
		return eval[string](b, fmt.Sprintf(`row.querySelector("[data-c=%s]").textContent`, name))
	}
	b.until("its numbers", `row.querySelector("[data-c=count]").textContent.replace(/\D/g, "") === "5000"`)
	for range 3 {
		op.Record(time.Microsecond)
		before := eval[float64](b, `Number(row.querySelector("[data-c=count]").textContent.replace(/\D/g, ""))`)
		b.until("another second", fmt.Sprintf(`Number(row.querySelector("[data-c=count]").textContent.replace(/\D/g, "")) > %v`, before))
	}
	if !eval[bool](b, `row.isConnected && document.activeElement === row.querySelector("a") && getSelection().toString().replace(/\D/g, "") === "5003"`) {
		t.Errorf("focus or selection was lost: the focus is at %s, selected is %q", b.focused(), eval[string](b, "getSelection().toString()"))
	}
	snapshot := rec.Snapshot()
	stats := snapshot.Find("late.op", nil).Stats()
	for name, want := range map[string]float64{"p50": stats.P50, "p95": stats.P95, "p99": stats.P99, "max": stats.Max} {
		if got := milliseconds(t, cell(name)); math.Abs(got-want*1e3) > 0.013*want*1e3 { // a bucket and three digits
			t.Errorf("%s is %v ms, want %v", name, got, want*1e3)
		}
	}
	// Choosing another operation changes the large plot, and the address.
	eval[bool](b, `row.querySelector("a").click(); true`)
	b.until("the plot of the operation", `document.querySelector("#plot-latency h2").textContent === "late.op" && location.search.includes("m=late.op")`)
	b.until("its canvas", `document.querySelector("#plot-latency canvas")?.width > 300`)
	b.violations()
}

// milliseconds reads what a cell says.
func milliseconds(t *testing.T, text string) float64 {
	t.Helper()
	number, base, _ := strings.Cut(strings.ReplaceAll(text, "\u202f", " "), " ")
	var v float64
	if _, err := fmt.Sscan(number, &v); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return v * map[string]float64{"ns": 1e-6, "µs": 1e-3, "ms": 1, "s": 1e3}[base]
}

// A pause freezes what is seen and goes on receiving; the window, the filter and
// the keys do as they say.
func TestLiveControls(t *testing.T) {
	t.Parallel()
	rec := process(t)
	b := open(t, panel(rec), window{})
	b.visit("live?m=ui.response")
	b.connection("live")
	op := rec.Timer("ui.response")
	op.Record(90 * time.Millisecond)
	row := `document.querySelector("#rows tr.focused")`
	rowSays := func(name, text string) string {
		return fmt.Sprintf(`%s?.querySelector("[data-c=%s]").textContent.replace(/\s/g, " ") === %q`, row, name, text)
	}
	b.until("the observation", rowSays("max", "90 ms"))
	b.press("p")
	b.until("the pause", `document.querySelector("#pause").getAttribute("aria-pressed") === "true"`)
	op.Record(900 * time.Millisecond)
	op.Record(900 * time.Millisecond)
	b.until("the newer samples", `document.querySelector("#newer").textContent.startsWith("paused, 2 newer samples")`)
	if !eval[bool](b, rowSays("max", "90 ms")) {
		t.Error("what is seen moved during the pause")
	}
	b.press("p")
	b.until("what came meanwhile", rowSays("max", "900 ms"))
	b.until("the budget", `document.querySelector("#plot-latency .budget span").textContent === "over target"`)
	eval[bool](b, `document.querySelector("#reset").click(); true`)
	b.until("an empty window, in which the numbers since the start are pale", row+`?.classList.contains("idle")`)
	b.press("/")
	b.write("filter rows")
	b.until("one operation", `[...document.querySelectorAll("#rows tr")].filter(r => !r.hidden).map(r => r.querySelector("a").textContent).join() === "table.filter{rows=1000}"`)
	b.write(" nothing")
	b.until("none", `!document.querySelector("#no-match").hidden`)
	b.tabTo("#clear")
	b.press("Enter")
	b.until("all of them", `[...document.querySelectorAll("#rows tr")].every(r => !r.hidden)`)
	eval[bool](b, `const w = document.querySelector("#window"); w.value = "600"; w.dispatchEvent(new Event("change")); true`)
	b.until("the window in the address", `location.search.includes("win=600")`)
}

// What stands out is said: the slowest operations with their notes, breaches.
func TestLiveSlowest(t *testing.T) {
	t.Parallel()
	rec := process(t)
	b := open(t, panel(rec), window{})
	b.visit("live")
	b.connection("live")
	for range 2 { // the step in which the stream began may be over
		ctx, span := rec.Start(t.Context(), "export")
		span.Note("file", "<b>a&b</b>.flac")
		_, child := pacer.Start(ctx, "write")
		child.End()
		span.End()
		rec.Timer("table.filter", pacer.L("rows", "1000")).Record(2 * time.Second)
		b.until("the slowest", `document.querySelector("#slowest").textContent.includes("table.filter{rows=1000}")`)
	}
	b.until("the note", `document.querySelector("#slowest").textContent.includes("file=<b>a&b</b>.flac")`)
	// The first breach is reported, those within ten seconds of it are counted.
	b.until("the breach", `/warning\s+table.filter\{rows=1000\}\s+700\sms of 300\sms/.test(document.querySelector("#breaches").textContent)`)
}

// gate lets requests through, or breaks them off.
type gate struct {
	next   http.Handler
	closed atomic.Bool
	opened atomic.Int64 // streams that were opened
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/events") {
		g.opened.Add(1)
	}
	if g.closed.Load() {
		panic(http.ErrAbortHandler)
	}
	g.next.ServeHTTP(w, r)
}

// A stream that breaks is opened again, and nothing of the gap is lost.
func TestLiveReconnects(t *testing.T) {
	t.Parallel()
	rec := process(t)
	g := &gate{next: panel(rec)}
	var connections atomic.Pointer[func()]
	server := httptest.NewUnstartedServer(g)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	server.Start()
	t.Cleanup(server.Close)
	kill := func() { server.CloseClientConnections() }
	connections.Store(&kill)

	b := open(t, g, window{})
	b.base = server.URL + "/"
	b.expected = append(b.expected, "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION")
	b.visit("live")
	b.connection("live")
	op := rec.Timer("op")
	op.Record(time.Millisecond)
	b.until("the operation", `document.querySelector("#rows").textContent.includes("op")`)
	g.closed.Store(true)
	(*connections.Load())()
	b.connection("reconnecting")
	for range 123 {
		op.Record(time.Millisecond)
	}
	g.closed.Store(false)
	b.connection("live")
	b.until("what was measured in the gap", `[...document.querySelectorAll("#rows tr")].some(r => r.querySelector("a").textContent === "op" && r.querySelector("[data-c=count]").textContent === "124")`)
}

// A page that nobody sees has no stream; when it is seen again it goes on.
func TestLiveHidden(t *testing.T) {
	t.Parallel()
	rec := process(t)
	g := &gate{next: panel(rec)}
	b := open(t, g, window{})
	b.visit("live")
	b.connection("live")
	eval[bool](b, `Object.defineProperty(document, "hidden", { configurable: true, get: () => true }); document.dispatchEvent(new Event("visibilitychange")); true`)
	rec.Timer("op").Record(time.Millisecond)
	// The step in which it was measured is read when somebody looks again.
	eval[bool](b, `new Promise(done => setTimeout(() => done(true), 1500))`)
	if eval[bool](b, `document.querySelector("#rows").textContent.includes("op ")`) || g.opened.Load() != 1 {
		t.Errorf("a hidden page goes on receiving; %d streams were opened", g.opened.Load())
	}
	eval[bool](b, `delete document.hidden; document.dispatchEvent(new Event("visibilitychange")); true`)
	b.connection("live")
	b.until("what was measured meanwhile", `[...document.querySelectorAll("#rows a")].some(a => a.textContent === "op")`)
	if n := g.opened.Load(); n != 2 {
		t.Errorf("%d streams were opened, want 2", n)
	}
}

// plain is a ResponseWriter without Flush and Unwrap.
type plain struct{ w http.ResponseWriter }

func (p plain) Header() http.Header         { return p.w.Header() }
func (p plain) Write(b []byte) (int, error) { return p.w.Write(b) }
func (p plain) WriteHeader(status int)      { p.w.WriteHeader(status) }

// Where a middleware hides Flush the page asks every two seconds.
func TestLivePolls(t *testing.T) {
	t.Parallel()
	rec := process(t)
	h := panel(rec)
	b := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(plain{w}, r) }), window{})
	b.expected = append(b.expected, "status of 501")
	b.visit("live")
	b.connection("polling")
	rec.Timer("op").Record(3 * time.Millisecond)
	b.until("the operation", `[...document.querySelectorAll("#rows tr")].some(r => r.querySelector("a").textContent === "op" && r.querySelector("[data-c=max]").textContent.replace(/\s/g, " ") === "3 ms")`)
	b.violations()
}

// Under a prefix, behind StripPrefix, in a frame of the app's own page: it works
// there as well.
func TestLiveMounted(t *testing.T) {
	t.Parallel()
	rec := process(t)
	mux := http.NewServeMux()
	mux.Handle("/stripped/", http.StripPrefix("/stripped", panel(rec)))
	mux.Handle("/deep/er/", panel(rec))
	mux.HandleFunc("/app", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><html lang="en"><title>App</title><link rel="icon" href="data:,"><iframe title="Performance" src="stripped/live?embed=1" width="900" height="700"></iframe></html>`)
	})
	b := open(t, mux, window{})
	for _, path := range []string{"stripped/live", "deep/er/live"} {
		b.visit(path)
		b.connection("live")
	}
	b.visit("app")
	b.until("the stream in the frame", `frames[0].document.querySelector("#connection span")?.textContent === "live"`)
	if eval[bool](b, `!!frames[0].document.querySelector("header")`) {
		t.Error("there is a head in the frame")
	}
}

// When the process ends the page says so, and asks no more.
func TestLiveEnds(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := panel(process(t))
	server := &http.Server{Handler: h, WriteTimeout: 2 * time.Second, ReadTimeout: 2 * time.Second}
	ended := make(chan struct{})
	go func() { defer close(ended); server.Serve(l) }()
	b := open(t, h, window{})
	b.base = "http://" + l.Addr().String() + "/"
	b.visit("live")
	b.connection("live")
	// Longer than the deadlines of the server.
	b.until("five steps", `document.querySelector("#plot-memory .stats").textContent && (window.seen = (window.seen || 0) + 1) > 250`)
	b.connection("live")
	if err := server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-ended
	b.connection("ended")
}

// Windows become runs: as a file, or in the history of the app.
func TestLiveWindow(t *testing.T) {
	t.Parallel()
	rec := process(t)
	dir := filepath.Join(t.TempDir(), "runs")
	g := &gate{next: panel(rec, pacerhttp.WithEditing(), pacerhttp.WithHistory(pacerhttp.Folder(dir)))}
	b := open(t, g, window{})
	b.visit("live")
	b.connection("live")
	op := rec.Timer("op")
	for i := range 100 {
		op.Record(time.Duration(i) * time.Millisecond)
	}
	b.until("the operation", `document.querySelector("#rows").textContent.includes("op")`)
	b.tabTo("form.window [name=name]")
	b.write("before")
	b.press("Tab", "Enter")
	b.arrives("the comparison", `location.pathname.endsWith("/compare") && document.body.textContent.includes("1.4.0+before")`)
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("kept: %v, %v", files, err)
	}
	b.visit("live")
	b.connection("live")
	op.Record(time.Second)
	b.until("a step", `[...document.querySelectorAll("#rows tr")].some(r => r.querySelector("a").textContent === "op" && !r.classList.contains("idle"))`)
	text := eval[string](b, `fetch("window.json?seconds=60").then(a => a.text())`)
	r, err := run.Read(bytes.NewReader([]byte(text)), "window.json")
	if err != nil || r.Find("op", nil).Count() < 1 {
		t.Errorf("the window: %v, %v", r, err)
	}
}

// Ten minutes are what a page keeps, however long it is open: fed a quarter of
// an hour of busy seconds, it holds no more than of ten minutes, and of those
// older than one only every tenth distribution.
func TestLiveMemory(t *testing.T) {
	t.Parallel()
	b := open(t, panel(process(t)), window{})
	b.visit("live")
	got := eval[struct{ Half, All, Seconds, Blocks, Steps, Slow, GC, N float64 }](b, `import("./static/live-data.js").then(({ Histories }) => {
		const data = new Histories(), flat = [];
		for (let i = 0; i < 300; i++) flat.push(i ? 1 : 66000, 3333);
		const metrics = Array.from({ length: 20 }, (_, n) => ({ n, key: "op" + n, kind: "timer", unit: "s", better: "lower" }));
		data.take("full", { id: "a.0", at: 0, metrics, memory: {} });
		const size = () => [...data.metrics.values()].reduce((s, m) => s + m.seconds.length + m.blocks.reduce((n, b) => n + b.index.length, 0), 0) + data.steps.length + data.gc.length + data.slow.length;
		let half = 0;
		for (let s = 1; s <= 900; s++) {
			data.take("step", { id: "a." + s, at: s * 1000, s: 1, memory: {}, overhead: {}, gc: Array(20).fill([s * 1000, 1e-4]),
				h: metrics.map(m => [m.n, 1e6, 2000, 1e-6, 0.1, flat]), slowest: metrics.map(m => ({ n: m.n, at: s * 1000, value: 0.1 })) });
			if (s === 650) half = size();
		}
		const m = data.metrics.get(0);
		return { half, all: size(), seconds: m.seconds.length, blocks: m.blocks.length, steps: data.steps.length, slow: data.slow.length, gc: data.gc.length, n: m.window(300_000, 900_000).n };
	})`)
	text, _ := json.Marshal(got)
	if got.Seconds > 601 || got.Blocks > 61+55 || got.Steps > 601 || got.Slow > 2000 || got.GC > 12_100 || got.All > got.Half*1.05 {
		t.Errorf("the page holds %s", text)
	}
	if math.Abs(got.N-600e6) > 10e6 {
		t.Errorf("in ten minutes there were %v, want 600,000,000", got.N)
	}
}

// With reduced motion the page is drawn every five seconds, not every one.
func TestLiveReducedMotion(t *testing.T) {
	t.Parallel()
	rec := process(t)
	b := open(t, panel(rec), window{})
	b.ok(command(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}}))
	b.visit("live")
	b.connection("live")
	gap := eval[float64](b, `new Promise(done => {
		const times = [];
		new MutationObserver(() => {
			const now = performance.now();
			if (times.length === 0 || now - times[times.length - 1] > 500) times.push(now);
			if (times.length === 3) done(times[2] - times[1]);
		}).observe(document.querySelector("#cost"), { childList: true, characterData: true, subtree: true });
	})`)
	if gap < 4500 {
		t.Errorf("drawn again after %v ms", gap)
	}
}
