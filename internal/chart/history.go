package chart

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// History is a metric over runs: points with the interval around them, where
// the level moved, and the limits of a budget.
type History struct {
	Frame
	Unit    string
	Points  []Point // oldest first
	Changes []Change
	Limits  []Limit
	// HigherBetter turns the limits around: the target is the highest.
	HigherBetter bool
	FromZero     bool // the axis begins at zero; else it fits the data
	ByTime       bool // points lie by At; else evenly
	// First is the number of the first point in a longer series, of which this
	// is a part.
	First int
}

// Point is one value of a history.
type Point struct {
	Label     string  // of the axis: a version, a date
	At        float64 // when, in any unit; used with ByTime
	Value     float64 // NaN: a gap
	Low, High float64 // interval around Value; NaN or both 0: none
	Title     string  // all about it, in words: read out, and shown on hovering
	Href      string  // where it leads; "": nowhere
	ID        string  // of what it is a point, for script: data-id; "": none
	Mark      string  // one letter above it: A, B
	Hollow    bool    // something about it is special: accepted, say
	Apart     bool    // no part of the line: another branch
	Keep      bool    // never left out
}

// Change is where the level moved: between the points Index−1 and Index, or, as
// a drift, from Index to End.
type Change struct {
	Index, End int
	Label      string // in words: +19.7 % at v2.4.1
	Tone       Tone
	Up         bool // the arrow points upwards
}

// Limit is a tier of a budget.
type Limit struct {
	Name  string // target, warning, critical
	Value float64
}

const (
	historyHeight = 280
	historyPoints = 500 // that are drawn at most, beside those to keep
	inset         = 1.0 // percent between the gutter and the first point
	rowHeight     = 16  // of labels above the plot
	labelRows     = 3
	plotWidth     = 800 // pixels that the plot has in a usual window
)

// history is a History while it is drawn.
type history struct {
	History
	svg
	range_      span
	times       span
	top, bottom float64
	near, far   []Limit // limits inside and outside the range
	farAbove    bool
}

// SVG returns the chart, 280 pixels high unless Frame says otherwise. Above 500
// points it shows those that carry the shape. It is a group of links if points
// lead somewhere, else an image.
func (c History) SVG() string {
	height := c.height(historyHeight)
	values, intervals := make([]float64, 0, len(c.Points)), make([]float64, 0, 2*len(c.Points))
	var times []float64
	links := false
	for _, p := range c.Points {
		if finite(p.Value) {
			values = append(values, p.Value)
			if p.interval() {
				intervals = append(intervals, p.Low, p.High)
			}
		}
		times = append(times, p.At)
		links = links || p.Href != ""
	}
	data, ok := spanOf(values)
	if !ok {
		return c.empty("c-history", height, "no values")
	}
	h := history{History: c, bottom: float64(height) - 28}
	if around, ok := spanOf(intervals); ok {
		// They stretch the axis, but not so far that the values lie in a line.
		reach := 1.5 * data.reach()
		data.low, data.high = min(data.low, max(around.low, data.low-reach)), max(data.high, min(around.high, data.high+reach))
	}
	h.choose(data)
	h.times, _ = spanOf(times)
	h.top = 12 + rowHeight*float64(h.rows())
	if len(h.far) > 0 && h.farAbove {
		h.top += rowHeight
	}
	h.open(&h.svg, "c-history", height, links)
	h.vertical(h.range_, c.Unit, h.top, h.bottom)
	h.names()
	h.inPlot()
	shown := downsample(len(c.Points), historyPoints, func(i int) float64 { return c.Points[i].Value }, h.kept)
	h.band(shown)
	h.changes()
	h.limits()
	h.line(shown)
	h.points(shown)
	h.raw("</g></svg>")
	return string(h.b)
}

func (p *Point) interval() bool {
	return finite(p.Low) && finite(p.High) && (p.Low != 0 || p.High != 0)
}

// kept tells which points are drawn however many there are.
func (h *history) kept(i int) bool {
	p := &h.Points[i]
	return p.Keep || p.Mark != "" || p.Hollow || slices.ContainsFunc(h.Changes, func(c Change) bool { return c.Index == i || c.End == i })
}

