package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/access"
	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/dashboard/historic"
	"github.com/pacer-perf/pacer/internal/dashboard/pagetest"
	"github.com/pacer-perf/pacer/internal/history"
)

// newSite is a server with pages.
func newSite(t *testing.T, change func(*Config)) *harness {
	var h *harness
	h = newHarness(t, func(c *Config) {
		c.Pages = func(v View) http.Handler {
			open, moved := h.History(v)
			return dashboard.New(dashboard.Config{Source: historic.New(historic.Config{Open: open, Moved: moved}), Accounts: h.Accounts(), Version: "1", Log: c.Log})
		}
		if change != nil {
			change(c)
		}
	})
	return h
}

// browser keeps the cookies of a site, and asks as browsers do.
type browser struct {
	*harness
	cookies map[string]*http.Cookie
}

func (h *harness) browser() *browser { return &browser{h, make(map[string]*http.Cookie)} }

func (b *browser) do(method, path string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Host = "pacer.example"
	r.Header.Set("Accept", "text/html,*/*")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c
		}
	}
	return w
}

// page wants a page that is sound, and returns it.
func (b *browser) page(status int, method, path string, form url.Values, headers ...string) string {
	b.t.Helper()
	w := b.do(method, path, form, headers...)
	if w.Code != status {
		b.t.Fatalf("%s %s: status %d, want %d: %.300s", method, path, w.Code, status, w.Body)
	}
	if err := pagetest.Sound(w.Body.String()); err != nil {
		b.t.Errorf("%s %s: %v", method, path, err)
	}
	if w.Header().Get("Content-Security-Policy") == "" {
		b.t.Errorf("%s %s: no content security policy", method, path)
	}
	return w.Body.String()
}

// to wants a redirect, and returns where.
func (b *browser) to(method, path string, form url.Values) string {
	b.t.Helper()
	w := b.do(method, path, form)
	if w.Code != http.StatusSeeOther {
		b.t.Fatalf("%s %s: status %d: %.300s", method, path, w.Code, w.Body)
	}
	return w.Header().Get("Location")
}

// While nothing was sent the first page says how to.
func TestEmptySite(t *testing.T) {
	t.Parallel()
	h := newSite(t, nil)
	h.token("", "ingest")
	b := h.browser()
	b.to("POST", "/signin", url.Values{"token": {h.token("", "read")}})
	if page := b.page(200, "GET", "/", nil); !strings.Contains(page, "<pre><code>export PACER_TOKEN=pacer_…\npacer push http://pacer.example</code></pre>") {
		t.Errorf("the first page: %s", page)
	}
}

