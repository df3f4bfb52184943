package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// step is one of a job, or of a composite action.
type step struct {
	Name, ID, If, Uses, Run, Shell string
	WorkingDirectory               string `yaml:"working-directory"`
	Env                            map[string]string
	With                           map[string]any
}

type workflow struct {
	Name string
	On   any
	Jobs map[string]struct {
		Steps []step
	}
	// Of an action.
	Inputs, Outputs map[string]struct{ Description, Default, Value string }
	Runs            struct {
		Using string
		Steps []step
	}
}

// parseWorkflow reads a workflow or an action and says what is wrong with it.
func parseWorkflow(text []byte) (w workflow, problems []string) {
	if err := yaml.Unmarshal(text, &w); err != nil {
		return w, []string{err.Error()}
	}
	lists := map[string][]step{"action": w.Runs.Steps}
	for name, job := range w.Jobs {
		lists[name] = job.Steps
	}
	used := make(map[string]bool)
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		ids := make(map[string]bool)
		for i, s := range lists[name] {
			where := fmt.Sprintf("%s, step %d (%s)", name, i+1, first(s.Name, s.Uses))
			switch {
			case (s.Run == "") == (s.Uses == ""):
				problems = append(problems, where+": one of run and uses")
			case s.Uses != "" && !actionForm.MatchString(s.Uses):
				problems = append(problems, where+": "+s.Uses+" is no action at a version")
			case name == "action" && s.Run != "" && s.Shell == "":
				problems = append(problems, where+": a composite action says its shell")
			}
			// What is put into a script by the server is executed: a branch may be
			// called $(rm -rf .).
			if strings.Contains(s.Run, "${{") {
				problems = append(problems, where+": an expression inside of run: put it into env")
			}
			for _, m := range expression.FindAllStringSubmatch(fmt.Sprint(s), -1) {
				for _, ref := range stepRef.FindAllStringSubmatch(m[1], -1) {
					if !ids[ref[1]] {
						problems = append(problems, where+": there is no step "+ref[1]+" before")
					}
				}
				for _, ref := range inputRef.FindAllStringSubmatch(m[1], -1) {
					used[ref[1]] = true
					if _, ok := w.Inputs[ref[1]]; !ok {
						problems = append(problems, where+": there is no input "+ref[1])
					}
				}
			}
			if s.ID != "" {
				ids[s.ID] = true
			}
			for line := range strings.Lines(s.Run) {
				lines := make(map[string]string)
				commandsIn(line, "", lines)
				for command := range lines {
					if err := exists(command); err != nil {
						problems = append(problems, fmt.Sprintf("%s: pacer %s: %v", where, command, err))
					}
				}
			}
		}
	}
	for name, in := range w.Inputs {
		if !used[name] {
			problems = append(problems, "the input "+name+" is not used")
		}
		if in.Description == "" {
			problems = append(problems, "the input "+name+" has no description")
		}
	}
	return w, problems
}

var (
	actionForm = regexp.MustCompile(`^([\w.-]+/[\w./-]+@(v[0-9]+|main|[0-9a-f]{40})|\./[\w./-]*)$`)
	expression = regexp.MustCompile(`\$\{\{(.*?)\}\}`)
	stepRef    = regexp.MustCompile(`\bsteps\.([\w-]+)\.`)
	inputRef   = regexp.MustCompile(`\binputs\.([\w-]+)`)
)

func TestWorkflows(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range append(files, "../../action.yml") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		w, problems := parseWorkflow(text)
		for _, p := range problems {
			t.Errorf("%s: %s", file, p)
		}
		if w.Name == "" || len(w.Jobs) == 0 && w.Runs.Using != "composite" {
			t.Errorf("%s: neither a workflow nor a composite action", file)
		}
	}
	// The validation itself.
	for wrong, want := range map[string]string{
		"jobs: {a: {steps: [{run: pacer chek}]}}":                             "pacer chek",
		"jobs: {a: {steps: [{run: 'pacer check --nope'}]}}":                   "no flag --nope",
		"jobs: {a: {steps: [{run: 'x ${{ github.head_ref }}'}]}}":             "expression inside of run",
		"jobs: {a: {steps: [{uses: actions/checkout}]}}":                      "no action at a version",
		"jobs: {a: {steps: [{name: x}]}}":                                     "one of run and uses",
		"jobs: {a: {steps: [{run: x, if: '${{ steps.b.outcome }}'}]}}":        "no step b",
		"runs: {steps: [{run: x}]}":                                           "says its shell",
		"inputs: {a: {description: x}}":                                       "a is not used",
		"runs: {steps: [{run: x, shell: bash, env: {A: '${{ inputs.b }}'}}]}": "no input b",
		"jobs: {a: {steps: [{uses: a/b@v1, with: {x: '${{ inputs.c }}'}}]}}":  "no input c",
		"jobs: {a: [": "",
		"jobs: {a: {steps: [{run: \"x\\npacer ci coment --file verdict.json\"}]}}": "coment",
	} {
		_, problems := parseWorkflow([]byte(wrong))
		if !strings.Contains(strings.Join(problems, "\n"), want) || len(problems) == 0 {
			t.Errorf("%s: %q, want %q", wrong, problems, want)
		}
	}
}

