package manual

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// program is a root with a command, a group with one, and one that is hidden.
func program() *cobra.Command {
	run := func(*cobra.Command, []string) {}
	root := &cobra.Command{Use: "prog", Short: "Do things", Long: "Prog does things."}
	root.PersistentFlags().Bool("quiet", false, "say less")
	check := &cobra.Command{Use: "check [FILE|RUN]", Short: "Check a_b <c>", Run: run,
		Long: "Check checks.\n\n.dot begins a line\n'so does this\n\n  as it is   a\\b\n  two\nand on", Example: "  prog check -x\n    deeper"}
	check.Flags().StringP("output", "o", "-", "`FILE` to write")
	check.Flags().Int("runs", 5, "how many `TIMES`")
	group := &cobra.Command{Use: "group", Short: "Group commands", Run: run}
	group.AddCommand(&cobra.Command{Use: "one", Short: "One", Run: run})
	root.AddCommand(check, group, &cobra.Command{Use: "secret", Hidden: true, Run: run})
	return root
}

func TestMan(t *testing.T) {
	t.Parallel()
	pages := Man(program(), "1.2-3")
	names := make([]string, len(pages))
	for i, p := range pages {
		names[i] = p.Name
	}
	if diff := cmp.Diff([]string{"prog.1", "prog-check.1", "prog-group.1", "prog-group-one.1"}, names); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	const want = `.TH "PROG\-CHECK" 1 "" "prog 1.2\-3" "Manual of prog"
.nh
.ad l
.SH NAME
prog\-check \- check a_b <c>
.SH SYNOPSIS
.B prog check
[FILE|RUN] [flags]
.SH DESCRIPTION
Check checks.
.PP
\&.dot begins a line
\&'so does this
.PP
.nf
  as it is   a\eb
  two
.fi
.PP
and on
.SH OPTIONS
.TP
\fB\-o\fR, \fB\-\-output\fR \fIFILE\fR
FILE to write (default \-)
.TP
\fB\-\-runs\fR \fITIMES\fR
how many TIMES (default 5)
.SH OPTIONS OF EVERY COMMAND
.TP
\fB\-\-quiet\fR
say less
.SH EXAMPLES
.PP
.nf
  prog check \-x
    deeper
.fi
.SH SEE ALSO
.BR prog (1)
`
	if diff := cmp.Diff(want, string(pages[1].Text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if group := string(pages[2].Text); !strings.Contains(group, ".I command\n") || !strings.Contains(group, `.BR prog\-group\-one (1)`) {
		t.Errorf("a group:\n%s", group)
	}
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	pages := Markdown(program(), "make docs")
	if len(pages) != 4 || pages[0].Name != "prog.md" || pages[3].Name != "group-one.md" {
		t.Fatalf("%d pages", len(pages))
	}
	const want = "<!-- Made by make docs; edit the command's help. -->\n\n# prog check\n\nCheck a\\_b &lt;c>.\n\n" +
		"```\nprog check [FILE|RUN] [flags]\n```\n\nCheck checks.\n\n.dot begins a line\n'so does this\n\n```\nas it is   a\\b\ntwo\n```\n\nand on\n\n" +
		"## Examples\n\n```sh\nprog check -x\n  deeper\n```\n\n## Flags\n\n| flag | |\n|---|---|\n| `-o, --output FILE` | FILE to write (default -) |\n| `--runs TIMES` | how many TIMES (default 5) |\n\n" +
		"## Flags of every command\n\n| flag | |\n|---|---|\n| `--quiet` | say less |\n\nSee also: [`prog`](prog.md)\n"
	if diff := cmp.Diff(want, string(pages[1].Text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if root := string(pages[0].Text); !strings.Contains(root, "| [`prog check`](check.md) | Check a\\_b &lt;c> |") || strings.Contains(root, "secret") {
		t.Errorf("the root:\n%s", root)
	}
}
