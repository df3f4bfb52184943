package pacerhttp_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/pacerhttp"
	"github.com/pacer-perf/pacer/pacertest"
)

// get answers a request as a server would: a panic ends the handler only.
func get(h http.Handler, method, path string) {
	done := make(chan bool)
	go func() {
		defer close(done)
		defer func() { _ = recover() }()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, path, nil))
	}()
	<-done
}

// counts returns how often each series of a metric was observed, by its
// labels: "GET /tracks/:id 2xx".
func counts(rec *pacer.Recorder, metric string) map[string]int64 {
	snapshot := rec.Snapshot()
	got := make(map[string]int64)
	for _, m := range snapshot.Metrics {
		if m.Name == metric {
			got[m.Labels["route"]+" "+m.Labels["status"]] = m.Count()
		}
	}
	return got
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	rec, _ := pacertest.New(t, pacer.Config{})
	mux := http.NewServeMux()
	for _, pattern := range []string{"GET /tracks/{id}", "/files/{path...}", "/{$}", "example.com/x", "POST /a=b,c"} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") })
	}
	h := pacerhttp.Middleware(rec)(mux)
	for _, r := range []string{
		"GET /tracks/1", "GET /tracks/2", "HEAD /tracks/3", "DELETE /tracks/4", "GET /files/a/b", "GET /", "GET /nowhere/1",
		"GET /nowhere/2", "POST /a=b,c", "GET http://example.com/x",
	} {
		method, path, _ := strings.Cut(r, " ")
		get(h, method, path)
	}
	want := map[string]int64{
		"GET /tracks/:id 2xx": 3, "/files/*path 2xx": 1, "/$ 2xx": 1, "example.com/x 2xx": 1, "POST /a_b_c 2xx": 1,
		"other 4xx": 3, // of which one is 405
	}
	if diff := cmp.Diff(want, counts(rec, "http.request")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, counts(rec, "http.response.size")); diff != "" {
		t.Errorf("sizes: (-want +got):\n%s", diff)
	}
	pacertest.Total(t, rec, "http.response.size{route=GET /tracks/:id,status=2xx}", 6)
	pacertest.Total(t, rec, "http.in_flight", 0)
	pacertest.NoErrors(t, rec)
}