// Every variable that the action hands to its script is one that it reads, and
// the other way round.
func TestActionVariables(t *testing.T) {
	t.Parallel()
	action, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("../../scripts/action.sh")
	if err != nil {
		t.Fatal(err)
	}
	variable := regexp.MustCompile(`\bPACER_IN_[A-Z_]+`)
	in := func(text []byte) []string {
		list := variable.FindAllString(string(text), -1)
		slices.Sort(list)
		return slices.DeleteFunc(slices.Compact(list), func(s string) bool { return s == "PACER_IN_WHEN" })
	}
	if handed, read := in(action), in(script); !slices.Equal(handed, read) || len(read) < 10 {
		t.Errorf("handed %v, read %v", handed, read)
	}
}

// The script of the action measures in turns, or merges what shards measured;
// it ends with 0 and leaves the status to the steps after it.
func TestActionScript(t *testing.T) {
	t.Parallel()
	script, err := filepath.Abs("../../scripts/action.sh")
	if err != nil {
		t.Fatal(err)
	}
	p := newProject(t)
	output := filepath.Join(t.TempDir(), "output")
	action := func(env ...string) (out string, result map[string]string) {
		t.Helper()
		os.Remove(output)
		out = p.run(append(env, "GITHUB_ACTIONS=true", "GITHUB_OUTPUT="+output), "bash", script)
		text, err := os.ReadFile(output)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		result = make(map[string]string)
		for line := range strings.Lines(string(text)) {
			k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
			result[k] = v
		}
		return out, result
	}
	want := func(what string, result map[string]string, out, status, verdict string) {
		t.Helper()
		if result["status"] != status || result["verdict"] != verdict || strings.HasSuffix(result["file"], "verdict.json") != (verdict != "") {
			t.Errorf("%s: %v, want status %s, verdict %q\n%s", what, result, status, verdict, out)
		}
	}
	shard := func(name string, cost int) string {
		return fmt.Sprintf("goos: linux\nBenchmark%s-2 1 %d ns/op\nBenchmark%s-2 1 %d ns/op\nBenchmark%s-2 1 %d ns/op\nBenchmark%s-2 1 %d ns/op\nBenchmark%s-2 1 %d ns/op\n",
			name, cost, name, cost+1, name, cost+2, name, cost+3, name, cost+1)
	}
	p.git("init", "-q", "-b", "main", ".")
	p.write("sub/bench.sh", "cost=$(cat cost)\necho \"BenchmarkSum-2 1 $((cost * 1000 + $$ % 10 * cost)) ns/op\"\n")
	p.write("sub/cost", "1000")
	p.commit("one")
	p.write("sub/cost", "2000")
	p.commit("two")

	out, result := action("PACER_IN_COMMAND=sh bench.sh", "PACER_IN_ROUNDS=6", "PACER_IN_DIRECTORY=sub", "PACER_IN_SETUP=true")
	want("in turns", result, out, "1", "fail")
	if !strings.Contains(string(p.read("sub/report.html")), "<html") {
		t.Error("no report")
	}
	out, result = action("PACER_IN_COMMAND=sh bench.sh", "PACER_IN_ROUNDS=6", "PACER_IN_DIRECTORY=sub", "PACER_IN_BASE=none", "PACER_IN_STRICT=true")
	want("without a base", result, out, "0", "pass")

	p.write("shards/1/new.txt", shard("A", 1000))
	p.write("shards/2/new.txt", shard("B", 2000))
	p.write("shards/1/old.txt", shard("A", 1000))
	p.write("shards/2/old.txt", shard("B", 1000))
	out, result = action("PACER_IN_RESULTS=shards/**/new.txt", "PACER_IN_BASE_RESULTS=shards/1/old.txt\nshards/2/old.txt", "PACER_IN_APP=sharded")
	want("shards", result, out, "1", "fail")
	if v := string(p.read("verdict.json")); strings.Count(v, `"name":`) != 2 || !strings.Contains(out, "B: 2.00x slower/higher") {
		t.Errorf("shards are not merged:\n%s", out)
	}

	for what, env := range map[string][]string{
		"nothing":      nil,
		"both":         {"PACER_IN_COMMAND=x", "PACER_IN_RESULTS=y"},
		"no file":      {"PACER_IN_RESULTS=*.nope"},
		"no folder":    {"PACER_IN_DIRECTORY=nope", "PACER_IN_COMMAND=x"},
		"bad command":  {"PACER_IN_COMMAND=exit 3", "PACER_IN_BASE=none"},
		"broken files": {"PACER_IN_RESULTS=sub/cost"},
	} {
		out, result := action(env...)
		want(what, result, out, "2", "")
	}
}
