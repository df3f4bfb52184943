package text

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/internal/golden"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/report/reporttest"
)

// The times of runs are shown as the reader's clock has them.
func TestMain(m *testing.M) {
	time.Local = time.UTC
	m.Run()
}

func verdict(t testing.TB, r *report.Report, o Options) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Verdict(&out, r, o); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	worked := reporttest.Worked()
	for _, tt := range []struct {
		name string
		r    *report.Report
		o    Options
	}{
		{"worked-100", worked, Options{Width: 100, Exit: "exit 1"}},
		{"worked-80", worked, Options{Exit: "exit 1"}},
		{"worked-60", worked, Options{Width: 60, Exit: "exit 1"}},
		{"worked-40", worked, Options{Width: 40}},
		{"worked-ascii-quiet", worked, Options{ASCII: true, Quiet: true}},
		{"worked-color", worked, Options{Width: 120, Color: true}},
		{"worked-verbose", worked, Options{Width: 100, Verbose: true}},
		{"first", reporttest.First(), Options{}},
		{"elsewhere", reporttest.Elsewhere(), Options{Exit: "exit 0; 3 with --strict"}},
		{"calm", reporttest.Calm(), Options{}},
		{"calm-quiet", reporttest.Calm(), Options{Quiet: true}},
		{"hostile", reporttest.Hostile(), Options{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			golden.Check(t, tt.name+".txt", verdict(t, tt.r, tt.o))
		})
	}
	var out bytes.Buffer
	if err := Comparison(&out, worked, Options{Width: 100}); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "comparison.txt", out.Bytes())
}

// Whatever the width, no row is wider, the last line is the verdict, and every
// name is whole.
func TestVerdictWidths(t *testing.T) {
	t.Parallel()
	r := reporttest.Worked()
	for width := 30; width <= 140; width++ {
		for _, quiet := range []bool{true, false} {
			out := string(verdict(t, r, Options{Width: width, Quiet: quiet}))
			lines := strings.Split(strings.TrimRight(out, "\n"), "\n")
			for _, line := range lines {
				if n := utf8.RuneCountInString(line); n > width && !strings.Contains(line, "  pacer ") && width >= 60 {
					t.Errorf("%d columns in %d: %s", n, width, line)
				}
			}
			if last := lines[len(lines)-1]; !strings.HasPrefix(last, "FAIL  ") {
				t.Errorf("last line at %d: %s", width, last)
			}
			if width >= 60 && !strings.Contains(out, "table.filter{rows=1000}") {
				t.Errorf("a name is not whole at %d", width)
			}
		}
	}
}

// Nothing but ASCII is written for a terminal that shows nothing else, and no
// colour where none is wanted.
func TestASCII(t *testing.T) {
	t.Parallel()
	for _, r := range []*report.Report{reporttest.Worked(), reporttest.First(), reporttest.Elsewhere(), reporttest.Calm()} {
		out := verdict(t, r, Options{ASCII: true, Verbose: true})
		if i := bytes.IndexFunc(out, func(r rune) bool { return r > '~' || r < ' ' && r != '\n' }); i >= 0 {
			t.Errorf("not ASCII: %q", out[i:min(len(out), i+20)])
		}
	}
}

// Of many metrics the terminal shows the gravest, and says how many it left
// out; all are shown on demand.
func TestMany(t *testing.T) {
	t.Parallel()
	r := reporttest.Many(1000, 0)
	brief := string(verdict(t, r, Options{}))
	if n := strings.Count(brief, "\n"); n > 300 || !strings.Contains(brief, "and 150 more like these (--all shows them)") || !strings.Contains(brief, "200 regressed") {
		t.Errorf("%d lines\n%s", n, brief[len(brief)-500:])
	}
	if all := string(verdict(t, r, Options{All: true})); strings.Count(all, "service.operation") < 1000 {
		t.Error("not all are shown")
	}
}

func TestWriteErrors(t *testing.T) {
	t.Parallel()
	r := reporttest.Worked()
	whole := len(verdict(t, r, Options{Verbose: true}))
	for left := 0; left < whole; left += 53 {
		if err := Verdict(&reporttest.Full{Left: left}, r, Options{Verbose: true}); !errors.Is(err, reporttest.ErrFull) {
			t.Fatalf("after %d of %d bytes: %v", left, whole, err)
		}
	}
}

func BenchmarkVerdict(b *testing.B) {
	for _, n := range []int{50, 10_000} {
		r := reporttest.Many(n, 0)
		b.Run(fmt.Sprintf("metrics=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := Verdict(&bytes.Buffer{}, r, Options{All: true}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
