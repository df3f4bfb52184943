package main

import (
	"net/url"
	"regexp"
	"strings"
)

// secretName matches names of flags and variables whose values are not for a
// history that others read.
var secretName = regexp.MustCompile(`(?i)(token|secret|passw|pwd|credential|auth($|[-_]|orization)|bearer|cookie|session|private|(^|[-_])key$|api[-_]?key|access[-_]?key)`)

const redacted = "[redacted]"

// redact returns a command line without values that look like secrets:
// --token=x, --token x, TOKEN=x, user:x@host.
func redact(args []string) []string {
	out := make([]string, len(args))
	hide := false
	for i, arg := range args {
		out[i] = arg
		name, value, assigned := strings.Cut(arg, "=")
		isFlag := strings.HasPrefix(arg, "-")
		switch {
		case hide && !isFlag:
			out[i] = redacted
		case assigned && secretName.MatchString(strings.TrimLeft(name, "-")):
			out[i] = name + "=" + redacted
		default:
			out[i] = redactURL(arg, value, assigned)
		}
		hide = isFlag && !assigned && secretName.MatchString(strings.TrimLeft(arg, "-"))
	}
	return out
}

// redactURL hides a password in a URL, whether it is the whole argument or the
// value of a flag.
func redactURL(arg, value string, assigned bool) string {
	for _, text := range []string{arg, value} {
		if text == "" || text == value && !assigned {
			continue
		}
		if u, err := url.Parse(text); err == nil && u.User != nil {
			if _, has := u.User.Password(); has {
				u.User = url.UserPassword(u.User.Username(), "redacted")
				return strings.TrimSuffix(arg, text) + u.String()
			}
		}
	}
	return arg
}
