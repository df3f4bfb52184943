package stat

import "math"

// Autocorrelation returns the correlation of x with itself lag values later,
// in the order of x: the textbook estimate, with divisor n for both
// covariances, so that it is in [−1, 1] and low by about (1+4ρ)/n.
//
// It is NaN if x has no spread, if lag is negative or not below len(x), or if
// a value is not finite. One spike pulls it towards 0: see Persistence.
//
// Source: Box & Jenkins (1970), Time Series Analysis, 2.1.5.
func Autocorrelation(x []float64, lag int) float64 {
	if lag < 0 || lag >= len(x) {
		return math.NaN()
	}
	mean, sd := Mean(x), StdDev(x)
	if lag == 0 && sd > 0 && finite(sd) {
		return 1
	}
	d := make([]float64, len(x))
	for i, v := range x {
		d[i] = (v - mean) / sd // NaN where there is no spread
	}
	var num, den float64
	for i, v := range d {
		den += v * v
		if i >= lag {
			num += v * d[i-lag]
		}
	}
	return num / den
}

// Persistence returns the lag-1 autocorrelation ρ of x, in [−1, 1], corrected
// for its bias of (1+4ρ)/n.
//
// Values further than three robust standard deviations (Scale) from the
// median are first drawn in to there, so that a spike among 30 values hides
// little of it, though among 10 it hides half; runs of outliers, steps and drifts still count as persistence. It is 0,
// for want of evidence, with fewer than 5 values, without spread, or if a
// value is not finite.
//
// Source: Marriott & Pope (1954), Biometrika 41(3/4), 390–402; Kendall (1954),
// 403–404.
func Persistence(x []float64) float64 {
	n := float64(len(x))
	if len(x) < 5 {
		return 0
	}
	center, reach := Median(x), 3*Scale(x, 0)
	r := Autocorrelation(Winsorise(x, center-reach, center+reach), 1)
	if math.IsNaN(r) {
		return 0
	}
	// The expectation of r is ρ − (1+4ρ)/n.
	return max(-1, min((n*r+1)/(n-4), 1))
}

// EffectiveSize returns how many independent values would tell the mean as
// well as x does, given the Persistence of x: EffectiveSizeAt its length.
// From a dozen values it is rough; judge better pools Persistence over many
// metrics.
func EffectiveSize(x []float64) float64 { return EffectiveSizeAt(len(x), Persistence(x)) }

// EffectiveSizeAt returns how many independent values would tell the mean of
// a series as well as n of a first-order autoregression do, whose lag-1
// autocorrelation is rho. It is at most n, also where rho is negative or NaN,
// and at least 2, or n if that is smaller. Time grows as n at worst.
//
// Source: Bayley & Hammersley (1946), Suppl. JRSS 8(2), 184–197.
func EffectiveSizeAt(n int, rho float64) float64 {
	size := float64(n)
	if n <= 2 || !(rho > 0) {
		return size
	}
	rho = min(rho, 1)
	inflation, power := 1.0, rho
	for k := 1; k < n && power > 1e-18; k++ {
		inflation += 2 * (1 - float64(k)/size) * power
		power *= rho
	}
	return max(size/inflation, 2)
}
