package unit

import (
	"math"
	"strings"
	"testing"
)

func TestScale(t *testing.T) {
	t.Parallel()
	tests := []struct {
		of, v float64 // the scale is that of the one, the number the other
		base  string
		want  string
	}{
		{1.736, 2.0784, Seconds, "2.08 s"},
		{0.736, 1.0784, Seconds, "1 078 ms"}, // ms stays ms
		{0.183, 0.0894, Seconds, "89.4 ms"},
		{0.183, 0.00894, Seconds, "8.94 ms"},
		{0.183, 0.000894, Seconds, "0.894 ms"},
		{0.183, 0.00999999, Seconds, "10.0 ms"},
		{0.183, 0.0999999, Seconds, "100 ms"},
		{0.183, 0.001, Seconds, "1 ms"},
		{0.183, 0, Seconds, "0 ms"},
		{0, 0, Seconds, "0 s"},
		{0.183, 1e-12, Seconds, "1e-09 ms"},
		{0.9999999, 0.9999999, Seconds, "1.00 s"},
		{497 << 20, 488.4 * (1 << 20), Bytes, "488 MB"},
		{1, 1234567, Count, "1 234 567"},
		{1, -1234567, Count, "-1 234 567"},
		{38, 38.26, Speed, "38.3 items/s"},
		{1, 1.254, Ratio, "1.25"},
		{7, 7, "frames", "7 frames"},
		{1, math.NaN(), Seconds, "–"},
		{1, math.Inf(1), Seconds, "–"},
		{1, 1e300, Seconds, "1e+300 s"},
	}
	for _, tt := range tests {
		got := strings.ReplaceAll(ScaleOf(tt.of, tt.base).Format(tt.v), thin, " ")
		if got != tt.want {
			t.Errorf("ScaleOf(%v, %q).Format(%v) = %q, want %q", tt.of, tt.base, tt.v, got, tt.want)
		}
	}
}

func TestScaleFixed(t *testing.T) {
	t.Parallel()
	s := ScaleOf(0.2, Seconds)
	for want, got := range map[string]string{
		"1 736.50": s.Fixed(1.7365, 2), "2": s.Fixed(0.002, 0), "-2.0": s.Fixed(-0.002, 1), "–": s.Fixed(math.NaN(), 2),
	} {
		if strings.ReplaceAll(got, thin, " ") != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := s.In(0.25); got != 250 {
		t.Errorf("In(0.25) = %v ms", got)
	}
}
