package pacerhttp

import (
	"strings"
	"testing"

	"github.com/pacer-perf/pacer"
)

func TestLabel(t *testing.T) {
	t.Parallel()
	tests := []struct{ pattern, want string }{
		{"", ""},
		{"/", "/"},
		{"GET /tracks/{id}", "GET /tracks/:id"},
		{"/{a}/{b}/x", "/:a/:b/x"},
		{"/files/{path...}", "/files/*path"},
		{"/posts/{$}", "/posts/$"},
		{"/a=b,c", "/a_b_c"},
		{"/open{", "/open_"},
		{"/open{x", "/open_x"},
		{"/close}", "/close_"},
		{"/tab\t\x7f", "/tab__"},
		{"/not\xffutf8", "/not_utf8"},
		{strings.Repeat("ä", 150), strings.Repeat("ä", 100)},
		{"x" + strings.Repeat("ä", 150), "x" + strings.Repeat("ä", 99)},
	}
	for _, tt := range tests {
		if got := label(tt.pattern); got != tt.want {
			t.Errorf("label(%q) = %q, want %q", tt.pattern, got, tt.want)
		}
	}
}

// Whatever a Route returns, the recorder takes it.
func FuzzLabel(f *testing.F) {
	for _, seed := range []string{"GET /tracks/{id}", "/{a}/{b...}", "/{$}", "{{}", "a,b=c", "\x00\xff", strings.Repeat("€", 99)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		rec := pacer.New(pacer.Config{})
		rec.Timer("http.request", pacer.L("route", label(pattern)))
		if err := rec.Err(); err != nil {
			t.Error(err)
		}
	})
}