// choose sets the range of the axis. A limit stretches it only if it lies
// within one range of the data beyond them; others are named at the edge.
func (h *history) choose(data span) {
	r := data
	if h.FromZero {
		r.low, r.high = min(0, r.low), max(0, r.high)
	}
	reach := data.reach()
	h.farAbove = !h.HigherBetter
	for _, l := range h.Limits {
		switch {
		case !finite(l.Value):
		case l.Value > data.high+reach || l.Value < data.low-reach:
			if l.Value >= r.low && l.Value <= r.high {
				h.near = append(h.near, l)
				continue
			}
			h.far = append(h.far, l)
			h.farAbove = l.Value > data.high
		default:
			h.near = append(h.near, l)
			r.low, r.high = min(r.low, l.Value), max(r.high, l.Value)
		}
	}
	h.range_ = r.padded(0.06)
	if h.FromZero && data.low >= 0 {
		h.range_.low = 0
	}
}

// reach is the width of a range; of one value, a tenth of it.
func (s span) reach() float64 {
	if half := s.high/2 - s.low/2; half > 0 {
		return min(half, math.MaxFloat64/4) * 2
	}
	return math.Abs(s.high) * 0.1
}

// x is the position of a point across, from 0 to 1 of the plot.
func (h *history) x(i int) float64 {
	at := 0.5
	switch n := len(h.Points); {
	case n < 2:
	case h.ByTime:
		at = h.times.at(h.Points[i].At)
	default:
		at = float64(i) / float64(n-1)
	}
	return inset/plot + at*(1-2*inset/plot)
}

func (h *history) y(v float64) float64 { return down(h.range_.at(v), h.top, h.bottom) }

func (h *history) band(shown []int) {
	var run []int // points in a row that have an interval
	flush := func() {
		if len(run) > 1 {
			n := len(run)
			h.path(band, 2*n, func(k int) (float64, float64) {
				if k < n {
					return h.x(run[k]), max(h.top, h.y(h.Points[run[k]].High))
				}
				k = 2*n - 1 - k
				return h.x(run[k]), min(h.bottom, h.y(h.Points[run[k]].Low))
			})
		}
		run = run[:0]
	}
	h.stretched(int(h.bottom) + 28)
	for _, i := range shown {
		switch p := &h.Points[i]; {
		case p.Apart:
		case p.interval() && finite(p.Value):
			run = append(run, i)
		default:
			flush()
		}
	}
	flush()
	h.raw("</svg>")
}

func (h *history) line(shown []int) {
	var on []int
	for _, i := range shown {
		if !h.Points[i].Apart {
			on = append(on, i)
		}
	}
	if len(on) < 2 {
		return
	}
	h.stretched(int(h.bottom) + 28)
	h.path(line, len(on), func(k int) (float64, float64) {
		p := &h.Points[on[k]]
		if !finite(p.Value) {
			return 0, math.NaN()
		}
		return h.x(on[k]), h.y(p.Value)
	})
	h.raw("</svg>")
}

// points draws the dots. Each has a larger one around it that takes clicks.
func (h *history) points(shown []int) {
	r := 3.0
	if len(shown) > 120 {
		r = 2
	}
	h.raw("<g", points.attributes(), ">")
	for _, i := range shown {
		p := &h.Points[i]
		if !finite(p.Value) {
			continue
		}
		x, y := h.x(i)*plot, h.y(p.Value)
		switch {
		case p.Href != "":
			h.raw("<a").attr("href", p.Href).about(p, h.First+i)
			h.raw("<circle").percent("cx", x).px("cy", y).raw(` r="8" fill-opacity="0" stroke="none"/>`)
			h.point(p, x, y, r)
			h.raw("</a>")
		case p.Title != "" || p.Mark != "":
			h.raw("<g").about(p, h.First+i)
			h.point(p, x, y, r)
			h.raw("</g>")
		default:
			h.point(p, x, y, r)
		}
	}
	h.raw("</g>")
}

