//go:build unix

package main

import (
	"encoding/base64"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// submit sends a form and returns the page that it leads to.
func submit(t *testing.T, address string, form url.Values, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	client := http.Client{Timeout: time.Minute}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// hidden are the fields of a page that nobody fills in.
func hidden(page string) url.Values {
	form := make(url.Values)
	for _, m := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	return form
}

// With --edit the pages write to the files of the folder and to its history;
// without, they read.
func TestServeEdit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const policy = "# ours\napp: app\n\nbudgets:\n  startup: {target: 3s}   # for now\n"
	file := filepath.Join(dir, "pacer.yaml")
	if err := os.WriteFile(file, []byte(policy), 0o666); err != nil {
		t.Fatal(err)
	}
	keep(t, dir, "01", 1)
	keep(t, dir, "02", 2)

	reads := startServer(t, dir, "serve", "--addr", "127.0.0.1:0")
	if _, page := fetch(t, "GET", reads.url+"budgets", nil); strings.Contains(page, `method="post"`) || !strings.Contains(page, "pacer serve --edit") {
		t.Error("it does not say how to edit, or lets everybody")
	}
	if code, _ := submit(t, reads.url+"budgets", url.Values{"act": {"save"}}); code != 403 {
		t.Errorf("without --edit, a form: status %d", code)
	}
	reads.interrupt(t)

	s := startServer(t, dir, "serve", "--edit", "--addr", "127.0.0.1:0")
	_, page := fetch(t, "GET", s.url+"budgets", nil)
	form := hidden(page)
	form.Set("target.0", "2500ms")
	form.Set("act", "save")
	if code, _ := submit(t, s.url+"budgets", form, "Sec-Fetch-Site", "cross-site"); code != 403 {
		t.Errorf("a form of another site: status %d", code)
	}
	if code, page := submit(t, s.url+"budgets", form, "Sec-Fetch-Site", "same-origin"); code != 200 || !strings.Contains(page, "Saved to pacer.yaml") {
		t.Errorf("saving: status %d", code)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != strings.Replace(policy, "3s", "2500ms", 1) {
		t.Errorf("%v: the file is:\n%s", err, text)
	}
	if code, page := submit(t, s.url+"budgets", form); code != 409 || !strings.Contains(page, "Somebody else changed the file meanwhile") {
		t.Errorf("saving it again: status %d", code)
	}

	inbox := regexp.MustCompile(`name="id" value="([^"]*)"`)
	_, page = fetch(t, "GET", s.url+"regressions", nil)
	for end := time.Now().Add(time.Minute); !inbox.MatchString(page) && time.Now().Before(end); _, page = fetch(t, "GET", s.url+"regressions", nil) {
		time.Sleep(20 * time.Millisecond) // it is worked out beside
	}
	m := inbox.FindStringSubmatch(page)
	if m == nil {
		t.Fatal("what got worse is not in the inbox")
	}
	act := url.Values{"id": {m[1]}, "act": {"accept"}, "reason": {"checks its files now"}, "ends": {"worse"}, "worse": {"10"}}
	if code, page := submit(t, s.url+"regressions", act); code != 200 || !strings.Contains(page, "checks its files now") {
		t.Errorf("accepting: status %d", code)
	}
	// What was changed is in the audit log, in files too.
	if _, log := fetch(t, "GET", s.url+"api/v1/audit", nil); !strings.Contains(log, `"action":"policy.write","app":"app","subject":"pacer.yaml"`) ||
		!strings.Contains(log, `"action":"waiver.add","subject":"startup"`) || !strings.Contains(log, `"action":"alert.accepted"`) {
		t.Errorf("the audit log: %s", log)
	}
	s.interrupt(t)
	waivers, err := os.ReadFile(filepath.Join(dir, "pacer.waivers.yaml"))
	if err != nil || !strings.Contains(string(waivers), "worse_by: 120%") {
		t.Errorf("%v: the waivers are:\n%s", err, waivers)
	}
	out, err := pacerIn(dir, "alerts", "--state", "accepted").Output()
	if err != nil || !strings.Contains(string(out), "startup") {
		t.Errorf("%v: pacer alerts says %s", err, out)
	}
	if out, err := pacerIn(dir, "check").CombinedOutput(); err != nil {
		t.Errorf("what was accepted fails: %v: %s", err, out)
	}
}

// Where there are tokens, with --edit: files are for those who see every app and
// may write; acts for those who see the app and may write.
func TestServeEditTokens(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const policy = "app: app\nbudgets:\n  startup: {target: 3s}\n"
	file := filepath.Join(dir, "pacer.yaml")
	if err := os.WriteFile(file, []byte(policy), 0o666); err != nil {
		t.Fatal(err)
	}
	keep(t, dir, "01", 1)
	keep(t, dir, "02", 2)
	token := func(name string, flags ...string) string {
		_, secret, _ := said(t, dir, nil, append([]string{"token", "create", "--name", name}, flags...)...)
		return "Bearer " + strings.TrimSpace(secret)
	}
	all, own, other, read := token("all", "--role", "write"), token("own", "--app", "app", "--role", "write"), token("other", "--app", "other", "--role", "write"), token("read", "--role", "read")
	s := startServer(t, dir, "serve", "--edit", "--addr", "127.0.0.1:0")
	as := func(token, path string) string {
		_, page := fetch(t, "GET", s.url+path, func(r *http.Request) { r.Header.Set("Authorization", token) })
		return page
	}

	form := hidden(as(all, "budgets"))
	form.Set("metric.0", "startup")
	form.Set("target.0", "2500ms")
	form.Set("act", "save")
	for name, token := range map[string]string{"nobody": "", "the app's own": own, "another app's": other, "a reader's": read} {
		want := 403
		headers := []string{"Authorization", token}
		if token == "" {
			want, headers = 401, nil
		}
		if code, _ := submit(t, s.url+"budgets", form, headers...); code != want {
			t.Errorf("budgets by %s: status %d, want %d", name, code, want)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != policy {
		t.Fatalf("%v: the file is:\n%s", err, text)
	}
	if page := as(own, "budgets"); !strings.Contains(page, "startup") || !strings.Contains(page, "pacer token create --name me --role write") || strings.Contains(page, `method="post" action="budgets"`) {
		t.Error("the app's own token is not told what edits budgets, or is offered to")
	}
	if page := as(other, "budgets"); strings.Contains(page, "startup") || strings.Contains(page, "pacer.yaml") {
		t.Error("another app's token sees the budgets")
	}

	inbox := regexp.MustCompile(`name="id" value="([^"]*)"`)
	page := as(all, "regressions")
	for end := time.Now().Add(time.Minute); !inbox.MatchString(page) && time.Now().Before(end); page = as(all, "regressions") {
		time.Sleep(20 * time.Millisecond) // it is worked out beside
	}
	m := inbox.FindStringSubmatch(page)
	if m == nil {
		t.Fatal("what got worse is not in the inbox")
	}
	accept := url.Values{"id": {m[1]}, "act": {"accept"}, "reason": {"checks its files now"}, "ends": {"worse"}, "worse": {"10"}}
	if code, _ := submit(t, s.url+"regressions", accept, "Authorization", other); code != 404 {
		t.Errorf("another app's token accepts: status %d", code)
	}
	if code, _ := submit(t, s.url+"regressions", accept, "Authorization", read); code != 403 {
		t.Errorf("a reader accepts: status %d", code)
	}
	for end := time.Now().Add(time.Minute); !inbox.MatchString(as(own, "regressions")) && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond) // each view works it out for itself
	}
	// What the server accepts for one app is in the history alone.
	if code, _ := submit(t, s.url+"regressions", accept, "Authorization", own); code != 200 {
		t.Errorf("the app's own token accepts: status %d", code)
	}
	if _, err := os.Stat(filepath.Join(dir, "pacer.waivers.yaml")); err == nil {
		t.Error("a token of one app wrote the waivers of the server")
	}
	if code, _ := submit(t, s.url+"budgets", form, "Authorization", all); code != 200 {
		t.Errorf("budgets by who may: status %d", code)
	}
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), "2500ms") {
		t.Errorf("%v: the file is:\n%s", err, text)
	}
	log := as(token("admin", "--role", "admin"), "api/v1/audit")
	for _, want := range []string{`"actor":"own","remote":"127.0.0.1","action":"alert.accepted"`, `"actor":"all","remote":"127.0.0.1","action":"policy.write","app":"app"`} {
		if !strings.Contains(log, want) {
			t.Errorf("the audit log does not say %s: %s", want, log)
		}
	}
	s.interrupt(t)
}

