package changepoint

import (
	"math"
	"math/rand/v2"

	"github.com/pacer-perf/pacer/internal/noise"
)

// history is a made-up series whose changes are known.
type history struct {
	kind    string
	values  []float64
	levels  []float64 // the true level at each point
	changes []int     // first points of the new levels
	errors  []float64 // relative error of each point, before rounding
}

// The kinds of history. Those with late steps are named by the points after the step.
var (
	scored = []string{"none", "step", "several", "revert"}
	late   = []string{"late3", "late5", "late8", "late12"}
	other  = []string{"ramp", "variance"}
)

// world is how series are drawn: what differs between the data that
// parameters were chosen on and the data that they are checked on.
type world struct {
	families func(rng *rand.Rand) []noise.Family
	length   func(rng *rand.Rand) int
	// deviation is the relative standard deviation of the noise.
	deviation func(rng *rand.Rand) float64
	// step is a relative change of level for noise of that deviation.
	step func(rng *rand.Rand, deviation float64) float64
}

// usual has the families of package noise, 1 to 5 % of noise, and steps of 3 to
// 15 % or 1.25 to 4 deviations.
var usual = world{
	families: func(*rand.Rand) []noise.Family { return noise.Families() },
	length:   func(rng *rand.Rand) int { return int(30 * math.Exp(rng.Float64()*math.Log(1000.0/30))) },
	deviation: func(rng *rand.Rand) float64 {
		return 0.01 + 0.04*rng.Float64()
	},
	step: func(rng *rand.Rand, deviation float64) float64 {
		low := max(0.03, 1.25*deviation)
		return sign(rng) * (low + rng.Float64()*(max(0.15, 4*deviation)-low))
	},
}

// strange has other shapes of the same kinds of noise, 0.5 to 8 % of it, and
// steps of 1 to 8 deviations.
var strange = world{
	families: strangeFamilies,
	length:   func(rng *rand.Rand) int { return 30 + rng.IntN(971) },
	deviation: func(rng *rand.Rand) float64 {
		return 0.005 * math.Exp(rng.Float64()*math.Log(16))
	},
	step: func(rng *rand.Rand, deviation float64) float64 {
		return sign(rng) * min(0.6, max(0.01, deviation*(1+7*rng.Float64())))
	},
}

func strangeFamilies(rng *rand.Rand) []noise.Family {
	iid := func(draw func() float64) func(*rand.Rand, int) []float64 {
		return func(_ *rand.Rand, n int) []float64 {
			v := make([]float64, n)
			for i := range v {
				v[i] = draw()
			}
			return v
		}
	}
	sigma := 0.2 + rng.Float64()
	distance, share := 3+7*rng.Float64(), 0.08+0.4*rng.Float64()
	rate, height, both := 0.01+0.09*rng.Float64(), 3*math.Exp(5*rng.Float64()), rng.IntN(3) == 0
	rho := 0.2 + 0.6*rng.Float64()
	width := math.Sqrt(1 + distance*distance*share*(1-share))
	return []noise.Family{
		{Name: "gaussian", Draw: iid(rng.NormFloat64)},
		{Name: "lognormal", Draw: iid(func() float64 {
			return math.Expm1(sigma*rng.NormFloat64()) / math.Sqrt(math.Expm1(sigma*sigma)*math.Exp(sigma*sigma))
		})},
		{Name: "student", Draw: iid(func() float64 {
			chi := rng.ExpFloat64() + 0.5*math.Pow(rng.NormFloat64(), 2)
			return rng.NormFloat64() / math.Sqrt(2*chi/3) / math.Sqrt(3)
		})},
		{Name: "twomode", Draw: iid(func() float64 {
			v := rng.NormFloat64()
			if rng.Float64() < share {
				v += distance
			}
			return v / width
		})},
		{Name: "spikes", Draw: iid(func() float64 {
			v := rng.NormFloat64()
			if rng.Float64() < rate {
				spike := height * (0.5 + rng.Float64())
				if both && rng.IntN(2) == 0 {
					spike = -spike
				}
				v += spike
			}
			return v
		})},
		{Name: "ar1", Draw: func(_ *rand.Rand, n int) []float64 {
			v := make([]float64, n)
			v[0] = rng.NormFloat64()
			for i := 1; i < n; i++ {
				v[i] = rho*v[i-1] + math.Sqrt(1-rho*rho)*rng.NormFloat64()
			}
			return v
		}},
		{Name: "quantised", Draw: iid(rng.NormFloat64), Tick: 0.002 * math.Exp(rng.Float64()*3)},
	}
}

