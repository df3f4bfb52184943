package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/atomicfile"
	"github.com/pacer-perf/pacer/internal/forge"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/report/github"
	"github.com/pacer-perf/pacer/internal/report/markdown"
	"github.com/pacer-perf/pacer/internal/request"
)

// commentFile is where a comment is left that could not be made.
const commentFile = "pacer-comment.md"

// whens are the words for when to comment.
var whens = []string{"on-change", "always", "never"}

// ciComment is what the command line says of a comment.
type ciComment struct {
	file, when, on           string
	strict, exitZero, dryRun bool
}

func (c *cli) ciComment() *cobra.Command {
	var o ciComment
	cmd := &cobra.Command{
		Use:   "comment --file VERDICT",
		Short: "Comment a verdict on the pull request of this build",
		Long: `Comment says a verdict where people look. On the pull request (GitHub) or
merge request (GitLab) that the build is for it keeps one comment, edited in
place: made when something needs a person, kept up to date from then on, and
short again once that is settled. In GitHub Actions it also writes the summary
of the job, and annotations; a build for no pull request gets those alone.

Where no comment can be made, as in the build of a fork, whose token may not
write, it leaves the comment in ` + commentFile + ` and says why. A workflow that
runs afterwards can post it: docs/ci.md, "Pull requests from forks".

VERDICT is what pacer check -o verdict.json wrote. The exit status is that of
the verdict, whether the comment could be made or not.

The token is that of $GITHUB_TOKEN, or of $GITLAB_TOKEN (scope api), else
$CI_JOB_TOKEN. In systems that do not name the pull request (all but GitHub,
GitLab, Jenkins and CircleCI) --on does. $PACER_REPORT_URL is linked as the full
report.`,
		Example: `  pacer ci comment --file verdict.json
  pacer ci comment --file verdict.json --when always
  pacer ci comment --file verdict.json --dry-run
  pacer ci comment --file v.json --on https://github.com/acme/app/pull/7`,
		Args: exactArgs(0),
	}
	cmd.Flags().StringVar(&o.file, "file", "", "`VERDICT` to comment; - is standard input")
	cmd.Flags().StringVar(&o.when, "when", whens[0], "`WHEN` to comment: on-change (when something needs a person, or did before), always or never")
	complete(cmd, "when", whens...)
	cmd.Flags().StringVar(&o.on, "on", "", "`URL` of the pull or merge request (default: what the CI system says)")
	cmd.Flags().BoolVar(&o.strict, "strict", false, "exit with 3 if the verdict is undecided")
	cmd.Flags().BoolVar(&o.exitZero, "exit-zero", false, "exit with 0 whatever the verdict is")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "print the comment, do nothing, and exit with 0")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if !slices.Contains(whens, o.when) {
			return hint(fmt.Errorf("unknown word %q", o.when), "--when takes on-change, always or never")
		}
		r, err := verdictReport(o.file)
		if err != nil {
			return err
		}
		if o.dryRun {
			_, err := io.WriteString(c.stdout, markdown.NewComment(r, "").Body)
			return err
		}
		if !o.exitZero {
			c.status = r.Verdict.ExitStatus(o.strict)
		}
		if env("GITHUB_ACTIONS") == "true" {
			if err := errors.Join(jobSummary(r), github.Annotations(c.stdout, r)); err != nil {
				return err
			}
		}
		return c.comment(cmd.Context(), r, o)
	}
	return cmd
}

// verdictReport reads a verdict document and returns the report of it.
func verdictReport(file string) (*report.Report, error) {
	if file == "" {
		return nil, hint(errors.New("no verdict"), "--file VERDICT, which pacer check -o verdict.json writes")
	}
	in, name := io.Reader(os.Stdin), "standard input"
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, hint(err, "pacer check -o %s writes it", file)
		}
		defer f.Close()
		in, name = f, file
	}
	v, err := judge.ReadVerdict(in, name)
	if err != nil {
		return nil, hint(err, "pacer check -o verdict.json writes one")
	}
	r := reportOn(judge.Case{}, &v, &checkOptions{})
	if r.Words.Verdict = "verdict.json"; file != "-" {
		r.Words.Verdict = filepath.Base(file) // as those have it who fetched it from the build
	}
	r.Words.Program = "pacer" // as people will call it, not as the build does
	return r, nil
}

// jobSummary appends the summary of the job, in GitHub Actions.
func jobSummary(r *report.Report) error {
	path := env("GITHUB_STEP_SUMMARY")
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return fmt.Errorf("the summary of the job: %w", err)
	}
	return errors.Join(markdown.Write(f, r), f.Close())
}

// comment keeps the comment, or says why there is none.
func (c *cli) comment(ctx context.Context, r *report.Report, o ciComment) error {
	if o.when == "never" {
		return c.note("no comment: --when never")
	}
	needed := o.when == "always" || report.NeedsAttention(r.Verdict)
	found, err := forge.Find(os.Getenv, o.on)
	switch {
	case errors.Is(err, forge.ErrNoThread):
		return c.note("no comment: %v", err)
	case err != nil && o.on != "":
		return err
	case err != nil:
		return c.leave(r, needed, err)
	case found.Token.Value == "":
		return c.leave(r, needed, fmt.Errorf("%s is not set", found.Token.Name))
	}
	found.Client = request.Client{UserAgent: userAgent(), Waiting: func(why string, d time.Duration) {
		fmt.Fprintf(c.stderr, "pacer: %s: trying again in %s\n", why, d.Round(time.Second))
	}}
	thread, err := found.Resolve(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, forge.ErrNoThread):
		return c.note("no comment: %v", err)
	case err != nil:
		return c.leave(r, needed, err)
	}
	done, made, err := thread.Publish(ctx, markdown.Marker(r.Verdict), func(earlier string) (string, bool) {
		comment := markdown.NewComment(r, earlier)
		needed = comment.Needed || o.when == "always"
		return comment.Body, needed
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return c.leave(r, needed, err)
	case done == forge.Nothing:
		return c.note("no comment: nothing needs a person")
	}
	where := first(made.URL, fmt.Sprintf("%s!%d", thread.Project, thread.Number))
	return c.note("comment %s: %s", done, where)
}

// userAgent is what servers know this program by.
func userAgent() string { return "pacer/" + strings.Trim(versionNumber(), "()") }

// note says on standard error what became of the comment.
func (c *cli) note(format string, args ...any) error {
	_, err := fmt.Fprintf(c.stderr, "pacer: "+format+"\n", args...)
	return err
}

// leave leaves the comment in a file, for a build that may write, and says why.
func (c *cli) leave(r *report.Report, needed bool, why error) error {
	if !needed {
		return c.note("no comment: nothing needs a person, and whether there is an earlier one cannot be told: %v", why)
	}
	err := atomicfile.Write(commentFile, func(w io.Writer) error { return writeComment(w, r) })
	if err != nil {
		return fmt.Errorf("writing %s: %w", commentFile, err)
	}
	if err := c.note("no comment: %v", why); err != nil {
		return err
	}
	advice := "it is in " + commentFile + "; where the token may write: pacer ci comment --file verdict.json"
	if env("GITHUB_ACTIONS") == "true" {
		advice = "it is in " + commentFile + "; to post it from a workflow_run: docs/ci.md, \"Pull requests from forks\""
	}
	if env("GITLAB_CI") == "true" {
		advice = "it is in " + commentFile + "; to post it, set GITLAB_TOKEN to a project access token with the scope api"
	}
	_, err = fmt.Fprintln(c.stderr, "hint: "+advice)
	return err
}
