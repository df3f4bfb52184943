package chart

import (
	"cmp"
	"math"
	"slices"
)

// Distribution is the observations of two sides: drawn as a Histogram, an ECDF
// or a Strip, all of which have one range for both.
type Distribution struct {
	Frame
	Unit              string
	Baseline, Current []Weighted // in any order; either may be empty
	Ticks             []Tick     // of the current side: p50, p95
}

// Weighted is a value and how often it was observed.
type Weighted struct{ Value, Weight float64 }

// Tick is a value that is named on the axis.
type Tick struct {
	Name  string
	Value float64
}

// Each returns samples as weighted values, each observed once.
func Each(samples []float64) []Weighted {
	list := make([]Weighted, len(samples))
	for i, v := range samples {
		list[i] = Weighted{v, 1}
	}
	return list
}

const (
	distributionHeight = 200
	mostBins           = 40
	ecdfSteps          = 150 // that are drawn at most
	stripDots          = 2000
)

// sides are the observations of a Distribution in order, and their range.
type sides struct {
	baseline, current []Weighted
	total             [2]float64
	span              span
}

// sort returns the sides, false if nothing was observed. The axis is
// logarithmic where the tail is long: p99 over 5 times p50.
func (c *Distribution) sort() (sides, bool) {
	s := sides{}
	for i, list := range [][]Weighted{c.Baseline, c.Current} {
		kept := make([]Weighted, 0, len(list))
		for _, w := range list {
			if finite(w.Value) && w.Weight > 0 && !math.IsInf(w.Weight, 0) {
				kept = append(kept, w)
				s.total[i] += w.Weight
			}
		}
		slices.SortFunc(kept, func(a, b Weighted) int { return cmp.Compare(a.Value, b.Value) })
		*[]*[]Weighted{&s.baseline, &s.current}[i] = kept
	}
	all := slices.Concat(s.baseline, s.current)
	if len(all) == 0 {
		return s, false
	}
	slices.SortFunc(all, func(a, b Weighted) int { return cmp.Compare(a.Value, b.Value) })
	s.span = span{low: all[0].Value, high: all[len(all)-1].Value}
	s.span.log = s.span.low > 0 && weightedQuantile(all, 0.99) > 5*weightedQuantile(all, 0.5)
	s.span = s.span.padded(0.02)
	return s, true
}

// weightedQuantile returns the least value that at least the part q of all
// observations do not exceed.
func weightedQuantile(sorted []Weighted, q float64) float64 {
	total := 0.0
	for _, w := range sorted {
		total += w.Weight
	}
	seen := 0.0
	for _, w := range sorted {
		if seen += w.Weight; seen >= q*total*(1-1e-12) {
			return w.Value
		}
	}
	return math.NaN()
}

// Histogram draws the distribution in bins, the same ones for both sides:
// current as bars, baseline as a dashed outline. Heights are shares of a side,
// so that sides of different size compare.
type Histogram Distribution

// SVG returns the chart, 200 pixels high unless Frame says otherwise.
func (c Histogram) SVG() string {
	height := c.height(distributionHeight)
	d := Distribution(c)
	sides, ok := d.sort()
	if !ok {
		return c.empty("c-histogram", height, "no values")
	}
	n := sides.bins()
	before, after := sides.shares(sides.baseline, sides.total[0], n), sides.shares(sides.current, sides.total[1], n)
	most := max(slices.Max(before), slices.Max(after))
	var s svg
	c.open(&s, "c-histogram", height, false)
	top, bottom := 18.0, float64(height)-28
	s.vertical(span{low: 0, high: most * 100}.percentages(), "%", top, bottom)
	s.inPlot()
	y := func(share float64) float64 { return down(share/most, top, bottom) }
	if sides.total[1] > 0 {
		s.raw("<g", bars.attributes(), ">")
		for i, share := range after {
			if share > 0 {
				s.raw("<rect").percent("x", plot*float64(i)/float64(n)).percent("width", plot/float64(n)).px("y", y(share)).px("height", bottom-y(share)).raw("/>")
			}
		}
		s.raw("</g>")
	}
	if sides.total[0] > 0 {
		s.stretched(height).path(reference, 2*n+2, func(k int) (float64, float64) {
			switch k {
			case 0:
				return 0, bottom
			case 2*n + 1:
				return 1, bottom
			}
			bin := (k - 1) / 2
			return float64(bin+(k-1)%2) / float64(n), y(before[bin])
		}).raw("</svg>")
	}
	s.quantiles(d.Ticks, sides.span, top, bottom)
	s.horizontal(sides.span, c.Unit, bottom)
	return string(s.raw("</g></svg>").b)
}

// percentages is the range of an axis of shares.
func (s span) percentages() span {
	if !(s.high > 0) {
		s.high = 100
	}
	return s
}

// bins is how many bins the observations fall into, by the rule of Freedman
// and Diaconis (1981) for the side with more of them, between 8 and 40.
func (s *sides) bins() int {
	list, total := s.current, s.total[1]
	if s.total[0] > total {
		list, total = s.baseline, s.total[0]
	}
	low, high := weightedQuantile(list, 0.25), weightedQuantile(list, 0.75)
	width := 2 * (s.span.at(high) - s.span.at(low)) / math.Cbrt(total)
	if !(width > 0) {
		return 20
	}
	return int(min(max(math.Ceil(1/width), 8), mostBins))
}

