package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// note is what is known of a request, for its log line and its counters.
type note struct {
	id    string
	route string // its pattern; "": none
	who   *Who
	err   error
}

type noteKey struct{}

func noteOf(r *http.Request) *note {
	n, _ := r.Context().Value(noteKey{}).(*note)
	if n == nil {
		n = &note{}
	}
	return n
}

// chain puts together what every request goes through.
func (s *Server) chain() http.Handler {
	mux := http.NewServeMux()
	s.mount(mux)
	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, refuse(http.StatusForbidden, "", "that came from a page of another site"))
	}))
	return s.noted(s.limited(crossOrigin.Handler(s.texts(mux))))
}

// noted logs and counts requests, and turns a panic into an answer.
func (s *Server) noted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var id [8]byte
		rand.Read(id[:]) // never fails
		n := &note{id: hex.EncodeToString(id[:]), who: &Who{}}
		r = r.WithContext(context.WithValue(r.Context(), noteKey{}, n))
		out := &statusWriter{ResponseWriter: w}
		out.Header().Set("X-Request-Id", n.id)
		out.Header().Set("X-Content-Type-Options", "nosniff")
		out.Header().Set("Cache-Control", "no-store")
		began := time.Now()
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				s.Log.Error("panic", "request", n.id, "panic", p, "stack", string(debug.Stack()))
				if out.status == 0 {
					writeJSON(out, http.StatusInternalServerError, Error{Error: "something went wrong here", Request: n.id})
				}
			}
			took := time.Since(began)
			s.counters.request(n.route, out.status, took)
			s.log(r, n, out, took)
		}()
		next.ServeHTTP(out, r)
	})
}

func (s *Server) log(r *http.Request, n *note, out *statusWriter, took time.Duration) {
	level := slog.LevelInfo
	if out.status >= 500 {
		level = slog.LevelError
	}
	attrs := []slog.Attr{slog.String("request", n.id), slog.String("method", r.Method), slog.String("path", clip(r.URL.Path, 200)), slog.Int("status", out.status),
		slog.Duration("took", took.Round(time.Microsecond)), slog.String("remote", s.remote(r))}
	if n.who.Token != "" {
		attrs = append(attrs, slog.String("token", n.who.Token))
	}
	if n.err != nil {
		attrs = append(attrs, slog.String("err", clip(n.err.Error(), 500)))
		if e := refusalOf(n.err); e.cause != nil && e.cause.Error() != n.err.Error() {
			attrs = append(attrs, slog.String("cause", clip(e.cause.Error(), 500)))
		}
	}
	s.Log.LogAttrs(r.Context(), level, "request", attrs...)
}

// clip bounds what a log line takes of what was sent.
func clip(text string, most int) string {
	if len(text) > most {
		text = text[:most] + "..."
	}
	return strings.ToValidUTF8(text, "?")
}

// statusWriter remembers what was answered.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// limited settles who asks, and refuses those who ask too often.
func (s *Server) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now, remote := s.Now(), s.remote(r)
		if free(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), s.Limits.StoreTime)
		who, err := s.whoIs(ctx, r)
		cancel()
		if err != nil {
			if presented(r) != "" {
				err = s.refused(remote, now, err)
			}
			s.fail(w, r, err)
			return
		}
		noteOf(r).who = who
		if wait := s.limits.requests.take(asker(r), now); wait > 0 {
			s.fail(w, r, tooMany("more requests than one may make", wait))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// refused counts a token that was refused. Who presents too many is told to wait;
// a token that is right is let in from the same address all the same.
func (s *Server) refused(remote string, now time.Time, err error) error {
	if refusalOf(err).status == http.StatusUnauthorized && s.limits.failures.take(remote, now) > 0 {
		return tooMany("too many tokens from there were refused", time.Minute)
	}
	return err
}

// asker is whose limits count for a request: a token, or else an address.
func asker(r *http.Request) string {
	who := whoOf(r)
	if who.Token != "" {
		return who.Token
	}
	return who.Remote
}

func tooMany(text string, wait time.Duration) *refusal {
	return &refusal{status: http.StatusTooManyRequests, text: text, hint: "wait as long as Retry-After says; send runs in batches: application/x-ndjson", after: wait}
}

// free tells whether an address is answered whoever asks, also while the
// history is away.
func free(path string) bool {
	return path == "/healthz" || path == "/readyz" || path == "/api/v1/openapi.json" || strings.HasPrefix(path, "/static/")
}

// remote is the address that a request comes from.
func (s *Server) remote(r *http.Request) string {
	if s.BehindProxy {
		// The last one is what the proxy itself saw.
		list := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		if ip := net.ParseIP(strings.TrimSpace(list[len(list)-1])); ip != nil {
			return ip.String()
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// localName tells whether a request names this machine alone: a page whose name
// was made to lead here (DNS rebinding) does not.
func localName(r *http.Request) error {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(strings.ToLower(host), "[]")
	ip := net.ParseIP(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback() {
		return nil
	}
	return refuse(http.StatusMisdirectedRequest, "open http://localhost instead; to let others in: pacer token create --name me --role admin", "%s is no name of this machine alone", fmt.Sprintf("%q", clip(r.Host, 100)))
}
