package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"
)

func (c *cli) ciBase() *cobra.Command {
	var branch string
	cmd := &cobra.Command{
		Use:   "base",
		Short: "Print the commit that this one is to be compared with",
		Long: `Base prints the commit whose build this one is to be compared with:

  a pull or merge request   where it forked from the branch that it is for
  a push                    the commit that the branch was at before
  by hand, on a branch      where it forked from main (or master)
  by hand, on main          the commit before; with changes that are not
                            committed, the last commit

The first commit of a repository has none: nothing is printed, and the exit
status is 0. In a shallow clone that does not reach back far enough it is an
error: fetch more (actions/checkout: fetch-depth: 0; GitLab: GIT_DEPTH: 0).`,
		Example: `  pacer ci base
  git worktree add --detach .pacer/base "$(pacer ci base)"
  pacer ci base --branch release/1.x`,
		Args: exactArgs(0),
	}
	cmd.Flags().StringVar(&branch, "branch", "", "`BRANCH` that this one is for (default: what the CI system says, else main or master)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		commit, why, err := baseCommit(cmd.Context(), branch)
		if err != nil {
			return err
		}
		if commit == "" {
			_, err := fmt.Fprintf(c.stderr, "pacer: nothing to compare with: %s\n", why)
			return err
		}
		fmt.Fprintf(c.stderr, "base: %.10s, %s\n", commit, why)
		_, err = fmt.Fprintln(c.stdout, commit)
		return err
	}
	return cmd
}

// baseCommit returns the commit to compare the work tree with, and why it is
// that; no commit, and why not, if there is none.
func baseCommit(ctx context.Context, branch string) (commit, why string, err error) {
	if _, err := exec.LookPath("git"); err != nil {
		return "", "", errors.New("git is not installed: it knows the commits")
	}
	here, err := git(ctx, "rev-parse", "--verify", "HEAD")
	if err != nil {
		if _, err := git(ctx, "rev-parse", "--git-dir"); err == nil {
			return "", "the repository has no commit yet", nil
		}
		return "", "", hint(errors.New("this is no git repository"), "call it in the folder of the project; git init makes one")
	}
	if fork := env("CI_MERGE_REQUEST_DIFF_BASE_SHA"); fork != "" && branch == "" { // GitLab does not fetch the branch
		if _, err := git(ctx, "merge-base", "--is-ancestor", fork, here); err == nil && fork != here {
			return fork, "where this forked from " + first(targetBranch(), "its target"), nil
		}
	}
	if branch = first(branch, targetBranch()); branch != "" {
		return forkFrom(ctx, here, branch)
	}
	if before := commitBefore(); before != "" {
		if _, err := git(ctx, "merge-base", "--is-ancestor", before, here); err == nil && before != here {
			return before, "where the branch was before the push", nil
		}
		return parent(ctx, here)
	}
	if env("CI") == "" {
		if commit, why, err := forkFrom(ctx, here, ""); err == nil && commit != here {
			return commit, why, nil
		}
		if changes, err := git(ctx, "status", "--porcelain", "--untracked-files=no"); err == nil && changes != "" {
			return here, "the last commit: there are changes that are not committed", nil
		}
	}
	return parent(ctx, here)
}

// forkFrom returns where a commit forked from a branch.
func forkFrom(ctx context.Context, here, branch string) (commit, why string, err error) {
	name, ref, err := trunk(ctx, branch)
	if err != nil {
		if branch != "" {
			err = hint(fmt.Errorf("there is no branch %s, here or at the origin", branch), "git fetch origin %[1]s:refs/remotes/origin/%[1]s", branch)
		}
		return "", "", shallowHint(ctx, err)
	}
	commit, err = git(ctx, "merge-base", here, ref)
	if err != nil {
		return "", "", shallowHint(ctx, fmt.Errorf("%.10s and %s have no commit in common", here, name))
	}
	if commit == here && branch != "" {
		return parent(ctx, here) // it is merged already
	}
	return commit, "where this forked from " + name, nil
}

// parent returns the commit before.
func parent(ctx context.Context, here string) (commit, why string, err error) {
	commit, err = git(ctx, "rev-parse", "--verify", "--quiet", here+"^1")
	if err == nil {
		return commit, "the commit before", nil
	}
	if shallow(ctx) {
		return "", "", shallowHint(ctx, fmt.Errorf("the commit before %.10s is not here", here))
	}
	return "", fmt.Sprintf("%.10s is the first commit", here), nil
}

func shallow(ctx context.Context) bool {
	is, err := git(ctx, "rev-parse", "--is-shallow-repository")
	return err == nil && is == "true"
}

// shallowHint adds to an error that the clone is shallow, if it is.
func shallowHint(ctx context.Context, err error) error {
	if !shallow(ctx) {
		return err
	}
	what := "git fetch --unshallow"
	switch {
	case env("GITHUB_ACTIONS") == "true":
		what = "actions/checkout with fetch-depth: 0"
	case env("GITLAB_CI") == "true":
		what = `variables: {GIT_DEPTH: "0"}`
	}
	return hint(fmt.Errorf("%w: this is a shallow clone", err), "%s", what)
}

// targetBranch is the branch that a CI system says the change is for.
func targetBranch() string {
	return strings.TrimPrefix(first(env("GITHUB_BASE_REF"), env("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"), // GitHub, GitLab
		env("CHANGE_TARGET"), env("BUILDKITE_PULL_REQUEST_BASE_BRANCH"), env("BITBUCKET_PR_DESTINATION_BRANCH"), // Jenkins
		env("SYSTEM_PULLREQUEST_TARGETBRANCH")), "refs/heads/") // Azure Pipelines
}

// commitBefore is the commit at which a CI system says the branch was before a
// push.
func commitBefore() string {
	before := env("CI_COMMIT_BEFORE_SHA") // GitLab
	if file := env("GITHUB_EVENT_PATH"); file != "" {
		var event struct{ Before string }
		if text, err := os.ReadFile(file); err == nil && json.Unmarshal(text, &event) == nil {
			before = first(event.Before, before)
		}
	}
	if strings.Trim(before, "0") == "" {
		return "" // a new branch
	}
	return before
}
