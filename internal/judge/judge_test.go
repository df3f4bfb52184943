package judge

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/run"
)

// flat is a run as the specification's flat files give it.
func flat(startup, memory, speed float64) *run.Run {
	text := fmt.Sprintf(`{"startup_time": %v, "memory_usage": %v, "processing_speed": %v}`, startup, memory, speed)
	return parse(text)
}

func parse(text string) *run.Run {
	r, err := run.Read(strings.NewReader(text), "run.json")
	if err != nil {
		panic(err)
	}
	return &r
}

func changes(v Verdict) map[string]Change {
	m := make(map[string]Change)
	for i := range v.Metrics {
		m[v.Metrics[i].Key()] = v.Metrics[i].Change
	}
	return m
}

const mb = 1 << 20

// The specification's tests of check_regression, and the edges of its rule.
func TestDefaultRule(t *testing.T) {
	t.Parallel()
	base := flat(2.0, 100*mb, 1.0)
	tests := []struct {
		name    string
		current *run.Run
		verdict Word
		reasons []string
	}{
		{"no regression", flat(2.1, 105*mb, 0.95), Pass, nil},
		{"equal", flat(2.0, 100*mb, 1.0), Pass, nil},
		{"start-up", flat(2.5, 100*mb, 1.0), Fail, []string{"startup_time: 1.25x slower/higher"}},
		{"memory", flat(2.0, 150*mb, 1.0), Fail, []string{"memory_usage: 1.50x slower/higher"}},
		{"speed", flat(2.0, 100*mb, 0.7), Fail, []string{"processing_speed: 0.70x slower"}},
		{"all three", flat(2.5, 150*mb, 0.7), Fail, []string{
			"memory_usage: 1.50x slower/higher", "processing_speed: 0.70x slower", "startup_time: 1.25x slower/higher"}},
		{"at the threshold", flat(2.4, 120*mb, 0.8), Pass, nil}, // more than 1.2, under 0.8
		{"improved", flat(1.0, 50*mb, 2.0), Pass, nil},
		{"down to zero", flat(0, 0, 0), Fail, []string{"processing_speed: 0.00x slower"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v, err := Judge(Case{Current: tt.current, Baseline: Baseline{Runs: []*run.Run{base}, Chosen: "file"}, Policy: Policy{}})
			if err != nil {
				t.Fatal(err)
			}
			if tt.reasons == nil {
				tt.reasons = []string{}
			}
			if v.Verdict != tt.verdict || !cmp.Equal(v.Reasons, tt.reasons) {
				t.Errorf("verdict %s %q; want %s %q", v.Verdict, v.Reasons, tt.verdict, tt.reasons)
			}
		})
	}
	v, _ := Judge(Case{Current: flat(1.0, 50*mb, 2.0), Baseline: Baseline{Runs: []*run.Run{base}}, Policy: Policy{}})
	want := map[string]Change{"startup": Improved, "memory.peak": Improved, "processing.speed": Improved}
	if diff := cmp.Diff(want, changes(v)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Swapping the sides turns regressions into improvements and back, exactly.
func TestDefaultRuleMirrors(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 5))
	mirror := map[Change]Change{Regressed: Improved, Improved: Regressed, Unchanged: Unchanged}
	for range 2000 {
		value := func() float64 { return float64(1 + rng.IntN(20)) }
		a, b := flat(value(), value(), value()), flat(value(), value(), value())
		forth, err1 := Judge(Case{Current: b, Baseline: Baseline{Runs: []*run.Run{a}}, Policy: Policy{}})
		back, err2 := Judge(Case{Current: a, Baseline: Baseline{Runs: []*run.Run{b}}, Policy: Policy{}})
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		for i := range forth.Metrics {
			f, g := forth.Metrics[i], back.Metrics[i]
			if mirror[f.Change] != g.Change {
				t.Fatalf("%s is %s one way and %s the other: %+v, %+v", f.Name, f.Change, g.Change, a.Metrics, b.Metrics)
			}
		}
	}
}

