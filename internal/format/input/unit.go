package input

import (
	"math"
	"strings"

	"github.com/pacer-perf/pacer/internal/unit"
)

// Scale turns values of another unit into those of a base unit: v·Times/By. A
// part below 1 is a division, which is right to the last bit where the product
// with its reciprocal is not.
type Scale struct{ Times, By float64 }

// One is the scale of a unit that is kept.
var One = Scale{1, 1}

// Apply returns a value in the base unit.
func (s Scale) Apply(v float64) float64 { return v * s.Times / s.By }

func (s Scale) over(other Scale) Scale { return Scale{s.Times * other.By, s.By * other.Times} }

// The units that tools write, in lower case where case tells nothing.
var times = map[string]Scale{
	"ps": {1, 1e12}, "ns": {1, 1e9}, "us": {1, 1e6}, "µs": {1, 1e6}, "μs": {1, 1e6}, "ms": {1, 1e3}, "s": One,
	"nsec": {1, 1e9}, "usec": {1, 1e6}, "msec": {1, 1e3}, "sec": One, "secs": One,
	"picosecond": {1, 1e12}, "nanosecond": {1, 1e9}, "microsecond": {1, 1e6}, "millisecond": {1, 1e3}, "second": One,
	"m": {60, 1}, "min": {60, 1}, "minute": {60, 1}, "h": {3600, 1}, "hr": {3600, 1}, "hour": {3600, 1}, "day": {86400, 1},
}

var sizes = map[string]Scale{
	"B": One, "b": One, "byte": One, "By": One,
	"KiB": {1 << 10, 1}, "MiB": {1 << 20, 1}, "GiB": {1 << 30, 1}, "TiB": {1 << 40, 1},
	"KiBy": {1 << 10, 1}, "MiBy": {1 << 20, 1}, "GiBy": {1 << 30, 1}, "TiBy": {1 << 40, 1},
	"kBy": {1e3, 1}, "MBy": {1e6, 1}, "GBy": {1e9, 1},
	// As everywhere in Pacer, and in most tools that write them.
	"kB": {1 << 10, 1}, "KB": {1 << 10, 1}, "MB": {1 << 20, 1}, "GB": {1 << 30, 1}, "TB": {1 << 40, 1},
	"kilobyte": {1 << 10, 1}, "megabyte": {1 << 20, 1}, "gigabyte": {1 << 30, 1},
}

// Unit returns the base unit of a word that a tool writes, and how to get
// there: "us/op" is seconds, "ops/ms" ops/s, "KiB" bytes, "%" a ratio. What one
// operation took is a time. A word that is not known is its own unit.
func Unit(word string) (base string, scale Scale) {
	word = strings.TrimSpace(word)
	if base, scale, ok := simple(word); ok {
		return base, scale
	}
	top, bottom, ok := strings.Cut(word, "/")
	if !ok || strings.Contains(bottom, "/") {
		return word, One
	}
	top, bottom = strings.TrimSpace(top), strings.TrimSpace(bottom)
	of, scale, known := simple(top)
	if per, isTime := timeScale(bottom); isTime {
		if !known {
			of, scale = top, One
		}
		return of + "/s", scale.over(per)
	}
	if known && of == unit.Seconds && perOperation(bottom) {
		return unit.Seconds, scale
	}
	if known {
		return of + "/" + bottom, scale
	}
	return word, One
}

// perOperation tells whether a time per this is the time of one operation.
func perOperation(word string) bool {
	switch word {
	case "op", "iter", "iteration", "run", "call", "request", "req", "ops":
		return true
	}
	return false
}

// simple knows the units that are one word.
func simple(word string) (base string, scale Scale, ok bool) {
	if scale, ok := timeScale(word); ok {
		return unit.Seconds, scale, true
	}
	if scale, ok := sizes[word]; ok {
		return unit.Bytes, scale, true
	}
	if scale, ok := sizes[strings.TrimSuffix(strings.ToLower(word), "s")]; ok && len(word) > 3 {
		return unit.Bytes, scale, true
	}
	switch strings.ToLower(word) {
	case "%", "percent":
		return unit.Ratio, Scale{1, 100}, true
	case "ratio":
		return unit.Ratio, One, true
	}
	return "", One, false
}

func timeScale(word string) (Scale, bool) {
	if scale, ok := times[word]; ok {
		return scale, true
	}
	if len(word) <= 2 { // M and MS are no minutes and milliseconds
		return Scale{}, false
	}
	scale, ok := times[strings.TrimSuffix(strings.ToLower(word), "s")]
	if !ok {
		scale, ok = times[strings.ToLower(word)]
	}
	return scale, ok
}

// NameAndUnit takes the unit from the end of a column's name: "load (ms)",
// "load [ms]". In round brackets, what is no unit belongs to the name.
func NameAndUnit(header string) (name, base string, scale Scale) {
	opening := strings.LastIndexAny(header, "([")
	if opening < 1 {
		return header, "", One
	}
	name, word := strings.TrimSpace(header[:opening]), header[opening+1:]
	round := header[opening] == '('
	closing := map[bool]string{true: ")", false: "]"}[round]
	word, closed := strings.CutSuffix(word, closing)
	word = strings.TrimSpace(word)
	if !closed || name == "" || word == "" || round && name == header[:opening] {
		return header, "", One
	}
	size, base, err := unit.Parse("1" + word)
	switch {
	case err == nil && base != "" && size < 1:
		return name, base, Scale{Times: 1, By: math.Round(1 / size)}
	case err == nil && base != "":
		return name, base, Scale{Times: size, By: 1}
	case round && !strings.HasSuffix(word, "/s") && word != unit.Count:
		return header, "", One
	}
	return name, word, One
}
