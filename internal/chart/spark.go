package chart

import (
	"math"
	"strconv"
)

// Spark is the history of a metric in the space of a word: its own scale, a
// tick where the level moved, a dot at the newest value.
type Spark struct {
	Title   string
	Values  []float64
	Changes []int // indices of the first values of new levels
}

const (
	sparkWidth  = 120
	sparkHeight = 28
	sparkPoints = 120 // more would be closer than pixels
)

// SVG returns the chart: 120×28 pixels.
func (c Spark) SVG() string {
	var s svg
	w, h := strconv.Itoa(sparkWidth), strconv.Itoa(sparkHeight)
	s.raw(`<svg class="c-chart c-spark" width="`, w, `" height="`, h, `" viewBox="0 0 `, w, " ", h, `" role="img">`)
	s.element("title", c.Title)
	kept := downsample(len(c.Values), sparkPoints, func(i int) float64 { return c.Values[i] }, func(i int) bool { return i == len(c.Values)-1 })
	r, ok := spanOf(c.Values)
	if !ok {
		return string(s.raw("</svg>").b)
	}
	at := func(i int) (x, y float64) {
		x = sparkWidth / 2
		if n := len(c.Values); n > 1 {
			x = 3 + (sparkWidth-6)*float64(i)/float64(n-1)
		}
		if !finite(c.Values[i]) {
			return x, math.NaN()
		}
		return x, down(r.at(c.Values[i]), 4, sparkHeight-4)
	}
	for _, i := range c.Changes {
		if i > 0 && i < len(c.Values) {
			before, _ := at(i - 1)
			after, _ := at(i)
			x := (before + after) / 2
			s.raw("<line", tickOf.attributes()).px("x1", x).px("x2", x).px("y1", 1).px("y2", sparkHeight-1).raw("/>")
		}
	}
	s.path(line, len(kept), func(k int) (float64, float64) {
		x, y := at(kept[k])
		return x / resolve, y
	})
	if n := len(c.Values); finite(c.Values[n-1]) {
		x, y := at(n - 1)
		s.raw("<circle", last.attributes()).px("cx", x).px("cy", y).raw(` r="2.5"/>`)
	}
	return string(s.raw("</svg>").b)
}
