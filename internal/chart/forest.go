package chart

import (
	"math"
	"strings"

	"github.com/pacer-perf/pacer/internal/unit"
)

// Forest draws ratios with their intervals on one axis, a row at a time, so
// that each row stands in a row of a table. The axis is logarithmic: twice as
// slow lies as far from no change as twice as fast.
type Forest struct {
	reach float64 // of the axis, in logarithms, to either side
}

// Interval is a ratio and the interval around it.
type Interval struct {
	Title     string  // all about it, in words
	Ratio     float64 // current over baseline
	Low, High float64 // NaN: not known
	Threshold float64 // least relative change that matters: the zone around no change; 0: none
	Tone      Tone
}

const (
	forestHeight = 26
	leastReach   = 0.1 // an axis of ±10 % at least
	mostReach    = 1.4 // and four times at most: further intervals end in an arrow
	forestInset  = 3.0 // percent at either end
)

// NewForest returns the axis that fits the intervals.
func NewForest(all []Interval) Forest {
	reach := leastReach
	for _, i := range all {
		for _, v := range []float64{i.Ratio, i.Low, i.High} {
			if v > 0 && finite(v) {
				reach = max(reach, math.Abs(math.Log(v))*1.08)
			}
		}
	}
	return Forest{reach: min(reach, mostReach)}
}

// x is the position of a ratio, in percent, and whether it is beyond the axis.
func (f Forest) x(ratio float64) (at float64, beyond bool) {
	l := math.Log(ratio)
	beyond = math.Abs(l) > f.reach
	l = min(max(l, -f.reach), f.reach)
	return 50 + l/f.reach*(50-forestInset), beyond
}

// Axis returns the head of the column: what the positions mean.
func (f Forest) Axis() string {
	var s svg
	s.raw(`<svg class="c-chart c-forest" width="100%" height="18" aria-hidden="true" font-family="`, fontName, `" font-size="11">`)
	step := nice((math.Exp(f.reach) - 1) / 2.2)
	for _, t := range []float64{-step, 0, step} {
		ratio := 1 + t
		if t < 0 {
			ratio = 1 / (1 - t)
			if 1+t > 0.2 {
				ratio = 1 + t
			}
		}
		if ratio <= 0 {
			continue
		}
		x, beyond := f.x(ratio)
		if beyond {
			continue
		}
		s.text(textLook, x, 13, "middle", percentOf(ratio))
	}
	return string(s.raw("</svg>").b)
}

// percentOf writes a ratio as the change that it is.
func percentOf(ratio float64) string {
	text := strings.TrimSuffix(strings.TrimSuffix(unit.Percent(ratio), "%"), ".0")
	if text == "+0" {
		return "0"
	}
	return strings.Replace(text, "-", "−", 1) + "\u202f%"
}

// Row returns one row: the interval as a line, the ratio as a dot on it, the
// zone of changes that do not matter, and a line at no change.
func (f Forest) Row(i Interval) string {
	var s svg
	s.raw(`<svg class="c-chart c-forest" width="100%" height="26" role="img">`).element("title", i.Title)
	const middle = forestHeight / 2
	if i.Threshold > 0 {
		from, _ := f.x(1 / (1 + i.Threshold))
		to, _ := f.x(1 + i.Threshold)
		s.raw("<rect", zone.attributes()).percent("x", from).percent("width", to-from).raw(` y="0" height="26"/>`)
	}
	s.raw("<line", axisLook.attributes()).raw(` x1="50%" x2="50%" y1="0" y2="26"/>`)
	if i.Ratio > 0 && finite(i.Ratio) {
		s.raw("<g", intervalLine[i.Tone].attributes(), ">")
		if i.Low > 0 && finite(i.High) {
			s.whisker(f, i, middle)
		}
		x, beyond := f.x(i.Ratio)
		switch {
		case beyond:
			s.arrow(x, middle, i.Ratio > 1)
		case i.Tone == Neutral: // hollow: nothing that one must look at
			s.raw("<circle", hollowDot, ` stroke-width="2"`).percent("cx", x).px("cy", middle).raw(` r="3.5"/>`)
		default:
			s.raw("<circle").percent("cx", x).px("cy", middle).raw(` r="4.5"/>`)
		}
		s.raw("</g>")
	}
	return string(s.raw("</svg>").b)
}

// hollowDot fills a dot as the page is filled.
var hollowDot = newLook("c-hollow-dot", "bg", "", "").attributes()

// whisker draws an interval, with ends where it ends and arrows where it goes
// on beyond the axis.
func (s *svg) whisker(f Forest, i Interval, y float64) {
	from, beyondLow := f.x(i.Low)
	to, beyondHigh := f.x(i.High)
	s.raw("<line").percent("x1", from).percent("x2", to).px("y1", y).px("y2", y).raw("/>")
	for _, end := range []struct {
		x      float64
		beyond bool
		right  bool
	}{{from, beyondLow, false}, {to, beyondHigh, true}} {
		if end.beyond {
			s.arrow(end.x, y, end.right)
			continue
		}
		s.raw("<line").percent("x1", end.x).percent("x2", end.x).px("y1", y-4).px("y2", y+4).raw("/>")
	}
}

// arrow draws a tip at a position in percent.
func (s *svg) arrow(x, y float64, right bool) {
	d := "M0-5L7 0L0 5Z"
	if !right {
		d = "M0-5L-7 0L0 5Z"
	}
	s.raw("<svg").percent("x", x).px("y", y).raw(` overflow="visible"><path stroke="none" d="`, d, `"/></svg>`)
}
