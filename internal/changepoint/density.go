package changepoint

import (
	"math"
	"slices"

	"github.com/pacer-perf/pacer/internal/stat"
)

// family is a kind of noise.
type family int

const (
	normal family = iota
	student
	skewed
	modes
)

const (
	resolution = 8     // bins of a density's table in one scale of the noise
	reach      = 40    // scales that a table covers on either side; beyond it the cost stays
	wild       = 5     // scale of the contamination, in scales of the noise
	leastWild  = 0.005 // share of contamination on either side that is always allowed for
)

// density is a law of noise around a level. Its zero is the level: the centre,
// or for two modes the centre of the larger mode.
type density struct {
	family     family
	scale      float64 // of the bulk, or of the larger mode
	sigma      float64 // skewed: of the logarithm; negative: the long tail points down
	distance   float64 // modes: from the larger one to the other
	share      float64 // modes: of the other one
	ratio      float64 // modes: scale of the other one over scale
	up, down   float64 // share of contamination above and below
	rho        float64 // correlation of neighbours; the rest describes the innovations
	parameters float64
	course     []uint8 // index of the spread at each point; nil: 1 everywhere

	bin    float64   // width of a bin of the table
	centre int       // index of zero
	mass   []float64 // density by distance from the level, up to a factor
	cost   []float64 // −log of it
	median float64   // of the law, once it was described
	info   float64   // likewise: Fisher information about the level
}

// plain is the density at a distance from the level, before rounding to ticks.
func (d *density) plain(r float64) float64 { return (1-d.up-d.down)*d.bulk(r) + d.outlier(r) }

// outlier is the part of the density that is contamination.
func (d *density) outlier(r float64) float64 {
	side := d.up
	if r < 0 {
		side = d.down
	}
	return side * d.wild(r)
}

// wild is the density of contamination on one side.
func (d *density) wild(r float64) float64 {
	w := r / (wild * d.scale)
	return 2 / (math.Pi * wild * d.scale * (1 + w*w))
}

func (d *density) bulk(r float64) float64 {
	z := r / d.scale
	switch d.family {
	case student:
		u := 1 + z*z/3
		return 2 / (math.Pi * math.Sqrt(3) * u * u) / d.scale
	case skewed:
		s := math.Abs(d.sigma)
		y := 1 + math.Copysign(z, z*d.sigma)
		if y <= 0 {
			return 0
		}
		return gauss(math.Log(y)/s) / (s * y * d.scale)
	case modes:
		second := (r - d.distance) / (d.scale * d.ratio)
		return ((1-d.share)*gauss(z) + d.share*gauss(second)/d.ratio) / d.scale
	default:
		return gauss(z) / d.scale
	}
}

// bell is the standard normal density at multiples of 1/bellStep; fitting laws
// asks for it so often that exponentials took a quarter of a search.
var bell = func() (table [9*bellStep + 2]float64) {
	for i := range table {
		z := float64(i) / bellStep
		table[i] = math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
	}
	return table
}()

const bellStep = 128

// gauss returns the standard normal density to about 1e-5, and 0 beyond 9.
func gauss(z float64) float64 {
	p := math.Abs(z) * bellStep
	if !(p < 9*bellStep) {
		return 0
	}
	i := int(p)
	return bell[i] + (p-float64(i))*(bell[i+1]-bell[i])
}

// tabulate fills the table of costs for values that are multiples of tick.
func (d *density) tabulate(tick float64) *density {
	d.bin = d.scale / resolution
	box := int(math.Round(tick / d.bin)) // a rounded value has the mass of its whole tick
	d.centre = reach*resolution + int(math.Abs(d.distance)/d.bin) + box
	f := make([]float64, 2*d.centre+1)
	if d.family == normal || d.family == student { // the same on either side but for what is wild
		for i := d.centre; i >= 0; i-- {
			r := float64(i) * d.bin
			bulk, wild := (1-d.up-d.down)*d.bulk(r), d.wild(r)
			f[d.centre-i], f[d.centre+i] = bulk+d.down*wild, bulk+d.up*wild
		}
	} else {
		for i := range f {
			f[i] = d.plain(float64(i-d.centre) * d.bin)
		}
	}
	if box > 1 {
		f = smooth(f, box)
	}
	d.mass, d.cost = f, make([]float64, len(f))
	for i, v := range f {
		d.cost[i] = -math.Log(v)
	}
	return d
}

