package stat

import (
	"math"
	"sync"

	"gonum.org/v1/gonum/integrate/quad"
)

// Power returns the probability that a two-sided t test at alpha tells two
// normal samples of n1 and n2 values apart, whose means differ by effect and
// which share the standard deviation sd, in one unit.
//
// It is right to about 1e-9, by the noncentral t distribution. A rank test
// has some 95 % of the t test's information on normal samples, and more on
// others. With sd 0 any effect is seen, and none is alpha. Power returns
// ErrTooFew unless both sizes are at least 1 and make 3 together, ErrDomain
// if alpha is not in (0, 1), sd is negative or one is not finite.
//
// Source: Johnson, Kotz & Balakrishnan (1995), Continuous Univariate
// Distributions 2, 31.
func Power(effect, sd float64, n1, n2 int, alpha float64) (float64, error) {
	switch {
	case !inside(alpha, 0, 1) || !(sd >= 0) || !finite(sd) || !finite(effect):
		return 0, ErrDomain
	case n1 < 1 || n2 < 1 || n1+n2 < 3:
		return 0, ErrTooFew
	case effect == 0:
		return alpha, nil
	case sd == 0:
		return 1, nil
	}
	t := newTest(n1, n2, alpha)
	return t.power(math.Abs(effect) / sd / t.se), nil
}

// SmallestEffect returns the difference of means that Power finds with
// probability power: the smallest that an experiment of this size could have
// been expected to see. It has the unit of sd. Errors are those of Power, and
// ErrDomain if power is not in (alpha, 1).
func SmallestEffect(sd float64, n1, n2 int, alpha, power float64) (float64, error) {
	if _, err := Power(0, sd, n1, n2, alpha); err != nil {
		return 0, err
	}
	if !inside(power, alpha, 1) {
		return 0, ErrDomain
	}
	t := newTest(n1, n2, alpha)
	return t.noncentrality(power) * t.se * sd, nil
}

// Samples returns how many values each of two equal samples needs for Power
// to be at least power; at least 2, and math.MaxInt if no number will do or
// it is beyond 1e15. effect, sd, alpha and power are as for Power; ErrDomain
// if one is out of range or power is not in (alpha, 1).
func Samples(effect, sd, alpha, power float64) (int, error) {
	if _, err := Power(effect, sd, 2, 2, alpha); err != nil {
		return 0, err
	}
	if !inside(power, alpha, 1) {
		return 0, ErrDomain
	}
	d := math.Abs(effect) / sd
	z := NormalQuantile(power) - NormalQuantile(alpha/2)
	first := math.Ceil(2 * (z / d) * (z / d))
	if !(first < 1e15) && sd > 0 || effect == 0 {
		return math.MaxInt, nil
	}
	if sd == 0 {
		return 2, nil
	}
	n := max(int(first), 2)
	if n > 1e6 {
		return n, nil // where t and normal agree
	}
	enough := func(n int) bool {
		t := newTest(n, n, alpha)
		return t.power(d/t.se) >= power
	}
	for n > 2 && enough(n-1) {
		n--
	}
	for !enough(n) {
		n++
	}
	return n, nil
}

// A test is a two-sided t test of two samples.
type test struct {
	df       float64
	critical float64
	se       float64 // of the difference, in standard deviations of a value
}

func newTest(n1, n2 int, alpha float64) test {
	df := float64(n1+n2) - 2
	return test{df, -TQuantile(alpha/2, df), math.Sqrt(1/float64(n1) + 1/float64(n2))}
}

// power returns the probability that |T| is over the critical value when its
// noncentrality is delta ≥ 0: the normal's, averaged over the distribution of
// the estimated standard deviation.
func (t test) power(delta float64) float64 {
	density := scaleDensity(t.df)
	f := func(s float64) float64 {
		c := t.critical * s
		return density(s) * (NormalCDF(delta-c) + NormalCDF(-delta-c))
	}
	peak, width := math.Sqrt(max(t.df-1, 0)/t.df), 1/math.Sqrt(2*t.df)
	lo, hi := max(0, peak-8*width), peak+8*width
	// The normal turns from 1 to 0 at delta/critical, over some 1/critical.
	var p float64
	at := lo
	for _, next := range []float64{(delta - 8) / t.critical, delta / t.critical, (delta + 8) / t.critical, hi} {
		next = max(at, min(next, hi))
		p += integral(f, at, next)
		at = next
	}
	return max(0, min(p, 1))
}

// scaleDensity returns the density of √(χ²/df).
func scaleDensity(df float64) func(float64) float64 {
	gamma, _ := math.Lgamma(df / 2)
	constant := math.Ln2 + df/2*math.Log(df/2) - gamma
	return func(s float64) float64 {
		if s == 0 && df == 1 {
			return math.Exp(constant) // 0·log 0 is 0
		}
		return math.Exp(constant + (df-1)*math.Log(s) - df*s*s/2)
	}
}

// noncentrality returns the delta at which the power is p, in (alpha, 1). The
// normal quantile of the power is nearly a line in delta, so that secants find
// it in some five steps; where one leads out of what is left, halving does.
func (t test) noncentrality(p float64) float64 {
	want := NormalQuantile(p)
	lo, hi := 0.0, math.Inf(1)
	at, slope := max(t.critical+want, 0.1), 1.0
	miss := NormalQuantile(t.power(at)) - want
	for range 200 {
		if miss < 0 {
			lo = at
		} else {
			hi = at
		}
		next := at - miss/slope
		if !inside(next, lo, hi) {
			next = min((lo+hi)/2, 2*at) // also where the miss is infinite
		}
		if math.Abs(next-at) <= 1e-12*at {
			return next
		}
		was := miss
		miss = NormalQuantile(t.power(next)) - want
		if s := (miss - was) / (next - at); s > 0 && finite(s) {
			slope = s
		}
		at = next
	}
	return at
}

// nodes are those of Gauss and Legendre on [−1, 1].
var nodes = sync.OnceValues(func() (x, weight []float64) {
	x, weight = make([]float64, 32), make([]float64, 32)
	quad.Legendre{}.FixedLocations(x, weight, -1, 1)
	return x, weight
})

// integral returns the integral of f from lo to hi.
func integral(f func(float64) float64, lo, hi float64) float64 {
	if !(lo < hi) {
		return 0
	}
	x, weight := nodes()
	half, center := (hi-lo)/2, (hi+lo)/2
	var s float64
	for i, v := range x {
		s += weight[i] * f(center+half*v)
	}
	return s * half
}
