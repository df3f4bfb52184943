package policy

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
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
		Thresholds: []judge.Threshold{{Metric: "startup", MinChange: &judge.Quantity{Value: 0.02, Unit: "s"}, Place: "pacer.yaml:12:3"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadAll(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/all.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := Read(f, "p")
	if err != nil {
		t.Fatal(err)
	}
	type limits = map[judge.Tier]judge.Quantity
	want := judge.Policy{
		File: "p", App: "cuepoint", Baseline: "branch:main", Confidence: 0.99, FailOn: judge.Critical, Strict: true,
		AnyEnvironment: []string{"cpu", "memory"},
		Budgets: []judge.Budget{
			{Metric: "track.process", Statistic: "p95", Better: run.Lower, Limits: limits{"target": {Value: 0.5, Unit: "s"}}, Place: "p:9:3"},
			{Metric: "frames", Statistic: "median", Better: run.Higher, Limits: limits{"target": {Value: 60}}, Place: "p:10:3"},
			{Metric: "table.*", Statistic: "p99.9", Limits: limits{"target": {Value: 0.2, Unit: "s"}}, Place: "p:11:3"},
			{Metric: "table.filter{rows=*,sort=no}", Limits: limits{"critical": {Value: 1, Unit: "s"}}, Place: "p:12:3"},
		},
		Thresholds: []judge.Threshold{
			{Metric: "*", Change: new(0.05), MinChange: &judge.Quantity{Value: 0.001, Unit: "s"}, Place: "p:14:3"},
			{Metric: "go.*", Ignore: new(true), Place: "p:15:3"},
			{Metric: "alloc.count", Counted: new(true), Change: new(0.0), Place: "p:16:3"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestExpressions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text      string
		statistic string
		better    run.Better
		limit     judge.Quantity
	}{
		{"p(95)<500ms", "p95", run.Lower, judge.Quantity{Value: 0.5, Unit: "s"}},
		{"p(99.9) <= 2s", "p99.9", run.Lower, judge.Quantity{Value: 2, Unit: "s"}},
		{"p( 95 ) < 500 ms", "p95", run.Lower, judge.Quantity{Value: 0.5, Unit: "s"}},
		{"p95<1s", "p95", run.Lower, judge.Quantity{Value: 1, Unit: "s"}},
		{"avg<=200ms", "mean", run.Lower, judge.Quantity{Value: 0.2, Unit: "s"}},
		{"mean<1MB", "mean", run.Lower, judge.Quantity{Value: 1 << 20, Unit: "bytes"}},
		{"med>40/s", "median", run.Higher, judge.Quantity{Value: 40, Unit: "items/s"}},
		{"median>=40", "median", run.Higher, judge.Quantity{Value: 40}},
		{"min>1", "min", run.Higher, judge.Quantity{Value: 1}},
		{"max<1e3", "max", run.Lower, judge.Quantity{Value: 1000}},
		{"[p(95)<500ms]", "p95", run.Lower, judge.Quantity{Value: 0.5, Unit: "s"}},
	}
	for _, tt := range tests {
		p, err := Read(strings.NewReader("budgets:\n  m: "+tt.text+"\n"), "p")
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		want := []judge.Budget{{Metric: "m", Statistic: tt.statistic, Better: tt.better, Limits: map[judge.Tier]judge.Quantity{judge.Target: tt.limit}, Place: "p:2:3"}}
		if diff := cmp.Diff(want, p.Budgets); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.text, diff)
		}
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
		{"budget:\n", "p:1:1: budget: unknown key: expected app, baseline, confidence, fail_on, strict, environment, budgets or thresholds; did you mean budgets?"},
		{"budgets:\n  startup: {taget: 2s}\n", "p:2:13: budgets.startup.taget: unknown key: expected statistic, target, warning or critical; did you mean target?"},
		{"budgets:\n  startup: 2s\n", `p:2:12: budgets.startup: "2s" is no budget: expected limits, as in {target: 200ms}, or an expression, as in p(95)<200ms`},
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
		{"baseline: 'branch:'\n", `p:1:11: baseline: "branch:": expected previous, merge-base, branch:NAME`},
		{"baseline: mergebase\n", "did you mean merge-base?"},
		{"baseline: the newest\n", "expected previous"},
		{"confidence: 95\n", "p:1:13: confidence: expected more than 50% and less than 100%, as in 95%"},
		{"confidence: 50%\n", "expected more than 50%"},
		{"confidence: 100%\n", "less than 100%"},
		{"confidence: 0.9s\n", "as in 95%"},
		{"fail_on: critcal\n", `p:1:10: fail_on: tier "critcal": expected target, warning or critical; did you mean critical?`},
		{"fail_on:\n", "expected target, warning or critical"},
		{"strict: yes\n", "p:1:9: strict: expected true or false"},
		{"environment: [cpu]\n", "environment: expected keys with values, found a list"},
		{"environment: {any: [cpus]}\n", `p:1:21: environment.any: unknown field "cpus": expected os, arch, cpu, cores, memory, cpu_limit or memory_limit; did you mean cpu?`},
		{"environment: {any: [cpu, cpu]}\n", "cpu is there twice"},
		{"environment: {any: cpu}\n", "expected a list, as in [cpu, memory], found a single value"},
		{"thresholds:\n  startup: {change: 5}\n", "p:2:21: thresholds.startup.change: expected a percentage, as in 5%"},
		{"thresholds:\n  startup: {change: 1001%}\n", "expected at most 1000%"},
		{"thresholds:\n  startup: {change: -5%}\n", "-5% is negative"},
		{"thresholds:\n  startup: {chnge: 5%}\n", "expected change, min_change, strict or ignore; did you mean change?"},
		{"thresholds:\n  startup: {strict: 1}\n", "thresholds.startup.strict: expected true or false"},
		{"thresholds:\n  \"m{rows=1\": {change: 5%}\n", `p:2:3: thresholds: "m{rows=1" has a brace without its other half`},
		{"budgets:\n  m{a=1,b=2}: {target: 2s}\n  m{b=2,a=1}: {target: 3s}\n", "p:3:3: budgets.m{b=2,a=1}: the key is there twice"},
		{"budgets:\n  m: rate<0.01\n", `p:2:6: budgets.m: "rate<0.01": rate is of k6's rates and counters`},
		{"budgets:\n  m: count>100\n", "count is of k6's rates and counters"},
		{"budgets:\n  m: p(101)<1s\n", "expected p with a percentile from 0 to 100"},
		{"budgets:\n  m: p<1s\n", "expected p with a percentile"},
		{"budgets:\n  m: avg(3)<1s\n", "mean takes nothing in brackets"},
		{"budgets:\n  m: fast<1s\n", "unknown statistic fast: expected avg, min, max, med or p(N)"},
		{"budgets:\n  m: med==1s\n", "expected <, <=, > or >= in place of =="},
		{"budgets:\n  m: med<\n", "is no quantity"},
		{"budgets:\n  m: med<-1s\n", "-1s is negative"},
		{"budgets:\n  m: [p(95)<1s, p(95)<2s]\n", "p:2:17: budgets.m: a second limit on the p95: keep the stricter one"},
		{"budgets:\n  m: [p(95)<1s, avg<2s]\n", "p:2:17: budgets.m: a metric has one budget, on one statistic: it is on the p95 already, and this is on the mean"},
		{"budgets:\n  m: []\n", "the budget has no limit"},
		{"budgets:\n  m: [{threshold: p(95)<1s}]\n", "expected a text, found keys with values"},
		{"budgets:\n  *: {target: 2s}\n", "a name that begins with * needs quotes"},
		{"budgets:\n  *.x: {target: 2s}\n", "a name that begins with * needs quotes"},
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
