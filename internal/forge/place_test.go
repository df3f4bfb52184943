package forge

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/forge/forgetest"
)

// variables is an environment: "A=1 B=2".
func variables(s string) func(string) string {
	m := make(map[string]string)
	for pair := range strings.FieldsSeq(s) {
		k, v, _ := strings.Cut(pair, "=")
		m[k] = v
	}
	return func(name string) string { return m[name] }
}

func TestFind(t *testing.T) {
	t.Parallel()
	const github = "GITHUB_ACTIONS=true GITHUB_REPOSITORY=acme/app GITHUB_API_URL=https://api.github.com GITHUB_TOKEN=t "
	const gitlab = "GITLAB_CI=true CI_API_V4_URL=https://gitlab.example/api/v4 CI_PROJECT_PATH=me/app CI_PROJECT_ID=12 CI_JOB_TOKEN=j "
	tests := []struct {
		name, env, on, event string
		want                 Thread // but for the client
		none                 bool
		wrong                string
	}{
		{name: "pull request", env: github + "GITHUB_EVENT_NAME=pull_request", event: `{"number": 7, "pull_request": {"number": 7}}`,
			want: Thread{Kind: GitHub, API: "https://api.github.com", Project: "acme/app", Number: 7, Token: Token{"GITHUB_TOKEN", "t"}}},
		{name: "comment on a pull request", env: github, event: `{"issue": {"number": 9, "pull_request": {}}}`,
			want: Thread{Kind: GitHub, API: "https://api.github.com", Project: "acme/app", Number: 9, Token: Token{"GITHUB_TOKEN", "t"}}},
		{name: "comment on an issue", env: github + "GITHUB_EVENT_NAME=issue_comment", event: `{"issue": {"number": 9}}`, none: true},
		{name: "push", env: github + "GITHUB_EVENT_NAME=push", event: `{"ref": "refs/heads/main"}`, none: true},
		{name: "no event", env: github, none: true},
		{name: "after a push", env: github, event: `{"workflow_run": {"event": "push"}}`, none: true},
		{name: "broken event", env: github, event: `{`, wrong: "reading the event"},
		{name: "no repository", env: "GITHUB_ACTIONS=true", wrong: "GITHUB_REPOSITORY"},
		{name: "enterprise", env: "GITHUB_ACTIONS=true GITHUB_REPOSITORY=a/b GITHUB_API_URL=https://ghe.example/api/v3/ GH_TOKEN=g", event: `{"number": 1, "pull_request": {}}`,
			want: Thread{Kind: GitHub, API: "https://ghe.example/api/v3", Project: "a/b", Number: 1, Token: Token{"GH_TOKEN", "g"}}},
		{name: "merge request of a fork", env: gitlab + "CI_MERGE_REQUEST_IID=3 CI_MERGE_REQUEST_PROJECT_PATH=acme/app GITLAB_TOKEN=g",
			want: Thread{Kind: GitLab, API: "https://gitlab.example/api/v4", Project: "acme/app", Number: 3, Token: Token{"GITLAB_TOKEN", "g"}}},
		{name: "branch with a merge request", env: gitlab + "CI_OPEN_MERGE_REQUESTS=acme/app!5,me/app!6",
			want: Thread{Kind: GitLab, API: "https://gitlab.example/api/v4", Project: "acme/app", Number: 5, Token: Token{"CI_JOB_TOKEN", "j"}}},
		{name: "branch", env: gitlab + "CI_PIPELINE_SOURCE=push", none: true},
		{name: "bad number", env: gitlab + "CI_MERGE_REQUEST_IID=x", wrong: "merge request"},
		{name: "no CI", none: true},
		{name: "address", env: "GITHUB_TOKEN=t", on: "https://github.com/acme/app/pull/7",
			want: Thread{Kind: GitHub, API: "https://api.github.com", Project: "acme/app", Number: 7, Token: Token{"GITHUB_TOKEN", "t"}}},
		{name: "address goes first", env: gitlab + "CI_MERGE_REQUEST_IID=3", on: "https://ghe.example/acme/app/pull/8/",
			want: Thread{Kind: GitHub, API: "https://ghe.example/api/v3", Project: "acme/app", Number: 8, Token: Token{"GITHUB_TOKEN", ""}}},
		{name: "address at GitLab", env: "GITLAB_TOKEN=g", on: "https://gitlab.example/a/b/c/-/merge_requests/4",
			want: Thread{Kind: GitLab, API: "https://gitlab.example/api/v4", Project: "a/b/c", Number: 4, Token: Token{"GITLAB_TOKEN", "g"}}},
		{name: "Jenkins", env: "CHANGE_URL=https://github.com/acme/app/pull/2 GITHUB_TOKEN=t",
			want: Thread{Kind: GitHub, API: "https://api.github.com", Project: "acme/app", Number: 2, Token: Token{"GITHUB_TOKEN", "t"}}},
		{name: "CircleCI", env: "CIRCLE_PULL_REQUEST=https://github.com/acme/app/pull/2",
			want: Thread{Kind: GitHub, API: "https://api.github.com", Project: "acme/app", Number: 2, Token: Token{"GITHUB_TOKEN", ""}}},
		{name: "address of an issue", on: "https://github.com/acme/app/issues/7", wrong: "not the address"},
		{name: "no address", on: "acme/app#7", wrong: "not the address"},
		{name: "no number", on: "https://github.com/acme/app/pull/x", wrong: "not the address"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env := tt.env
			if tt.event != "" {
				file := filepath.Join(t.TempDir(), "event.json")
				if err := os.WriteFile(file, []byte(tt.event), 0o600); err != nil {
					t.Fatal(err)
				}
				env += " GITHUB_EVENT_PATH=" + file
			}
			f, err := Find(variables(env), tt.on)
			switch {
			case errors.Is(err, ErrNoThread) != tt.none:
				t.Fatalf("%v", err)
			case tt.wrong != "":
				if err == nil || !strings.Contains(err.Error(), tt.wrong) {
					t.Fatalf("%v, want %q", err, tt.wrong)
				}
				return
			case tt.none:
				return
			case err != nil:
				t.Fatal(err)
			}
			got := f.Thread
			if got.Kind != tt.want.Kind || got.API != tt.want.API || got.Project != tt.want.Project || got.Number != tt.want.Number || got.Token != tt.want.Token {
				t.Errorf("%+v (token %s), want %+v", got, got.Token.Name, tt.want)
			}
		})
	}
}

