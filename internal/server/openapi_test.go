package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pacer-perf/pacer/internal/golden"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// docs/openapi.json is what the server answers with. UPDATE=1 writes it anew.
func TestDocument(t *testing.T) {
	t.Parallel()
	golden.Check(t, "../../../docs/openapi.json", Document())
	h := newHarness(t, nil)
	if w := h.want(200, nil, "GET", "/api/v1/openapi.json", "", nil); !bytes.Equal(w.Body.Bytes(), Document()) {
		t.Error("the document that is served is another one")
	}
}

// openAPI is the part of the document that the tests read.
type openAPI struct {
	Paths map[string]map[string]struct {
		Responses map[string]struct {
			Content map[string]struct{ Schema json.RawMessage }
		}
	}
}

// Every route is in the document, and the other way round.
func TestDocumentRoutes(t *testing.T) {
	t.Parallel()
	var doc openAPI
	if err := json.Unmarshal(Document(), &doc); err != nil {
		t.Fatal(err)
	}
	var listed []string
	for path, operations := range doc.Paths {
		for method := range operations {
			listed = append(listed, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(listed)
	if want := operations(); !slices.Equal(listed, want) {
		t.Errorf("the document has\n%v\nthe server\n%v", listed, want)
	}
	// What it has is answered, by something else than "no such address".
	h := newHarness(t, nil)
	token := h.token("", "admin")
	for _, op := range listed {
		method, path, _ := strings.Cut(op, " ")
		w := h.ask(method, strings.ReplaceAll(path, "{id}", "x"), token, nil)
		if w.Code == 405 || strings.Contains(w.Body.String(), "no such address") {
			t.Errorf("%s: status %d", op, w.Code)
		}
	}
}

// validator holds answers to the document.
type validator struct {
	t        *testing.T
	doc      openAPI
	compiler *jsonschema.Compiler
	seen     map[string]bool // METHOD PATH STATUS
}

const at = "https://pacer.example/openapi.json"

func newValidator(t *testing.T) *validator {
	v := &validator{t: t, compiler: jsonschema.NewCompiler(), seen: make(map[string]bool)}
	if err := json.Unmarshal(Document(), &v.doc); err != nil {
		t.Fatal(err)
	}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(Document()))
	if err != nil {
		t.Fatal(err)
	}
	if err := v.compiler.AddResource(at, whole); err != nil {
		t.Fatal(err)
	}
	return v
}

// check holds an answer to what the document says of it.
func (v *validator) check(method, path string, w *httptest.ResponseRecorder) {
	v.t.Helper()
	op, ok := v.doc.Paths[path][strings.ToLower(method)]
	if !ok {
		v.t.Fatalf("%s %s is not in the document", method, path)
	}
	status := fmt.Sprint(w.Code)
	if _, ok := op.Responses[status]; !ok {
		if w.Code < 400 {
			v.t.Errorf("%s %s: a status of %d is not in the document", method, path, w.Code)
		}
		status = "default"
	}
	v.seen[method+" "+path+" "+status] = true
	if op.Responses[status].Content == nil {
		return
	}
	pointer := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(path)
	schema, err := v.compiler.Compile(at + "#/paths/" + pointer + "/" + strings.ToLower(method) + "/responses/" + status + "/content/application~1json/schema")
	if err != nil {
		v.t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		v.t.Fatalf("%s %s: %v: %s", method, path, err, w.Body)
	}
	if err := schema.Validate(value); err != nil {
		v.t.Errorf("%s %s: %v\n%s", method, path, err, w.Body)
	}
}

// Every answer that the document promises is given, and is as it says.
func TestAnswers(t *testing.T) {
	t.Parallel()
	h, v := newHarness(t, nil), newValidator(t)
	token := h.token("", "admin")
	do := func(method, path, query, id string, body string, headers ...string) *httptest.ResponseRecorder {
		t.Helper()
		w := h.ask(method, strings.ReplaceAll(path, "{id}", id)+query, token, []byte(body), headers...)
		v.check(method, path, w)
		return w
	}
	_, one := typical("app", 0)
	do("GET", "/api/v1/apps", "", "", "")
	do("POST", "/api/v1/runs", "", "", string(one), "Content-Type", jsonType)
	do("POST", "/api/v1/runs", "", "", string(lined("app", 0, 60))+"x\n", "Content-Type", ndjson)
	do("POST", "/api/v1/import", "?app=app&commit=abc&label=a=b&time=2026-01-01", "", "BenchmarkA-8 10 100 ns/op\nBenchmarkA-8 10 110 ns/op\n")
	do("POST", "/api/v1/import", "?app=app&commit=abc&label=a=b&time=2026-01-01", "", "BenchmarkA-8 10 100 ns/op\nBenchmarkA-8 10 110 ns/op\n")
	do("POST", otlpPath, "", "", otlpJSON, "Content-Type", jsonType)
	do("GET", "/api/v1/apps", "", "", "")
	do("GET", "/api/v1/runs", "?app=app&limit=2&since=2026-01-01", "", "")
	do("GET", "/api/v1/runs/{id}", "", "R00000001", "")
	do("GET", "/api/v1/metrics", "?app=app", "", "")
	do("GET", "/api/v1/series", "?metric=metric.03&last=5", "", "")
	do("GET", "/api/v1/compare", "?run=R00000007&baseline=R00000006", "", "")
	do("GET", "/api/v1/verdicts/{id}", "", "R00000005", "")
	for {
		did, err := h.judging.once(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !did {
			break
		}
	}
	if w := do("GET", "/api/v1/verdicts/{id}", "", "R00000005", ""); w.Code != 200 {
		t.Errorf("the verdict is not there: %s", w.Body)
	}
	do("GET", "/api/v1/verdicts", "?app=app", "", "")
	finding := history.Finding{App: "app", Name: "startup", Unit: "s", Better: run.Lower, Run: "R00000005", Why: "regressed", Before: 1, After: 2}
	if _, err := h.store.Act(t.Context(), history.Act{Kind: history.Opened, Author: history.Pacer, Finding: &finding}); err != nil {
		t.Fatal(err)
	}
	do("POST", "/api/v1/alerts/{id}/acts", "", finding.ID(), `{"kind":"muted","reason":"known, see the issue","until":{"time":"2100-01-01T00:00:00Z"}}`, "Content-Type", jsonType)
	do("GET", "/api/v1/alerts", "", "", "")
	do("PUT", "/api/v1/baselines", "", "", `{"run":"R00000002"}`, "Content-Type", jsonType)
	do("DELETE", "/api/v1/runs/{id}", "", "R00000003", "")
	if w := do("DELETE", "/api/v1/runs/{id}", "", "R00000002", ""); w.Code != 409 {
		t.Errorf("deleting a baseline: %d", w.Code)
	}
	do("DELETE", "/api/v1/baselines", "?run=R00000002", "", "")
	do("GET", "/api/v1/tokens", "", "", "")
	w := do("POST", "/api/v1/tokens", "", "", `{"name":"ci","roles":["ingest"]}`, "Content-Type", jsonType)
	var made MadeToken
	if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil {
		t.Fatal(err)
	}
	do("DELETE", "/api/v1/tokens/{id}", "", made.Token.ID, "")
	do("GET", "/api/v1/audit", "", "", "")
	do("GET", "/api/v1/runs/{id}", "", "nothing", "")
	for _, p := range []string{"/api/v1/openapi.json", "/healthz", "/readyz", "/metrics"} {
		do("GET", p, "", "", "")
	}
	for path, operations := range v.doc.Paths {
		for method, op := range operations {
			for status := range op.Responses {
				if key := strings.ToUpper(method) + " " + path + " " + status; status != "default" && !v.seen[key] {
					t.Errorf("%s is promised, and was not seen", key)
				}
			}
		}
	}
}

// A page of runs leads to the next, until all were seen once.
func TestPages(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	token := h.token("", "admin")
	h.want(200, nil, "POST", "/api/v1/runs", token, lined("app", 0, 25), "Content-Type", ndjson)
	seen := make(map[string]bool)
	next, pages := "", 0
	for {
		var list Runs
		h.want(200, &list, "GET", "/api/v1/runs?limit=7&before="+next, token, nil)
		for _, r := range list.Runs {
			if seen[r.ID] {
				t.Fatalf("%s is listed twice", r.ID)
			}
			seen[r.ID] = true
		}
		pages++
		if next = list.Next; next == "" {
			break
		}
	}
	if len(seen) != 25 || pages != 4 {
		t.Errorf("%d runs on %d pages", len(seen), pages)
	}
}
