package judge

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/run"
)

// Pattern selects metrics: a name, which stands for the metric with any
// labels, or a name with labels as run.Key writes them, and in either * for
// any run of characters: track.*, table.filter{rows=*}.
//
// With labels, the metric has exactly those, in any order; a * among them
// stands for any others: table.filter{rows=1000,*}, table.filter{*}.
//
// Where several patterns match a metric the most specific one holds: labels
// before none, then a name without * before one with, then labels without *
// before some with, then the one with more characters that are not *; the last
// of equals.
type Pattern string

// ParsePattern reads a pattern and puts its labels in the order of their keys.
// The error says what is wrong with it.
//
// A brace opens labels. A name that holds one itself is selected with * in its
// place.
func ParsePattern(s string) (Pattern, error) {
	switch {
	case s == "":
		return "", errors.New("the name of the metric is empty")
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return "", fmt.Errorf("%q holds what no name of a metric can: expected text without control characters", s)
	case !strings.ContainsAny(s, "{}"):
		return Pattern(s), nil
	}
	name, body, ok := Pattern(s).split()
	const form = "expected labels at the end, as in table.filter{rows=1000}, and * for a brace that belongs to a name"
	switch {
	case !ok || strings.Contains(name, "}") || !balanced(body):
		return "", fmt.Errorf("%q has a brace without its other half: %s", s, form)
	case name == "":
		return "", fmt.Errorf("%q has no name before the labels: write *%s for any", s, s)
	case strings.TrimSpace(body) == "":
		return "", fmt.Errorf("%q has no labels between its braces: %s alone stands for any, %s{*} for some", s, name, name)
	}
	want, open, err := labelsOf(body)
	if err != nil {
		return "", fmt.Errorf("%q %w", s, err)
	}
	if len(want) > run.MaxLabels {
		return "", fmt.Errorf("%q has %d labels: at most %d", s, len(want), run.MaxLabels)
	}
	return assemble(name, want, open), nil
}

// PatternOf returns the pattern that selects one metric. Braces that belong to
// its name become *.
func PatternOf(name string, labels map[string]string) Pattern {
	plain := strings.NewReplacer("{", "*", "}", "*").Replace(name)
	p := Pattern(run.Key(plain, labels))
	if canonical, err := ParsePattern(string(p)); err == nil && canonical == p && p.Matches(name, labels) {
		return p
	}
	return Pattern(plain) + "{*}" // labels that do not read back, such as an unpaired brace in a value
}

// Matches tells whether the pattern selects a metric.
func (p Pattern) Matches(name string, labels map[string]string) bool {
	wanted, body, ok := p.split()
	if !ok {
		return match(string(p), name)
	}
	if match(wanted, name) {
		if want, open, err := labelsOf(body); err == nil && matchLabels(want, open, labels) {
			return true
		}
	}
	// A name or a value with a brace or a comma of its own.
	return string(p) == run.Key(name, labels)
}

// Literal tells whether the pattern is a plain name or key.
func (p Pattern) Literal() bool { return !strings.Contains(string(p), "*") }

// split returns the name and what is between the braces, false if the pattern
// has no labels.
func (p Pattern) split() (name, body string, ok bool) {
	name, body, ok = strings.Cut(string(p), "{")
	if !ok || !strings.HasSuffix(body, "}") {
		return string(p), "", false
	}
	return name, body[:len(body)-1], true
}

// label is one label of a pattern; its value may hold *.
type label struct{ key, value string }

// labelsOf reads what is between the braces of a pattern, sorted by key. Open
// tells of a * among them. A part without = goes on with the value before it,
// for values are written as they are, commas and all.
func labelsOf(body string) (want []label, open bool, err error) {
	for part := range strings.SplitSeq(body, ",") {
		key, value, ok := strings.Cut(part, "=")
		key = strings.TrimSpace(key)
		switch {
		case !ok && key == "*":
			open = true
		case !ok && len(want) > 0:
			want[len(want)-1].value += "," + part
		case !ok && key != "":
			return nil, false, fmt.Errorf("has the label %s without a value: write %s=* for any", key, key)
		case key == "":
			return nil, false, errors.New("has a label without a key: expected key=value")
		case slices.ContainsFunc(want, func(l label) bool { return l.key == key }):
			return nil, false, fmt.Errorf("has the label %s twice", key)
		default:
			want = append(want, label{key, value})
		}
	}
	slices.SortFunc(want, func(a, b label) int { return strings.Compare(a.key, b.key) })
	return want, open, nil
}

func matchLabels(want []label, open bool, labels map[string]string) bool {
	if len(labels) < len(want) || len(labels) > len(want) && !open || len(labels) == 0 {
		return false
	}
	for _, l := range want {
		if value, there := labels[l.key]; !there || !match(l.value, value) {
			return false
		}
	}
	return true
}

// assemble writes a pattern with its labels in order.
func assemble(name string, want []label, open bool) Pattern {
	parts := make([]string, 0, len(want)+1)
	for _, l := range want {
		parts = append(parts, l.key+"="+l.value)
	}
	if open {
		parts = append(parts, "*")
	}
	return Pattern(name + "{" + strings.Join(parts, ",") + "}")
}

// balanced tells whether every brace has its other half, after it.
func balanced(s string) bool {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			depth--
		}
		if depth < 0 {
			return false
		}
	}
	return depth == 0
}

// weight orders patterns by how specific they are.
func (p Pattern) weight() int {
	name, body, labelled := p.split()
	w := min(len(p)-strings.Count(string(p), "*"), 1<<20)
	if labelled {
		w += 1 << 26
	}
	if !strings.Contains(name, "*") {
		w += 1 << 25
	}
	if !strings.Contains(body, "*") {
		w += 1 << 24
	}
	return w
}

// match is a glob with * alone, which matches anything, dots and slashes too.
// It costs len(pattern)·len(text) at most, and allocates nothing.
func match(pattern, text string) bool {
	p, star, back := 0, -1, 0
	for t := 0; t < len(text); {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, back = p, t
			p++
		case p < len(pattern) && pattern[p] == text[t]:
			p++
			t++
		case star >= 0: // the last * takes one more
			back++
			p, t = star+1, back
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
