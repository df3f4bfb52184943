package main

import (
	"context"
	"os/exec"
	"strings"
	"time"
)

// revision is the code that a run is of.
type revision struct {
	commit, branch string
	dirty          bool
	pull           string // number of the pull or merge request
}

// sourceHere returns what git says of the working folder, and what it does not
// know from the CI system: nothing, outside of both.
func sourceHere() revision {
	ci := sourceOfCI(env)
	git := func(args ...string) (string, bool) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		out, err := exec.CommandContext(ctx, "git", args...).Output()
		return strings.TrimSpace(string(out)), err == nil
	}
	commit, ok := git("rev-parse", "--verify", "HEAD")
	if !ok {
		return ci
	}
	s := revision{commit: commit, pull: ci.pull}
	if s.branch, ok = git("symbolic-ref", "--quiet", "--short", "HEAD"); !ok {
		s.branch = ci.branch
	}
	changes, ok := git("status", "--porcelain", "--untracked-files=no")
	s.dirty = ok && changes != ""
	return s
}

// ciVariables names what CI systems call the code that they build: the branch
// of a change is its own, not the one that it is for, so that one comes first.
// Of several systems in one environment the first that says anything counts.
var ciVariables = []struct {
	system                string
	pull, branch, commits []string
}{
	// Gitea and Forgejo set the same. On a pull request, GITHUB_REF_NAME is
	// that of the merge, 7/merge.
	{"GITHUB_ACTIONS", []string{"GITHUB_REF"}, []string{"GITHUB_HEAD_REF", "GITHUB_REF_NAME"}, []string{"GITHUB_SHA"}},
	{"GITLAB_CI", []string{"CI_MERGE_REQUEST_IID", "CI_EXTERNAL_PULL_REQUEST_IID"},
		[]string{"CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME", "CI_COMMIT_BRANCH"}, []string{"CI_COMMIT_SHA"}},
	{"BUILDKITE", []string{"BUILDKITE_PULL_REQUEST"}, []string{"BUILDKITE_BRANCH"}, []string{"BUILDKITE_COMMIT"}},
	{"CIRCLECI", []string{"CIRCLE_PR_NUMBER", "CIRCLE_PULL_REQUEST"}, []string{"CIRCLE_BRANCH"}, []string{"CIRCLE_SHA1"}},
	{"TF_BUILD", []string{"SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", "SYSTEM_PULLREQUEST_PULLREQUESTID"},
		[]string{"SYSTEM_PULLREQUEST_SOURCEBRANCH", "BUILD_SOURCEBRANCH"}, []string{"BUILD_SOURCEVERSION"}},
	{"JENKINS_URL", []string{"CHANGE_ID"}, []string{"CHANGE_BRANCH", "BRANCH_NAME", "GIT_BRANCH"}, []string{"GIT_COMMIT"}},
	{"BITBUCKET_BUILD_NUMBER", []string{"BITBUCKET_PR_ID"}, []string{"BITBUCKET_BRANCH"}, []string{"BITBUCKET_COMMIT"}},
	{"TRAVIS", []string{"TRAVIS_PULL_REQUEST"}, []string{"TRAVIS_PULL_REQUEST_BRANCH", "TRAVIS_BRANCH"}, []string{"TRAVIS_COMMIT"}},
	{"DRONE", []string{"DRONE_PULL_REQUEST"}, []string{"DRONE_SOURCE_BRANCH", "DRONE_BRANCH"}, []string{"DRONE_COMMIT_SHA"}},
	{"APPVEYOR", []string{"APPVEYOR_PULL_REQUEST_NUMBER"}, []string{"APPVEYOR_PULL_REQUEST_HEAD_REPO_BRANCH", "APPVEYOR_REPO_BRANCH"}, []string{"APPVEYOR_REPO_COMMIT"}},
	{"CI_PIPELINE_NUMBER", []string{"CI_COMMIT_PULL_REQUEST"}, []string{"CI_COMMIT_SOURCE_BRANCH", "CI_COMMIT_BRANCH"}, []string{"CI_COMMIT_SHA"}}, // Woodpecker
	{"CIRRUS_CI", []string{"CIRRUS_PR"}, []string{"CIRRUS_BRANCH"}, []string{"CIRRUS_CHANGE_IN_REPO"}},
	{"SEMAPHORE", []string{"SEMAPHORE_GIT_PR_NUMBER"}, []string{"SEMAPHORE_GIT_PR_BRANCH", "SEMAPHORE_GIT_BRANCH"}, []string{"SEMAPHORE_GIT_SHA"}},
	{"CODEBUILD_BUILD_ID", []string{"CODEBUILD_WEBHOOK_TRIGGER"}, []string{"CODEBUILD_WEBHOOK_HEAD_REF"}, []string{"CODEBUILD_RESOLVED_SOURCE_VERSION"}},
}

// sourceOfCI returns what a CI system says that it builds: it checks out a
// commit, which has no branch.
func sourceOfCI(env func(string) string) revision {
	pick := func(names []string) string {
		for _, name := range names {
			if v := env(name); v != "" {
				return v
			}
		}
		return ""
	}
	for _, ci := range ciVariables {
		if env(ci.system) == "" {
			continue
		}
		s := revision{commit: pick(ci.commits), pull: pullNumber(pick(ci.pull))}
		s.branch = strings.TrimPrefix(strings.TrimPrefix(pick(ci.branch), "refs/heads/"), "origin/")
		if strings.HasPrefix(s.branch, "refs/") || env("GITHUB_REF_TYPE") == "tag" { // no branch
			s.branch = ""
		}
		return s
	}
	return revision{}
}

// pullNumber returns the number in what a CI system says of a pull request: 7,
// refs/pull/7/merge, https://host/app/pull/7, pr/7; "" of a word such as
// false.
func pullNumber(text string) string {
	number := ""
	isRef := strings.Contains(text, "/")
	words := strings.Split(text, "/")
	for i, w := range words {
		if w != "" && strings.Trim(w, "0123456789") == "" && (!isRef || i > 0 && (strings.HasPrefix(words[i-1], "pull") || words[i-1] == "pr")) {
			number = w
		}
	}
	return number
}
