package stat

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// NormalCDF returns the probability that a standard normal value is at most
// z. For the upper tail ask for −z, which does not cancel.
func NormalCDF(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// NormalQuantile returns the z with NormalCDF(z) = p: −Inf at 0, +Inf at 1,
// NaN outside.
func NormalQuantile(p float64) float64 {
	if !(0 <= p && p <= 1) {
		return math.NaN()
	}
	return mathext.NormalQuantile(p)
}

// TCDF returns the probability that a value of Student's t distribution with
// df degrees of freedom, which need not be whole and may be infinite, is at
// most t. It is NaN unless df > 0. For the upper tail ask for −t, which does
// not cancel. It is right to 2e-12 of itself, and mostly to 1e-14.
//
// Gonum's own is not used: at small t and at large df it loses up to nine
// digits, and its quantile at p = 1e-10 and df = 1e6 is −258 instead of −6.4.
//
// Source: Abramowitz & Stegun (1964), 26.7.1; Hill (1970), CACM 13(10),
// 617–619, algorithm 395, for large df.
func TCDF(t, df float64) float64 {
	switch {
	case !(df > 0) || math.IsNaN(t):
		return math.NaN()
	case t < 0:
		return tTail(-t, df)
	}
	return 0.5 + tCenter(t, df)
}

// TQuantile returns the t with TCDF(t, df) = p: −Inf at 0, +Inf at 1, NaN
// outside or unless df > 0.
func TQuantile(p, df float64) float64 {
	switch {
	case !(df > 0) || !(0 <= p && p <= 1):
		return math.NaN()
	case p > 0.5:
		return -TQuantile(1-p, df)
	case p == 0:
		return math.Inf(-1)
	case p > 0.25:
		return -tFromCenter(0.5-p, df)
	}
	return -tFromTail(p, df)
}

// manyDF is from where Hill's transformation to a normal value is as exact as
// float64 is.
const manyDF = 10000

// tTail returns P(T > t), t ≥ 0.
func tTail(t, df float64) float64 {
	switch {
	case df >= manyDF:
		return NormalCDF(-tToNormal(t, df))
	case t*t*(df+2) <= 3*df:
		return 0.5 - tCenter(t, df)
	}
	return tBeta(t, df) / df * betaFraction(df/2, 0.5, 1/(1+t/df*t))
}

// tCenter returns P(0 < T ≤ t), t ≥ 0.
func tCenter(t, df float64) float64 {
	switch {
	case df >= manyDF:
		return math.Erf(tToNormal(t, df)/math.Sqrt2) / 2
	case t*t*(df+2) > 3*df:
		return 0.5 - tTail(t, df)
	}
	return tBeta(t, df) * betaFraction(0.5, df/2, 1/(1+df/t/t))
}

// tBeta returns x^a (1−x)^b / B(a, b) for a = df/2, b = 1/2 and
// x = df/(df+t²), the factor before the incomplete beta function's fraction.
func tBeta(t, df float64) float64 {
	r := t / math.Sqrt(df)
	return math.Exp(logGammaRatio(df/2)-df/2*logOnePlusSquare(r)) / math.Hypot(1, 1/r) / math.Sqrt(math.Pi)
}

// logOnePlusSquare returns log(1+r²), also where r² overflows.
func logOnePlusSquare(r float64) float64 {
	if r > 1e10 {
		return 2 * math.Log(r)
	}
	return math.Log1p(r * r)
}

// betaFraction returns the continued fraction of the incomplete beta function
// at x below (a+1)/(a+b+2), where it needs some √a + √b steps.
//
// Source: Abramowitz & Stegun (1964), 26.5.8; evaluated as Lentz (1976),
// Applied Optics 15(3), 668–671, does.
func betaFraction(a, b, x float64) float64 {
	c, d := 1.0, 1/(1-(a+b)*x/(a+1))
	f := d
	for m := 1.0; m < 1000; m++ {
		term := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		c, d = 1+term/c, 1/(1+term*d)
		f *= c * d
		term = -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		c, d = 1+term/c, 1/(1+term*d)
		f *= c * d
		if math.Abs(c*d-1) < 1e-15 {
			break
		}
	}
	return f
}

// tToNormal returns the standard normal value that is as far out as t ≥ 0 is
// with many degrees of freedom.
func tToNormal(t, df float64) float64 {
	a := df - 0.5
	b := 48 * a * a
	r := t / math.Sqrt(df)
	y := a * logOnePlusSquare(r)
	if math.IsInf(a, 0) || math.IsInf(y, 0) {
		return t
	}
	c := ((((-0.4*y-3.3)*y-24)*y-85.5)/(0.8*y*y+100+b) + y + 3) / b
	return (c + 1) * math.Sqrt(y)
}

// tLogDensity returns the logarithm of the density of T at t.
func tLogDensity(t, df float64) float64 {
	if math.IsInf(df, 0) {
		return -t*t/2 - math.Log(2*math.Pi)/2
	}
	r := t / math.Sqrt(df)
	return logGammaRatio(df/2) - math.Log(math.Pi*df)/2 - (df+1)/2*logOnePlusSquare(r)
}

// logGammaRatio returns log(Γ(a+1/2)/Γ(a)).
func logGammaRatio(a float64) float64 {
	if a > 100 {
		// Either gamma may overflow. Abramowitz & Stegun 6.1.41, twice.
		return math.Log(a)/2 - 1/(8*a) + 1/(192*a*a*a) - 1/(640*a*a*a*a*a)
	}
	return math.Log(math.Gamma(a+0.5) / math.Gamma(a))
}

// tFromTail returns the t with P(T > t) = p, 0 < p ≤ 1/4. In logarithms of
// both, the tail is concave, and the normal's t is below the one wanted: the
// first of Newton's steps goes beyond, and the rest come back to it.
func tFromTail(p, df float64) float64 {
	t := -NormalQuantile(p)
	for range 100 {
		tail := tTail(t, df)
		// The density itself may be too small for a float64.
		step := math.Exp(math.Log(tail)-math.Log(t)-tLogDensity(t, df)) * math.Log(tail/p)
		next := t * math.Exp(step)
		if math.Abs(step) < 1e-9 || math.IsInf(next, 0) {
			return next // another step would be some 1e-18
		}
		t = next
	}
	return t
}

// tFromCenter returns the t with P(0 < T ≤ t) = c, 0 ≤ c < 1/4. The area is
// concave in t, so that Newton's steps approach from below.
func tFromCenter(c, df float64) float64 {
	t := c * math.Exp(-tLogDensity(0, df))
	for range 100 {
		step := (c - tCenter(t, df)) * math.Exp(-tLogDensity(t, df))
		t += step
		if math.Abs(step) <= 1e-9*t {
			break // another step would be some 1e-18
		}
	}
	return t
}
