package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/internal/format"
	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// importOptions are what the command line says of imported runs.
type importOptions struct {
	format, app, version, commit, branch, time string
	labels                                     map[string]string
	here, merge, dryRun, json                  bool
}

func (c *cli) importing() *cobra.Command {
	var o importOptions
	var labels []string
	cmd := &cobra.Command{
		Use:   "import [flags] FILE|FOLDER|-...",
		Short: "Keep what other tools measured",
		Long: `Import reads results of other tools and keeps them as runs. The content of a
file tells its format; a file with a history becomes its runs. Importing the
same twice is one run. If a file is broken, nothing of it is kept.

What a file does not say, flags do: --commit, --branch and --time for results
of the past, --here for those that were measured just now, on this machine and
in this repository.

Formats: ` + wrapNames(format.Names()) + `
Folders: target/criterion, .asv/results. docs/formats.md says what becomes what.
The verbs that take a FILE (check, compare, show, why, report) read the same.`,
		Example: `  go test -bench . -count 10 ./... | pacer import --here -
  pacer import --app site --commit 1a2b3c4 --time 2026-01-31 old.txt
  pacer import --merge --commit "$CI_COMMIT_SHA" shard-*/bench.txt
  pacer import dev/bench/data.js
  pacer import --dry-run target/criterion
  pacer import --format customBiggerIsBetter speed.json`,
		Args: atLeast(1),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.format, "format", "", "`FORMAT` of the files (default: their content tells)")
	flags.StringVar(&o.app, "app", "", "name of the `APP` (default: $PACER_APP, the file's own word, that of pacer.yaml, or the folder's name)")
	flags.StringVar(&o.version, "version", "", "`VERSION` of the app that was measured")
	flags.StringVar(&o.commit, "commit", "", "`COMMIT` that was measured")
	flags.StringVar(&o.branch, "branch", "", "`BRANCH` that was measured")
	flags.StringVar(&o.time, "time", "", "`TIME` of the measurement: 2006-01-02T15:04:05Z, a date or Unix seconds")
	flags.StringArrayVar(&labels, "label", nil, "label `KEY=VALUE` of the runs; may be given again")
	flags.BoolVar(&o.here, "here", false, "measured here just now: add this machine and the repository's commit and branch")
	flags.BoolVar(&o.merge, "merge", false, "make one run of all files, such as the shards of one commit")
	flags.BoolVar(&o.dryRun, "dry-run", false, "show what would be kept, and keep nothing")
	flags.BoolVar(&o.json, "json", false, "say what was kept as JSON; with --dry-run, the runs themselves")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var err error
		if o.labels, err = parseLabels(labels); err != nil {
			return err
		}
		return c.importFiles(cmd.Context(), o, args)
	}
	return cmd
}

// wrapNames writes names to the width of a help text.
func wrapNames(names []string) string {
	var b strings.Builder
	width := len("Formats: ")
	for i, name := range names {
		if i < len(names)-1 {
			name += ", "
		} else {
			name += "."
		}
		if width+len(name) > 79 {
			b.WriteString("\n  ")
			width = 2
		}
		b.WriteString(name)
		width += len(name)
	}
	return strings.ReplaceAll(b.String(), " \n", "\n")
}

// imported is one run, and what became of it.
type imported struct {
	File   string     `json:"file"`
	Format string     `json:"format"`
	Run    judge.Head `json:"run"`
	Values int        `json:"metrics"`
	New    bool       `json:"new"`
	run    run.Run
	title  string
}

// importFiles reads the files, all of them before the first run is kept.
func (c *cli) importFiles(ctx context.Context, o importOptions, files []string) error {
	p, err := loadPolicy("")
	if err != nil {
		return err
	}
	if first := slices.Index(files, "-"); first >= 0 && slices.Contains(files[first+1:], "-") {
		return errors.New("standard input is there twice: it can be read once")
	}
	var list []imported
	for _, file := range files {
		bar := newProgress(c.stderr, "reading "+filepath.Base(file), 100)
		l, err := loadFile(ctx, file, o.format, func(done, size int64) {
			if size > 4<<20 {
				bar.show(int(done * 99 / size))
			}
		})
		bar.clear()
		if err != nil {
			return err
		}
		for _, r := range l.runs {
			if len(r.Metrics) == 0 && len(r.Failures) == 0 {
				return hint(fmt.Errorf("%s: taken for %s, there is nothing that was measured", l.name, l.format.Title), "if it is another format, name it with --format; pacer import --help lists them")
			}
			list = append(list, imported{File: l.name, Format: l.format.Name, title: l.format.Title, run: r})
		}
	}
	if o.merge {
		if list, err = mergeImports(list); err != nil {
			return err
		}
	}
	if err := o.describe(list, p); err != nil {
		return err
	}
	if !o.dryRun {
		if err := c.keep(ctx, list); err != nil {
			return err
		}
	}
	c.doubts(list)
	if o.json {
		return c.importJSON(list, o.dryRun)
	}
	return c.importText(list, o)
}