// about ends the tag of a point and says what it is.
func (s *svg) about(p *Point, i int) {
	s.raw(` data-i="`, strconv.Itoa(i), `"`)
	if p.ID != "" {
		s.attr("data-id", p.ID)
	}
	s.raw(">").element("title", p.Title)
}

// point draws the dot of a point.
func (s *svg) point(p *Point, x, y, r float64) {
	dot := ""
	if p.Hollow || p.Apart {
		dot = hollow.attributes()
	}
	if p.Apart { // another marker, not only another fill
		s.raw("<svg").percent("x", x).px("y", y).raw(` overflow="visible"><path`, dot, ` d="M0-4L4 0L0 4L-4 0Z"/></svg>`)
	} else {
		s.raw("<circle", dot).percent("cx", x).px("cy", y).px("r", r).raw("/>")
	}
	if p.Mark != "" {
		s.text(markLook, x, y-9, "middle", p.Mark)
	}
}

// names writes the labels of points under the plot: as many as fit, the first
// and the last among them.
func (h *history) names() {
	n := len(h.Points)
	widest := 1
	for _, p := range h.Points {
		widest = max(widest, utf8.RuneCountInString(p.Label))
	}
	fit := max(2, min(7, plotWidth/(widest*9+24)))
	y := h.bottom + 18
	h.inPlot().raw("<g", axisLook.attributes(), "><line").percent("x1", 0).percent("x2", plot).px("y1", h.bottom+0.5).px("y2", h.bottom+0.5).raw("/></g>")
	count := min(fit, n)
	previous := -1
	for k := range count {
		i := 0
		if count > 1 {
			i = k * (n - 1) / (count - 1)
		}
		if h.ByTime {
			i = h.nearest(float64(k) / float64(max(1, count-1)))
		}
		if i == previous {
			continue
		}
		previous = i
		anchor, class := "middle", textLook
		switch {
		case n > 1 && k == 0:
			anchor = "start"
		case n > 1 && k == count-1:
			anchor = "end"
		case k*2 != count-1: // a telephone shows the first, the middle and the last
			class.class += " c-wide"
		}
		h.text(class, h.x(i)*plot, y, anchor, h.Points[i].Label)
	}
	h.raw("</g>")
}

// nearest returns the point that lies nearest to a position from 0 to 1.
func (h *history) nearest(at float64) int {
	best := 0
	for i := range h.Points {
		if math.Abs(h.times.at(h.Points[i].At)-at) < math.Abs(h.times.at(h.Points[best].At)-at) {
			best = i
		}
	}
	return best
}

// changeAt is where the line of a change stands, from 0 to 1.
func (h *history) changeAt(c *Change) (from, to float64) {
	i := min(max(c.Index, 1), max(1, len(h.Points)-1))
	if len(h.Points) < 2 {
		return h.x(0), h.x(0)
	}
	from = (h.x(i-1) + h.x(i)) / 2
	if c.End > c.Index && c.End < len(h.Points) {
		return h.x(i), h.x(c.End)
	}
	return from, from
}

// placed is the label of a change: in which row it stands, or none.
type placed struct {
	row   int // -1: there is no room
	right bool
}

// place finds rows for the labels of changes, the newest first, the lowest row
// first, where neither they nor the lines that lead up to them run into one
// another in a usual window.
func (h *history) place() []placed {
	type taken struct{ from, to float64 }
	var rows [labelRows][]taken
	free := func(row int, from, to float64) bool {
		return !slices.ContainsFunc(rows[row], func(t taken) bool { return from < t.to && t.from < to })
	}
	const hair = 4.0 / plotWidth
	list := make([]placed, len(h.Changes))
	for k := len(h.Changes) - 1; k >= 0; k-- {
		c := &h.Changes[k]
		at, _ := h.changeAt(c)
		width := (float64(utf8.RuneCountInString(c.Label))*letter + 20) / plotWidth
		list[k].row = -1
	search:
		for row := range rows {
			for _, right := range []bool{at > 0.6, at <= 0.6} {
				from, to := at-hair, at+width
				if right {
					from, to = at-width, at+hair
				}
				if from < -0.05 || to > 1.15 || !free(row, from, to) {
					continue
				}
				rows[row] = append(rows[row], taken{from, to})
				list[k] = placed{row: row, right: right}
				break search
			}
			if !free(row, at-hair, at+hair) {
				break // its line would cross a label
			}
		}
		for row := range max(0, list[k].row) {
			rows[row] = append(rows[row], taken{at - hair, at + hair})
		}
	}
	return list
}

