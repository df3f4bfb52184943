//go:build unix

package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/history/sqlite"
	"github.com/pacer-perf/pacer/run"
)

// child is a process that serves, with the address it wrote.
type child struct {
	*exec.Cmd
	url    string
	errors *strings.Builder
}

// startServer starts this program in a folder and reads the address.
func startServer(t *testing.T, dir string, args ...string) *child {
	t.Helper()
	c := &child{Cmd: pacerIn(dir, args...), errors: &strings.Builder{}}
	c.Env = append(c.Env, "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))
	c.Stderr = c.errors
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	t.Cleanup(func() {
		if !ended && c.ProcessState == nil {
			c.Process.Kill()
			c.Wait()
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		c.Wait()
		ended = true
		t.Fatalf("no address: %v: %s", err, c.errors)
	}
	c.url = strings.TrimSpace(line)
	return c
}

// interrupt ends it as Ctrl-C does, and wants that to be no failure.
func (c *child) interrupt(t *testing.T) {
	t.Helper()
	c.Process.Signal(syscall.SIGINT)
	if err := c.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v: %s", err, c.errors)
	}
}

// fetch asks for an address; edit may change the request.
func fetch(t *testing.T, method, url string, edit func(*http.Request)) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(r)
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

// keep puts a run into the history of a folder.
func keep(t *testing.T, dir, id string, startup float64) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, ".pacer", "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	r := &run.Run{ID: id, App: "app", Version: "v" + id, Timestamp: time.Now(), Metrics: []run.Metric{{Name: "startup", Unit: "s", Samples: []float64{startup}}}}
	if _, err := store.Append(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

// It shows a history from before its first run on, to this machine alone, until
// Ctrl-C.
func TestServe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".pacer"), 0o777); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, dir, "serve", "--addr", "127.0.0.1:0")
	if code, body := fetch(t, "GET", s.url, nil); code != 200 || !strings.Contains(body, "No samples yet") {
		t.Errorf("without a history: %d", code)
	}
	keep(t, dir, "01", 1)
	if code, body := fetch(t, "GET", s.url, nil); code != 200 || !strings.Contains(body, "v01") {
		t.Errorf("a run that was recorded meanwhile is not shown: %d", code)
	}
	keep(t, dir, "02", 2)
	if _, body := fetch(t, "GET", s.url, nil); !strings.Contains(body, "1 regression") {
		t.Error("the second run is not judged")
	}
	for host, want := range map[string]int{"evil.example": 421, "localhost.evil.example:80": 421, "127.0.0.1": 200, "localhost:7717": 200, "pacer.localhost": 200, "[::1]:1": 200, "10.0.0.1": 421, "": 421} {
		got, _ := fetch(t, "GET", s.url, func(r *http.Request) {
			if r.Host = host; host == "" {
				r.Host = "0"
			}
		})
		if got != want {
			t.Errorf("a request to host %q: status %d, want %d", host, got, want)
		}
	}
	if got, _ := fetch(t, "POST", s.url, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }); got != 403 {
		t.Errorf("a form of another site: status %d", got)
	}
	s.interrupt(t)
	if _, err := http.Get(s.url); err == nil {
		t.Error("it still answers")
	}
	left, err := os.ReadDir(filepath.Join(dir, ".pacer"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		if !strings.HasPrefix(f.Name(), "history.db") {
			t.Errorf("%s is left behind", f.Name())
		}
	}
}

// The history is where --history says; its file may appear later.
func TestServeAddress(t *testing.T) {
	t.Parallel()
	dir, elsewhere := t.TempDir(), t.TempDir()
	file := filepath.Join(elsewhere, ".pacer", "history.db")
	s := startServer(t, dir, "serve", "--addr", "127.0.0.1:0", "--history", "sqlite:"+file)
	if code, body := fetch(t, "GET", s.url, nil); code != 200 || !strings.Contains(body, "No samples yet") {
		t.Errorf("before it is there: %d", code)
	}
	keep(t, elsewhere, "07", 1)
	if _, body := fetch(t, "GET", s.url, nil); !strings.Contains(body, "v07") {
		t.Error("the run that it has is not shown")
	}
	if _, body := fetch(t, "GET", s.url+"settings", nil); !strings.Contains(body, file) {
		t.Error("the settings do not name the file")
	}
	// Another file in its place is another history.
	if err := os.RemoveAll(filepath.Dir(file)); err != nil {
		t.Fatal(err)
	}
	keep(t, elsewhere, "08", 1)
	if _, body := fetch(t, "GET", s.url, nil); !strings.Contains(body, "v08") || strings.Contains(body, "v07") {
		t.Error("the file that was replaced is still shown")
	}
	if err := os.WriteFile(file, []byte("no database, but long enough to be taken for one that is broken"), 0o666); err != nil {
		t.Fatal(err)
	}
	if code, body := fetch(t, "GET", s.url+"runs", nil); code != 200 || !strings.Contains(body, "08") {
		t.Errorf("a file that was destroyed: status %d: what was known is gone", code)
	}
	s.interrupt(t)
}

func TestServeDemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startServer(t, dir, "serve", "--demo", "--addr", "localhost:0")
	if code, body := fetch(t, "GET", s.url, nil); code != 200 || !strings.Contains(body, "made-up year") || !strings.Contains(body, "1 regression: startup") {
		t.Errorf("the demo: %d", code)
	}
	for page, says := range map[string]string{
		"metric?m=startup": "<h1>startup</h1>", "export.md": "### ↑ Performance: `startup` is", "compare": "1 regressed",
		"report.html": "default-src &#39;none&#39;; style-src", "report.html?a=2.3.20&b=2.4.1": "2.3.20", "export.json": `"schema": "pacer.verdict/v1"`,
	} {
		if code, body := fetch(t, "GET", s.url+page, nil); code != 200 || !strings.Contains(body, says) {
			t.Errorf("%s: status %d: %.300s", page, code, body)
		}
	}
	s.interrupt(t)
	for _, made := range []string{".", ".pacer", "tmp"} { // what pacerIn made is empty still
		left, err := os.ReadDir(filepath.Join(dir, made))
		if err != nil || made == "." && len(left) != 2 || made != "." && len(left) > 0 {
			t.Errorf("the demo leaves %v behind in %s, %v", left, made, err)
		}
	}
}

// open finds who serves already, else serves itself; the browser gets the page
// of the metric.
func TestOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keep(t, dir, "01", 1)
	// A browser of its own kind: it notes what it is to open.
	opened := filepath.Join(dir, "opened")
	for _, name := range []string{"xdg-open", "open"} {
		if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o777); err != nil {
			t.Fatal(err)
		}
		script := fmt.Sprintf("#!/bin/sh\necho \"$1\" >> %s\n", opened)
		if err := os.WriteFile(filepath.Join(dir, "bin", name), []byte(script), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	s := startServer(t, dir, "open", "startup")
	base, page, _ := strings.Cut(s.url, "metric?")
	if page != "m=startup" {
		t.Errorf("it opens %s", s.url)
	}
	if code, body := fetch(t, "GET", s.url, nil); code != 200 || !strings.Contains(body, "<h1>startup</h1>") {
		t.Errorf("the page of the metric: %d", code)
	}
	for _, tt := range []struct {
		args   []string
		stdout string
	}{
		{[]string{"open"}, base},
		{[]string{"open", "--no-browser", "start*"}, base + "metric?m=startup"},
	} {
		cmd := pacerIn(dir, tt.args...)
		cmd.Env = append(cmd.Env, "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))
		out, err := cmd.Output()
		if err != nil || strings.TrimSpace(string(out)) != tt.stdout {
			t.Errorf("%v while it is shown: %v, %q, want %q", tt.args, err, out, tt.stdout)
		}
	}
	s.interrupt(t)
	got, err := os.ReadFile(opened)
	if want := s.url + "\n" + base + "\n"; err != nil || string(got) != want {
		t.Errorf("the browser opened %q, want %q", got, want)
	}
	// A note of one that was killed misleads nobody.
	if err := os.WriteFile(filepath.Join(dir, ".pacer", "serve.json"), []byte(`{"url":"`+base+`","pid":1}`), 0o666); err != nil {
		t.Fatal(err)
	}
	again := startServer(t, dir, "open", "--no-browser")
	if code, _ := fetch(t, "GET", again.url, nil); code != 200 {
		t.Errorf("after a server that was killed: %d", code)
	}
	again.interrupt(t)
}