// describe works out what is asked of the one law that is believed.
func (d *density) describe() {
	d.info = 0
	below, total, last := 0.0, 0.0, 0.0
	for i, v := range d.mass {
		total += v
		if i > 0 {
			slope := (v - last) / d.bin
			d.info += slope * slope / (v + last) * 2 * d.bin
		}
		last = v
	}
	for i, v := range d.mass {
		if below += v; below >= total/2 {
			d.median = float64(i-d.centre) * d.bin
			break
		}
	}
}

// smooth returns the running means of f over windows of about width entries.
func smooth(f []float64, width int) []float64 {
	sums := make([]float64, len(f)+1)
	for i, v := range f {
		sums[i+1] = sums[i] + v
	}
	out := make([]float64, len(f))
	for i := range f {
		a, b := max(0, i-width/2), min(len(f), i+width-width/2)
		out[i] = (sums[b] - sums[a]) / float64(b-a)
	}
	return out
}

// at returns the cost of a distance from the level.
func (d *density) at(r float64) float64 {
	p := r/d.bin + float64(d.centre)
	switch {
	case !(p > 0):
		return d.cost[0]
	case p >= float64(len(d.cost)-1):
		return d.cost[len(d.cost)-1]
	}
	i := int(p)
	return d.cost[i] + (p-float64(i))*(d.cost[i+1]-d.cost[i])
}

// centred returns residuals in order, about their median: what laws are fitted to.
func centred(residuals []float64) []float64 {
	r := slices.Clone(residuals)
	slices.Sort(r)
	middle := stat.QuantileSorted(r, 0.5)
	for i := range r {
		r[i] -= middle
	}
	return r
}

// fit returns the law of a family that suits centred residuals, or nil if the
// family has none. floor is the least scale; segments the number of levels that
// were estimated from the same values.
func fit(f family, r []float64, tick, floor float64, segments int) *density {
	d := &density{family: f, ratio: 1, up: leastWild, down: leastWild}
	// Levels that follow the values make the residuals too small.
	lost := math.Sqrt(float64(len(r)) / max(1, float64(len(r)-segments)))
	rough := max(floor, (stat.QuantileSorted(r, 0.75)-stat.QuantileSorted(r, 0.25))/1.349)
	switch f {
	case normal:
		d.fitNormal(r, rough, tick, floor)
	case student:
		d.fitStudent(r, rough, floor)
	case skewed:
		if !d.fitSkewed(r, floor) {
			return nil
		}
	case modes:
		if !d.fitModes(r, tick, floor) {
			return nil
		}
	}
	d.scale = max(floor, d.scale*lost)
	return d.tabulate(tick)
}

// unrounded takes the part of a variance away that rounding added.
func unrounded(variance, tick, floor float64) float64 {
	return max(floor, math.Sqrt(max(0, variance-tick*tick/12)))
}

// fitNormal fits a normal law and the share of contamination on either side by
// expectation and maximisation (Dempster, Laird & Rubin 1977).
func (d *density) fitNormal(r []float64, rough, tick, floor float64) {
	d.parameters = 1.5
	d.scale = rough
	centre := 0.0
	for range 8 {
		var mass, sum, square, up, down float64
		for _, v := range r {
			e := v - centre
			bulk := (1 - d.up - d.down) * (gauss(e/d.scale) / d.scale)
			share := bulk / (bulk + d.outlier(e))
			mass += share
			sum += share * v
			square += share * e * e
			if e > 0 {
				up += 1 - share
			} else {
				down += 1 - share
			}
		}
		if mass < 1 {
			return
		}
		centre = sum / mass
		d.scale = unrounded(square/mass, tick, floor)
		d.up, d.down = d.wildShare(up, len(r)), d.wildShare(down, len(r))
	}
}

// wildShare is the share of contamination on one side: half a percent, worth as
// much as the word of 100 values, and what was seen.
func (d *density) wildShare(seen float64, n int) float64 {
	return (seen + 100*leastWild) / float64(n+100)
}

func (d *density) fitStudent(r []float64, rough, floor float64) {
	d.parameters = 1
	d.scale = rough * 0.9
	for range 8 {
		sum := 0.0
		for _, v := range r {
			z := v / d.scale
			sum += 4 / (3 + z*z) * v * v
		}
		d.scale = max(floor, math.Sqrt(sum/float64(len(r))))
	}
}

