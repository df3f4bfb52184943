package changepoint

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/pacer-perf/pacer/internal/noise"
)

// wave returns n values about a level that repeat every seven, so that they
// look like noise and yet are written by hand.
func wave(n int, level float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = level * (1 + 0.01*[]float64{0.3, -1.1, 0.8, -0.2, 1.2, -0.9, 0.1}[i*3%7])
	}
	return values
}

// join puts series one after another.
func join(parts ...[]float64) []float64 {
	var all []float64
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// with returns the values with those at some places multiplied.
func with(values []float64, factor float64, at ...int) []float64 {
	for _, i := range at {
		values[i] *= factor
	}
	return values
}

func repeat(n int, pattern ...float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = pattern[i%len(pattern)]
	}
	return values
}

func find(t *testing.T, values []float64) []Point {
	t.Helper()
	points, err := Find(values, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return points
}

func indexes(points []Point) []int {
	var all []int
	for _, p := range points {
		all = append(all, p.Index)
	}
	return all
}

func TestFind(t *testing.T) {
	t.Parallel()
	minus := wave(60, 1)
	for i := range minus {
		if minus[i] -= 1; i >= 30 {
			minus[i] += 0.1
		}
	}
	loud := wave(80, 100)
	for i := 40; i < 80; i++ {
		loud[i] = 100 + 3*(loud[i]-100)
	}
	tests := []struct {
		name   string
		values []float64
		want   []int
	}{
		{"steady", wave(100, 5), nil},
		{"one step", join(wave(50, 100), wave(50, 110)), []int{50}},
		{"a step down", join(wave(50, 110), wave(50, 100)), []int{50}},
		{"several", join(wave(30, 100), wave(25, 120), wave(40, 90), wave(35, 99)), []int{30, 55, 95}},
		{"goes back", join(wave(40, 100), wave(12, 112), wave(40, 100)), []int{40, 52}},
		{"late by 3", join(wave(60, 100), wave(3, 115)), []int{60}},
		{"early by 3", join(wave(3, 115), wave(60, 100)), []int{3}},
		{"late by 2 is not for good yet", join(wave(60, 100), wave(2, 115)), nil},
		{"spikes", with(wave(100, 100), 3, 17, 44, 45, 80), nil},
		{"a spike before a step", with(join(wave(50, 100), wave(50, 110)), 4, 20, 47, 70), []int{50}},
		{"one giant spike", with(wave(100, 100), 1e9, 50), nil},
		{"only the spread grows", loud, nil},
		{"about zero", minus, []int{30}},
		{"two modes", repeat(120, 10, 10.01, 12, 10.02, 9.99, 12.01, 10, 11.99, 10.01, 9.98), nil},
		{"alternating", repeat(100, 10, 12), nil},
		{"all ties", join(repeat(30, 10), repeat(30, 12)), []int{30}},
		{"constant", repeat(50, 3), nil},
		{"zeros", repeat(50, 0), nil},
		{"zeros, then not", join(repeat(30, 0), repeat(30, 5)), []int{30}},
		{"huge", join(wave(30, 1e300), wave(30, 1.2e300)), []int{30}},
		{"both ends of the range", join(wave(30, -1.7e308), wave(30, 1.7e308)), []int{30}},
		{"tiny", join(wave(30, 1e-300), wave(30, 1.2e-300)), []int{30}},
		{"none", nil, nil},
		{"five points", []float64{1, 1, 1, 2, 2}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := find(t, tt.values); !reflect.DeepEqual(indexes(got), tt.want) {
				t.Errorf("found %+v, want %v", got, tt.want)
			}
		})
	}
}

func TestFindRefusesWhatIsNotFinite(t *testing.T) {
	t.Parallel()
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if _, err := Find([]float64{1, 2, v}, Options{}); !errors.Is(err, ErrNotFinite) {
			t.Errorf("%v: error %v, want ErrNotFinite", v, err)
		}
	}
}

