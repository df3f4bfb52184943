package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// completionShells are the shells, and how each is told for every session.
var completionShells = []string{"bash", "zsh", "fish", "powershell"}

// complete says which values a flag has, for shells that complete them.
func complete(cmd *cobra.Command, flag string, values ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // there is no such flag
	}
}

func (c *cli) completion() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Write a script that completes commands and flags in a shell",
		Long: `Completion writes a script for a shell. For every session from now on:

  bash        pacer completion bash > /etc/bash_completion.d/pacer
  zsh         pacer completion zsh > "${fpath[1]}/_pacer"
  fish        pacer completion fish > ~/.config/fish/completions/pacer.fish
  powershell  pacer completion powershell >> $PROFILE

bash needs the package bash-completion, which also reads the folder
~/.local/share/bash-completion/completions; zsh needs compinit (autoload -U
compinit && compinit in ~/.zshrc).`,
		Example: `  source <(pacer completion bash)       for this session alone
  pacer completion fish | source`,
		Args:      cobra.MatchAll(exactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: completionShells,
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(c.stdout, true)
			case "zsh":
				return root.GenZshCompletion(c.stdout)
			case "fish":
				return root.GenFishCompletion(c.stdout, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(c.stdout)
			}
			return fmt.Errorf("unknown shell %q", args[0])
		},
	}
}
