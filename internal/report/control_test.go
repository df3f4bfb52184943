package report

import "testing"

func TestControl(t *testing.T) {
	t.Parallel()
	for _, r := range "\x00\x1b\n\u0085\u202a\u202e\u2066\u2069" {
		if !Control(r) {
			t.Errorf("%U is none", r)
		}
	}
	for _, r := range "a é\u200f\u2029\u202f\u2065\u206a日" { // marks of direction alone turn nothing
		if Control(r) {
			t.Errorf("%U is one", r)
		}
	}
}
