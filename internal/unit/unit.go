// Package unit parses, scales and prints the quantities that metrics have.
//
// Everything inside Pacer is in a base unit: seconds, bytes, items per second,
// plain numbers. A number gets its base unit once, in Parse, and is rounded
// once, in Format. MB is 2^20 bytes here and in all that people read and
// write, as in the specification; MiB says the same.
package unit

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// The base units. A metric may have any other unit; it is printed as it is.
const (
	Seconds = "s"
	Bytes   = "bytes"
	Speed   = "items/s"
	Items   = "items"
	Ratio   = "ratio"
	Count   = "count"

	Instructions = "instructions"
)

// A scale is one way to write a quantity: size is what 1 of it is in base.
type scale struct {
	name string
	size float64
	base string
}

// printed lists what Format chooses from, largest first within a base.
var printed = []scale{
	{"s", 1, Seconds}, {"ms", 1e-3, Seconds}, {"µs", 1e-6, Seconds}, {"ns", 1e-9, Seconds},
	{"GB", 1 << 30, Bytes}, {"MB", 1 << 20, Bytes}, {"KB", 1 << 10, Bytes}, {"B", 1, Bytes},
}

// parsed adds what Parse takes beyond that.
var parsed = append([]scale{
	{"us", 1e-6, Seconds}, {"μs", 1e-6, Seconds}, {"sec", 1, Seconds},
	{"m", 60, Seconds}, {"min", 60, Seconds}, {"h", 3600, Seconds},
	{"TB", 1 << 40, Bytes}, {"TiB", 1 << 40, Bytes}, {"GiB", 1 << 30, Bytes}, {"MiB", 1 << 20, Bytes},
	{"KiB", 1 << 10, Bytes}, {"kB", 1 << 10, Bytes}, {"bytes", 1, Bytes},
	{"/s", 1, Speed}, {"items/s", 1, Speed}, {"items", 1, Items}, {"ratio", 1, Ratio}, {"%", 0.01, Ratio},
}, printed...)

// Parse reads a quantity such as "200ms", "1.5 GB" or "40/s" and returns it in
// its base unit. A bare number has the unit "". The error says what was
// expected; infinities and NaN are refused.
func Parse(s string) (value float64, base string, err error) {
	text := strings.TrimSpace(s)
	digits := len(text)
	for i, r := range text {
		if r >= '0' && r <= '9' || strings.ContainsRune("+-.", r) || (r == 'e' || r == 'E') && exponentAt(text, i) {
			continue
		}
		digits = i
		break
	}
	number, name := text[:digits], strings.TrimSpace(text[digits:])
	value, err = strconv.ParseFloat(number, 64)
	if err != nil || math.IsInf(value, 0) {
		return 0, "", fmt.Errorf("%q is no quantity: expected a number and a unit, such as 200ms, 2s or 500MB", s)
	}
	if name == "" {
		return value, "", nil
	}
	for _, sc := range parsed {
		if sc.name == name {
			if sc.size < 1 {
				// Dividing by 1000 is exact to the last bit where multiplying
				// by 0.001 is not: 200ms must be 0.2.
				return value / math.Round(1/sc.size), sc.base, nil
			}
			return value * sc.size, sc.base, nil
		}
	}
	return 0, "", fmt.Errorf("%q has the unknown unit %q: expected one of ns, us, ms, s, min, h, B, KB, MB, GB, TB, %%, items/s or none", s, name)
}

// exponentAt tells the e of 1e6 from the first letter of a unit.
func exponentAt(s string, i int) bool {
	rest := strings.TrimLeft(s[i+1:], "+-")
	return i > 0 && rest != "" && rest[0] >= '0' && rest[0] <= '9'
}

// Format prints v, given in the base unit, for a person: 2.50s, 187.32ms,
// 100.00MB, 870.55 items/s, 512B/op.
func Format(v float64, base string) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "-"
	}
	last := scale{}
	for _, sc := range printed {
		if sc.base != base {
			continue
		}
		last = sc
		// 999.996ms would round to 1000.00ms: it is 1.00s.
		if math.Abs(v)/sc.size >= 0.999995 {
			break
		}
	}
	switch {
	case v == 0 && base == Seconds:
		return "0.00s"
	case last.name == "B" || last.name == "ns":
		return strconv.FormatFloat(round(v/last.size, 2), 'f', -1, 64) + last.name
	case last.name != "" && math.Abs(v)/last.size >= 1e12:
		return strconv.FormatFloat(v/last.size, 'g', 4, 64) + last.name
	case last.name != "":
		return strconv.FormatFloat(v/last.size, 'f', 2, 64) + last.name
	case base == Ratio || base == Count || base == "":
		return plain(v)
	case base == Instructions:
		return large(v)
	}
	if top, bottom, per := strings.Cut(base, "/"); per && (top == Bytes || top == Seconds) {
		return Format(v, top) + "/" + bottom
	}
	return plain(v) + " " + base
}

// Percent prints a change as a signed percentage: ratio 1.031 is +3.1%.
func Percent(ratio float64) string {
	if math.IsNaN(ratio) || math.IsInf(ratio, 0) {
		return "-"
	}
	percent := round((ratio-1)*100, 1)
	if percent == 0 {
		percent = 0 // no negative zero
	}
	return fmt.Sprintf("%+.1f%%", percent)
}

// Better says which direction is good for quantities of the unit base:
// "lower", "higher", or "" where only the metric itself can tell.
func Better(base string) string {
	switch {
	case base == Seconds || base == Bytes || base == Instructions || strings.HasSuffix(base, "/op"):
		return "lower"
	case strings.HasSuffix(base, "/s"):
		return "higher"
	}
	return ""
}

// large prints a large count to four digits: 90.52M.
func large(v float64) string {
	for _, sc := range []scale{{name: "G", size: 1e9}, {name: "M", size: 1e6}, {name: "k", size: 1e3}} {
		if math.Abs(v) >= 0.99995*sc.size {
			return strconv.FormatFloat(v/sc.size, 'f', max(0, 3-int(math.Log10(math.Abs(v)/sc.size*1.00005))), 64) + sc.name
		}
	}
	return plain(v)
}

func plain(v float64) string {
	if math.Abs(v) >= 1e15 {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	if math.Abs(v) >= 1000 || v == math.Trunc(v) {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	if math.Abs(v) < 0.01 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

func round(v float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(v*p) / p
}
