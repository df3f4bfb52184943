package app_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/examples/cuepoint/app"
	"github.com/pacer-perf/pacer/examples/cuepoint/library"
	"github.com/pacer-perf/pacer/internal/policy"
)

// window is CuePoint's window in this process.
type window struct {
	t   *testing.T
	url string
	end func() (status int, stderr string)
}

// serve opens a window, which is closed with the test if it is not before.
func serve(t *testing.T, args ...string) *window {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	in, out := io.Pipe()
	var stderr bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		defer out.Close()
		ended <- app.Main(ctx, append([]string{"serve"}, args...), out, &stderr)
	}()
	w := &window{t: t}
	w.end = sync.OnceValues(func() (int, string) {
		cancel()
		go io.Copy(io.Discard, in)
		return <-ended, stderr.String()
	})
	t.Cleanup(func() { w.end() })
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil {
		status, stderr := w.end()
		t.Fatalf("status %d: %s", status, stderr)
	}
	w.url = strings.TrimSpace(line)
	return w
}

// get asks for a path and returns the answer.
func (w *window) get(path string) (status int, body string, header http.Header) {
	w.t.Helper()
	answer, err := http.Get(w.url + path)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.read(answer)
}

func (w *window) post(path, kind, body string) (status int, text string, header http.Header) {
	w.t.Helper()
	answer, err := http.Post(w.url+path, kind, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	return w.read(answer)
}

func (w *window) read(answer *http.Response) (int, string, http.Header) {
	w.t.Helper()
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer.StatusCode, string(body), answer.Header
}

// block is a part of the table.
type block struct {
	Left, First int
	Rows        [][]string
}

func (w *window) rows(q string, first, n int) block {
	w.t.Helper()
	var b block
	status, body, _ := w.get("rows?" + url.Values{"q": {q}, "first": {fmt.Sprint(first)}, "n": {fmt.Sprint(n)}}.Encode())
	if err := json.Unmarshal([]byte(body), &b); err != nil || status != http.StatusOK {
		w.t.Fatalf("rows of %q: %d, %v, %s", q, status, err, body)
	}
	return b
}

func TestServe(t *testing.T) {
	t.Parallel()
	path, _ := generate(t, library.Config{Seed: 41, Tracks: 300, Rekordbox: 7})
	runs := filepath.Join(t.TempDir(), "new", "runs")
	w := serve(t, "--library", path, "--history", runs)

	// Without script: pages of a hundred rows, and the filter by GET.
	status, page, header := w.get("")
	if status != http.StatusOK || strings.Count(page, "<tr><th scope=\"row\">") != 100 || !strings.Contains(page, "300 tracks") || !strings.Contains(page, `rel="next" href="./?page=2&amp;q="`) {
		t.Fatalf("the table: %d, %.2000s", status, page)
	}
	if csp := header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-src 'self'") {
		t.Errorf("the policy is %q", csp)
	}
	if _, page, _ := w.get("?page=3&q="); strings.Count(page, "<tr><th scope=\"row\">") != 100 || strings.Contains(page, "rel=\"next\"") || !strings.Contains(page, "rel=\"prev\"") {
		t.Error("the third page is not the last")
	}
	all := w.rows("house", 0, 200)
	if all.Left == 0 || all.Left != len(all.Rows) || all.Left == 300 {
		t.Fatalf("house leaves %d, %d rows", all.Left, len(all.Rows))
	}
	_, page, _ = w.get("?q=house")
	if !strings.Contains(page, fmt.Sprintf("%d of 300 tracks", all.Left)) || !strings.Contains(page, `value="house"`) {
		t.Errorf("the filter without script: %.1500s", page)
	}
	if part := w.rows("house", 3, 2); part.First != 3 || len(part.Rows) != 2 || part.Rows[0][0] != all.Rows[3][0] || part.Left != all.Left {
		t.Errorf("a part of the table: %+v", part)
	}
	if none := w.rows("no such track anywhere", 0, 10); none.Left != 0 || none.Rows == nil {
		t.Errorf("nothing matches: %+v", none)
	}
	if beyond := w.rows("", 1<<40, 10); len(beyond.Rows) != 0 || beyond.Left != 300 {
		t.Errorf("beyond the end: %+v", beyond)
	}
	if _, page, _ := w.get("?q=%3Cscript%3E"); strings.Contains(page, "<script>") || !strings.Contains(page, "No track matches") {
		t.Error("what was typed is in the page as it is")
	}

	// Matching, with progress.
	if status, _, _ := w.post("match", "application/x-www-form-urlencoded", ""); status != http.StatusOK { // after the redirect
		t.Errorf("match: %d", status)
	}
	var p struct {
		Done, Total int
		Running     bool
		Error       string
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		_, body, _ := w.get("progress")
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			t.Fatal(err)
		}
		if !p.Running {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("still matching: %+v", p)
		}
	}
	if p.Done != 300 || p.Total != 300 || p.Error != "" {
		t.Errorf("matched: %+v", p)
	}
	for _, row := range w.rows("", 0, 200).Rows {
		if row[7] == "" {
			t.Fatalf("%s was not matched", row[0])
		}
	}

	// What the browser saw.
	if status, _, _ := w.post("beacon", "text/plain", `{"filter":[12.5,40]}`); status != http.StatusNoContent {
		t.Errorf("the beacon: %d", status)
	}
	for _, bad := range []string{"", "{", `{"filter":[-1]}`, `{"filter":[1e9]}`, `{"filter":["x"]}`, `{"filter":[` + strings.Repeat("1,", 20_000) + `1]}`} {
		if status, _, _ := w.post("beacon", "text/plain", bad); status != http.StatusBadRequest {
			t.Errorf("the beacon %.30s: %d", bad, status)
		}
	}
	for _, bad := range []string{"rows", "rows?first=0", "rows?first=-1&n=5", "rows?first=0&n=201", "rows?first=x&n=1"} {
		if status, body, _ := w.get(bad); status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", bad, status, body)
		}
	}

	// Settings, and the dashboard in it.
	if status, page, _ := w.get("settings"); status != http.StatusOK || !strings.Contains(page, `src="settings/performance/?embed=1&amp;card=1"`) {
		t.Errorf("settings: %d %s", status, page)
	}
	for _, path := range []string{"settings/performance/?embed=1&card=1", "settings/performance/", "settings/performance/live", "settings/performance/history"} {
		if status, page, _ := w.get(path); status != http.StatusOK {
			t.Errorf("%s: %d %s", path, status, page)
		}
	}
	_, page, _ = w.get("settings/performance/")
	for _, want := range []string{"Performance Metrics", "table.filter", "track.process", "ui.response", "ui.filter.visible", "memory.peak"} {
		if !strings.Contains(page, want) {
			t.Errorf("the dashboard does not show %s", want)
		}
	}

	// From elsewhere nothing is to be had.
	for name, edit := range map[string]func(*http.Request){
		"another name":   func(r *http.Request) { r.Host = "evil.example.org" },
		"another origin": func(r *http.Request) { r.Header.Set("Origin", "https://evil.example.org") },
	} {
		r, err := http.NewRequest(http.MethodPost, w.url+"match", nil)
		if err != nil {
			t.Fatal(err)
		}
		edit(r)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode < 400 {
			t.Errorf("%s: %d", name, answer.StatusCode)
		}
	}

	// Ctrl-C is how it is meant to end; the run is kept.
	if status, stderr := w.end(); status != 0 {
		t.Errorf("status %d: %s", status, stderr)
	}
	files, err := filepath.Glob(filepath.Join(runs, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("kept: %v, %v", files, err)
	}
	r := readRun(t, files[0])
	for name, count := range map[string]int64{"startup": 1, "track.process": 300, "ui.filter.visible": 2} {
		if m := r.Find(name, nil); m == nil || m.Count() != count {
			t.Errorf("%s is %+v, want %d observations", name, m, count)
		}
	}
	if m := r.Find("ui.response", nil); m == nil || m.Count() < 20 {
		t.Errorf("ui.response is %+v", m)
	}
}

