package main

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/pacer-perf/pacer/internal/forge/forgetest"
)

// From an empty Go module with one benchmark to a gate: what pacer init writes,
// executed as CI does it. The first push is green; a pull request that makes the
// benchmark twice as slow is red, with a comment that names it; mended, it is
// green, and the comment says so.
func TestInitToGate(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.write("go.mod", "module example.com/fast\n\ngo 1.25\n")
	p.write("fast.go", "package fast\n\n// Cost is what a call takes, in nanoseconds.\nconst Cost = 1000\n")
	// The time is made up, give or take a percent, so that the test depends on
	// no machine; all else is real.
	p.write("fast_test.go", `package fast

import (
	"os"
	"testing"
)

func BenchmarkSum(b *testing.B) {
	b.ReportMetric(Cost+float64(os.Getpid()%10), "ns/op")
}
`)
	p.git("init", "-q", "-b", "main", ".")
	out := p.run(nil, "pacer", "init")
	for _, want := range []string{"Go module example.com/fast: 1 benchmark in 1 package", ".github/workflows/performance.yml", "git add pacer.yaml .github/workflows/performance.yml"} {
		if !strings.Contains(out, want) {
			t.Errorf("init does not say %q:\n%s", want, out)
		}
	}
	p.commit("set up")

	push := p.build("push", `{"ref": "refs/heads/main", "before": "0000000000000000000000000000000000000000"}`)
	if push.failed != "" || !strings.Contains(push.output, "is the first commit") || !strings.Contains(push.output, "PASS") {
		t.Fatalf("the first push: step %q\n%s", push.failed, push.output)
	}

	const pull = `{"number": 7, "pull_request": {"number": 7}}`
	p.git("checkout", "-q", "-b", "change")
	p.write("fast.go", "package fast\n\n// Cost is what a call takes.\nconst Cost = 2000\n")
	p.commit("twice as slow")
	slow := p.build("pull_request", pull)
	notes := p.forge.Notes()
	if slow.failed != "Check" || len(notes) != 1 {
		t.Fatalf("twice as slow: step %q, comments %v\n%s", slow.failed, notes, slow.output)
	}
	for _, want := range []string{"### ↑ Performance: `Sum{pkg=example.com/fast}` is ", " % slower", "**1 regressed**", "pacer accept 'Sum{pkg=example.com/fast}'"} {
		if !strings.Contains(notes[0].Body, want) {
			t.Errorf("the comment does not say %q:\n%s", want, notes[0].Body)
		}
	}

	p.write("fast.go", "package fast\n\n// Cost is what a call takes.\nconst Cost = 1001\n")
	p.commit("mended")
	mended := p.build("pull_request", pull)
	notes = p.forge.Notes()
	if mended.failed != "" || len(notes) != 1 || !strings.Contains(notes[0].Body, "the regression in `Sum{pkg=example.com/fast}` is gone") {
		t.Errorf("mended: step %q, comments %v\n%s", mended.failed, notes, mended.output)
	}
}

// folder is a project that a test makes, with a forge that it is at.
type folder struct {
	*testing.T
	dir, bin string
	env      []string
	forge    *forgetest.Forge
	api      string
}

func newProject(t *testing.T) *folder {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &folder{T: t, dir: t.TempDir(), bin: t.TempDir(), forge: &forgetest.Forge{}}
	if err := os.Symlink(self, filepath.Join(p.bin, "pacer")); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p.forge)
	t.Cleanup(server.Close)
	p.api = server.URL
	p.env = append(cleanEnv(), "TEST_PACER=1", "GORACE=atexit_sleep_ms=0", "PATH="+p.bin+string(filepath.ListSeparator)+os.Getenv("PATH"),
		"GOPROXY=off", "GOFLAGS=-vet=off -ldflags=-w", "GIT_AUTHOR_NAME=n", "GIT_AUTHOR_EMAIL=e", "GIT_COMMITTER_NAME=n", "GIT_COMMITTER_EMAIL=e")
	return p
}

