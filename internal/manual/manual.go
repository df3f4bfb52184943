// Package manual makes pages out of the commands themselves: of each, the text
// that --help shows, as Markdown and as a page for man.
package manual

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Page is one file.
type Page struct {
	Name string // of the file
	Text []byte
}

// pages makes a page of each command that is shown, the root first.
func pages(root *cobra.Command, make func(*cobra.Command) Page) []Page {
	var list []Page
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		cmd.InitDefaultHelpFlag()
		list = append(list, make(cmd))
		for _, sub := range shown(cmd) {
			visit(sub)
		}
	}
	visit(root)
	return list
}

// shown are the commands of a command that the help lists.
func shown(cmd *cobra.Command) []*cobra.Command {
	var list []*cobra.Command
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" {
			list = append(list, sub)
		}
	}
	return list
}

// part is a piece of a help text: a paragraph, or lines that stand as they are.
type part struct {
	text string
	code bool
}

// parts takes a help text apart. Lines that begin with blanks stand as they are.
func parts(text string) []part {
	var list []part
	for block := range strings.SplitSeq(strings.Trim(text, "\n"), "\n\n") {
		lines := strings.Split(block, "\n")
		for i := 0; i < len(lines); {
			code := strings.HasPrefix(lines[i], " ")
			end := i
			for end < len(lines) && strings.HasPrefix(lines[end], " ") == code {
				end++
			}
			list = append(list, part{strings.Join(lines[i:end], "\n"), code})
			i = end
		}
	}
	return list
}

// dedent takes two blanks off the beginning of each line, as examples have.
func dedent(text string) string {
	var lines []string
	for line := range strings.SplitSeq(strings.Trim(text, "\n"), "\n") {
		lines = append(lines, strings.TrimPrefix(line, "  "))
	}
	return strings.Join(lines, "\n")
}

// flags are the flags of a command, its own or those of all commands.
func flags(set *pflag.FlagSet) []*pflag.Flag {
	var list []*pflag.Flag
	set.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Name != "help" {
			list = append(list, f)
		}
	})
	return list
}

// names are how a flag is written, with the name of its value.
func names(f *pflag.Flag) (names []string, value, usage string) {
	value, usage = pflag.UnquoteUsage(f)
	names = []string{"--" + f.Name}
	if f.Shorthand != "" {
		names = append([]string{"-" + f.Shorthand}, names...)
	}
	if d := f.DefValue; d != "" && d != "false" && d != "0" && d != "[]" && !strings.Contains(usage, "(default") {
		usage += fmt.Sprintf(" (default %s)", d)
	}
	return names, value, usage
}