func TestZeroBaseline(t *testing.T) {
	t.Parallel()
	v, err := Judge(Case{Current: flat(2, 0, 1), Baseline: Baseline{Runs: []*run.Run{flat(0, 0, 0)}}, Policy: Policy{}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Change{"startup": Incomparable, "memory.peak": Unchanged, "processing.speed": Incomparable}
	if diff := cmp.Diff(want, changes(v)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, m := range v.Metrics {
		if len(m.Warnings) != 1 || !strings.Contains(m.Warnings[0], "zero") {
			t.Errorf("%s warns %q", m.Name, m.Warnings)
		}
	}
	if v.Verdict != Undecided || v.ExitStatus(false) != 0 || v.ExitStatus(true) != 3 {
		t.Errorf("verdict %s", v.Verdict)
	}
}

func limits(target, warning, critical float64) map[Tier]Quantity {
	m := make(map[Tier]Quantity)
	for tier, v := range map[Tier]float64{Target: target, Warning: warning, Critical: critical} {
		if v != 0 {
			m[tier] = Quantity{v, "s"}
		}
	}
	return m
}

func TestBudgets(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		limits  map[Tier]Quantity
		failOn  Tier
		startup float64
		status  BudgetStatus
		verdict Word
	}{
		{"within", limits(2, 3, 5), "", 2, Within, Pass},
		{"over target", limits(2, 3, 5), "", 2.1, OverTarget, Warn},
		{"warning", limits(2, 3, 5), "", 3.1, OverWarning, Warn},
		{"critical", limits(2, 3, 5), "", 5.1, OverCritical, Fail},
		{"one tier fails", limits(2, 0, 0), "", 2.1, OverTarget, Fail},
		{"the highest of two fails", limits(2, 3, 0), "", 3.1, OverWarning, Fail},
		{"below the highest of two", limits(2, 3, 0), "", 2.1, OverTarget, Warn},
		{"lowered to target", limits(2, 3, 5), Target, 2.1, OverTarget, Fail},
		{"lowered to warning", limits(2, 3, 5), Warning, 2.1, OverTarget, Warn},
		{"lowered to warning, over it", limits(2, 3, 5), Warning, 3.1, OverWarning, Fail},
		{"lowered to warning, critical alone", limits(0, 0, 5), Warning, 5.1, OverCritical, Fail},
		{"not raised", limits(2, 0, 0), Critical, 2.1, OverTarget, Fail},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			policy := Policy{FailOn: tt.failOn, Budgets: []Budget{{Metric: "startup", Limits: tt.limits}}}
			v, err := Judge(Case{Current: flat(tt.startup, 1, 1), Baseline: Baseline{First: true}, Policy: policy})
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(v.Metrics, func(m Metric) bool { return m.Name == "startup" })
			if b := v.Metrics[i].Budget; b.Status != tt.status || v.Verdict != tt.verdict || b.Statistic != "median" || *b.Value != tt.startup {
				t.Errorf("%v, verdict %s; want %s, %s", b, v.Verdict, tt.status, tt.verdict)
			}
		})
	}
}

func TestBudgetHigherIsBetter(t *testing.T) {
	t.Parallel()
	policy := Policy{Budgets: []Budget{{Metric: "processing.speed", Limits: map[Tier]Quantity{Target: {10, "items/s"}, Critical: {5, "items/s"}}}}}
	for speed, want := range map[float64]BudgetStatus{10: Within, 9: OverTarget, 4: OverCritical} {
		v, err := Judge(Case{Current: flat(1, 1, speed), Baseline: Baseline{First: true}, Policy: policy})
		if err != nil {
			t.Fatal(err)
		}
		if got := v.Metrics[1].Budget.Status; got != want {
			t.Errorf("%v items/s: %s, want %s", speed, got, want)
		}
	}
	v, _ := Judge(Case{Current: flat(1, 1, 4), Baseline: Baseline{First: true}, Policy: policy})
	if want := "processing.speed: median 4 items/s is under its critical of 5 items/s"; v.Reasons[0] != want {
		t.Errorf("reason %q, want %q", v.Reasons[0], want)
	}
}

