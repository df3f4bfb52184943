package main

import (
	"path/filepath"
	"regexp"
	"strings"
)

// programName names an app by the word that names its program.
func programName(word string) string { return strings.TrimSuffix(filepath.Base(word), ".exe") }

// assignment is a word that sets a variable for the command behind it.
var assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)

// programOf names an app by its command, which env may set variables for.
func programOf(words []string) string {
	name := programName(words[0])
	if name != "env" {
		return name
	}
	for _, w := range words[1:] {
		if !assignment.MatchString(w) && !strings.HasPrefix(w, "-") {
			return programName(w)
		}
	}
	return name
}

// beforeProgram is what may stand before the program's name in a text for the
// shell: what opens a group, and variables.
var beforeProgram = regexp.MustCompile(`^\s*(?:[({!]+\s*|env(?:\s+-\S+)*\s+|[A-Za-z_][A-Za-z0-9_]*=(?:'[^']*'|"(?:[^"\\]|\\.)*"|[^\s'"])*(?:\s+|$))`)

// programIn names an app by its text for the shell.
func programIn(text string) string {
	rest := text
	for {
		before := beforeProgram.FindString(rest)
		if before == "" {
			break
		}
		rest = rest[len(before):]
	}
	word := strings.Trim(first(strings.Fields(rest)...), "();&|'\"")
	return programName(first(word, first(strings.Fields(text)...)))
}
