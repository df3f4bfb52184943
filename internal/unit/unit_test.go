package unit

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestFormat(t *testing.T) {
	t.Parallel()
	tests := []struct {
		v    float64
		base string
		want string
	}{
		{2.5, Seconds, "2.50s"},        // the specification's
		{100 << 20, Bytes, "100.00MB"}, // the specification's
		{0.18732, Seconds, "187.32ms"},
		{0.0000123, Seconds, "12.30µs"},
		{85e-9, Seconds, "85ns"},
		{0.9999999, Seconds, "1.00s"},
		{0, Seconds, "0.00s"},
		{-0.25, Seconds, "-250.00ms"},
		{90, Seconds, "90.00s"},
		{0, Bytes, "0B"},
		{512, Bytes, "512B"},
		{1536, Bytes, "1.50KB"},
		{3 << 30, Bytes, "3.00GB"},
		{870.554, Speed, "870.55 items/s"},
		{12345.6, Speed, "12346 items/s"},
		{512, "bytes/op", "512B/op"}, {41.2 * (1 << 20), "bytes/s", "41.20MB/s"}, {1.5e-6, "s/GC", "1.50µs/GC"}, {3, "allocs/op", "3 allocs/op"},
		{1000, Items, "1000 items"},
		{1.25, Ratio, "1.25"},
		{0.00123, "", "0.00123"},
		{7, "frames", "7 frames"},
		{12, Count, "12"},
		{90524124, Instructions, "90.52M"},
		{1234.4, Instructions, "1.234k"},
		{999960, Instructions, "1.000M"},
		{123456e9, Instructions, "123456G"},
		{987, Instructions, "987"},
		{math.NaN(), Seconds, "-"},
	}
	for _, tt := range tests {
		if got := Format(tt.v, tt.base); got != tt.want {
			t.Errorf("Format(%v, %q) = %q, want %q", tt.v, tt.base, got, tt.want)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   string
		v    float64
		base string
		bad  bool
	}{
		{in: "200ms", v: 0.2, base: Seconds},
		{in: "2s", v: 2, base: Seconds},
		{in: " 2.5 s ", v: 2.5, base: Seconds},
		{in: "1e3us", v: 0.001, base: Seconds},
		{in: "3µs", v: 3e-6, base: Seconds},
		{in: "5m", v: 300, base: Seconds},
		{in: "500MB", v: 500 << 20, base: Bytes},
		{in: "500MiB", v: 500 << 20, base: Bytes},
		{in: "1.5GB", v: 1.5 * (1 << 30), base: Bytes},
		{in: "40/s", v: 40, base: Speed},
		{in: "40 items/s", v: 40, base: Speed},
		{in: "5%", v: 0.05, base: Ratio},
		{in: "17", v: 17},
		{in: "-3ms", v: -0.003, base: Seconds},
		{in: "", bad: true},
		{in: "ms", bad: true},
		{in: "2 parsecs", bad: true},
		{in: "NaN", bad: true},
		{in: "1e999s", bad: true},
		{in: "0x10s", bad: true},
		{in: "1..2s", bad: true},
	}
	for _, tt := range tests {
		v, base, err := Parse(tt.in)
		if v != tt.v || base != tt.base || (err != nil) != tt.bad {
			t.Errorf("Parse(%q) = %v, %q, %v; want %v, %q, error %v", tt.in, v, base, err, tt.v, tt.base, tt.bad)
		}
	}
}

// What Format prints, Parse reads back to within the rounding.
func TestFormatParse(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		base := []string{Seconds, Bytes}[rng.IntN(2)]
		v := math.Pow(10, rng.Float64()*12-6)
		if base == Bytes {
			v = math.Ceil(v)
		}
		text := Format(v, base)
		got, gotBase, err := Parse(text)
		if err != nil || gotBase != base || math.Abs(got-v) > 0.0051*v {
			t.Fatalf("Parse(Format(%v, %q) = %q) = %v, %q, %v", v, base, text, got, gotBase, err)
		}
	}
}

func TestPercent(t *testing.T) {
	t.Parallel()
	for ratio, want := range map[float64]string{
		1.25: "+25.0%", 0.7: "-30.0%", 1: "+0.0%", 0.99999: "+0.0%", 1.2504: "+25.0%", math.NaN(): "-",
	} {
		if got := Percent(ratio); got != want {
			t.Errorf("Percent(%v) = %q, want %q", ratio, got, want)
		}
	}
}

func TestBetter(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		Seconds: "lower", Bytes: "lower", Speed: "higher", "MB/s": "higher", Items: "", Ratio: "", "": "",
	} {
		if got := Better(base); got != want {
			t.Errorf("Better(%q) = %q, want %q", base, got, want)
		}
	}
}

func TestFormatLike(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		v, like float64
		base    string
		want    string
	}{
		{0.98, 1.2, Seconds, "0.98s"}, {1.2, 0.98, Seconds, "1200.00ms"}, {0.5, 0.4, Seconds, "500.00ms"},
		{3e-6, 1, Seconds, "3.00µs"}, {300, 1e-6, Seconds, "300.00s"}, {1.5, 0, Seconds, "1.50s"}, {0, 1, Seconds, "0.00s"},
		{1 << 29, 1 << 30, Bytes, "0.50GB"}, {100, 2000, Bytes, "100B"}, {3, 4, Speed, "3 items/s"},
		{math.NaN(), 1, Seconds, "-"}, {1, math.NaN(), Seconds, "1.00s"}, {1, math.Inf(1), Seconds, "1.00s"},
	} {
		if got := FormatLike(tt.v, tt.like, tt.base); got != tt.want {
			t.Errorf("FormatLike(%v, %v, %q) = %q, want %q", tt.v, tt.like, tt.base, got, tt.want)
		}
	}
}
