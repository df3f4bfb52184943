package stat

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func BenchmarkComparison(b *testing.B) {
	for _, n := range []int{30, 300, 1000, 10000} {
		rng := rand.New(rand.NewPCG(1, 1))
		x, y := normals(rng, n, 0), normals(rng, n, 0)
		coarse, coarse2 := normals(rng, n, 0.25), normals(rng, n, 0.25)
		for _, f := range []struct {
			name string
			call func() error
		}{
			{"Shift", func() error { _, err := Shift(x, y); return err }},
			{"ShiftInterval", func() error { _, err := ShiftInterval(x, y, 0.95); return err }},
			{"MannWhitney", func() error { _, err := MannWhitney(x, y); return err }},
			{"MannWhitneyTies", func() error { _, err := MannWhitney(coarse, coarse2); return err }},
		} {
			b.Run(fmt.Sprintf("%s/n=%d", f.name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := f.call(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkOneSample(b *testing.B) {
	for _, n := range []int{30, 300, 10000} {
		x := normals(rand.New(rand.NewPCG(1, 1)), n, 0)
		for _, f := range []struct {
			name string
			call func([]float64) float64
		}{
			{"Median", Median}, {"Mean", Mean}, {"StdDev", StdDev}, {"Qn", Qn}, {"EffectiveSize", EffectiveSize},
			{"Scale", func(x []float64) float64 { return Scale(x, 0) }},
			{"Huber", func(x []float64) float64 { return Huber(x, 0) }},
		} {
			b.Run(fmt.Sprintf("%s/n=%d", f.name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					f.call(x)
				}
			})
		}
	}
}

func BenchmarkBootstrapMean(b *testing.B) {
	for _, n := range []int{30, 300} {
		x := normals(rand.New(rand.NewPCG(1, 1)), n, 0)
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Bootstrap(x, Mean, 0.95, 2000, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPlan(b *testing.B) {
	for _, n := range []int{5, 30, 300} {
		b.Run(fmt.Sprintf("SmallestEffect/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := SmallestEffect(1, n, n, 0.001, 0.8); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for _, effect := range []float64{1, 0.1} {
		b.Run(fmt.Sprintf("Samples/effect=%v", effect), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Samples(effect, 1, 0.001, 0.8); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for _, df := range []float64{2, 58, 5000} {
		b.Run(fmt.Sprintf("TQuantile/df=%v", df), func(b *testing.B) {
			for b.Loop() {
				TQuantile(0.001, df)
			}
		})
	}
}
