package changepoint

import (
	"math"
	"slices"
)

// spreads are the scales of noise, over that of the law, that a stretch of a
// series may have.
var spreads = [...]float64{0.25, 0.35, 0.5, 0.7, 1, 1.4, 2, 2.8, 4}

const usualSpread = 4 // index of 1

// spreadCost is what a spread costs each point: its logarithm.
var spreadCost = func() (cost [len(spreads)]float64) {
	for i, spread := range spreads {
		cost[i] = math.Log(spread)
	}
	return cost
}()

// course returns which of the spreads the noise has at each point, and what its
// changes cost, by the same search as that for levels. It returns nil if the
// noise stays the same.
func (s *series) course(m model) ([]uint8, float64) {
	r := s.innovations(m)
	var value [len(spreads)]float64
	var start [len(spreads)]int
	ends := make([]uint8, len(r))
	from := make([]int, len(r))
	for j := range value {
		value[j] = s.beta
	}
	value[usualSpread] = 0
	top := usualSpread
	for t, v := range r {
		leave := value[top] + s.beta
		for j, spread := range spreads {
			if m.law.scale*spread < s.floor {
				value[j] = math.Inf(1) // no noise is smaller than the floor
				continue
			}
			if leave < value[j] {
				value[j], start[j] = leave, t
			}
			value[j] += m.law.at(v/spread) + spreadCost[j]
		}
		top = least(value[:])
		ends[t], from[t] = uint8(top), start[top]
	}
	course := make([]uint8, len(r))
	changes := 0
	for t := len(r) - 1; t >= 0; {
		for u := from[t]; u <= t; u++ {
			course[u] = ends[t]
		}
		t = from[t] - 1
		changes++
	}
	if changes == 1 {
		return nil, 0
	}
	return course, float64(changes-1) * s.beta
}

// innovations returns what the law lets the noise be at each point of a model's path.
func (s *series) innovations(m model) []float64 {
	r := make([]float64, len(s.x))
	first := math.Sqrt(1 - m.law.rho*m.law.rho)
	before := 0.0
	for i, from := range m.path.starts {
		for t := from; t < m.path.end(i, len(s.x)); t++ {
			now := s.x[t] - m.path.levels[i]
			r[t] = now - m.law.rho*before
			if t == 0 {
				r[t] = now * first
			}
			before = now
		}
	}
	return r
}

// uneven returns the better of two models, each with a course of spreads in its
// law if that explains the series better.
func (s *series) uneven(f finalists) model {
	f.loose = s.unevenly(f.loose)
	if f.tied.law != nil {
		f.tied = s.unevenly(f.tied)
	}
	return f.best()
}

func (s *series) unevenly(m model) model {
	best := m
	for range 2 {
		course, cost := s.course(m)
		if course == nil {
			break
		}
		r := s.innovations(m)
		for t := range r {
			r[t] /= spreads[course[t]]
		}
		law := fit(m.law.family, centred(thin(r)), s.tick, s.floor, len(m.path.starts))
		if law == nil {
			break
		}
		law.rho, law.course = m.law.rho, course
		law.parameters = m.law.parameters
		next := s.under(law, m.path)
		next.score += cost
		if next.score < best.score {
			best = next
		}
		m = next
	}
	return best
}

// spreadAt is the scale of the noise at a point over that of the law.
func (d *density) spreadAt(t int) float64 {
	if d.course == nil {
		return 1
	}
	return spreads[d.course[t]]
}

// typicalSpread is the median scale of the noise of a segment over that of the law.
func (d *density) typicalSpread(g segment) float64 {
	if d.course == nil {
		return g.spread
	}
	c := slices.Clone(d.course[g.from:g.to])
	slices.Sort(c)
	return g.spread * spreads[c[len(c)/2]]
}
