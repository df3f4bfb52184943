package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/report/html"
	"github.com/pacer-perf/pacer/internal/report/reporttest"
)

// The page of a report asks for nothing, violates nothing, fits a telephone and
// can be read, in both themes, with every metric open.
func TestReport(t *testing.T) {
	for name, r := range map[string]*report.Report{
		"worked": reporttest.Worked(), "first": reporttest.First(), "elsewhere": reporttest.Elsewhere(), "hostile": reporttest.Hostile(),
		"many": reporttest.Many(50, 200), "empty": {Verdict: reporttest.Nothing()},
	} {
		t.Run(name, func(t *testing.T) {
			b := openReport(t)
			file := writePage(t, r, "")
			for _, scheme := range []string{"light", "dark"} {
				for _, width := range []int64{390, 1200} {
					what := fmt.Sprintf("%s, %d pixels", scheme, width)
					f := b.look(t, file, width, scheme)
					if f.Scroll > f.Width {
						t.Errorf("%s: %d pixels wide in a window of %d: %s", what, f.Scroll, f.Width, f.Widest)
					}
					if len(f.Faint) > 0 || f.Texts == 0 {
						t.Errorf("%s: of %d texts, too little contrast in %d: %q", what, f.Texts, len(f.Faint), f.Faint[:min(5, len(f.Faint))])
					}
					if len(f.Unnamed) > 0 {
						t.Errorf("%s: pictures without a name: %q", what, f.Unnamed)
					}
				}
			}
			requests, violations := b.seen()
			if len(requests) > 0 || len(violations) > 0 {
				t.Errorf("requests %q, violations %q", requests, violations)
			}
			if name == "worked" {
				b.prints(t)
			}
		})
	}
}

// A page that does all that a report must not is found out.
func TestReportIsLookedAt(t *testing.T) {
	b := openReport(t)
	file := writePage(t, reporttest.Worked(), `<script>document.title = "ran"</script><img src="http://127.0.0.1:9/x.png" alt="">
<p style="color:#eee">unread</p><div><table><tr><td><svg role="img" width="2000" height="9"></svg></td></tr></table></div>
<svg width="99" height="20"><text x="0" y="15" fill="#888888">faint</text></svg>`)
	f := b.look(t, file, 390, "light")
	_, violations := b.seen()
	if f.Scroll <= f.Width || len(f.Unnamed) == 0 || len(violations) < 3 {
		t.Errorf("not found out: width %d of %d, unnamed %q, violations %q", f.Scroll, f.Width, f.Unnamed, violations)
	}
	if !strings.Contains(strings.Join(f.Faint, " "), "faint") {
		t.Errorf("faint text is not found out: %q", f.Faint)
	}
}

// writePage writes the page of a report, with more at the end of its body, and
// returns its address.
func writePage(t *testing.T, r *report.Report, more string) string {
	t.Helper()
	var out bytes.Buffer
	if err := html.Write(&out, r); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, bytes.Replace(out.Bytes(), []byte("</main>"), []byte(more+"</main>"), 1), 0o666); err != nil {
		t.Fatal(err)
	}
	return (&url.URL{Scheme: "file", Path: file}).String()
}

// reportBrowser is a tab that notes what a page asks for and violates.
type reportBrowser struct {
	ctx        context.Context
	mu         sync.Mutex
	requests   []string
	violations []string
}