func TestRouteOption(t *testing.T) {
	t.Parallel()
	rec, _ := pacertest.New(t, pacer.Config{})
	h := pacerhttp.Middleware(rec, pacerhttp.Route(func(r *http.Request) string {
		return r.Header.Get("Route")
	}))(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/known" {
			r.Header.Set("Route", "/known") // as a router that keeps what it found
		}
	}))
	get(h, "GET", "/known")
	get(h, "GET", "/unknown")
	if diff := cmp.Diff(map[string]int64{"/known 2xx": 1, "other 2xx": 1}, counts(rec, "http.request")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Inside a mux the pattern is known from the start; around one, whoever
// stands around the middleware sees it too.
func TestPlaces(t *testing.T) {
	t.Parallel()
	rec, _ := pacertest.New(t, pacer.Config{})
	mux := http.NewServeMux()
	mux.Handle("GET /inside/{id}", pacerhttp.Middleware(rec)(http.NotFoundHandler()))
	get(mux, "GET", "/inside/1")

	mux = http.NewServeMux()
	mux.HandleFunc("GET /around/{id}", func(http.ResponseWriter, *http.Request) {})
	r := httptest.NewRequest("GET", "/around/1", nil)
	pacerhttp.Middleware(rec)(mux).ServeHTTP(httptest.NewRecorder(), r)
	if r.Pattern != "GET /around/{id}" {
		t.Errorf("the outer request has the pattern %q", r.Pattern)
	}
	if diff := cmp.Diff(map[string]int64{"GET /inside/:id 4xx": 1, "GET /around/:id 2xx": 1}, counts(rec, "http.request")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    string
		size    float64
	}{
		{"nothing", func(http.ResponseWriter, *http.Request) {}, "2xx", 0},
		{"write", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("four")) }, "2xx", 4},
		{"string", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "four") }, "2xx", 4},
		{"copy", func(w http.ResponseWriter, _ *http.Request) {
			io.Copy(w, struct{ io.Reader }{strings.NewReader("four")})
		}, "2xx", 4},
		{"no content", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, "2xx", 0},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusFound) }, "3xx", 25},
		{"not found", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 404) }, "4xx", 3},
		{"error", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "5xx", 0},
		{"unusual", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(999) }, "other", 0},
		{"switching", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(101) }, "1xx", 0},
		{"early hints", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.WriteHeader(404) }, "4xx", 0},
		{"only early hints", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103) }, "2xx", 0},
		{"first counts", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201); w.WriteHeader(500) }, "2xx", 0},
		{"written first", func(w http.ResponseWriter, _ *http.Request) { w.Write(nil); w.WriteHeader(500) }, "2xx", 0},
		{"flushed first", func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush(); w.WriteHeader(500) }, "2xx", 0},
		{"failed copy", func(w http.ResponseWriter, _ *http.Request) {
			if _, err := io.Copy(w, failing{}); err != nil {
				http.Error(w, "", 500)
			}
		}, "5xx", 1},
		{"panic", func(http.ResponseWriter, *http.Request) { panic("no") }, "5xx", 0},
		{"late panic", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("four")); panic("no") }, "5xx", 4},
		{"abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "5xx", 0},
		{"exit", func(http.ResponseWriter, *http.Request) { runtime.Goexit() }, "5xx", 0},
		{"bad status", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(0) }, "5xx", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rec, _ := pacertest.New(t, pacer.Config{})
			get(pacerhttp.Middleware(rec)(tt.handler), "GET", "/x")
			if diff := cmp.Diff(map[string]int64{"other " + tt.want: 1}, counts(rec, "http.request")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			pacertest.Total(t, rec, "http.response.size{route=other,status="+tt.want+"}", tt.size)
			pacertest.Total(t, rec, "http.in_flight", 0)
		})
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("no") }

func TestPanicPasses(t *testing.T) {
	t.Parallel()
	rec, _ := pacertest.New(t, pacer.Config{})
	h := pacerhttp.Middleware(rec)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer func() {
		if got := recover(); got != http.ErrAbortHandler {
			t.Errorf("recovered %v, want http.ErrAbortHandler", got)
		}
	}()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
}

func TestTimes(t *testing.T) {
	t.Parallel()
	rec, clock := pacertest.New(t, pacer.Config{})
	get(pacerhttp.Middleware(rec)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		pacertest.Total(t, rec, "http.in_flight", 1)
		clock.Advance(3 * time.Second)
	})), "GET", "/")
	pacertest.Total(t, rec, "http.request{route=other,status=2xx}", 3)
}

func TestContext(t *testing.T) {
	t.Parallel()
	rec, _ := pacertest.New(t, pacer.Config{})
	get(pacerhttp.Middleware(rec)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, span := pacer.Start(r.Context(), "track.find")
		span.End()
	})), "GET", "/")
	pacertest.Count(t, rec, "track.find", 1)
}

type plain struct{ status int }

func (p plain) ServeHTTP(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(p.status) }

func TestNil(t *testing.T) {
	t.Parallel()
	if got := pacerhttp.Middleware(nil)(plain{200}); got != (plain{200}) {
		t.Errorf("without a recorder the handler is %T", got)
	}
}

// However many routes there are, the recorder refuses nothing and no request
// is lost.
func TestManyRoutes(t *testing.T) {
	t.Parallel()
	rec, _ := pacertest.New(t, pacer.Config{})
	h := pacerhttp.Middleware(rec, pacerhttp.Route(func(r *http.Request) string { return r.URL.Path }))(plain{404})
	const n = 3000
	for i := range n {
		get(h, "GET", fmt.Sprintf("/%d", i))
	}
	got, sum := counts(rec, "http.request"), int64(0)
	for _, c := range got {
		sum += c
	}
	if sum != n || len(got) != 995 || got["/0 4xx"] != 1 || got["other 4xx"] != n-994 {
		t.Errorf("%d requests in %d series, %d in other; want %d in 995, %d in other", sum, len(got), got["other 4xx"], n, n-994)
	}
	pacertest.NoErrors(t, rec)
}