// The files of one app are not edited from the pages of another.
func TestServeEditOtherApp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const policy = "app: other\nbudgets:\n  startup: {target: 3s}\n"
	file := filepath.Join(dir, "pacer.yaml")
	if err := os.WriteFile(file, []byte(policy), 0o666); err != nil {
		t.Fatal(err)
	}
	keep(t, dir, "01", 1)
	keep(t, dir, "02", 2)
	s := startServer(t, dir, "serve", "--edit", "--addr", "127.0.0.1:0")
	if _, page := fetch(t, "GET", s.url+"budgets?app=app", nil); strings.Contains(page, `method="post"`) || strings.Contains(page, "3s") {
		t.Error("the budgets of another app are shown, or can be edited")
	}
	for _, page := range []string{"budgets", "settings"} {
		if _, text := fetch(t, "GET", s.url+page+"?app=app", nil); !strings.Contains(text, "pacer.yaml is for other, and there are only runs of app") {
			t.Errorf("%s does not say whose policy there is", page)
		}
	}
	form := url.Values{"app": {"app"}, "metric.0": {"startup"}, "target.0": {"2s"}, "act": {"save"}, "was": {base64.StdEncoding.EncodeToString([]byte(policy))}}
	if code, _ := submit(t, s.url+"budgets", form); code != 403 {
		t.Errorf("budgets of another app: status %d", code)
	}
	code, text := fetch(t, "GET", s.url+"api/v1/alerts", nil)
	m := regexp.MustCompile(`"id":"([0-9a-f]+)","state"`).FindStringSubmatch(text)
	if code != 200 || m == nil {
		t.Fatalf("%d: the alerts are %s", code, text)
	}
	accept := url.Values{"id": {m[1] + ".0"}, "act": {"accept"}, "reason": {"checks its files now"}, "ends": {"worse"}, "worse": {"10"}}
	if code, _ := submit(t, s.url+"regressions", accept); code != 200 {
		t.Errorf("accepting: status %d", code)
	}
	s.interrupt(t)
	if _, err := os.Stat(filepath.Join(dir, "pacer.waivers.yaml")); err == nil {
		t.Error("what was accepted of one app is a waiver of another")
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != policy {
		t.Errorf("%v: the file is:\n%s", err, text)
	}
}
