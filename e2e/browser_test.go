package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// shared is the one Chromium of this test binary. Each test has a tab of it.
var shared struct {
	once  sync.Once
	ctx   context.Context
	close []context.CancelFunc
	err   error
}

func TestMain(m *testing.M) {
	status := m.Run()
	for i := len(shared.close) - 1; i >= 0; i-- {
		shared.close[i]()
	}
	os.Exit(status)
}

// chromium returns the browser. Without one, tests say what is missing, and
// fail where nothing may be left out.
func chromium(t testing.TB) context.Context {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "" {
			t.Skip("chromium is not installed: apt-get install chromium")
		}
		t.Fatal(err)
	}
	shared.once.Do(func() {
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.Flag("hide-scrollbars", true), chromedp.Flag("force-color-profile", "srgb"))
		if os.Getuid() == 0 {
			options = append(options, chromedp.NoSandbox)
		}
		ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
		shared.close = append(shared.close, cancel)
		shared.ctx, cancel = chromedp.NewContext(ctx)
		shared.close = append(shared.close, cancel)
		shared.err = chromedp.Do(shared.ctx)
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.ctx
}

// tab is a page of a handler in a window of its own. At the end of the test it
// fails for whatever the browser complained about on the way.
type tab struct {
	t    testing.TB
	ctx  context.Context
	base string // address of the handler

	mu       sync.Mutex
	problems []string
	expected []string // parts of what may be complained about
}

// window says how a page is looked at. The zero value is a wide window in the
// light.
type window struct {
	Width, Height int64
	Scheme        string // light, dark
	Media         string // print
	NoScript      bool
	Colorless     bool // as with achromatopsia
}

// How long a tab may live, and something in it be waited for: far beyond what
// either takes, for the machine may have much else to do.
const (
	lifetime = 9 * time.Minute
	patience = 2 * time.Minute
)