// rows is how many rows of labels there are.
func (h *history) rows() int {
	most := 0
	for _, p := range h.place() {
		most = max(most, p.row+1)
	}
	return most
}

func (h *history) changes() {
	rows := h.place()
	for k := range h.Changes {
		c := &h.Changes[k]
		from, to := h.changeAt(c)
		label := h.top - 4 - float64(rowHeight*max(0, rows[k].row))
		h.raw("<g").raw(` data-change="`, strconv.Itoa(h.First+c.Index), `">`).element("title", c.Label)
		if to > from {
			h.raw("<rect", zone.attributes(), ` fill-opacity="0.7"`).percent("x", from*plot).percent("width", (to-from)*plot).px("y", h.top).px("height", h.bottom-h.top).raw("/>")
		}
		h.raw("<line", moved[c.Tone].attributes()).percent("x1", from*plot).percent("x2", from*plot).px("y1", label-9).px("y2", h.bottom).raw("/>")
		if rows[k].row >= 0 {
			h.label(c, from*plot, label, rows[k].right)
		}
		h.raw("</g>")
	}
}

// label writes an arrow and the words of a change beside its line.
func (h *history) label(c *Change, x, y float64, right bool) {
	l := movedText[c.Tone]
	l.class += " c-wide"
	shift, anchor := 5, "start"
	if right {
		shift, anchor = -5, "end"
	}
	arrow := "M0-9L4-4H1.2V0H-1.2V-4H-4Z"
	if !c.Up {
		arrow = "M0 0L4-5H1.2V-9H-1.2V-5H-4Z"
	}
	h.raw("<svg").percent("x", x).px("y", y).raw(` overflow="visible"><g`, l.attributes(), `><path transform="translate(`, strconv.Itoa(shift*2), ` 0)" d="`, arrow, `"/>`)
	h.raw(`<text x="`, strconv.Itoa(shift*3+shift/2), `" text-anchor="`, anchor, `">`).escape(c.Label).raw("</text></g></svg>")
}

// limits draws the limits of the budget, each named at the right edge.
func (h *history) limits() {
	taken := []float64{}
	for _, l := range h.near {
		look, text := limitLook(l.Name)
		y := math.Round(h.y(l.Value)) + 0.5
		h.raw("<line", look.attributes()).percent("x1", 0).percent("x2", 100).px("y1", y).px("y2", y).raw("/>")
		at := y - 5
		for slices.ContainsFunc(taken, func(t float64) bool { return math.Abs(t-at) < 14 }) {
			at += 14
		}
		taken = append(taken, at)
		h.edge(text, at, l.Name+" "+quantity(l.Value, h.Unit))
	}
	if len(h.far) == 0 {
		return
	}
	var names []string
	for _, l := range h.far {
		names = append(names, l.Name+" "+quantity(l.Value, h.Unit))
	}
	where, at := ", above", h.top-rowHeight*float64(h.rows())-6
	if !h.farAbove {
		where, at = ", below", h.bottom-6
	}
	h.edge(halo, at, strings.Join(names, ", ")+where)
}

// edge writes a text that ends at the right edge of the chart.
func (h *history) edge(l look, y float64, content string) {
	// The plot begins at the gutter, so that its 100 % lie beyond the edge.
	h.raw(`<g transform="translate(-`, strconv.Itoa(gutter), ` 0)">`).text(l, 100, y, "end", content).raw("</g>")
}

func limitLook(name string) (lines, text look) {
	lines, ok := limitLine[name]
	if !ok {
		return reference, halo
	}
	return lines, limitText[name]
}
