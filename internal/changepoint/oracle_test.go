package changepoint

import (
	"math"

	"github.com/pacer-perf/pacer/internal/stat"
)

// oracle finds the change points of a history by the true levels and a law
// fitted to the true errors: what is attainable at the price of a change, where
// the search knows neither.
func oracle(h history) []Point {
	s := newSeries(h.values, 0)
	if s == nil {
		return nil
	}
	truth := path{starts: append([]int{0}, h.changes...)}
	errors := make([]float64, len(s.x))
	units := make([]float64, len(s.x))
	for i, l := range h.levels {
		units[i] = h.values[i] / l
	}
	unit := stat.QuantileSorted(sorted(units), 0.5)
	for i, l := range h.levels {
		s.medians[i] = l * unit / s.unit
		if s.logs {
			s.medians[i] = math.Log(l * unit)
		}
		errors[i] = s.x[i] - s.medians[i]
	}
	for _, from := range truth.starts {
		truth.levels = append(truth.levels, s.medians[from])
	}
	best, cost := path{}, math.Inf(1)
	try := func(d *density) {
		if m := s.under(d, truth); m.score < cost {
			best, cost = m.path, m.score
		}
	}
	for f := normal; f <= modes; f++ {
		if d := fit(f, centred(errors), s.tick, s.floor, 0); d != nil {
			try(d)
		}
	}
	if rho := correlation(truth, errors); rho > 0.1 {
		if d := fit(normal, centred(s.residuals(truth, rho)), s.tick, s.floor, 0); d != nil {
			d.rho = rho
			try(d)
		}
	}
	var found []Point
	for _, from := range best.starts[1:] {
		found = append(found, Point{Index: from})
	}
	return found
}
