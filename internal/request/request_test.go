package request

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// server answers in memory, so that a test's clock is the only one.
type server func(attempt int, w http.ResponseWriter, r *http.Request) error

type transport struct {
	server  server
	bodies  []string
	moments []time.Duration
	start   time.Time
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	t.bodies = append(t.bodies, string(body))
	t.moments = append(t.moments, time.Since(t.start))
	w := httptest.NewRecorder()
	if err := t.server(len(t.bodies), w, r); err != nil {
		return nil, err
	}
	if r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	return w.Result(), nil
}

func status(code int, header ...string) server {
	return func(_ int, w http.ResponseWriter, _ *http.Request) error {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		return nil
	}
}

// then answers with one server after the other, the last one for ever.
func then(servers ...server) server {
	return func(attempt int, w http.ResponseWriter, r *http.Request) error {
		return servers[min(attempt, len(servers))-1](attempt, w, r)
	}
}

var (
	refused = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	reset   = &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
)

func broken(err error) server {
	return func(int, http.ResponseWriter, *http.Request) error { return err }
}

func TestDo(t *testing.T) {
	t.Parallel()
	const s = time.Second
	tests := []struct {
		name    string
		once    bool
		server  server
		moments []time.Duration // when it was asked
		status  int             // of the error; 0: none
		message string
		unsure  bool
	}{
		{name: "answered", server: status(201), moments: []time.Duration{0}},
		{name: "asked to wait", server: then(status(429, "Retry-After", "7"), status(200)), moments: []time.Duration{0, 7 * s}},
		{name: "at once", server: then(status(429, "Retry-After", "0"), status(200)), moments: []time.Duration{0, 0}},
		{name: "at once, again and again", server: status(503, "Retry-After", "0"), moments: []time.Duration{0, 0, 1 * s, 2 * s, 3 * s}, status: 503, message: "(tried 5 times)"},
		{name: "until a date", server: then(dated(90*s), status(200)), moments: []time.Duration{0, 90 * s}},
		{name: "limit without a word", server: then(status(429), status(200)), moments: []time.Duration{0, 10 * s}},
		{name: "secondary limit", server: then(status(403, "Retry-After", "3"), status(200)), moments: []time.Duration{0, 3 * s}},
		{name: "limit that ends", server: then(resets(40*s), status(200)), moments: []time.Duration{0, 40 * s}},
		{name: "a write is asked to wait", once: true, server: then(status(429, "Retry-After", "7"), status(200)), moments: []time.Duration{0, 7 * s}},
		{name: "longer than we wait", server: status(429, "Retry-After", "3600"), moments: []time.Duration{0}, status: 429, message: "asks to wait 1h0m0s"},
		{name: "longer in all", server: status(429, "Retry-After", "50"), moments: []time.Duration{0, 50 * s, 100 * s}, status: 429, message: "asks to wait 50s"},
		{name: "failing", server: then(status(502), status(503), status(200)), moments: []time.Duration{0, 1 * s, 3 * s}},
		{name: "failing, with a word", server: then(status(503, "Retry-After", "5"), status(200)), moments: []time.Duration{0, 5 * s}},
		{name: "failing for good", server: status(500), moments: []time.Duration{0, 1 * s, 3 * s, 7 * s, 15 * s}, status: 500, message: "(tried 5 times)"},
		{name: "a write may be done", once: true, server: status(502), moments: []time.Duration{0}, status: 502, unsure: true},
		{name: "a write broke off", once: true, server: broken(reset), moments: []time.Duration{0}, message: "connection reset", unsure: true},
		{name: "a write never arrived", once: true, server: then(broken(refused), status(200)), moments: []time.Duration{0, 1 * s}},
		{name: "broken off", server: then(broken(reset), status(200)), moments: []time.Duration{0, 1 * s}},
		{name: "forbidden", server: status(403), moments: []time.Duration{0}, status: 403},
		{name: "not found", server: status(404), moments: []time.Duration{0}, status: 404},
		{name: "elsewhere", server: status(307, "Location", "https://elsewhere.example/"), moments: []time.Duration{0}, status: 307, message: "redirects are not followed"},
		{name: "somebody else", server: broken(&tls.CertificateVerificationError{Err: errors.New("valid for another name")}), moments: []time.Duration{0}, message: "valid for another name"},
		{name: "no TLS there", server: broken(http.ErrSchemeMismatch), moments: []time.Duration{0}, message: "HTTP response to HTTPS client"},
		{name: "silent", server: silent, moments: []time.Duration{0, 31 * s, 63 * s, 97 * s, 135 * s}, message: "no answer in time (tried 5 times)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tr := &transport{server: tt.server, start: time.Now()}
				waits := 0
				c := Client{Transport: tr, Waiting: func(string, time.Duration) { waits++ }, chance: func() float64 { return 0 }}
				_, err := c.Do(t.Context(), Request{Method: "POST", URL: "https://host.example/secret", Name: "the hook", Body: []byte("body"), Once: tt.once})
				if len(tr.moments) != len(tt.moments) || waits != len(tt.moments)-1 {
					t.Fatalf("asked at %v with %d waits, want %v; %v", tr.moments, waits, tt.moments, err)
				}
				for i, at := range tr.moments {
					// A date in a header has no fractions of a second.
					if d := tt.moments[i] - at; d < 0 || d >= s {
						t.Errorf("asked at %v, want %v", tr.moments, tt.moments)
					}
					if tr.bodies[i] != "body" {
						t.Errorf("attempt %d sent %q", i+1, tr.bodies[i])
					}
				}
				var of *StatusError
				switch failed := tt.status != 0 || tt.message != ""; {
				case failed != (err != nil), errors.Is(err, ErrUnsure) != tt.unsure:
					t.Errorf("error %v", err)
				case errors.As(err, &of) != (tt.status != 0), of != nil && of.Status != tt.status:
					t.Errorf("error %v, want status %d", err, tt.status)
				case failed && (!strings.Contains(err.Error(), tt.message) || !strings.Contains(err.Error(), "POST the hook") || strings.Contains(err.Error(), "secret")):
					t.Errorf("error %v, want %q without the address", err, tt.message)
				}
			})
		})
	}
}