func openReport(t *testing.T) *reportBrowser {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "" {
			t.Skip("chromium is not installed")
		}
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &reportBrowser{ctx: ctx}
	if err := chromedp.Listen(ctx, b.note); err != nil {
		t.Fatal(err)
	}
	must(t, call(ctx, network.Enable, network.EnableParams{}))
	must(t, call(ctx, log.Enable, cdp.Empty{}))
	// The page has no script: this one is the test's, in a world of its own.
	must(t, call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
		window.violated = [];
		document.addEventListener("securitypolicyviolation", e => window.violated.push(e.violatedDirective + " " + e.blockedURI));`}))
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// note is told every event.
func (b *reportBrowser) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if e.Type != network.ResourceTypeDocument {
			b.requests = append(b.requests, e.Request.URL)
		}
	case *log.EventEntryAdded:
		b.violations = append(b.violations, e.Entry.Text)
	}
}

func (b *reportBrowser) seen() (requests, violations []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.requests, b.violations
}

// findings are what is to see of a page.
type findings struct {
	Width, Scroll int64
	Widest        string   // the element that reaches furthest
	Texts         int      // that are visible
	Faint         []string // those with a contrast under 4.5
	Unnamed       []string // pictures without a name
	Violated      []string
}

// look opens a page in a window, opens everything in it, and measures.
func (b *reportBrowser) look(t *testing.T, file string, width int64, scheme string) findings {
	t.Helper()
	must(t, call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}))
	must(t, chromedp.Do(b.ctx, chromedp.EmulateViewport(width, 800), chromedp.Navigate(file)))
	f, err := chromedp.Run(b.ctx, chromedp.Evaluate[findings](measure))
	must(t, err)
	b.mu.Lock()
	b.violations = append(b.violations, f.Violated...)
	b.mu.Unlock()
	return f
}

// prints looks at the page on paper: what is folded is open there.
func (b *reportBrowser) prints(t *testing.T) {
	t.Helper()
	must(t, chromedp.Do(b.ctx, chromedp.Reload()))
	must(t, call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}))
	hidden, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`[...document.querySelectorAll("details:not([open])")].filter(d => {
		const p = d.querySelector("p"), at = p.getBoundingClientRect();
		return !(at.height > 0 && p.checkVisibility({contentVisibilityAuto: true}));
	}).map(d => d.id)`))
	must(t, err)
	folded, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](`document.querySelectorAll("details:not([open])").length`))
	must(t, err)
	if len(hidden) > 0 || folded == 0 {
		t.Errorf("on paper %d of %d stay folded: %q", len(hidden), folded, hidden)
	}
	pdf, err := chromedp.Run(b.ctx, chromedp.PrintToPDF())
	must(t, err)
	if !bytes.HasPrefix(pdf, []byte("%PDF")) || len(pdf) < 10_000 {
		t.Errorf("the PDF has %d bytes", len(pdf))
	}
}

// measure opens all details, and returns findings.
const measure = `(() => {
	for (const d of document.querySelectorAll("details")) d.open = true;
	const root = document.documentElement;
	let widest = "", right = 0;
	for (const e of document.body.querySelectorAll("*")) {
		if (e.closest(".scroll") || e.closest("svg svg")) continue;
		const at = e.getBoundingClientRect();
		if (at.width > 0 && at.right > right) { right = at.right; widest = e.tagName + "." + (e.getAttribute("class") || ""); }
	}
	const parse = c => {
		const n = (c.match(/[\d.]+/g) || []).map(Number);
		return {r: n[0], g: n[1], b: n[2], a: n.length > 3 ? n[3] : 1};
	};
	const over = (top, under) => ({r: top.r * top.a + under.r * (1 - top.a), g: top.g * top.a + under.g * (1 - top.a), b: top.b * top.a + under.b * (1 - top.a), a: 1});
	const light = v => { v /= 255; return v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); };
	const luminance = c => 0.2126 * light(c.r) + 0.7152 * light(c.g) + 0.0722 * light(c.b);
	const background = e => {
		const layers = [];
		for (let p = e; p; p = p.parentElement) {
			const c = parse(getComputedStyle(p).backgroundColor);
			if (c.a > 0) layers.push(c);
			if (c.a === 1) break;
		}
		return layers.reverse().reduce((under, top) => over(top, under), {r: 255, g: 255, b: 255, a: 1});
	};
	// What lies under the middle of a letter in a drawing: the filled shape that
	// is drawn last before it, else what is behind the drawing.
	const behind = (e, at) => {
		const x = (at.left + at.right) / 2, y = (at.top + at.bottom) / 2;
		let under = background(e.closest(".c-chart") || e.ownerSVGElement);
		for (const s of (e.closest(".c-chart") || e.ownerSVGElement).querySelectorAll("rect")) {
			if (!(s.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING)) continue;
			const box = s.getBoundingClientRect(), style = getComputedStyle(s);
			if (x < box.left || x > box.right || y < box.top || y > box.bottom || style.fill === "none") continue;
			const fill = parse(style.fill);
			fill.a *= Number(style.fillOpacity);
			under = over(fill, under);
		}
		return under;
	};
	const faint = [];
	let texts = 0;
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n = walk.nextNode(); n; n = walk.nextNode()) {
		const e = n.parentElement;
		if (!n.data.trim() || e.closest("script,title,desc,style") || !e.checkVisibility()) continue;
		const range = document.createRange();
		range.selectNodeContents(n);
		const at = range.getBoundingClientRect();
		if (at.width === 0) continue;
		texts++;
		const style = getComputedStyle(e), drawn = e instanceof SVGElement;
		const under = drawn ? behind(e, at) : background(e);
		const color = over(parse(drawn ? style.fill : style.color), under);
		const a = luminance(color), b = luminance(under);
		const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (contrast < 4.5) faint.push(n.data.trim().slice(0, 60) + " " + contrast.toFixed(2));
	}
	const unnamed = [...document.querySelectorAll("svg[role]")].filter(s => !(s.getAttribute("aria-label") || s.querySelector(":scope > title")?.textContent)).map(s => s.getAttribute("class") || "svg");
	return {Width: root.clientWidth, Scroll: root.scrollWidth, Widest: widest, Texts: texts, Faint: faint, Unnamed: unnamed, Violated: window.violated || []};
})()`

// call sends a command whose answer says nothing.
func call[P, R any](ctx context.Context, command cdp.Command[P, R], params P) error {
	_, err := chromedp.Call(ctx, command, params)
	return err
}
