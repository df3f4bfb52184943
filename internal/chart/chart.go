// Package chart writes charts as SVG: text out of numbers, drawn where the page
// is made.
//
// A chart is a struct of plain numbers and strings with a method SVG. Values
// are in base units (seconds, bytes), as everywhere; unit names them. What is
// not known is NaN, and leaves a gap. The same chart is the same bytes.
//
// Marks carry presentation attributes alone, never style="…", which a strict
// content security policy blocks: a chart is readable where no style sheet is
// allowed. They also carry classes, which the style sheet of CSS gives the
// colours of the reader's theme. Series are told apart by dash and marker,
// never by colour alone.
//
// A chart is as wide as its place, without script: positions across are
// percentages, positions down are pixels, so that letters stay letters on a
// telephone. Room for the labels of the axis is kept at the left in pixels, for
// the names of limits at the right in percent, since nothing can add the two.
//
// Nothing here does I/O or keeps state.
package chart

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Tone says whether something is good.
type Tone int

const (
	Neutral Tone = iota
	Worse
	Better
)

const (
	gutter   = 56   // pixels at the left, for the labels of the axis
	plot     = 80.0 // percent of the width that the data have, from the gutter on
	resolve  = 1000 // units across of the nested drawings that stretch
	font     = 12
	letter   = 6.3 // pixels that a letter takes, about
	fontName = "system-ui,sans-serif"
)

// svg is a text that grows.
type svg struct{ b []byte }

func (s *svg) raw(parts ...string) *svg {
	for _, p := range parts {
		s.b = append(s.b, p...)
	}
	return s
}

// number writes v with at most so many decimals, up to 2.
func (s *svg) number(v float64, decimals int) *svg {
	power := [...]int64{1, 10, 100}[decimals]
	if !(math.Abs(v) < 1e12) { // also NaN
		v = 0
	}
	scaled := int64(math.Round(v * float64(power)))
	if scaled < 0 {
		s.b, scaled = append(s.b, '-'), -scaled
	}
	s.b = strconv.AppendInt(s.b, scaled/power, 10)
	if rest := scaled % power; rest != 0 {
		s.b = append(s.b, '.')
		if power == 100 && rest%10 == 0 {
			rest /= 10
		} else if power == 100 && rest < 10 {
			s.b = append(s.b, '0')
		}
		s.b = strconv.AppendInt(s.b, rest, 10)
	}
	return s
}

// px writes an attribute in pixels.
func (s *svg) px(name string, v float64) *svg {
	return s.raw(" ", name, `="`).number(v, 1).raw(`"`)
}

// percent writes an attribute in percent of the width.
func (s *svg) percent(name string, v float64) *svg {
	return s.raw(" ", name, `="`).number(v, 2).raw(`%"`)
}

// attr writes an attribute whose value may be anything.
func (s *svg) attr(name, value string) *svg {
	return s.raw(" ", name, `="`).escape(value).raw(`"`)
}

// text writes an element that holds text, at a position across in percent.
func (s *svg) text(l look, x, y float64, anchor, content string) *svg {
	s.raw("<text", l.attributes()).percent("x", x).px("y", y)
	if anchor != "" {
		s.raw(` text-anchor="`, anchor, `"`)
	}
	return s.raw(">").escape(content).raw("</text>")
}

// element writes one that holds only text, if there is any.
func (s *svg) element(name, content string) *svg {
	if content == "" {
		return s
	}
	return s.raw("<", name, ">").escape(content).raw("</", name, ">")
}

// escape writes text as XML may hold it. What no XML may hold, control
// characters and broken UTF-8, becomes the replacement character.
func (s *svg) escape(text string) *svg {
	plain := 0 // where what was not yet written begins
	for i, r := range text {
		instead := ""
		switch {
		case r == '&':
			instead = "&amp;"
		case r == '<':
			instead = "&lt;"
		case r == '>':
			instead = "&gt;"
		case r == '"':
			instead = "&#34;"
		case r == '\t' || r == '\n' || r == '\r':
			instead = " "
		case r < 0x20 || r == 0x7f || r == 0xfffe || r == 0xffff || r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd"):
			instead = "\ufffd"
		default:
			continue
		}
		_, size := utf8.DecodeRuneInString(text[i:])
		s.raw(text[plain:i], instead)
		plain = i + size
	}
	return s.raw(text[plain:])
}

// Frame is what every chart has. The zero value stands in a page.
type Frame struct {
	Title       string // names the chart, for those who do not see it
	Description string // in one sentence, what it shows
	Height      int    // pixels; 0: as the chart wants
	// Standalone makes a document of its own: with a width, a background, and
	// everything that a viewer of files needs.
	Standalone bool
}

// standaloneWidth is how wide a chart is that stands alone.
const standaloneWidth = 960

// open begins a chart. One with links in it is a group; any other is an image,
// of which only the title and the description are read out.
func (f *Frame) open(s *svg, class string, height int, links bool) {
	s.raw(`<svg class="c-chart `, class, `"`)
	switch {
	case f.Standalone:
		s.raw(` xmlns="http://www.w3.org/2000/svg"`).px("width", standaloneWidth)
	default:
		s.raw(` width="100%"`)
	}
	s.px("height", float64(height))
	if links {
		s.raw(` role="group"`)
	} else {
		s.raw(` role="img"`)
	}
	if f.Title != "" && (links || f.Standalone) {
		s.attr("aria-label", f.Title)
	}
	s.raw(` font-family="`, fontName, `"`).px("font-size", font).raw(">")
	// In a page the title of a group would follow the pointer over all of it.
	if !links || f.Standalone {
		s.element("title", f.Title)
	}
	s.element("desc", f.Description)
	if f.Standalone {
		s.raw("<rect", page.attributes(), ` width="100%" height="100%"/>`)
	}
}

func (f *Frame) height(usual int) int {
	if f.Height > 0 {
		return f.Height
	}
	return usual
}

// stretched begins a drawing in the plot that stretches with the width: resolve
// units across, pixels down.
func (s *svg) stretched(height int) *svg {
	return s.raw(`<svg`).percent("width", plot).px("height", float64(height)).
		raw(` viewBox="0 0 `, strconv.Itoa(resolve), " ", strconv.Itoa(height), `" preserveAspectRatio="none" overflow="visible">`)
}

// inPlot begins what lies right of the gutter.
func (s *svg) inPlot() *svg { return s.raw(`<g transform="translate(`, strconv.Itoa(gutter), ` 0)">`) }

// path writes the lines through points that are given by their position across,
// from 0 to 1, and down, in pixels. NaN is a gap.
func (s *svg) path(l look, n int, at func(i int) (x, y float64)) *svg {
	s.raw("<path", l.attributes(), ` d="`)
	pen := false
	for i := range n {
		x, y := at(i)
		if math.IsNaN(x) || math.IsNaN(y) {
			pen = false
			continue
		}
		if pen {
			s.raw("L")
		} else {
			s.raw("M")
		}
		pen = true
		s.number(x*resolve, 1).raw(" ").number(y, 1)
	}
	return s.raw(`"/>`)
}

// empty is a chart of nothing.
func (f *Frame) empty(class string, height int, what string) string {
	var s svg
	f.open(&s, class, height, false)
	s.text(textLook, 50, float64(height)/2+4, "middle", what)
	return string(s.raw("</svg>").b)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
