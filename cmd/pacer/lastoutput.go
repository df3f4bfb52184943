package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/pacer-perf/pacer/internal/report"
)

// withOutput adds the last lines of a command's output to an error.
func withOutput(err error, tail string) error {
	if tail == "" {
		return err
	}
	lines := strings.Split(tail, "\n")
	for i := range lines {
		lines[i] = plainLine(lines[i])
	}
	return fmt.Errorf("%w; its last output:\n  %s", err, strings.Join(lines, "\n  "))
}

// longestLine is how much of a line of output an error shows.
const longestLine = 300

// steering is what a terminal takes for colors and the like.
var steering = regexp.MustCompile("\x1b\\[[0-9:;<=>?]*[ -/]*[@-~]")

// plainLine is what a terminal would show of a line, without what steers it.
func plainLine(s string) string {
	s = steering.ReplaceAllString(strings.TrimRight(s, "\r"), "")
	s = s[strings.LastIndexByte(s, '\r')+1:] // a progress bar's last state
	s = strings.Map(func(r rune) rune {
		if report.Control(r) && r != '\t' {
			return '?'
		}
		return r
	}, s)
	return cut(s, longestLine)
}
