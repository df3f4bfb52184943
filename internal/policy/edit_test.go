package policy

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/judge"
)

// Edits, and what becomes of the text.
func TestEdit(t *testing.T) {
	t.Parallel()
	const aligned = "# what we hold ourselves to\napp: cuepoint # the app\nbudgets:\n  startup:       {target: 2s, warning: 3s, critical: 5s} # cold\n  track.process: {target: 250ms}\n\n# noise\nthresholds:\n  \"go.*\": {ignore: true}\n"
	const block = "budgets:\n    startup:\n        # as the release notes say\n        target: 2s   # really\n        critical: 5s\n    other:\n        target: 1s\n"
	budget := func(metric string, texts ...string) Edits {
		texts = append(texts, "", "", "")
		return Edits{Budgets: []BudgetEdit{{Metric: judge.Pattern(metric), Target: texts[0], Warning: texts[1], Critical: texts[2]}}}
	}
	check := func(key, value string) Edits { return Edits{Checks: []CheckEdit{{key, value}}} }
	for _, tt := range []struct {
		name      string
		text      string
		edits     Edits
		old, with string // what is there once, and what stands in its place
	}{
		{name: "nothing", text: aligned},
		{name: "the same", text: aligned, edits: budget("startup", "2s", "3s", "5s")},
		{name: "the same, written otherwise", text: aligned, edits: budget("startup", "2000ms", "3 s", "5s")},
		{name: "a limit", text: aligned, edits: budget("startup", "2s", "3500ms", "5s"), old: "warning: 3s", with: "warning: 3500ms"},
		{name: "two limits", text: aligned, edits: budget("startup", "2s", "3500ms", "6s"), old: "warning: 3s, critical: 5s", with: "warning: 3500ms, critical: 6s"},
		{name: "a limit more", text: aligned, edits: budget("track.process", "250ms", "", "1s"), old: "{target: 250ms}", with: "{target: 250ms, critical: 1s}"},
		{name: "a limit less", text: aligned, edits: budget("startup", "2s", "", "5s"), old: ", warning: 3s", with: ""},
		{name: "the first limit less", text: aligned, edits: budget("startup", "", "3s", "5s"), old: "target: 2s, ", with: ""},
		{name: "the last limit less", text: aligned, edits: budget("startup", "2s", "3s"), old: ", critical: 5s", with: ""},
		{name: "another limit in place of the only one", text: aligned, edits: budget("track.process", "", "1s"), old: "target: 250ms", with: "warning: 1s"},
		{name: "a statistic", text: aligned, edits: Edits{Budgets: []BudgetEdit{{Metric: "startup", Statistic: "p99", Target: "2s", Warning: "3s", Critical: "5s"}}}, old: "{target: 2s", with: "{statistic: p99, target: 2s"},
		{name: "a budget more", text: aligned, edits: budget("ui", "100ms"), old: "{target: 250ms}\n", with: "{target: 250ms}\n  ui:            {target: 100ms}\n"},
		{name: "a budget more, with a long name", text: aligned, edits: budget("table.filter{rows=1000}", "100ms"), old: "{target: 250ms}\n", with: "{target: 250ms}\n  \"table.filter{rows=1000}\": {target: 100ms}\n"},
		{name: "a budget less", text: aligned, edits: budget("startup"), old: "  startup:       {target: 2s, warning: 3s, critical: 5s} # cold\n", with: ""},
		{name: "none that is not there", text: aligned, edits: budget("ui")},
		{name: "an empty file", text: "", edits: budget("ui", "100ms"), old: "", with: "budgets:\n  ui: {target: 100ms}\n"},
		{name: "a file of comments", text: "# nothing yet", edits: budget("ui", "100ms", "1s"), old: "yet", with: "yet\nbudgets:\n  ui: {target: 100ms, warning: 1s}\n"},
		{name: "a file without budgets", text: "app: x\n", edits: budget("ui", "100ms"), old: "x\n", with: "x\nbudgets:\n  ui: {target: 100ms}\n"},
		{name: "no end of line", text: "budgets:\n  a: {target: 1s}", edits: budget("b", "1s"), old: "1s}", with: "1s}\n  b: {target: 1s}\n"},
		{name: "budgets without any", text: "budgets:\napp: x\n", edits: budget("ui", "100ms"), old: "budgets:\n", with: "budgets:\n  ui: {target: 100ms}\n"},
		{name: "budgets in braces", text: "budgets: {a: {target: 1s}, \"b\": {target: 2s}}\n", edits: budget("b", "3s"), old: "2s", with: "3s"},
		{name: "one more in braces", text: "budgets: {a: {target: 1s}}\n", edits: budget("b", "3s"), old: "1s}", with: "1s}, b: {target: 3s}"},
		{name: "one less in braces", text: "budgets: {a: {target: 1s}, b: {target: 2s}}\n", edits: budget("a"), old: "a: {target: 1s}, ", with: ""},
		{name: "empty braces", text: "budgets: {}\n", edits: budget("b", "3s"), old: "{}", with: "{b: {target: 3s}}"},
		{name: "braces over lines", text: "budgets:\n  a: {target: 1s, # one\n      critical: 3s}\n  b: {target: 1s}\n", edits: budget("a", "1s", "", "4s"), old: "critical: 3s", with: "critical: 4s"},
		{name: "braces over lines, one more", text: "budgets:\n  a: {target: 1s,\n      critical: 3s}\n", edits: budget("c", "4s"), old: "3s}\n", with: "3s}\n  c: {target: 4s}\n"},
		{name: "a block", text: block, edits: budget("startup", "2500ms", "", "5s"), old: "target: 2s ", with: "target: 2500ms "},
		{name: "a block, one more", text: block, edits: budget("startup", "2s", "3s", "5s"), old: "really\n", with: "really\n        warning: 3s\n"},
		{name: "a block, the last one more", text: block, edits: budget("other", "1s", "3s"), old: "target: 1s\n", with: "target: 1s\n        warning: 3s\n"},
		{name: "a block, one less", text: block, edits: budget("startup", "2s"), old: "        critical: 5s\n", with: ""},
		{name: "a block, the budget less", text: block, edits: budget("other"), old: "    other:\n        target: 1s\n", with: ""},
		{name: "a block, one more in front", text: block, edits: Edits{Budgets: []BudgetEdit{{Metric: "other", Statistic: "p50", Target: "1s"}}}, old: "        target: 1s\n", with: "        statistic: p50\n        target: 1s\n"},
		{name: "an expression", text: "budgets:\n  a: p(95)<250ms # k6\n", edits: Edits{Budgets: []BudgetEdit{{Metric: "a", Statistic: "p95", Target: "300ms"}}}, old: "p(95)<250ms", with: "{statistic: p95, target: 300ms}"},
		{name: "an expression as it is", text: "budgets:\n  a: p(95)<250ms # k6\n", edits: Edits{Budgets: []BudgetEdit{{Metric: "a", Statistic: "p95", Target: "250ms"}}}},
		{name: "a list of one", text: "budgets:\n  a: [\"p(95)<250ms\"]\n", edits: Edits{Budgets: []BudgetEdit{{Metric: "a", Statistic: "p95", Target: "300ms"}}}, old: "[\"p(95)<250ms\"]", with: "{statistic: p95, target: 300ms}"},
		{name: "quotes", text: "budgets:\n  'a': {\"target\": '1s'}\n", edits: budget("a", "2s"), old: "'1s'", with: "2s"},
		{name: "labels in another order", text: "budgets:\n  \"a{y=2, x=1}\": {target: 1s}\n", edits: budget("a{x=1,y=2}", "2s"), old: "1s", with: "2s"},
		{name: "other letters", text: "# größer\napp: \"Ünï\"\nbudgets: # ß\n  \"ä.b\": {target: 1s} # ü\n  c: {target: 2s}\n", edits: budget("ä.b", "2s"), old: "1s", with: "2s"},
		{name: "ends of lines as on Windows", text: "budgets:\r\n  a: {target: 1s}\r\n", edits: budget("b", "2s"), old: "1s}\r\n", with: "1s}\r\n  b: {target: 2s}\r\n"},
		{name: "a rate", text: "budgets:\n  s: {target: 40 items/s} # at least\n", edits: budget("s", "45 items/s"), old: "40 items/s", with: "45 items/s"},
		{name: "a percentage", text: "budgets:\n  s: {target: 40%}\n", edits: budget("s", "45%"), old: "40%", with: "45%"},
		{name: "confidence", text: aligned, edits: check("confidence", "99%"), old: "{ignore: true}\n", with: "{ignore: true}\nconfidence: 99%\n"},
		{name: "failing tier", text: "fail_on: target # strict\n", edits: check("fail_on", "critical"), old: "target", with: "critical"},
		{name: "no failing tier", text: "fail_on: target # strict\napp: x\n", edits: check("fail_on", ""), old: "fail_on: target # strict\n", with: ""},
		{name: "a threshold", text: aligned, edits: check("change", "8%"), old: "{ignore: true}\n", with: "{ignore: true}\n  \"*\":    {change: 8%}\n"},
		{name: "a threshold that is there", text: "thresholds:\n  \"*\": {change: 5%, min_change: 1ms}\n", edits: check("change", "8%"), old: "5%", with: "8%"},
		{name: "no threshold", text: "thresholds:\n  \"*\": {change: 5%, min_change: 1ms}\n", edits: check("change", ""), old: "change: 5%, ", with: ""},
		{name: "none at all", text: "thresholds:\n  \"*\": {change: 5%}\n  a: {ignore: true}\n", edits: check("change", ""), old: "  \"*\": {change: 5%}\n", with: ""},
	} {
		want := strings.Replace(tt.text, tt.old, tt.with, 1)
		got, err := Edit([]byte(tt.text), tt.edits)
		if err != nil || string(got) != want {
			t.Errorf("%s: %v\n%s\nwant:\n%s", tt.name, err, got, want)
		}
	}
}

