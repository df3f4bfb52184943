package html

import (
	"html/template"
	"maps"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
)

// shapes are drawn rather than written: a font may lack a glyph. 16 units a
// side; strokes and fills are the colour of the text beside them.
var shapes = map[string]string{
	"up":       `<path d="M8 14V3M3 8l5-5 5 5" fill="none" stroke="currentColor" stroke-width="2"/>`,
	"down":     `<path d="M8 2v11M3 8l5 5 5-5" fill="none" stroke="currentColor" stroke-width="2"/>`,
	"equal":    `<path d="M2 6h12M2 10.5h12" fill="none" stroke="currentColor" stroke-width="2"/>`,
	"wave":     `<path d="M1.5 9.5q3-5 6.5-1.5t6.5-1.5" fill="none" stroke="currentColor" stroke-width="2"/>`,
	"plus":     `<path d="M8 2v12M2 8h12" fill="none" stroke="currentColor" stroke-width="2"/>`,
	"cross":    `<path d="M3 3l10 10M13 3L3 13" fill="none" stroke="currentColor" stroke-width="2"/>`,
	"unequal":  `<path d="M2 6h12M2 10.5h12M11 2L5 14" fill="none" stroke="currentColor" stroke-width="2"/>`,
	"check":    `<path d="M2 8l4 5 8-10" fill="none" stroke="currentColor" stroke-width="2"/>`,
	"within":   `<circle cx="8" cy="8" r="5.5" fill="currentColor"/>`,
	"over":     `<circle cx="8" cy="8" r="5.5" fill="none" stroke="currentColor" stroke-width="1.5"/><path d="M8 2.5a5.5 5.5 0 0 1 0 11z" fill="currentColor"/>`,
	"warning":  `<path d="M8 2l6.5 12h-13z" fill="currentColor"/>`,
	"critical": `<path d="M5 1.5h6l3.5 3.5v6l-3.5 3.5h-6l-3.5-3.5v-6z" fill="currentColor"/>`,
}

// icons defines the shapes, for icon to use.
var icons = func() template.HTML {
	var b strings.Builder
	b.WriteString(`<svg class="shapes" width="0" height="0" aria-hidden="true">`)
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		b.WriteString(`<symbol id="i-` + name + `" viewBox="0 0 16 16">` + shapes[name] + `</symbol>`)
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}()

// icon is a shape in the text. A word stands beside it.
func icon(name string) template.HTML {
	if _, known := shapes[name]; !known {
		return ""
	}
	return template.HTML(`<svg class="i" width="16" height="16" aria-hidden="true"><use href="#i-` + name + `"/></svg>`)
}

// iconOf is the shape that a symbol stands for.
func iconOf(symbol string) string {
	return map[string]string{"↑": "up", "↓": "down", "=": "equal", "~": "wave", "+": "plus", "✕": "cross", "≠": "unequal", "✓": "check",
		"●": "within", "◐": "over", "▲": "warning", "■": "critical"}[symbol]
}

// chip is a word with its shape and colour.
type chip struct{ Icon, Class, Word, Share string }

func changeChip(m *judge.Metric) chip {
	c := chip{Icon: iconOf(report.Symbol(m, false)), Word: report.Change(m)}
	switch {
	case m.Accepted != nil:
		c.Class = "warning"
	case m.Ignored:
	case m.Change == judge.Incomparable:
		c.Class = "inconclusive"
	case m.Change == judge.Missing:
		c.Class = "warning"
	default:
		c.Class = string(m.Change) // those without a colour of their own are plain
	}
	return c
}

func statusChip(s judge.BudgetStatus, share string) *chip {
	if s == "" {
		return nil
	}
	c := &chip{Icon: iconOf(report.StatusSymbol(s, false)), Word: string(s), Share: strings.Replace(share, "%", "\u202f%", 1)}
	c.Class = map[judge.BudgetStatus]string{judge.Within: "within", judge.OverTarget: "warning", judge.OverWarning: "warning", judge.OverCritical: "critical"}[s]
	if s == judge.NoBudget {
		c.Word = "no data"
	}
	return c
}
