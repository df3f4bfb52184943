package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/atomicfile"
	"github.com/pacer-perf/pacer/internal/manual"
)

//go:generate go run . man --format markdown ../../docs/cli

// regenerate makes docs/cli.
const regenerate = "go generate ./cmd/pacer"

func (c *cli) man() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "man [flags] FOLDER",
		Short: "Write the manual: a page for each command",
		Long: `Man writes a page for each command into a folder, which is made if it is not
there: for man, or as Markdown. The pages say what --help says.`,
		Example: `  pacer man ~/.local/share/man/man1     then: man pacer-check
  pacer man --format markdown docs`,
		Args: exactArgs(1),
	}
	format := formatFlag(cmd, "man", "markdown")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		as, err := format()
		if err != nil {
			return err
		}
		pages := manual.Man(cmd.Root(), versionNumber())
		if as == "markdown" {
			pages = manual.Markdown(cmd.Root(), regenerate)
		}
		if err := os.MkdirAll(args[0], 0o777); err != nil {
			return err
		}
		for _, p := range pages {
			if err := atomicfile.Write(filepath.Join(args[0], p.Name), func(w io.Writer) error { _, err := w.Write(p.Text); return err }); err != nil {
				return err
			}
		}
		_, err = fmt.Fprintf(c.stdout, "%d pages in %s\n", len(pages), args[0])
		return err
	}
	return cmd
}
