package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/atomicfile"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/report/badge"
	"github.com/pacer-perf/pacer/internal/report/csv"
	"github.com/pacer-perf/pacer/internal/report/github"
	"github.com/pacer-perf/pacer/internal/report/gitlab"
	"github.com/pacer-perf/pacer/internal/report/html"
	"github.com/pacer-perf/pacer/internal/report/junit"
	"github.com/pacer-perf/pacer/internal/report/markdown"
	"github.com/pacer-perf/pacer/internal/report/sarif"
	"github.com/pacer-perf/pacer/internal/report/text"
)

// medium is a way to write a report.
type medium struct {
	name       string
	extensions []string // of files that are written so
	about      string
	run        bool // needs the run itself
	write      func(io.Writer, *report.Report) error
}

// media are all ways to write a report, but for text on the terminal and JSON,
// which are of the verb.
var media = []medium{
	{name: "html", extensions: []string{".html", ".htm"}, about: "a page in one file, with charts", write: html.Write},
	{name: "markdown", extensions: []string{".md", ".markdown"}, about: "summary of a job, nothing folded", write: markdown.Write},
	{name: "comment", about: "comment on a pull request, folded", write: writeComment},
	{name: "junit", extensions: []string{".xml"}, about: "JUnit XML: a test case a metric", write: junit.Write},
	{name: "sarif", extensions: []string{".sarif"}, about: "SARIF 2.1.0, for code scanning", write: sarif.Write},
	{name: "csv", extensions: []string{".csv"}, about: "a line a metric, in base units", write: csv.Verdict},
	{name: "samples", about: "CSV, a line a sample", run: true, write: csv.Samples},
	{name: "codequality", about: "code quality report of GitLab", write: gitlab.CodeQuality},
	{name: "metrics", about: "metrics report of GitLab", write: gitlab.Metrics},
	{name: "github", about: "annotations of GitHub Actions", write: github.Annotations},
	{name: "badge", extensions: []string{".svg"}, about: "a badge with the verdict (SVG)", write: badge.Write},
}

func writeComment(w io.Writer, r *report.Report) error {
	_, err := io.WriteString(w, markdown.NewComment(r, "").Body)
	return err
}

// mediaOf returns the media of a verb: text, the verb's JSON, and all others.
func mediaOf(json medium) []medium {
	json.name, json.extensions = "json", []string{".json"}
	plain := medium{name: "text", extensions: []string{".txt"}, about: "as on the terminal", write: func(w io.Writer, r *report.Report) error {
		return text.Verdict(w, r, text.Options{Width: 100})
	}}
	return append([]medium{plain, json}, media...)
}

// verdictJSON is the verdict document.
var verdictJSON = medium{about: "the verdict document, pacer.verdict/v1", write: func(w io.Writer, r *report.Report) error { return writeJSON(w, r.Verdict) }}

// outputs are the files that a verb writes beside standard output.
type outputs struct {
	media  []medium
	format string
	files  []string
	// inPlace tells that files are written in place of standard output, byFormat
	// that --format goes before the endings of their names.
	inPlace, byFormat bool
	out               []target
}

// target is one file, and what goes into it.
type target struct {
	path string // "-": standard output
	medium
}

// flags adds --format and --output.
func (o *outputs) flags(cmd *cobra.Command, format string) {
	names := make([]string, len(o.media))
	for i, m := range o.media {
		names[i] = m.name
	}
	cmd.Flags().StringVar(&o.format, "format", format, "`FORMAT` of standard output: "+strings.Join(names, ", "))
	complete(cmd, "format", names...)
	cmd.Flags().StringArrayVarP(&o.files, "output", "o", nil, "`FILE` to write as well, in the format of its ending, or FORMAT=FILE; may be given again")
}

// resolve finds out what is to be written where, before any work is done.
func (o *outputs) resolve() error {
	if _, err := o.named(o.format); err != nil {
		return hint(fmt.Errorf("unknown format %q", o.format), "--format takes %s", o.list())
	}
	seen := make(map[string]bool)
	for _, file := range o.files {
		t, err := o.target(file)
		if err != nil {
			return err
		}
		if seen[t.path] {
			return fmt.Errorf("--output %s: given twice", file)
		}
		seen[t.path] = true
		o.out = append(o.out, t)
	}
	return nil
}

