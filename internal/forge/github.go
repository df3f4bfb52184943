package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/pacer-perf/pacer/internal/request"
)

// github is the comments of an issue, which a pull request is, too.
// Source: docs.github.com/rest/issues/comments, API version 2022-11-28.
type github struct {
	thread *Thread
	mine   func(*githubComment) bool // once it is known
}

type githubUser struct {
	Login string `json:"login"`
	Type  string `json:"type"`
}

type githubComment struct {
	ID   int64      `json:"id"`
	Body string     `json:"body"`
	URL  string     `json:"html_url"`
	User githubUser `json:"user"`
}

func (c *githubComment) comment() Comment { return Comment{c.ID, c.Body, c.URL} }

func (g *github) header() http.Header {
	return http.Header{
		"Accept":               {"application/vnd.github+json"},
		"X-Github-Api-Version": {"2022-11-28"},
		"Authorization":        {"Bearer " + g.thread.Token.Value},
	}
}

func (g *github) call(ctx context.Context, method, url string, body, result any) (*request.Response, error) {
	return g.thread.call(ctx, method, url, g.thread.name(), g.header(), body, result)
}

// url is an address of the repository.
func (g *github) url(format string, args ...any) string {
	return fmt.Sprintf("%s/repos/%s/%s", g.thread.API, g.thread.Project, fmt.Sprintf(format, args...))
}

func (g *github) list(ctx context.Context, stop func(Comment) bool) error {
	next := g.url("issues/%d/comments?per_page=100", g.thread.Number)
	for range maxPages {
		var page []githubComment
		answer, err := g.call(ctx, http.MethodGet, next, nil, &page)
		if err != nil {
			return err
		}
		for i := range page {
			c := &page[i]
			if !strings.HasPrefix(c.Body, "<!--") {
				continue // who we are is asked only where it matters
			}
			mine, err := g.isMine(ctx, c)
			if err != nil {
				return err
			}
			if mine && stop(c.comment()) {
				return nil
			}
		}
		if next = nextPage(answer.Header, g.thread.API); next == "" {
			return nil
		}
	}
	return nil
}

// isMine tells whether a comment is by whom the token is of. The token of a
// workflow, as that of any app, may not ask who it is; what it writes is by a
// bot, and people are none.
func (g *github) isMine(ctx context.Context, c *githubComment) (bool, error) {
	if g.mine == nil {
		var me githubUser
		_, err := g.thread.call(ctx, http.MethodGet, g.thread.API+"/user", "user", g.header(), nil, &me)
		var s *request.StatusError
		switch {
		case err == nil:
			g.mine = func(c *githubComment) bool { return strings.EqualFold(c.User.Login, me.Login) }
		case errors.As(err, &s) && (s.Status == http.StatusForbidden || s.Status == http.StatusNotFound):
			g.mine = func(c *githubComment) bool { return c.User.Type == "Bot" }
		default:
			return false, err
		}
	}
	return g.mine(c), nil
}

func (g *github) create(ctx context.Context, body string) (Comment, error) {
	var made githubComment
	_, err := g.call(ctx, http.MethodPost, g.url("issues/%d/comments", g.thread.Number), map[string]string{"body": body}, &made)
	return made.comment(), err
}

func (g *github) edit(ctx context.Context, id int64, body string) (Comment, error) {
	var now githubComment
	_, err := g.call(ctx, http.MethodPatch, g.url("issues/comments/%d", id), map[string]string{"body": body}, &now)
	return now.comment(), err
}

func (g *github) remove(ctx context.Context, id int64) error {
	_, err := g.call(ctx, http.MethodDelete, g.url("issues/comments/%d", id), nil, nil)
	return err
}

// pullOf returns the number of the open pull request whose head is a commit of
// a branch of an owner, 0 if there is none. The branch may be one of a fork.
func (g *github) pullOf(ctx context.Context, owner, branch, commit string) (int, error) {
	query := url.Values{"state": {"open"}, "per_page": {"100"}, "head": {owner + ":" + branch}}
	var pulls []struct {
		Number int `json:"number"`
		Head   struct {
			SHA string `json:"sha"`
		} `json:"head"`
	}
	if _, err := g.thread.call(ctx, http.MethodGet, g.url("pulls?%s", query.Encode()), "pull requests of "+g.thread.Project, g.header(), nil, &pulls); err != nil {
		return 0, err
	}
	for _, p := range pulls {
		if p.Head.SHA == commit {
			return p.Number, nil
		}
	}
	return 0, nil
}

// nextPage returns the address of the next page, "" if there is none or if it
// is not of the API: the token goes nowhere else.
func nextPage(h http.Header, api string) string {
	for _, links := range h.Values("Link") {
		for link := range strings.SplitSeq(links, ",") {
			address, rel, found := strings.Cut(strings.TrimSpace(link), ">;")
			if !found || !strings.Contains(rel, `rel="next"`) {
				continue
			}
			if address = strings.TrimPrefix(address, "<"); sameHost(address, api) {
				return address
			}
		}
	}
	return ""
}

func sameHost(a, b string) bool {
	x, err := url.Parse(a)
	if err != nil {
		return false
	}
	y, err := url.Parse(b)
	return err == nil && x.Scheme == y.Scheme && x.Host == y.Host
}
