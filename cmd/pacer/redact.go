package main

import (
	"regexp"
	"strings"
)

const redacted = "[redacted]"

// secretWord matches the part of a name that says its value is not for a
// history which others read: a whole word of api-token, DB_PASSWORD,
// accessToken, not a part of author or tokenizer.
const secretWord = `(?:tokens?|secrets?|passwords?|passwd|passphrase|pwd|pass|credentials?|auth|authorization|bearer|cookies?|api-?keys?|apikey|keys?)`

// secretName is a name with such a word: of a flag, a variable, a header, a
// query parameter.
const secretName = `(?:[A-Za-z0-9]+[-_.])*(?:` + secretWord + `|(?-i:[a-z0-9]+(?:Token|Secret|Password|Key)))(?:[-_.][A-Za-z0-9]+)*`

var (
	// A flag alone, whose value is the next word.
	secretFlag = regexp.MustCompile(`^--?(?i:` + secretName + `)$`)
	// What can stand anywhere in a word, such as the text that sh -c runs:
	// NAME=value, --name=value, "Name: value", --name value, ?name=value.
	secretHeader   = regexp.MustCompile(`\b((?i:` + secretName + `):\s*(?i:bearer |basic |token )?)[^\s'"]+`)
	secretValue    = regexp.MustCompile(`((?:^|[\s'"?&;-])(?i:` + secretName + `)=)[^\s'"&;]+`)
	secretArgument = regexp.MustCompile(`((?:^|\s)--?(?i:` + secretName + `)\s+)[^\s'"]+`)
	// user:password@ and token@ in front of a host.
	secretUser = regexp.MustCompile(`(://)(?:([^/\s:@'"]+):)?[^/\s@'"]+@`)
	// Tokens that say what they are.
	secretForm = regexp.MustCompile(`\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk-|AKIA|eyJ[A-Za-z0-9_-]+\.)[A-Za-z0-9_./+=-]{4,}`)
)

// redact returns a command line without values that look like secrets.
func redact(args []string) []string {
	out := make([]string, len(args))
	for i, arg := range args {
		switch {
		case i > 0 && secretFlag.MatchString(args[i-1]):
			out[i] = redacted
		case i > 0 && (args[i-1] == "-u" || args[i-1] == "--user") && strings.Contains(arg, ":"):
			user, _, _ := strings.Cut(arg, ":")
			out[i] = user + ":" + redacted
		default:
			out[i] = redactText(arg)
		}
	}
	return out
}

func redactText(s string) string {
	s = secretUser.ReplaceAllStringFunc(s, func(m string) string {
		user := secretUser.FindStringSubmatch(m)[2]
		if user == "" {
			return "://" + redacted + "@"
		}
		return "://" + user + ":" + redacted + "@"
	})
	for _, form := range []*regexp.Regexp{secretHeader, secretValue, secretArgument} {
		s = form.ReplaceAllString(s, "${1}"+redacted)
	}
	return secretForm.ReplaceAllString(s, redacted)
}
