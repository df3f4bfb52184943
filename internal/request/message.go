package request

import (
	"encoding/json"
	"strings"
	"unicode"
)

// message returns what the body of an answer says is wrong: the message of a
// JSON object as GitHub, GitLab and most others write it, else its first line.
func message(body []byte) string {
	var said struct {
		Message json.RawMessage `json:"message"`
		Error   json.RawMessage `json:"error"`
		Errors  json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(body, &said) == nil {
		var parts []string
		for _, part := range []json.RawMessage{said.Message, said.Error, said.Errors} {
			if text := words(part); text != "" {
				parts = append(parts, text)
			}
		}
		return line(strings.Join(parts, ": "))
	}
	text := strings.TrimSpace(string(body))
	if strings.HasPrefix(text, "<") {
		return "" // a page for people
	}
	first, _, _ := strings.Cut(text, "\n")
	return line(first)
}

// words returns a JSON string as it is, anything else as JSON.
func words(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	if s := string(raw); s != "null" {
		return s
	}
	return ""
}

// line makes a text one short line that a terminal shows as it is.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > 300 {
		s = string(runes[:300]) + "..."
	}
	return s
}