// What is not taken, and at which field.
func TestEditRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		edits      Edits
		want       string // the beginning of the error
	}{
		{"a word", "", Edits{Budgets: []BudgetEdit{{Metric: "a", Target: "fast"}}}, `budget of a, target: "fast" is no quantity`},
		{"an unknown unit", "", Edits{Budgets: []BudgetEdit{{Metric: "a", Target: "1s", Critical: "3 parsecs"}}}, `budget of a, critical: "3 parsecs" has the unknown unit`},
		{"below zero", "", Edits{Budgets: []BudgetEdit{{Metric: "a", Warning: "-3s"}}}, `budget of a, warning: -3s is negative`},
		{"a statistic", "", Edits{Budgets: []BudgetEdit{{Metric: "a", Statistic: "p101", Target: "3s"}}}, `budget of a, statistic: "p101"`},
		{"a pattern", "", Edits{Budgets: []BudgetEdit{{Metric: "a{", Target: "3s"}}}, `budget of a{, metric: "a{" has a brace`},
		{"confidence", "", Edits{Checks: []CheckEdit{{"confidence", "10%"}}}, "confidence: expected more than 50%"},
		{"a tier", "", Edits{Checks: []CheckEdit{{"fail_on", "goal"}}}, "fail_on: tier"},
		{"a bare change", "", Edits{Checks: []CheckEdit{{"change", "5"}}}, "change: expected a percentage"},
		{"another key", "", Edits{Checks: []CheckEdit{{"app", "x"}}}, "app: no such key"},
		{"a file that does not read", "budget: {}\n", Edits{}, "pacer.yaml:1:1: budget: unknown key"},
		{"a text over lines", "budgets:\n  a:\n    target: >-\n      2s\n", Edits{Budgets: []BudgetEdit{{Metric: "a", Target: "3s"}}}, ErrByHand.Error()},
		{"higher is better by its sign alone", "budgets:\n  a: med>=60\n", Edits{Budgets: []BudgetEdit{{Metric: "a", Statistic: "median", Target: "50"}}}, ErrByHand.Error()},
		{"a comment within", "budgets:\n  a: {target: 1s, # one\n      critical: 3s}\n", Edits{Budgets: []BudgetEdit{{Metric: "a", Target: "1s"}}}, ErrByHand.Error()},
		{"a list on lines", "budgets:\n  a:\n  - p(95)<250ms\n", Edits{Budgets: []BudgetEdit{{Metric: "a", Statistic: "p95", Target: "1s"}}}, ErrByHand.Error()},
	} {
		got, err := Edit([]byte(tt.text), tt.edits)
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: %v\n%s", tt.name, err, got)
		}
	}
}

