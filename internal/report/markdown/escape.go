package markdown

import (
	"strings"

	"github.com/pacer-perf/pacer/internal/report"
)

// escape writes text so that Markdown shows it as it is, in a table too: no
// markup, no mention of a person, no formula, on one line.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			b.WriteByte(' ')
		case report.Control(r):
			b.WriteRune('\uFFFD')
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '`':
			b.WriteString("&#96;")
		case r == '@':
			b.WriteString("@\u200b") // a space of no width: nobody is called
		case strings.ContainsRune("\\*_[]|~$#!", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// cellCode writes text as a code span in a table, where a bar would end the cell.
func cellCode(s string) string { return strings.ReplaceAll(code(s), "|", `\|`) }

// code writes text as a code span.
func code(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case report.Control(r):
			return '\uFFFD'
		}
		return r
	}, s)
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	pad := ""
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") || s == "" {
		pad = " "
	}
	return fence + pad + s + pad + fence
}

// prose writes numbers as prose does: a true minus, a space before the percent
// sign.
func prose(s string) string {
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		digit := func(k int) bool { return k >= 0 && k < len(runes) && runes[k] >= '0' && runes[k] <= '9' }
		switch {
		case r == '-' && digit(i+1) && (i == 0 || runes[i-1] == ' ' || runes[i-1] == '('):
			b.WriteRune('\u2212')
		case r == '%' && digit(i-1):
			b.WriteString(" %")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
