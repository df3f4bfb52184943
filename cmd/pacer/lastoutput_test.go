package main

import (
	"errors"
	"strings"
	"testing"
)

// What a command printed last is shown as a terminal would, and does not steer
// it.
func TestWithOutput(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ tail, want string }{
		{"", "failed"},
		{"one\ntwo", "failed; its last output:\n  one\n  two"},
		{"\x1b[1;31merror\x1b[0m: \x1b[Kno", "failed; its last output:\n  error: no"},
		{"10 %\r50 %\r100 %\nunder Windows\r\n", "failed; its last output:\n  100 %\n  under Windows\n  "},
		{"\x1b]0;title\x07a\tb\x00\u202e", "failed; its last output:\n  ?]0;title?a\tb??"},
		{strings.Repeat("x", 5000), "failed; its last output:\n  " + strings.Repeat("x", longestLine-1) + "~"},
	} {
		if got := withOutput(errors.New("failed"), tt.tail).Error(); got != tt.want {
			t.Errorf("%q: %q; want %q", tt.tail, got, tt.want)
		}
	}
}
