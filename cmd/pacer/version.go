package main

import (
	"fmt"
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
		number, commit := versionNumber(), ""
		if info, ok := debug.ReadBuildInfo(); ok {
			for _, s := range info.Settings {
				if s.Key == "vcs.revision" {
					commit = s.Value
				}
			}
		}
		platform := runtime.GOOS + "/" + runtime.GOARCH
		if as == "json" {
			return writeJSON(c.stdout, map[string]string{"version": number, "commit": commit, "go": runtime.Version(), "platform": platform})
		}
		if commit != "" {
			commit = " " + commit[:min(12, len(commit))]
		}
		_, err = fmt.Fprintf(c.stdout, "pacer %s%s %s %s\n", number, commit, runtime.Version(), platform)
		return err
	}
	return cmd
}