// Somebody signs in with a token, sees what it allows, and is out when it ends.
func TestSignIn(t *testing.T) {
	t.Parallel()
	h := newSite(t, nil)
	admin, read := h.token("", "admin"), h.token("app", "read")
	h.want(200, nil, "POST", "/api/v1/runs", admin, append(lined("app", 0, 3), lined("other", 10, 13)...), "Content-Type", ndjson)
	b := h.browser()
	if to := b.to("GET", "/metric?m=metric.01&x=1", nil); to != "signin?next="+url.QueryEscape("metric?m=metric.01&x=1") {
		t.Errorf("sent to %s", to)
	}
	page := b.page(200, "GET", "/signin?next="+url.QueryEscape("metric?m=metric.01"), nil)
	if !strings.Contains(page, `name="next" value="metric?m=metric.01"`) || strings.Contains(page, "<nav") && strings.Contains(page, "href=\"runs\"") {
		t.Errorf("the page to sign in: %s", page)
	}
	for _, wrong := range []string{"", "x", "pacer_" + strings.Repeat("0", 70), admin[:len(admin)-1], admin + "0"} {
		page := b.page(401, "POST", "/signin", url.Values{"token": {wrong}, "next": {"runs"}})
		if !strings.Contains(page, "never was one.</span>") || strings.Contains(page, "Authorization") || !strings.Contains(page, `value="runs"`) || len(b.cookies) > 0 {
			t.Errorf("a wrong token: %s", page)
		}
	}
	if page := b.page(403, "POST", "/signin", url.Values{"token": {h.token("app", "ingest")}}); !strings.Contains(page, "may send runs, not see them") {
		t.Errorf("a token to send: %s", page)
	}
	if to := b.to("POST", "/signin", url.Values{"token": {" " + read + "\n"}, "next": {"metric?m=metric.01"}}); to != "metric?m=metric.01" {
		t.Errorf("sent to %s", to)
	}
	c := b.cookies[cookieName]
	if c == nil || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure || c.Path != "/" || c.Value == "" {
		t.Fatalf("the cookie: %+v", b.cookies)
	}
	if page := b.page(200, "GET", "/", nil); !strings.Contains(page, "R00000002") && !strings.Contains(page, "metric.01") || strings.Contains(page, "other") || !strings.Contains(page, "Sign out") || strings.Contains(page, ">Tokens<") {
		t.Errorf("the first page: %.3000s", page)
	}
	if page := b.page(200, "GET", "/apps", nil); !strings.Contains(page, `<th scope="row"><a href="./?app=app">app</a></th>`) || strings.Contains(page, "other") {
		t.Errorf("the apps: %s", page)
	}
	b.page(404, "GET", "/?app=other", nil)
	for _, path := range []string{"/regressions?app=other", "/regressions.atom?app=other", "/budgets?app=other", "/settings?app=other"} {
		b.page(404, "GET", path, nil)
	}
	if page := b.page(200, "GET", "/settings", nil); strings.Contains(page, "<dt>Data</dt>") || strings.Contains(page, "history.db") {
		t.Errorf("whoever reads is told where the history lies: %s", page)
	}
	b.page(403, "GET", "/tokens", nil)
	if page := b.page(200, "GET", "/settings", nil); !strings.Contains(page, "appread, of app: read") {
		t.Errorf("the settings: %s", page)
	}
	// What browsers send along is no reason to change something from elsewhere.
	if w := b.do("POST", "/signout", url.Values{}, "Sec-Fetch-Site", "cross-site"); w.Code != 403 {
		t.Errorf("signed out from another site: %d", w.Code)
	}
	old := c.Value
	if to := b.to("POST", "/signout", url.Values{}); to != "signin" || len(b.cookies) > 0 {
		t.Errorf("signed out: to %s, %v", to, b.cookies)
	}
	b.cookies[cookieName] = &http.Cookie{Name: cookieName, Value: old}
	if to := b.to("GET", "/runs", nil); !strings.HasPrefix(to, "signin") {
		t.Error("a session that ended lets somebody in")
	}
	// A token that is revoked ends its sessions.
	b.cookies = make(map[string]*http.Cookie)
	b.to("POST", "/signin", url.Values{"token": {read}})
	id, _ := access.ID(read)
	h.want(200, nil, "DELETE", "/api/v1/tokens/"+id, admin, nil)
	if to := b.to("GET", "/runs", nil); !strings.HasPrefix(to, "signin") {
		t.Error("a session of a token that was revoked lets somebody in")
	}
}

// Nobody is led to another site.
func TestNext(t *testing.T) {
	t.Parallel()
	h := newSite(t, func(c *Config) { c.Secure = true })
	token := h.token("", "read")
	for next, want := range map[string]string{"runs?page=2": "runs?page=2", "": "./", "https://evil.example": "./", "//evil.example": "./", "/runs": "./", `\\evil.example`: "./", "javascript:alert(1)": "./", "runs?a=\\": "./",
		"signin?next=runs": "./", "?app=x": "./", "runs\r\nSet-Cookie: a=b": "./"} {
		b := h.browser()
		if to := b.to("POST", "/signin", url.Values{"token": {token}, "next": {next}}); to != want {
			t.Errorf("next %q: sent to %q, want %q", next, to, want)
		}
		if c := b.cookies["__Host-"+cookieName]; c == nil || !c.Secure {
			t.Errorf("the cookie over TLS: %+v", b.cookies)
		}
	}
}

var secretForm = regexp.MustCompile(`pacer_[0-9a-z]{10}_[0-9a-z]{59}`)

// Tokens are made on a page that shows them once, and revoked on it.
func TestTokensPage(t *testing.T) {
	t.Parallel()
	h := newSite(t, nil)
	b := h.browser()
	b.to("POST", "/signin", url.Values{"token": {h.token("", "admin")}})
	page := b.page(201, "POST", "/tokens", url.Values{"name": {"ci <b>"}, "role": {"ingest", "read"}, "app-of-token": {"app"}, "days": {"30"}})
	secret := secretForm.FindString(page)
	if secret == "" || strings.Contains(page, "ci <b>") {
		t.Fatalf("the page: %s", page)
	}
	h.want(200, nil, "GET", "/api/v1/apps", secret, nil)
	page = b.page(200, "GET", "/tokens", nil)
	if secretForm.MatchString(page) || !strings.Contains(page, "ci &lt;b&gt;") || !strings.Contains(page, "ingest, read") || !strings.Contains(page, "token.create") {
		t.Errorf("the list: %s", page)
	}
	for says, form := range map[string]url.Values{
		"name: expected":               {"role": {"read"}},
		"no role":                      {"name": {"x"}},
		"Days: expected a number":      {"name": {"x"}, "role": {"read"}, "days": {"soon"}},
		"unknown role &#34;king&#34;:": {"name": {"x"}, "role": {"king"}},
	} {
		if page := b.page(400, "POST", "/tokens", form); !strings.Contains(page, says) {
			t.Errorf("the page does not say %s: %s", says, page)
		}
	}
	id, _ := access.ID(secret)
	if to := b.to("POST", "/tokens", url.Values{"revoke": {id}}); to != "tokens" {
		t.Errorf("sent to %s", to)
	}
	h.want(401, nil, "GET", "/api/v1/apps", secret, nil)
	if page := b.page(200, "GET", "/tokens", nil); !strings.Contains(page, "revoked") || !strings.Contains(page, "token.revoke") {
		t.Errorf("the list: %s", page)
	}
	b.page(404, "POST", "/tokens", url.Values{"revoke": {"nothing"}})
	if w := b.do("POST", "/tokens", url.Values{"name": {"x"}, "role": {"admin"}}, "Sec-Fetch-Site", "cross-site"); w.Code != 403 {
		t.Errorf("a token made from another site: %d", w.Code)
	}
	if n := len(secretForm.FindAllString(page, -1)); n != 0 {
		t.Errorf("%d secrets", n)
	}
}

