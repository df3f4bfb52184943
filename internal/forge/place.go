package forge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
)

// ErrNoThread says that a build is for no pull or merge request.
var ErrNoThread = errors.New("this build is for no pull request")

// Find returns the thread that a build is for, as the variables of the CI
// system say: GitHub Actions, GitLab, and where Jenkins or CircleCI name the
// address of a pull request. On is such an address, which goes before them; it
// may be empty.
//
// The token of the thread is empty if there is none. A build that is for no
// pull request is ErrNoThread.
func Find(getenv func(string) string, on string) (*Finding, error) {
	for _, address := range []string{on, getenv("CHANGE_URL"), getenv("CIRCLE_PULL_REQUEST")} {
		if address != "" {
			return atAddress(getenv, address)
		}
	}
	switch {
	case getenv("GITHUB_ACTIONS") == "true":
		return inGitHub(getenv)
	case getenv("GITLAB_CI") == "true":
		return inGitLab(getenv)
	}
	return nil, fmt.Errorf("%w: no CI system that says so", ErrNoThread)
}

// Finding is a thread that may still have to be asked for.
type Finding struct {
	Thread
	head head // of a run whose pull request is not known yet
}

// head is what a build was made of, as GitHub itself says.
type head struct{ owner, branch, commit string }

// Resolve asks the forge for the number of the pull request if the CI system
// did not say it: after a workflow_run event. It is told the commit that was
// built by GitHub, so a fork cannot name another's pull request.
func (f *Finding) Resolve(ctx context.Context) (*Thread, error) {
	if f.Number != 0 {
		return &f.Thread, nil
	}
	n, err := (&github{thread: &f.Thread}).pullOf(ctx, f.head.owner, f.head.branch, f.head.commit)
	if err != nil {
		return nil, f.said(err)
	}
	if n == 0 {
		return nil, fmt.Errorf("%w: no open one has %.7s as its head", ErrNoThread, f.head.commit)
	}
	f.Number = n
	return &f.Thread, nil
}

// atAddress reads the address of a pull or merge request.
func atAddress(getenv func(string) string, address string) (*Finding, error) {
	u, err := url.Parse(address)
	wrong := fmt.Errorf("%q is not the address of a pull request: expected https://HOST/OWNER/NAME/pull/NUMBER or https://HOST/GROUP/NAME/-/merge_requests/NUMBER", address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, wrong
	}
	f := &Finding{}
	parts := strings.Split(strings.Trim(path.Clean(u.Path), "/"), "/")
	host := u.Scheme + "://" + u.Host
	n := len(parts)
	switch {
	case n == 4 && parts[2] == "pull":
		f.Kind, f.Project = GitHub, parts[0]+"/"+parts[1]
		f.API = first(getenv("GITHUB_API_URL"), host+"/api/v3")
		if u.Host == "github.com" {
			f.API = "https://api.github.com"
		}
	case n >= 5 && parts[n-2] == "merge_requests" && parts[n-3] == "-":
		f.Kind, f.Project = GitLab, strings.Join(parts[:n-3], "/")
		f.API = first(getenv("CI_API_V4_URL"), host+"/api/v4")
	default:
		return nil, wrong
	}
	if f.Number, err = strconv.Atoi(parts[n-1]); err != nil || f.Number < 1 {
		return nil, wrong
	}
	f.token(getenv)
	return f, nil
}

func (f *Finding) token(getenv func(string) string) {
	names := []string{"GITHUB_TOKEN", "GH_TOKEN"}
	if f.Kind == GitLab {
		names = []string{"GITLAB_TOKEN", jobToken}
	}
	f.Token.Name = names[0]
	for _, name := range names {
		if value := strings.TrimSpace(getenv(name)); value != "" {
			f.Token = Token{name, value}
			return
		}
	}
}

// inGitHub reads the variables of GitHub Actions and the event it was started
// by.
func inGitHub(getenv func(string) string) (*Finding, error) {
	f := &Finding{}
	f.Kind, f.Project = GitHub, getenv("GITHUB_REPOSITORY")
	f.API = strings.TrimSuffix(first(getenv("GITHUB_API_URL"), "https://api.github.com"), "/")
	f.token(getenv)
	if strings.Count(f.Project, "/") != 1 {
		return nil, fmt.Errorf("GITHUB_REPOSITORY is %q: expected owner/name", f.Project)
	}
	var event struct {
		Number      int       `json:"number"`
		PullRequest *struct{} `json:"pull_request"`
		Issue       *struct {
			Number      int       `json:"number"`
			PullRequest *struct{} `json:"pull_request"`
		} `json:"issue"`
		WorkflowRun *struct {
			Event  string `json:"event"`
			Commit string `json:"head_sha"`
			Branch string `json:"head_branch"`
			From   struct {
				Owner struct {
					Login string `json:"login"`
				} `json:"owner"`
			} `json:"head_repository"`
		} `json:"workflow_run"`
	}
	if file := getenv("GITHUB_EVENT_PATH"); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading the event: %w", err)
		}
		if err := json.Unmarshal(text, &event); err != nil {
			return nil, fmt.Errorf("reading the event: %s: %w", file, err)
		}
	}
	name := getenv("GITHUB_EVENT_NAME")
	switch run := event.WorkflowRun; {
	case event.PullRequest != nil && event.Number > 0:
		f.Number = event.Number
	case event.Issue != nil && event.Issue.PullRequest != nil:
		f.Number = event.Issue.Number
	case run != nil && strings.HasPrefix(run.Event, "pull_request"):
		f.head = head{run.From.Owner.Login, run.Branch, run.Commit}
	case run != nil:
		return nil, fmt.Errorf("%w: the workflow that ended was started by %s", ErrNoThread, run.Event)
	default:
		return nil, fmt.Errorf("%w: it was started by %s", ErrNoThread, first(name, "no event"))
	}
	return f, nil
}

// inGitLab reads the variables of GitLab CI.
func inGitLab(getenv func(string) string) (*Finding, error) {
	f := &Finding{}
	f.Kind = GitLab
	f.API = strings.TrimSuffix(getenv("CI_API_V4_URL"), "/")
	f.token(getenv)
	project, number := first(getenv("CI_MERGE_REQUEST_PROJECT_PATH"), getenv("CI_MERGE_REQUEST_PROJECT_ID"), getenv("CI_PROJECT_PATH"), getenv("CI_PROJECT_ID")), getenv("CI_MERGE_REQUEST_IID")
	if number == "" {
		// A pipeline of a branch: the first of the merge requests from it.
		open, _, _ := strings.Cut(getenv("CI_OPEN_MERGE_REQUESTS"), ",")
		if of, n, found := strings.Cut(open, "!"); found {
			project, number = of, n
		}
	}
	if number == "" {
		return nil, fmt.Errorf("%w: the pipeline is one of %s", ErrNoThread, first(getenv("CI_PIPELINE_SOURCE"), "another kind"))
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || project == "" || f.API == "" {
		return nil, fmt.Errorf("the variables of GitLab do not name a merge request: project %q, number %q, API %q", project, number, f.API)
	}
	f.Project, f.Number = project, n
	return f, nil
}

func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}
