package pacerotel

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"unicode"

	"github.com/pacer-perf/pacer/run"
)

const (
	maxName = 64  // bytes of the name of a stage
	maxPath = 200 // bytes of it and all that it is below, which is the SDK's limit
)

// stageName makes the name of a span that of a stage. See NewSpanProcessor.
func stageName(span string) string {
	if isStageName(span) {
		return span // as it is, and without an allocation
	}
	var b strings.Builder
	b.Grow(min(len(span), maxName+1)) // one more for a dot at the end
	dot := false                      // due before the next character
	for _, r := range span {
		if r = unicode.ToLower(r); !inName(r) {
			dot = b.Len() > 0
			continue
		}
		if dot {
			b.WriteByte('.')
			dot = false
		}
		b.WriteRune(r)
		if b.Len() >= maxName {
			break
		}
	}
	name := strings.TrimRight(b.String()[:min(b.Len(), maxName)], ".")
	switch {
	case name == "": // all in another script: tell them apart at least
		hash := fnv.New32a()
		hash.Write([]byte(span))
		return fmt.Sprintf("span.%08x", hash.Sum32())
	case name[0] < 'a' || name[0] > 'z' || reserved(name):
		name = "span." + name
		return strings.TrimRight(name[:min(len(name), maxName)], ".")
	}
	return name
}

func inName(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '-'
}

// isStageName tells whether a name can stay: dotted lower case, not reserved.
func isStageName(name string) bool {
	if name == "" || len(name) > maxName || name[0] < 'a' || name[0] > 'z' || name[len(name)-1] == '.' {
		return false
	}
	for i, r := range name {
		if !inName(r) && (r != '.' || name[i-1] == '.') {
			return false
		}
	}
	return !reserved(name)
}

// reserved tells whether a metric is one that the SDK measures itself.
func reserved(name string) bool {
	return name == run.Startup || name == run.Speed || slices.ContainsFunc(
		[]string{"startup/", "startup.", "memory.", "gc.", "go.", "process.", "pacer."},
		func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}
