// Package changepoint finds where a series of measurements moved for good.
//
// A series is taken to be levels with noise about them. Which noise, nobody
// knows beforehand, and what looks like steps under one law is plain noise
// under another: a second mode, spikes, values that hang together. So paths of
// the level and laws of the noise are searched in turn, and the pair that costs
// least is believed:
//
//   - The path of least cost for a law, over a grid of levels, where every change
//     of level costs a penalty (Viterbi 1967; penalised as in Killick, Fearnhead
//     & Eckley 2012 and Maidstone et al. 2017). It is found for the whole series
//     at once, so a step that goes back, or one just before the end, is as good as any.
//   - The laws, fitted to what a path leaves: normal, Student's t, shifted
//     log-normal, two normal modes, and normal with correlated neighbours (Chakar
//     et al. 2017; Romano et al. 2022). Each has contamination mixed in, which
//     bounds what a spike costs (Fearnhead & Rigaill 2019). A law pays for its
//     parameters as in Schwarz (1978).
//   - A slow drift is taken out if a ramp and what is left explain the series
//     better than a staircase; noise may have a spread that changes.
//   - Last, changes are taken back whose gain, with levels refitted, is below the
//     penalty; that are smaller than asked for; where only the spread changed; or
//     which ranks (Mann & Whitney 1947) do not tell from chance.
//
// Positive values are searched as logarithms, since noise and change are mostly
// proportional, unless the steps of a timer are what limits them. Time grows as
// n·levels, about 5 ms for 1,000 points.
//
// The package keeps no state and draws no random numbers: the same values give
// the same points.
//
// Sources: Viterbi, IEEE Trans. Inf. Theory 13, 260; Killick, Fearnhead & Eckley,
// JASA 107, 1590; Maidstone, Hocking, Rigaill & Fearnhead, Stat. Comput. 27, 519;
// Chakar, Lebarbier, Lévy-Leduc & Robin, Bernoulli 23, 1408; Romano, Rigaill,
// Runge & Fearnhead, JASA 117, 2147; Fearnhead & Rigaill, JASA 114, 169; Schwarz,
// Ann. Statist. 6, 461.
package changepoint

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/pacer-perf/pacer/internal/stat"
)

// ErrNotFinite is returned for a series with a NaN or an infinity in it.
var ErrNotFinite = errors.New("value is not finite")

// Options holds what the caller knows of the series. Every zero field means its default.
type Options struct {
	Tick       float64 // resolution of the values, in their unit; 0: seen from the values
	MinEffect  float64 // least relative change of level that is reported; 0: 0.005; negative: none
	Confidence float64 // of the interval Low to High, between 0 and 1; 0: 0.95
}

func (o Options) orDefaults() Options {
	if o.MinEffect == 0 {
		o.MinEffect = 0.005
	}
	if o.Confidence <= 0 || o.Confidence >= 1 {
		o.Confidence = 0.95
	}
	return o
}

// Point is a place where the level moved for good.
type Point struct {
	Index         int     // 0-based index of the first point of the new level
	Before, After float64 // levels on either side, in the unit of the series: by the law of the noise
	Low, High     float64 // interval for After/Before if all values are positive, else for After−Before

	// Confidence is the probability that there is a change within five points
	// of Index, where one series in two has changes. It grows with the size of
	// the step over its noise and with the points on either side; the least
	// that is reported is 0.8. TestAccuracy
	// prints how often it holds. It says nothing of
	// whether the step matters.
	Confidence float64

	Drift bool // the level moved slowly, from Index to End
	End   int  // first point of the new level after a drift; Index for a step
}

// Finder finds change points as Find does: Find itself, or what remembers what
// it found.
type Finder func(values []float64, o Options) ([]Point, error)

// Find returns the change points of a series, oldest value first, in order of
// Index. A series of fewer than 6 points has none. Each level has at least 3 points.
//
// It returns ErrNotFinite, and which value, if one is NaN or infinite.
func Find(values []float64, o Options) ([]Point, error) {
	for i, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("value %d of the series is %v: %w", i, v, ErrNotFinite)
		}
	}
	o = o.orDefaults()
	s := newSeries(values, o.Tick)
	if s == nil {
		return nil, nil
	}
	s, final := s.straighten()
	m := s.uneven(final)
	if len(m.path.starts) == 1 && len(s.ramps) == 0 {
		return nil, nil // there is nothing to take back or to describe
	}
	points := s.points(m, o)
	settle(points, values)
	return points, nil
}

// points takes back the changes of a model that are too little, and describes
// the others.
func (s *series) points(m model, o Options) []Point {
	m.law.describe()
	s.weight = s.effective(m)
	levels := s.prune(m.law, s.segments(m), o)
	if m.law.rho == 0 {
		s.locate(m.law, levels)
	}
	points := append(s.steps(m.law, levels, o), s.drifts(m.law, levels, o)...)
	slices.SortStableFunc(points, func(a, b Point) int { return a.Index - b.Index })
	return points
}