func TestTwoMiddlewares(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler) // labels are refused, which is right here
	rec, _ := pacertest.New(t, pacer.Config{Logger: log})
	path := pacerhttp.Route(func(r *http.Request) string { return r.URL.Path })
	for _, app := range []string{"a", "b"} {
		h := pacerhttp.Middleware(rec, path)(plain{200})
		for i := range 800 {
			get(h, "GET", fmt.Sprintf("/%s/%d", app, i))
		}
	}
	got := counts(rec, "http.request")
	if got["/b/0 2xx"] != 1 || got["other 2xx"] != 1600-994 {
		t.Errorf("%d in other, want %d", got["other 2xx"], 1600-994)
	}
}

func TestConcurrent(t *testing.T) {
	t.Parallel()
	rec, _ := pacertest.New(t, pacer.Config{})
	mux := http.NewServeMux()
	for i := range 5 {
		mux.Handle(fmt.Sprintf("/%d/{id}", i), plain{200 + 100*(i%4)})
	}
	h := pacerhttp.Middleware(rec)(mux)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 100 {
				get(h, "GET", fmt.Sprintf("/%d/%d", (g+i)%5, i))
			}
		})
	}
	wg.Wait()
	want := map[string]int64{"/0/:id 2xx": 160, "/1/:id 3xx": 160, "/2/:id 4xx": 160, "/3/:id 5xx": 160, "/4/:id 2xx": 160}
	if diff := cmp.Diff(want, counts(rec, "http.request")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	pacertest.Total(t, rec, "http.in_flight", 0)
}

type (
	bare     struct{ http.ResponseWriter } // has the three methods only
	wrapping struct{ bare }
	flushes  struct{ bare }
	hijacks  struct{ bare }
	pushes   struct{ bare }
)

func (w wrapping) Unwrap() http.ResponseWriter                     { return w.bare.ResponseWriter }
func (flushes) FlushError() error                                  { return nil }
func (hijacks) Hijack() (net.Conn, *bufio.ReadWriter, error)       { return nil, nil, nil }
func (pushes) Push(target string, options *http.PushOptions) error { return nil }

// The handler's ResponseWriter can flush and hijack if the server's can.
func TestAbilities(t *testing.T) {
	t.Parallel()
	rec, _ := pacertest.New(t, pacer.Config{})
	under := bare{httptest.NewRecorder()}
	tests := []struct {
		name                    string
		w                       http.ResponseWriter
		flushes, hijacks, pushs bool
	}{
		{"none", under, false, false, false},
		{"recorder", httptest.NewRecorder(), true, false, false},
		{"wrapped", wrapping{bare{httptest.NewRecorder()}}, true, false, false},
		{"flush error", flushes{under}, true, false, false},
		{"hijack", hijacks{under}, false, true, false},
		{"push", pushes{under}, false, false, true},
		{"both", struct {
			bare
			http.Flusher
			http.Hijacker
		}{under, httptest.NewRecorder(), hijacks{}}, true, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pacerhttp.Middleware(rec)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, flushes := w.(http.Flusher)
				_, hijacks := w.(http.Hijacker)
				if flushes != tt.flushes || hijacks != tt.hijacks {
					t.Errorf("%T flushes %v, hijacks %v; want %v, %v", w, flushes, hijacks, tt.flushes, tt.hijacks)
				}
				if err := w.(http.Pusher).Push("/x", nil); (err == nil) != tt.pushs || err != nil && !errors.Is(err, http.ErrNotSupported) {
					t.Errorf("Push: %v", err)
				}
				if err := http.NewResponseController(w).Flush(); (err == nil) != tt.flushes {
					t.Errorf("Flush: %v", err)
				}
				if err := http.NewResponseController(w).SetReadDeadline(time.Time{}); !errors.Is(err, http.ErrNotSupported) {
					t.Errorf("SetReadDeadline: %v", err)
				}
			})).ServeHTTP(tt.w, httptest.NewRequest("GET", "/", nil))
		})
	}
}

