package text

import "testing"

func TestBound(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"-7.3%": "-7.3", "+99.9%": "+99.9", "+130.1%": "+130", "+4099.6%": "+4100", "-100.0%": "-100", "+0.0%": "+0.0", "-": "-", "": ""} {
		if got := bound(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
