package project

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// tree writes the files of a txtar text and returns the folder.
func tree(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(text)).Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const goProject = `
-- go.mod --
// a comment
module example.com/acme/fast/v2

go 1.25.3
-- fast_test.go --
package fast

func BenchmarkSum(b *testing.B) {}
func BenchmarkÜber(b *testing.B) {}
func Benchmark_x(tb *testing.B) {}
func Benchmarking(b *testing.B) {} // none
func BenchmarkHelper(b *testing.B, n int) {} // none
func TestX(t *testing.T) {}
-- deep/er/x_test.go --
package er
func BenchmarkDeep( b *testing.B ) {}
-- vendor/v/v_test.go --
func BenchmarkV(b *testing.B) {}
-- testdata/t_test.go --
func BenchmarkT(b *testing.B) {}
-- .pacer/base/b_test.go --
func BenchmarkB(b *testing.B) {}
-- _old/o_test.go --
func BenchmarkO(b *testing.B) {}
-- tools/go.mod --
module example.com/acme/tools
-- tools/t_test.go --
func BenchmarkTool(b *testing.B) {}
-- Makefile --
.PHONY: bench
BENCH := x
all: build
	echo all
bench: build
	go test -run XXX \
	-bench . ./...
# a comment
	@echo done
-- sub/readme --
`

func TestLook(t *testing.T) {
	t.Parallel()
	dir := tree(t, goProject)
	p, err := Look(dir, Repository{Root: dir, Origin: "git@github.com:acme/fast.git"})
	if err != nil {
		t.Fatal(err)
	}
	const pkg = "{pkg=example.com/acme/fast/v2"
	want := &Module{Path: "example.com/acme/fast/v2", Version: "1.25", File: "go.mod", Packages: 2,
		Benchmarks: []string{"Deep" + pkg + "/deep/er}", "Sum" + pkg + "}", "Über" + pkg + "}", "_x" + pkg + "}"}}
	if diff := cmp.Diff(want, p.Go); diff != "" {
		t.Errorf("module (-want +got):\n%s", diff)
	}
	if p.App != "fast" || p.Host != "github.com" || p.Branch != "main" || !slices.Equal(p.Modules, []string{"tools"}) {
		t.Errorf("%+v", p)
	}
	if p.Make == nil || p.Make.Name != "bench" || !strings.Contains(p.Make.Recipe, "-bench .") {
		t.Errorf("Makefile: %+v", p.Make)
	}
	// A package of it, and a module below.
	sub, err := Look(filepath.Join(dir, "deep", "er"), Repository{Root: dir, Prefix: "deep/er/"})
	if err != nil || sub.App != "fast/er" || sub.Go == nil || len(sub.Go.Benchmarks) != 1 || sub.Go.File != "go.mod" {
		t.Errorf("%+v, %v", sub, err)
	}
	tools, err := Look(filepath.Join(dir, "tools"), Repository{Root: dir, Prefix: "tools/"})
	if err != nil || tools.App != "tools" || tools.Go.File != "tools/go.mod" || len(tools.Go.Benchmarks) != 1 {
		t.Errorf("%+v, %v", tools, err)
	}
}

func TestGuessCI(t *testing.T) {
	t.Parallel()
	tests := []struct {
		origin string
		tree   string
		want   CI
	}{
		{"git@github.com:acme/app.git", "", GitHub},
		{"https://github.com/acme/app", "-- .gitlab-ci.yml --\n", GitHub},
		{"https://gitlab.example.org/acme/app.git", "", GitLab},
		{"ssh://git@gitlab.com:22/acme/app.git", "-- .github/x --\n", GitLab},
		{"git@code.example.org:acme/app.git", "-- .gitlab-ci.yml --\n", GitLab},
		{"git@code.example.org:acme/app.git", "", GitHub},
		{"/srv/git/app.git", "-- .github/x --\n", GitHub},
		{`C:\git\app`, "", GitHub},
		{"", "", GitHub},
	}
	for _, tt := range tests {
		dir := tree(t, tt.tree)
		p, err := Look(dir, Repository{Root: dir, Origin: tt.origin})
		if err != nil {
			t.Fatal(err)
		}
		if got, why := p.GuessCI(); got != tt.want || why == "" {
			t.Errorf("%q %q: %s (%s), want %s", tt.origin, tt.tree, got, why, tt.want)
		}
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	makes := func(recipe string) string { return "-- Makefile --\nbenchmarks:\n\t" + recipe + "\n" }
	tests := []struct {
		name, tree, command string
		benchmark, program  string
		results, needs      string
		err                 error
	}{
		{name: "Go", tree: goProject, benchmark: "go test -run '^$' -bench . -benchmem ./..."},
		{name: "a command goes first", tree: goProject, command: "./app --once", program: "./app --once"},
		{name: "a benchmark given", command: "go test -bench Sum .", benchmark: "go test -bench Sum ."},
		{name: "make runs go", tree: makes("go test -bench ."), benchmark: "make --silent benchmarks"},
		{name: "make runs cargo", tree: makes("cargo bench --all"), benchmark: "make --silent benchmarks", results: "target/criterion", needs: "cargo"},
		{name: "make runs a program", tree: makes("./bench.sh"), program: "make --silent benchmarks"},
		{name: "hyperfine", command: "hyperfine --export-json out.json ./app", benchmark: "hyperfine --export-json out.json ./app", results: "out.json", needs: "hyperfine"},
		{name: "hyperfine without a file", command: "hyperfine ./app", program: "hyperfine ./app"},
		{name: "pytest", command: "pytest --benchmark-json=b.json", benchmark: "pytest --benchmark-json=b.json", results: "b.json", needs: "pytest-benchmark"},
		{name: "nothing", tree: "-- main.go --\npackage main\n", err: ErrNothing},
		{name: "a Makefile without", tree: "-- Makefile --\ntest:\n\tgo test\n", err: ErrNothing},
	}
	for _, tt := range tests {
		dir := tree(t, tt.tree)
		p, err := Look(dir, Repository{})
		if err != nil {
			t.Fatal(err)
		}
		plan, err := p.Plan(tt.command, "")
		if !errors.Is(err, tt.err) || plan.Benchmark != tt.benchmark || plan.Program != tt.program || plan.Results != tt.results || plan.Needs != tt.needs {
			t.Errorf("%s: %+v, %v", tt.name, plan, err)
		}
	}
}