func TestDefaultStatistic(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, unit, want string }{
		{"track.process", "s", "p95"}, {"startup", "s", "median"}, {"memory.peak", "bytes", "max"},
		{"process.memory.peak", "bytes", "max"}, {"alloc", "bytes", "median"}, {"processing.speed", "items/s", "median"},
	} {
		if got := DefaultStatistic(&run.Metric{Name: tt.name, Unit: tt.unit}); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// What fails closed: a budget on something that was not measured.
func TestMissing(t *testing.T) {
	t.Parallel()
	both := parse(`{"startup_time": 1, "memory_usage": 1}`)
	one := parse(`{"startup_time": 1}`)
	policy := Policy{Budgets: []Budget{{Metric: "memory.peak", Limits: map[Tier]Quantity{Target: {9, "bytes"}}}}}
	v, err := Judge(Case{Current: one, Baseline: Baseline{Runs: []*run.Run{both}}, Policy: policy})
	if err != nil || v.Verdict != Fail || v.Metrics[0].Change != Missing || v.Reasons[0] != "memory.peak has a budget but was not measured" {
		t.Errorf("budgeted and missing: %+v, %v", v, err)
	}
	if v, _ := Judge(Case{Current: one, Baseline: Baseline{First: true}, Policy: policy}); v.Verdict != Fail || len(v.Metrics) != 2 {
		t.Errorf("budgeted and on neither side: %+v", v)
	}
	if v, _ := Judge(Case{Current: one, Baseline: Baseline{Runs: []*run.Run{both}}, Policy: Policy{}}); v.Verdict != Warn || v.Metrics[0].Change != Missing {
		t.Errorf("missing without budget: %+v", v)
	}
	if v, _ := Judge(Case{Current: both, Baseline: Baseline{Runs: []*run.Run{one}}, Policy: Policy{}}); v.Verdict != Pass || v.Metrics[0].Change != New {
		t.Errorf("new: %+v", v)
	}
	partial := parse(`{"processing_metrics": {"avg": 1}}`)
	policy = Policy{Budgets: []Budget{{Metric: "processing", Limits: limits(9, 0, 0)}}}
	if v, _ := Judge(Case{Current: partial, Baseline: Baseline{First: true}, Policy: policy}); v.Verdict != Fail || !strings.Contains(v.Reasons[0], "p95, which was not measured") {
		t.Errorf("a summary without the statistic: %+v", v)
	}
}

// A metric that changed its unit is another metric; its budget holds the new
// one.
func TestUnitChanged(t *testing.T) {
	t.Parallel()
	before := parse(`{"metrics": [{"name":"op","unit":"ms","samples":[1]}]}`)
	after := parse(`{"metrics": [{"name":"op","unit":"s","samples":[1]}]}`)
	policy := Policy{Budgets: []Budget{{Metric: "op", Limits: limits(9, 0, 0)}}}
	v, err := Judge(Case{Current: after, Baseline: Baseline{Runs: []*run.Run{before}}, Policy: policy})
	if err != nil || v.Verdict != Warn || len(v.Metrics) != 2 || v.Metrics[0].Change != Missing || v.Metrics[1].Budget.Status != Within ||
		!strings.Contains(v.Reasons[0], `op is missing in "ms": the current run has it in "s"`) {
		t.Errorf("%+v, %v", v, err)
	}
}

// A run cannot turn a regression into an improvement by its word of what is
// better.
func TestDirectionChanged(t *testing.T) {
	t.Parallel()
	before := parse(`{"metrics": [{"name":"op","unit":"s","samples":[1]}]}`)
	after := parse(`{"metrics": [{"name":"op","unit":"s","better":"higher","samples":[5]}]}`)
	v, err := Judge(Case{Current: after, Baseline: Baseline{Runs: []*run.Run{before}}, Policy: Policy{}})
	if err != nil || v.Verdict != Undecided || v.Metrics[0].Change != Incomparable || !strings.Contains(v.Reasons[0], "disagree") {
		t.Errorf("%+v, %v", v, err)
	}
}

// A run that measured nothing passes nothing.
func TestEmptyRun(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{}`, `{"startup_time": null}`} {
		if v, err := Judge(Case{Current: parse(text), Baseline: Baseline{First: true}, Policy: Policy{}}); err != nil || v.Verdict != Undecided {
			t.Errorf("%s: %s %q, %v", text, v.Verdict, v.Reasons, err)
		}
	}
	hollow := parse(`{"metrics": [{"name":"op","unit":"s","samples":[]}]}`)
	v, err := Judge(Case{Current: hollow, Baseline: Baseline{Runs: []*run.Run{parse(`{"metrics": [{"name":"op","unit":"s","samples":[1]}]}`)}}})
	if err != nil || v.Metrics[0].Change != Missing {
		t.Errorf("a metric without observations: %+v, %v", v, err)
	}
}

func TestNoBaseline(t *testing.T) {
	t.Parallel()
	v, err := Judge(Case{Current: flat(1, 1, 1), Baseline: Baseline{First: true}, Policy: Policy{}})
	if err != nil || v.Verdict != Pass || len(v.Baseline.Runs) != 0 || v.Metrics[0].Change != New {
		t.Errorf("first run: %+v, %v", v, err)
	}
	v, _ = Judge(Case{Current: flat(1, 1, 1), Baseline: Baseline{Chosen: "3 earlier runs, none comparable"}, Policy: Policy{}})
	if v.Verdict != Undecided || !strings.Contains(v.Reasons[0], "none comparable") {
		t.Errorf("earlier runs that don't compare: %+v", v)
	}
}

func TestEnvironments(t *testing.T) {
	t.Parallel()
	env := func() *run.Environment {
		return &run.Environment{OS: "linux", Arch: "amd64", CPU: "A", Cores: 2, Memory: 8 << 30}
	}
	tests := []struct {
		name   string
		change func(*run.Run)
		want   string // a prefix; empty: comparable
	}{
		{"same", func(*run.Run) {}, ""},
		{"cpu", func(r *run.Run) { r.Environment.CPU = "B" }, "cpu: A and B"},
		{"cores", func(r *run.Run) { r.Environment.Cores = 4 }, "cores: 2 and 4"},
		{"memory a little", func(r *run.Run) { r.Environment.Memory -= 100 << 20 }, ""},
		{"memory", func(r *run.Run) { r.Environment.Memory /= 2 }, "memory:"},
		{"limit", func(r *run.Run) { r.Environment.CPULimit = 1.5 }, "cpu_limit: 0 and 1.5"},
		{"host", func(r *run.Run) { r.Environment.Host = "other" }, ""},
		{"label", func(r *run.Run) { r.Labels = map[string]string{"dataset": "1k"} }, `label dataset: none and "1k"`},
		{"app", func(r *run.Run) { r.App = "other" }, "app: a and other"},
		{"app unknown", func(r *run.Run) { r.App = "" }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, b := flat(2, 1, 1), flat(4, 1, 1)
			a.App, b.App, a.Environment, b.Environment = "a", "a", env(), env()
			tt.change(b)
			v, err := Judge(Case{Current: b, Baseline: Baseline{Runs: []*run.Run{a}}, Policy: Policy{}})
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" {
				if v.Verdict != Fail || len(v.Warnings) != 0 {
					t.Errorf("verdict %s, %q, %q", v.Verdict, v.Reasons, v.Warnings)
				}
				return
			}
			for _, m := range v.Metrics {
				if m.Change != Incomparable || !strings.HasPrefix(m.Reasons[0], tt.want) {
					t.Errorf("%s is %s %q; want incomparable, %q", m.Name, m.Change, m.Reasons, tt.want)
				}
			}
			if v.Verdict != Undecided || !strings.Contains(v.Reasons[0], tt.want) {
				t.Errorf("verdict %s %q", v.Verdict, v.Reasons)
			}
		})
	}
	a, b := flat(2, 1, 1), flat(4, 1, 1)
	a.Environment, b.Environment = env(), env()
	a.Environment.CPU, a.Environment.Cores, b.Environment.CPULimit = "", 0, 1
	if v, _ := Judge(Case{Current: b, Baseline: Baseline{Runs: []*run.Run{a}}, Policy: Policy{}}); v.Verdict != Fail || len(v.Warnings) != 1 || !strings.Contains(v.Warnings[0], "not known on both sides: cpu, cores;") {
		t.Errorf("partly unknown: %s %q", v.Verdict, v.Warnings)
	}
	a.Environment = nil
	v, _ := Judge(Case{Current: b, Baseline: Baseline{Runs: []*run.Run{a}}, Policy: Policy{}})
	if v.Verdict != Fail || len(v.Warnings) != 1 || !strings.Contains(v.Warnings[0], "not known on both sides: environment") {
		t.Errorf("unknown environment: %s %q", v.Verdict, v.Warnings)
	}
}

func TestThresholds(t *testing.T) {
	t.Parallel()
	policy := Policy{Thresholds: []Threshold{{Metric: "startup", MinChange: &Quantity{1, "s"}}}}
	for current, want := range map[float64]Change{2.9: Unchanged, 3.0: Regressed, 1.1: Unchanged, 1.0: Improved} {
		v, err := Judge(Case{Current: flat(current, 1, 1), Baseline: Baseline{Runs: []*run.Run{flat(2, 1, 1)}}, Policy: policy})
		if err != nil {
			t.Fatal(err)
		}
		if got := changes(v)["startup"]; got != want {
			t.Errorf("2 s to %v s is %s, want %s", current, got, want)
		}
	}
}

func TestPolicyErrors(t *testing.T) {
	t.Parallel()
	budget := func(q Quantity) Policy {
		return Policy{Budgets: []Budget{{Metric: "startup", Limits: map[Tier]Quantity{Target: q}, Place: "pacer.yaml:3:5"}}}
	}
	tests := []struct {
		policy Policy
		want   string
	}{
		{budget(Quantity{200, ""}), `pacer.yaml:3:5: startup is measured in "s", not in "": write 200ms or 200s`},
		{budget(Quantity{200, "bytes"}), `not in "bytes"`},
		{Policy{Budgets: []Budget{{Metric: "startup", Limits: limits(5, 3, 2), Place: "p:2:1"}}}, "p:2:1: budget of startup: warning (3.00s) is stricter than target (5.00s)"},
		{Policy{App: "other", File: "pacer.yaml"}, "pacer.yaml: the policy is for other, the run is of a"},
		{Policy{Thresholds: []Threshold{{Metric: "startup", MinChange: &Quantity{1, "bytes"}, Place: "p:1:1"}}}, "p:1:1: startup is measured"},
	}
	for _, tt := range tests {
		a := flat(1, 1, 1)
		a.App = "a"
		if _, err := Judge(Case{Current: a, Baseline: Baseline{Runs: []*run.Run{a}}, Policy: tt.policy}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error = %v, want %q", err, tt.want)
		}
	}
}

// The main operation of a file of flat keys is that of a run which names it.
func TestFlatMainOperation(t *testing.T) {
	t.Parallel()
	named := parse(`{"main": "track.process", "metrics": [{"name":"track.process","unit":"s","samples":[3]}]}`)
	nameless := parse(`{"processing_metrics": {"avg": 2}}`)
	for _, pair := range [][2]*run.Run{{nameless, named}, {named, nameless}} {
		v, err := Judge(Case{Current: pair[1], Baseline: Baseline{Runs: []*run.Run{pair[0]}}, Policy: Policy{}})
		if err != nil || len(v.Metrics) != 1 || v.Metrics[0].Ratio == nil || v.Metrics[0].Statistic != "mean" {
			t.Errorf("%+v, %v", v.Metrics, err)
		}
	}
}

// Same input, same bytes, whatever the order of the metrics.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(2, 2))
	make1 := func() *run.Run {
		r := &run.Run{ID: "x", App: "a"}
		for i := range 30 {
			r.Metrics = append(r.Metrics, run.Metric{Name: fmt.Sprint("m", i%15), Unit: []string{"s", "bytes"}[i/15], Samples: []float64{float64(1 + i)}})
		}
		return r
	}
	policy := Policy{Budgets: []Budget{{Metric: "m3", Limits: map[Tier]Quantity{Target: {1, "s"}}}}}
	current, baseline := make1(), make1()
	current.Metrics = current.Metrics[:20]
	policy.Budgets[0].Metric = "m9" // in seconds on both sides, in bytes on one
	current.Metrics[9].Samples[0] = 99
	var first []byte
	for range 50 {
		rng.Shuffle(len(current.Metrics), func(i, j int) {
			current.Metrics[i], current.Metrics[j] = current.Metrics[j], current.Metrics[i]
		})
		rng.Shuffle(len(baseline.Metrics), func(i, j int) {
			baseline.Metrics[i], baseline.Metrics[j] = baseline.Metrics[j], baseline.Metrics[i]
		})
		v, err := Judge(Case{Current: current, Baseline: Baseline{Runs: []*run.Run{baseline}, Chosen: "file"}, Policy: policy})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = text
		}
		if string(text) != string(first) {
			t.Fatalf("differs:\n%s\n%s", first, text)
		}
	}
}