// fitSkewed fits a shifted log-normal law: its shape from the ratio of the
// upper to the lower tail, then the best of its neighbours.
func (d *density) fitSkewed(r []float64, floor float64) bool {
	d.parameters = 2
	low, high := -stat.QuantileSorted(r, 0.1), stat.QuantileSorted(r, 0.9)
	if low <= 0 || high <= 0 {
		return false
	}
	const z = 1.2815515655446004 // the normal law's 0.9 quantile
	first := math.Log(high/low) / z
	if math.Abs(first) < 0.1 {
		return false
	}
	best := math.Inf(1)
	var won density
	for _, factor := range []float64{0.6, 0.8, 1, 1.25, 1.6} {
		d.sigma = max(-1.5, min(1.5, first*factor))
		d.scale = max(floor, (low+high)/(2*math.Sinh(z*math.Abs(d.sigma))))
		if cost := d.total(r); cost < best {
			best, won = cost, *d
		}
	}
	*d = won
	return true
}

// total is the cost of residuals by the law before rounding; of every few
// where there are many.
func (d *density) total(r []float64) float64 {
	sum := 0.0
	for i := 0; i < len(r); i += 1 + len(r)/500 {
		sum -= math.Log(d.plain(r[i]))
	}
	return sum
}

// fitModes fits two normal laws and contamination by expectation and
// maximisation, from the split in two that leaves the least variance.
func (d *density) fitModes(r []float64, tick, floor float64) bool {
	d.parameters = 4
	n := len(r)
	at := bestSplit(r)
	if at == 0 {
		return false
	}
	a, b := stat.QuantileSorted(r[:at], 0.5), stat.QuantileSorted(r[at:], 0.5)
	share := float64(n-at) / float64(n)
	scaleA := max(floor, (stat.QuantileSorted(r[:at], 0.8)-stat.QuantileSorted(r[:at], 0.2))/1.683)
	scaleB := max(floor, (stat.QuantileSorted(r[at:], 0.8)-stat.QuantileSorted(r[at:], 0.2))/1.683)
	up, down := leastWild, leastWild
	for range 12 {
		wide := wild * scaleA
		first, bulk, height := 1-share, 1-up-down, math.Pi*wide
		var massA, massB, sumA, sumB, squareA, squareB, above, below float64
		for _, v := range r {
			fa := first * gauss((v-a)/scaleA) / scaleA
			fb := share * gauss((v-b)/scaleB) / scaleB
			side := down
			if v > a {
				side = up
			}
			w := (v - a) / wide
			out := side * 2 / (height * (1 + w*w))
			all := bulk*(fa+fb) + out
			pa, pb := bulk*fa/all, bulk*fb/all
			massA += pa
			massB += pb
			sumA += pa * v
			sumB += pb * v
			squareA += pa * (v - a) * (v - a)
			squareB += pb * (v - b) * (v - b)
			if v > a {
				above += 1 - pa - pb
			} else {
				below += 1 - pa - pb
			}
		}
		if massA < 2 || massB < 2 {
			return false
		}
		share = massB / (massA + massB)
		a, b = sumA/massA, sumB/massB
		scaleA = unrounded(squareA/massA, tick, floor)
		scaleB = unrounded(squareB/massB, tick, floor)
		scaleA, scaleB = max(scaleA, scaleB/3), max(scaleB, scaleA/3)
		up, down = d.wildShare(above, n), d.wildShare(below, n)
	}
	if share > 0.5 {
		a, b, scaleA, scaleB, share = b, a, scaleB, scaleA, 1-share
	}
	d.scale, d.ratio, d.distance, d.share = scaleA, scaleB/scaleA, b-a, share
	d.up, d.down = up, down
	return math.Abs(d.distance) > 1.5*d.scale && math.Abs(d.distance) < 1000*d.scale
}

// bestSplit returns where to cut sorted values so that the least variance is
// left; values outside the inner 96 % count as the outermost of it.
func bestSplit(r []float64) int {
	n := len(r)
	low, high := stat.QuantileSorted(r, 0.02), stat.QuantileSorted(r, 0.98)
	clip := func(v float64) float64 { return min(high, max(low, v)) }
	total := 0.0
	for _, v := range r {
		total += clip(v)
	}
	at, best, sum := 0, 0.0, 0.0
	for i := range n - 1 {
		sum += clip(r[i])
		k := i + 1
		if k < 3 || n-k < 3 || r[i+1] == r[i] {
			continue
		}
		gap := sum/float64(k) - (total-sum)/float64(n-k)
		if between := gap * gap * float64(k) * float64(n-k); between > best {
			at, best = k, between
		}
	}
	return at
}
