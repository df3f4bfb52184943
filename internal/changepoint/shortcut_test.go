package changepoint

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pacer-perf/pacer/internal/noise"
	"github.com/pacer-perf/pacer/internal/stat"
)

// The middle that is looked for is the one that sorting finds.
func TestMedian(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(11, 1))
	orders := []func(v []float64){
		func([]float64) {},
		slices.Sort[[]float64],
		func(v []float64) { slices.Sort(v); slices.Reverse(v) },
		func(v []float64) { slices.Sort(v); slices.Reverse(v[len(v)/2:]) }, // up and down
	}
	for n := range 120 {
		for _, values := range []int{2, 7, 1 << 30} { // with ties and without
			for _, order := range orders {
				v := make([]float64, n)
				for i := range v {
					v[i] = float64(rng.IntN(values)) - 3
				}
				order(v)
				c := slices.Clone(v)
				got, want := median(c), stat.Median(v)
				if got != want && !(n == 0 && math.IsNaN(got)) {
					t.Fatalf("median(%v) = %v, want %v", v, got, want)
				}
				slices.Sort(c)
				slices.Sort(v)
				if !slices.Equal(c, v) {
					t.Fatalf("median lost values: %v, were %v", c, v)
				}
			}
		}
	}
}

// each calls f with series of every kind and family.
func each(t *testing.T, rounds int, f func(values []float64, tick float64)) {
	t.Helper()
	rng := rand.New(rand.NewPCG(12, 1))
	for range rounds {
		for _, w := range []world{usual, strange} {
			for _, kind := range slices.Concat(scored, late, other) {
				for _, family := range w.families(rng) {
					f(w.draw(rng, kind, family).values, family.Tick)
				}
			}
		}
	}
}

// Where no path has a change, Find stops early: the long way finds nothing
// either, and the same where there is something.
func TestFlatShortcut(t *testing.T) {
	t.Parallel()
	flat, all := 0, 0
	each(t, 3, func(values []float64, tick float64) {
		o := Options{Tick: tick}
		got, err := Find(values, o)
		if err != nil {
			t.Fatal(err)
		}
		var want []Point
		if s := newSeries(values, tick); s != nil {
			s, final := s.straighten()
			m := s.uneven(final)
			if len(m.path.starts) == 1 && len(s.ramps) == 0 {
				flat++
			}
			want = s.points(m, o.orDefaults())
			settle(want, values)
		}
		if all++; !slices.Equal(got, want) {
			t.Fatalf("Find = %v, the long way %v", got, want)
		}
	})
	if flat == 0 || flat == all {
		t.Errorf("%d of %d series are flat: the test sees one way only", flat, all)
	}
}

// The table of a law is its density, also where one side is taken from the other.
func TestTableIsDensity(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(13, 1))
	for _, family := range noise.Families() {
		r := centred(family.At(rng, 300, 1, 0.05))
		for f := normal; f <= modes; f++ {
			d := fit(f, r, 0, 1e-9, 1)
			if d == nil {
				continue
			}
			for i, v := range d.mass {
				if want := d.plain(float64(i-d.centre) * d.bin); v != want || d.cost[i] != -math.Log(want) {
					t.Fatalf("%s, law %d: bin %d is %v and costs %v, want %v", family.Name, f, i, v, d.cost[i], want)
				}
			}
		}
	}
}

// A step of the search is the same for levels without gaps, which it takes
// together, and for levels with gaps.
func TestStay(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(14, 1))
	for range 2_000 {
		k := 1 + rng.IntN(12)
		level := make([]int32, k)
		for j := 1; j < k; j++ {
			level[j] = level[j-1] + 1
			if rng.IntN(4) == 0 {
				level[j] += int32(rng.IntN(3))
			}
		}
		value, start, cost := make([]float64, k), make([]int32, k), make([]float64, level[k-1]+1)
		for j := range value {
			value[j] = float64(rng.IntN(6))
		}
		for i := range cost {
			cost[i] = float64(rng.IntN(3)) - 1
		}
		const leave, now = 3, 7
		values, starts, best := slices.Clone(value), slices.Clone(start), 0
		for j := range values {
			if leave < values[j] {
				values[j], starts[j] = leave, now
			}
			values[j] += cost[level[j]]
			if values[j] < values[best] {
				best = j
			}
		}
		if top := stay(value, start, level, cost, leave, now); top != best || !slices.Equal(value, values) || !slices.Equal(start, starts) {
			t.Fatalf("levels %v: stay = %d, %v, %v; want %d, %v, %v", level, top, value, start, best, values, starts)
		}
	}
}

// A grid that held another series finds what a new one does.
func TestGridAgain(t *testing.T) {
	t.Parallel()
	var used grid
	each(t, 1, func(values []float64, tick float64) {
		s := newSeries(values, tick)
		if s == nil {
			return
		}
		r := s.residuals(path{starts: []int{0}, levels: []float64{0}}, 0)
		for _, rho := range []float64{0, 0.4} {
			d := fit(student, centred(r), s.tick, s.floor, 1)
			d.rho = rho
			if rho == 0 && len(values)%2 == 0 { // with a course of spreads
				for range values {
					d.course = append(d.course, uint8(len(d.course)*3/len(values)+usualSpread))
				}
			}
			var fresh grid
			fresh.fill(s, d)
			used.fill(s, d)
			want, got := fresh.best(s.beta), used.best(s.beta)
			if got.cost != want.cost || !slices.Equal(got.starts, want.starts) || !slices.Equal(got.levels, want.levels) {
				t.Fatalf("the used grid finds %v, a new one %v", got, want)
			}
		}
	})
}
