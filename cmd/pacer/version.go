package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by release builds: -ldflags "-X main.version=1.2.3".
var version = ""

// versionNumber is the version of this program.
func versionNumber() string {
	number := version
	if info, ok := debug.ReadBuildInfo(); ok {
		number = first(number, info.Main.Version)
	}
	return first(number, "(devel)")
}

// platform is what this program was built for.
const platform = runtime.GOOS + "/" + runtime.GOARCH

// builtFrom is the commit that this program was built from, "" if nobody knows.
func builtFrom() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return ""
}

// versionLine says which program this is.
func versionLine() string {
	commit := builtFrom()
	if commit != "" {
		commit = " " + commit[:min(12, len(commit))]
	}
	return fmt.Sprintf("pacer %s%s %s %s\n", versionNumber(), commit, runtime.Version(), platform)
}

func (c *cli) version() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  pacer version\n  pacer version --format json",
		Args:    exactArgs(0),
	}
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(*cobra.Command, []string) error {
		as, err := format()
		if err != nil {
			return err
		}
		if as == "json" {
			return writeJSON(c.stdout, map[string]string{"version": versionNumber(), "commit": builtFrom(), "go": runtime.Version(), "platform": platform})
		}
		_, err = io.WriteString(c.stdout, versionLine())
		return err
	}
	return cmd
}
