package changepoint

import (
	"math"
	"slices"
)

// series is what is searched: logarithms of the values, or the values over the
// largest of them.
type series struct {
	x        []float64
	medians  []float64 // of three neighbours
	tick     float64   // resolution of x; 0: none
	logs     bool
	unit     float64 // of x, unless logs
	positive bool    // all values are
	rough    float64 // scale of the noise, from the differences of neighbours
	still    bool    // most neighbours are the same: there is no noise to hang together
	floor    float64 // least scale of the noise
	rho      float64 // rough correlation of neighbours, from differences over one and two points
	beta     float64 // cost of a change
	weight   float64 // of a gain: less than 1 if what is left of the noise hangs together
	ramps    []drift // slow drifts that were taken out of x
	grid     *grid   // that paths are searched in
}

// newSeries prepares values for the search. It returns nil if they are all the
// same or too few.
func newSeries(values []float64, tick float64) *series {
	n := len(values)
	if n < fewest || slices.Min(values) == slices.Max(values) {
		return nil
	}
	s := &series{
		unit:     math.Max(slices.Max(values), -slices.Min(values)),
		positive: slices.Min(values) > 0,
		grid:     new(grid),
		weight:   1,
		// The places where a change might be grow with n, and so must what one
		// costs; a law fitted to few values is too narrow.
		beta: 2.5 + 1.1*math.Log(float64(n)) + 45/float64(n),
	}
	if tick <= 0 {
		tick = seenTick(values)
	}
	s.linear(values, tick)
	one := s.differences(1)
	// Ticks have a constant width in the values, not in their logarithms.
	if s.positive && s.tick < 1.5*one {
		s.logarithms(values, tick)
		one = s.differences(1)
	}
	s.measure(one)
	s.floor = max(s.tick/4, 1e-9, (slices.Max(s.medians)-slices.Min(s.medians))/16000)
	s.still = s.rough == 0
	s.rough = max(s.rough, s.floor)
	return s
}

func (s *series) linear(values []float64, tick float64) {
	s.x = make([]float64, len(values))
	for i, v := range values {
		s.x[i] = v / s.unit
	}
	s.tick = tick / s.unit
}

func (s *series) logarithms(values []float64, tick float64) {
	s.logs = true
	for i, v := range values {
		s.x[i] = math.Log(v)
	}
	s.tick = tick / median(slices.Clone(values))
}

// measure takes from the differences of neighbours, which a few steps hardly
// touch, how large the noise is and how it hangs together; one is its scale by
// differences over one point.
func (s *series) measure(one float64) {
	n := len(s.x)
	s.medians = make([]float64, n)
	for i := range s.medians {
		j := min(max(i, 1), n-2)
		a, b, c := s.x[j-1], s.x[j], s.x[j+1]
		s.medians[i] = max(min(a, b), min(max(a, b), c))
	}
	s.rough = one
	if two := s.differences(2); one > 0 {
		// Var(x[t+1]−x[t]) = 2σ²(1−ρ), Var(x[t+2]−x[t]) = 2σ²(1−ρ²).
		s.rho = min(0.9, max(0, two*two/(one*one)-1))
	}
}

// differences returns a robust scale of the noise from differences over lag points.
func (s *series) differences(lag int) float64 {
	d := make([]float64, 0, len(s.x))
	for i := lag; i < len(s.x); i++ {
		d = append(d, math.Abs(s.x[i]-s.x[i-lag]))
	}
	return median(d) / (0.6745 * math.Sqrt2)
}

// seenTick returns the least gap between values if a fifth of them are ties.
func seenTick(values []float64) float64 {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	least := 1e-9 * math.Max(sorted[len(sorted)-1], -sorted[0])
	tick, ties := math.Inf(1), 0
	for i := 1; i < len(sorted); i++ {
		gap := sorted[i] - sorted[i-1]
		if gap <= least {
			ties++
		} else {
			tick = min(tick, gap)
		}
	}
	if 5*ties < len(sorted) || math.IsInf(tick, 1) {
		return 0
	}
	return tick
}

// value turns a level of x into the unit of the series.
func (s *series) value(level float64) float64 {
	if s.logs {
		return math.Exp(level)
	}
	return level * s.unit
}
