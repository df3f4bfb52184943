package server

import (
	"strings"
	"testing"
)

// A slip in the name of a parameter is told, before anything is read or kept.
func TestUnknownParameters(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	token := h.token("", "admin")
	for _, tt := range []struct{ method, path, want string }{
		{"POST", "/api/v1/import?app=shop&comit=abc", `POST /api/v1/import has no parameter \"comit\"","hint":"did you mean commit?"`},
		{"GET", "/api/v1/runs?aap=shop", `"hint":"did you mean app?"`},
		{"GET", "/api/v1/series?metric=a&branches=main", `"hint":"did you mean branch?"`},
		{"GET", "/api/v1/metrics?limit=3", `"hint":"it takes app"`},
		{"GET", "/api/v1/apps?app=shop", `"hint":"it takes none"`},
		{"GET", "/api/v1/runs/x?id=y", `"hint":"it takes none"`},
	} {
		if w := h.ask(tt.method, tt.path, token, []byte(`{}`)); w.Code != 400 || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, w.Code, w.Body)
		}
		if w := h.ask(tt.method, tt.path, "", []byte(`{}`)); w.Code != 401 {
			t.Errorf("%s %s without a token: %d %s", tt.method, tt.path, w.Code, w.Body)
		}
	}
	for _, path := range []string{"/healthz?now", "/api/v1/runs?app=shop&limit=5"} {
		if w := h.ask("GET", path, token, nil); w.Code != 200 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}