func TestLevelsAndInterval(t *testing.T) {
	t.Parallel()
	points := find(t, join(wave(49, 100), wave(49, 110)))
	if len(points) != 1 {
		t.Fatalf("found %+v", points)
	}
	p := points[0]
	if math.Abs(p.Before-100) > 0.5 || math.Abs(p.After-110) > 0.5 {
		t.Errorf("levels %v and %v, want 100 and 110", p.Before, p.After)
	}
	if p.Low > 1.1 || p.High < 1.1 || p.High-p.Low > 0.02 {
		t.Errorf("interval %v to %v, want about 1.1", p.Low, p.High)
	}
	wide, err := Find(join(wave(49, 100), wave(49, 110)), Options{Confidence: 0.999})
	if err != nil || wide[0].High-wide[0].Low <= p.High-p.Low {
		t.Errorf("more confidence does not widen the interval: %+v, %v", wide, err)
	}
}

// About zero the interval is that of the difference.
func TestIntervalOfDifference(t *testing.T) {
	t.Parallel()
	values := join(wave(40, 1), wave(40, 1.5))
	for i := range values {
		values[i] -= 1.2
	}
	points := find(t, values)
	if len(points) != 1 || points[0].Low > 0.5 || points[0].High < 0.5 || points[0].High-points[0].Low > 0.05 {
		t.Errorf("found %+v, want one with an interval about 0.5", points)
	}
}

func TestMinEffect(t *testing.T) {
	t.Parallel()
	values := join(wave(200, 100), wave(200, 102))
	for effect, want := range map[float64]int{0: 1, -1: 1, 0.015: 1, 0.03: 0} {
		if points, err := Find(values, Options{MinEffect: effect}); err != nil || len(points) != want {
			t.Errorf("least effect %v: found %+v, %v; want %d", effect, points, err, want)
		}
	}
}

func TestDriftIsOneFinding(t *testing.T) {
	t.Parallel()
	for _, total := range []float64{0.4, -0.3} {
		values := wave(200, 100)
		for i := range values {
			values[i] *= 1 + total*min(1, max(0, float64(i-40)/120))
		}
		points := find(t, values)
		if len(points) != 1 || !points[0].Drift || distance(points[0].Index, 40) > 10 || distance(points[0].End, 160) > 10 {
			t.Fatalf("drift of %v: found %+v, want one from 40 to 160", total, points)
		}
		if p := points[0]; math.Abs(p.After/p.Before-1-total) > 0.02 || math.Abs(p.Low-1-total) > 0.01 || math.Abs(p.High-1-total) > 0.01 {
			t.Errorf("drift of %v: levels %+v", total, p)
		}
	}
}

// With more points after a step, and with a higher step, it is surer.
func TestConfidenceGrows(t *testing.T) {
	t.Parallel()
	last := 0.0
	for _, after := range []int{3, 5, 8, 12, 30} {
		points := find(t, join(wave(60, 100), wave(after, 105)))
		if len(points) != 1 || points[0].Confidence < last || points[0].Confidence > 1 {
			t.Errorf("%d points after the step: found %+v, want one surer than %v", after, points, last)
			continue
		}
		last = points[0].Confidence
	}
}

// Laws that need no wanted number.
func TestFindLaws(t *testing.T) {
	t.Parallel()
	for fi, f := range noise.Families() {
		rng := rand.New(rand.NewPCG(8, uint64(fi)))
		for range 15 {
			h := usual.draw(rng, "several", f)
			got := find(t, h.values)
			if again := find(t, h.values); !reflect.DeepEqual(got, again) {
				t.Fatalf("%s: the same series gave %v and %v", f.Name, got, again)
			}
			last := -1
			for _, p := range got {
				if p.Index <= last || p.Index >= len(h.values) || p.End < p.Index || !(p.Low <= p.After/p.Before && p.After/p.Before <= p.High) || !(p.Confidence > 0 && p.Confidence <= 1) {
					t.Errorf("%s: a bad point in %+v", f.Name, got)
				}
				last = p.Index
			}
			scaled := make([]float64, len(h.values))
			for i, v := range h.values {
				scaled[i] = v * 1024
			}
			if other := find(t, scaled); !reflect.DeepEqual(indexes(other), indexes(got)) {
				t.Errorf("%s: another unit moves %v to %v", f.Name, indexes(got), indexes(other))
			}
		}
	}
}

