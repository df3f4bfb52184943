package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/pacer-perf/pacer"

	"github.com/pacer-perf/pacer/internal/access"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/pgtest"
	"github.com/pacer-perf/pacer/internal/history/sqlite"
	"github.com/pacer-perf/pacer/internal/history/storetest"
	"github.com/pacer-perf/pacer/run"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// harness is a server over a history of its own.
type harness struct {
	*Server
	t     *testing.T
	store history.Store
}

// newHarness makes a server that others reach, over a file.
func newHarness(t *testing.T, change func(*Config)) *harness {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	return over(t, store, change)
}

func over(t *testing.T, store history.Store, change func(*Config)) *harness {
	c := Config{Open: func(context.Context, bool) (history.Store, error) { return store, nil }, Log: slog.New(slog.DiscardHandler),
		Limits: Limits{Rate: 1e6, Burst: 1e6, Failures: 1e6}}
	if change != nil {
		change(&c)
	}
	s := New(c)
	t.Cleanup(func() { s.Close() })
	return &harness{Server: s, t: t, store: store}
}

// token makes a token.
func (h *harness) token(app string, roles ...string) string {
	h.t.Helper()
	_, secret, err := CreateToken(h.t.Context(), h.store, Who{Name: "test"}, NewToken{Name: app + strings.Join(roles, "-"), App: app, Roles: roles}, time.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	return secret
}

// ask makes a request. Headers are names and values in turn.
func (h *harness) ask(method, path, token string, body []byte, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	r.Host = "pacer.example"
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// want is ask, of a status, and decodes the answer.
func (h *harness) want(status int, into any, method, path, token string, body []byte, headers ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	w := h.ask(method, path, token, body, headers...)
	if w.Code != status {
		h.t.Fatalf("%s %s: status %d, want %d: %s", method, path, w.Code, status, w.Body)
	}
	if into != nil {
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			h.t.Fatalf("%s %s: %v: %s", method, path, err, w.Body)
		}
	}
	return w
}

// runs counts the runs of the history.
func (h *harness) runs() int {
	h.t.Helper()
	heads, err := h.store.Heads(h.t.Context(), history.Filter{})
	if err != nil {
		h.t.Fatal(err)
	}
	return len(heads)
}

// typical is a run, and its document in one line.
func typical(app string, n int) (*run.Run, []byte) {
	r := storetest.Typical(rand.New(rand.NewPCG(1, uint64(n))), app, fmt.Sprintf("R%08d", n), time.Date(2026, 1, 1, 0, n, 0, 0, time.UTC))
	text, err := r.Encode()
	if err != nil {
		panic(err)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		panic(err)
	}
	return r, append(b.Bytes(), '\n')
}

func lined(app string, from, to int) []byte {
	var b bytes.Buffer
	for n := from; n < to; n++ {
		_, text := typical(app, n)
		b.Write(text)
	}
	return b.Bytes()
}

const ndjson, jsonType = "application/x-ndjson", "application/json"

func gzipped(text []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(text)
	z.Close()
	return b.Bytes()
}

func zstded(text []byte) []byte {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return z.EncodeAll(text, nil)
}

// A run is kept once, however often and in whatever wrapping it comes.
func TestIngest(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	token := h.token("app", "ingest", "read")
	want, text := typical("app", 0)
	var kept Kept
	h.want(201, &kept, "POST", "/api/v1/runs", token, text, "Content-Type", jsonType)
	if kept.Added != 1 || len(kept.Runs) != 1 || kept.Runs[0] != want.ID {
		t.Errorf("kept %+v", kept)
	}
	for encoding, body := range map[string][]byte{"": text, "gzip": gzipped(text), "zstd": zstded(text), "identity": text} {
		var again Kept
		h.want(200, &again, "POST", "/api/v1/runs", token, body, "Content-Type", jsonType+"; charset=utf-8", "Content-Encoding", encoding)
		if again.Added != 0 || again.Known != 1 {
			t.Errorf("%s: kept %+v", encoding, again)
		}
	}
	batch := lined("app", 0, 100)
	for encoding, body := range map[string][]byte{"gzip": gzipped(batch), "zstd": zstded(batch)} {
		h.want(200, nil, "POST", "/api/v1/runs", token, body, "Content-Type", ndjson, "Content-Encoding", encoding)
	}
	if n := h.runs(); n != 100 {
		t.Errorf("%d runs are kept, want 100", n)
	}
	got, err := h.store.Run(t.Context(), want.ID)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := got.Encode()
	b, _ := want.Encode()
	if !bytes.Equal(a, b) {
		t.Errorf("the run that is kept is another one")
	}
	// The answer to a question about it is the document itself.
	if w := h.want(200, nil, "GET", "/api/v1/runs/"+want.ID, token, nil); !bytes.Equal(w.Body.Bytes(), b) {
		t.Error("the run that is answered is another one")
	}
}

// What is wrong with one line is no reason to reject the others.
func TestIngestRejects(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	token := h.token("app", "ingest")
	_, good := typical("app", 1)
	other := bytes.Replace(good, []byte(`"version":"`), []byte(`"version":"9`), 1)
	_, foreign := typical("else", 2)
	body := bytes.Join([][]byte{good, []byte("{\n"), other, []byte("\n"), foreign, []byte(`{"app":"app","metrics":[{"name":"a","unit":"s","samples":[-1]}]}`)}, nil)
	var kept Kept
	h.want(200, &kept, "POST", "/api/v1/runs", token, body, "Content-Type", ndjson)
	if kept.Added != 1 || len(kept.Rejected) != 4 {
		t.Fatalf("kept %+v", kept)
	}
	for i, want := range []string{"line 2", "other content", "for the runs of app alone", "negative duration"} {
		if !strings.Contains(kept.Rejected[i].Error, want) {
			t.Errorf("rejected %d: %+v, want %q", i, kept.Rejected[i], want)
		}
	}
	if n := h.runs(); n != 1 {
		t.Errorf("%d runs", n)
	}
	// A request of one run is answered by its own status.
	h.want(409, nil, "POST", "/api/v1/runs", token, other, "Content-Type", jsonType)
	h.want(403, nil, "POST", "/api/v1/runs", token, foreign, "Content-Type", jsonType)
	h.want(400, nil, "POST", "/api/v1/runs", token, []byte("{}x"), "Content-Type", jsonType)
	// One that says nothing of its app is the token's.
	h.want(201, nil, "POST", "/api/v1/runs", token, []byte(`{"startup_time": 1.5}`), "Content-Type", jsonType)
}

// Errors say in which line of the body what is wrong, in words.
func TestIngestPlaces(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	token := h.token("app", "ingest")
	var e Error
	for body, want := range map[string]string{
		`{"app":"app","metrics":[{"name":5}]}`: "line 1, column 33: metrics[0].name: expected a string, found a number",
		"{\n  \"app\": 7\n}":                   "line 2, column 10: app: expected a string, found a number",
		"":                                     "line 1, column 1: the file is empty: expected a pacer.run/v1 document",
	} {
		h.want(400, &e, "POST", "/api/v1/runs", token, []byte(body), "Content-Type", jsonType)
		if e.Error != want || e.Hint == "" {
			t.Errorf("%s: %+v, want %q", body, e, want)
		}
	}
	var kept Kept
	h.want(200, &kept, "POST", "/api/v1/runs", token, []byte("\n\n{\"app\": 7}\n"), "Content-Type", ndjson)
	if len(kept.Rejected) != 1 || kept.Rejected[0].Error != "line 3, column 9: app: expected a string, found a number" {
		t.Errorf("%+v", kept)
	}
}

// Roles allow what they say, and an app that is not one's own is not there.
func TestRoles(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	ingest, read, write, admin := h.token("app", "ingest"), h.token("app", "read"), h.token("app", "write"), h.token("app", "admin")
	all := h.token("", "admin")
	h.want(200, nil, "POST", "/api/v1/runs", all, append(lined("app", 0, 3), lined("other", 10, 13)...), "Content-Type", ndjson)
	for _, tt := range []struct {
		method, path                          string
		nobody, ingest, read, write, own, all int
	}{
		{"GET", "/api/v1/apps", 401, 403, 200, 200, 200, 200},
		{"GET", "/api/v1/runs", 401, 403, 200, 200, 200, 200},
		{"GET", "/api/v1/runs/R00000001", 401, 403, 200, 200, 200, 200},
		{"GET", "/api/v1/runs/R00000011", 401, 403, 404, 404, 404, 200},
		{"GET", "/api/v1/verdicts/R00000011", 401, 403, 404, 404, 404, 202},
		{"GET", "/api/v1/compare?run=R00000011", 401, 403, 404, 404, 404, 200},
		{"DELETE", "/api/v1/runs/R00000011", 401, 403, 403, 403, 404, 204},
		{"GET", "/api/v1/tokens", 401, 403, 403, 403, 200, 200},
		{"GET", "/api/v1/audit", 401, 403, 403, 403, 200, 200},
		{"GET", "/metrics", 401, 403, 403, 403, 403, 200},
		{"GET", "/healthz", 200, 200, 200, 200, 200, 200},
		{"GET", "/api/v1/openapi.json", 200, 200, 200, 200, 200, 200},
	} {
		for token, want := range map[string]int{"": tt.nobody, ingest: tt.ingest, read: tt.read, write: tt.write, admin: tt.own, all: tt.all} {
			if w := h.ask(tt.method, tt.path, token, nil); w.Code != want {
				t.Errorf("%s %s by %.20s: status %d, want %d: %s", tt.method, tt.path, token, w.Code, want, w.Body)
			}
		}
	}
	for _, path := range []string{"/api/v1/apps", "/api/v1/runs", "/api/v1/runs?app=other", "/api/v1/metrics", "/api/v1/metrics?app=other", "/api/v1/series?metric=metric.00", "/api/v1/series?metric=metric.00&app=other", "/api/v1/verdicts", "/api/v1/tokens", "/api/v1/audit", "/api/v1/audit?app=other", "/api/v1/alerts?app=other"} {
		if w := h.want(200, nil, "GET", path, admin, nil); strings.Contains(w.Body.String(), "other") {
			t.Errorf("%s tells of another app: %s", path, w.Body)
		}
	}
	// What there is not and what is another's are answered alike.
	same := func(paths ...string) {
		t.Helper()
		first := ""
		for _, p := range paths {
			w := h.ask("GET", p, read, nil)
			var e Error
			json.Unmarshal(w.Body.Bytes(), &e)
			e.Request = ""
			answer := fmt.Sprint(w.Code, e, w.Header().Get("Content-Type"))
			if e == (Error{}) {
				answer = fmt.Sprint(w.Code, w.Body)
			}
			if first == "" {
				first = answer
			} else if answer != first {
				t.Errorf("%s: %s, but %s", p, answer, first)
			}
		}
	}
	same("/api/v1/runs/R00000012", "/api/v1/runs/nothing", "/api/v1/verdicts/R00000012", "/api/v1/compare?run=R00000012", "/api/v1/compare?run=nothing")
	same("/api/v1/runs?app=other", "/api/v1/runs?app=nothing")
	same("/api/v1/metrics?app=other", "/api/v1/metrics?app=nothing")
	same("/api/v1/series?metric=metric.00&app=other", "/api/v1/series?metric=metric.00&app=nothing")
}

// A token that is revoked lets nobody in from the next request on; the same
// goes for one that has expired.
func TestTokens(t *testing.T) {
	t.Parallel()
	now := time.Now()
	h := newHarness(t, func(c *Config) { c.Now = func() time.Time { return now } })
	admin := h.token("", "admin")
	var made MadeToken
	h.want(201, &made, "POST", "/api/v1/tokens", admin, []byte(`{"name":"ci","app":"app","roles":["ingest","read"],"days":1}`), "Content-Type", jsonType)
	if id, err := access.ID(made.Secret); err != nil || id != made.Token.ID || made.Token.App != "app" || made.Token.Expires == nil {
		t.Fatalf("made %+v", made)
	}
	h.want(200, nil, "GET", "/api/v1/apps", made.Secret, nil)
	var list Tokens
	w := h.want(200, &list, "GET", "/api/v1/tokens", admin, nil)
	if strings.Contains(w.Body.String(), made.Secret[20:]) || len(list.Tokens) != 2 {
		t.Errorf("the list: %s", w.Body)
	}
	unused := func(token Token) bool { return token.Used == nil }
	for deadline := time.Now().Add(time.Minute); slices.ContainsFunc(list.Tokens, unused); time.Sleep(time.Millisecond) { // noted by the way
		if time.Now().After(deadline) {
			t.Fatalf("tokens were used, and nothing is known of it: %s", w.Body)
		}
		h.want(200, nil, "GET", "/api/v1/apps", made.Secret, nil)
		w = h.want(200, &list, "GET", "/api/v1/tokens", admin, nil)
	}
	now = now.Add(25 * time.Hour)
	h.want(401, nil, "GET", "/api/v1/apps", made.Secret, nil)
	now = now.Add(-24 * time.Hour)
	h.want(200, nil, "GET", "/api/v1/apps", made.Secret, nil)
	h.want(200, nil, "DELETE", "/api/v1/tokens/"+made.Token.ID, admin, nil)
	h.want(401, nil, "GET", "/api/v1/apps", made.Secret, nil)
	var log AuditLog
	h.want(200, &log, "GET", "/api/v1/audit?action=token.revoke", admin, nil)
	if len(log.Entries) != 1 || log.Entries[0].Subject != made.Token.ID || log.Entries[0].Actor != "admin" {
		t.Errorf("the log: %+v", log)
	}
	// The admin of one app makes tokens for that alone.
	own := h.token("app", "admin")
	h.want(403, nil, "POST", "/api/v1/tokens", own, []byte(`{"name":"x","app":"other","roles":["read"]}`), "Content-Type", jsonType)
	h.want(201, &made, "POST", "/api/v1/tokens", own, []byte(`{"name":"x","roles":["read"]}`), "Content-Type", jsonType)
	if made.Token.App != "app" {
		t.Errorf("the token is for %q", made.Token.App)
	}
	for _, bad := range []string{`{"roles":["read"]}`, `{"name":"x"}`, `{"name":"x","roles":["king"]}`, `{"name":"x","roles":["read"],"days":-1}`, `{"name":"x","roles":["read"],"more":1}`, `{`, `{}{}`} {
		h.want(400, nil, "POST", "/api/v1/tokens", admin, []byte(bad), "Content-Type", jsonType)
	}
}

// Who needs no token: nobody, everybody who reads, or somebody at this machine
// as long as there is none.
func TestWithoutTokens(t *testing.T) {
	t.Parallel()
	_, text := typical("app", 1)
	for _, tt := range []struct {
		name              string
		change            func(*Config)
		read, send, after int // after: a token was made, reading
	}{
		{"closed", func(*Config) {}, 401, 401, 401},
		{"public", func(c *Config) { c.PublicRead = true }, 200, 401, 200},
		{"local", func(c *Config) { c.Local = true }, 421, 421, 401},
		{"insecure", func(c *Config) { c.Insecure = true }, 200, 201, 401},
	} {
		h := newHarness(t, tt.change)
		if w := h.ask("GET", "/api/v1/apps", "", nil); w.Code != tt.read {
			t.Errorf("%s: reading: %d", tt.name, w.Code)
		}
		if w := h.ask("POST", "/api/v1/runs", "", text, "Content-Type", jsonType); w.Code != tt.send {
			t.Errorf("%s: sending: %d", tt.name, w.Code)
		}
		// A token that is wrong is never as good as none.
		h.want(401, nil, "GET", "/api/v1/apps", "pacer_x", nil)
		h.token("", "read")
		if w := h.ask("GET", "/api/v1/apps", "", nil); w.Code != tt.after {
			t.Errorf("%s: reading, once there is a token: %d", tt.name, w.Code)
		}
	}
	h := newHarness(t, func(c *Config) { c.Local = true })
	r := httptest.NewRequest("GET", "/api/v1/apps", nil)
	r.Host = "localhost:7717"
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != 200 {
		t.Errorf("by a name of this machine: %d", w.Code)
	}
}

// Who asks too often, or with wrong tokens, waits.
func TestLimits(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(c *Config) { c.Limits = Limits{Rate: 1, Burst: 3, Failures: 2} })
	token, other := h.token("", "read"), h.token("", "read")
	for range 3 {
		h.want(200, nil, "GET", "/api/v1/apps", token, nil)
	}
	if w := h.want(429, nil, "GET", "/api/v1/apps", token, nil); w.Header().Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
	}
	h.want(200, nil, "GET", "/api/v1/apps", other, nil)
	for range 2 {
		h.want(401, nil, "GET", "/api/v1/apps", "pacer_wrong", nil)
	}
	h.want(429, nil, "GET", "/api/v1/apps", "pacer_wrong", nil)
	h.want(200, nil, "GET", "/healthz", "", nil)
	// That is no reason to keep others out who are at the same address.
	h.want(200, nil, "GET", "/api/v1/apps", other, nil)
}

