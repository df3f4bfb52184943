package server

import (
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/history"
)

// A baseline is set and cleared by who may write, and a run that was one can be
// deleted then; of each the audit log says it.
func TestClearBaseline(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	admin, writer, reader, others := h.token("", "admin"), h.token("app", "write"), h.token("app", "read", "ingest"), h.token("else", "write")
	h.want(200, nil, "POST", "/api/v1/runs", admin, lined("app", 0, 3), "Content-Type", ndjson)
	one, _ := typical("app", 1)
	const at = "/api/v1/baselines?run="
	h.want(404, nil, "DELETE", at+"R00000001", writer, nil) // none is set
	h.want(200, nil, "PUT", "/api/v1/baselines", writer, []byte(`{"run":"R00000001"}`), "Content-Type", jsonType)
	var failed Error
	h.want(409, &failed, "DELETE", "/api/v1/runs/R00000001", admin, nil)
	if !strings.Contains(failed.Hint, "DELETE "+at+"R00000001") {
		t.Errorf("the hint is %q", failed.Hint)
	}
	h.want(403, nil, "DELETE", at+"R00000001", reader, nil)
	h.want(404, nil, "DELETE", at+"R00000001", others, nil)
	h.want(404, nil, "DELETE", at+"R00000002", writer, nil) // another one is
	h.want(404, nil, "DELETE", at+"nothing", writer, nil)
	h.want(400, nil, "DELETE", "/api/v1/baselines", writer, nil)
	if id, err := h.store.Baseline(t.Context(), "app", one.Labels); err != nil || id != "R00000001" {
		t.Fatalf("the baseline is %s, %v", id, err)
	}
	h.want(204, nil, "DELETE", at+"R00000001", writer, nil)
	h.want(404, nil, "DELETE", at+"R00000001", writer, nil)
	h.want(204, nil, "DELETE", "/api/v1/runs/R00000001", admin, nil)
	entries, err := h.store.AuditLog(t.Context(), history.AuditFilter{App: "app"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		if strings.HasPrefix(e.Action, "baseline.") {
			got = append(got, e.Action+" "+e.Subject+" "+e.Actor)
		}
	}
	if want := "baseline.clear R00000001 appwrite, baseline.set R00000001 appwrite"; strings.Join(got, ", ") != want {
		t.Errorf("the audit log has %q, want %q", got, want)
	}
}