// The page says which runs a change was about, also where those are many.
func TestTokensPageIDs(t *testing.T) {
	t.Parallel()
	h := newSite(t, nil)
	b := h.browser()
	b.to("POST", "/signin", url.Values{"token": {h.token("", "admin")}})
	var ids []string
	for i := range 103 {
		ids = append(ids, fmt.Sprintf("RUN%03d", i))
	}
	for n, says := range map[int][]string{
		1:   {"<summary>1 id</summary>", "<code>RUN000</code>"},
		100: {"<summary>100 ids</summary>", "<code>RUN000</code>", "<code>RUN099</code>"},
		103: {"<summary>103 ids</summary>", "<code>RUN099</code>", "and 3 more: <code>GET /api/v1/audit?before=ENTRY1030&amp;limit=1</code>"},
	} {
		err := h.store.Record(t.Context(), history.Audit{ID: fmt.Sprintf("ENTRY%d", n), Time: time.Now(), Actor: "ci", Action: "history.prune", Detail: map[string]string{"deleted": strconv.Itoa(n), "ids": strings.Join(ids[:n], " ")}})
		if err != nil {
			t.Fatal(err)
		}
		page := b.page(200, "GET", "/tokens", nil)
		for _, text := range says {
			if !strings.Contains(page, text) {
				t.Errorf("%d ids: the page does not say %s", n, text)
			}
		}
		if strings.Contains(page, "ids=RUN") || strings.Contains(page, "RUN100") {
			t.Errorf("%d ids: the page shows more of them", n)
		}
	}
	// What the page names is that entry, with all that it is about.
	var log AuditLog
	h.want(200, &log, "GET", "/api/v1/audit?before=ENTRY1030&limit=1", h.token("", "admin"), nil)
	if len(log.Entries) != 1 || log.Entries[0].ID != "ENTRY103" || !strings.HasSuffix(log.Entries[0].Detail["ids"], " RUN102") {
		t.Errorf("%+v", log)
	}
}

// Where reading is public, nobody need sign in, and nobody may change anything
// without.
func TestPublicPages(t *testing.T) {
	t.Parallel()
	h := newSite(t, func(c *Config) { c.PublicRead = true })
	h.want(200, nil, "POST", "/api/v1/runs", h.token("", "admin"), lined("app", 0, 3), "Content-Type", ndjson)
	b := h.browser()
	if page := b.page(200, "GET", "/", nil); !strings.Contains(page, "Sign in") || strings.Contains(page, ">Tokens<") {
		t.Errorf("the first page: %.2000s", page)
	}
	b.page(403, "GET", "/tokens", nil)
	b.page(403, "POST", "/tokens", url.Values{"name": {"x"}, "role": {"admin"}})
	// A token takes nothing away from what anybody may.
	h.want(200, nil, "GET", "/api/v1/runs", h.token("", "ingest"), nil)
	h.want(401, nil, "GET", "/api/v1/runs", "pacer_wrong", nil)
	visited, problems := pagetest.Crawl(h, "/", 40)
	for _, p := range problems {
		t.Error(p)
	}
	if visited < 5 {
		t.Errorf("%d pages", visited)
	}
}

// A session ends by itself.
func TestSessionExpires(t *testing.T) {
	t.Parallel()
	now := time.Now()
	h := newSite(t, func(c *Config) { c.Now = func() time.Time { return now } })
	b := h.browser()
	b.to("POST", "/signin", url.Values{"token": {h.token("", "read")}})
	b.page(200, "GET", "/settings", nil)
	now = now.Add(sessionTime + time.Second)
	if to := b.to("GET", "/settings", nil); !strings.HasPrefix(to, "signin") {
		t.Error("a session that expired lets somebody in")
	}
}
