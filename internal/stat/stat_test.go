package stat

import (
	"errors"
	"math"
	"slices"
	"testing"
)

var (
	nan = math.NaN()
	inf = math.Inf(1)
)

// same is ==, but takes one NaN for another.
func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

// Values by hand.
func TestOneSample(t *testing.T) {
	t.Parallel()
	ms := []float64{5, 1, 4, 2, 3}
	tests := []struct {
		name      string
		got, want float64
	}{
		{"quantile on a value", Quantile(ms, 0.25), 2},
		{"quantile between two", Quantile(ms, 0.9), 4.6},
		{"quantile at the ends", Quantile(ms, 0) + 10*Quantile(ms, 1), 51},
		{"quantile of nothing", Quantile(nil, 0.5), nan},
		{"quantile beside a NaN", Quantile([]float64{1, nan, 2}, 0.5), nan},
		{"quantile of no share", Quantile(ms, nan), nan},
		{"quantile over all", Quantile(ms, 1.1), nan},
		{"quantile over the largest range", Quantile([]float64{-1.5e308, 1.5e308}, 0.75), 0.75e308},
		{"quantile between infinities", Quantile([]float64{inf, inf}, 0.3), inf},
		{"median of a pair", Median([]float64{1, 4}), 2.5},
		{"median of the largest", Median([]float64{1.6e308, 1.7e308}), 1.65e308},
		{"median of the smallest", Median([]float64{5e-324, 5e-324}), 5e-324},

		{"mean", Mean(ms), 3},
		{"mean of nothing", Mean(nil), nan},
		{"mean of the largest", Mean([]float64{1.6e308, 1.6e308, 1e308}), 1.4e308},
		{"mean of the smallest", Mean([]float64{1e-320, 3e-320}), 2e-320},
		{"mean of small beside large", Mean([]float64{1e100, 3, -1e100}), 1},
		{"mean with an infinity", Mean([]float64{1, inf}), inf},
		{"variance", Variance(ms), 2.5},
		{"variance of one", Variance([]float64{1}), nan},
		{"variance far from zero", Variance([]float64{1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16}), 30},
		{"variance too large", Variance([]float64{1e300, 3e300}), inf},
		{"deviation of the largest", StdDev([]float64{1e300, 3e300}), math.Sqrt2 * 1e300},
		{"deviation of the smallest", StdDev([]float64{1e-300, 3e-300}), math.Sqrt2 * 1e-300},

		{"MAD", MAD([]float64{1, 1, 2, 2, 4, 6, 9}), 1.482602218505602},
		{"MAD of ties", MAD([]float64{1, 1, 1, 2, 9}), 0},
		{"MAD of nothing", MAD(nil), nan},
		{"scale is the MAD", Scale([]float64{1, 1, 2, 2, 4, 6, 9}, 0), 1.482602218505602},
		{"scale of ties", Scale([]float64{1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2}, 0), 0.3901520929904033},
		{"scale of one that differs", Scale([]float64{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}, 0), 0.12533141373155004},
		{"scale of one value", Scale([]float64{7, 7, 7}, 0), 0},
		{"scale of one tick", Scale([]float64{7, 7, 7}, 1), 1 / math.Sqrt(12)},
		{"scale over a tick", Scale(ms, 0.001), 1.482602218505602},
		{"scale of nothing", Scale(nil, 1), nan},
		{"scale beside a NaN", Scale([]float64{nan, 1, 1}, 1), nan},
		{"Qn of two", Qn([]float64{1, 3}), 2 * 0.399 * qnToSigma},
		{"Qn of ten", Qn([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}), 2 * 10 / 13.8 * qnToSigma},
		{"Qn of one", Qn([]float64{1}), nan},
		{"Qn with an infinity", Qn([]float64{1, 2, inf}), nan},

		{"Huber without outliers", Huber([]float64{1, 2, 3, 4, 5}, 0), 3},
		{"Huber of one value", Huber([]float64{2, 2, 2}, 0), 2},
		{"Huber of nothing", Huber(nil, 0), nan},
		{"Huber with an infinity", Huber([]float64{inf, inf}, 0), nan},
		{"Huber drawn in backwards", Huber(ms, -1), nan},

		{"autocorrelation", Autocorrelation([]float64{1, 2, 3, 4}, 1), 0.25},
		{"autocorrelation now", Autocorrelation([]float64{1, 2, 9}, 0), 1},
		{"autocorrelation of one value", Autocorrelation([]float64{3, 3, 3}, 1), nan},
		{"autocorrelation too late", Autocorrelation([]float64{1, 2}, 2), nan},
		{"autocorrelation ahead", Autocorrelation([]float64{1, 2}, -1), nan},
		{"autocorrelation of the largest", Autocorrelation([]float64{1e300, 2e300, 3e300, 4e300}, 1), 0.25},
		{"persistence of few", Persistence([]float64{1, 2, 3, 4}), 0},
		{"persistence of one value", Persistence([]float64{3, 3, 3, 3, 3, 3}), 0},
		{"persistence beside a NaN", Persistence([]float64{1, 2, 3, nan, 3, 3}), 0},
		{"persistence of a slope", Persistence([]float64{1, 2, 3, 4, 5, 6, 7, 8}), 1},
		{"persistence of a see-saw", Persistence([]float64{1, 2, 1, 2, 1, 2, 1, 2}), -1},
		{"effective size of a pair", EffectiveSizeAt(2, 0.9), 2},
		{"effective size of none", EffectiveSizeAt(0, 0.9), 0},
		{"effective size", EffectiveSizeAt(6, 0.25), 6 / (1 + 2*(5.0/6/4+4.0/6/16+3.0/6/64+2.0/6/256+1.0/6/1024))},
		{"effective size of the independent", EffectiveSizeAt(30, 0), 30},
		{"effective size of a see-saw", EffectiveSizeAt(30, -0.5), 30},
		{"effective size of a random walk", EffectiveSizeAt(30, 1), 2},
		{"effective size of one value", EffectiveSize([]float64{3, 3, 3, 3, 3, 3}), 6},
		{"effective size of many", EffectiveSizeAt(1e6, 0.5), 1e6 / (3 - 4e-6)},

		{"normal quantile over 1", NormalQuantile(1.1), nan},
		{"normal quantile at 0", NormalQuantile(0), -inf},
		{"t without freedom", TCDF(1, 0), nan},
		{"t of a NaN", TCDF(nan, 3), nan},
		{"t of Cauchy", TCDF(-1, 1), 0.25},
		{"t at the end", TCDF(inf, 3), 1},
		{"t at the other end", TCDF(-inf, 3), 0},
		{"t at the end, many", TCDF(-inf, 1e6), 0},
		{"t, infinitely many", TCDF(-1, inf), NormalCDF(-1)},
		{"t quantile over 1", TQuantile(1.1, 3), nan},
		{"t quantile without freedom", TQuantile(0.1, -1), nan},
		{"t quantile at 0", TQuantile(0, 3), -inf},
		{"t quantile at 1", TQuantile(1, 3), inf},
		{"t quantile in the middle", TQuantile(0.5, 3), 0},
		{"t quantile, infinitely many", TQuantile(0.01, inf), NormalQuantile(0.01)},
		{"t quantile of Cauchy, far out", TQuantile(1e-300, 1), -1 / (math.Pi * 1e-300)},
		{"t quantile further than numbers go", TQuantile(1e-300, 0.5), -inf},
	}
	for _, tt := range tests {
		if !same(tt.got, tt.want) && !near(tt.got, tt.want, 1e-12) {
			t.Errorf("%s: %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

func TestTwoSamples(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		x, y  []float64
		shift float64
		u, p  float64
		err   error
	}{
		{name: "even", x: []float64{1, 2}, y: []float64{5}, shift: 3.5, u: 2, p: 2.0 / 3},
		{name: "apart", x: []float64{1, 2, 3}, y: []float64{14, 15, 16}, shift: 13, u: 9, p: 0.1},
		{name: "all equal", x: []float64{2, 2}, y: []float64{2, 2, 2}, shift: 0, u: 3, p: 1},
		{name: "one each", x: []float64{2}, y: []float64{1}, shift: -1, u: 0, p: 1},
		{name: "tiny", x: []float64{1e-300}, y: []float64{-1e-300}, shift: -2e-300, u: 0, p: 1},
		{name: "huge", x: []float64{1e300}, y: []float64{-3e300}, shift: -4e300, u: 0, p: 1},
		// 1 1 1 1 against 1 1 2 2: the twos are dealt alike in 2·15 of 70 ways.
		{name: "ties", x: []float64{1, 1, 1, 1}, y: []float64{1, 2, 1, 2}, shift: 0.5, u: 12, p: 30.0 / 70},
		{name: "empty", y: []float64{1}, err: ErrTooFew},
		{name: "empty", x: []float64{1}, err: ErrTooFew},
		{name: "NaN", x: []float64{1, nan}, y: []float64{1}, err: ErrNotFinite},
		{name: "infinite", x: []float64{1}, y: []float64{1, -inf}, err: ErrNotFinite},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, err := Shift(tt.x, tt.y); got != tt.shift || !errors.Is(err, tt.err) {
				t.Errorf("Shift(%v, %v) = %v, %v; want %v, %v", tt.x, tt.y, got, err, tt.shift, tt.err)
			}
			if got, err := MannWhitney(tt.x, tt.y); got.U != tt.u || !near(got.P, tt.p, 1e-15) || got.Exact == (err != nil) || !errors.Is(err, tt.err) {
				t.Errorf("MannWhitney(%v, %v) = %v, %v; want %v, %v, %v", tt.x, tt.y, got, err, tt.u, tt.p, tt.err)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	one, two := []float64{1}, []float64{1, 2}
	of := func(_ any, err error) error { return err }
	tests := []struct {
		name      string
		err, want error
	}{
		{"shift over the largest range", of(Shift([]float64{-1.5e308}, []float64{1.5e308})), ErrNotFinite},
		{"interval of nothing", of(ShiftInterval(nil, one, 0.9)), ErrTooFew},
		{"interval of no level", of(ShiftInterval(one, one, nan)), ErrDomain},
		{"interval of certainty", of(ShiftInterval(one, one, 1)), ErrDomain},
		{"ratio to zero", of(Ratio([]float64{0}, one)), ErrNotPositive},
		{"ratio of less than zero", of(Ratio(one, []float64{-1})), ErrNotPositive},
		{"ratio of infinity", of(Ratio(one, []float64{inf})), ErrNotFinite},
		{"ratio to a NaN", of(Ratio([]float64{nan}, one)), ErrNotFinite},
		{"ratio of nothing", of(Ratio(one, nil)), ErrTooFew},
		{"ratios to zero", of(RatioInterval([]float64{0}, one, 0.9)), ErrNotPositive},
		{"ratios of no level", of(RatioInterval(one, one, 0)), ErrDomain},
		{"bootstrap of one", of(Bootstrap(one, Mean, 0.9, 0, 1)), ErrTooFew},
		{"bootstrap of no level", of(Bootstrap(two, Mean, 0, 0, 1)), ErrDomain},
		{"bootstrap backwards", of(Bootstrap(two, Mean, 0.9, -1, 1)), ErrDomain},
		{"bootstrap beside a NaN", of(Bootstrap([]float64{1, nan}, Mean, 0.9, 0, 1)), ErrNotFinite},
		{"bootstrap of what is nowhere", of(Bootstrap(two, func([]float64) float64 { return inf }, 0.9, 0, 1)), ErrNotFinite},
		{"power at no level", of(Power(1, 1, 5, 5, 0)), ErrDomain},
		{"power beside a NaN", of(Power(nan, 1, 5, 5, 0.05)), ErrDomain},
		{"power with less than no spread", of(Power(1, -1, 5, 5, 0.05)), ErrDomain},
		{"power of a pair", of(Power(1, 1, 1, 1, 0.05)), ErrTooFew},
		{"power of one side", of(Power(1, 1, 0, 5, 0.05)), ErrTooFew},
		{"effect of nothing", of(SmallestEffect(1, 0, 5, 0.05, 0.8)), ErrTooFew},
		{"effect at no power", of(SmallestEffect(1, 5, 5, 0.05, 0.05)), ErrDomain},
		{"samples at full power", of(Samples(1, 1, 0.05, 1)), ErrDomain},
		{"samples with no spread known", of(Samples(1, nan, 0.05, 0.8)), ErrDomain},
	}
	for _, tt := range tests {
		if !errors.Is(tt.err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, tt.err, tt.want)
		}
	}
}

func TestRatio(t *testing.T) {
	t.Parallel()
	if got, err := Ratio([]float64{1, 2, 4}, []float64{3, 6, 12}); !near(got, 3, 1e-15) || err != nil {
		t.Errorf("Ratio = %v, %v; want 3", got, err)
	}
	got, err := RatioInterval([]float64{1, 2}, []float64{3, 6}, 0.95)
	if want := (Interval{0, inf, 1}); got != want || err != nil {
		t.Errorf("RatioInterval of too few = %v, %v; want %v", got, err, want)
	}
	// 3 against 3: the range of all differences has 1 − 2/20.
	got, err = RatioInterval([]float64{1, 2, 4}, []float64{8, 16, 32}, 0.9)
	if !near(got.Low, 2, 1e-15) || !near(got.High, 32, 1e-15) || got.Level != 0.9 || err != nil {
		t.Errorf("RatioInterval = %v, %v; want 2 to 32 at 0.9", got, err)
	}
}

// By hand: m/rank and the smallest from above; m−rank+1 and the largest from
// below.
func TestMany(t *testing.T) {
	t.Parallel()
	p := []float64{0.01, 0.04, nan, 0.03, 0.005, 0.9}
	given := slices.Clone(p)
	for _, tt := range []struct {
		name      string
		got, want []float64
	}{
		{"Benjamini-Hochberg", BenjaminiHochberg(p), []float64{0.025, 0.05, nan, 0.05, 0.025, 0.9}},
		{"Holm", Holm(p), []float64{0.04, 0.09, nan, 0.09, 0.025, 0.9}},
		{"Holm over 1", Holm([]float64{0.6, 0.7}), []float64{1, 1}},
		{"none", BenjaminiHochberg(nil), nil},
	} {
		if !slices.EqualFunc(tt.got, tt.want, func(a, b float64) bool { return same(a, b) || near(a, b, 1e-15) }) {
			t.Errorf("%s: %v, want %v", tt.name, tt.got, tt.want)
		}
	}
	if !slices.EqualFunc(p, given, same) {
		t.Errorf("the argument changed: %v", p)
	}
}

func TestPowerEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		effect, sd float64
		want       float64
		n          int
	}{
		{0, 1, 0.05, math.MaxInt}, {0, 0, 0.05, math.MaxInt}, {1, 0, 1, 2}, {1e300, 1, 1, 2}, {1, 1e300, 0.05, math.MaxInt},
		{-3, 1, 0.9847017, 4}, // a sign is no size
	} {
		p, err := Power(tt.effect, tt.sd, 5, 5, 0.05)
		n, err2 := Samples(tt.effect, tt.sd, 0.05, 0.9)
		if math.Abs(p-tt.want) > 1e-7 || n != tt.n || err != nil || err2 != nil {
			t.Errorf("effect %v, sd %v: power %v, %d samples, %v, %v; want %v, %d", tt.effect, tt.sd, p, n, err, err2, tt.want, tt.n)
		}
	}
	if n, err := Samples(0.001, 1, 0.05, 0.8); n != 15697760 || err != nil { // 2(1.959964+0.841621)²/0.001²
		t.Errorf("samples of a small effect: %d, %v", n, err)
	}
	if e, err := SmallestEffect(0, 5, 5, 0.05, 0.8); e != 0 || err != nil {
		t.Errorf("smallest effect without spread: %v, %v", e, err)
	}
}
