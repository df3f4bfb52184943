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

// What measures more pairs is what was typed, with another limit.
func TestWithoutLimits(t *testing.T) {
	t.Parallel()
	tests := []struct{ args, want []string }{
		{[]string{"compare", "--exec", "a", "b", "--pairs", "20", "--aa"}, []string{"--exec", "a", "b", "--aa"}},
		{[]string{"--color=never", "compare", "--max-time=1m", "--ref", "main", "--pairs=3", "--exec", "a"}, []string{"--color=never", "--ref", "main", "--exec", "a"}},
		{[]string{"compare", "--exec", "compare", "--", "--pairs"}, []string{"--exec", "compare", "--", "--pairs"}},
		{[]string{"compare", "--env", "API_TOKEN=abc", "--exec", "a", "b"}, nil},
	}
	for _, tt := range tests {
		if got := withoutLimits(tt.args); !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q, want %q", tt.args, got, tt.want)
		}
	}
}
