package chart

import (
	"unicode/utf8"
)

// Stages draws where the time goes: a bar for each side, cut into stages in the
// order in which they run, on one scale.
type Stages struct {
	Frame
	Unit string
	Bars []StageBar
}

// StageBar is one side.
type StageBar struct {
	Name   string // baseline, current
	Total  string // in words, beneath the name
	Stages []Stage
}

// Stage is a part of a bar.
type Stage struct {
	Name  string
	Title string // all about it, in words
	Value float64
	Tone  Tone
}

const (
	stageHeight = 30
	stageGap    = 8
)

// SVG returns the chart, 38 pixels high for each side.
func (c Stages) SVG() string {
	height := len(c.Bars)*(stageHeight+stageGap) + stageGap/2
	longest := 0.0
	for _, b := range c.Bars {
		longest = max(longest, b.sum())
	}
	if !(longest > 0) || !finite(longest) {
		return c.empty("c-stages", max(height, 40), "no stages")
	}
	var s svg
	c.open(&s, "c-stages", height, false)
	for i, b := range c.Bars {
		y := float64(stageGap/2 + i*(stageHeight+stageGap))
		line := y + stageHeight/2 + 4
		if b.Total != "" {
			s.text(strong, 0, y+stageHeight-3, "", b.Total)
			line = y + 11
		}
		s.raw("<text", textLook.attributes()).px("x", 0).px("y", line).raw(">").escape(b.Name).raw("</text>")
		s.inPlot()
		x := 0.0
		for _, stage := range b.Stages {
			if !finite(stage.Value) || stage.Value <= 0 {
				continue
			}
			width := stage.Value / longest * plot
			s.stage(stage, x, width, y)
			x += width
		}
		s.raw("</g>")
	}
	return string(s.raw("</svg>").b)
}

func (b *StageBar) sum() float64 {
	sum := 0.0
	for _, s := range b.Stages {
		if finite(s.Value) && s.Value > 0 {
			sum += s.Value
		}
	}
	return sum
}

// stage draws one stage, at least 2 pixels wide, with its name inside if it
// fits.
func (s *svg) stage(stage Stage, x, width, y float64) {
	s.raw(`<svg`).percent("x", x).percent("width", max(width, 0.25)).px("y", y).px("height", stageHeight).raw(">").element("title", stage.Title)
	s.raw("<rect", stageBar[stage.Tone].attributes()).raw(` x="0.5" y="0.5" width="100%" height="29"/>`)
	room := width / plot * plotWidth
	if need := float64(utf8.RuneCountInString(stage.Name))*letter + 12; need <= room {
		look := strong
		if need*2 > room { // on a telephone there is half as much
			look.class += " c-wide"
		}
		s.raw("<text", look.attributes(), ` x="7" y="19">`).escape(stage.Name).raw("</text>")
	}
	s.raw("</svg>")
}
