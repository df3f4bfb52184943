package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// combination is one value for each parameter.
type combination []param

type param struct{ name, value string }

// mostCombinations keeps a mistyped range from running for a year.
const mostCombinations = 1000

// parseParams reads NAME=A,B,C and NAME=1..8 and returns every combination of
// their values, the last parameter changing fastest: without any, one that is
// empty.
func parseParams(words []string) ([]combination, error) {
	list := []combination{nil}
	seen := make(map[string]bool)
	for _, word := range words {
		name, text, ok := strings.Cut(word, "=")
		if !ok || name == "" || text == "" || strings.ContainsAny(name, "{}") {
			return nil, hint(fmt.Errorf("--param %q: expected NAME=A,B", word), "--param threads=1,2,4 -- ./app --threads {threads}")
		}
		if seen[name] {
			return nil, fmt.Errorf("--param %s is given twice", name)
		}
		seen[name] = true
		values, err := paramValues(text)
		if err != nil {
			return nil, fmt.Errorf("--param %s: %w", name, err)
		}
		if len(list)*len(values) > mostCombinations {
			return nil, fmt.Errorf("--param %s: more than %d combinations", name, mostCombinations)
		}
		var longer []combination
		for _, c := range list {
			for _, v := range values {
				longer = append(longer, append(slices.Clip(c), param{name, v}))
			}
		}
		list = longer
	}
	return list, nil
}

func paramValues(text string) ([]string, error) {
	from, to, ok := strings.Cut(text, "..")
	lo, errLo := strconv.Atoi(from)
	hi, errHi := strconv.Atoi(to)
	if !ok || errLo != nil || errHi != nil {
		values := strings.Split(text, ",")
		for i, v := range values {
			if slices.Contains(values[:i], v) {
				return nil, fmt.Errorf("%q is there twice", v)
			}
		}
		return values, nil
	}
	if lo > hi || hi-lo >= mostCombinations {
		return nil, fmt.Errorf("%s: expected at most %d values, the smaller first", text, mostCombinations)
	}
	var values []string
	for n := lo; n <= hi; n++ {
		values = append(values, strconv.Itoa(n))
	}
	return values, nil
}

// apply puts the values in place of {NAME} into what is executed, around it and
// in what its run is called, and makes labels of them. Each has to be used.
func (c combination) apply(x *execFlags, words []string) (execFlags, []string, error) {
	with := *x
	with.files = nil
	used := make(map[string]bool)
	replace := func(text string) string {
		// What a value holds is not looked at again.
		var pairs []string
		for _, p := range c {
			placeholder := "{" + p.name + "}"
			used[p.name] = used[p.name] || strings.Contains(text, placeholder)
			pairs = append(pairs, placeholder, p.value)
		}
		return strings.NewReplacer(pairs...).Replace(text)
	}
	words = mapped(words, replace)
	for _, text := range []*string{&with.version, &with.branch, &with.dir, &with.stdin, &with.output, &with.prepare, &with.cleanup,
		&with.line, &with.http, &with.tcp, &with.file} {
		*text = replace(*text)
	}
	with.env, with.labels = mapped(x.env, replace), mapped(x.labels, replace)
	labels, err := parseLabels(with.labels)
	if err != nil {
		return with, nil, err
	}
	for _, p := range c {
		if !used[p.name] {
			return with, nil, hint(fmt.Errorf("--param %s: there is no {%s} in the command, nor in a flag that says how it is executed", p.name, p.name), "pacer run --param %s=... -- ./app {%s}", p.name, p.name)
		}
		switch old, twice := labels[p.name]; {
		case twice && old != p.value:
			return with, nil, fmt.Errorf("--param %s and --label %s=%s contradict one another", p.name, p.name, old)
		case !twice:
			with.labels = append(with.labels, p.name+"="+p.value)
		}
	}
	return with, words, nil
}

func mapped(list []string, f func(string) string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = f(s)
	}
	return out
}
