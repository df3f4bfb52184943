package twosample

import "math"

// digamma returns the derivative of log Γ at x > 0.
//
// Source: Abramowitz & Stegun (1964), 6.3.5 and 6.3.18.
func digamma(x float64) float64 {
	shift := 0.0
	for ; x < 8; x++ {
		shift -= 1 / x
	}
	y := 1 / (x * x)
	return shift + math.Log(x) - 1/(2*x) - y*(1./12-y*(1./120-y*(1./252-y/240)))
}

// trigamma returns the second derivative of log Γ at x > 0.
//
// Source: Abramowitz & Stegun (1964), 6.4.6 and 6.4.12.
func trigamma(x float64) float64 {
	shift := 0.0
	for ; x < 8; x++ {
		shift += 1 / (x * x)
	}
	y := 1 / (x * x)
	return shift + 1/x + y/2 + y/x*(1./6-y*(1./30-y*(1./42-y/30)))
}

// trigammaInverse returns the x with trigamma(x) = y > 0, by bisection on the
// logarithm: trigamma falls.
func trigammaInverse(y float64) float64 {
	lo, hi := 1e-8, 1e8
	for range 200 {
		if mid := math.Sqrt(lo * hi); trigamma(mid) > y {
			lo = mid
		} else {
			hi = mid
		}
	}
	return math.Sqrt(lo * hi)
}
