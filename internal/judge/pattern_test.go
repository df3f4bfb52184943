package judge

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/run"
)

type labels = map[string]string

func TestPatternMatches(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern string
		name    string
		labels  labels
		want    bool
	}{
		{"table.filter", "table.filter", nil, true},
		{"table.filter", "table.filter", labels{"rows": "1"}, true}, // any labels
		{"table.filter", "table.filters", nil, false},
		{"table.*", "table.filter", nil, true},
		{"table.*", "table", nil, false},
		{"*", "anything/at.all", labels{"a": "b"}, true},
		{"*.filter*e", "table.filter.rare", nil, true},
		{"a*b*c", "abbcc", nil, true},
		{"a*b*c", "acb", nil, false},
		{"a*a", "a", nil, false},
		{"table.filter{rows=1000}", "table.filter", labels{"rows": "1000"}, true},
		{"table.filter{rows=1000}", "table.filter", nil, false},
		{"table.filter{rows=1000}", "table.filter", labels{"rows": "1000", "sort": "no"}, false}, // exactly those
		{"table.filter{sort=no,rows=1000}", "table.filter", labels{"rows": "1000", "sort": "no"}, true},
		{"table.filter{rows=1000, sort=no}", "table.filter", labels{"rows": "1000", "sort": "no"}, true},
		{"table.*{rows=*}", "table.sort", labels{"rows": "5"}, true},
		{"table.*{rows=*}", "table.sort", labels{"rows": "5", "sort": "no"}, false},
		{"table.*{rows=*}", "table.sort", labels{"cols": "5"}, false},
		{"table.*{rows=1*}", "table.sort", labels{"rows": "20"}, false},
		{"table.filter{*}", "table.filter", labels{"rows": "5", "sort": "no"}, true},
		{"table.filter{*}", "table.filter", nil, false},
		{"table.filter{rows=5,*}", "table.filter", labels{"rows": "5", "sort": "no"}, true},
		{"table.filter{rows=5,*}", "table.filter", labels{"rows": "5"}, true},
		{"http{route=/users/{id}}", "http", labels{"route": "/users/{id}"}, true},
		{"m{path=a,b}", "m", labels{"path": "a,b"}, true},
		{"m{path=a,b=c}", "m", labels{"path": "a,b=c"}, true}, // as Key writes it
		{"max{int}", "max{int}", nil, true},
		{"max*int*", "max{int}", nil, true},
		{"max{in", "max{in", nil, true},
	}
	for _, tt := range tests {
		if got := Pattern(tt.pattern).Matches(tt.name, tt.labels); got != tt.want {
			t.Errorf("%s selects %s: %v", tt.pattern, run.Key(tt.name, tt.labels), got)
		}
	}
}

func TestParsePattern(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want, err string }{
		{in: "table.filter", want: "table.filter"},
		{in: "m{b=2, a=1}", want: "m{a=1,b=2}"},
		{in: "m{*,a=1}", want: "m{a=1,*}"},
		{in: "http{route=/users/{id}}", want: "http{route=/users/{id}}"},
		{in: "", err: "is empty"},
		{in: "m{rows=1", err: "brace without its other half"},
		{in: "m{rows=1}}", err: "brace without its other half"},
		{in: "m}", err: "brace without its other half"},
		{in: "m}{a=1}", err: "brace without its other half"},
		{in: "m{a=1}x", err: "brace without its other half"},
		{in: "{rows=1}", err: "write *{rows=1} for any"},
		{in: "m{}", err: "no labels between its braces"},
		{in: "m{rows}", err: "write rows=* for any"},
		{in: "m{=1}", err: "label without a key"},
		{in: "m{a=1,a=2}", err: "has the label a twice"},
		{in: "m{a=,b=,c=,d=,e=,f=,g=,h=,i=}", err: "at most 8"},
		{in: "a\nb", err: "without control characters"},
		{in: "a\xffb", err: "no name of a metric"},
	}
	for _, tt := range tests {
		got, err := ParsePattern(tt.in)
		switch {
		case tt.err == "" && (err != nil || got != Pattern(tt.want)):
			t.Errorf("ParsePattern(%q) = %q, %v; want %q", tt.in, got, err, tt.want)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("ParsePattern(%q) = %q, %v; want an error with %q", tt.in, got, err, tt.err)
		}
	}
}

// The order that the doc of Pattern gives, from the least specific on.
func TestPatternWeight(t *testing.T) {
	t.Parallel()
	order := []Pattern{"*", "t*", "table.*", "table.filter", "*{rows=*}", "table.*{rows=*}", "table.*{rows=1000}", "table.filter{*}", "table.filter{rows=*}", "table.filter{rows=1*}", "table.filter{rows=1000}"}
	for i := range order[1:] {
		if order[i].weight() >= order[i+1].weight() {
			t.Errorf("%s is not less specific than %s", order[i], order[i+1])
		}
	}
}

// The pattern of a metric selects it, parses, and stays as it is.
func TestPatternOf(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 1))
	word := func() string {
		letters := []rune("ab.{}*=,é ")
		text := make([]rune, 1+rng.IntN(4))
		for i := range text {
			text[i] = letters[rng.IntN(len(letters))]
		}
		return string(text)
	}
	for range 5000 {
		name, l := word(), labels{}
		for range rng.IntN(3) {
			l[word()] = word()
		}
		p := PatternOf(name, l)
		if !p.Matches(name, l) {
			t.Fatalf("PatternOf(%q, %q) = %q, which does not select it", name, l, p)
		}
		if again, err := ParsePattern(string(p)); err != nil || again != p {
			t.Fatalf("PatternOf(%q, %q) = %q, which reads as %q, %v", name, l, p, again, err)
		}
	}
}

// match agrees with the plain definition of a glob.
func TestMatchLaws(t *testing.T) {
	t.Parallel()
	var glob func(p, s string) bool
	glob = func(p, s string) bool {
		if p == "" {
			return s == ""
		}
		if p[0] == '*' {
			return glob(p[1:], s) || s != "" && glob(p, s[1:])
		}
		return s != "" && p[0] == s[0] && glob(p[1:], s[1:])
	}
	rng := rand.New(rand.NewPCG(3, 2))
	word := func(letters string) string {
		text := make([]byte, rng.IntN(7))
		for i := range text {
			text[i] = letters[rng.IntN(len(letters))]
		}
		return string(text)
	}
	for range 20000 {
		p, s := word("ab**"), word("ab")
		if match(p, s) != glob(p, s) {
			t.Fatalf("match(%q, %q) = %v", p, s, match(p, s))
		}
	}
}

func BenchmarkPatternMatches(b *testing.B) {
	l := labels{"rows": "1000"}
	for _, p := range []Pattern{"table.filter", "*.f*r", "table.filter{rows=1000}"} {
		b.Run(string(p), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Matches("table.filter", l)
			}
		})
	}
}
