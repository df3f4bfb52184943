// Package stat holds the estimators and tests that judge builds on.
//
// Functions take []float64 in any one unit, leave their arguments as they
// found them, and return that unit. Nothing here reads a clock or a file.
//
// Where there is no answer, an estimator of one sample is NaN: the sample is
// empty, or holds a NaN. Whatever compares samples or plans an experiment
// returns an error instead, since a NaN would hide in a verdict.
package stat

import (
	"cmp"
	"errors"
	"math"
	"slices"
)

var (
	// ErrTooFew says that a sample has fewer values than the answer needs.
	ErrTooFew = errors.New("too few values")
	// ErrNotFinite says that a value, or the difference of two, is NaN or
	// infinite.
	ErrNotFinite = errors.New("value is not finite")
	// ErrNotPositive says that a value has no logarithm.
	ErrNotPositive = errors.New("value is not positive")
	// ErrDomain says that a parameter other than the data is out of range.
	ErrDomain = errors.New("parameter out of range")
)

// sorted returns a sorted copy of x; a NaN comes first.
func sorted(x []float64) []float64 {
	s := slices.Clone(x)
	slices.Sort(s)
	return s
}

// ordered returns sorted copies of both samples of a comparison, or why they
// cannot be compared.
func ordered(x, y []float64) (xs, ys []float64, err error) {
	if len(x) == 0 || len(y) == 0 {
		return nil, nil, ErrTooFew
	}
	xs, ys = sorted(x), sorted(y)
	for _, s := range [][]float64{xs, ys} {
		// NaN and −Inf are first, +Inf is last.
		if first, last := s[0], s[len(s)-1]; !finite(first) || !finite(last) {
			return nil, nil, ErrNotFinite
		}
	}
	return xs, ys, nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// inside says whether v is strictly between lo and hi; a NaN is not.
func inside[T cmp.Ordered](v, lo, hi T) bool { return lo < v && v < hi }
