package run

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

// Numbers are written as strconv writes them, but whole ones without an
// exponent.
func TestAppendNumber(t *testing.T) {
	t.Parallel()
	check := func(v float64) {
		want := strconv.FormatFloat(v, 'g', -1, 64)
		if v == math.Trunc(v) && math.Abs(v) < 1e15 {
			want = strconv.FormatFloat(v, 'f', -1, 64)
		}
		if got := string(appendNumber([]byte("x"), v)); got != "x"+want && v != 0 {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
	for _, v := range []float64{0, 1, -1, 0.1, -0.1, 0.5, 1e-4, 0.00012, 9.9e-5, 0.123456789, 0.1234567891, 999999.999999999, 1e6 + 0.5, 123456.5, 1e14 + 0.5,
		math.Nextafter(0.1, 1), math.Nextafter(0.1, 0), math.Pi, 1e15, 1e21, 1e-9, 5e-324, math.MaxFloat64, 0.3, 1.0 / 3, 4.35, 2.675, 1.1e-4} {
		check(v)
		check(-v)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		check(float64(rng.Int64N(1e15)) / 1e9)
		check(float64(rng.Int64N(1e9)) / 1e9)
		check(float64(rng.Int64N(1e12)) / 1e6)
		check(math.Exp(rng.NormFloat64() * 10))
		check(math.Float64frombits(math.Float64bits(float64(rng.Int64N(1e15))/1e9) + uint64(rng.IntN(3))))
	}
}

func BenchmarkAppendNumber(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	for name, value := range map[string]func() float64{
		"nanoseconds": func() float64 { return math.Round(4.5e7*math.Exp(0.1*rng.NormFloat64())) / 1e9 },
		"any":         func() float64 { return math.Exp(0.1 * rng.NormFloat64()) },
	} {
		values := thousand(value)
		b.Run(name, func(b *testing.B) {
			buf := []byte{}
			i := 0
			for b.Loop() {
				buf = appendNumber(buf[:0], values[i%len(values)])
				i++
			}
		})
	}
}

func thousand(f func() float64) []float64 {
	list := make([]float64, 1000)
	for i := range list {
		list[i] = f()
	}
	return list
}
