package changepoint

import "math"

// ramp is a level that moves evenly from one value to another.
type ramp struct {
	begin, end float64 // positions: constant before and after
	low, high  float64 // levels at begin and at end
	bent       bool    // even in the values, not in their logarithms
}

func (r ramp) at(t int) float64 {
	switch p := float64(t); {
	case p <= r.begin:
		return r.low
	case p >= r.end:
		return r.high
	case r.bent:
		return r.low + math.Log1p(math.Expm1(r.high-r.low)*(p-r.begin)/(r.end-r.begin))
	default:
		return r.low + (r.high-r.low)*(p-r.begin)/(r.end-r.begin)
	}
}

// rampCost returns the cost of the values from one point to another about a
// ramp, of every few where there are many.
func (s *series) rampCost(d *density, r ramp, from, to int) float64 {
	every := 1 + (to-from)/mostFit
	sum, count := 0.0, 0
	for t := from; t < to; t += every {
		v := s.x[t] - r.at(t)
		if d.rho != 0 {
			if t == from {
				v *= math.Sqrt(1 - d.rho*d.rho)
			} else {
				v -= d.rho * (s.x[t-1] - r.at(t-1))
			}
		}
		sum += d.at(v / d.spreadAt(t))
		count++
	}
	return sum * float64(to-from) / float64(count)
}

// fitRamp returns the ramp of least cost through segments whose levels rise or
// fall all the way, found by a search along each of its four numbers in turn.
func (s *series) fitRamp(d *density, parts []segment) (ramp, float64) {
	from, to := parts[0].from, parts[len(parts)-1].to
	first, last := parts[0], parts[len(parts)-1]
	middle := func(g segment) float64 { return float64(g.from+g.to-1) / 2 }
	var best ramp
	cost := math.Inf(1)
	for _, guess := range []ramp{
		{begin: float64(first.to), end: float64(last.from), low: first.level, high: last.level},
		{begin: middle(first), end: middle(last), low: first.level, high: last.level},
		{
			begin: float64(from), end: float64(to),
			low: 1.5*first.level - parts[1].level/2, high: 1.5*last.level - parts[len(parts)-2].level/2,
		},
	} {
		guess.end = max(guess.end, guess.begin+2)
		guess.bent = s.logs
		if r, c := s.improve(d, guess, from, to); c < cost {
			best, cost = r, c
		}
	}
	return best, cost
}

func (s *series) improve(d *density, r ramp, from, to int) (ramp, float64) {
	cost := s.rampCost(d, r, from, to)
	moves := [4]float64{float64(to-from) / 6, float64(to-from) / 6, (r.high - r.low) / 5, (r.high - r.low) / 5}
	for range 14 {
		for k := range 4 {
			for _, move := range []float64{moves[k], -moves[k]} {
				next := r
				switch k {
				case 0:
					next.begin += move
				case 1:
					next.end += move
				case 2:
					next.low, next.high = next.low+move, next.high+move
				case 3:
					next.low, next.high = next.low-move, next.high+move
				}
				if next.begin < float64(from)-1 || next.end > float64(to) || next.end < next.begin+2 {
					continue
				}
				if c := s.rampCost(d, next, from, to); c < cost {
					r, cost = next, c
					break
				}
			}
		}
		for k := range moves {
			moves[k] *= 0.6
		}
	}
	return r, cost
}

// drift is a ramp with what it gains over the steps it stands for.
type drift struct {
	ramp
	gain float64
}

// rampPrice is the cost of a ramp in changes: it has a place, a size and a length.
const rampPrice = 1.5

// steadiest returns the ramp that gains most over a run of steps in one
// direction, if one gains.
func (s *series) steadiest(m model) (drift, bool) {
	var best drift
	if len(m.path.starts) == 1 {
		return best, false
	}
	all := s.plainSegments(m)
	consider := func(parts []segment) {
		steps := s.beta * float64(len(parts)-1)
		for _, g := range parts {
			steps += s.costOf(m.law, g, g.level)
		}
		if len(parts) == 2 && !s.slow(m.law, parts) {
			return
		}
		r, cost := s.fitRamp(m.law, parts)
		if gain := steps - cost - rampPrice*s.beta; gain > best.gain {
			best = drift{r, gain}
		}
	}
	for i := 0; i+1 < len(all); {
		up := all[i+1].level > all[i].level
		j := i + 1
		for j+1 < len(all) && (all[j+1].level > all[j].level) == up {
			j++
		}
		consider(all[i : j+1])
		if j-i >= 3 {
			consider(all[i+1 : j+1])
			consider(all[i:j])
		}
		i = j
	}
	return best, best.gain > 0
}

// plainSegments returns a model's segments with refitted levels and the law's own spread.
func (s *series) plainSegments(m model) []segment {
	var all []segment
	for i, from := range m.path.starts {
		g := segment{from: from, to: m.path.end(i, len(s.x)), level: m.path.levels[i], spread: 1}
		s.refit(m.law, &g)
		all = append(all, g)
	}
	return all
}

// slow tells cheaply whether a single step might as well be a ramp.
func (s *series) slow(d *density, parts []segment) bool {
	a, b := parts[0], parts[1]
	step := s.rampCost(d, ramp{begin: float64(b.from) - 1, end: float64(b.from), low: a.level, high: b.level}, a.from, b.to)
	for _, part := range []float64{0.15, 0.3, 0.6} {
		r := ramp{
			begin: float64(b.from) - part*float64(a.to-a.from), end: float64(b.from) + part*float64(b.to-b.from),
			low: a.level, high: b.level,
		}
		if s.rampCost(d, r, a.from, b.to) < step {
			return true
		}
	}
	return false
}

// flatten returns the series without a ramp: what comes after it lies where
// what was before it lay.
func (s *series) flatten(r drift) *series {
	flat := *s
	flat.x = make([]float64, len(s.x))
	for t, v := range s.x {
		flat.x[t] = v - (r.at(t) - r.low)
	}
	flat.ramps = append(s.ramps[:len(s.ramps):len(s.ramps)], r)
	flat.measure(flat.differences(1))
	flat.rough = max(flat.rough, s.floor)
	return &flat
}

const mostRamps = 4

// straighten takes ramps out of the series as long as that explains it better,
// and returns what remains with the models that explain it.
func (s *series) straighten() (*series, finalists) {
	final := s.explain()
	for range mostRamps {
		r, ok := s.steadiest(final.loose)
		if !ok {
			break
		}
		flat := s.flatten(r)
		next := flat.explain()
		gain := final.best().score - next.best().score - rampPrice*s.beta
		if gain <= 0 {
			break
		}
		flat.ramps[len(flat.ramps)-1].gain = gain
		s, final = flat, next
	}
	return s, final
}

// slope returns how far the ramps have moved the level at a point.
func (s *series) slope(t int) float64 {
	sum := 0.0
	for _, r := range s.ramps {
		sum += r.at(t) - r.low
	}
	return sum
}
