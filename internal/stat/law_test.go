package stat

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// sample returns values of one to 12 kinds or none alike, as allocation
// counts and times are.
func sample(rng *rand.Rand) []float64 {
	x := make([]float64, 1+rng.IntN(12))
	kinds := rng.IntN(12)
	for i := range x {
		if kinds == 0 {
			x[i] = math.Exp(rng.NormFloat64())
		} else {
			x[i] = float64(1 + rng.IntN(kinds))
		}
	}
	return x
}

// Swapping the samples mirrors every comparison, to the last bit.
func TestSwapping(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	for range 3000 {
		x, y := sample(rng), sample(rng)
		xy, _ := Shift(x, y)
		if yx, _ := Shift(y, x); xy != -yx {
			t.Fatalf("swapping changes more than the sign: %v, %v\nx=%v y=%v", xy, yx, x, y)
		}
		a, _ := ShiftInterval(x, y, 0.9)
		if b, _ := ShiftInterval(y, x, 0.9); a.Low != -b.High || a.High != -b.Low || a.Level != b.Level {
			t.Fatalf("intervals do not mirror: %v, %v\nx=%v y=%v", a, b, x, y)
		}
		f, _ := Ratio(x, y)
		if g, _ := Ratio(y, x); min(f, g) != 1/max(f, g) {
			t.Fatalf("ratios are not reciprocal: %v, %v\nx=%v y=%v", f, g, x, y)
		}
		p, _ := MannWhitney(x, y)
		q, _ := MannWhitney(y, x)
		if p.P != q.P || p.U+q.U != float64(len(x)*len(y)) || !(0 < p.P && p.P <= 1) {
			t.Fatalf("tests do not mirror: %v, %v\nx=%v y=%v", p, q, x, y)
		}
	}
}

// The order of the values does not matter, and they are left as found.
func TestOrder(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	type answers struct {
		quantile, mad, scale, qn, shift, ratio float64
		interval, factors, drawn               Interval
		rank                                   Rank
	}
	ask := func(x, y []float64) (a answers) {
		a.quantile, a.mad, a.scale, a.qn = Quantile(x, 0.3), MAD(x), Scale(x, 0.1), Qn(x)
		a.shift, _ = Shift(x, y)
		a.ratio, _ = Ratio(x, y)
		a.interval, _ = ShiftInterval(x, y, 0.8)
		a.factors, _ = RatioInterval(x, y, 0.8)
		a.drawn, _ = Bootstrap(x, Median, 0.9, 50, 1)
		a.rank, _ = MannWhitney(x, y)
		return a
	}
	for range 500 {
		x, y := append(sample(rng), 1), sample(rng)
		x0, y0 := slices.Clone(x), slices.Clone(y)
		before := ask(x, y)
		_, _, _, _ = Huber(x, 0), Persistence(x), StdDev(x), Winsorise(x, 1, 2)
		if !slices.Equal(x, x0) || !slices.Equal(y, y0) {
			t.Fatalf("arguments changed: %v, %v; were %v, %v", x, y, x0, y0)
		}
		rng.Shuffle(len(x), func(i, j int) { x[i], x[j] = x[j], x[i] })
		rng.Shuffle(len(y), func(i, j int) { y[i], y[j] = y[j], y[i] })
		if after := ask(x, y); len(x) > 1 && after != before && !math.IsNaN(before.qn) {
			t.Fatalf("another order, another answer: %+v, %+v\nx=%v y=%v", before, after, x0, y0)
		}
	}
}

