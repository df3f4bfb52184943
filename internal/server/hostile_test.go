package server

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/pgtest"
	"github.com/pacer-perf/pacer/internal/history/sqlite"
)

// attack is one malformed request. In its path, headers and body, APP stands
// for the name of an app.
type attack struct {
	name, method, path string
	token              string // ingest, read, admin (of the app mine), none, or a text
	headers            []string
	body               []byte
	endless            bool // the body goes on for ever
}

// What is told about an app that is another's, and about one that is not there.
const theirs, nobodys = "theirs", "nobody"

// A hostile client gets no 5xx, leaves no row and no growth, and learns nothing
// of apps that are not its own.
//
// It is not parallel: what the heap holds is to be its own.
func TestHostile(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "history.db"))
		if err != nil {
			t.Fatal(err)
		}
		hostile(t, store, 64<<10)
	})
	t.Run("postgres", func(t *testing.T) {
		// It writes its log ahead, and maps of what is free, when it likes to.
		hostile(t, openPostgres(t, pgtest.Address(t)), 1<<20)
	})
}

// hostile makes every attack on a server over a store, whose size may change by
// so many bytes.
func hostile(t *testing.T, store history.Store, slack int64) {
	h := over(t, store, func(c *Config) {
		c.Limits.Body, c.Limits.Decoded, c.Limits.Run, c.Limits.Metrics = 4<<20, 24<<20, 4<<20, 1000
		c.PublicRead = false
	})
	tokens := map[string]string{"none": "", "ingest": h.token("mine", "ingest"), "read": h.token("mine", "read"), "admin": h.token("mine", "admin"), "all": h.token("", "admin")}
	h.want(200, nil, "POST", "/api/v1/runs", tokens["all"], append(lined("mine", 0, 3), lined(theirs, 10, 13)...), "Content-Type", ndjson)
	for name := range tokens { // so that their use is noted before it is counted
		h.ask("GET", "/api/v1/apps", tokens[name], nil)
	}
	list := attacks()
	if t.Logf("%d attacks", len(list)); len(list) < 200 {
		t.Error("want 200")
	}
	state := func() string {
		t.Helper()
		ctx := t.Context()
		acts, err1 := store.Acts(ctx, history.ActFilter{})
		audit, err2 := store.AuditLog(ctx, history.AuditFilter{})
		list, err3 := store.Tokens(ctx, "")
		set, err4 := store.Baselines(ctx)
		metrics, err5 := store.Metrics(ctx, "")
		waiting, err6 := store.Waiting(ctx, verdictKind)
		for _, err := range []error{err1, err2, err3, err4, err5, err6} {
			if err != nil {
				t.Fatal(err)
			}
		}
		return fmt.Sprint(h.runs(), " runs, ", len(acts), " acts, ", len(audit), " entries, ", len(list), " tokens, ", len(set), " baselines, ", len(metrics), " metrics, ", waiting, " jobs")
	}
	room := func() int64 {
		t.Helper()
		n, err := store.Size(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before, heap, size := state(), settledHeap(), room()
	names := make(map[string]bool)
	for _, a := range list {
		if names[a.name] {
			t.Errorf("%s: there twice", a.name)
		}
		names[a.name] = true
		first := h.attack(t, a, tokens, theirs)
		if first.Code >= 500 {
			t.Errorf("%s: status %d: %.300s", a.name, first.Code, first.Body)
		}
		if second := h.attack(t, a, tokens, nobodys); said1(first) != said1(second) {
			t.Errorf("%s: an app that is another's is told from none:\n%s\n%s", a.name, said1(first), said1(second))
		}
	}
	if after := state(); after != before {
		t.Errorf("before: %s\nafter:  %s", before, after)
	}
	if after := settledHeap(); after > heap+16<<20 {
		t.Errorf("the heap grew from %d to %d bytes", heap, after)
	}
	if after := room(); after > size+slack {
		t.Errorf("the store grew from %d to %d bytes", size, after)
	}
	t.Run("raw", func(t *testing.T) { rawAttacks(t, h) })
}

// attack makes a request, with a name for APP.
func (h *harness) attack(t *testing.T, a attack, tokens map[string]string, app string) *httptest.ResponseRecorder {
	path := strings.ReplaceAll(a.path, "APP", app)
	at, err := url.ParseRequestURI(path)
	if err != nil {
		at = &url.URL{Path: path}
	}
	var body io.Reader = bytes.NewReader(bytes.ReplaceAll(a.body, []byte("APP"), []byte(app)))
	if a.endless {
		body = io.MultiReader(body, endless{})
	}
	r := httptest.NewRequest(http.MethodPost, "/", body).WithContext(t.Context())
	r.Method, r.URL, r.RequestURI, r.Host = a.method, at, path, "pacer.example"
	token, known := tokens[a.token]
	if !known {
		token = a.token
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(a.headers); i += 2 {
		r.Header.Set(a.headers[i], strings.ReplaceAll(a.headers[i+1], "APP", app))
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// said1 is what an answer tells, without what names the request, or the app
// that was asked for.
func said1(w *httptest.ResponseRecorder) string {
	body := w.Body.String()
	var e Error
	if json.Unmarshal(w.Body.Bytes(), &e) == nil && e.Request != "" {
		body = strings.ReplaceAll(body, e.Request, "")
	}
	return strings.NewReplacer(theirs, "APP", nobodys, "APP").Replace(fmt.Sprint(w.Code, " ", w.Header().Get("Content-Type"), " ", w.Header().Get("Location"), " ", body))
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func settledHeap() int64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// attacks are the malformed requests.
func attacks() []attack {
	var list []attack
	add := func(a attack) { list = append(list, a) }
	js, nd := []string{"Content-Type", jsonType}, []string{"Content-Type", ndjson}
	_, good := typical("mine", 99)

	// Who they are not.
	goodToken := "pacer_0000000000_" + strings.Repeat("0", 59)
	for i, token := range []string{"none", "x", "pacer_", "pacer_x_y", goodToken, strings.Repeat("a", 20_000), "pacer_' OR 1=1 --", "\x01", "Bearer", "pacer_" + strings.Repeat("_", 70)} {
		add(attack{name: fmt.Sprint("wrong token ", i), method: "POST", path: "/api/v1/runs", token: token, headers: js, body: good})
		add(attack{name: fmt.Sprint("wrong token, reading ", i), method: "GET", path: "/api/v1/runs?app=APP", token: token})
	}
	for _, scheme := range []string{"Basic Og==", "Digest x", "Bearer", "bearer  ", "Token x y z"} {
		add(attack{name: "scheme " + scheme, method: "GET", path: "/api/v1/apps", token: "none", headers: []string{"Authorization", scheme}})
	}
	for _, cookie := range []string{"pacer_session=x", "pacer_session=", "pacer_session=" + strings.Repeat("0", 9000), "__Host-pacer_session=' OR 1=1", ";;;="} {
		add(attack{name: "cookie " + cookie[:min(len(cookie), 30)], method: "GET", path: "/api/v1/apps", token: "none", headers: []string{"Cookie", cookie}})
	}
	// What their token is not for.
	_, foreign := typical("APP", 98)
	for _, kind := range []string{jsonType, ndjson} {
		add(attack{name: "another app's run, " + kind, method: "POST", path: "/api/v1/runs", token: "ingest", headers: []string{"Content-Type", kind}, body: foreign})
	}
	for _, path := range []string{"/api/v1/runs?app=APP", "/api/v1/metrics?app=APP", "/api/v1/series?metric=metric.00&app=APP", "/api/v1/verdicts?app=APP", "/api/v1/alerts?app=APP", "/api/v1/compare?run=latest&app=APP", "/api/v1/audit?app=APP", "/?app=APP", "/runs?app=APP"} {
		for _, token := range []string{"none", "ingest", "read", "admin"} {
			add(attack{name: token + " asks for " + path, method: "GET", path: path, token: token})
		}
	}
	for _, op := range []struct{ method, path, body string }{
		{"DELETE", "/api/v1/runs/R00000011", ""}, {"GET", "/api/v1/runs/R00000011", ""}, {"GET", "/api/v1/verdicts/R00000011", ""}, {"PUT", "/api/v1/baselines", `{"run":"R00000011"}`}, {"DELETE", "/api/v1/baselines?run=R00000011", ""},
		{"POST", "/api/v1/tokens", `{"name":"x","app":"APP","roles":["admin"]}`}, {"POST", "/api/v1/import?app=APP", "BenchmarkA 1 1 ns/op\n"}, {"DELETE", "/api/v1/tokens/nothing", ""}, {"POST", "/api/v1/alerts/nothing/acts", `{"kind":"fixed","reason":"because it is"}`},
	} {
		for _, token := range []string{"none", "read", "ingest", "admin"} {
			add(attack{name: token + " does " + op.method + " " + op.path, method: op.method, path: op.path, token: token, headers: js, body: []byte(op.body)})
		}
	}
	// Paths that lead elsewhere.
	for _, path := range []string{"/api/v1/runs/../../../etc/passwd", "/api/v1/runs/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/api/v1/runs/..%5c..%5cx", "//api//v1//runs", "/api/v1/runs/%00", "/api/v1/runs/R0%0d%0aSet-Cookie:%20a=b", "/static/../../go.mod",
		"/static/%2e%2e/x", "/static/", "/api/v1/runs/" + strings.Repeat("A", 8000), "/api/v1/runs/%ff%fe", "/api/v1/runs//", "/api/v2/runs", "/api", "/.git/config", "/api/v1/openapi.json/..", "/api/v1/runs/{id}", "/v1/traces", "/signin/../tokens", "/;/tokens", "/tokens%2f"} {
		add(attack{name: "path " + path[:min(len(path), 60)], method: "GET", path: path, token: "read"})
	}
	// SQL, templates and script in names.
	for i, text := range []string{"'; DROP TABLE runs; --", `" OR "1"="1`, "x' UNION SELECT hash FROM tokens --", "%' OR 1=1 --", "{{.}}", "<script>alert(1)</script>", "${jndi:ldap://x}", "\x00", "\u202e", strings.Repeat("é", 3000)} {
		q := url.QueryEscape(text)
		add(attack{name: fmt.Sprint("text as app ", i), method: "GET", path: "/api/v1/runs?app=" + q, token: "read"})
		add(attack{name: fmt.Sprint("text as metric ", i), method: "GET", path: "/api/v1/series?metric=" + q + "&unit=" + q + "&branch=" + q, token: "read"})
		add(attack{name: fmt.Sprint("text as run ", i), method: "GET", path: "/api/v1/compare?run=" + q + "&baseline=" + q, token: "read"})
		add(attack{name: fmt.Sprint("text as id ", i), method: "DELETE", path: "/api/v1/runs/" + url.PathEscape(text), token: "admin"})
	}
	// Parameters that are none.
	for _, q := range []string{"limit=-1", "limit=0", "limit=1e9", "limit=99999999999999999999", "limit=x", "before=x", "before=!!!!", "before=" + url.QueryEscape(strings.Repeat("A", 5000)), "since=yesterday", "since=99999-01-01", "until=%00", "limit=1&limit=-1", "%zz", "a=%"} {
		add(attack{name: "runs?" + q[:min(len(q), 40)], method: "GET", path: "/api/v1/runs?" + q, token: "read"})
	}
	for _, q := range []string{"", "metric=", "metric=a&last=-1", "metric=a&last=1000000000", "metric=a&since=x"} {
		add(attack{name: "series?" + q, method: "GET", path: "/api/v1/series?" + q, token: "read"})
	}
	// What is no text.
	for _, bad := range []string{"%ff", "%00", "a%c3", "%ed%a0%80"} {
		for _, path := range []string{"/api/v1/runs?app=", "/api/v1/runs?branch=", "/api/v1/runs?version=", "/api/v1/runs?commit=", "/api/v1/series?metric=", "/api/v1/series?metric=a&unit=", "/api/v1/series?metric=a&branch=", "/api/v1/metrics?app=", "/api/v1/alerts?app=",
			"/api/v1/audit?actor=", "/api/v1/audit?action=", "/api/v1/audit?before=", "/api/v1/compare?run=", "/api/v1/compare?run=latest&baseline=", "/api/v1/compare?run=latest&app=", "/api/v1/verdicts?branch=", "/api/v1/runs/", "/api/v1/verdicts/", "/runs?app="} {
			add(attack{name: "no text " + path + bad, method: "GET", path: path + bad, token: "admin"})
		}
		for _, path := range []string{"/api/v1/runs/", "/api/v1/tokens/"} {
			add(attack{name: "no text to delete " + path + bad, method: "DELETE", path: path + bad, token: "admin"})
		}
		add(attack{name: "no text in an import " + bad, method: "POST", path: "/api/v1/import?version=" + bad, token: "ingest", body: []byte("BenchmarkA 1 1 ns/op\n")})
	}
	for _, id := range []string{"\xff\xf2", "\x00"} {
		for _, path := range []string{"/api/v1/runs", "/api/v1/verdicts"} {
			add(attack{name: fmt.Sprintf("a cursor of %q in %s", id, path), method: "GET", path: path + "?before=" + base64.RawURLEncoding.EncodeToString([]byte("999 "+id)), token: "read"})
		}
	}
	for i, text := range []string{`{"run":"\u0000"}`, "{\"run\":\"\xff\"}", `{"run":"\ud800"}`} {
		add(attack{name: fmt.Sprint("a baseline that is no text ", i), method: "PUT", path: "/api/v1/baselines", token: "admin", headers: js, body: []byte(text)})
	}
	// Documents that are no runs.
	sample := func(v string) string {
		return `{"app":"mine","metrics":[{"name":"a","unit":"s","samples":[` + v + `]}]}`
	}
	big := strings.Repeat("9", 400)
	documents := map[string]string{
		"nothing": "", "null": "null", "a number": "1", "a list": "[]", "a text": `"x"`, "half": `{"app":"mine"`, "two": sample("1") + sample("2"), "NaN": sample("NaN"), "Infinity": sample("Infinity"), "1e999": sample("1e999"), "-1": sample("-1"),
		"a text as sample": sample(`"1"`), "null as sample": sample("null"), "a large number": sample(big), "an object as sample": sample("{}"), "another schema": `{"schema":"pacer.run/v9","app":"mine"}`, "a bad id": `{"id":"../../x","app":"mine","startup_time":1}`,
		"a long id": `{"id":"` + strings.Repeat("A", 5000) + `","app":"mine","startup_time":1}`, "an empty id and no app": `{"id":"","app":"","schema":"pacer.run/v2"}`, "deep": strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000), "deep lists": strings.Repeat("[", 1_000_000),
		"twice the same metric": `{"app":"mine","metrics":[{"name":"a","unit":"s","samples":[1]},{"name":"a","unit":"s","samples":[1]}]}`, "a metric without a name": `{"app":"mine","metrics":[{"unit":"s","samples":[1]}]}`, "a bad time": `{"app":"mine","timestamp":"soon","startup_time":1}`,
		"control characters": `{"app":"mine","version":"a\u0000b","startup_time":1}`, "a long version": `{"app":"mine","version":"` + strings.Repeat("v", 3000) + `","startup_time":1}`, "no UTF-8": "{\"app\":\"mine\",\"version\":\"\xff\xfe\",\"startup_time\":\"x\"}",
		"a histogram that lies": `{"app":"mine","metrics":[{"name":"a","unit":"s","histogram":{"tick":1e-9,"count":5,"ticks":5,"min":0,"max":1,"buckets":[0,-5]}}]}`, "a histogram without end": `{"app":"mine","metrics":[{"name":"a","unit":"s","histogram":{"tick":1e-9,"count":9007199254740993,"ticks":1e300,"min":0,"max":1,"buckets":[99999999,9007199254740993]}}]}`,
		"many labels": `{"app":"mine","metrics":[{"name":"a","unit":"s","labels":{` + strings.TrimSuffix(strings.Repeat(`"x":"y",`, 1), ",") + `,"b":"1","c":"1","d":"1","e":"1","f":"1","g":"1","h":"1","i":"1"},"samples":[1]}]}`, "a bad direction": `{"app":"mine","metrics":[{"name":"a","unit":"s","better":"sideways","samples":[1]}]}`,
		"5,000 metrics": manyMetrics(5000), "10^6 metrics": manyMetrics(1_000_000), "html": "<html>", "xml": `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>`, "yaml": "a: &a [*a]",
	}
	for name, text := range documents {
		add(attack{name: "a run that is " + name, method: "POST", path: "/api/v1/runs", token: "ingest", headers: append([]string{"Content-Encoding", "zstd"}, js...), body: zstded([]byte(text))})
		if name != "two" { // which are two lines
			add(attack{name: "a line that is " + name, method: "POST", path: "/api/v1/runs", token: "ingest", headers: append([]string{"Content-Encoding", "zstd"}, nd...), body: zstded([]byte(text))})
		}
	}
	// Bodies that are not what they seem.
	zeros := bytes.Repeat([]byte{0}, 30<<20)
	spaces := bytes.Repeat([]byte{' '}, 30<<20)
	newlines := bytes.Repeat([]byte("x\n"), 5<<20)
	for name, body := range map[string][]byte{"zeros by zstd": zstded(zeros), "zeros by zstd twice": zstded(zstded(zeros)), "spaces by zstd": zstded(spaces), "lines by zstd": zstded(newlines), "no zstd": []byte("no zstd"), "half zstd": zstded(good)[:100]} {
		add(attack{name: name, method: "POST", path: "/api/v1/runs", token: "ingest", headers: append([]string{"Content-Encoding", "zstd"}, nd...), body: body})
		add(attack{name: name + ", one run", method: "POST", path: "/api/v1/runs", token: "ingest", headers: append([]string{"Content-Encoding", "zstd"}, js...), body: body})
		add(attack{name: name + ", import", method: "POST", path: "/api/v1/import", token: "ingest", headers: []string{"Content-Encoding", "zstd"}, body: body})
		add(attack{name: name + ", OTLP", method: "POST", path: otlpPath, token: "ingest", headers: []string{"Content-Encoding", "zstd", "Content-Type", protobufType}, body: body})
	}
	for name, body := range map[string][]byte{"zeros by gzip": gzipped(zeros), "no gzip": []byte("no gzip"), "half gzip": gzipped(good)[:100], "gzip with a wrong sum": append(gzipped(good)[:len(gzipped(good))-8], 1, 2, 3, 4, 5, 6, 7, 8), "an empty gzip": gzipped(nil), "nothing as gzip": nil} {
		add(attack{name: name, method: "POST", path: "/api/v1/runs", token: "ingest", headers: append([]string{"Content-Encoding", "gzip"}, js...), body: body})
	}
	for _, encoding := range []string{"br", "deflate", "gzip, gzip", "compress", strings.Repeat("x", 500)} {
		add(attack{name: "encoding " + encoding[:min(20, len(encoding))], method: "POST", path: "/api/v1/runs", token: "ingest", headers: append([]string{"Content-Encoding", encoding}, js...), body: good})
	}
	for _, kind := range []string{"", "text/plain", "application/xml", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "application/json; charset", ";;;", "application/jsonx"} {
		add(attack{name: "type " + kind, method: "POST", path: "/api/v1/runs", token: "ingest", headers: []string{"Content-Type", kind}, body: good})
		add(attack{name: "type of a token " + kind, method: "POST", path: "/api/v1/tokens", token: "admin", headers: []string{"Content-Type", kind}, body: []byte(`{"name":"x","roles":["read"]}`)})
	}
	add(attack{name: "an endless run", method: "POST", path: "/api/v1/runs", token: "ingest", headers: js, endless: true})
	add(attack{name: "endless lines", method: "POST", path: "/api/v1/runs", token: "ingest", headers: nd, endless: true})
	add(attack{name: "an endless import", method: "POST", path: "/api/v1/import", token: "ingest", endless: true})
	add(attack{name: "endless OTLP", method: "POST", path: otlpPath, token: "ingest", headers: js, endless: true})
	add(attack{name: "an endless token", method: "POST", path: "/api/v1/tokens", token: "admin", headers: js, endless: true})
	// From another site.
	for _, path := range []string{"/api/v1/runs", "/api/v1/tokens", "/signin", "/signout", "/tokens", otlpPath} {
		add(attack{name: "cross-site " + path, method: "POST", path: path, token: "admin", headers: append([]string{"Sec-Fetch-Site", "cross-site"}, js...), body: good})
		add(attack{name: "another origin " + path, method: "POST", path: path, token: "admin", headers: append([]string{"Origin", "https://evil.example"}, js...), body: good})
	}
	// Methods.
	for _, method := range []string{"PATCH", "TRACE", "CONNECT", "PROPFIND", "get", "PUT", "OPTIONS"} {
		add(attack{name: "method " + method, method: method, path: "/api/v1/runs", token: "admin"})
	}
	// What is no file of another tool.
	for i, text := range []string{"", "{}", "[]", "x", `{"resourceMetrics":[]}`, `{"benchmarks":[{}]}`, "a,b\n1", "BenchmarkA NaN", `{"results":[{"command":1}]}`, "# TYPE a counter\na NaN\n", strings.Repeat("[", 100_000)} {
		add(attack{name: fmt.Sprint("import ", i), method: "POST", path: "/api/v1/import", token: "ingest", body: []byte(text)})
	}
	for i, text := range []string{"", "[]", "{", `{"resourceMetrics":1}`, `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","exponentialHistogram":{"dataPoints":[{"scale":999,"count":"1","positive":{"offset":0,"bucketCounts":["1"]}}]}}]}]}]}`,
		`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","exponentialHistogram":{"dataPoints":[{"scale":4,"count":"1","positive":{"offset":2147483647,"bucketCounts":["18446744073709551615"]}}]}}]}]}]}`, `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","gauge":{"dataPoints":[{"asDouble":"NaN"}]}}]}]}]}`,
		`{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"APP"}}]},"scopeMetrics":[{"metrics":[{"name":"a","gauge":{"dataPoints":[{"asDouble":1}]}}]}]}]}`} {
		add(attack{name: fmt.Sprint("OTLP as JSON ", i), method: "POST", path: otlpPath, token: "ingest", headers: js, body: []byte(text)})
	}
	whole, err := proto.Marshal(&metricspb.MetricsData{ResourceMetrics: []*metricspb.ResourceMetrics{{ScopeMetrics: []*metricspb.ScopeMetrics{{Metrics: []*metricspb.Metric{{Name: "a"}}}}}}})
	if err != nil {
		panic(err)
	}
	for i, body := range [][]byte{{0xff}, {0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f}, bytes.Repeat([]byte{0x0a}, 10_000), whole[:len(whole)-1], whole, []byte("text"), {0x08, 0x01}} {
		add(attack{name: fmt.Sprint("OTLP ", i), method: "POST", path: otlpPath, token: "ingest", headers: []string{"Content-Type", protobufType}, body: body})
	}
	// What people may do, said wrongly.
	for i, text := range []string{"", "{}", `{"kind":"opened","reason":"long enough"}`, `{"kind":"king","reason":"long enough"}`, `{"kind":"muted"}`, `{"kind":1}`, `[1]`, `{"kind":"fixed","reason":"long enough","author":"me"}`} {
		add(attack{name: fmt.Sprint("act ", i), method: "POST", path: "/api/v1/alerts/0000/acts", token: "admin", headers: js, body: []byte(text)})
		add(attack{name: fmt.Sprint("token ", i), method: "POST", path: "/api/v1/tokens", token: "admin", headers: js, body: []byte(text)})
	}
	return list
}

// manyMetrics is a run of so many metrics.
func manyMetrics(n int) string {
	var b strings.Builder
	b.WriteString(`{"app":"mine","metrics":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"name":"m%d","unit":"s","samples":[1]}`, i)
	}
	b.WriteString("]}")
	return b.String()
}

// rawAttacks are no requests at all.
func rawAttacks(t *testing.T, h *harness) {
	server := httptest.NewUnstartedServer(nil)
	server.Config = h.HTTP()
	server.Start()
	defer server.Close()
	for _, text := range []string{
		"GARBAGE\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /api/v1/runs HTTP/1.1\r\n\r\n", "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "GET / HTTP/1.1\r\nHost: x y\r\n\r\n",
		"POST /api/v1/runs HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "POST /api/v1/runs HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "POST /api/v1/runs HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"POST /api/v1/runs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: b\r\n", 20_000) + "\r\n", "GET / HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("b", 200_000) + "\r\n\r\n",
		"GET http://evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x00\x00\x00\x00",
	} {
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(20 * time.Second))
		c.Write([]byte(text))
		c.(*net.TCPConn).CloseWrite()
		line, _ := bufio.NewReader(c).ReadString('\n')
		c.Close()
		if strings.HasPrefix(line, "HTTP/1.1 5") && !strings.HasPrefix(line, "HTTP/1.1 505") && !strings.HasPrefix(line, "HTTP/1.1 501") {
			t.Errorf("%.60q: %s", text, line)
		}
	}
	h.want(200, nil, "GET", "/healthz", "", nil)
}
