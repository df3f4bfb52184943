package twosample

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func near(got, want, relative float64) bool { return math.Abs(got/want-1) <= relative }

// repeatable is 50 values made of 1 to 50, in no order.
func repeatable(value func(x float64) float64) []float64 {
	list := make([]float64, 50)
	for i := range list {
		list[i] = value(float64(1 + i*37%50))
	}
	return list
}

// Values from SciPy 1.10.1: scipy.stats.f.logpdf, at every df maximised over
// the scale by scipy.optimize.minimize_scalar, averaged as moderate says.
func TestModerate(t *testing.T) {
	t.Parallel()
	few := make([]float64, 50)
	for i := range few {
		few[i] = float64(2 + i%3)
	}
	many := slices.Repeat([]float64{18}, 50)
	alike := repeatable(func(x float64) float64 { return 1 + (x-1)/100 })
	wild := slices.Clone(alike)
	wild[48], wild[49] = 64, 64
	tests := []struct {
		name           string
		variances, own []float64
		typical, df    float64
	}{
		{"less apart than chance", alike, many, 1.2443680567, 60},
		{"the same with few runs", repeatable(func(x float64) float64 { return x / 10 }), few, 2.5501069139, 60},
		{"further apart", repeatable(func(x float64) float64 { return square(x / 10) }), few, 7.4254359972, 12.4995410894},
		{"two far noisier", wild, many, 1.3058446568, 6.8323655222},
		{"too few", []float64{1, 2, 3, 4, 5, 6, 7}, slices.Repeat([]float64{9}, 7), 0, 0}, // as defined
		{"nothing", nil, nil, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			typical, df := moderate(tt.variances, tt.own)
			if tt.df == 0 && (typical != 0 || df != 0) || tt.df > 0 && !(near(typical, tt.typical, 1e-3) && near(df, tt.df, 1e-3)) {
				t.Errorf("%v worth %v, want %v worth %v", typical, df, tt.typical, tt.df)
			}
		})
	}
}

// chiSquare draws from χ² with df degrees of freedom.
func chiSquare(rng *rand.Rand, df int) (total float64) {
	for range df {
		total += square(rng.NormFloat64())
	}
	return total
}

// modelled draws variances with own degrees of freedom each, which scatter
// around a typical one as if it were worth df.
func modelled(rng *rand.Rand, metrics, own, df int, typical float64) (variances, dfs []float64) {
	for range metrics {
		truth := typical * float64(df) / chiSquare(rng, df)
		variances = append(variances, truth*chiSquare(rng, own)/float64(own))
		dfs = append(dfs, float64(own))
	}
	return variances, dfs
}

// What was put in comes out, df as finely as its steps are, and as 1/df.
func TestModerateFindsTheModel(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(21, 21))
	for _, own := range []int{3, 18} {
		for _, want := range []int{3, 10, 25} {
			variances, dfs := modelled(rng, 3000, own, want, 7)
			typical, df := moderate(variances, dfs)
			if off := math.Abs(1/df - 1/float64(want)); !near(typical, 7, 0.1) || off > 0.25/float64(want)+0.01 {
				t.Errorf("variances with %d degrees of freedom around 7, worth %d: %v, worth %v", own, want, typical, df)
			}
		}
	}
}

// The unit scales the typical variance and nothing else; the order of the
// metrics and what cannot be used change nothing.
func TestModerateLaws(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(22, 22))
	for range 100 {
		variances, dfs := modelled(rng, fewMetrics+rng.IntN(60), 1+rng.IntN(20), 1+rng.IntN(20), math.Exp(rng.NormFloat64()))
		for i := range dfs {
			dfs[i] += float64(rng.IntN(3))
		}
		typical, df := moderate(variances, dfs)
		if !(typical > 0 && df > 0) || math.IsInf(typical, 0) {
			t.Fatalf("%v worth %v of %v with %v", typical, df, variances, dfs)
		}
		scaled := slices.Clone(variances)
		for i := range scaled {
			scaled[i] *= 3e-9
		}
		if a, b := moderate(scaled, dfs); !near(a, 3e-9*typical, 1e-9) || !near(b, df, 1e-9) {
			t.Fatalf("scaled by 3e-9, %v worth %v is %v worth %v", typical, df, a, b)
		}
		n := len(variances)
		more := append(slices.Clone(variances), 0, math.NaN(), math.Inf(1), 5)
		moreDF := append(slices.Clone(dfs), 3, 3, 3, 0)
		var shuffled, shuffledDF []float64
		for _, i := range rng.Perm(n + 4) {
			shuffled, shuffledDF = append(shuffled, more[i]), append(shuffledDF, moreDF[i])
		}
		if a, b := moderate(shuffled, shuffledDF); a != typical || b != df {
			t.Fatalf("in another order, %v worth %v is %v worth %v", typical, df, a, b)
		}
	}
}

// The share of samples far out counts for more beside a metric's own the less
// metrics differ in it.
func TestFarOut(t *testing.T) {
	t.Parallel()
	suiteOf := func(beyond func(i int) int) *suite {
		s := &suite{}
		for i := range 50 {
			s.list = append(s.list, &contrast{samples: 40, beyond: beyond(i)})
		}
		return s
	}
	tests := []struct {
		name                string
		s                   *suite
		share, least, worth float64
	}{
		{"no metric", &suite{}, 0, 40, 40},
		{"one metric", &suite{list: []*contrast{{samples: 20, beyond: 2}}}, 0.1, 39, 41},
		{"none far out", suiteOf(func(int) int { return 0 }), 0, 40, 40},
		{"all the same share", suiteOf(func(int) int { return 2 }), 0.05, 500, 1000},
		{"in one of ten metrics, and there in half of the samples", suiteOf(func(i int) int { return 20 * (i % 10 / 9) }), 0.05, 0, 2},
	}
	for _, tt := range tests {
		if share, weight := tt.s.farOut(); math.Abs(share-tt.share) > 1e-12 || !(tt.least <= weight && weight <= tt.worth) {
			t.Errorf("%s: a share of %v worth %v samples, want %v worth %v to %v", tt.name, share, weight, tt.share, tt.least, tt.worth)
		}
	}
}
