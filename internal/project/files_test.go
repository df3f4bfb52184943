package project

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/pacer-perf/pacer/internal/golden"
	"github.com/pacer-perf/pacer/internal/policy"
)

// Every file is what its reader takes: the policy as it is and with all that is
// commented out, the workflows as YAML.
func TestFiles(t *testing.T) {
	t.Parallel()
	repository := tree(t, goProject+"-- .gitlab-ci.yml --\n-- services/b: it's #1/go.mod --\nmodule example.com/b\n")
	for _, tt := range []struct {
		name, prefix, command, setup string
		ci                           CI
		paths                        []string
	}{
		{name: "go", ci: GitHub, paths: []string{"pacer.yaml", ".github/workflows/performance.yml"}},
		{name: "program", ci: GitHub, command: "./app --once 'a b: c'", setup: "make app\nmake data", paths: []string{"pacer.yaml", ".github/workflows/performance.yml"}},
		{name: "results", ci: GitHub, command: "cargo bench -- 'x: y'", setup: "rustup show", paths: []string{"pacer.yaml", ".github/workflows/performance.yml"}},
		{name: "below", ci: GitHub, prefix: "services/b: it's #1/", command: "go test -bench .", paths: []string{"services/b: it's #1/pacer.yaml", ".github/workflows/performance-services-b-it-s-1.yml"}},
		{name: "gitlab-go", ci: GitLab, paths: []string{"pacer.yaml", ".gitlab/performance.yml"}},
		{name: "gitlab-program", ci: GitLab, command: "./app --once", setup: "make app", paths: []string{"pacer.yaml", ".gitlab/performance.yml"}},
		{name: "gitlab-below", ci: GitLab, prefix: "tools/", paths: []string{"tools/pacer.yaml", ".gitlab/performance-tools.yml"}},
		{name: "none", ci: NoCI, paths: []string{"pacer.yaml"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := Look(repository+"/"+tt.prefix, Repository{Root: repository, Prefix: tt.prefix})
			if err != nil {
				t.Fatal(err)
			}
			plan, err := p.Plan(tt.command, tt.setup)
			if err != nil {
				t.Fatal(err)
			}
			if tt.name == "go" {
				plan.App = "fast"
			}
			files, err := p.Files(plan, tt.ci, "v1.2.3")
			if err != nil {
				t.Fatal(err)
			}
			if len(files) != len(tt.paths) {
				t.Fatalf("%d files", len(files))
			}
			for i, f := range files {
				if f.Path != tt.paths[i] || f.About == "" {
					t.Errorf("path %q, want %q", f.Path, tt.paths[i])
				}
				for line := range strings.Lines(string(f.Text)) {
					if strings.TrimRight(line, " \t\n") != strings.TrimRight(line, "\n") {
						t.Errorf("%s: blanks at the end of %q", f.Path, line)
					}
				}
			}
			checkPolicy(t, files[0].Text)
			if tt.ci == NoCI {
				return
			}
			workflow := files[1].Text
			golden.Check(t, tt.name+".yml", workflow)
			var parsed map[string]any
			if err := yaml.UnmarshalWithOptions(workflow, &parsed, yaml.Strict()); err != nil {
				t.Fatalf("%v\n%s", err, workflow)
			}
			commands := Commands(t, workflow)
			measure := "-- " + plan.Benchmark
			if plan.Program != "" {
				measure = plan.CompareLine("--gate -o verdict.json")
				if tt.ci == GitLab {
					measure = "pacer run --runs 20 -- " + plan.Program
				}
			}
			for _, want := range []string{"go install github.com/pacer-perf/pacer/cmd/pacer@v1.2.3", measure, "-o verdict.json", "pacer ci comment "} {
				if !strings.Contains(strings.Join(strings.Fields(commands), " "), strings.Join(strings.Fields(want), " ")) {
					t.Errorf("no %q in the commands:\n%s", want, commands)
				}
			}
		})
	}
}

// Commands returns the commands of a workflow, as YAML reads them.
func Commands(t *testing.T, workflow []byte) string {
	t.Helper()
	var github struct {
		Jobs map[string]struct {
			Steps []struct{ Run string }
		}
	}
	if err := yaml.Unmarshal(workflow, &github); err == nil && len(github.Jobs) > 0 {
		var all []string
		for _, job := range github.Jobs {
			for _, step := range job.Steps {
				all = append(all, step.Run)
			}
		}
		return strings.Join(all, "\n")
	}
	var gitlab map[string]struct{ Script []string }
	if err := yaml.Unmarshal(workflow, &gitlab); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, job := range gitlab {
		all = append(all, job.Script...)
	}
	return strings.Join(all, "\n")
}

var commentedKey = regexp.MustCompile(`(?m)^# ?((?:thresholds|budgets):|  .*: \{.*\})$`)

// checkPolicy reads a policy as it is, and with its examples.
func checkPolicy(t *testing.T, text []byte) {
	t.Helper()
	p, err := policy.Read(bytes.NewReader(text), "pacer.yaml")
	if err != nil || p.App == "" || len(p.Budgets)+len(p.Thresholds) != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	all := commentedKey.ReplaceAllString(string(text), "$1")
	p, err = policy.Read(strings.NewReader(all), "pacer.yaml")
	if err != nil || len(p.Budgets) == 0 || len(p.Thresholds) < 2 {
		t.Errorf("with its examples: %v\n%s", err, all)
	}
}

// What is written on one line of YAML is read back.
func FuzzScalar(f *testing.F) {
	for _, s := range []string{"a", "pacer bench -- go test -run '^$' .", "a: b", "a #b", "it's", "true", "1.5", "- x", "{", "a:", "", "@x", "~", "null"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsFunc(s, func(r rune) bool {
			return r < ' ' || r == 0x7f || r == 0xfffd || r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0xfeff
		}) {
			t.Skip() // not one line of text
		}
		var got struct{ Key any }
		if err := yaml.Unmarshal([]byte("key: "+scalar(s)+"\n"), &got); err != nil || got.Key != s {
			t.Errorf("scalar(%q) = %s is read as %q, %v", s, scalar(s), got.Key, err)
		}
	})
}
