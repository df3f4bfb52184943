package main

import (
	"github.com/spf13/cobra"
)

func (c *cli) ci() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ci",
		Short: "Work in a CI system: what to compare with, where to say it",
		Long: `The verbs of ci know GitHub Actions and GitLab by their variables, and most
other systems by the names of theirs. All of them work by hand as well.`,
		Example: `  pacer ci base                          the commit to compare with
  pacer ci comment --file verdict.json   comment on the pull request`,
		Args: exactArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.ciBase(), c.ciComment())
	return cmd
}
