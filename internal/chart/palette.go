package chart

import (
	"fmt"
	"strings"
)

// Token is a colour by its role, in the light and the dark theme. Pages use it
// as var(--name).
type Token struct{ Name, Light, Dark string }

// Tokens are the colours of everything that Pacer shows in a browser. The
// contrast of each with what it stands on, and the distance of those that are
// told apart, are tested.
var Tokens = []Token{
	{"bg", "#FFFFFF", "#0F1419"},
	{"surface", "#F6F7F9", "#171D24"},
	{"surface2", "#E9EDF2", "#222A33"},
	{"border", "#C6CDD6", "#3A4552"}, // decoration only
	{"control", "#6B7685", "#8793A3"},
	{"text", "#14181D", "#EEF2F6"},
	{"muted", "#4A5563", "#A9B4C2"},
	{"link", "#0B5CAD", "#7CBBFF"},

	// Text on the fill of the same name.
	{"within", "#00583F", "#7FE0BC"},
	{"within-fill", "#DDF2EA", "#0D3327"},
	{"warning", "#6B4A00", "#FFD166"},
	{"warning-fill", "#FFF0C2", "#3B2C00"},
	{"critical", "#FFFFFF", "#1A0503"},
	{"critical-fill", "#A8201A", "#FF8A80"},
	{"improved", "#0A4F96", "#9CCBFF"},
	{"improved-fill", "#E1EEFC", "#12304F"},
	{"regressed", "#8F3200", "#FFB083"},
	{"regressed-fill", "#FFE6D6", "#4A2107"},
	{"unchanged", "#3D4753", "#C2CBD6"},
	{"unchanged-fill", "#E9EDF2", "#2A333D"},
	{"inconclusive", "#5A3291", "#D3B8FF"},
	{"inconclusive-fill", "#F0E8FB", "#33204F"},

	// Lines. Each also has a dash and a marker of its own.
	{"series-1", "#0B5CAD", "#6CB6FF"},
	{"series-2", "#C8500A", "#F2792B"},
	{"series-3", "#1A9C7B", "#3D8673"},
	{"series-4", "#6B3254", "#B53AB6"},
	{"series-5", "#14181D", "#F4E7B4"},
	{"baseline", "#6B7685", "#8793A3"},
	{"limit-target", "#00583F", "#7FE0BC"},
	{"limit-warning", "#8A6100", "#FFD166"},
	{"limit-critical", "#A8201A", "#FF8A80"},
}

// forced are the system colours that tokens have where the reader's system
// sets colours; those that are not here are the colour of text.
var forced = map[string]string{
	"bg": "Canvas", "surface": "Canvas", "surface2": "Canvas", "link": "LinkText", "baseline": "GrayText",
	"within-fill": "Canvas", "warning-fill": "Canvas", "critical-fill": "Canvas", "improved-fill": "Canvas",
	"regressed-fill": "Canvas", "unchanged-fill": "Canvas", "inconclusive-fill": "Canvas",
}

// light returns the colour of a token in the light theme, which charts are
// drawn in where no style sheet says otherwise.
func light(name string) string {
	for _, t := range Tokens {
		if t.Name == name {
			return t.Light
		}
	}
	panic("chart: no colour is called " + name)
}

// look is how one kind of mark is drawn. Fill and stroke are tokens, "" where
// the mark has none of its own; rest are attributes that no theme changes.
type look struct{ class, fill, stroke, rest string }

// attributes returns class and presentation attributes: how the mark looks
// with a style sheet, and without one.
func (l look) attributes() string {
	var b strings.Builder
	fmt.Fprintf(&b, ` class="%s"`, l.class)
	for _, paint := range []struct{ name, token string }{{"fill", l.fill}, {"stroke", l.stroke}} {
		switch paint.token {
		case "":
		case "none":
			fmt.Fprintf(&b, ` %s="none"`, paint.name)
		default:
			fmt.Fprintf(&b, ` %s="%s"`, paint.name, light(paint.token))
		}
	}
	return b.String() + l.rest
}

