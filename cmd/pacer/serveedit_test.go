//go:build unix

package main

import (
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