// A shift of y by a power of two shifts the answers by it; a scale scales.
func TestEquivariance(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 3))
	move := func(x []float64, scale, by float64) []float64 {
		out := make([]float64, len(x))
		for i, v := range x {
			out[i] = v*scale + by
		}
		return out
	}
	for range 1000 {
		x, y := sample(rng), sample(rng)
		for i := range x { // so that sums are exact
			x[i] = math.Round(x[i]*8) / 8
		}
		for i := range y {
			y[i] = math.Round(y[i]*8) / 8
		}
		s, _ := Shift(x, y)
		moved, _ := Shift(x, move(y, 1, 64))
		scaled, _ := Shift(move(x, 4, 0), move(y, 4, 0))
		if moved != s+64 || scaled != 4*s {
			t.Fatalf("shift %v, moved %v, scaled %v\nx=%v y=%v", s, moved, scaled, x, y)
		}
		i, _ := ShiftInterval(x, y, 0.8)
		if i.Low > s || i.High < s {
			t.Fatalf("shift %v is outside %v\nx=%v y=%v", s, i, x, y)
		}
		for name, scale := range map[string]func([]float64) float64{
			"MAD": MAD, "Scale": func(x []float64) float64 { return Scale(x, 0) }, "Qn": Qn, "StdDev": StdDev,
		} {
			a, b, c := scale(x), scale(move(x, -1, 64)), scale(move(x, 4, 0))
			if !same(a, b) && !near(a, b, 1e-12) || !same(4*a, c) && !near(4*a, c, 1e-12) {
				t.Fatalf("%s: %v, mirrored and moved %v, scaled %v\nx=%v", name, a, b, c, x)
			}
		}
		if a, b := Median(x), Median(move(x, -1, 0)); a != -b {
			t.Fatalf("median %v, mirrored %v\nx=%v", a, b, x)
		}
		p, _ := MannWhitney(x, y)
		q, _ := MannWhitney(logs(t, x), logs(t, y))
		if p != q {
			t.Fatalf("the test sees more than ranks: %v, %v\nx=%v y=%v", p, q, x, y)
		}
	}
}

func logs(t *testing.T, x []float64) []float64 {
	t.Helper()
	out, err := Logs(addTo(x, 1))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func addTo(x []float64, by float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = v + by
	}
	return out
}

// Every rank of the differences, against listing them all.
func TestDifferences(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 4))
	for range 500 {
		x, y := sample(rng), sample(rng)
		scale := math.Ldexp(1, rng.IntN(2000)-1000)
		var all []float64
		for i := range x {
			x[i] *= scale
		}
		for i := range y {
			y[i] = y[i]*scale - scale
		}
		for _, a := range x {
			for _, b := range y {
				all = append(all, b-a)
			}
		}
		slices.Sort(all)
		d, err := pairwise(x, y)
		if err != nil {
			t.Fatal(err)
		}
		for k, want := range all {
			if got := d.rank(int64(k + 1)); got != want {
				t.Fatalf("difference %d is %v, want %v\nx=%v y=%v", k+1, got, want, x, y)
			}
		}
		if got, want := d.median(), Median(all); got != want {
			t.Fatalf("median difference %v, want %v\nx=%v y=%v", got, want, x, y)
		}
	}
}

func TestOrdinals(t *testing.T) {
	t.Parallel()
	values := []float64{math.Inf(-1), -math.MaxFloat64, -1, -5e-324, 0, 5e-324, 1, math.MaxFloat64, math.Inf(1)}
	for i, v := range values {
		if numeral(ordinal(v)) != v || i > 0 && ordinal(v) <= ordinal(values[i-1]) {
			t.Errorf("%v has the ordinal %d", v, ordinal(v))
		}
	}
	if ordinal(math.Copysign(0, -1)) != 0 {
		t.Error("the two zeros differ")
	}
}