// A new point at the end does not move old findings without reason: of all
// findings that were there 20 points ago or longer, few move or come and go.
func TestStability(t *testing.T) {
	t.Parallel()
	appended, moved, lost, returned := 0, 0, 0, 0
	for fi, f := range noise.Families() {
		for ki, kind := range []string{"none", "step", "revert"} {
			rng := rand.New(rand.NewPCG(4, uint64(10*fi+ki)))
			w := usual
			w.length = func(*rand.Rand) int { return 120 }
			w.deviation = func(*rand.Rand) float64 { return 0.02 }
			w.step = func(rng *rand.Rand, _ float64) float64 { return sign(rng) * (0.08 + 0.1*rng.Float64()) }
			h := w.draw(rng, kind, f)
			seen := make(map[int]bool)
			var before []Point
			for n := 40; n <= 120; n++ {
				now := find(t, h.values[:n])
				for _, p := range before {
					if p.Index > n-20 {
						continue // a level so young may still be settled
					}
					appended++
					switch near := nearest(now, p.Index); {
					case near < 0:
						lost++
					case near > 0:
						moved++
					}
				}
				for _, p := range now {
					if seen[p.Index] && nearest(before, p.Index) < 0 {
						returned++
					}
					seen[p.Index] = true
				}
				before = now
			}
		}
	}
	t.Logf("%d findings met a new point: %d moved, %d were lost, %d came back", appended, moved, lost, returned)
	if appended < 500 || 100*(moved+lost+returned) > 3*appended {
		t.Errorf("of %d findings %d moved, %d were lost, %d came back; want at most 3 in 100", appended, moved, lost, returned)
	}
}

// nearest returns how far the nearest point is within 5, or −1.
func nearest(points []Point, index int) int {
	best := -1
	for _, p := range points {
		if d := distance(p.Index, index); d <= 5 && (best < 0 || d < best) {
			best = d
		}
	}
	return best
}

func TestLongSeries(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(6, 6))
	for _, n := range []int{10_000, 100_000} {
		values := noise.Families()[0].At(rng, n, 1, 0.03)
		for i := n / 3; i < n; i++ {
			values[i] *= 1.05
		}
		if points := find(t, values); len(points) != 1 || distance(points[0].Index, n/3) > 5 {
			t.Errorf("%d points: found %+v, want one at %d", n, points, n/3)
		}
	}
}

// Whatever the values are, a search ends and its answer is in range.
func FuzzFind(f *testing.F) {
	f.Add(uint64(1), 20, 1.0, 0.0)
	f.Add(uint64(2), 200, 1e300, 0.0)
	f.Add(uint64(3), 50, 1e-310, -1.0)
	f.Add(uint64(4), 50, 3.0, 1e9)
	f.Add(uint64(42), 129, 1.3, 1.9e10) // nothing but differences too small to be ticks
	f.Fuzz(func(t *testing.T, seed uint64, n int, unit, shift float64) {
		if n < 0 || n > 300 {
			return
		}
		rng := rand.New(rand.NewPCG(seed, 1))
		values := make([]float64, n)
		for i := range values {
			values[i] = shift + unit*math.Exp(float64(rng.IntN(1+int(seed%5)))*rng.NormFloat64())
		}
		points, err := Find(values, Options{})
		if err != nil {
			if !errors.Is(err, ErrNotFinite) {
				t.Fatal(err)
			}
			return
		}
		for _, p := range points {
			if p.Index <= 0 && !p.Drift || p.Index < 0 || p.End >= n || math.IsNaN(p.Before+p.After+p.Confidence) {
				t.Errorf("%s", fmt.Sprintf("%+v of %v", p, values))
			}
		}
	})
}

// Exact values have exact levels.
func TestExactLevels(t *testing.T) {
	t.Parallel()
	for _, levels := range [][]float64{{100, 101}, {100, 110, 120}, {0, 5}, {-3, 2, -3}} {
		var values []float64
		for _, level := range levels {
			for range 20 {
				values = append(values, level)
			}
		}
		values[7]++ // one value out of line changes nothing
		points, err := Find(values, Options{})
		if err != nil || len(points) != len(levels)-1 {
			t.Fatalf("%v: %+v, %v", levels, points, err)
		}
		for i, p := range points {
			change := p.After / p.Before
			if !(slices.Min(values) > 0) {
				change = p.After - p.Before
			}
			if p.Index != 20*(i+1) || p.Before != levels[i] || p.After != levels[i+1] || !(p.Low <= change && change <= p.High) {
				t.Errorf("%v: %+v", levels, p)
			}
		}
	}
}