// draw makes a history of a kind with the noise of a family, around a level
// between 1e-6 and 1e6.
func (w world) draw(rng *rand.Rand, kind string, f noise.Family) history {
	n := w.length(rng)
	deviation := w.deviation(rng)
	levels := make([]float64, n)
	for i := range levels {
		levels[i] = 1
	}
	h := history{kind: kind}
	scale := make([]float64, n)
	for i := range scale {
		scale[i] = deviation
	}
	stepAt := func(i int, size float64) {
		h.changes = append(h.changes, i)
		for j := i; j < n; j++ {
			levels[j] *= 1 + size
		}
	}
	margin := max(6, n/20)
	switch kind {
	case "none":
	case "step":
		stepAt(margin+rng.IntN(n-2*margin), w.step(rng, deviation))
	case "several":
		count := 2 + rng.IntN(max(1, min(4, n/30)))
		gap := max(8, n/20)
		for i := gap + rng.IntN(gap); len(h.changes) < count && i <= n-gap; i += gap + rng.IntN(max(1, n/count)) {
			stepAt(i, w.step(rng, deviation))
		}
	case "revert":
		size := w.step(rng, deviation)
		length := max(10, min(n/3, 10+rng.IntN(max(1, n/4))))
		i := margin + rng.IntN(max(1, n-length-2*margin))
		stepAt(i, size)
		stepAt(i+length, 1/(1+size)-1)
	case "late3", "late5", "late8", "late12":
		after := map[string]int{"late3": 3, "late5": 5, "late8": 8, "late12": 12}[kind]
		stepAt(n-after, 0.1+0.1*rng.Float64())
	case "ramp":
		total := sign(rng) * (0.15 + 0.25*rng.Float64())
		start := rng.IntN(n / 3)
		end := n - rng.IntN(n/3)
		for i := start; i < n; i++ {
			levels[i] = 1 + total*min(1, float64(i-start)/float64(end-start))
		}
	case "variance":
		at := n/4 + rng.IntN(n/2)
		factor := 2 + rng.Float64()
		if rng.IntN(2) == 0 {
			factor = 1 / factor
		}
		for i := at; i < n; i++ {
			scale[i] = deviation * factor
		}
	}
	h.errors = f.Draw(rng, n)
	unit := math.Pow(10, 12*rng.Float64()-6)
	h.values = make([]float64, n)
	for i, e := range h.errors {
		h.values[i] = unit * f.Measure(levels[i], scale[i], e)
	}
	h.levels = levels
	return h
}

func sign(rng *rand.Rand) float64 {
	if rng.IntN(2) == 0 {
		return -1
	}
	return 1
}

// tally counts how found points match true ones.
type tally struct{ hit, missed, wrong, series, alarmed int }

func (t *tally) add(o tally) {
	t.hit += o.hit
	t.missed += o.missed
	t.wrong += o.wrong
	t.series += o.series
	t.alarmed += o.alarmed
}

// match pairs found with true points that lie within 5 points, nearest first.
func match(found []Point, changes []int) tally {
	const margin = 5
	t := tally{series: 1}
	taken := make([]bool, len(found))
	for _, c := range changes {
		best := -1
		for i, p := range found {
			if d := distance(p.Index, c); !taken[i] && d <= margin && (best < 0 || d < distance(found[best].Index, c)) {
				best = i
			}
		}
		if best < 0 {
			t.missed++
			continue
		}
		taken[best] = true
		t.hit++
	}
	t.wrong = len(found) - t.hit
	if t.wrong > 0 {
		t.alarmed = 1
	}
	return t
}

func distance(a, b int) int { return max(a-b, b-a) }

func (t tally) recall() float64    { return ratio(t.hit, t.hit+t.missed) }
func (t tally) precision() float64 { return ratio(t.hit, t.hit+t.wrong) }
func (t tally) f1() float64        { return ratio(2*t.hit, 2*t.hit+t.missed+t.wrong) }

func ratio(a, b int) float64 {
	if b == 0 {
		return 1
	}
	return float64(a) / float64(b)
}