// cleanEnv is the environment without what a CI system that runs this test says
// of it.
func cleanEnv() []string {
	return slices.DeleteFunc(os.Environ(), func(s string) bool {
		name, _, _ := strings.Cut(s, "=")
		return name == "CI" || strings.HasPrefix(name, "GITHUB_") || strings.HasPrefix(name, "GITLAB_") || strings.HasPrefix(name, "CI_") ||
			strings.HasPrefix(name, "PACER_") || strings.HasPrefix(name, "GIT_")
	})
}

func (p *folder) write(name, text string) {
	p.Helper()
	path := filepath.Join(p.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		p.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		p.Fatal(err)
	}
}

func (p *folder) read(name string) []byte {
	p.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, filepath.FromSlash(name)))
	if err != nil {
		p.Fatal(err)
	}
	return text
}

// run runs a command that has to succeed.
func (p *folder) run(env []string, args ...string) string {
	p.Helper()
	out, err := p.try(env, args...)
	if err != nil {
		p.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (p *folder) try(env []string, args ...string) (string, error) {
	path := args[0]
	if path == "pacer" {
		path = filepath.Join(p.bin, "pacer")
	}
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir, cmd.Env = p.dir, append(slices.Clone(p.env), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (p *folder) git(args ...string) {
	p.Helper()
	p.run(nil, append([]string{"git"}, args...)...)
}

func (p *folder) commit(message string) {
	p.Helper()
	p.git("add", "-A")
	p.git("commit", "-q", "-m", message)
}

// built is what a build did: the name of the first step that failed, and the
// output of all.
type built struct{ failed, output string }

// build executes the steps of the workflow as GitHub Actions does, in a clone of
// the project as it is now.
func (p *folder) build(event, payload string) built {
	p.Helper()
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct {
				Name, If, Run string
				Env           map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(p.read(".github/workflows/performance.yml"), &workflow); err != nil {
		p.Fatal(err)
	}
	// What the workflow checks out: everything, and the head of the pull request.
	clone := *p
	clone.dir = p.TempDir()
	p.git("clone", "-q", "--no-local", ".", clone.dir)
	branch := strings.TrimSpace(p.run(nil, "git", "symbolic-ref", "--short", "HEAD"))
	clone.git("checkout", "-q", "--detach", "origin/"+branch)
	clone.git("checkout", "-q", "-B", "main", "origin/main")
	clone.git("checkout", "-q", "--detach", "origin/"+branch)
	eventFile := filepath.Join(p.TempDir(), "event.json")
	if err := os.WriteFile(eventFile, []byte(payload), 0o666); err != nil {
		p.Fatal(err)
	}
	env := []string{"CI=true", "GITHUB_ACTIONS=true", "GITHUB_EVENT_NAME=" + event, "GITHUB_EVENT_PATH=" + eventFile, "GITHUB_REPOSITORY=acme/app",
		"GITHUB_API_URL=" + p.api, "GITHUB_STEP_SUMMARY=" + eventFile + ".md"}
	if event == "pull_request" {
		env = append(env, "GITHUB_BASE_REF=main", "GITHUB_HEAD_REF="+branch)
	}
	var b built
	var out bytes.Buffer
	ran := 0
	for _, step := range workflow.Jobs["performance"].Steps {
		switch {
		case step.Run == "":
			continue // another action
		case step.Name == "Install Pacer":
			if !strings.HasPrefix(step.Run, "go install github.com/pacer-perf/pacer/cmd/pacer@") {
				p.Errorf("it is installed by %q", step.Run)
			}
			continue // the one under test is there
		case b.failed != "" && !strings.Contains(step.If, "!cancelled()"):
			continue
		}
		more := slices.Clone(env)
		for k, v := range step.Env {
			more = append(more, k+"="+strings.ReplaceAll(v, "${{ github.token }}", forgetest.App))
		}
		ran++
		text, err := clone.try(more, "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.Run)
		fmt.Fprintf(&out, "== %s\n%s", step.Name, text)
		if err != nil && b.failed == "" {
			b.failed = step.Name
		}
	}
	if ran < 2 {
		p.Errorf("%d steps were run", ran)
	}
	b.output = out.String()
	return b
}