// mergeImports makes one run of all.
func mergeImports(list []imported) ([]imported, error) {
	runs := make([]run.Run, len(list))
	for i := range list {
		runs[i] = list[i].run
		first := &list[0].run
		for _, same := range []struct{ what, first, here string }{
			{"commit", first.Commit, runs[i].Commit}, {"branch", first.Branch, runs[i].Branch},
		} {
			if same.first != same.here {
				return nil, hint(fmt.Errorf("%s and %s are not of one run: %s %q and %q", list[0].File, list[i].File, same.what, same.first, same.here), "import them one by one, without --merge")
			}
		}
	}
	whole, err := run.Merge(runs...)
	if err != nil {
		return nil, hint(err, "import them one by one, without --merge")
	}
	for i := range runs {
		if d := judge.Differences(&runs[0], &runs[i]); len(d) > 0 {
			whole.Warnings = append(whole.Warnings, fmt.Sprintf("merged of results from different environments (%s)", strings.Join(d, "; ")))
			break
		}
	}
	whole.ID = ""
	one := list[0]
	one.run = whole
	if n := len(list); n > 1 {
		one.File = fmt.Sprintf("%s and %d more", one.File, n-1)
	}
	return []imported{one}, nil
}

// describe says of the runs what the command line knows. A run that is changed
// by it is another one than its file says, with an id of its own.
func (o *importOptions) describe(list []imported, p judge.Policy) error {
	var at time.Time
	if o.time != "" {
		var err error
		if at, err = input.Time(o.time); err != nil {
			return fmt.Errorf("--time: %w", err)
		}
	}
	if len(list) > 1 && (o.commit != "" || o.time != "" || o.version != "") {
		return hint(fmt.Errorf("--commit, --version and --time are of one run: there are %d", len(list)), "import the files one by one, or make one run of them: --merge")
	}
	var code revision
	if o.here {
		code = sourceHere()
	}
	for i := range list {
		r := &list[i].run
		before := judge.HeadOf(r)
		before.Labels = maps.Clone(r.Labels)
		environment := run.Environment{}
		if r.Environment != nil {
			environment = *r.Environment
		}
		r.App = first(o.app, env("PACER_APP"), r.App, p.App, folderName())
		r.Version = first(o.version, r.Version)
		r.Branch = first(o.branch, r.Branch)
		if o.here {
			if r.Environment == nil {
				r.Environment = new(run.Environment)
			}
			here := pacer.Environment()
			here.Go = "" // of this program, not of what was measured
			fill(r.Environment, here)
			if r.Commit == "" || r.Commit == code.commit {
				r.Commit, r.Branch, r.Dirty, r.Pull = code.commit, first(r.Branch, code.branch), r.Dirty || code.dirty, code.pull
			}
		}
		if o.commit != "" && o.commit != r.Commit {
			r.Commit, r.Dirty = o.commit, false
		}
		if !at.IsZero() {
			r.Timestamp = at
		}
		for k, v := range o.labels {
			if old, ok := r.Labels[k]; ok && old != v {
				return fmt.Errorf("%s says label %s=%s, the command line %s=%s", list[i].File, k, old, k, v)
			}
			if r.Labels == nil {
				r.Labels = make(map[string]string)
			}
			r.Labels[k] = v
		}
		if r.ID != "" && reflect.DeepEqual(before, judge.HeadOf(r)) && (r.Environment == nil || environment == *r.Environment) {
			continue
		}
		var err error
		if r.ID, err = r.ContentID(); err != nil {
			return fmt.Errorf("%s: %w", list[i].File, err)
		}
	}
	return nil
}

// fill sets what an environment does not say.
func fill(e *run.Environment, here run.Environment) {
	e.OS, e.Arch, e.CPU, e.Host = first(e.OS, here.OS), first(e.Arch, here.Arch), first(e.CPU, here.CPU), first(e.Host, here.Host)
	if e.Cores == 0 {
		e.Cores, e.CPULimit = here.Cores, here.CPULimit
	}
	if e.Memory == 0 {
		e.Memory, e.MemoryLimit = here.Memory, here.MemoryLimit
	}
}

// folderName is the name of the project: of the folder that holds the history,
// else of the repository, else of the working folder.
func folderName() string {
	for _, mark := range []string{dirName, ".git"} {
		if path, ok := upwards(mark); ok {
			return filepath.Base(filepath.Dir(path))
		}
	}
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	return filepath.Base(dir)
}

// keep appends the runs to the history.
func (c *cli) keep(ctx context.Context, list []imported) error {
	store, err := writeHistory(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	bar := newProgress(c.stderr, "keeping runs", len(list))
	defer bar.clear()
	for i := range list {
		if len(list) > 20 {
			bar.show(i)
		}
		r := &list[i].run
		added, err := store.Append(audited(ctx, "run.add", r.App, r.ID, map[string]string{"from": list[i].File}), r)
		if err != nil {
			if ctx.Err() != nil && i > 0 {
				c.kept = fmt.Sprintf(": %d of %d runs are kept; import again for the rest", i, len(list))
			}
			return fmt.Errorf("%s: %w", list[i].File, err)
		}
		list[i].New = added
	}
	return nil
}
