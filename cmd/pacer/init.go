package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/atomicfile"
	"github.com/pacer-perf/pacer/internal/project"
	"github.com/pacer-perf/pacer/internal/report"
)

// initOptions are what the command line says of the first files.
type initOptions struct {
	ci, app, setup string
	force, dryRun  bool
	command        []string
}

func (c *cli) initialise() *cobra.Command {
	var o initOptions
	cmd := &cobra.Command{
		Use:   "init [flags] [-- COMMAND [ARG...]]",
		Short: "Set a project up: pacer.yaml, and a workflow for its CI",
		Long: `Init looks at the folder and writes two files: pacer.yaml, with what runs are
held to, and a workflow that measures every pull request and the commit that it
forked from, stops it if it got slower, and comments.

It measures COMMAND if there is one, else the Go benchmarks, else the target
bench of the Makefile. A COMMAND that runs a tool whose results pacer import
knows, such as cargo bench, is taken as a benchmark (pacer bench); any other is
measured as a program (pacer compare --ref).

Files that are there are left as they are, unless --force says otherwise.`,
		Example: `  pacer init
  pacer init --dry-run
  pacer init --ci gitlab
  pacer init --setup 'make app' -- ./app --once
  pacer init -- pytest --benchmark-json=out.json`,
	}
	cmd.Flags().StringVar(&o.ci, "ci", "", "`SYSTEM` of the workflow: github, gitlab or none (default: what the origin says)")
	complete(cmd, "ci", string(project.GitHub), string(project.GitLab), string(project.NoCI))
	cmd.Flags().StringVar(&o.app, "app", "", "name of the `APP` (default: that of the Go module, or of the folder)")
	cmd.Flags().StringVar(&o.setup, "setup", "", "shell `COMMAND` that builds what is measured")
	cmd.Flags().BoolVar(&o.force, "force", false, "overwrite files that are there")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "print the files and write nothing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.command = args
		if len(args) > 0 && cmd.ArgsLenAtDash() != 0 {
			return hint(fmt.Errorf("unknown argument %q", args[0]), "a command comes after --: pacer init -- %s", report.Shell(args...))
		}
		switch project.CI(o.ci) {
		case "", project.GitHub, project.GitLab, project.NoCI:
		default:
			return hint(fmt.Errorf("unknown system %q", o.ci), "--ci takes github, gitlab or none")
		}
		return c.setUp(cmd.Context(), o)
	}
	return cmd
}

// setUp looks, says what it saw, writes, and says what to do next.
func (c *cli) setUp(ctx context.Context, o initOptions) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	repository := lookGit(ctx)
	p, err := project.Look(dir, repository)
	if err != nil {
		return err
	}
	plan, err := p.Plan(report.Shell(o.command...), o.setup)
	ci := project.CI(o.ci)
	if errors.Is(err, project.ErrNothing) && ci != project.NoCI {
		return hint(fmt.Errorf("%w: no Go benchmarks%s, no target bench in a Makefile", err, below(p.Modules)),
			"say what to measure: pacer init -- COMMAND; or write pacer.yaml alone: pacer init --ci none")
	}
	plan.App = first(o.app, plan.App)
	why := "as --ci says"
	if ci == "" {
		ci, why = p.GuessCI()
	}
	files, err := p.Files(plan, ci, installVersion())
	if err != nil {
		return err
	}
	root := first(repository.Root, dir)
	if o.dryRun {
		return c.showFiles(files)
	}
	var out bytes.Buffer
	saw(&out, p, plan, ci, why)
	written, err := writeFiles(&out, root, files, o.force)
	if err == nil {
		c.nextSteps(&out, p, plan, ci, root, written)
	}
	_, werr := out.WriteTo(c.stdout)
	return errors.Join(err, werr)
}

// lookGit is what git says of the working folder; nothing, where it is no
// repository.
func lookGit(ctx context.Context) project.Repository {
	var r project.Repository
	var err error
	if r.Root, err = git(ctx, "rev-parse", "--show-toplevel"); err != nil {
		return project.Repository{}
	}
	r.Root = filepath.FromSlash(r.Root)
	r.Prefix, _ = git(ctx, "rev-parse", "--show-prefix")
	r.Origin, _ = git(ctx, "remote", "get-url", "origin")
	if head, err := git(ctx, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD"); err == nil {
		r.Branch = strings.TrimPrefix(head, "origin/")
	} else if name, _, err := trunk(ctx, ""); err == nil {
		r.Branch = strings.TrimPrefix(name, "origin/")
	} else {
		r.Branch, _ = git(ctx, "symbolic-ref", "--quiet", "--short", "HEAD")
	}
	return r
}

