package chart

import (
	"math"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/unit"
)

// span is a range of values that a chart shows.
type span struct {
	low, high float64
	log       bool // positions go by the logarithm
}

// spanOf is the range of the values that are finite; false if there are none.
func spanOf(lists ...[]float64) (span, bool) {
	s := span{low: math.Inf(1), high: math.Inf(-1)}
	for _, list := range lists {
		for _, v := range list {
			if finite(v) {
				s.low, s.high = min(s.low, v), max(s.high, v)
			}
		}
	}
	return s, s.low <= s.high
}

// padded widens the range on both sides by a part of it. A range of one value
// gets some room, so that a level lies in the middle. What is never negative
// does not become so.
func (s span) padded(part float64) span {
	if s.log {
		room := math.Exp((math.Log(s.high) - math.Log(s.low)) * part)
		return span{max(s.low/room, math.SmallestNonzeroFloat64), min(s.high*room, math.MaxFloat64), true}
	}
	room := s.high*part - s.low*part
	if !(room > 0) {
		room = max(math.Abs(s.high)*0.05, math.SmallestNonzeroFloat64*1e10)
	}
	p := span{low: s.low - room, high: s.high + room}
	if s.low >= 0 {
		p.low = max(0, p.low)
	}
	p.low, p.high = max(p.low, -math.MaxFloat64), min(p.high, math.MaxFloat64)
	return p
}

// at is the position of v in the range: 0 is low, 1 is high. Halves keep the
// width of the range finite.
func (s span) at(v float64) float64 {
	low, high := s.low, s.high
	if s.log {
		low, high, v = math.Log(low), math.Log(high), math.Log(v)
	}
	width := high/2 - low/2
	if !(width > 0) {
		return 0.5
	}
	return (v/2 - low/2) / width
}

// ticks returns round values in the range, about n of them. Sizes are round in
// their own unit.
func (s span) ticks(n int, base string) []float64 {
	if !(s.high > s.low) || n < 1 {
		return []float64{s.low}
	}
	if s.log {
		return s.logTicks()
	}
	grain := 1.0
	if base == unit.Bytes {
		for grain < 1<<40 && s.high/2 >= grain*1024 {
			grain *= 1024
		}
	}
	step := nice((s.high/grain/float64(n) - s.low/grain/float64(n))) * grain
	if !(step > 0) || math.IsInf(step, 0) {
		return []float64{s.low, s.high}
	}
	var list []float64
	for k := math.Ceil(s.low/step - 1e-9); len(list) < 4*n; k++ {
		v := k * step
		if v > s.high+step*1e-9 {
			break
		}
		if math.Abs(v) < step*1e-6 {
			v = 0
		}
		list = append(list, v)
	}
	if len(list) == 0 {
		return []float64{s.low, s.high}
	}
	return list
}

// logTicks returns 1, 2 and 5 times the powers of ten in the range.
func (s span) logTicks() []float64 {
	var list []float64
	for e := math.Floor(math.Log10(s.low)); e <= math.Ceil(math.Log10(s.high)) && len(list) < 40; e++ {
		for _, digit := range []float64{1, 2, 5} {
			if v := digit * math.Pow(10, e); v >= s.low && v <= s.high {
				list = append(list, v)
			}
		}
	}
	for len(list) > 7 {
		kept := list[:0]
		for i, v := range list {
			if i%3 == 0 {
				kept = append(kept, v)
			}
		}
		list = kept
	}
	if len(list) < 2 {
		return []float64{s.low, s.high}
	}
	return list
}

// nice is the smallest of 1, 2, 2.5 and 5 times a power of ten that is not
// below v.
func nice(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, digit := range []float64{1, 2, 2.5, 5} {
		if digit*power >= v*(1-1e-9) {
			return digit * power
		}
	}
	return 10 * power
}

// labels writes ticks in one scale, with as many decimals as they need. A unit
// that is long stands behind the last one alone.
func labels(ticks []float64, base string) []string {
	largest := 0.0
	for _, t := range ticks {
		largest = max(largest, math.Abs(t))
	}
	scale := unit.ScaleOf(largest, base)
	if l := math.Abs(scale.In(largest)); l >= 1e9 || l < 1e-6 && l > 0 {
		return each(ticks, scale.Format)
	}
	decimals := 0
	for ; decimals < 6; decimals++ {
		p := math.Pow10(decimals)
		if !slices.ContainsFunc(ticks, func(t float64) bool {
			return math.Abs(math.Round(scale.In(t)*p)/p-scale.In(t)) > 1e-3*scale.In(largest)
		}) {
			break
		}
	}
	list := each(ticks, func(t float64) string { return scale.Fixed(t, decimals) })
	for i := range list {
		if scale.Name != "" && (len(scale.Name) <= 3 || i == len(list)-1) {
			list[i] += "\u202f" + scale.Name
		}
	}
	return list
}

func each(ticks []float64, write func(float64) string) []string {
	list := make([]string, len(ticks))
	for i, t := range ticks {
		list[i] = strings.Replace(write(t), "-", "−", 1)
	}
	return list
}

// quantity writes one value as short as it can be: 2 s, 1.5 items/s.
func quantity(v float64, base string) string { return labels([]float64{v}, base)[0] }

// vertical draws the labels and lines of a vertical axis. Top and bottom are
// where the range ends, in pixels.
func (s *svg) vertical(r span, base string, top, bottom float64) {
	ticks := r.ticks(max(2, int((bottom-top)/44)), base)
	names := labels(ticks, base)
	s.raw("<g", grid.attributes(), ">")
	for _, t := range ticks {
		y := math.Round(down(r.at(t), top, bottom)) + 0.5
		s.raw("<line").percent("x1", 0).percent("x2", 100).px("y1", y).px("y2", y).raw("/>")
	}
	s.raw("</g><g", halo.attributes(), ">")
	for i, t := range ticks {
		s.raw("<text").px("x", 0).px("y", math.Round(down(r.at(t), top, bottom))-4).raw(">").escape(names[i]).raw("</text>")
	}
	s.raw("</g>")
}

// horizontal draws a horizontal axis of values under a plot.
func (s *svg) horizontal(r span, base string, bottom float64) {
	ticks := r.ticks(4, base)
	s.raw("<g", axisLook.attributes(), "><line").percent("x1", 0).percent("x2", plot).px("y1", bottom+0.5).px("y2", bottom+0.5).raw("/></g>")
	names := labels(ticks, base)
	if r.log {
		names = each(ticks, func(t float64) string { return quantity(t, base) })
	}
	for i, name := range names {
		class := textLook
		if i%2 == 1 {
			class.class += " c-wide"
		}
		s.text(class, r.at(ticks[i])*plot, bottom+16, "middle", name)
	}
}

// down turns a position from 0 to 1 into pixels, which grow downwards.
func down(at, top, bottom float64) float64 { return bottom - at*(bottom-top) }