// The two ways to the exact distribution agree, and in the limit the
// approximation agrees with them.
func TestWaysToP(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 5))
	for n := 1; n <= 12; n++ {
		for m := n; m <= 14; m++ {
			none := slices.Repeat([]int{1}, n+m)
			total, _ := choose(n+m, n)
			for u := 0; 2*u <= n*m; u++ {
				far := int64(n*m - 2*u)
				p := float64(countBeyond(n, m, none, far)) / float64(total)
				if q := min(1, 2*tailOfU(n, m, u)); !near(p, q, 1e-14) {
					t.Fatalf("%d against %d, U = %d: %v by groups, %v by recursion", n, m, u, p, q)
				}
			}
		}
	}
	for range 8 {
		x, y := make([]float64, 30), make([]float64, 33)
		for i := range x {
			x[i] = float64(rng.IntN(8))
		}
		for i := range y {
			y[i] = float64(rng.IntN(9))
		}
		exact, _ := MannWhitney(x, y)
		u2, ties := twiceU(sorted(x), sorted(y))
		p := approximateP(len(x), len(y), ties, max(u2-990, 990-u2))
		if !exact.Exact || math.Abs(p-exact.P) > 0.01 {
			t.Errorf("%v exactly, %v by approximation", exact, p)
		}
	}
}

// Dealing one pool at random gives a p of at most a at most a of the time:
// over all deals, exactly.
func TestUniformP(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 6))
	for range 40 {
		n, m := 1+rng.IntN(5), 1+rng.IntN(5)
		pool := make([]float64, n+m)
		for i := range pool {
			pool[i] = float64(rng.IntN(6))
		}
		var ps []float64
		for mask := range 1 << (n + m) {
			var x, y []float64
			for i, v := range pool {
				if mask>>i&1 == 1 {
					x = append(x, v)
				} else {
					y = append(y, v)
				}
			}
			if len(x) == n {
				r, _ := MannWhitney(x, y)
				ps = append(ps, r.P)
			}
		}
		slices.Sort(ps)
		for i, p := range ps {
			last := i == len(ps)-1 || ps[i+1] > p
			if share := float64(i+1) / float64(len(ps)); last && !near(share, p, 1e-12) {
				t.Fatalf("p ≤ %v in %v of the deals of %v", p, share, pool)
			}
		}
	}
}

// ShiftInterval holds the truth as often as its Level says, and with ties at
// least as often.
func TestCoverage(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 7))
	const trials = 1200
	for _, size := range [][2]int{{4, 4}, {5, 9}, {30, 12}, {40, 35}} {
		for _, step := range []float64{0, 0.5} {
			var held int
			var level float64
			for range trials {
				x, y := normals(rng, size[0], step), addTo(normals(rng, size[1], step), 3)
				i, err := ShiftInterval(x, y, 0.9)
				if err != nil {
					t.Fatal(err)
				}
				level = i.Level
				if i.Low <= 3 && 3 <= i.High {
					held++
				}
			}
			share, noise := float64(held)/trials, 4*math.Sqrt(level*(1-level)/trials)
			if share < level-noise || step == 0 && share > level+noise {
				t.Errorf("%v values with step %v: held %v of the time, level %v", size, step, share, level)
			}
		}
	}
}

// normals returns n standard normal values, rounded to a step.
func normals(rng *rand.Rand, n int, step float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
		if step > 0 {
			x[i] = math.Round(x[i]/step) * step
		}
	}
	return x
}

// Scales estimate the standard deviation of normal samples, and of no other
// than they should when a fifth is spikes.
func TestScalesEstimate(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 8))
	const trials = 1500
	for _, n := range []int{2, 5, 8, 9, 10, 25, 100} {
		var qn, spiked float64
		for range trials {
			x := normals(rng, n, 0)
			qn += Qn(x) / trials
			for i := range n / 5 {
				x[i] = 1e6
			}
			spiked += Scale(x, 0) / trials
		}
		if math.Abs(qn-1) > 0.03 || spiked > 2 {
			t.Errorf("n = %d: Qn is %v on average, Scale with spikes %v", n, qn, spiked)
		}
	}
}

// autoregressive returns n values whose lag-1 correlation is rho.
func autoregressive(rng *rand.Rand, n int, rho float64) []float64 {
	x := make([]float64, n)
	at := rng.NormFloat64()
	for i := range x {
		x[i] = at
		at = rho*at + math.Sqrt(1-rho*rho)*rng.NormFloat64()
	}
	return x
}

