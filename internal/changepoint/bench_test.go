package changepoint

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pacer-perf/pacer/internal/noise"
)

// BenchmarkFind searches series with one step and one that goes back.
func BenchmarkFind(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000} {
		for _, f := range noise.Families() {
			rng := rand.New(rand.NewPCG(1, uint64(n)))
			values := f.At(rng, n, 1, 0.03)
			for i := range values {
				if i > n/5 && i < n/3 || i > n/2 {
					values[i] *= 1.2
				}
			}
			b.Run(fmt.Sprintf("n=%d/%s", n, f.Name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Find(values, Options{}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkQuiet searches 200 points without a change, as most series are.
func BenchmarkQuiet(b *testing.B) {
	for _, f := range noise.Families() {
		values := f.At(rand.New(rand.NewPCG(2, 1)), 200, 1, 0.03)
		b.Run(f.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Find(values, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
