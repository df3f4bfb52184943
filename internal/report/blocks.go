package report

import (
	"math"
	"slices"
	"strings"
)

// Blocks draws values as columns of eight heights, between the lowest and the
// highest of what it draws, in block characters or in ASCII. Where there are
// more values than columns, each column is the median of its share, so that a
// spike is not taken for a level.
func Blocks(values []float64, columns int, ascii bool) string {
	ramp := []rune("▁▂▃▄▅▆▇█")
	if ascii {
		ramp = []rune("_.-:=+*#")
	}
	width := min(len(values), columns)
	if width == 0 {
		return ""
	}
	drawn := make([]float64, width)
	for i := range drawn {
		drawn[i] = Median(values[i*len(values)/width : (i+1)*len(values)/width])
	}
	low, high := slices.Min(drawn), slices.Max(drawn)
	var b strings.Builder
	for _, v := range drawn {
		height := 0
		if part := (v/2 - low/2) / (high/2 - low/2); part > 0 { // halves, so that the difference is finite; NaN for 0/0
			height = min(int(part*float64(len(ramp))), len(ramp)-1)
		}
		b.WriteRune(ramp[height])
	}
	return b.String()
}

// Median returns the middle of values, NaN if there are none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return sorted[(n-1)/2]/2 + sorted[n/2]/2
}