// On a real server: early hints, streaming, deadlines, files and a connection
// that is taken over.
func TestServer(t *testing.T) {
	t.Parallel()
	rec, _ := pacertest.New(t, pacer.Config{})
	file := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(file, make([]byte, 100_000), 0o666); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		if _, ok := w.(io.ReaderFrom); !ok {
			t.Error("no io.ReaderFrom")
		}
		http.ServeFile(w, r, file)
	})
	asked := make(chan bool)
	mux.HandleFunc("/stream", func(w http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "one\n")
		w.(http.Flusher).Flush()
		<-asked // the first line has arrived
	})
	mux.HandleFunc("/hijack", func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine")
		conn.Close()
	})
	measured := pacerhttp.Middleware(rec)(mux)
	var handlers sync.WaitGroup
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handlers.Add(1)
		defer handlers.Done()
		measured.ServeHTTP(w, r)
	}))
	fetch := func(path string) *http.Response {
		resp, err := server.Client().Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	resp := fetch("/stream")
	if line, err := bufio.NewReader(resp.Body).ReadString('\n'); line != "one\n" || err != nil {
		t.Errorf("streamed %q, %v", line, err)
	}
	close(asked)
	resp.Body.Close()
	for path, want := range map[string]int{"/file": 100_000, "/hijack": 4} {
		resp := fetch(path)
		if body, err := io.ReadAll(resp.Body); len(body) != want || err != nil {
			t.Errorf("%s: %d bytes, %v; want %d", path, len(body), err, want)
		}
		resp.Body.Close()
	}
	server.Close()
	handlers.Wait() // Close does not wait for one that took its connection over
	if diff := cmp.Diff(map[string]int64{"/file 2xx": 1, "/stream 2xx": 1}, counts(rec, "http.request")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	pacertest.Total(t, rec, "http.response.size{route=/file,status=2xx}", 100_000)
	pacertest.Total(t, rec, "http.hijacked", 1)
	pacertest.Total(t, rec, "http.in_flight", 0)
}

// nowhere is a ResponseWriter that costs nothing.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (n nowhere) WriteHeader(int)             {}

func TestAllocations(t *testing.T) {
	rec, _ := pacertest.New(t, pacer.Config{})
	h := pacerhttp.Middleware(rec)(plain{200})
	r, w := httptest.NewRequest("GET", "/", nil), nowhere{make(http.Header)}
	for range 20_000 { // over run.MaxSamples
		h.ServeHTTP(w, r)
	}
	if got := testing.AllocsPerRun(1000, func() { h.ServeHTTP(w, r) }); got > 3 {
		t.Errorf("a request costs %v allocations, the documentation says three", got)
	}
}

func BenchmarkMiddleware(b *testing.B) {
	rec, _ := pacertest.New(b, pacer.Config{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") })
	mux := func() *http.ServeMux {
		m := http.NewServeMux()
		m.Handle("GET /tracks/{id}", handler)
		return m
	}
	for _, bb := range []struct {
		name string
		h    http.Handler
	}{
		{"bare", mux()},
		{"disabled", pacerhttp.Middleware(nil)(mux())},
		{"measured", pacerhttp.Middleware(rec)(mux())},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			r, w := httptest.NewRequest("GET", "/tracks/1", nil), nowhere{make(http.Header)}
			for b.Loop() {
				bb.h.ServeHTTP(w, r)
			}
		})
		b.Run(bb.name+"/parallel", func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				r, w := httptest.NewRequest("GET", "/tracks/1", nil), nowhere{make(http.Header)}
				for pb.Next() {
					bb.h.ServeHTTP(w, r)
				}
			})
		})
	}
}
