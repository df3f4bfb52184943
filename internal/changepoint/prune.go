package changepoint

import (
	"math"
	"slices"

	"github.com/pacer-perf/pacer/internal/stat"
)

// segment is a stretch of constant level.
type segment struct {
	from, to int
	level    float64
	spread   float64 // scale of its noise over that of the series, at least 1
}

// segments turns a model's path into segments whose levels are refitted.
func (s *series) segments(m model) []segment {
	var all []segment
	for i, from := range m.path.starts {
		g := segment{from: from, to: m.path.end(i, len(s.x)), level: m.path.levels[i], spread: 1}
		s.settle(m.law, &g)
		all = append(all, g)
	}
	return all
}

// costOf returns the cost of the values of a segment about a level. The first
// value under a correlated law is what the level before let expect, or is not
// counted where there is none.
func (s *series) costOf(d *density, g segment, level float64) float64 {
	sum := 0.0
	if d.rho == 0 {
		if d.course == nil {
			for _, v := range s.x[g.from:g.to] {
				sum += d.at((v - level) / g.spread)
			}
			return sum
		}
		for t := g.from; t < g.to; t++ {
			sum += d.at((s.x[t] - level) / (g.spread * d.spreadAt(t)))
		}
		return sum
	}
	sum = d.at((s.x[g.from] - level) * math.Sqrt(1-d.rho*d.rho) / (g.spread * d.spreadAt(g.from)))
	for t := g.from + 1; t < g.to; t++ {
		sum += d.at((s.x[t] - level - d.rho*(s.x[t-1]-level)) / (g.spread * d.spreadAt(t)))
	}
	return sum
}

// refit moves a segment's level to where its cost is least, by a search from
// coarse to fine around the level it has.
func (s *series) refit(d *density, g *segment) {
	g.level, _ = s.lowest(d, []segment{*g}, g.level)
}

// settle gives a segment the level and the spread that suit each other: the
// spread of the law, unless another is plainly better. Under a law with one
// centre the search stops where the next spread is no better.
func (s *series) settle(d *density, g *segment) {
	n := g.to - g.from
	centre := median(slices.Clone(s.x[g.from:g.to])) - d.median
	best, cost := usualSpread, 0.0
	g.spread = 1
	g.level, cost = s.lowest(d, []segment{*g}, g.level, centre)
	for _, step := range []int{1, -1} {
		for j := usualSpread + step; j >= 0 && j < len(spreads); j += step {
			if step < 0 && (n < 10 || d.scale*spreads[j] < s.floor) {
				break
			}
			try := *g
			try.spread = spreads[j]
			level, c := s.lowest(d, []segment{try}, g.level, centre)
			if c += float64(n)*math.Log(try.spread) + 1.5; c < cost {
				try.level = level
				best, cost, *g = j, c, try
			} else if d.family != modes && d.family != skewed {
				break
			}
		}
		if best != usualSpread && d.family != modes && d.family != skewed {
			return
		}
	}
}

// lowest returns the level near the guesses at which the segments together cost least.
func (s *series) lowest(d *density, parts []segment, guesses ...float64) (level, cost float64) {
	cost = math.Inf(1)
	sum := func(l float64) float64 {
		c := 0.0
		for _, g := range parts {
			c += s.costOf(d, g, l)
		}
		return c
	}
	try := func(l float64) {
		if c := sum(l); c < cost {
			level, cost = l, c
		}
	}
	for _, l := range guesses {
		try(l)
	}
	n := 0
	for _, g := range parts {
		n += g.to - g.from
	}
	for step := d.scale / (1 - d.rho) / 2; step > d.scale/math.Sqrt(float64(n))/64; step /= 2 {
		middle := level
		try(middle - step)
		try(middle + step)
	}
	return level, cost
}

// gain returns how much better two levels explain neighbours than one does.
func (s *series) gain(d *density, a, b segment) float64 {
	na, nb := float64(a.to-a.from), float64(b.to-b.from)
	_, one := s.lowest(d, []segment{a, b}, a.level, b.level, (na*a.level+nb*b.level)/(na+nb))
	return one - s.costOf(d, a, a.level) - s.costOf(d, b, b.level)
}

// prune takes away the changes that gain too little, least first.
func (s *series) prune(d *density, all []segment, o Options) []segment {
	excess := make([]float64, len(all)) // of the change that each segment starts with
	excess[0] = math.Inf(1)
	for i := 1; i < len(all); i++ {
		excess[i] = s.excess(d, all[i-1], all[i], o)
	}
	for {
		worst := least(excess)
		if excess[worst] >= 0 {
			return all
		}
		a, b := all[worst-1], all[worst]
		joined := segment{from: a.from, to: b.to, level: a.level, spread: 1}
		if b.to-b.from > a.to-a.from {
			joined.level = b.level
		}
		s.settle(d, &joined)
		all[worst-1] = joined
		all = slices.Delete(all, worst, worst+1)
		excess = slices.Delete(excess, worst, worst+1)
		for i := max(1, worst-1); i <= min(worst, len(all)-1); i++ {
			excess[i] = s.excess(d, all[i-1], all[i], o)
		}
	}
}