// settle mends the levels of steps that the values themselves contradict: what
// the law of the noise, fitted to all of them, says of one segment is the best
// there is unless the law does not fit there. The interval keeps its width.
func settle(points []Point, values []float64) {
	edge := func(i int) int {
		switch {
		case i < 0:
			return 0
		case i >= len(points):
			return len(values)
		case i > 0 && points[i].Drift:
			return points[i].End
		}
		return points[i].Index
	}
	for i := range points {
		p := &points[i]
		from, to := edge(i-1), edge(i+1)
		if i+1 < len(points) {
			to = points[i+1].Index
		}
		if p.Drift || from >= p.Index || to <= p.Index {
			continue
		}
		before, after := location(values[from:p.Index], p.Before), location(values[p.Index:to], p.After)
		if slices.Min(values) > 0 {
			moved := after / before / (p.After / p.Before)
			p.Low, p.High = p.Low*moved, p.High*moved
		} else {
			moved := after - before - (p.After - p.Before)
			p.Low, p.High = p.Low+moved, p.High+moved
		}
		p.Before, p.After = before, after
	}
}

// location is where the values of a segment lie: the one that more than half
// of them have, as counts do, else the fitted level, or, if that is beside all
// but a tenth of them, their mean with what is far out drawn in.
func location(values []float64, fitted float64) float64 {
	if v, ok := prevalent(values); ok {
		return v
	}
	if stat.Quantile(values, 0.1) <= fitted && fitted <= stat.Quantile(values, 0.9) {
		return fitted
	}
	const far = 4
	return stat.Huber(values, far)
}

// prevalent returns the value that more than half of the values have, and false if
// there is none.
func prevalent(values []float64) (float64, bool) {
	if len(values) == 0 {
		return 0, false
	}
	middle := stat.Median(values)
	n := 0
	for _, v := range values {
		if v == middle {
			n++
		}
	}
	return middle, 2*n > len(values)
}

// steps describes the changes between segments.
func (s *series) steps(d *density, all []segment, o Options) []Point {
	var points []Point
	for i := 1; i < len(all); i++ {
		a, b := all[i-1], all[i]
		moved := d.median + s.slope(b.from)
		p := Point{
			Index: b.from, End: b.from,
			Before: s.value(a.level + moved), After: s.value(b.level + moved),
			Confidence: confidence(s.excess(d, a, b, o)),
		}
		s.bound(&p, s.errorOf(d, a, a.to-a.from), s.errorOf(d, b, b.to-b.from), b.to-a.from, o)
		points = append(points, p)
	}
	return points
}

// drifts describes the ramps that were taken out.
func (s *series) drifts(d *density, all []segment, o Options) []Point {
	var points []Point
	for _, r := range s.ramps {
		n := len(s.x)
		from, to := max(0, int(math.Ceil(r.begin))), min(n-1, int(math.Ceil(r.end)))
		var around segment
		for _, g := range all {
			if g.from <= from {
				around = g
			}
		}
		p := Point{
			Index: from, End: to, Drift: true,
			Before:     s.value(around.level + d.median + s.slope(from)),
			After:      s.value(around.level + d.median + s.slope(to)),
			Confidence: confidence(r.gain),
		}
		if !(s.effect(segment{level: r.low}, segment{level: r.high}) >= o.MinEffect) {
			continue
		}
		// The ends of a ramp are known at least as well as by a quarter of its points.
		quarter := (to - from) / 4
		s.bound(&p, s.errorOf(d, around, quarter), s.errorOf(d, around, quarter), n, o)
		points = append(points, p)
	}
	return points
}

// confidence turns what a change gains over its penalty into a probability.
// The two numbers were chosen on the tuning seeds; TestAccuracy prints how
// often it is right on others.
func confidence(excess float64) float64 { return 1 - 0.2*math.Exp(-max(0, excess)/5) }

// errorOf returns the standard error of a level known by n points with the
// noise of a segment: by Fisher's information, and by what rounding hides
// where the noise is smaller than a tick (Widrow & Kollár 2008, Quantization
// Noise, 4).
func (s *series) errorOf(d *density, g segment, n int) float64 {
	e := d.typicalSpread(g) / (math.Sqrt(d.info*float64(max(1, n))) * (1 - d.rho))
	if s.tick > 0 {
		noise := d.scale / s.tick
		e = math.Hypot(e, s.tick/math.Pi*math.Exp(-2*math.Pi*math.Pi*noise*noise))
	}
	return e
}

// bound sets the interval of a point from the standard errors of its levels
// and the number of points around it.
func (s *series) bound(p *Point, before, after float64, n int, o Options) {
	t := stat.TQuantile(0.5+o.Confidence/2, float64(max(1, n-2)))
	if !s.positive {
		half := t * math.Hypot(before, after) * s.unit
		p.Low, p.High = p.After-p.Before-half, p.After-p.Before+half
		return
	}
	if !s.logs {
		before, after = before*s.unit/p.Before, after*s.unit/p.After
	}
	factor := math.Exp(t * math.Hypot(before, after))
	p.Low, p.High = p.After/p.Before/factor, p.After/p.Before*factor
}
