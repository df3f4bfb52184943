//go:build unix

package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// said runs pacer in a folder and returns its status and what it wrote.
func said(t *testing.T, dir string, env []string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	cmd := pacerIn(dir, args...)
	cmd.Env = append(cmd.Env, env...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.ExitCode(), out.String(), errs.String()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, out.String(), errs.String()
}

// Push sends what a server does not have, and keeps what it could not send for
// the next time.
func TestPush(t *testing.T) {
	t.Parallel()
	there, here := t.TempDir(), t.TempDir()
	_, secret, _ := said(t, there, nil, "token", "create", "--name", "ci", "--role", "ingest,read")
	env := []string{"PACER_TOKEN=" + strings.TrimSpace(secret)}
	s := startServer(t, there, "serve", "--addr", "127.0.0.1:0")
	push := func(status int, says string, more ...string) {
		t.Helper()
		got, _, text := said(t, here, env, append([]string{"push", "--patience", "1ms", s.url}, more...)...)
		if got != status || !strings.Contains(text, says) {
			t.Fatalf("push: status %d, want %d; %q does not say %q", got, status, text, says)
		}
	}
	keep(t, here, "01", 1)
	keep(t, here, "02", 1)
	if got, _, text := said(t, here, nil, "push", s.url); got != 2 || !strings.Contains(text, "401") || !strings.Contains(text, "2 runs wait for the next push") {
		t.Errorf("without a token: %d, %s", got, text)
	}
	push(0, "2 runs to send", "--dry-run")
	push(0, "2 runs sent to 127.0.0.1")
	push(0, "0 runs to send")
	push(0, "0 new, 2 known there", "--all")
	var list struct{ Runs []struct{ ID string } }
	_, body := fetch(t, "GET", s.url+"api/v1/runs", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(secret)) })
	if err := json.Unmarshal([]byte(body), &list); err != nil || len(list.Runs) != 2 {
		t.Fatalf("the server has %.300s (%v)", body, err)
	}
	// What the server has under an id with other content stays there.
	keep(t, there, "03", 1)
	keep(t, here, "03", 2)
	keep(t, here, "04", 2)
	push(2, "run 03 is in the history with other content")
	push(2, "1 run sent to 127.0.0.1")
	// A list that was cut off by an interrupt forgets one run, which is sent again.
	lists, err := filepath.Glob(filepath.Join(here, ".pacer", "pushed-*.txt"))
	if err != nil || len(lists) != 1 {
		t.Fatalf("%v, %v", lists, err)
	}
	text, err := os.ReadFile(lists[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lists[0], text[:len(text)-2], 0o666); err != nil {
		t.Fatal(err)
	}
	push(2, "0 new, 1 known there, 1 rejected")
	// A server that is away is tried again the next time.
	s.interrupt(t)
	keep(t, here, "05", 1)
	if got, _, text := said(t, here, env, "push", "--patience", "1ms", s.url); got != 2 || !strings.Contains(text, "2 runs wait for the next push") {
		t.Errorf("while it is away: %d, %s", got, text)
	}
	address := strings.TrimSuffix(strings.TrimPrefix(s.url, "http://"), "/")
	s = startServer(t, there, "serve", "--addr", address)
	push(2, "1 new, 0 known there, 1 rejected")
	s.interrupt(t)
}

// Others are let in once there are tokens, with TLS or without.
func TestServeOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, secret, _ := said(t, dir, nil, "token", "create", "--name", "me", "--role", "admin")
	token := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(secret)) }
	s := startServer(t, dir, "serve", "--addr", "0.0.0.0:0", "--log", "json")
	base := "http://127.0.0.1:" + s.url[strings.LastIndexByte(s.url, ':')+1:]
	if code, _ := fetch(t, "GET", base+"api/v1/apps", nil); code != 401 {
		t.Errorf("without a token: %d", code)
	}
	if code, body := fetch(t, "GET", base+"api/v1/apps", func(r *http.Request) { token(r); r.Host = "pacer.example" }); code != 200 {
		t.Errorf("with a token: %d: %s", code, body)
	}
	// A browser is asked to sign in.
	if code, body := fetch(t, "GET", base+"runs", nil); code != 200 || !strings.Contains(body, `<input type="password" name="token"`) {
		t.Errorf("a browser: %d", code)
	}
	if code, body := fetch(t, "GET", base+"metrics", token); code != 200 || !strings.Contains(body, "server_request_seconds_count") {
		t.Errorf("/metrics: %d", code)
	}
	s.interrupt(t)
	for _, want := range []string{`"msg":"request"`, `"path":"/api/v1/apps","status":401`} {
		if !strings.Contains(s.errors.String(), want) {
			t.Errorf("the log does not say %s:\n%s", want, s.errors)
		}
	}
	if !strings.Contains(s.errors.String(), "warning: without TLS, tokens can be read on their way") || strings.Contains(s.errors.String(), "may do everything") {
		t.Errorf("what others could do: %s", s.errors)
	}
	if strings.Contains(s.errors.String(), strings.TrimSpace(secret)[20:]) {
		t.Error("the log tells the token")
	}
}

// Without tokens nobody else is served, unless that is asked for; then nobody
// acts by the name of who started it.
func TestServeInsecure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keep(t, dir, "01", 1)
	keep(t, dir, "02", 2)
	for _, args := range [][]string{{"--addr", "0.0.0.0:0"}, {"--addr", ":0"}, {"--addr", "127.0.0.1:0", "--behind-proxy"}, {"--addr", "0.0.0.0:0", "--public-read"}} {
		if got, _, text := said(t, dir, nil, append([]string{"serve"}, args...)...); got != 2 || !strings.Contains(text, "pacer token create --name me --role admin") {
			t.Errorf("%v: %d, %s", args, got, text)
		}
	}
	s := startServer(t, dir, "serve", "--addr", "0.0.0.0:0", "--insecure", "--edit")
	base := "http://127.0.0.1:" + s.url[strings.LastIndexByte(s.url, ':')+1:]
	code, text := fetch(t, "GET", base+"api/v1/alerts", nil)
	m := regexp.MustCompile(`"id":"([0-9a-f]+)","state"`).FindStringSubmatch(text)
	if code != 200 || m == nil {
		t.Fatalf("%d: the alerts are %s", code, text)
	}
	form := url.Values{"id": {m[1] + ".0"}, "act": {"dismiss"}, "reason": {"a busy machine"}}
	if code, page := submit(t, base+"regressions", form); code != 422 || !strings.Contains(page, "Expected who does this") {
		t.Errorf("an act by nobody: status %d", code)
	}
	form.Set("author", "Ann")
	if code, _ := submit(t, base+"regressions", form); code != 200 {
		t.Errorf("an act by Ann: status %d", code)
	}
	s.interrupt(t)
	if !strings.Contains(s.errors.String(), "whoever reaches 0.0.0.0:0 may do everything") {
		t.Errorf("it does not warn: %s", s.errors)
	}
}
