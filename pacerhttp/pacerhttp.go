// Package pacerhttp measures the requests that a net/http server answers, and
// shows what a program measures as pages of its own: see [Dashboard].
//
//	mux := http.NewServeMux()
//	mux.HandleFunc("GET /tracks/{id}", track)
//	http.ListenAndServe(addr, pacerhttp.Middleware(rec)(mux))
//
// It records:
//
//	http.request        timer  from the first to the last moment in the handler
//	http.response.size  bytes  of the body, as the handler wrote it
//	http.in_flight      gauge  requests that are being answered
//	http.hijacked       counter  connections that a handler took over, such as
//	                    WebSockets: how long one lives is no response time
//
// The timer and the size have the labels route and status. The route is the
// pattern that http.ServeMux matched, with its wildcards as in
// "GET /tracks/:id" and "GET /files/*path", since braces cannot be in a label;
// a request that matched none has the route "other". The path is never a
// label. The status is a class, 2xx; a handler that panics counts as 5xx,
// whatever it wrote before.
//
// What a handler starts with pacer.Start goes to the recorder of the
// Middleware.
package pacerhttp

import (
	"net/http"
	"time"

	"github.com/pacer-perf/pacer"
)

// Option changes what a Middleware does.
type Option func(*middleware)

// Route has route tell the route of a request, for routers that do not set
// http.Request.Pattern. It is called when the handler has returned, with the
// request that the handler was given. It must return patterns, of which there
// are few, and not paths; "" is the route "other".
func Route(route func(*http.Request) string) Option {
	return func(m *middleware) { m.route = route }
}

// Middleware returns a function that puts a handler under measurement. It may
// stand around a ServeMux, around a single handler in one, or anywhere between;
// a handler between it and the mux that passes on a copy of the request, as
// http.StripPrefix does, hides the route from it.
//
// A recorder has room for 994 pairs of route and status; further ones are counted
// as the route "other".
//
// A request costs three allocations: the ResponseWriter that counts, and a
// copy of the request with its context. No lock is taken for routes that were
// seen before. With a nil recorder the function returns the handler as it is.
//
// The ResponseWriter is an http.Flusher and http.Hijacker if that of the server
// is, and works with http.ResponseController.
func Middleware(rec *pacer.Recorder, options ...Option) func(http.Handler) http.Handler {
	if rec == nil {
		return func(next http.Handler) http.Handler { return next }
	}
	m := &middleware{
		rec:      rec,
		now:      rec.Now,
		route:    func(r *http.Request) string { return r.Pattern },
		inFlight: rec.Gauge("http.in_flight"),
	}
	for _, o := range options {
		o(m)
	}
	m.routes.init(rec)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.serve(next, w, r) })
	}
}

type middleware struct {
	rec      *pacer.Recorder
	now      func() time.Duration
	route    func(*http.Request) string
	inFlight *pacer.Gauge
	routes   routes
}

func (m *middleware) serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	wrapped, seen := wrap(w)
	inner := r.WithContext(pacer.NewContext(r.Context(), m.rec))
	m.inFlight.Add(1)
	start := m.now()
	returned := false
	// Without recover a panic passes by, its stack untouched.
	defer func() {
		took := m.now() - start
		m.inFlight.Add(-1)
		if r.Pattern == "" {
			r.Pattern = inner.Pattern // the mux set that of its copy; others read it, too
		}
		switch {
		case seen.hijacked:
			m.rec.Counter("http.hijacked").Add(1)
		case returned:
			m.routes.find(m.route(inner), seen.class()).record(took, seen.size)
		default:
			m.routes.find(m.route(inner), serverError).record(took, seen.size)
		}
	}()
	next.ServeHTTP(wrapped, inner)
	returned = true
}
