package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/examples/cuepoint/app"
	"github.com/pacer-perf/pacer/examples/cuepoint/library"
	"github.com/pacer-perf/pacer/run"
)

const tracks = 3000

// cuepoint opens the window of a made-up library of 3,000 tracks, and a tab on
// it.
func cuepoint(t testing.TB, w window, args ...string) *tab {
	t.Helper()
	var xml bytes.Buffer
	if err := library.Generate(&xml, library.Config{Seed: 41, Tracks: tracks, Rekordbox: 7}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "library.xml")
	if err := os.WriteFile(path, xml.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	in, out := io.Pipe()
	var stderr bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		defer out.Close()
		ended <- app.Main(ctx, append([]string{"serve", "--library", path}, args...), out, &stderr)
	}()
	end := sync.OnceFunc(func() {
		cancel()
		go io.Copy(io.Discard, in)
		if status := <-ended; status != 0 {
			t.Errorf("cuepoint ended with %d: %s", status, &stderr)
		}
	})
	t.Cleanup(end)
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil {
		end()
		t.Fatalf("cuepoint: %v: %s", err, &stderr)
	}
	b := open(t, http.NotFoundHandler(), w)
	b.base = strings.TrimSpace(line)
	return b
}

// measured is what CuePoint measured of itself, as its dashboard hands it out.
func (b *tab) measured() run.Run {
	b.t.Helper()
	text := eval[string](b, fmt.Sprintf("fetch(%q).then(a => a.text())", b.base+"settings/performance/run.json"))
	r, err := run.Read(strings.NewReader(text), "run.json")
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

const (
	titles   = `[...document.querySelectorAll("tbody tr:not(.space) th")].map(e => e.textContent)`
	rowCount = `document.querySelectorAll("tbody tr").length`
)

// The table filters while one types, holds only the rows that are seen, and
// matches with a bar.
func TestCuePoint(t *testing.T) {
	t.Parallel()
	b := cuepoint(t, window{})
	b.visit("")
	b.until("the rows", titles+`.length > 10 && document.querySelector("#count").textContent === "3,000 tracks"`)
	if n := eval[int](b, rowCount); n > 100 {
		t.Errorf("%d rows are in the page", n)
	}
	b.until("the focus in the filter", `document.activeElement.id === "q"`)
	b.write("deep house")
	b.until("fewer tracks", `/^\d+ of 3,000 tracks$/.test(document.querySelector("#count").textContent) && location.search === "?q=deep+house"`)
	if genres := eval[[]string](b, `[...document.querySelectorAll("tbody tr:not(.space)")].map(r => r.textContent.toLowerCase())`); len(genres) == 0 || !strings.Contains(genres[0], "house") {
		t.Errorf("the filter leaves %q", genres[:min(3, len(genres))])
	}
	for range "deep house" {
		b.press("Backspace")
	}
	b.until("all tracks", `document.querySelector("#count").textContent === "3,000 tracks"`)
	// To the end and back, by keyboard.
	last := eval[string](b, `fetch("rows?q=&first=2999&n=1").then(a => a.json()).then(a => a.rows[0][0])`)
	b.tabTo("#rows")
	// A browser that gets no processor may stop scrolling on its way: then one presses again.
	atEnd := titles + `.at(-1) === ` + quote(last) + ` && document.querySelector("tbody tr:nth-last-child(2)").getAttribute("aria-rowindex") === "3001"`
	for tries := 0; tries == 0 || tries < 5 && !b.within(2*time.Second, atEnd); tries++ {
		b.press("End")
	}
	b.until("the last track", atEnd)
	b.press("Home")
	b.until("the first one", `document.querySelector("tbody tr:not(.space)").getAttribute("aria-rowindex") === "2"`)
	if n := eval[int](b, rowCount); n > 100 {
		t.Errorf("%d rows are in the page after scrolling", n)
	}
	// Matching.
	eval[bool](b, `document.querySelector("#matching button").click(); true`)
	b.until("the bar", `!document.querySelector(".progress").hidden`)
	b.until("its end", `document.querySelector("#done").value === 3000 && document.querySelector("#matching button").textContent === "Match tracks"`)
	b.until("the results", `[...document.querySelectorAll("tbody .status")].every(s => s.textContent !== "–")`)
	// What the browser saw is told.
	b.until("the beacon", fmt.Sprintf(`fetch(%q).then(a => a.text()).then(text => window.told = text.includes("ui.filter.visible")), window.told`, b.base+"settings/performance/run.json"))
	// At least one key press for each letter that was typed or taken away was
	// followed until it was on the screen.
	b.until("all key presses", fmt.Sprintf(`fetch(%q).then(a => a.json()).then(r => window.keys = r.metrics.find(m => m.name === "ui.filter.visible")?.count), window.keys >= 20`, b.base+"settings/performance/run.json"))
	r := b.measured()
	for name, least := range map[string]int64{"table.filter": 20, "ui.response": 20, "ui.filter.visible": 20, "track.process": tracks} {
		if m := r.Find(name, nil); m == nil || m.Count() < least {
			t.Errorf("%s is %+v, want at least %d observations", name, m, least)
		}
	}
	b.violations()
}

// Settings lead to the dashboard: in short in a card, in full one click away.
func TestCuePointSettings(t *testing.T) {
	t.Parallel()
	b := cuepoint(t, window{})
	b.visit("settings")
	b.until("the card", `frames[0]?.document.querySelector(".card .sentence")`)
	if size := eval[[]int](b, `[frames[0].document.documentElement.scrollWidth, frames[0].document.documentElement.scrollHeight]`); size[0] > 320 || size[1] > 180 {
		t.Errorf("the card is %d by %d, and has to fit into 320 by 180", size[0], size[1])
	}
	b.until("a switch", `frames[0].document.querySelector("[role=switch]")?.getAttribute("aria-checked") === "true"`)
	eval[bool](b, `frames[0].document.querySelector("[role=switch]").click(); true`)
	b.until("recording to be off", `frames[0]?.document.querySelector("[role=switch]")?.getAttribute("aria-checked") === "false"`)
	eval[bool](b, `frames[0].document.querySelector("[role=switch]").click(); true`)
	b.until("recording to be on", `frames[0]?.document.querySelector("[role=switch]")?.getAttribute("aria-checked") === "true"`)
	const all = `[document, frames[0].document].flatMap(d => [...d.links])`
	if n := eval[int](b, all+`.filter(a => a.textContent === "Open performance").length`); n != 1 {
		t.Errorf("%d links to the dashboard, want the card's own", n)
	}
	eval[bool](b, `document.querySelector("a.button").focus(); true`)
	b.press("Enter")
	b.arrives("the live page", `location.pathname.endsWith("/settings/performance/live")`)
	b.visit("settings")
	b.until("the card", `frames[0]?.document.querySelector(".card .sentence")`)
	eval[bool](b, all+`.find(a => a.textContent === "Open performance").click(); true`)
	b.arrives("the dashboard", `location.pathname.endsWith("/settings/performance/") && document.querySelector("h2").textContent === "Performance Metrics"`)
}

// The window is held to what every page is, and works without script.
func TestCuePointPages(t *testing.T) {
	t.Parallel()
	b := cuepoint(t, window{})
	for _, path := range []string{"", "?q=house", "settings"} {
		for _, w := range []window{{Width: 1280}, {Width: 1280, Scheme: "dark"}, {Width: 390}, {Width: 390, Scheme: "dark"}, {Width: 320}, {Width: 390, NoScript: true}} {
			b.resize(w)
			b.visit(path)
			b.until("the page", `document.readyState === "complete"`)
			b.legible(w)
		}
	}
	b.resize(window{NoScript: true})
	b.visit("")
	if n := eval[int](b, rowCount); n != 100 {
		t.Errorf("%d rows without script", n)
	}
	b.until("the focus in the filter", `document.activeElement.id === "q"`)
	b.write("techno")
	b.press("Enter")
	b.until("the filtered table", `location.search === "?q=techno" && /of 3,000 tracks/.test(document.querySelector("#count").textContent)`)
	b.tabTo("[rel=next]")
	b.press("Enter")
	b.until("its second page", `location.search.includes("page=2")`)
	b.tabTo("#matching button")
	b.press("Enter")
	b.until("the matching", `document.querySelector("#part") && !location.search`)
}

// BenchmarkCuePointFilter types words into the filter of 3,000 tracks, letter by
// letter, and reports what CuePoint's own dashboard knows of it: from the key
// press until the rows are on the screen, and the filter on the server.
func BenchmarkCuePointFilter(bench *testing.B) {
	b := cuepoint(bench, window{})
	b.visit("")
	b.until("the rows", titles+`.length > 10`)
	words := []string{"house", "techno 12", "deep", "original mix", "velmor", "a", "8a"}
	answered := func() {
		b.until("the rows of the filter", `(q => q === document.querySelector("#q").value || !q && !document.querySelector("#q").value)(new URLSearchParams(location.search).get("q") || "")`)
	}
	i := 0
	for bench.Loop() {
		word := words[i%len(words)]
		i++
		for _, letter := range word {
			b.press(string(letter))
			answered()
		}
		for range word {
			b.press("Backspace")
			answered()
		}
	}
	b.until("the beacon", `new Promise(done => setTimeout(() => done(true), 1500))`)
	r := b.measured()
	for name, title := range map[string]string{"ui.filter.visible": "visible-p95-ms", "table.filter": "filter-p95-ms", "ui.response": "response-p95-ms"} {
		m := r.Find(name, nil)
		if m == nil {
			bench.Fatalf("%s was not measured", name)
		}
		v, err := m.Statistic("p95")
		if err != nil {
			bench.Fatal(err)
		}
		bench.ReportMetric(v*1e3, title)
		if name == "ui.filter.visible" {
			bench.ReportMetric(float64(m.Count()), "keys")
		}
	}
}
