package unit

import (
	"math"
	"strconv"
	"strings"
)

// Scale is one way to write quantities of a base unit. Numbers of one scale
// compare at a glance: 1 736 ms and 2 078 ms.
type Scale struct {
	Name string  // what stands behind a number: ms, MB, items/s; "" for plain numbers
	size float64 // what 1 of it is in the base unit
}

// thin sets thousands apart, and a unit from its number: a narrow no-break
// space.
const thin = "\u202f"

// ScaleOf returns the scale in which Format writes v, given in the base unit:
// for v, and for what is compared with it.
func ScaleOf(v float64, base string) Scale {
	s := Scale{Name: base, size: 1}
	if base == Ratio || base == Count {
		s.Name = ""
	}
	for _, sc := range printed {
		if sc.base != base {
			continue
		}
		s = Scale{Name: sc.name, size: sc.size}
		if v == 0 || math.Abs(v)/sc.size >= 0.999995 {
			break
		}
	}
	return s
}

// Number writes v, given in the base unit, without the name of the scale: to
// three digits, but whole thousands in full, 2 078 and 20.8. A value that is
// not finite is a dash.
func (s Scale) Number(v float64) string {
	v /= s.size
	switch magnitude := math.Abs(v); {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "–"
	case v == 0:
		return "0"
	case magnitude >= 1e12 || magnitude < 1e-4:
		return strconv.FormatFloat(v, 'g', 3, 64)
	case v == math.Trunc(v) || magnitude >= 99.95:
		return thousands(strconv.FormatFloat(v, 'f', 0, 64))
	}
	// Rounded first: 9.999 is 10.0, not 10.00.
	rounded := strconv.FormatFloat(v, 'e', 2, 64)
	exponent, _ := strconv.Atoi(rounded[strings.IndexByte(rounded, 'e')+1:])
	return strconv.FormatFloat(v, 'f', 2-exponent, 64)
}

// Fixed is Number with that many decimals: numbers under one another line up.
func (s Scale) Fixed(v float64, decimals int) string {
	if v /= s.size; math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	whole, part, _ := strings.Cut(strconv.FormatFloat(v, 'f', decimals, 64), ".")
	if part != "" {
		part = "." + part
	}
	return thousands(whole) + part
}

// In returns v, given in the base unit, as a number of the scale.
func (s Scale) In(v float64) float64 { return v / s.size }

// Format writes v, given in the base unit: 2 078 ms.
func (s Scale) Format(v float64) string {
	if s.Name == "" || math.IsNaN(v) || math.IsInf(v, 0) {
		return s.Number(v)
	}
	return s.Number(v) + thin + s.Name
}

// thousands sets groups of three digits apart.
func thousands(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	if len(digits) <= 3 {
		return sign + digits
	}
	var b strings.Builder
	b.WriteString(sign)
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(thin)
		}
		b.WriteRune(d)
	}
	return b.String()
}
