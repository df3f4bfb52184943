package reporttest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/pacer-perf/pacer/internal/golden"
	"github.com/pacer-perf/pacer/internal/report"
)

// Writer is a medium.
type Writer func(io.Writer, *report.Report) error

// Check holds a medium to what is asked of all of them: golden files of the
// worked reports, named with the ending, unless that is empty; an error wherever writing breaks off;
// the same bytes from the same report. Valid, unless it is nil, says what is
// wrong with a text.
func Check(t *testing.T, write Writer, ending string, valid func([]byte) error) {
	t.Helper()
	reports := map[string]*report.Report{
		"worked": Worked(), "first": First(), "elsewhere": Elsewhere(), "calm": Calm(), "hostile": Hostile(), "many": Many(80, 3),
		"empty": {Verdict: Nothing()},
	}
	for name, r := range reports {
		text := written(t, write, r)
		if !bytes.Equal(text, written(t, write, r)) {
			t.Errorf("%s: the same report gives other bytes", name)
		}
		if name != "many" && ending != "" {
			golden.Check(t, name+ending, text)
		}
		if valid != nil {
			if err := valid(text); err != nil {
				t.Errorf("%s: %v\n%.2000s", name, err, text)
			}
		}
	}
	r := reports["worked"]
	whole := len(written(t, write, r))
	for _, left := range []int{0, 1, whole / 2, whole - 1} {
		if err := write(&Full{Left: left}, r); !errors.Is(err, ErrFull) {
			t.Errorf("after %d of %d bytes: %v", left, whole, err)
		}
	}
}

func written(t testing.TB, write Writer, r *report.Report) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out, r); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Bench times a medium on few and on many metrics.
func Bench(b *testing.B, write Writer) {
	for _, n := range []int{50, 10_000} {
		r := Many(n, 20)
		b.Run(fmt.Sprintf("metrics=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				var out bytes.Buffer
				if err := write(&out, r); err != nil {
					b.Fatal(err)
				}
				size = out.Len()
			}
			b.ReportMetric(float64(size), "bytes")
		})
	}
}

// Full is a writer that has room for so many bytes, and fails then.
type Full struct{ Left int }

// ErrFull is how it fails.
var ErrFull = errors.New("full")

func (f *Full) Write(p []byte) (int, error) {
	if f.Left -= len(p); f.Left < 0 {
		return 0, ErrFull
	}
	return len(p), nil
}
