package project

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// CI is where a workflow is written for.
type CI string

const (
	GitHub CI = "github"
	GitLab CI = "gitlab"
	NoCI   CI = "none"
)

// GuessCI returns the CI system of the project, and what it is guessed from.
func (p *Project) GuessCI() (ci CI, why string) {
	switch {
	case strings.Contains(p.Host, "gitlab"):
		return GitLab, "the origin is at " + p.Host
	case strings.Contains(p.Host, "github"):
		return GitHub, "the origin is at " + p.Host
	case p.GitLab && !p.GitHub:
		return GitLab, "there is a .gitlab-ci.yml"
	case p.GitHub:
		return GitHub, "there is a .github"
	case p.Host != "":
		return GitHub, fmt.Sprintf("the origin at %s does not tell", p.Host)
	}
	return GitHub, "there is no origin that would tell"
}

// Plan is how a project is measured.
type Plan struct {
	App   string
	Setup string // shell command that is run before, at the base too; empty: none
	// Benchmark is a command that prints or writes results of benchmarks, Program
	// one that is measured as a process. One of them is given.
	Benchmark, Program string
	Results            string // where the benchmark writes its results; empty: standard output
	What               string // it is, for people
	Needs              string // tool that the machine of a build has to get first; empty: it has it
}

// ErrNothing says that there is nothing in a project that could be measured.
var ErrNothing = errors.New("nothing to measure was found")

// Plan returns how the project is measured: by the command, which is a line for
// a shell, else by what was found.
func (p *Project) Plan(command, setup string) (Plan, error) {
	plan := Plan{App: p.App, Setup: setup}
	switch {
	case command != "":
		plan.ofCommand(command, command)
		plan.What = "the command that was given"
	case p.Go != nil && len(p.Go.Benchmarks) > 0:
		plan.Benchmark = "go test -run '^$' -bench . -benchmem ./..."
		plan.What = "the Go benchmarks"
	case p.Make != nil:
		plan.ofCommand("make --silent "+p.Make.Name, p.Make.Recipe)
		plan.What = "make " + p.Make.Name
	default:
		return plan, ErrNothing
	}
	return plan, nil
}

// tools are those whose results pacer import reads. Where they write them is
// said on their command line, or is always the same; else it is standard output,
// if they print them at all.
var tools = []struct {
	command, results *regexp.Regexp
	always           string
	prints           bool
	needs            string
}{
	{command: regexp.MustCompile(`\bgo test\b.*-bench\b`), prints: true},
	{command: regexp.MustCompile(`\bhyperfine\b`), results: regexp.MustCompile(`--export-json[ =](\S+)`), needs: "hyperfine"},
	{command: regexp.MustCompile(`\bpytest\b`), results: regexp.MustCompile(`--benchmark-json[ =](\S+)`), needs: "pytest-benchmark"},
	{command: regexp.MustCompile(`\bcargo bench\b`), always: "target/criterion", needs: "cargo"},
	{command: regexp.MustCompile(`\bk6 run\b`), results: regexp.MustCompile(`--summary-export[ =](\S+)`), needs: "k6"},
	{command: regexp.MustCompile(`--benchmark_out\b`), results: regexp.MustCompile(`--benchmark_out[ =](\S+)`)},
}

// ofCommand plans to run a command: as a benchmark if what it executes is a
// tool whose results are known, else as a program.
func (p *Plan) ofCommand(command, executes string) {
	for _, tool := range tools {
		if !tool.command.MatchString(executes) {
			continue
		}
		results := tool.always
		if tool.results != nil {
			if m := tool.results.FindStringSubmatch(executes); m != nil {
				results = strings.Trim(m[1], `"'`)
			}
		}
		if results != "" || tool.prints {
			p.Benchmark, p.Results, p.Needs = command, results, tool.needs
			return
		}
	}
	p.Program = command
}
