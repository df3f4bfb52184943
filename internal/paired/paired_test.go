package paired

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// sequence adds pairs whose ratios are given.
func sequence(o Options, ratios ...float64) *Sequence {
	s := New(o)
	for _, r := range ratios {
		s.Add(1, r)
	}
	return s
}

func repeated(n int, v float64) []float64 {
	list := make([]float64, n)
	for i := range list {
		list[i] = v
	}
	return list
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	threshold := Options{Threshold: 0.02}
	tests := []struct {
		name   string
		o      Options
		ratios []float64
		want   Outcome
	}{
		{"nothing yet", threshold, nil, Unsure},
		{"too few to know", threshold, repeated(6, 2), Unsure},
		// Everything bet on every sign: a fifth of 2^n reaches 2/0.015 at 10.
		{"all larger", threshold, repeated(10, 2), Up},
		{"all smaller", threshold, repeated(10, 0.5), Down},
		{"all larger by less", threshold, repeated(10, 1.01), Same},
		{"counts that are equal", threshold, repeated(10, 1), Same},
		{"any difference", Options{}, repeated(10, 1.0001), Up},
		{"without a threshold nothing is the same", Options{}, repeated(100, 1), Unsure},
		{"now this, now that", threshold, []float64{2, 0.5, 2, 0.5, 2, 0.5, 2, 0.5, 2, 0.5, 2, 0.5}, Unsure},
	}
	for _, tt := range tests {
		s := sequence(tt.o, tt.ratios...)
		if got := s.Outcome(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		if r := s.Result(); r.Outcome != tt.want || r.Pairs != len(tt.ratios) {
			t.Errorf("%s: %+v", tt.name, r)
		}
	}
}

func TestNoRatio(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	for _, pair := range [][2]float64{{0, 1}, {1, 0}, {-1, 1}, {math.NaN(), 1}, {1, math.Inf(1)}} {
		if s.Add(pair[0], pair[1]) || s.Pairs() != 0 {
			t.Errorf("%v was added", pair)
		}
	}
}

// Swapping the sides mirrors everything; a common factor, such as another
// unit, changes nothing.
func TestLaws(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		o := Options{Threshold: 0.05 * rng.Float64()}
		s, swapped, scaled := New(o), New(o), New(o)
		shift, unit := 0.1*rng.NormFloat64(), math.Exp(3*rng.NormFloat64())
		for range 1 + rng.IntN(40) {
			a, b := math.Exp(0.05*rng.NormFloat64()), math.Exp(shift+0.05*rng.NormFloat64())
			if rng.IntN(3) == 0 { // ties, as counts have
				a, b = 1, 1.25
			}
			s.Add(a, b)
			swapped.Add(b, a)
			scaled.Add(unit*a, unit*b)
		}
		r, m, u := s.Result(), swapped.Result(), scaled.Result()
		mirror := map[Outcome]Outcome{Up: Down, Down: Up, Same: Same, Unsure: Unsure}
		if m.Outcome != mirror[r.Outcome] || !near(m.Ratio, 1/r.Ratio) || !near(m.Low, 1/r.High) || !near(m.High, 1/r.Low) || !near(m.P, r.P) {
			t.Fatalf("%+v\nmirrored %+v", r, m)
		}
		if u.Outcome != r.Outcome || !near(u.Ratio, r.Ratio) || !near(u.Low, r.Low) || !near(u.High, r.High) {
			t.Fatalf("%+v\nscaled %+v", r, u)
		}
		if !(r.Low <= r.Ratio && r.Ratio <= r.High) {
			t.Fatalf("the estimate lies outside: %+v", r)
		}
		if r.Real && r.Low < 1 && r.High > 1 {
			t.Fatalf("a difference that is established, and an interval that holds none: %+v", r)
		}
		if r.Outcome == Same && (r.High > 1+o.Threshold+1e-6 || r.Low < 1/(1+o.Threshold)-1e-6) {
			t.Fatalf("the same within %v: %+v", o.Threshold, r)
		}
	}
}

func near(a, b float64) bool {
	return a == b || math.Abs(a-b) <= 1e-6*math.Max(math.Abs(a), math.Abs(b))
}

// Wild pairs neither decide nor widen the interval without bounds.
func TestOutliers(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	s := New(Options{Threshold: 0.02})
	for i := range 200 {
		r := math.Exp(0.01 * rng.NormFloat64())
		if i%20 == 7 {
			r = 50 // a fifth of a minute in place of a second
		}
		s.Add(1, r)
	}
	if r := s.Result(); r.Outcome != Same || r.High > 1.01 {
		t.Errorf("%+v", r)
	}
	few := New(Options{Threshold: 0.02}) // also before it is known by how much they differ
	for _, r := range []float64{1, 50, 1.01} {
		few.Add(1, r)
	}
	if r := few.Result(); math.Abs(r.Ratio-1.01) > 1e-9 {
		t.Errorf("%+v", r)
	}
}

// What it says that it would take is about what it takes.
func TestNeeded(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	for _, effect := range []float64{0, 0.05} {
		var said, took []float64
		for range 101 {
			s := New(Options{Threshold: 0.02})
			for s.Outcome() == Unsure && s.Pairs() < 1000 {
				s.Add(1, (1+effect)*math.Exp(0.05*rng.NormFloat64()))
				if s.Pairs() == 12 {
					r := s.Result()
					said = append(said, float64(max(12, r.Needed)))
				}
			}
			if took = append(took, float64(s.Pairs())); len(said) < len(took) {
				said = append(said, took[len(took)-1])
			}
		}
		slices.Sort(said)
		slices.Sort(took)
		if ratio := said[50] / took[50]; ratio < 0.5 || ratio > 2 {
			t.Errorf("effect %v: said %v pairs, took %v", effect, said[50], took[50])
		}
	}
}

func TestDiscoveries(t *testing.T) {
	t.Parallel()
	log := math.Log
	tests := []struct {
		evidence []float64
		want     []bool
	}{ // by hand: with α = 0.015, of four the k-th needs 4/(0.015 k): 267, 133, 89, 67
		{nil, []bool{}},
		{[]float64{log(66)}, []bool{false}},
		{[]float64{log(67)}, []bool{true}},
		{[]float64{log(260), log(1), log(1), log(1)}, []bool{false, false, false, false}},
		{[]float64{log(1), log(140), log(260), log(1)}, []bool{false, true, true, false}},
		{[]float64{log(67), log(68), log(69), log(70)}, []bool{true, true, true, true}},
	}
	for _, tt := range tests {
		if got := Discoveries(tt.evidence, 0.95); !slices.Equal(got, tt.want) {
			t.Errorf("%v: %v, want %v", tt.evidence, got, tt.want)
		}
	}
	if e := sequence(Options{}, 1, 1, 1).Evidence(); e != 0 {
		t.Errorf("pairs that are equal are evidence: %v", e)
	}
}

// What so many pairs are said to find, they find in about 80 % of sessions.
func TestSmallestEffect(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(18, 4))
	for _, n := range []int{10, 15, 30, 100} {
		const spread, sessions = 0.02, 400
		effect := math.Log1p(SmallestEffect(spread, n, 0.95))
		found := 0
		for range sessions {
			s := New(Options{Threshold: 1e-4})
			for range n {
				if s.Add(1, math.Exp(effect+spread*rng.NormFloat64())); s.Outcome() == Up {
					found++
					break
				}
			}
		}
		if share := float64(found) / sessions; share < 0.7 || share > 0.95 {
			t.Errorf("%d pairs find it in %.2f of sessions", n, share)
		}
	}
}
