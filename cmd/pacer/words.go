package main

import (
	"errors"
	"fmt"
	"strings"
)

// splitWords splits a command line into words as a shell would that has nothing
// but quotes and backslashes. What only a shell can do is refused: it would be
// handed on as a word like others.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord := false
	runes := []rune(line)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; {
		case r == '\'':
			inWord = true
			end := i + 1
			for end < len(runes) && runes[end] != '\'' {
				end++
			}
			if end == len(runes) {
				return nil, errors.New("a quote without its other half")
			}
			word.WriteString(string(runes[i+1 : end]))
			i = end
		case r == '"':
			inWord = true
			closed := false
			for i++; i < len(runes); i++ {
				if runes[i] == '"' {
					closed = true
					break
				}
				if runes[i] == '\\' && i+1 < len(runes) && strings.ContainsRune("\"\\$`", runes[i+1]) {
					i++
				} else if runes[i] == '$' || runes[i] == '`' {
					return nil, fmt.Errorf("%q is for a shell", string(runes[i]))
				}
				word.WriteRune(runes[i])
			}
			if !closed {
				return nil, errors.New("a quote without its other half")
			}
		case r == '\\' && i+1 < len(runes):
			inWord = true
			i++
			word.WriteRune(runes[i])
		case r == ' ' || r == '\t' || r == '\n':
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		case strings.ContainsRune("|&;<>()$`*", r) || r == '?' && !inWord || (r == '#' || r == '~') && !inWord:
			return nil, fmt.Errorf("%q is for a shell", string(r))
		default:
			inWord = true
			word.WriteRune(r)
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	if len(words) == 0 {
		return nil, errors.New("an empty command")
	}
	return words, nil
}
