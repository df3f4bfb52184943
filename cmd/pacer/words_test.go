package main

import (
	"slices"
	"testing"
)

func TestSplitWords(t *testing.T) {
	t.Parallel()
	tests := []struct {
		line string
		want []string // nil: refused
	}{
		{`./app --bench`, []string{"./app", "--bench"}},
		{"  a\tb \n c ", []string{"a", "b", "c"}},
		{`sh -c 'sleep 1; echo "$x"'`, []string{"sh", "-c", `sleep 1; echo "$x"`}},
		{`a "b c" d\ e ''`, []string{"a", "b c", "d e", ""}},
		{`a "say \"hi\" \n \$x"`, []string{"a", `say "hi" \n $x`}},
		{`a --q=x?y=1 b#c d~`, []string{"a", "--q=x?y=1", "b#c", "d~"}},
		{`"" b`, []string{"", "b"}},
		{``, nil},
		{`a 'b`, nil},
		{`a "b`, nil},
		{`a | b`, nil},
		{`a > b`, nil},
		{`a $HOME`, nil},
		{`a "$HOME"`, nil},
		{`ls *.go`, nil},
		{`ls ~/x`, nil},
	}
	for _, tt := range tests {
		got, err := splitWords(tt.line)
		if (err != nil) != (tt.want == nil) || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, %v; want %q", tt.line, got, err, tt.want)
		}
	}
}
