package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/pacer-perf/pacer/internal/report/text"
)

// terminalFlags are the flags of every verb that say what the terminal shows.
type terminalFlags struct {
	color string
	ascii bool
}

func (t *terminalFlags) add(cmd *cobra.Command) {
	cmd.PersistentFlags().StringVar(&t.color, "color", "auto", "`WHEN` to use colours: auto, always or never")
	complete(cmd, "color", "auto", "always", "never")
	cmd.PersistentFlags().BoolVar(&t.ascii, "ascii", false, "write nothing that only UTF-8 can say (default: by the locale)")
}

// check says what is wrong with the flags.
func (t *terminalFlags) check() error {
	switch t.color {
	case "auto", "always", "never":
		return nil
	}
	return fmt.Errorf("--color %q: expected auto, always or never", t.color)
}

// text returns what the terminal behind standard output can show.
func (c *cli) text() text.Options {
	return text.Options{Width: width(c.stdout), Color: c.colored(c.stdout), ASCII: c.terminal.ascii || !unicodeLocale()}
}

// colored tells whether w gets colours: if it is a terminal that shows them,
// unless somebody said otherwise (no-color.org).
func (c *cli) colored(w io.Writer) bool {
	switch c.terminal.color {
	case "always":
		return true
	case "never":
		return false
	}
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(w)
}

// width returns how many columns w has: what COLUMNS says, else the terminal
// itself, 0 where neither knows.
func width(w io.Writer) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if f, ok := file(w); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil {
			return n
		}
	}
	return 0
}

func isTerminal(w io.Writer) bool {
	f, ok := file(w)
	return ok && term.IsTerminal(int(f.Fd()))
}

// file returns the file that w writes to.
func file(w io.Writer) (*os.File, bool) {
	if o, ok := w.(*output); ok {
		w = o.Writer
	}
	f, ok := w.(*os.File)
	return f, ok
}

// unicodeLocale tells whether the terminal shows UTF-8, as far as the locale
// says.
func unicodeLocale() bool {
	locale := strings.ToLower(first(env("LC_ALL"), env("LC_CTYPE"), env("LANG")))
	return runtime.GOOS == "windows" || strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")
}
