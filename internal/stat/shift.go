package stat

import "math"

// An Interval is a range that holds the true value with some confidence. A
// side that the data cannot bound is infinite.
type Interval struct {
	Low, High float64
	Level     float64 // the confidence it has, at least what was asked for
}

// Shift returns the Hodges–Lehmann estimate of how far y lies above x: the
// median of the len(x)·len(y) differences y[j]−x[i].
//
// The result has the unit of the inputs; positive means y is larger. It stays
// bounded while under 29% of each sample is outliers. Swapping the samples
// changes its sign and nothing else. Shift returns ErrTooFew if a sample is
// empty and ErrNotFinite if a value or a difference is NaN or infinite. Time
// grows as n log n, memory as n.
//
// Source: Hodges & Lehmann (1963), Ann. Math. Statist. 34(2), 598–611.
func Shift(x, y []float64) (float64, error) {
	d, err := pairwise(x, y)
	if err != nil {
		return 0, err
	}
	return d.median(), nil
}

// ShiftInterval returns the confidence interval of Shift that inverts the
// Mann–Whitney test: the shifts of y that the test would not reject at 1−level,
// which are a range of ordered differences.
//
// Its confidence is at least level whatever the distribution, provided both
// samples have one shape; with ties it is larger than Level says, never
// smaller. It is exact while the ways to arrange the samples number under
// 2⁶⁴ (up to 33 values on each side), and a normal approximation with
// continuity correction beyond. Samples too small for level give infinite
// ends: at 95 %, three values a side. Swapping the samples mirrors it exactly.
// Errors are those of Shift, and ErrDomain if level is not in (0, 1).
//
// Source: Hollander, Wolfe & Chicken (2014), Nonparametric Statistical
// Methods, 4.3; Noether (1967), JASA 62(317), 184–188, for ties.
func ShiftInterval(x, y []float64, level float64) (Interval, error) {
	if !inside(level, 0, 1) {
		return Interval{}, ErrDomain
	}
	d, err := pairwise(x, y)
	if err != nil {
		return Interval{}, err
	}
	k, tail := lowerRank(len(x), len(y), (1-level)/2)
	if k == 0 {
		return Interval{math.Inf(-1), math.Inf(1), 1}, nil
	}
	return Interval{d.rank(k), d.rank(d.size() + 1 - k), 1 - 2*tail}, nil
}

func pairwise(x, y []float64) (differences, error) {
	xs, ys, err := ordered(x, y)
	if err != nil {
		return differences{}, err
	}
	d := differences{xs, ys}
	if !d.bounded() {
		return d, ErrNotFinite
	}
	return d, nil
}

// Logs returns the natural logarithms of x, ErrNotPositive if one has none,
// ErrNotFinite if one is NaN or infinite.
func Logs(x []float64) ([]float64, error) {
	logs := make([]float64, len(x))
	for i, v := range x {
		switch {
		case v <= 0:
			return nil, ErrNotPositive
		case !finite(v):
			return nil, ErrNotFinite
		}
		logs[i] = math.Log(v)
	}
	return logs, nil
}

// Ratio returns the Hodges–Lehmann estimate of how many times as large y is
// as x: e to the Shift of the logarithms, 1.1 for 10 % more.
//
// Swapping the samples negates the logarithm exactly; of the two ratios the
// one below 1 is the reciprocal of the one above. Errors are those of Shift,
// and ErrNotPositive.
func Ratio(x, y []float64) (float64, error) {
	lx, ly, err := logs2(x, y)
	if err != nil {
		return 0, err
	}
	shift, err := Shift(lx, ly)
	return factor(shift), err
}

// RatioInterval returns the confidence interval of Ratio, as ShiftInterval
// does for Shift; an end that the data cannot bound is 0 or +Inf.
func RatioInterval(x, y []float64, level float64) (Interval, error) {
	lx, ly, err := logs2(x, y)
	if err != nil {
		return Interval{}, err
	}
	i, err := ShiftInterval(lx, ly, level)
	if err != nil {
		return Interval{}, err
	}
	return Interval{factor(i.Low), factor(i.High), i.Level}, nil
}

func logs2(x, y []float64) (lx, ly []float64, err error) {
	if lx, err = Logs(x); err != nil {
		return nil, nil, err
	}
	ly, err = Logs(y)
	return lx, ly, err
}

// factor returns e to the v so that the factors of v and −v are reciprocals.
func factor(v float64) float64 {
	if v < 0 {
		return 1 / math.Exp(-v)
	}
	return math.Exp(v)
}
