package loopback

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestIs(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]bool{
		"127.0.0.1:0": true, "[::1]:80": true, "localhost:0": true, "LOCALHOST:0": true, "127.9.9.9:1": true,
		":80": false, "0.0.0.0:80": false, "192.0.2.1:80": false, "example.org:80": false, "[::]:0": false,
	} {
		if got, err := Is(addr); got != want || err != nil {
			t.Errorf("%s: %v, %v, want %v", addr, got, err, want)
		}
	}
	if _, err := Is("127.0.0.1"); err == nil {
		t.Error("an address without a port is none")
	}
}

func TestOnly(t *testing.T) {
	t.Parallel()
	h := Only(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), "", "proxy.example.org")
	here, there := net.IPv4(127, 0, 0, 1), net.IPv4(192, 0, 2, 1)
	for _, tt := range []struct {
		host string
		on   net.IP // nil: not over the network
		want int
	}{
		{"localhost:80", here, 200}, {"127.0.0.1", here, 200}, {"[::1]:8080", here, 200}, {"app.localhost", here, 200},
		{"evil.example.org", here, 421}, {"localhost.example.org", here, 421}, {"", here, 421}, {"192.0.2.1", here, 421},
		{"proxy.example.org", here, 200}, {"PROXY.example.org:443", here, 200},
		{"evil.example.org", there, 200}, {"wails", nil, 200},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = tt.host
		if tt.on != nil {
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: tt.on, Port: 80}))
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("Host %q on %v: %d, want %d", tt.host, tt.on, w.Code, tt.want)
		}
	}
}