// Whoever is turned away does not come back at once with all the others, nor
// earlier than asked, and is there once more when patience ends.
func TestSpread(t *testing.T) {
	t.Parallel()
	const s = time.Second
	tests := []struct {
		name    string
		server  server
		chance  float64
		moments []time.Duration
	}{
		{"own, in full", status(500), 0, []time.Duration{0, 1 * s, 3 * s, 7 * s, 15 * s, 31 * s, 60 * s}},
		{"own, halved", status(500), 1, []time.Duration{0, s / 2, 3 * s / 2, 7 * s / 2, 15 * s / 2, 31 * s / 2, 61 * s / 2, 91 * s / 2, 60 * s}},
		{"asked for, in full", then(status(503, "Retry-After", "8"), status(400)), 0, []time.Duration{0, 8 * s}},
		{"asked for, lengthened", then(status(503, "Retry-After", "8"), status(400)), 1, []time.Duration{0, 12 * s}},
		{"a long one, lengthened by little", then(status(429, "Retry-After", "40"), status(400)), 1, []time.Duration{0, 50 * s}},
		{"not beyond patience", then(status(429, "Retry-After", "58"), status(400)), 1, []time.Duration{0, 60 * s}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tr := &transport{server: tt.server, start: time.Now()}
				c := Client{Transport: tr, Attempts: 100, Patience: 60 * s, chance: func() float64 { return tt.chance }}
				if _, err := c.Do(t.Context(), Request{Method: "POST", URL: "https://host.example/", Name: "it"}); err == nil {
					t.Fatal("no error")
				}
				if !slices.Equal(tr.moments, tt.moments) {
					t.Errorf("asked at %v, want %v", tr.moments, tt.moments)
				}
			})
		})
	}
}

func dated(d time.Duration) server {
	return func(_ int, w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Retry-After", time.Now().Add(d).UTC().Format(http.TimeFormat))
		w.WriteHeader(429)
		return nil
	}
}

func resets(d time.Duration) server {
	return func(_ int, w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(d).Unix(), 10))
		w.WriteHeader(403)
		return nil
	}
}

func silent(_ int, _ http.ResponseWriter, r *http.Request) error {
	<-r.Context().Done()
	return r.Context().Err()
}

// An interrupt ends it at once, in a wait and in a request.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]server{"waiting": status(429, "Retry-After", "60"), "asking": silent} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				start := time.Now()
				c := Client{Transport: &transport{server: s, start: start}}
				_, err := c.Do(ctx, Request{Method: "GET", URL: "https://host.example/", Name: "it"})
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
					t.Errorf("%v after %v", err, time.Since(start))
				}
			})
		})
	}
}

func TestMessage(t *testing.T) {
	t.Parallel()
	tests := []struct{ body, want string }{
		{`{"message":"Bad credentials","documentation_url":"x"}`, "Bad credentials"},
		{`{"message":"Validation Failed","errors":[{"code":"custom"}]}`, `Validation Failed: [{"code":"custom"}]`},
		{`{"message":{"base":["too long"]}}`, `{"base":["too long"]}`},
		{`{"error":"insufficient_scope"}`, "insufficient_scope"},
		{"no_service", "no_service"},
		{"first\nsecond", "first"},
		{"<html><body>502</body></html>", ""},
		{"", ""},
		{"a\x1b[31mb", "a[31mb"},
		{strings.Repeat("é", 400), strings.Repeat("é", 300) + "..."},
	}
	for _, tt := range tests {
		if got := message([]byte(tt.body)); got != tt.want {
			t.Errorf("message(%q) = %q, want %q", tt.body, got, tt.want)
		}
	}
}

// What is too large is refused, and not asked for again.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	asked := 0
	c := Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		asked++
		return &http.Response{StatusCode: 200, Body: io.NopCloser(io.LimitReader(zeros{}, maxBody+10))}, nil
	})}
	_, err := c.Do(t.Context(), Request{Method: "GET", URL: "https://host.example/", Name: "it"})
	if err == nil || !strings.Contains(err.Error(), "larger than 32 MB") || asked != 1 {
		t.Errorf("%v after %d requests", err, asked)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// An address that cannot be read is not shown either.
func TestBadAddress(t *testing.T) {
	t.Parallel()
	c := Client{Waiting: func(string, time.Duration) { t.Error("it is asked again") }}
	_, err := c.Do(t.Context(), Request{Method: "GET", URL: "https://host.example:secret/%zz", Name: "it"})
	if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "zz") {
		t.Errorf("%v", err)
	}
}
