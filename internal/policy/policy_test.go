package policy

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/judge"
)

func TestRead(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/cuepoint.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := Read(f, "pacer.yaml")
	if err != nil {
		t.Fatal(err)
	}
	type limits = map[judge.Tier]judge.Quantity
	want := judge.Policy{
		File: "pacer.yaml",
		App:  "cuepoint",
		Budgets: []judge.Budget{
			{Metric: "startup", Limits: limits{"target": {Value: 2, Unit: "s"}, "warning": {Value: 3, Unit: "s"}, "critical": {Value: 5, Unit: "s"}}, Place: "pacer.yaml:4:3"},
			{Metric: "table.filter", Statistic: "p99", Limits: limits{"target": {Value: 0.2, Unit: "s"}}, Place: "pacer.yaml:5:3"},
			{Metric: "table.filter{rows=1000}", Limits: limits{"target": {Value: 0.05, Unit: "s"}}, Place: "pacer.yaml:8:3"},
			{Metric: "memory.peak", Limits: limits{"target": {Value: 500 << 20, Unit: "bytes"}}, Place: "pacer.yaml:9:3"},
			{Metric: "frames", Limits: limits{"target": {Value: 60}}, Place: "pacer.yaml:10:3"},
		},
		Thresholds: []judge.Threshold{{Metric: "startup", MinChange: judge.Quantity{Value: 0.02, Unit: "s"}, Place: "pacer.yaml:12:3"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadEmpty(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing yet\n", "app: x\nbudgets:\n", "---\n", "null\n"} {
		if p, err := Read(strings.NewReader(text), "p"); err != nil || len(p.Budgets) != 0 {
			t.Errorf("%q: %+v, %v", text, p, err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"budgets:\n  startup: {target: 2 parsecs}\n", `p:2:21: budgets.startup.target: "2 parsecs" has the unknown unit "parsecs"`},
		{"budget:\n", "p:1:1: budget: unknown key: expected app, budgets or thresholds; did you mean budgets?"},
		{"budgets:\n  startup: {taget: 2s}\n", "p:2:13: budgets.startup.taget: unknown key: expected statistic, target, warning or critical; did you mean target?"},
		{"budgets:\n  startup: 2s\n", "budgets.startup: expected keys with values, found a single value"},
		{"budgets: [a]\n", "p:1:10: budgets: expected keys with values, found a list"},
		{"budgets:\n  startup: {}\n", "the budget has no limit"},
		{"budgets:\n  startup: {statistic: p95}\n", "the budget has no limit"},
		{"budgets:\n  startup: {statistic: fast, target: 2s}\n", `budgets.startup.statistic: "fast": expected p followed by`},
		{"budgets:\n  startup: {target: -2s}\n", "-2s is negative"},
		{"budgets:\n  startup: {target: .inf}\n", "budgets.startup.target"},
		{"budgets:\n  startup: {target: .nan}\n", "budgets.startup.target"},
		{"budgets:\n  startup: {target: [2s]}\n", "expected a text, found a list"},
		{"budgets:\n  startup: {target: 2s}\n  startup: {target: 3s}\n", "p:3:"},
		{"thresholds:\n  startup: {}\n", "the threshold says nothing"},
		{"app: [x]\n", "app: expected a text"},
		{"app: x\n---\napp: y\n", "a second YAML document"},
		{"app: \"x\n", "p:1:"},
		{"a: b: c\n", "p:1:"},
		{"- a\n", "expected keys with values, found a list"},
		{"\tapp: x\n", "p:1:"},
		{"x: &a 1\n", "x: unknown key"},
		{"budgets: &a\n  startup: {target: 2s}\n", "an anchor or alias"},
	}
	for _, tt := range tests {
		_, err := Read(strings.NewReader(tt.text), "p")
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: error = %v; want an Error with %q", tt.text, err, tt.want)
		}
	}
	big := strings.NewReader(strings.Repeat("#", MaxSize+1))
	if _, err := Read(big, "p"); err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
		t.Errorf("error = %v", err)
	}
}

func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Read(strings.NewReader(text), "p")
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Line < 1 || e.Column < 1 || e.Msg == "") {
			t.Fatalf("error without a place: %#v", err)
		}
		for _, b := range p.Budgets {
			if len(b.Limits) == 0 || b.Place == "" {
				t.Fatalf("a budget without limit or place: %+v", b)
			}
		}
	})
}