// written writes a policy as people do: in blocks, in braces, with comments,
// blank lines and quotes.
func written(rng *rand.Rand) (text string, names []string) {
	var b strings.Builder
	maybe := func(s string) {
		if rng.IntN(3) == 0 {
			b.WriteString(s)
		}
	}
	eol := "\n"
	limits := func() []string {
		var list []string
		for i, tier := range budgetKeys[1:] {
			if rng.IntN(2) == 0 {
				list = append(list, tier+": "+[]string{"1s", "250ms", "'2s'", "3 s", "\"5s\""}[(i+rng.IntN(2))%5])
			}
		}
		if list == nil {
			list = []string{"target: 1s"}
		}
		if rng.IntN(4) == 0 {
			list = append([]string{"statistic: p99"}, list...)
		}
		return list
	}
	maybe("# what we hold ourselves to" + eol)
	maybe("app: x # größer" + eol)
	maybe("confidence: 99%" + eol + eol)
	b.WriteString("budgets:" + []string{"", " # ü"}[rng.IntN(2)] + eol)
	indent := strings.Repeat(" ", 1+rng.IntN(4))
	for i := range rng.IntN(5) {
		name := []string{"startup", "track.process", "table.filter{rows=10}", "ä.*", "on"}[i]
		names = append(names, name)
		maybe(indent + "# about " + name + eol)
		key := name
		if !plainForm.MatchString(name) || keywordForm.MatchString(name) || rng.IntN(3) == 0 {
			key = quote(name)
		}
		switch rng.IntN(4) {
		case 0:
			b.WriteString(indent + key + ":" + eol)
			for _, l := range limits() {
				maybe(indent + "  # here" + eol)
				b.WriteString(indent + "  " + l + []string{"", "  # why"}[rng.IntN(2)] + eol)
			}
		case 1:
			b.WriteString(indent + key + ":   \"p(95)<250ms\"" + eol)
		case 2:
			b.WriteString(indent + key + ": {" + strings.Join(limits(), ",\n"+indent+"   ") + "}" + eol)
		default:
			b.WriteString(indent + key + ":  { " + strings.Join(limits(), ",  ") + " } # one line" + eol)
		}
		maybe(eol)
	}
	maybe("thresholds:" + eol + "  \"*\": {change: 5%, min_change: 1ms}  # noise" + eol + "  a: {ignore: true}" + eol)
	maybe("# the end")
	text = b.String()
	if rng.IntN(4) == 0 {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return text, names
}

// common returns how many bytes two texts begin and end with together.
func common(a, b string) (from, to int) {
	n := min(len(a), len(b))
	for from < n && a[from] == b[from] {
		from++
	}
	for to < n-from && a[len(a)-1-to] == b[len(b)-1-to] {
		to++
	}
	return from, to
}

// An edit changes the lines of its budget and no other byte, and what is
// returned says what was asked for.
func TestEditLaw(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 3))
	edited, byHand := 0, 0
	for range 1500 {
		text, names := written(rng)
		name := "new.metric"
		if len(names) > 0 && rng.IntN(4) > 0 {
			name = names[rng.IntN(len(names))]
		}
		e := BudgetEdit{Metric: judge.Pattern(name)}
		for _, field := range []*string{&e.Target, &e.Warning, &e.Critical} {
			if rng.IntN(3) > 0 {
				*field = fmt.Sprint(1+rng.IntN(9), []string{"s", "ms", " s"}[rng.IntN(3)])
			}
		}
		if rng.IntN(3) == 0 {
			e.Statistic = []string{"p50", "max"}[rng.IntN(2)]
		}
		out, err := Edit([]byte(text), Edits{Budgets: []BudgetEdit{e}})
		if errors.Is(err, ErrByHand) {
			byHand++
			continue
		}
		if err != nil {
			t.Fatalf("%v\n%+v\n%s", err, e, text)
		}
		edited++
		p, err := Read(bytes.NewReader(out), "pacer.yaml")
		if err != nil {
			t.Fatalf("%v\n%s\n\n%s", err, text, out)
		}
		found := false
		for i := range p.Budgets {
			b := &p.Budgets[i]
			if found = found || b.Metric == e.Metric; b.Metric != e.Metric {
				continue
			}
			for tier, limit := range map[judge.Tier]string{judge.Target: e.Target, judge.Warning: e.Warning, judge.Critical: e.Critical} {
				if _, has := b.Limits[tier]; has != (limit != "") {
					t.Fatalf("%s: %q\n%s\n\n%s", tier, limit, text, out)
				}
			}
		}
		if found == e.gone() {
			t.Fatalf("there: %v, wanted: %v\n%s\n\n%s", found, !e.gone(), text, out)
		}
		// What differs lies within the lines of the budget; something that is
		// only added, between bytes that stay.
		if _, places, err := lookup([]byte(text), []string{"budgets", name}); err == nil && len(places) == 2 && places[1].entry != nil {
			first, end := newSource([]byte(text)).extent(places[1].entry)
			before, after := text[:first], text[end:]
			if !bytes.HasPrefix(out, []byte(before)) || !bytes.HasSuffix(out[len(before):], []byte(after)) {
				t.Fatalf("something beside bytes %d to %d changed\n%s\n\n%s", first, end, text, out)
			}
		} else if from, to := common(text, string(out)); from+to < len(text) {
			t.Fatalf("%q is gone, where something was only added\n%s\n\n%s", text[from:len(text)-to], text, out)
		}
		// Comments stay, but those on a line that is gone.
		if !e.gone() {
			for _, comment := range []string{"# what we", "# größer", "# ü", "# about", "# one line", "# noise", "# the end"} {
				if strings.Count(text, comment) != strings.Count(string(out), comment) {
					t.Fatalf("%q is not there as often\n%s\n\n%s", comment, text, out)
				}
			}
		}
	}
	if t.Logf("%d edited, %d by hand", edited, byHand); edited < 1200 {
		t.Errorf("%d were edited, %d are to be by hand", edited, byHand)
	}
}

// Whatever a file looks like: it is edited and reads, or left alone.
func FuzzEdit(f *testing.F) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 30 {
		text, _ := written(rng)
		f.Add(text, "startup", "2s", "5s")
	}
	f.Add("budgets: {a: &x {target: 1s}, b: *x}", "a", "", "1")
	f.Fuzz(func(t *testing.T, text, metric, target, critical string) {
		e := Edits{Budgets: []BudgetEdit{{Metric: judge.Pattern(metric), Target: target, Critical: critical}}}
		out, err := Edit([]byte(text), e)
		if err != nil {
			return
		}
		if _, err := Read(bytes.NewReader(out), "pacer.yaml"); err != nil {
			t.Fatalf("%v\n%q", err, out)
		}
		again, err := Edit(out, e)
		if err != nil || !bytes.Equal(again, out) {
			t.Fatalf("edited again: %v\n%q\n%q", err, out, again)
		}
	})
}
