package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/report/text"
)

func (c *cli) report() *cobra.Command {
	var o checkOptions
	out := outputs{media: mediaOf(reportJSON), inPlace: true}
	cmd := &cobra.Command{
		Use:   "report [flags] FILE|RUN",
		Short: "Write reports of a run: what it measured and the verdict",
		Long: `Report writes what a run measured and the verdict on it, in one format or in
several at once. It exits with 0 whatever the verdict is.

FILE is a run document, or a verdict that pacer check --format json wrote: that
is reported as it was judged. Files appear whole or not at all.

Formats, and the endings of files that are written in them:
` + out.table(),
		Example: `  pacer report latest
  pacer report -o report.json -o report.md -o junit.xml latest
  pacer report --format sarif -o scan.json latest
  pacer report -o codequality=gl-code-quality-report.json latest
  pacer report --baseline 1.4.0 -o report.json latest
  pacer report --format github verdict.json`,
		Args: exactArgs(1),
	}
	completeArgs(cmd, runWords)
	o.flags(cmd)
	out.flags(cmd, "json")
	cmd.Flags().Lookup("output").Usage = "`FILE` to write in place of standard output, in the format of --format, else of its ending, or FORMAT=FILE; may be given again"
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		out.byFormat = cmd.Flags().Changed("format")
		if err := out.resolve(); err != nil {
			return err
		}
		o.current = args[0]
		r, err := c.reportOf(cmd, &o)
		if err != nil {
			return err
		}
		if r.Current == nil && out.needsRun() {
			return hint(fmt.Errorf("%s is a verdict, without the run it is on: that cannot be written as json or samples", args[0]), "name the run, or another format: %s", out.list())
		}
		if len(out.out) > 0 {
			return out.write(c.stdout, r)
		}
		return out.show(c, r, func() error { return text.Verdict(c.stdout, r, c.text()) })
	}
	return cmd
}

// reportOf returns the report of a run, judged anew, or of a file that holds a
// verdict.
func (c *cli) reportOf(cmd *cobra.Command, o *checkOptions) (*report.Report, error) {
	v, is, err := verdictIn(o.current)
	if err != nil {
		return nil, err
	}
	if is {
		if err := judgedAlready(cmd, o.current); err != nil {
			return nil, err
		}
		r := reportOn(judge.Case{}, &v, o)
		r.Words.Run, r.Words.Verdict = "", o.current
		return r, nil
	}
	found, err := findCase(cmd.Context(), *o)
	if err != nil {
		return nil, err
	}
	if v, err = flagged(cmd.Context(), found); err != nil {
		return nil, err
	}
	return reportOn(found, &v, o), nil
}

// judgedAlready refuses flags that say how to judge what a file holds a verdict
// on.
func judgedAlready(cmd *cobra.Command, file string) error {
	for _, flag := range []string{"baseline", "policy", "app"} {
		if cmd.Flags().Changed(flag) {
			return fmt.Errorf("--%s: %s was judged already", flag, file)
		}
	}
	return nil
}

// verdictBegins is how a verdict that check wrote begins, whole or not.
var verdictBegins = regexp.MustCompile(`^\s*\{\s*"schema":\s*"pacer\.verdict/`)

// verdictIn reads a file that holds a verdict, and tells whether it is one.
func verdictIn(file string) (v judge.Verdict, is bool, err error) {
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() {
		return v, false, nil // no file: a run of the history
	}
	body, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return v, false, nil
	}
	if err != nil {
		return v, false, err
	}
	var head struct{ Schema string }
	broken := json.Unmarshal(body, &head) != nil
	if broken && !verdictBegins.Match(body) || !broken && !strings.HasPrefix(head.Schema, "pacer.verdict/") {
		return v, false, nil // whoever reads it as a run says what is wrong with it
	}
	v, err = judge.ReadVerdict(bytes.NewReader(body), file)
	return v, true, err
}

// reportJSON is the specification's report.
var reportJSON = medium{about: `{"timestamp", "metrics", "summary", "verdict"}`, run: true, write: func(w io.Writer, r *report.Report) error {
	body, err := report.JSON(r.Current, r.Verdict, r.At)
	if err != nil {
		return err
	}
	_, err = w.Write(body)
	return err
}}

// reportOn makes the report of a case.
func reportOn(found judge.Case, v *judge.Verdict, o *checkOptions) *report.Report {
	r := report.New(found, v, time.Now())
	r.Tool = "pacer " + versionNumber()
	r.URL = env("PACER_REPORT_URL")
	r.Words = o.words()
	return r
}

// words are what was typed, for commands that are shown to be pasted.
func (o *checkOptions) words() report.Words {
	w := report.Words{Program: invocation(), Run: o.current}
	for _, b := range o.baseline {
		w.Flags = append(w.Flags, "--baseline", b)
	}
	if o.policy != "" {
		w.Flags = append(w.Flags, "--policy", o.policy)
	}
	if o.app != "" {
		w.Flags = append(w.Flags, "--app", o.app)
	}
	return w
}
