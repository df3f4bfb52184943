package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/report/reporttest"
	"github.com/pacer-perf/pacer/internal/report/text"
)

// Whatever command is shown to be pasted exists: in hints, in the help, in the
// documents, and in what is said of a verdict.
func TestCommandsExist(t *testing.T) {
	t.Parallel()
	lines := make(map[string]string) // a command line, and where it stands
	hints(t, lines)
	helps(lines)
	documents(t, lines)
	advice(lines)
	if len(lines) < 60 {
		t.Errorf("found %d commands: the search is broken", len(lines))
	}
	for line, where := range lines {
		if err := exists(line); err != nil {
			t.Errorf("%s: pacer %s: %v", where, line, err)
		}
	}
	for _, wrong := range []string{"chek", "check --nope", "baseline sett x", "report -x a"} {
		if exists(wrong) == nil {
			t.Errorf("pacer %s is taken for a command that exists", wrong)
		}
	}
}

// exists says what is wrong with a command line: its verb or one of its flags.
func exists(line string) error {
	root := (&cli{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}}).command()
	root.InitDefaultHelpFlag()
	words := strings.Fields(line)
	cmd, rest, err := root.Find(words)
	if err != nil {
		return err
	}
	if cmd.HasSubCommands() && cmd != root && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return fmt.Errorf("no verb %q", rest[0])
	}
	if cmd.DisableFlagParsing {
		return nil
	}
	cmd.InitDefaultHelpFlag()
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.AddFlagSet(cmd.Flags())
	flags.AddFlagSet(cmd.InheritedFlags())
	for _, word := range words {
		name, _, _ := strings.Cut(word, "=")
		name = strings.TrimRight(name, ",.:;)")
		switch {
		case name == "--":
			return nil
		case strings.HasPrefix(name, "--"):
			if flags.Lookup(name[2:]) == nil {
				return fmt.Errorf("no flag %s", name)
			}
		case len(name) == 2 && name[0] == '-' && name[1] != '-':
			if flags.ShorthandLookup(name[1:]) == nil {
				return fmt.Errorf("no flag %s", name)
			}
		}
	}
	return nil
}

// command finds a call of pacer in a text where that is one: at its beginning,
// after a colon, or in a shell.
var command = regexp.MustCompile("(?m)(?:^\\s*(?:\\$ )?|: |[|&;(`] ?|do )pacer ([a-z][^|&;)`#\n'\"]*)")

func commandsIn(text, where string, lines map[string]string) {
	for _, match := range command.FindAllStringSubmatch(text, -1) {
		lines[strings.TrimSpace(match[1])] = where
	}
}

// hints finds the commands in what hint is called with.
func hints(t *testing.T, lines map[string]string) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, is := n.(*ast.CallExpr); is {
				if name, is := call.Fun.(*ast.Ident); is && name.Name == "hint" && len(call.Args) > 1 {
					ast.Inspect(call.Args[1], func(n ast.Node) bool {
						if text, is := n.(*ast.BasicLit); is && text.Kind == token.STRING {
							if s, err := strconv.Unquote(text.Value); err == nil {
								commandsIn(s, set.Position(text.Pos()).String(), lines)
							}
						}
						return true
					})
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// helps finds the commands in the help.
func helps(lines map[string]string) {
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		commandsIn(cmd.Example, cmd.CommandPath()+" --help", lines)
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit((&cli{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}}).command())
}

// documents finds the commands in the documents: in blocks of code and in code
// spans.
func documents(t *testing.T, lines map[string]string) {
	t.Helper()
	for _, file := range documentFiles(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		inside := false
		for line := range strings.Lines(string(text)) {
			switch {
			case strings.HasPrefix(line, "```"):
				inside = !inside
			case inside:
				commandsIn(line, file, lines)
			default:
				for i, span := range strings.Split(line, "`") {
					if i%2 == 1 {
						commandsIn(span, file, lines)
					}
				}
			}
		}
	}
}

// advice finds the commands in what is said of verdicts of every kind.
func advice(lines map[string]string) {
	for _, r := range []*report.Report{reporttest.Worked(), reporttest.First(), reporttest.Elsewhere(), reporttest.Calm()} {
		r.Words = report.Words{Run: "run.json", Flags: []string{"--baseline", "base.json", "--policy", "pacer.yaml", "--app", "a"}}
		var out bytes.Buffer
		if err := text.Verdict(&out, r, text.Options{}); err != nil {
			panic(err) // a buffer takes everything
		}
		for line := range strings.Lines(out.String()) {
			if _, rest, found := strings.Cut(line, "  pacer "); found {
				lines[strings.TrimSpace(rest)] = "what is said of a verdict"
			}
		}
	}
}
