package pacerhttp_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/pacerhttp"
)

func Example() {
	rec := pacer.New(pacer.Config{App: "cuepoint"})

	mux := http.NewServeMux()
	mux.HandleFunc("GET /tracks/{id}", func(w http.ResponseWriter, r *http.Request) {
		_, span := pacer.Start(r.Context(), "track.find") // goes to rec
		defer span.End()
		fmt.Fprintln(w, "track", r.PathValue("id"))
	})
	handler := pacerhttp.Middleware(rec)(mux) // http.ListenAndServe(addr, handler)

	for _, path := range []string{"/tracks/1", "/tracks/2", "/favicon.ico"} {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
	}
	snapshot := rec.Snapshot()
	for _, m := range snapshot.Metrics {
		if m.Name == "http.request" {
			fmt.Println(m.Key(), m.Count())
		}
	}
	// Unordered output:
	// http.request{route=GET /tracks/:id,status=2xx} 2
	// http.request{route=other,status=4xx} 1
}
