// Package noise draws made-up measurements whose truth is known: what the
// judge's accuracy is measured on.
//
// Everything comes from the generator that is passed in, so the same seed
// gives the same numbers. Nothing here is used to judge.
package noise

import (
	"math"
	"math/rand/v2"
)

// Family is a kind of noise that measurements have.
type Family struct {
	Name string
	// Draw returns n errors with a standard deviation of about 1 (of the bulk,
	// where there are spikes) and a median near 0, in order of time.
	Draw func(rng *rand.Rand, n int) []float64
	// Tick is the step to which a measurement of level 1 is rounded; 0: none.
	Tick float64
}

// Families returns the kinds of noise, in a fixed order.
func Families() []Family {
	return []Family{
		{Name: "gaussian", Draw: each((*rand.Rand).NormFloat64)},
		{Name: "lognormal", Draw: each(func(rng *rand.Rand) float64 {
			// A shift-free log-normal with sigma 0.6, scaled to unit deviation.
			const sigma = 0.6
			sd := math.Sqrt((math.Exp(sigma*sigma) - 1) * math.Exp(sigma*sigma))
			return (math.Exp(sigma*rng.NormFloat64()) - 1) / sd
		})},
		{Name: "student", Draw: each(func(rng *rand.Rand) float64 { return student3(rng) / math.Sqrt(3) })},
		{Name: "twomode", Draw: func(rng *rand.Rand, n int) []float64 {
			// The second mode lies 3 standard deviations of a mode above.
			share := 0.2 + 0.2*rng.Float64()
			return fill(n, func() float64 {
				v := 0.5 * rng.NormFloat64()
				if rng.Float64() < share {
					v += 2
				}
				return v
			})
		}},
		{Name: "spikes", Draw: each(func(rng *rand.Rand) float64 {
			v := rng.NormFloat64()
			if rng.Float64() < 0.05 {
				v += 5 + 15*rng.Float64()
			}
			return v
		})},
		{Name: "ar1", Draw: func(rng *rand.Rand, n int) []float64 {
			const rho = 0.5
			v := rng.NormFloat64()
			return fill(n, func() float64 {
				now := v
				v = rho*v + math.Sqrt(1-rho*rho)*rng.NormFloat64()
				return now
			})
		}},
		{Name: "quantised", Draw: each((*rand.Rand).NormFloat64), Tick: 0.02},
	}
}

// At returns n measurements around a level, with noise of that relative
// standard deviation, rounded to the family's tick.
func (f Family) At(rng *rand.Rand, n int, level, deviation float64) []float64 {
	values := f.Draw(rng, n)
	for i, e := range values {
		values[i] = f.Measure(level, deviation, e)
	}
	return values
}

// Measure returns what a level measures with that error.
func (f Family) Measure(level, deviation, e float64) float64 {
	v := level * max(0.05, 1+deviation*e)
	if f.Tick > 0 {
		v = math.Round(v/f.Tick) * f.Tick
	}
	return v
}

func each(draw func(*rand.Rand) float64) func(*rand.Rand, int) []float64 {
	return func(rng *rand.Rand, n int) []float64 {
		return fill(n, func() float64 { return draw(rng) })
	}
}

func fill(n int, draw func() float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = draw()
	}
	return values
}

// student3 draws from Student's t with 3 degrees of freedom.
func student3(rng *rand.Rand) float64 {
	chi := 0.0
	for range 3 {
		z := rng.NormFloat64()
		chi += z * z
	}
	return rng.NormFloat64() / math.Sqrt(chi/3)
}