var released = regexp.MustCompile(`^v?[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$`)

// installVersion is the version of this program as go install knows it.
func installVersion() string {
	if v := versionNumber(); released.MatchString(v) && !strings.Contains(v, "dirty") {
		return "v" + strings.TrimPrefix(v, "v")
	}
	return "main"
}

func below(modules []string) string {
	if len(modules) == 0 {
		return ""
	}
	return fmt.Sprintf(" of this module (there are some in %s: call pacer init there)", strings.Join(modules, ", "))
}

func (c *cli) showFiles(files []project.File) error {
	for i, f := range files {
		gap := "\n"
		if i == 0 {
			gap = ""
		}
		if _, err := fmt.Fprintf(c.stdout, "%s--- %s\n%s", gap, f.Path, f.Text); err != nil {
			return err
		}
	}
	return nil
}

// saw says what was found.
func saw(w io.Writer, p *project.Project, plan project.Plan, ci project.CI, why string) {
	fmt.Fprintln(w, "saw")
	if p.Go != nil {
		fmt.Fprintf(w, "  Go module %s: %s in %s\n", p.Go.Path, report.Plural(len(p.Go.Benchmarks), "benchmark"), report.Plural(p.Go.Packages, "package"))
	}
	for _, m := range p.Modules {
		fmt.Fprintf(w, "  another Go module with benchmarks: %s; call pacer init there for it\n", m)
	}
	if p.Make != nil {
		fmt.Fprintf(w, "  a Makefile with the target %s\n", p.Make.Name)
	}
	if plan.What != "" {
		fmt.Fprintf(w, "  to measure: %s\n", plan.What)
	}
	fmt.Fprintf(w, "  CI system: %s (%s)\n", ci, why)
}

// writeFiles writes what is not there, or with force everything, and returns
// the paths of what it wrote.
func writeFiles(w io.Writer, root string, files []project.File, force bool) (written []string, err error) {
	fmt.Fprintln(w, "wrote")
	for _, f := range files {
		path := filepath.Join(root, filepath.FromSlash(f.Path))
		if _, err := os.Lstat(path); err == nil && !force {
			fmt.Fprintf(w, "  nothing into %s: it is there (--force overwrites it)\n", f.Path)
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return written, err
		}
		if err := atomicfile.Write(path, func(w io.Writer) error { _, err := w.Write(f.Text); return err }); err != nil {
			return written, fmt.Errorf("writing %s: %w", f.Path, err)
		}
		fmt.Fprintf(w, "  %s: %s\n", f.Path, f.About)
		written = append(written, f.Path)
	}
	return written, nil
}

// nextSteps says what to do.
func (c *cli) nextSteps(w io.Writer, p *project.Project, plan project.Plan, ci project.CI, root string, written []string) {
	fmt.Fprintln(w, "next")
	switch {
	case plan.Program != "":
		fmt.Fprintf(w, "  measure here:           pacer run --runs 20 -- %s\n", plan.Program)
		fmt.Fprintln(w, "  and judge it:           pacer check")
	case plan.Benchmark != "":
		fmt.Fprintf(w, "  measure and compare:    %s\n", plan.MeasureLine(""))
	}
	if plan.Needs != "" && ci != project.NoCI && len(written) > 0 {
		fmt.Fprintf(w, "  in the workflow:        install %s, where it is not there\n", plan.Needs)
	}
	for _, file := range written {
		if strings.HasPrefix(file, ".gitlab/") {
			fmt.Fprintf(w, "  in .gitlab-ci.yml:      include: [{local: /%s}]\n", file)
		}
	}
	if len(written) > 0 {
		if p.Root != "" {
			wd, err := os.Getwd()
			var paths []string
			for _, f := range written {
				path := filepath.Join(root, filepath.FromSlash(f))
				if rel, rerr := filepath.Rel(wd, path); err == nil && rerr == nil {
					path = rel
				}
				paths = append(paths, path)
			}
			fmt.Fprintf(w, "  commit them:            git add %s\n", report.Shell(paths...))
		} else {
			fmt.Fprintln(w, "  this is no git repository: comparing commits needs one (git init)")
		}
	}
	if ci != project.NoCI {
		request := map[project.CI]string{project.GitLab: "merge"}[ci]
		fmt.Fprintf(w, "  then make a %s request: the first one is compared with where it forked\n", first(request, "pull"))
	}
}
