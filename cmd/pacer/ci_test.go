package main

import (
	"strings"
	"testing"
)

// What CI systems set, as their documentation says, and what is made of it.
func TestSourceOfCI(t *testing.T) {
	t.Parallel()
	tests := []struct {
		env  string
		want revision
	}{
		{"", revision{}},
		{"GITHUB_ACTIONS=true GITHUB_REF=refs/pull/7/merge GITHUB_REF_NAME=7/merge GITHUB_HEAD_REF=fix GITHUB_REF_TYPE=branch GITHUB_SHA=abc", revision{"abc", "fix", false, "7"}},
		{"GITHUB_ACTIONS=true GITHUB_REF=refs/heads/feature/12 GITHUB_REF_NAME=feature/12 GITHUB_REF_TYPE=branch GITHUB_SHA=abc", revision{"abc", "feature/12", false, ""}},
		{"GITHUB_ACTIONS=true GITHUB_REF=refs/tags/v1 GITHUB_REF_NAME=v1 GITHUB_REF_TYPE=tag GITHUB_SHA=abc", revision{"abc", "", false, ""}},
		{"GITLAB_CI=true CI_MERGE_REQUEST_IID=12 CI_MERGE_REQUEST_SOURCE_BRANCH_NAME=fix CI_COMMIT_SHA=abc", revision{"abc", "fix", false, "12"}},
		{"GITLAB_CI=true CI_COMMIT_BRANCH=main CI_COMMIT_SHA=abc", revision{"abc", "main", false, ""}},
		{"BUILDKITE=true BUILDKITE_PULL_REQUEST=false BUILDKITE_BRANCH=main BUILDKITE_COMMIT=abc", revision{"abc", "main", false, ""}},
		{"BUILDKITE=true BUILDKITE_PULL_REQUEST=123 BUILDKITE_BRANCH=fix BUILDKITE_COMMIT=abc", revision{"abc", "fix", false, "123"}},
		{"CIRCLECI=true CIRCLE_PULL_REQUEST=https://host/app/pull/9 CIRCLE_BRANCH=fix CIRCLE_SHA1=abc", revision{"abc", "fix", false, "9"}},
		{"TF_BUILD=True SYSTEM_PULLREQUEST_PULLREQUESTID=31 SYSTEM_PULLREQUEST_SOURCEBRANCH=refs/heads/fix BUILD_SOURCEBRANCH=refs/pull/31/merge BUILD_SOURCEVERSION=abc", revision{"abc", "fix", false, "31"}},
		{"TF_BUILD=True BUILD_SOURCEBRANCH=refs/heads/main BUILD_SOURCEVERSION=abc", revision{"abc", "main", false, ""}},
		{"JENKINS_URL=http://j/ CHANGE_ID=4 CHANGE_BRANCH=fix BRANCH_NAME=PR-4 GIT_COMMIT=abc", revision{"abc", "fix", false, "4"}},
		{"JENKINS_URL=http://j/ GIT_BRANCH=origin/main GIT_COMMIT=abc", revision{"abc", "main", false, ""}},
		{"BITBUCKET_BUILD_NUMBER=1 BITBUCKET_PR_ID=5 BITBUCKET_BRANCH=fix BITBUCKET_COMMIT=abc", revision{"abc", "fix", false, "5"}},
		{"TRAVIS=true TRAVIS_PULL_REQUEST=6 TRAVIS_PULL_REQUEST_BRANCH=fix TRAVIS_BRANCH=main TRAVIS_COMMIT=abc", revision{"abc", "fix", false, "6"}},
		{"DRONE=true DRONE_PULL_REQUEST=8 DRONE_SOURCE_BRANCH=fix DRONE_BRANCH=main DRONE_COMMIT_SHA=abc", revision{"abc", "fix", false, "8"}},
		{"CODEBUILD_BUILD_ID=x CODEBUILD_WEBHOOK_TRIGGER=pr/3 CODEBUILD_WEBHOOK_HEAD_REF=refs/heads/fix CODEBUILD_RESOLVED_SOURCE_VERSION=abc", revision{"abc", "fix", false, "3"}},
		{"CODEBUILD_BUILD_ID=x CODEBUILD_WEBHOOK_TRIGGER=branch/main CODEBUILD_WEBHOOK_HEAD_REF=refs/heads/main", revision{"", "main", false, ""}},
	}
	for _, tt := range tests {
		variables := make(map[string]string)
		for word := range strings.FieldsSeq(tt.env) {
			k, v, _ := strings.Cut(word, "=")
			variables[k] = v
		}
		if got := sourceOfCI(func(name string) string { return variables[name] }); got != tt.want {
			t.Errorf("%s:\n%+v, want %+v", tt.env, got, tt.want)
		}
	}
}