// open opens a tab on a handler, for as long as anything may take, or longer.
func open(t testing.TB, handler http.Handler, w window, longer ...time.Duration) *tab {
	t.Helper()
	parent := chromium(t)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	ctx, cancel := chromedp.NewContext(parent)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, max(lifetime, append(longer, 0)[0]))
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, base: server.URL + "/"}
	b.do(chromedp.Navigate("about:blank"))
	b.ok(chromedp.Listen(ctx, b.note))
	b.ok(command(ctx, log.Enable, cdp.Empty{}))
	b.ok(command(ctx, runtime.Enable, cdp.Empty{}))
	b.ok(command(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
		window.violated = [];
		addEventListener("securitypolicyviolation", e => window.violated.push(e.violatedDirective + " " + e.blockedURI + " " + e.sample));`}))
	b.resize(w)
	t.Cleanup(b.complain)
	return b
}

// resize changes how the page is looked at.
func (b *tab) resize(w window) {
	b.t.Helper()
	if w.Width == 0 {
		w.Width = 1280
	}
	if w.Height == 0 {
		w.Height = 900
	}
	if w.Scheme == "" {
		w.Scheme = "light"
	}
	b.do(chromedp.EmulateViewport(w.Width, w.Height))
	b.ok(command(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: w.Media,
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: w.Scheme}}}))
	b.ok(command(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: w.NoScript}))
	if w.Colorless {
		b.ok(command(b.ctx, emulation.SetEmulatedVisionDeficiency, emulation.SetEmulatedVisionDeficiencyParams{Type: emulation.SetEmulatedVisionDeficiencyTypeAchromatopsia}))
	}
}

// note is told every event.
func (b *tab) note(event any) {
	text := ""
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level != log.EntryLevelError && e.Entry.Level != log.EntryLevelWarning {
			return
		}
		text = e.Entry.Text + " " + e.Entry.URL
	case *runtime.EventExceptionThrown:
		text = e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type != runtime.ConsoleAPICalledTypeError && e.Type != runtime.ConsoleAPICalledTypeWarning && e.Type != runtime.ConsoleAPICalledTypeAssert {
			return
		}
		text = fmt.Sprint("console ", e.Type)
		for _, a := range e.Args {
			text += " " + string(a.Value)
		}
	default:
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, text)
}

// complain fails the test for what the browser complained about.
func (b *tab) complain() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.problems {
		if !containsAny(p, b.expected) {
			b.t.Errorf("the browser complains: %s", p)
		}
	}
}

func containsAny(s string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

func (b *tab) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	b.ok(chromedp.Do(b.ctx, steps...))
}

// command sends one whose answer says nothing.
func command[P, R any](ctx context.Context, c cdp.Command[P, R], params P) error {
	_, err := chromedp.Call(ctx, c, params)
	return err
}

// visit opens a page of the handler and fails for what it violates.
func (b *tab) visit(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.base + path))
	b.violations()
}

// violations fails the test for what the page's policy had to stop.
func (b *tab) violations() {
	b.t.Helper()
	for _, v := range eval[[]string](b, "window.violated || []") {
		b.t.Errorf("violates the content security policy: %s", v)
	}
}

// eval returns what an expression is in the page.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%v in %.200s", err, expression)
	}
	return v
}

// arrives waits for another page, with its script at work.
func (b *tab) arrives(what, expression string) {
	b.t.Helper()
	b.until(what, expression+` && document.readyState === "complete" && document.documentElement.classList.contains("scripted")`)
	b.violations()
}

// until waits for a condition on the page, also across a navigation.
func (b *tab) until(what, expression string) {
	b.t.Helper()
	if b.within(patience, expression) {
		return
	}
	b.t.Fatalf("waited in vain for %s, at %s; the focus is at %s", what, eval[string](b, "location.href"), b.focused())
}

// within tells whether a condition on the page comes true in so much time.
func (b *tab) within(long time.Duration, expression string) bool {
	for end := time.Now().Add(long); time.Now().Before(end) && b.ctx.Err() == nil; {
		v, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if err == nil && v {
			return true
		}
		select {
		case <-b.ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	return false
}

// press presses keys as a keyboard does: a letter, or a name such as Tab,
// Enter, ArrowLeft, Shift+Tab.
func (b *tab) press(keys ...string) {
	b.t.Helper()
	for _, key := range keys {
		p := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown}
		if rest, ok := strings.CutPrefix(key, "Shift+"); ok {
			p.Modifiers, key = 8, rest
		}
		p.Key, p.Code = key, key
		codes := map[string]int64{"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Backspace": 8, ".": 190}
		p.WindowsVirtualKeyCode = codes[key]
		switch {
		case key == "Enter":
			p.Text = "\r"
		case len([]rune(key)) == 1:
			p.Text = key
			if p.WindowsVirtualKeyCode == 0 {
				p.WindowsVirtualKeyCode = int64(strings.ToUpper(key)[0])
			}
			if key == " " {
				p.Code = "Space"
			}
		}
		b.ok(command(b.ctx, input.DispatchKeyEvent, p))
		p.Type, p.Text = input.DispatchKeyEventTypeKeyUp, ""
		b.ok(command(b.ctx, input.DispatchKeyEvent, p))
	}
}

// write types a text.
func (b *tab) write(text string) {
	b.t.Helper()
	for _, r := range text {
		b.press(string(r))
	}
}

// focused names what has the focus.
func (b *tab) focused() string {
	b.t.Helper()
	return eval[string](b, `(() => { const e = document.activeElement; return e ? e.tagName + " " + (e.getAttribute("aria-label") || e.name || e.textContent || "").trim().slice(0, 60) : "nothing" })()`)
}

// tabTo presses Tab until what has the focus matches a selector. It sees on the
// way that the focus can be seen, and is not caught.
func (b *tab) tabTo(selector string) {
	b.t.Helper()
	seen := make(map[string]int)
	for range 300 {
		b.press("Tab")
		at := eval[struct {
			Match, Visible bool
			Name           string
		}](b, `(() => {
			const e = document.activeElement, s = getComputedStyle(e);
			const dot = e.tagName === "a" && getComputedStyle(e.lastElementChild);
			return {match: e.matches(`+quote(selector)+`), name: e.tagName + " " + (e.outerHTML || "").slice(0, 120),
				visible: e === document.body || s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 1 || !!dot && parseFloat(dot.strokeWidth) >= 3};
		})()`)
		if !at.Visible {
			b.t.Errorf("the focus cannot be seen at %s", at.Name)
		}
		if at.Match {
			return
		}
		if seen[at.Name]++; seen[at.Name] > 6 {
			b.t.Fatalf("the focus is caught at %s", at.Name)
		}
	}
	b.t.Fatalf("nothing that matches %s takes the focus", selector)
}

func quote(s string) string { return fmt.Sprintf("%q", s) }

// unnamed returns what people who do not see the page are not told the name
// of.
func (b *tab) unnamed() []string {
	b.t.Helper()
	tree, err := chromedp.Call(b.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	b.ok(err)
	wanted := map[string]bool{"link": true, "button": true, "textbox": true, "searchbox": true, "combobox": true, "checkbox": true, "radio": true,
		"image": true, "img": true, "figure": false, "table": true, "dialog": true, "navigation": true, "region": true, "heading": true}
	var list []string
	n := 0
	for _, node := range tree.Nodes {
		if node.Ignored || node.Role == nil {
			continue
		}
		role := strings.Trim(string(node.Role.Value), `"`)
		if !wanted[role] {
			continue
		}
		n++
		if node.Name == nil || strings.Trim(string(node.Name.Value), `" `) == "" {
			list = append(list, fmt.Sprint(role, " ", node.BackendDOMNodeID))
		}
	}
	if n == 0 {
		b.ok(errors.New("the accessibility tree is empty"))
	}
	return list
}