// locate moves each change to where the values cost least, with the levels on
// either side refitted for each place that comes into question: the place from
// the search depends on how its grid happens to lie.
func (s *series) locate(d *density, all []segment) {
	const far, doubt = 8, 1.5
	for i := 1; i < len(all); i++ {
		a, b := &all[i-1], &all[i]
		from, to := max(a.from+shortest, b.from-far), min(b.to-shortest, b.from+far)
		costs := make([]float64, to-from+1)
		for at := from; at < to; at++ {
			x, y := *a, *b
			x.from, x.to, y.from, y.to = at, at+1, at, at+1
			costs[at+1-from] = costs[at-from] + s.costOf(d, x, a.level) - s.costOf(d, y, b.level)
		}
		low := slices.Min(costs)
		place, best := b.from, math.Inf(1)
		for at := from; at <= to; at++ {
			if costs[at-from] > low+doubt {
				continue
			}
			x, y := *a, *b
			x.to, y.from = at, at
			_, before := s.lowest(d, []segment{x}, a.level)
			_, after := s.lowest(d, []segment{y}, b.level)
			if before+after < best {
				place, best = at, before+after
			}
		}
		a.to, b.from = place, place
		s.settle(d, a)
		s.settle(d, b)
	}
}

// excess returns the gain of a change over what it must have.
func (s *series) excess(d *density, a, b segment, o Options) float64 {
	short := min(a.to-a.from, b.to-b.from)
	if short < shortest {
		return -100 / float64(short)
	}
	if s.effect(a, b) < o.MinEffect {
		return -10
	}
	excess := s.gain(d, a, b)*s.weight - s.beta
	if x, y := d.typicalSpread(a), d.typicalSpread(b); max(x, y) >= 1.4*min(x, y) {
		excess -= 4 // the noise itself is in doubt
	}
	if excess >= 0 && (s.onlySpread(d, a, b) || s.chance(d, a, b)) {
		return -5
	}
	return excess
}

// onlySpread reports whether what looks like a change of level is one of
// variance: the noise grew or shrank about some centre, so that the quartiles
// did not move together.
func (s *series) onlySpread(d *density, a, b segment) bool {
	x, y := d.typicalSpread(a), d.typicalSpread(b)
	same := max(x, y) < 1.4*min(x, y)
	// With two modes a quartile may fall between them.
	if same && (d.family == modes || min(a.to-a.from, b.to-b.from) < 8) {
		return false
	}
	move := b.level - a.level
	before, after := sorted(s.x[a.from:a.to]), sorted(s.x[b.from:b.to])
	for _, p := range []float64{0.25, 0.75} {
		if (stat.QuantileSorted(after, p)-stat.QuantileSorted(before, p))/move < 0.5 {
			return true
		}
	}
	return false
}

// chance reports whether a short stretch might come from values such as its
// neighbour's by chance, as ranks have it, at one of the places of the series.
// Spikes have no say, as they would on either side of a step.
func (s *series) chance(d *density, a, b segment) bool {
	const few, near = 10, 100
	if min(a.to-a.from, b.to-b.from) > few {
		return false
	}
	before, after := a, b
	before.from = max(a.from, a.to-near)
	after.to = min(b.to, b.from+near)
	r, err := stat.MannWhitney(s.tame(d, before), s.tame(d, after))
	return err != nil || r.P*float64(len(s.x)) > 0.3
}

// tame returns the values of a segment that are not rather contamination.
func (s *series) tame(d *density, g segment) []float64 {
	var kept []float64
	for t := g.from; t < g.to; t++ {
		r := (s.x[t] - g.level) / (g.spread * d.spreadAt(t))
		if d.bulk(r)*(1-d.up-d.down) > d.plain(r)/2 {
			kept = append(kept, s.x[t])
		}
	}
	return kept
}

func sorted(x []float64) []float64 {
	c := slices.Clone(x)
	slices.Sort(c)
	return c
}

// effect returns the relative size of the change between two segments.
func (s *series) effect(a, b segment) float64 {
	if s.logs {
		return math.Expm1(math.Abs(b.level - a.level))
	}
	low := math.Min(math.Abs(a.level), math.Abs(b.level))
	if low == 0 {
		return math.Inf(1)
	}
	return math.Abs(b.level-a.level) / low
}

// effective returns the number of independent values that a value is worth:
// correlation that was too weak to be told from steps still makes gains smaller.
func (s *series) effective(m model) float64 {
	if m.law.rho != 0 {
		return 1
	}
	rho := correlation(m.path, s.residuals(m.path, 0))
	rho = min(0.95, rho+0.5/math.Sqrt(float64(len(s.x))))
	return (1 - rho) / (1 + rho)
}
