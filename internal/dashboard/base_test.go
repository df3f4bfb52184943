package dashboard

import (
	"crypto/tls"
	"net/http/httptest"
	"testing"
)

// Addresses in a feed are those that a reader elsewhere can use, also where a
// proxy ends TLS.
func TestBaseOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		secure, tls bool
		forwarded   string
		want        string
	}{
		{want: "http://pacer.example:8443/team/"},
		{tls: true, want: "https://pacer.example:8443/team/"},
		{secure: true, want: "https://pacer.example:8443/team/"},
		{forwarded: "https", want: "https://pacer.example:8443/team/"},
		{forwarded: "gopher", want: "http://pacer.example:8443/team/"},
	} {
		r := httptest.NewRequest("GET", "/team/regressions.atom?app=shop", nil)
		r.Host = "pacer.example:8443"
		r.Header.Set("X-Forwarded-Proto", tt.forwarded)
		if tt.tls {
			r.TLS = &tls.ConnectionState{}
		}
		if got := (&Handler{Config: Config{Secure: tt.secure}}).baseOf(r); got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
	}
}