// rule is the look's part of the style sheet.
func (l look) rule() string {
	var b strings.Builder
	for _, paint := range []struct{ name, token string }{{"fill", l.fill}, {"stroke", l.stroke}} {
		if paint.token != "" && paint.token != "none" {
			fmt.Fprintf(&b, "%s:var(--%s);", paint.name, paint.token)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "." + l.class + "{" + strings.TrimSuffix(b.String(), ";") + "}\n"
}

// The looks of all marks.
var (
	textLook  = newLook("c-text", "muted", "", "")
	strong    = newLook("c-strong", "text", "", "")
	halo      = newLook("c-halo", "muted", "bg", haloRest)
	markLook  = newLook("c-mark", "text", "bg", haloRest+` font-weight="700"`)
	page      = newLook("c-page", "bg", "", "")
	grid      = newLook("c-grid", "none", "border", ` stroke-width="1"`)
	axisLook  = newLook("c-axis", "none", "control", ` stroke-width="1"`)
	line      = newLook("c-line", "none", "series-1", ` stroke-width="1.5" stroke-linejoin="round" vector-effect="non-scaling-stroke"`)
	band      = newLook("c-band", "series-1", "", ` fill-opacity="0.16"`)
	points    = newLook("c-points", "series-1", "bg", ` stroke-width="1"`)
	hollow    = newLook("c-hollow", "bg", "series-1", ` stroke-width="1.5"`)
	last      = newLook("c-last", "series-1", "", "")
	reference = newLook("c-reference", "none", "baseline", ` stroke-width="1.5" stroke-dasharray="5 3" vector-effect="non-scaling-stroke"`)
	tickOf    = newLook("c-tick", "none", "baseline", ` stroke-width="1" stroke-dasharray="2 2"`)
	bars      = newLook("c-bars", "series-1", "", ` fill-opacity="0.55"`)
	dots      = newLook("c-dots", "none", "series-1", ` stroke-width="5" stroke-linecap="round" stroke-opacity="0.5"`)
	dotsBase  = newLook("c-dots-base", "none", "baseline", ` stroke-width="5" stroke-linecap="square" stroke-opacity="0.5"`)
	zone      = newLook("c-zone", "surface2", "", "")
	moved     = map[Tone]look{
		Neutral: newLook("c-moved", "none", "muted", ` stroke-width="1.5" stroke-dasharray="4 3"`),
		Worse:   newLook("c-worse", "none", "regressed", ` stroke-width="1.5" stroke-dasharray="4 3"`),
		Better:  newLook("c-better", "none", "improved", ` stroke-width="1.5" stroke-dasharray="4 3"`),
	}
	movedText = map[Tone]look{
		Neutral: newLook("c-moved-text", "muted", "", ""),
		Worse:   newLook("c-worse-text", "regressed", "", ` font-weight="600"`),
		Better:  newLook("c-better-text", "improved", "", ` font-weight="600"`),
	}
	limitLine = map[string]look{
		"target":   newLook("c-target", "none", "limit-target", ` stroke-width="1.5"`),
		"warning":  newLook("c-warning", "none", "limit-warning", ` stroke-width="1.5" stroke-dasharray="7 4"`),
		"critical": newLook("c-critical", "none", "limit-critical", ` stroke-width="1.5" stroke-dasharray="2 3"`),
	}
	limitText = map[string]look{
		"target":   newLook("c-target-text", "limit-target", "bg", haloRest),
		"warning":  newLook("c-warning-text", "limit-warning", "bg", haloRest),
		"critical": newLook("c-critical-text", "limit-critical", "bg", haloRest),
	}
	stageBar = map[Tone]look{
		Neutral: newLook("c-stage", "surface2", "control", ""),
		Worse:   newLook("c-stage-worse", "regressed-fill", "regressed", ` stroke-width="2"`),
		Better:  newLook("c-stage-better", "improved-fill", "improved", ` stroke-width="2"`),
	}
	intervalLine = map[Tone]look{
		Neutral: newLook("c-interval", "text", "text", ` stroke-width="2"`),
		Worse:   newLook("c-interval-worse", "regressed", "regressed", ` stroke-width="2"`),
		Better:  newLook("c-interval-better", "improved", "improved", ` stroke-width="2"`),
	}
)

const haloRest = ` stroke-width="3" stroke-linejoin="round" paint-order="stroke"`

// looks are all of them, for the style sheet.
var looks []look

func newLook(class, fill, stroke, rest string) look {
	l := look{class, fill, stroke, rest}
	looks = append(looks, l)
	return l
}

// CSS returns the style sheet that goes with the charts: the tokens in light,
// dark, forced colours and print, and the colours of the marks. A root element
// with data-theme="light" or "dark" overrules the reader's system.
func CSS() string {
	var b strings.Builder
	theme := func(of func(Token) string) string {
		var t strings.Builder
		for _, token := range Tokens {
			fmt.Fprintf(&t, "--%s:%s;", token.Name, of(token))
		}
		return t.String()
	}
	dark := theme(func(t Token) string { return t.Dark })
	fmt.Fprintf(&b, ":root{color-scheme:light;%s}\n", theme(func(t Token) string { return t.Light }))
	fmt.Fprintf(&b, "@media screen and (prefers-color-scheme:dark){:root:not([data-theme=light]){color-scheme:dark;%s}}\n", dark)
	fmt.Fprintf(&b, "@media screen{:root[data-theme=dark]{color-scheme:dark;%s}}\n", dark)
	b.WriteString("@media (prefers-contrast:more){:root:root{--border:var(--text);--control:var(--text);--muted:var(--text)}}\n")
	system := theme(func(t Token) string {
		if name, ok := forced[t.Name]; ok {
			return name
		}
		return "CanvasText"
	})
	fmt.Fprintf(&b, "@media (forced-colors:active){:root:root{%s}}\n", system)
	for _, l := range looks {
		b.WriteString(l.rule())
	}
	b.WriteString("@media (max-width:640px){.c-wide{display:none}}\n")
	return b.String()
}
