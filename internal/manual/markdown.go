package manual

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Markdown returns a page of each command, for a folder of documents. Regenerate
// is the command that makes them, which each page says.
func Markdown(root *cobra.Command, regenerate string) []Page {
	return pages(root, func(cmd *cobra.Command) Page {
		var b strings.Builder
		fmt.Fprintf(&b, "<!-- Made by %s; edit the command's help. -->\n\n# %s\n\n%s.\n\n", regenerate, cmd.CommandPath(), escape(cmd.Short))
		if len(shown(cmd)) == 0 {
			fmt.Fprintf(&b, "```\n%s\n```\n\n", cmd.UseLine())
		}
		for _, p := range parts(cmd.Long) {
			if p.code {
				fmt.Fprintf(&b, "```\n%s\n```\n\n", dedent(p.text))
			} else {
				fmt.Fprintf(&b, "%s\n\n", escape(p.text))
			}
		}
		if subs := shown(cmd); len(subs) > 0 {
			b.WriteString("| command | |\n|---|---|\n")
			for _, sub := range subs {
				fmt.Fprintf(&b, "| [`%s`](%s) | %s |\n", sub.CommandPath(), markdownName(sub), escape(sub.Short))
			}
			b.WriteString("\n")
		}
		if cmd.Example != "" {
			fmt.Fprintf(&b, "## Examples\n\n```sh\n%s\n```\n\n", dedent(cmd.Example))
		}
		if cmd.HasParent() {
			table(&b, "Flags", cmd.NonInheritedFlags())
			table(&b, "Flags of every command", cmd.InheritedFlags())
		} else {
			table(&b, "Flags of every command", cmd.PersistentFlags())
		}
		if p := cmd.Parent(); p != nil {
			fmt.Fprintf(&b, "See also: [`%s`](%s)\n", p.CommandPath(), markdownName(p))
		} else {
			b.WriteString("See also: [the documents](../README.md)\n")
		}
		return Page{markdownName(cmd), []byte(b.String())}
	})
}

// table writes flags, if there are any.
func table(b *strings.Builder, title string, set *pflag.FlagSet) {
	list := flags(set)
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "## %s\n\n| flag | |\n|---|---|\n", title)
	for _, f := range list {
		names, value, usage := names(f)
		name := strings.Join(names, ", ")
		if value != "" {
			name += " " + value
		}
		fmt.Fprintf(b, "| `%s` | %s |\n", strings.ReplaceAll(name, "|", `\|`), escape(usage))
	}
	b.WriteString("\n")
}

// markdownName is the file of a command's page: ci-comment.md.
func markdownName(cmd *cobra.Command) string {
	if !cmd.HasParent() {
		return cmd.Name() + ".md"
	}
	words := strings.Fields(cmd.CommandPath())
	return strings.Join(words[1:], "-") + ".md"
}

var escaper = strings.NewReplacer("*", `\*`, "_", `\_`, "<", "&lt;", "|", `\|`, "`", "\\`", "[", `\[`, "#", `\#`)

// escape writes plain text as Markdown.
func escape(s string) string { return escaper.Replace(s) }