// verdict is the first file that the verdict document goes into, "" if there is
// none.
func (o *outputs) verdict() string {
	for _, t := range o.out {
		if t.name == "json" && t.path != "-" {
			return t.path
		}
	}
	return ""
}

func (o *outputs) target(file string) (target, error) {
	if format, path, ok := strings.Cut(file, "="); ok && path != "" {
		m, err := o.named(format)
		switch {
		case err == nil:
			return target{path, m}, nil
		case !strings.ContainsAny(format, `./\`):
			return target{}, hint(fmt.Errorf("--output %s: unknown format %q", file, format), "it takes %s; a file of that name is ./%s", o.list(), file)
		}
	}
	switch {
	case file == "-" && !o.inPlace:
		return target{}, hint(errors.New("--output -: standard output has the result anyway"), "say in which format: --format FORMAT")
	case file == "-", o.byFormat:
		m, err := o.named(o.format)
		return target{file, m}, err
	}
	ending := strings.ToLower(filepath.Ext(file))
	for _, m := range o.media {
		if slices.Contains(m.extensions, ending) {
			return target{file, m}, nil
		}
	}
	err := fmt.Errorf("--output %s: the ending %q says no format", file, ending)
	if ending == "" {
		err = fmt.Errorf("--output %s: without an ending it says no format", file)
	}
	return target{}, hint(err, "name it (%s=%s); there are:\n%s", "FORMAT", file, o.table())
}

func (o *outputs) named(format string) (medium, error) {
	if format == "md" {
		format = "markdown"
	}
	for _, m := range o.media {
		if m.name == format {
			return m, nil
		}
	}
	return medium{}, errors.New("no such format")
}

// needsRun tells whether anything that is written needs the run itself.
func (o *outputs) needsRun() bool {
	if m, err := o.named(o.format); err == nil && m.run && len(o.out) == 0 {
		return true
	}
	return slices.ContainsFunc(o.out, func(t target) bool { return t.run })
}

func (o *outputs) list() string {
	names := make([]string, len(o.media))
	for i, m := range o.media {
		names[i] = m.name
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// table lists the formats with their endings.
func (o *outputs) table() string {
	var b strings.Builder
	for i, m := range o.media {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "  %-12s %-14s %s", m.name, strings.Join(m.extensions, " "), m.about)
	}
	return b.String()
}

// write writes the files: all are made before the first is written, and each
// appears whole or not at all.
func (o *outputs) write(stdout io.Writer, r *report.Report) error {
	r = shared(r)
	made := make([]bytes.Buffer, len(o.out))
	for i, t := range o.out {
		if err := t.write(&made[i], r); err != nil {
			return fmt.Errorf("writing %s: %w", t.path, err)
		}
	}
	for i, t := range o.out {
		if t.path == "-" {
			if _, err := made[i].WriteTo(stdout); err != nil {
				return err
			}
			continue
		}
		if err := atomicfile.Write(t.path, func(w io.Writer) error { _, err := made[i].WriteTo(w); return err }); err != nil {
			return fmt.Errorf("writing %s: %w", t.path, err)
		}
	}
	return nil
}

// show writes the files, and then the result on standard output: as text, or
// in the format that was asked for. A file that could not be written does not
// keep the result from being shown.
func (o *outputs) show(c *cli, r *report.Report, asText func() error) error {
	failed := o.write(c.stdout, r)
	if o.format == "text" {
		return cmp.Or(failed, asText())
	}
	m, err := o.named(o.format)
	if err != nil {
		return err
	}
	return cmp.Or(failed, m.write(c.stdout, shared(r)))
}

// shared is a report for others, who do not call pacer as it was called here.
func shared(r *report.Report) *report.Report {
	s := *r
	s.Words.Program = ""
	return &s
}

// viewFlags say how much of a verdict is shown on the terminal.
type viewFlags struct{ all, quiet, verbose bool }

func (f *viewFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.all, "all", false, "show every metric")
	cmd.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "show only what needs a person, and the last line")
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "show samples, percentiles, runs and method as well")
}

func (f *viewFlags) options(c *cli) text.Options {
	o := c.text()
	o.All, o.Quiet, o.Verbose = f.all, f.quiet, f.verbose
	return o
}
