package dashboard

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/unit"
)

func diffText(list []diffLine) string {
	var b strings.Builder
	for _, l := range list {
		fmt.Fprintln(&b, l.Sign+l.Text)
	}
	return b.String()
}

func TestLineDiff(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, old, new, want string }{
		{"the same", "a\nb\n", "a\nb\n", ""},
		{"both empty", "", "", ""},
		{"from nothing", "", "a\n", "+a\n"},
		{"to nothing", "a\nb\n", "", "-a\n-b\n"},
		{"one line", "a\nb\nc\n", "a\nB\nc\n", " a\n-b\n+B\n c\n"},
		{"a line more", "a\nc\n", "a\nb\nc\n", " a\n+b\n c\n"},
		{"far from the ends", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n", "…\n 3\n 4\n-5\n+five\n 6\n 7\n…\n"},
		{"two places", "1\n2\n3\n4\n5\n6\n7\n8\n", "one\n2\n3\n4\n5\n6\n7\neight\n", "-1\n+one\n 2\n 3\n…\n 6\n 7\n-8\n+eight\n"},
		{"no end of line", "a\nb", "a\nb\n", ""},
		{"ends of lines as on Windows", "a\r\nb\r\n", "a\nc\n", " a\n-b\n+c\n"},
	} {
		if got := diffText(lineDiff(tt.old, tt.new)); got != tt.want {
			t.Errorf("%s:\n%swant:\n%s", tt.name, got, tt.want)
		}
	}
}

// What is not added is the old text, what is not gone the new one, and no
// shorter way from one to the other is there than by the lines in common.
func TestMiddleDiffLaws(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	text := func() (list []string) {
		for range rng.IntN(9) {
			list = append(list, string(rune('a'+rng.IntN(4))))
		}
		return list
	}
	for range 500 {
		a, b := text(), text()
		var old, now []string
		same := 0
		for _, l := range middleDiff(a, b) {
			if l.Sign != "+" {
				old = append(old, l.Text)
			}
			if l.Sign != "-" {
				now = append(now, l.Text)
			}
			if l.Sign == " " {
				same++
			}
		}
		if !slices.Equal(old, a) || !slices.Equal(now, b) || same != common(a, b) {
			t.Fatalf("%v to %v: %v, %v, %d lines in common of %d", a, b, old, now, same, common(a, b))
		}
	}
	long := strings.Repeat("a\n", 3000) + "b\n"
	if got := lineDiff("x\n"+long, "y\n"+long); len(got) != 5 {
		t.Errorf("long texts: %d lines", len(got))
	}
}

// common is the number of lines in common, the slow way.
func common(a, b []string) int {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	if a[0] == b[0] {
		return 1 + common(a[1:], b[1:])
	}
	return max(common(a[1:], b), common(a, b[1:]))
}

// Limits are written as people write them, and read back as they were.
func TestWritten(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"2s": "2s", "250ms": "250ms", "0.25s": "250ms", "1200ms": "1.2s", "1.5ms": "1.5ms", "100us": "100us", "3ns": "3ns", "500MB": "500MB", "1000MB": "1000MB", "3B": "3B",
		"40 items/s": "40 items/s", "5%": "5%", "0.5%": "0.5%", "120": "120", "0s": "0s", "0.1ns": "0.1ns",
	} {
		v, base, err := unit.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		got := written(judge.Quantity{Value: v, Unit: base})
		if again, b, err := unit.Parse(got); got != want || err != nil || again != v || b != base {
			t.Errorf("%s is written %s, want %s: %v %s, %v", in, got, want, again, b, err)
		}
	}
}
