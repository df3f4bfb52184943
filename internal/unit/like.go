package unit

import (
	"math"
	"strconv"
)

// FormatLike prints v in the scale that Format chooses for like, so that two
// values beside one another compare at a glance: 0.98s beside 1.20s, not
// 980.00ms. Where that would leave too few or too many digits, it prints v as
// Format does.
func FormatLike(v, like float64, base string) string {
	sc := ScaleOf(like, base)
	n := math.Abs(sc.In(v))
	scaled := base == Seconds || base == Bytes
	if !scaled || sc.Name == "B" || sc.Name == "ns" || !(n >= 0.1 && n < 1e5) || !(math.Abs(like) > 0) || math.IsInf(like, 0) {
		return Format(v, base)
	}
	return strconv.FormatFloat(sc.In(v), 'f', 2, 64) + sc.Name
}