// shares returns which part of a side each of n bins has.
func (s *sides) shares(list []Weighted, total float64, n int) []float64 {
	shares := make([]float64, n)
	for _, w := range list {
		shares[int(min(max(s.span.at(w.Value)*float64(n), 0), float64(n-1)))] += w.Weight / total
	}
	return shares
}

// quantiles draws the named values of the current side.
func (s *svg) quantiles(ticks []Tick, r span, top, bottom float64) {
	previous := math.Inf(-1)
	for _, t := range ticks {
		if !finite(t.Value) || t.Value < r.low || t.Value > r.high {
			continue
		}
		x := r.at(t.Value) * plot
		s.raw("<line", tickOf.attributes()).percent("x1", x).percent("x2", x).px("y1", top-4).px("y2", bottom).raw("/>")
		if x-previous > 6 { // percent of a usual window that a name takes
			s.text(halo, x, top-7, "middle", t.Name)
			previous = x
		}
	}
}

// ECDF draws which part of the observations is no greater than a value:
// current as a solid line, baseline as a dashed one. It takes no bins and few
// samples.
type ECDF Distribution

// SVG returns the chart, 200 pixels high unless Frame says otherwise.
func (c ECDF) SVG() string {
	height := c.height(distributionHeight)
	d := Distribution(c)
	sides, ok := d.sort()
	if !ok {
		return c.empty("c-ecdf", height, "no values")
	}
	var s svg
	c.open(&s, "c-ecdf", height, false)
	top, bottom := 18.0, float64(height)-28
	s.vertical(span{low: 0, high: 100}, "%", top, bottom)
	s.inPlot().stretched(height)
	for i, list := range [][]Weighted{sides.baseline, sides.current} {
		if sides.total[i] > 0 {
			s.raw("<path", []look{reference, line}[i].attributes(), ` d="M0 `).number(bottom, 1)
			x, share := sides.steps(list, sides.total[i])
			for k := range x {
				s.raw("H").number(x[k]*resolve, 1).raw("V").number(down(share[k], top, bottom), 1)
			}
			s.raw(`"/>`)
		}
	}
	s.raw("</svg>")
	s.quantiles(d.Ticks, sides.span, top, bottom)
	s.horizontal(sides.span, c.Unit, bottom)
	return string(s.raw("</g></svg>").b)
}

// steps returns where the ECDF of a side steps up, from 0 to 1 across, and how
// high it is from there on. A last step leads to the right edge.
func (s *sides) steps(list []Weighted, total float64) (x, share []float64) {
	every := max(1, (len(list)+ecdfSteps-1)/ecdfSteps)
	seen := 0.0
	for i, w := range list {
		seen += w.Weight
		same := i+1 < len(list) && list[i+1].Value == w.Value
		if !same && (i%every == every-1 || i == len(list)-1 || i == 0) {
			x, share = append(x, s.span.at(w.Value)), append(share, min(1, seen/total))
		}
	}
	return append(x, 1), append(share, 1)
}

// Strip draws every sample as a dot: current above, baseline below it as
// squares. Dots are moved up and down a little, by no rule, so that they do not
// hide one another. Above 2,000 samples on a side every so manieth is drawn.
type Strip Distribution

// SVG returns the chart, 120 pixels high unless Frame says otherwise.
func (c Strip) SVG() string {
	height := c.height(120)
	d := Distribution(c)
	sides, ok := d.sort()
	if !ok {
		return c.empty("c-strip", height, "no values")
	}
	var s svg
	c.open(&s, "c-strip", height, false)
	top, bottom := 8.0, float64(height)-28
	middle := (top + bottom) / 2
	for i, list := range [][]Weighted{sides.current, sides.baseline} {
		if len(list) == 0 {
			continue
		}
		from, to := top, bottom
		if len(sides.baseline) > 0 && len(sides.current) > 0 {
			from, to = []float64{top, middle}[i], []float64{middle, bottom}[i]
		}
		s.raw("<text", textLook.attributes()).px("x", 0).px("y", (from+to)/2+4).raw(">").raw([]string{"current", "baseline"}[i], "</text>")
		s.inPlot().stretched(height)
		s.raw("<path", []look{dots, dotsBase}[i].attributes(), ` vector-effect="non-scaling-stroke" d="`)
		every := max(1, (len(list)+stripDots-1)/stripDots)
		for k := 0; k < len(list); k += every {
			// A Weyl sequence by the golden ratio.
			_, jitter := math.Modf(float64(k) * 0.6180339887498949)
			s.raw("M").number(sides.span.at(list[k].Value)*resolve, 1).raw(" ").number(from+6+jitter*(to-from-12), 1).raw("h0")
		}
		s.raw(`"/></svg></g>`)
	}
	s.inPlot().horizontal(sides.span, c.Unit, bottom)
	return string(s.raw("</g></svg>").b)
}
