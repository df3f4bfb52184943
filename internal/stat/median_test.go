package stat

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

func TestMedianInterval(t *testing.T) {
	t.Parallel()
	count := func(n int) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[(i*7)%n] = float64(i + 1)
		}
		return x
	}
	inf := math.Inf(1)
	tests := []struct {
		n    int
		want Interval
	}{ // ranks and confidence from the binomial distribution, by hand
		{5, Interval{-inf, inf, 1}},
		{6, Interval{1, 6, 1 - 2.0/64}},
		{9, Interval{2, 8, 1 - 2*(1.0+9)/512}},
		{10, Interval{2, 9, 1 - 2*(1.0+10)/1024}},
		{20, Interval{6, 15, 1 - 2*(1.0+20+190+1140+4845+15504)/1048576}},
	}
	for _, tt := range tests {
		got, err := MedianInterval(count(tt.n), 0.95)
		if err != nil || got.Low != tt.want.Low || got.High != tt.want.High || math.Abs(got.Level-tt.want.Level) > 1e-9 {
			t.Errorf("n=%d: %v, %v; want %v", tt.n, got, err, tt.want)
		}
	}
	for _, bad := range []struct {
		x     []float64
		level float64
		err   error
	}{{nil, 0.95, ErrTooFew}, {[]float64{1, math.NaN()}, 0.95, ErrNotFinite}, {count(20), 1, ErrDomain}} {
		if _, err := MedianInterval(bad.x, bad.level); !errors.Is(err, bad.err) {
			t.Errorf("%v at %v: %v, want %v", bad.x, bad.level, err, bad.err)
		}
	}
}

// The interval holds the median as often as it says.
func TestMedianIntervalCovers(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 7))
	const trials = 4000
	for _, n := range []int{6, 17, 60, 1500} {
		hits := 0
		for range trials {
			x := make([]float64, n)
			for i := range x {
				x[i] = rng.ExpFloat64()
			}
			iv, err := MedianInterval(x, 0.95)
			if err != nil {
				t.Fatal(err)
			}
			if iv.Low <= math.Ln2 && math.Ln2 <= iv.High {
				hits++
			}
		}
		if share := float64(hits) / trials; share < 0.938 {
			t.Errorf("n=%d: %.3f of the intervals hold the median", n, share)
		}
	}
}

// By hand: of six values the 95 % interval is their whole range.
func TestMedianPrecision(t *testing.T) {
	t.Parallel()
	tests := []struct {
		x    []float64
		want float64
	}{
		{[]float64{10, 9, 10, 10, 10, 14}, 0.4},
		{[]float64{10, 5, 10, 10, 10, 11}, 0.5},
		{[]float64{3, 3, 3, 3, 3, 3}, 0},
		{[]float64{1, 2, 3, 4, 5}, math.Inf(1)},
		{[]float64{0, 0, 0, 0, 0, 0}, math.Inf(1)},
		{nil, math.Inf(1)},
	}
	for _, tt := range tests {
		if got := MedianPrecision(tt.x, 0.95); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.x, got, tt.want)
		}
	}
}
