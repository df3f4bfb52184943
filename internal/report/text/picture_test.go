package text

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/internal/golden"
	"github.com/pacer-perf/pacer/internal/report/reporttest"
)

// The picture of a terminal in the documents is what the code writes today.
func TestPicture(t *testing.T) {
	t.Parallel()
	text := verdict(t, reporttest.Worked(), Options{Width: 96, Color: true, Exit: "exit 1"})
	golden.Check(t, "../../../../docs/terminal.svg", picture("$ pacer check\n"+string(text)))
}

// fills are the colours of a dark terminal.
var fills = map[paint]string{plain: "#EEF2F6", bold: "#FFFFFF", faint: "#A9B4C2", red: "#FF8A80", green: "#7FE0BC", yellow: "#FFD166", magenta: "#D3B8FF", cyan: "#9CCBFF"}

// apart are the parts of a line between wide spaces, which SVG would fold.
var apart = regexp.MustCompile(`\S+(?: \S+)*| +`)

// picture draws what a terminal shows as SVG.
func picture(screen string) []byte {
	const letter, row, edge = 8.4, 19, 16
	lines := strings.Split(strings.TrimRight(screen, "\n"), "\n")
	var body strings.Builder
	widest := 0
	for i, line := range lines {
		column := 0
		fmt.Fprintf(&body, "<text y=\"%d\">", edge+14+i*row)
		for how := plain; line != ""; {
			at := strings.Index(line, "\x1b[")
			if at < 0 {
				at = len(line)
			}
			weight := ""
			if how == bold || how == red {
				weight = ` font-weight="700"`
			}
			for _, part := range apart.FindAllString(line[:at], -1) {
				if strings.TrimSpace(part) != "" {
					fmt.Fprintf(&body, `<tspan x="%.1f" fill="%s"%s>%s</tspan>`, edge+float64(column)*letter, fills[how], weight, html.EscapeString(part))
				}
				column += utf8.RuneCountInString(part)
			}
			if line = line[at:]; line != "" {
				end := strings.IndexByte(line, 'm') + 1
				if how, line = paint(line[:end]), line[end:]; how == reset {
					how = plain
				}
			}
		}
		widest = max(widest, column)
		body.WriteString("</text>\n")
	}
	width, height := 2*edge+float64(widest)*letter, 2*edge+len(lines)*row
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]g" height="%[2]d" viewBox="0 0 %[1]g %[2]d" role="img" aria-label="pacer check in a terminal" font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace" font-size="14">
<rect width="100%%" height="100%%" rx="8" fill="#0F1419"/>
%[3]s</svg>
`, width, height, body.String())
}