// Persistence is right on average, also with single spikes, and the variance
// of means is what EffectiveSizeAt says.
func TestPersistenceOfAR(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 9))
	const trials = 2000
	for _, tt := range []struct {
		n            int
		rho          float64
		bias, spiked float64 // of Persistence, at most
	}{
		{10, 0, 0.03, 0.05}, {10, 0.5, 0.08, 0.35}, {30, 0, 0.02, 0.02}, {30, 0.3, 0.03, 0.1}, {30, 0.6, 0.04, 0.2}, {100, 0.8, 0.03, 0.15},
	} {
		var rho, spiked, squares float64
		for range trials {
			x := autoregressive(rng, tt.n, tt.rho)
			rho += Persistence(x) / trials
			mean := Mean(x)
			squares += mean * mean / trials
			x[rng.IntN(tt.n)] += 50
			spiked += Persistence(x) / trials
		}
		if math.Abs(rho-tt.rho) > tt.bias || math.Abs(spiked-tt.rho) > tt.spiked {
			t.Errorf("n = %d, ρ = %v: estimated %.3f, with a spike %.3f", tt.n, tt.rho, rho, spiked)
		}
		if size := EffectiveSizeAt(tt.n, tt.rho); !near(1/squares, size, 0.1) {
			t.Errorf("n = %d, ρ = %v: effective size %.2f, want %.2f", tt.n, tt.rho, size, 1/squares)
		}
	}
}

func TestEffectiveSizeBounds(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 10))
	for range 2000 {
		x := sample(rng)
		n := float64(len(x))
		if got := EffectiveSize(x); !(min(2, n) <= got && got <= n) {
			t.Fatalf("EffectiveSize(%v) = %v", x, got)
		}
	}
}

// What BenjaminiHochberg keeps at q is what the step-up procedure keeps, and
// Holm's what the step-down procedure keeps.
func TestProcedures(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 11))
	for range 500 {
		p := make([]float64, 1+rng.IntN(20))
		for i := range p {
			p[i] = math.Round(rng.Float64()*rng.Float64()*64) / 64
		}
		s := sorted(p)
		m := float64(len(p))
		const q = 0.1017 // on no boundary
		up, down := -1.0, -1.0
		for i, v := range s {
			if v*m/float64(i+1) <= q {
				up = v
			}
		}
		for i, v := range s {
			if v*(m-float64(i)) > q {
				break
			}
			down = v
		}
		bh, holm := BenjaminiHochberg(p), Holm(p)
		for i, v := range p {
			if (bh[i] <= q) != (v <= up) || (holm[i] <= q) != (v <= down) || bh[i] < v || holm[i] < bh[i] || holm[i] > 1 {
				t.Fatalf("p=%v\nBenjamini-Hochberg %v\nHolm %v", p, bh, holm)
			}
		}
	}
}

// The quantile of t is the inverse of its distribution, all over.
func TestStudentInverts(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 12))
	for range 5000 {
		df := math.Exp(rng.Float64()*20 - 0.5)
		p := math.Exp(-rng.Float64() * 60 / (1 + 3/df))
		v := TQuantile(p, df)
		// A step of v in its last digit moves p by some |log p| or v² of p's.
		if got, slack := TCDF(v, df), 1e-14+1e-15*v*v; !near(got, p, min(slack+2e-12, 1e-11)) {
			t.Fatalf("TCDF(%v, %v) = %v, want %v", v, df, got, p)
		}
		if p < 0.5 && TQuantile(1-p, df) != -TQuantile(1-(1-p), df) {
			t.Fatalf("the quantiles of %v at %v degrees do not mirror", p, df)
		}
	}
	// Where the ways to compute it meet.
	for _, df := range []float64{math.Nextafter(manyDF, 0), 200, 200.0000001, 3} {
		for _, v := range []float64{0.1, 1.7, 5} {
			if a, b := TCDF(-v, df), TCDF(-v, df*(1+1e-15)); !near(a, b, 1e-12) {
				t.Errorf("TCDF(%v) jumps from %v to %v at %v degrees", v, a, b, df)
			}
		}
	}
}

