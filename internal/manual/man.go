package manual

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Man returns a page of each command for man, section 1. Version is that of the
// program.
func Man(root *cobra.Command, version string) []Page {
	return pages(root, func(cmd *cobra.Command) Page {
		name := manName(cmd)
		var b strings.Builder
		fmt.Fprintf(&b, ".TH %s 1 \"\" %s %s\n", quote(strings.ToUpper(name)), quote(root.Name()+" "+version), quote("Manual of "+root.Name()))
		b.WriteString(".nh\n.ad l\n")
		fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(name), roff(lowerFirst(cmd.Short)))
		fmt.Fprintf(&b, ".SH SYNOPSIS\n")
		if len(shown(cmd)) == 0 {
			fmt.Fprintf(&b, ".B %s\n%s\n", roff(cmd.CommandPath()), roff(strings.TrimSpace(strings.TrimPrefix(cmd.UseLine(), cmd.CommandPath()))))
		} else {
			fmt.Fprintf(&b, ".B %s\n.I command\n", roff(cmd.CommandPath()))
		}
		b.WriteString(".SH DESCRIPTION\n")
		for i, p := range parts(cmd.Long) {
			switch {
			case p.code:
				verbatim(&b, p.text)
			case i > 0:
				fmt.Fprintf(&b, ".PP\n%s\n", roff(p.text))
			default:
				fmt.Fprintf(&b, "%s\n", roff(p.text))
			}
		}
		if len(shown(cmd)) > 0 {
			b.WriteString(".SH COMMANDS\n")
			for _, sub := range shown(cmd) {
				fmt.Fprintf(&b, ".TP\n.BR %s (1)\n%s\n", roff(manName(sub)), roff(sub.Short))
			}
		}
		own, all := cmd.NonInheritedFlags(), cmd.InheritedFlags()
		if !cmd.HasParent() {
			own, all = cmd.PersistentFlags(), pflag.NewFlagSet("", pflag.ContinueOnError)
		}
		options(&b, "OPTIONS", own)
		options(&b, "OPTIONS OF EVERY COMMAND", all)
		if cmd.Example != "" {
			b.WriteString(".SH EXAMPLES\n")
			verbatim(&b, cmd.Example)
		}
		if p := cmd.Parent(); p != nil {
			fmt.Fprintf(&b, ".SH SEE ALSO\n.BR %s (1)\n", roff(manName(p)))
		}
		return Page{name + ".1", []byte(b.String())}
	})
}

func options(b *strings.Builder, title string, set *pflag.FlagSet) {
	list := flags(set)
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	for _, f := range list {
		names, value, usage := names(f)
		for i := range names {
			names[i] = `\fB` + roff(names[i]) + `\fR`
		}
		line := strings.Join(names, ", ")
		if value != "" {
			line += ` \fI` + roff(value) + `\fR`
		}
		fmt.Fprintf(b, ".TP\n%s\n%s\n", line, roff(usage))
	}
}

// verbatim writes lines as they are.
func verbatim(b *strings.Builder, text string) {
	fmt.Fprintf(b, ".PP\n.nf\n%s\n.fi\n", roff(strings.Trim(text, "\n")))
}

// manName is the name of a command's page: pacer-ci-comment.
func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// roff writes plain text so that roff prints it as it is.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

// quote writes an argument of a request.
func quote(s string) string { return `"` + strings.ReplaceAll(roff(s), `"`, `""`) + `"` }

func lowerFirst(s string) string {
	if len(s) > 1 && s[1] >= 'a' && s[1] <= 'z' {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}
