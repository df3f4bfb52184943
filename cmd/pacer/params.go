package main

import (
	"fmt"
	"maps"
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

// apply puts the values into a subject: in place of {NAME} and as labels.
func (c combination) apply(s *subject) error {
	if len(c) == 0 {
		return nil
	}
	var pairs []string
	labels := maps.Clone(s.labels)
	for _, p := range c {
		placeholder := "{" + p.name + "}"
		uses := func(text string) bool { return strings.Contains(text, placeholder) }
		if !slices.ContainsFunc(slices.Concat(s.task.Args, s.task.Env), uses) && !uses(s.task.Prepare) && !uses(s.task.Dir) {
			return hint(fmt.Errorf("--param %s: there is no %s in the command, in --prepare, --env or --dir", p.name, placeholder), "pacer run --param %s=... -- ./app %s", p.name, placeholder)
		}
		if old, twice := labels[p.name]; twice && old != p.value {
			return fmt.Errorf("--param %s and --label %s=%s contradict one another", p.name, p.name, old)
		}
		labels[p.name] = p.value
		pairs = append(pairs, placeholder, p.value)
	}
	replace := strings.NewReplacer(pairs...).Replace
	s.labels = labels
	s.task.Args, s.task.Env = mapped(s.task.Args, replace), mapped(s.task.Env, replace)
	s.task.Prepare, s.task.Cleanup, s.task.Dir = replace(s.task.Prepare), replace(s.task.Cleanup), replace(s.task.Dir)
	return nil
}

func mapped(list []string, f func(string) string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = f(s)
	}
	return out
}