// Matching can be stopped, and begun anew.
func TestServeStop(t *testing.T) {
	t.Parallel()
	w := serve(t)
	for range 3 {
		w.post("match", "", "")
		w.post("match", "", "") // while it goes on
		w.post("stop", "", "")
		if _, body, _ := w.get("progress"); !strings.Contains(body, `"running":false`) || !strings.Contains(body, `"error":""`) {
			t.Errorf("after the stop: %s", body)
		}
	}
	w.post("match", "", "")
	if status, stderr := w.end(); status != 0 { // while it goes on
		t.Errorf("status %d: %s", status, stderr)
	}
}

func TestServeTrouble(t *testing.T) {
	t.Parallel()
	nope := filepath.Join(t.TempDir(), "nope.xml")
	_, notThere := os.Open(nope)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--nope"}, "cuepoint: flag provided but not defined: -nope\nhint: cuepoint serve -h lists the flags\n"},
		{[]string{"x"}, "cuepoint: unexpected argument \"x\"\nhint: cuepoint serve -h lists the flags\n"},
		{[]string{"--addr", "x"}, "cuepoint: --addr x: expected HOST:PORT\nhint: --addr 127.0.0.1:0\n"},
		{[]string{"--addr", ":0"}, "cuepoint: --addr :0: others could reach that: expected an address of this machine alone\nhint: --addr 127.0.0.1:0\n"},
		{[]string{"--library", nope}, fmt.Sprintf("cuepoint: %v\nhint: make one in rekordbox with File > Export Collection in xml format\n", notThere)},
	} {
		if status, stdout, stderr := cuepoint(append([]string{"serve"}, tt.args...)...); status != 2 || stdout != "" || stderr != tt.want {
			t.Errorf("%q: status %d, stdout %q, stderr\n%swant\n%s", tt.args, status, stdout, stderr, tt.want)
		}
	}
	if status, stdout, _ := cuepoint("serve", "-h"); status != 0 || !strings.Contains(stdout, "cuepoint serve [flags]") || !strings.Contains(stdout, "-history DIR") {
		t.Errorf("help: %d\n%s", status, stdout)
	}
}

// The window promises what pacer.yaml does.
func TestServeBudgets(t *testing.T) {
	t.Parallel()
	p, err := policy.Read(bytes.NewReader(app.Policy), "pacer.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, page, _ := serve(t).get("settings/performance/")
	for _, b := range p.Budgets {
		row := page[strings.Index(page, `<tr><th scope="row">`+string(b.Metric)+" <small>"):]
		row = row[:strings.Index(row, "</tr>")]
		for tier, limit := range b.Limits {
			text := fmt.Sprintf("%g", limit.Value)
			switch {
			case limit.Unit == "bytes":
				text = strings.ReplaceAll(fmt.Sprintf("%g\u202fMB", limit.Value/(1<<20)), "1000", "1\u202f000")
			case limit.Value < 1:
				text = fmt.Sprintf("%g\u202fms", limit.Value*1000)
			default:
				text += "\u202fs"
			}
			if !strings.Contains(row, ">"+text+"<") {
				t.Errorf("%s: the %s is not %s in %s", b.Metric, tier, text, row)
			}
		}
	}
}
