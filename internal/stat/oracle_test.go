package stat

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"
)

// The wanted numbers are from SciPy 1.10.1, NumPy 1.24.2, mpmath 1.2.1 and
// plain enumeration; testdata/oracle.py made them and can make them again.
type oracle struct {
	Quantile []struct {
		X       []float64
		P, Want float64
	}
	Moments []struct {
		X                   []float64
		Mean, Variance, MAD float64
	}
	Shift []struct {
		X, Y []float64
		Want float64
	}
	Interval []struct {
		X, Y      []float64
		Level     float64
		Low, High string
		Exact     float64
	}
	Exact, Tied, Approximate []struct {
		X, Y []float64
		U, P float64
	}
	Normal, NormalQuantile []struct{ Z, P float64 }
	T, TQuantile           []struct{ T, DF, P float64 }
	Power                  []struct {
		Effect, Alpha, Power float64
		N1, N2               int
	}
	Size []struct {
		Effect, Alpha, Power float64
		N                    int
	}
	Autocorrelation []struct {
		X    []float64
		Lag  int
		Want float64
	}
	Qn []struct {
		X    []float64
		Want float64
	}
	Bootstrap []struct {
		X                []float64
		Level, Low, High float64
	}
}

func readOracle(t *testing.T) oracle {
	t.Helper()
	text, err := os.ReadFile("testdata/oracle.json")
	if err != nil {
		t.Fatal(err)
	}
	var o oracle
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// near says whether got is want to within a relative error.
func near(got, want, tolerance float64) bool {
	return got == want || math.Abs(got-want) <= tolerance*math.Abs(want)
}

func TestOracleDescription(t *testing.T) {
	t.Parallel()
	o := readOracle(t)
	for _, tt := range o.Quantile {
		if got := Quantile(tt.X, tt.P); !near(got, tt.Want, 1e-14) {
			t.Errorf("Quantile(%v, %v) = %v, want %v", tt.X, tt.P, got, tt.Want)
		}
	}
	for _, tt := range o.Moments {
		if mean, v, mad := Mean(tt.X), Variance(tt.X), MAD(tt.X); mean != tt.Mean || !near(v, tt.Variance, 1e-14) || !near(mad, tt.MAD, 1e-14) {
			t.Errorf("mean, variance, MAD of %v: %v, %v, %v; want %v, %v, %v", tt.X, mean, v, mad, tt.Mean, tt.Variance, tt.MAD)
		}
	}
	for _, tt := range o.Qn {
		if got := Qn(tt.X) / qnCorrection(len(tt.X)); !near(got, tt.Want, 1e-14) {
			t.Errorf("Qn(%v) = %v, want %v", tt.X, got, tt.Want)
		}
	}
	for _, tt := range o.Autocorrelation {
		if got := Autocorrelation(tt.X, tt.Lag); math.Abs(got-tt.Want) > 1e-13 {
			t.Errorf("Autocorrelation(%v, %d) = %v, want %v", tt.X, tt.Lag, got, tt.Want)
		}
	}
}

func TestOracleComparison(t *testing.T) {
	t.Parallel()
	o := readOracle(t)
	for _, tt := range o.Shift {
		if got, err := Shift(tt.X, tt.Y); got != tt.Want || err != nil {
			t.Errorf("Shift(%v, %v) = %v, %v; want %v", tt.X, tt.Y, got, err, tt.Want)
		}
	}
	for _, tt := range o.Interval {
		low, _ := strconv.ParseFloat(tt.Low, 64)
		high, _ := strconv.ParseFloat(tt.High, 64)
		got, err := ShiftInterval(tt.X, tt.Y, tt.Level)
		if got.Low != low || got.High != high || !near(got.Level, tt.Exact, 1e-14) || err != nil {
			t.Errorf("ShiftInterval(%v, %v, %v) = %v, %v; want %v, %v, %v", tt.X, tt.Y, tt.Level, got, err, low, high, tt.Exact)
		}
	}
	for _, tt := range o.Exact {
		got, err := MannWhitney(tt.X, tt.Y)
		if got.U != tt.U || !near(got.P, tt.P, 1e-12) || !got.Exact || err != nil {
			t.Errorf("MannWhitney(%v, %v) = %v, %v; want %v, %v", tt.X, tt.Y, got, err, tt.U, tt.P)
		}
	}
	for _, tt := range o.Tied {
		got, err := MannWhitney(tt.X, tt.Y)
		if got.U != tt.U || got.P != tt.P || !got.Exact || err != nil {
			t.Errorf("MannWhitney(%v, %v) = %v, %v; want %v, %v", tt.X, tt.Y, got, err, tt.U, tt.P)
		}
	}
	for _, tt := range o.Approximate {
		got, err := MannWhitney(tt.X, tt.Y)
		if got.U != tt.U || !near(got.P, tt.P, 1e-10) || got.Exact || err != nil {
			t.Errorf("MannWhitney of %d and %d values = %v, %v; want %v, %v", len(tt.X), len(tt.Y), got, err, tt.U, tt.P)
		}
	}
}

func TestOracleDistribution(t *testing.T) {
	t.Parallel()
	o := readOracle(t)
	for _, tt := range o.Normal {
		if got := NormalCDF(tt.Z); math.Abs(got-tt.P) > 1e-13*tt.P+1e-300 {
			t.Errorf("NormalCDF(%v) = %v, want %v", tt.Z, got, tt.P)
		}
	}
	for _, tt := range o.NormalQuantile {
		if got := NormalQuantile(tt.P); !near(got, tt.Z, 1e-13) {
			t.Errorf("NormalQuantile(%v) = %v, want %v", tt.P, got, tt.Z)
		}
	}
	for _, tt := range o.T {
		if got := TCDF(tt.T, tt.DF); !near(got, tt.P, 1e-13) {
			t.Errorf("TCDF(%v, %v) = %v, want %v", tt.T, tt.DF, got, tt.P)
		}
	}
	for _, tt := range o.TQuantile {
		if got := TQuantile(tt.P, tt.DF); math.Abs(got-tt.T) > 5e-12*math.Abs(tt.T)+1e-15 {
			t.Errorf("TQuantile(%v, %v) = %v, want %v", tt.P, tt.DF, got, tt.T)
		}
	}
}

func TestOraclePower(t *testing.T) {
	t.Parallel()
	o := readOracle(t)
	for _, tt := range o.Power {
		got, err := Power(tt.Effect, 1, tt.N1, tt.N2, tt.Alpha)
		if math.Abs(got-tt.Power) > 1e-9 || err != nil {
			t.Errorf("Power of %+v = %v, %v", tt, got, err)
		}
		if tt.Power > 0.999999 || tt.Power < 1.01*tt.Alpha {
			continue // power hardly depends on the effect there
		}
		effect, err := SmallestEffect(1, tt.N1, tt.N2, tt.Alpha, tt.Power)
		if !near(effect, tt.Effect, 1e-5) || err != nil {
			t.Errorf("SmallestEffect of %+v = %v, %v", tt, effect, err)
		}
	}
	for _, tt := range o.Size {
		if got, err := Samples(tt.Effect, 1, tt.Alpha, tt.Power); got != tt.N || err != nil {
			t.Errorf("Samples of %+v = %v, %v", tt, got, err)
		}
	}
}

// SciPy's resamples are others, so the ends differ by the noise of 20,000.
func TestOracleBootstrap(t *testing.T) {
	t.Parallel()
	for _, tt := range readOracle(t).Bootstrap {
		got, err := Bootstrap(tt.X, Mean, tt.Level, 20000, 1)
		if err != nil || !near(got.Low, tt.Low, 0.01) || !near(got.High, tt.High, 0.01) {
			t.Errorf("Bootstrap = %v, %v; want %v, %v", got, err, tt.Low, tt.High)
		}
	}
}