// After workflow_run the pull request is the open one whose head GitHub says
// was built, also one of a fork; nothing else is commented on.
func TestResolve(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "event.json")
	const event = `{"workflow_run": {"event": "pull_request", "head_sha": "abc123", "head_branch": "fast", "head_repository": {"owner": {"login": "fork"}}, "pull_requests": []}}`
	if err := os.WriteFile(file, []byte(event), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		pulls []forgetest.Pull
		want  int
	}{
		{[]forgetest.Pull{{Number: 5, Commit: "old"}, {Number: 7, Commit: "abc123"}}, 7},
		{[]forgetest.Pull{{Number: 5, Commit: "newer"}}, 0},
		{nil, 0},
	} {
		f := &forgetest.Forge{Pulls: map[string][]forgetest.Pull{"fork:fast": tt.pulls}}
		found, err := Find(variables("GITHUB_ACTIONS=true GITHUB_REPOSITORY=acme/app GITHUB_API_URL=http://forge.example GITHUB_TOKEN="+forgetest.App+" GITHUB_EVENT_PATH="+file), "")
		if err != nil {
			t.Fatal(err)
		}
		found.Client.Transport = inMemory{f}
		th, err := found.Resolve(t.Context())
		switch {
		case tt.want == 0 && !errors.Is(err, ErrNoThread):
			t.Errorf("%v", err)
		case tt.want != 0 && (err != nil || th.Number != tt.want):
			t.Errorf("%+v, %v", th, err)
		}
	}
}
