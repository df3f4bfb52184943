package main

import (
	"bytes"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/goccy/go-yaml"

	"github.com/pacer-perf/pacer/internal/manual"
)

// documentFiles are all documents of the repository.
func documentFiles(t *testing.T) []string {
	t.Helper()
	files := []string{"../../README.md", "../../ARCHITECTURE.md", "../../CHANGELOG.md"}
	err := filepath.WalkDir("../../docs", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) < 20 {
		t.Fatalf("%d documents: %v", len(files), err)
	}
	return files
}

// docs/cli says what the commands say.
func TestCommandPages(t *testing.T) {
	t.Parallel()
	pages := manual.Markdown((&cli{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}}).command(), regenerate)
	names := make(map[string]bool)
	for _, p := range pages {
		names[p.Name] = true
		text, err := os.ReadFile(filepath.Join("../../docs/cli", p.Name))
		if err != nil || !bytes.Equal(text, p.Text) {
			t.Errorf("docs/cli/%s is not what the command says (%v): %s", p.Name, err, regenerate)
		}
	}
	files, err := filepath.Glob("../../docs/cli/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !names[filepath.Base(file)] {
			t.Errorf("%s is of no command: delete it", file)
		}
	}
}

var (
	markdownLink = regexp.MustCompile(`!?\[[^\]]*\]\(([^)\s]+)\)`)
	headingLine  = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	fence        = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")
	codeSpan     = regexp.MustCompile("`[^`\n]*`")
)

// anchor is how GitHub names a heading.
func anchor(heading string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(heading) {
		switch {
		case r == ' ':
			b.WriteByte('-')
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Every link between the documents leads somewhere, to its heading too.
func TestLinks(t *testing.T) {
	t.Parallel()
	anchors := make(map[string][]string)
	read := func(file string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return fence.ReplaceAllString(string(text), "")
	}
	links := 0
	for _, file := range documentFiles(t) {
		for _, m := range markdownLink.FindAllStringSubmatch(codeSpan.ReplaceAllString(read(file), ""), -1) {
			u, err := url.Parse(m[1])
			if err != nil {
				t.Errorf("%s: %s: %v", file, m[1], err)
				continue
			}
			if u.Scheme != "" {
				continue
			}
			links++
			to := file
			if u.Path != "" {
				to = filepath.Join(filepath.Dir(file), filepath.FromSlash(u.Path))
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: %s leads nowhere", file, m[1])
				continue
			}
			if u.Fragment == "" || !strings.HasSuffix(to, ".md") {
				continue
			}
			if anchors[to] == nil {
				for _, h := range headingLine.FindAllStringSubmatch(read(to), -1) {
					anchors[to] = append(anchors[to], anchor(h[1]))
				}
			}
			if !slices.Contains(anchors[to], u.Fragment) {
				t.Errorf("%s: %s: there is no such heading", file, m[1])
			}
		}
	}
	index := read("../../docs/README.md")
	entries, err := os.ReadDir("../../docs")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".md") && e.Name() != "README.md" && !strings.Contains(index, "]("+e.Name()+")") {
			t.Errorf("docs/README.md does not list %s", e.Name())
		}
	}
	if links < 40 {
		t.Errorf("%d links: the search is broken", links)
	}
}

// blocks are the blocks of code of a document in a language.
func blocks(t *testing.T, file, language string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
		if m[1] == language {
			list = append(list, m[2])
		}
	}
	return list
}

// The workflows in the documents are as those in the repository: they parse, and
// every pacer command in them exists.
func TestDocumentedWorkflows(t *testing.T) {
	t.Parallel()
	action, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	own, _ := parseWorkflow(action)
	workflows := 0
	for _, file := range documentFiles(t) {
		for _, text := range blocks(t, file, "yaml") {
			var any map[string]any
			if err := yaml.Unmarshal([]byte(text), &any); err != nil {
				t.Errorf("%s: %v\n%s", file, err, text)
				continue
			}
			if any["jobs"] == nil {
				continue
			}
			workflows++
			w, problems := parseWorkflow([]byte(text))
			for _, p := range problems {
				t.Errorf("%s: %s", file, p)
			}
			for _, job := range w.Jobs {
				for _, s := range job.Steps {
					if !strings.HasPrefix(s.Uses, "pacer-perf/pacer@") {
						continue
					}
					for input := range s.With {
						if _, ok := own.Inputs[input]; !ok {
							t.Errorf("%s: the action has no input %s", file, input)
						}
					}
				}
			}
		}
	}
	if workflows < 3 {
		t.Errorf("%d workflows: the search is broken", workflows)
	}
	ci, err := os.ReadFile("../../docs/ci.md")
	if err != nil {
		t.Fatal(err)
	}
	for input := range own.Inputs {
		if !strings.Contains(string(ci), "`"+input+"`") && !strings.Contains(string(ci), "`"+input+":") {
			t.Errorf("docs/ci.md does not name the input %s", input)
		}
	}
}

// The tutorial, pasted: it ends where it says it does.
func TestTutorial(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	var script strings.Builder
	script.WriteString("set -e\n")
	for _, block := range blocks(t, "../../docs/tutorial.md", "sh") {
		if strings.HasPrefix(block, "go install ") {
			continue // the one under test is there
		}
		script.WriteString(block)
	}
	out := p.run(nil, "bash", "-c", script.String())
	last := 0
	for _, want := range []string{
		"Go module example.com/join: 1 benchmark in 1 package", // init
		"is the first commit", "PASS  ", // the first measurement
		"where this forked from main", "regressed", "FAIL  ", "exit status 1", // the slower branch
		"### ↑ Performance: `Words.", // the comment
		"accepted", "exit 0",         // the waiver
	} {
		at := strings.Index(out[last:], want)
		if at < 0 {
			t.Fatalf("no %q where it belongs in\n%s", want, out)
		}
		last += at
	}
}
