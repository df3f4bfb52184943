//go:build unix

package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a push ends with says what to do, and what trying again does not mend is
// not tried again.
func TestPushHints(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keepSamples(t, dir, "01", 40_000) // more than connections hold, so that it is still being sent
	answers := func(status int, body string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	away := httptest.NewServer(nil)
	away.Close()
	if err := os.WriteFile(filepath.Join(dir, "token.txt"), []byte("pacer_a_b\ntoken a: ingest, for any app\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		args []string
		want []string
	}{
		"away":                    {[]string{"--patience", "1ms", away.URL}, []string{"connection refused", "hint: does pacer serve run there?"}},
		"role":                    {[]string{answers(403, `{"error":"the token may not do that"}`)}, []string{"the token may not do that", "hint: it takes another token; where the server runs: pacer token create"}},
		"TLS":                     {[]string{answers(400, "<html>The plain HTTP request was sent to HTTPS port</html>")}, []string{"400 Bad Request", "hint: does it speak TLS? https://127.0.0.1"}},
		"a proxy's limit":         {[]string{answers(413, "<html>413</html>")}, []string{"rejected: run 01", "(client_max_body_size 32m in nginx) and send again: --again"}},
		"a file of several lines": {[]string{"--token-file", "token.txt", away.URL}, []string{"token.txt holds more than a token: expected one word", "--role ingest >token.txt"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyOf(t, dir)
			status, out, text := said(t, dir, nil, append([]string{"push"}, tt.args...)...)
			if status != 2 || out != "" || strings.Contains(text, "trying again in") {
				t.Errorf("status %d: %s%s", status, out, text)
			}
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("it does not say %q: %s", want, text)
				}
			}
		})
	}
}

// copyOf is a folder with the same history and files.
func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// Who comes to a server with TLS without it is told so at once, also while they
// send something large.
func TestServePlainToTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keepSamples(t, dir, "01", 40_000)
	certificateFiles(t, dir)
	s := startServer(t, dir, "serve", "--addr", "127.0.0.1:0", "--tls-cert", "cert.pem", "--tls-key", "key.pem")
	plain := "http://" + strings.TrimPrefix(s.url, "https://")
	status, _, text := said(t, dir, nil, "push", plain)
	if status != 2 || !strings.Contains(text, "it speaks TLS: its address begins with https://") || strings.Contains(text, "trying again") {
		t.Errorf("push: %d, %s", status, text)
	}
	if code, body := fetch(t, "GET", plain, nil); code != 400 || !strings.HasPrefix(body, "it speaks TLS") {
		t.Errorf("a browser: %d %q", code, body)
	}
	s.interrupt(t)
}

// certificateFiles writes a certificate and its key into a folder: cert.pem, key.pem.
func certificateFiles(t *testing.T, dir string) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	pair := s.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, "key.pem": {Type: "PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A history from which nothing could be answered is not served.
func TestServeNoHistory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("this is no history\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"notes.txt":                     "is damaged or no history",
		"mysql://db/pacer":              "mysql: is no kind of history",
		"postgres://pacer:s@cret@db/x":  "written as %40",
		"postgres://pacer:s/ecret@db/x": "written as %40",
	} {
		status, out, text := said(t, dir, nil, "serve", "--addr", "127.0.0.1:0", "--history", address)
		if status != 2 || out != "" || !strings.Contains(text, want) || strings.Contains(text, "cret") {
			t.Errorf("%s: status %d, %s%s", address, status, out, text)
		}
	}
}