// Power, SmallestEffect and Samples say the same.
func TestPlans(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 13))
	for range 300 {
		sd, n1, n2 := math.Exp(4*rng.NormFloat64()), 1+rng.IntN(60), 2+rng.IntN(60)
		alpha, power := 0.001+0.1*rng.Float64(), 0.2+0.79*rng.Float64()
		effect, err1 := SmallestEffect(sd, n1, n2, alpha, power)
		got, err2 := Power(effect, sd, n2, n1, alpha)
		if math.Abs(got-power) > 1e-8 || err1 != nil || err2 != nil {
			t.Fatalf("smallest effect %v has power %v, want %v; %v, %v", effect, got, power, err1, err2)
		}
		n, err := Samples(sd*1.1, sd, alpha, power)
		enough, _ := Power(sd*1.1, sd, n, n, alpha)
		if n < 2 || enough < power || err != nil {
			t.Fatalf("%d samples have power %v, want %v", n, enough, power)
		}
		if fewer, err := Power(sd*1.1, sd, n-1, n-1, alpha); err == nil && n > 2 && fewer >= power {
			t.Fatalf("%d samples have power %v already, want %v", n-1, fewer, power)
		}
	}
}

// Bootstrap repeats itself, holds the truth about as often as it says, and
// follows its seed.
func TestBootstrap(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 14))
	var held int
	const trials = 400
	for range trials {
		x := normals(rng, 20, 0)
		for i := range x {
			x[i] = math.Exp(x[i] / 2)
		}
		a, err := Bootstrap(x, Mean, 0.9, 500, 7)
		if err != nil {
			t.Fatal(err)
		}
		if truth := math.Exp(0.125); a.Low <= truth && truth <= a.High {
			held++
		}
	}
	x := normals(rng, 20, 0)
	a, _ := Bootstrap(x, Mean, 0.9, 500, 7)
	b, _ := Bootstrap(x, Mean, 0.9, 500, 7)
	c, _ := Bootstrap(x, Mean, 0.9, 500, 8)
	if a != b || a == c {
		t.Errorf("seed 7 gives %v and %v, seed 8 %v", a, b, c)
	}
	if share := float64(held) / trials; share < 0.82 || share > 0.95 {
		t.Errorf("held %v of the time, want about 0.88", share) // skew at n = 20 costs some 2 %
	}
	if got, err := Bootstrap([]float64{4, 4, 4}, Mean, 0.9, 0, 1); got != (Interval{4, 4, 0.9}) || err != nil {
		t.Errorf("of one value: %v, %v", got, err)
	}
	first := func(x []float64) float64 { return x[0] }
	if got, err := Bootstrap([]float64{1, 2, 3}, first, 0.9, 100, 1); !(1 <= got.Low && got.High <= 3) || err != nil {
		t.Errorf("of an end: %v, %v", got, err)
	}
}

// Huber's estimate has most of the mean's efficiency, and no spike moves it
// far.
func TestHuber(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 15))
	var huber, mean float64
	for range 2000 {
		x := normals(rng, 30, 0)
		h, m := Huber(x, 0), Mean(x)
		huber += h * h
		mean += m * m
		x[0] = 1e9
		if far := Huber(x, 0); math.Abs(far-h) > 0.5 {
			t.Fatalf("a spike moves %v to %v", h, far)
		}
	}
	if efficiency := mean / huber; efficiency < 0.9 || efficiency > 1.01 {
		t.Errorf("efficiency %v, want 0.95", efficiency)
	}
}
