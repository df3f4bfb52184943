// Package badge says a verdict in a picture of one line, as shields.io draws
// them: SVG with attributes alone, so that it shows wherever images do.
package badge

import (
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
)

// White on each of these has a contrast of 7 or more.
var fills = map[judge.Word]string{judge.Pass: "#00583F", judge.Warn: "#6B4A00", judge.Fail: "#A8201A", judge.Undecided: "#5A3291"}

const label = "performance"

// Write writes the badge: what it is about, the verdict, and the one count
// that explains it.
func Write(w io.Writer, r *report.Report) error {
	v := r.Verdict
	text := string(v.Verdict)
	if count, _, _ := strings.Cut(report.Counts(v.Metrics), ","); v.Verdict != judge.Pass && len(v.Metrics) > 0 {
		text += ": " + count
	}
	fill, known := fills[v.Verdict]
	if !known {
		fill = "#3D4753"
	}
	left, right := width(label)+10, width(text)+10
	title := html.EscapeString(label + ": " + text)
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="20" role="img" aria-label="%[5]s">
<title>%[5]s</title>
<rect width="%[1]d" height="20" rx="3" fill="#3D4753"/>
<path d="M%[2]d 0h%[6]dq3 0 3 3v14q0 3 -3 3h-%[6]dz" fill="%[4]s"/>
<g fill="#FFFFFF" text-anchor="middle" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11">
<text x="%[7]g" y="14">%[8]s</text>
<text x="%[9]g" y="14">%[10]s</text>
</g>
</svg>
`, left+right, left, right, fill, title, right-3, float64(left)/2, label, float64(left)+float64(right)/2, html.EscapeString(text))
	return err
}

// width is about how wide Verdana of 11 pixels draws a text of ours: small
// letters, digits and a few signs.
func width(s string) int {
	total := 0.0
	for _, r := range s {
		switch {
		case strings.ContainsRune("ijl", r):
			total += 3.1
		case strings.ContainsRune("ft:,. ", r):
			total += 4.4
		case strings.ContainsRune("mw", r):
			total += 9.9
		default:
			total += 6.9
		}
	}
	return int(total + 0.999)
}