// While the history is away, everything is answered 503, and when to come back.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(c *Config) {
		c.Open = func(context.Context, bool) (history.Store, error) {
			return nil, fmt.Errorf("history: %w: it is away", history.ErrUnavailable)
		}
	})
	_, text := typical("app", 1)
	for _, w := range []*httptest.ResponseRecorder{
		h.want(503, nil, "POST", "/api/v1/runs", "x", text, "Content-Type", jsonType),
		h.want(503, nil, "GET", "/api/v1/apps", "", nil),
		h.want(503, nil, "GET", "/readyz", "", nil),
	} {
		if w.Header().Get("Retry-After") != "2" {
			t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
		}
	}
	h.want(200, nil, "GET", "/healthz", "", nil)
}

// What the server measures of itself.
func TestSelfMetrics(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(c *Config) { c.Recorder = newRecorder() })
	token := h.token("", "admin")
	h.want(200, nil, "POST", "/api/v1/runs", token, lined("app", 0, 7), "Content-Type", ndjson)
	h.want(404, nil, "GET", "/api/v1/nothing", token, nil)
	text := h.want(200, nil, "GET", "/metrics", token, nil).Body.String()
	for _, line := range []string{`server_runs_total{app="test",outcome="added"} 7`, `server_request_seconds_count{app="test",route="sendRuns",status="2xx"} 1`, `server_verdicts_waiting{app="test"} 7`} {
		if !strings.Contains(text, line) {
			t.Errorf("no line %s in:\n%s", line, text)
		}
	}
}

func newRecorder() *pacer.Recorder {
	return pacer.New(pacer.Config{App: "test", Logger: slog.New(slog.DiscardHandler)})
}
