package changepoint

import (
	"math"
	"slices"
)

const (
	fewest   = 6    // points that a search needs
	shortest = 3    // points that a new level needs
	mostFit  = 1000 // residuals that a law is fitted to
)

// model is a law of the noise with the path that suits the series best under it.
type model struct {
	law   *density
	path  path
	score float64 // cost of the path and of the law's parameters
	fixed bool    // the law was fitted to this very path
}

// finalists are the best models without and with correlation of neighbours;
// the latter has no law if neighbours do not hang together.
type finalists struct{ loose, tied model }

// best returns the finalist of least cost.
func (f finalists) best() model {
	if f.tied.law != nil && f.tied.score < f.loose.score {
		return f.tied
	}
	return f.loose
}

// explain returns the models of least cost: laws are fitted to the residuals of
// a path, then paths are searched under the laws, in turn.
func (s *series) explain() finalists {
	start := &density{family: student, scale: s.rough * 0.9, ratio: 1, up: leastWild, down: leastWild}
	flat := path{starts: []int{0}, levels: []float64{0}}
	first := s.under(start.tabulate(s.tick), flat)
	final := finalists{loose: first, tied: model{score: math.Inf(1)}}
	final.loose.score = math.Inf(1)
	keep := func(m model) {
		place := &final.loose
		if m.law.rho != 0 {
			place = &final.tied
		}
		if m.score < place.score {
			*place = m
		}
	}
	tried := s.rivals(first.path, normal, student, skewed, modes)
	if len(first.path.starts) > 1 {
		// What looks like steps may be two modes or correlation.
		tried = append(tried, s.rivals(flat, skewed, modes)...)
	}
	for range 2 {
		slices.SortStableFunc(tried, func(a, b model) int {
			switch {
			case a.score < b.score:
				return -1
			case a.score > b.score:
				return 1
			}
			return 0
		})
		for _, m := range tried {
			keep(m)
		}
		var next []model
		for _, m := range tried[:min(3, len(tried))] {
			if !m.fixed {
				next = append(next, s.again(m))
			}
		}
		if next == nil {
			break
		}
		tried = next
	}
	for _, m := range tried {
		keep(m)
	}
	return final
}

// rivals returns the models whose laws, of those families or with correlation,
// are fitted to the residuals of a path.
func (s *series) rivals(p path, families ...family) []model {
	var all []model
	r := s.residuals(p, 0)
	ordered := centred(thin(r))
	for _, f := range families {
		if d := fit(f, ordered, s.tick, s.floor, len(p.starts)); d != nil {
			all = append(all, s.under(d, p))
		}
	}
	rhos := []float64{correlation(p, r)}
	if s.rho > rhos[0]+0.15 {
		rhos = append(rhos, s.rho)
	}
	for _, rho := range rhos {
		if m, ok := s.correlated(normal, p, rho); ok {
			all = append(all, m)
		}
	}
	return all
}

// again fits the law of a model to the residuals of its path and searches once more.
func (s *series) again(m model) model {
	if m.law.rho != 0 {
		rho := correlation(m.path, s.residuals(m.path, 0))
		if next, ok := s.correlated(m.law.family, m.path, rho); ok {
			return next
		}
		return m
	}
	d := fit(m.law.family, centred(thin(s.residuals(m.path, 0))), s.tick, s.floor, len(m.path.starts))
	if d == nil {
		return m
	}
	return s.under(d, m.path)
}

// correlated returns the model whose innovations have a law of that family.
func (s *series) correlated(f family, p path, rho float64) (model, bool) {
	if rho < 0.1 || s.still {
		return model{}, false
	}
	d := fit(f, centred(thin(s.residuals(p, rho))), s.tick, s.floor, len(p.starts))
	if d == nil {
		return model{}, false
	}
	d.rho = rho
	d.parameters += 1.5
	return s.under(d, p), true
}

// under returns the model with the best path under a law that was fitted to another.
func (s *series) under(d *density, fitted path) model {
	s.grid.fill(s, d)
	p := s.grid.best(s.beta)
	return model{
		law: d, path: p, fixed: slices.Equal(p.starts, fitted.starts),
		score: p.cost + d.parameters*math.Log(float64(len(s.x)))/2,
	}
}

// residuals returns what is left of the values about a path; with rho, of each
// value about what the one before lets expect.
func (s *series) residuals(p path, rho float64) []float64 {
	r := make([]float64, 0, len(s.x))
	for i, from := range p.starts {
		level := p.levels[i]
		for t := from; t < p.end(i, len(s.x)); t++ {
			v := s.x[t] - level
			if rho != 0 {
				if t == from {
					continue
				}
				v -= rho * (s.x[t-1] - level)
			}
			r = append(r, v)
		}
	}
	return r
}

// correlation returns the correlation of neighbours, each segment about its own
// centre, with outliers drawn in, corrected for the bias that the estimated
// levels bring (Kendall 1954).
func correlation(p path, r []float64) float64 {
	scratch := slices.Clone(r)
	c := slices.Clone(r)
	for i, from := range p.starts {
		to := p.end(i, len(r))
		middle := median(scratch[from:to])
		for t := from; t < to; t++ {
			c[t] -= middle
		}
	}
	for i, v := range c {
		scratch[i] = math.Abs(v)
	}
	limit := 3 * median(scratch) / 0.6745
	var products, squares float64
	for i, from := range p.starts {
		for t := from; t < p.end(i, len(r)); t++ {
			v := max(-limit, min(limit, c[t]))
			squares += v * v
			if t > from {
				products += v * max(-limit, min(limit, c[t-1]))
			}
		}
	}
	if squares == 0 {
		return 0
	}
	n, k := float64(len(r)), float64(len(p.starts))
	rho := products / squares * n / max(1, n-k)
	return min(0.95, max(0, (rho+k/n)/max(0.25, 1-3*k/n)))
}

// thin returns evenly spaced values of a long slice.
func thin(r []float64) []float64 {
	every := 1 + len(r)/mostFit
	if every == 1 {
		return r
	}
	out := make([]float64, 0, mostFit)
	for i := 0; i < len(r); i += every {
		out = append(out, r[i])
	}
	return out
}
