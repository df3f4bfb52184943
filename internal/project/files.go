package project

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"regexp"
	"strings"
	"text/template"
)

// File is one that is written, with its path from the root of the repository
// (or from the folder, where that is in none).
type File struct {
	Path  string
	Text  []byte
	About string // what it is for
}

//go:embed templates
var templates embed.FS

var parsed = template.Must(template.New("").Delims("[[", "]]").Funcs(template.FuncMap{
	"yaml": scalar, "indent": indent,
}).ParseFS(templates, "templates/*.tmpl"))

// Files returns the policy, and the workflow for the CI system. Version is that
// of Pacer which is installed there: a version, a branch or a commit.
func (p *Project) Files(plan Plan, ci CI, version string) ([]File, error) {
	data := struct {
		*Project
		Plan
		Pacer, Slug string
		Example     string // of a metric's name
	}{p, plan, version, "", "table.filter"}
	data.Plan.App = plan.App // not the project's
	if plan.Program != "" {
		data.Example = "process.wall"
	}
	if p.Go != nil && len(p.Go.Benchmarks) > 0 && plan.Benchmark != "" {
		data.Example = p.Go.Benchmarks[0]
	}
	data.Slug = strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(p.Prefix), "-"), "-")
	files := []File{{Path: p.Prefix + "pacer.yaml", About: "what runs are held to"}}
	sources := []string{"pacer.yaml.tmpl"}
	switch ci {
	case GitHub:
		file := "performance.yml"
		if data.Slug != "" {
			file = "performance-" + data.Slug + ".yml"
		}
		files = append(files, File{Path: path.Join(".github/workflows", file), About: "measures every pull request, stops what got slower, comments"})
		sources = append(sources, "github.yml.tmpl")
	case GitLab:
		file := ".gitlab-ci.yml"
		if p.GitLab {
			file = ".gitlab/performance.yml"
			if data.Slug != "" {
				file = ".gitlab/performance-" + data.Slug + ".yml"
			}
		}
		files = append(files, File{Path: file, About: "measures every merge request, stops what got slower, comments"})
		sources = append(sources, "gitlab.yml.tmpl")
	}
	for i, source := range sources {
		var out bytes.Buffer
		if err := parsed.ExecuteTemplate(&out, source, data); err != nil {
			return nil, fmt.Errorf("%s: %w", files[i].Path, err)
		}
		files[i].Text = out.Bytes()
	}
	return files, nil
}

// MeasureLine is the command that measures benchmarks, with flags before its
// own.
func (p Plan) MeasureLine(flags string) string {
	line := "pacer bench "
	if flags != "" {
		line += flags + " "
	}
	if p.Setup != "" {
		line += "--setup " + shell(p.Setup) + " "
	}
	if p.Results != "" {
		line += "--results " + shell(p.Results) + " "
	}
	return line + "-- " + p.Benchmark
}

// CompareLine is the command that measures a program in pairs with the commit in
// the variable base of the shell.
func (p Plan) CompareLine(flags string) string {
	line := "pacer compare " + flags + " --ref \"$base\" "
	if p.Setup != "" {
		line += "--build " + shell(p.Setup) + " "
	}
	return line + "--exec " + shell(p.Program)
}

var plainScalar = regexp.MustCompile(`^[A-Za-z_/][^#]*[^\s#:]$`)

// scalar writes a text on one line of YAML: as it is, where that is what YAML
// reads, else quoted.
func scalar(s string) string {
	if plainScalar.MatchString(s) && !strings.Contains(s, ": ") && !strings.Contains(s, "\n") && !regexp.MustCompile(`^(?i:true|false|null|yes|no|on|off|y|n)$`).MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:=,@%+-]+$`)

// shell quotes a word for a POSIX shell.
func shell(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// indent moves all lines but the first to the right.
func indent(n int, s string) string {
	return strings.ReplaceAll(s, "\n", "\n"+strings.Repeat(" ", n))
}
