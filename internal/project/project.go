// Package project looks at the folder of a project: what in it can be measured,
// and where its CI runs; and writes the first files of a gate for it.
//
// It reads files and runs nothing.
package project

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Project is what is in a folder.
type Project struct {
	Dir    string // the folder
	Root   string // of the repository; empty: it is in none
	Prefix string // the folder in the repository, with a slash at its end; empty: its root
	App    string // a name for it

	Go      *Module  // the Go module; nil: there is none
	Modules []string // folders below with Go modules of their own that have benchmarks
	Make    *Target  // the Makefile's target for benchmarks; nil: there is none

	Host     string // of the origin; empty: there is none
	Branch   string // that changes are for
	GitHub   bool   // there is a .github
	GitLab   bool   // there is a .gitlab-ci.yml
	Remarks  []string
	goModDir string
}

// Module is a Go module.
type Module struct {
	Path     string
	Version  string // of Go: 1.26
	File     string // its go.mod, in the repository
	Packages int    // with benchmarks
	// Benchmarks are named as pacer import does: Sum{pkg=example.com/fast}.
	Benchmarks []string
}

// Target is a target of a Makefile.
type Target struct {
	Name   string
	Recipe string // its lines
}

// Look looks at a folder. Git is what git says of it: root and prefix of the
// repository, the address of the origin and the branch that changes are for.
func Look(dir string, git Repository) (*Project, error) {
	dir, root := resolved(dir), resolved(git.Root)
	p := &Project{Dir: dir, Root: root, Prefix: git.Prefix, Host: host(git.Origin), Branch: git.Branch}
	if p.Branch == "" {
		p.Branch = "main"
	}
	if err := p.lookGo(); err != nil {
		return nil, err
	}
	if err := p.lookMake(); err != nil {
		return nil, err
	}
	top := dir
	if p.Root != "" {
		top = p.Root
	}
	p.GitHub = exists(filepath.Join(top, ".github"))
	p.GitLab = exists(filepath.Join(top, ".gitlab-ci.yml"))
	p.App = filepath.Base(dir)
	if p.Go != nil {
		p.App = name(p.Go.Path)
		if p.goModDir != dir { // a package of it
			p.App += "/" + filepath.Base(dir)
		}
	}
	return p, nil
}

// Repository is what git says of a folder.
type Repository struct {
	Root, Prefix string
	Origin       string // its address
	Branch       string
}

// resolved returns a path as git writes it, without symbolic links.
func resolved(path string) string {
	if path == "" {
		return ""
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return filepath.Clean(path)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// name is the last element of a module path that is no version.
func name(module string) string {
	last := path.Base(module)
	if regexp.MustCompile(`^v[0-9]+$`).MatchString(last) && path.Dir(module) != "." {
		last = path.Base(path.Dir(module))
	}
	return last
}

// host returns the host of a repository's address: git@host:path, or a URL.
func host(origin string) string {
	if u, err := url.Parse(origin); err == nil && u.Host != "" {
		return u.Hostname()
	}
	if before, _, found := strings.Cut(origin, ":"); found && !strings.Contains(before, "/") && !strings.Contains(before, `\`) {
		_, h, at := strings.Cut(before, "@")
		if at {
			return h
		}
		return before
	}
	return ""
}

var (
	moduleLine = regexp.MustCompile(`(?m)^module\s+"?([^\s"]+)"?`)
	goLine     = regexp.MustCompile(`(?m)^go\s+([0-9]+\.[0-9]+)`)
	benchmark  = regexp.MustCompile(`(?m)^func (Benchmark[^a-z\s(][^\s(]*|Benchmark)\(\s*\w+\s+\*testing\.B\s*\)`)
	target     = regexp.MustCompile(`^([A-Za-z0-9_.-]+)\s*:([^=]|$)`)
)

// lookGo finds the Go module that the folder is in, and benchmarks below.
func (p *Project) lookGo() error {
	for dir := p.Dir; ; dir = filepath.Dir(dir) {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil {
			if m := moduleLine.FindSubmatch(text); m != nil {
				p.Go, p.goModDir = &Module{Path: string(m[1])}, dir
				if v := goLine.FindSubmatch(text); v != nil {
					p.Go.Version = string(v[1])
				}
				p.Go.File = "go.mod"
				if rel, err := filepath.Rel(p.Root, dir); p.Root != "" && err == nil {
					p.Go.File = path.Join(filepath.ToSlash(rel), "go.mod")
				}
			}
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if dir == p.Root || filepath.Dir(dir) == dir {
			break
		}
	}
	packages := make(map[string]bool)
	err := filepath.WalkDir(p.Dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			if d != nil && d.IsDir() {
				return fs.SkipDir // one that may not be read is none of ours
			}
			return nil
		}
		base := d.Name()
		if d.IsDir() {
			switch {
			case file == p.Dir:
			case base == "vendor", base == "testdata", base == "node_modules", strings.HasPrefix(base, "."), strings.HasPrefix(base, "_"):
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil
		}
		found := benchmark.FindAllSubmatch(text, -1)
		if found == nil {
			return nil
		}
		dir := filepath.Dir(file)
		if module := p.moduleOf(dir); module != p.goModDir || p.Go == nil {
			if rel, err := filepath.Rel(p.Dir, module); err == nil && module != "" {
				p.Modules = append(p.Modules, filepath.ToSlash(rel))
			}
			return nil
		}
		rel, err := filepath.Rel(p.goModDir, dir)
		if err != nil {
			return err
		}
		pkg := path.Join(p.Go.Path, filepath.ToSlash(rel))
		packages[pkg] = true
		for _, m := range found {
			short := strings.TrimPrefix(string(m[1]), "Benchmark")
			p.Go.Benchmarks = append(p.Go.Benchmarks, fmt.Sprintf("%s{pkg=%s}", short, pkg))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if p.Go != nil {
		p.Go.Packages = len(packages)
	}
	slices.Sort(p.Modules)
	p.Modules = slices.Compact(p.Modules)
	return nil
}

// moduleOf returns the folder of the module that a folder below is in, "" if
// that is none.
func (p *Project) moduleOf(dir string) string {
	for ; ; dir = filepath.Dir(dir) {
		if exists(filepath.Join(dir, "go.mod")) {
			return dir
		}
		if dir == p.goModDir || dir == p.Root || filepath.Dir(dir) == dir {
			return ""
		}
	}
}

// targets are the names that benchmarks go by in Makefiles, best first.
var targets = []string{"bench", "benchmark", "benchmarks", "perf"}

// lookMake finds a target for benchmarks in the Makefile.
func (p *Project) lookMake() error {
	for _, file := range []string{"GNUmakefile", "makefile", "Makefile"} {
		f, err := os.Open(filepath.Join(p.Dir, file))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		defer f.Close()
		recipes := make(map[string]string)
		current := ""
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			line := lines.Text()
			switch m := target.FindStringSubmatch(line); {
			case m != nil:
				current = m[1]
				recipes[current] += ""
			case strings.HasPrefix(line, "\t") && current != "":
				recipes[current] += strings.TrimSpace(line) + "\n"
			case strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#"):
				current = ""
			}
		}
		for _, name := range targets {
			if recipe, ok := recipes[name]; ok {
				p.Make = &Target{name, recipe}
				return nil
			}
		}
		return nil // a broken line ends it, as if it said no more
	}
	return nil
}
