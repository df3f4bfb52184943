package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/pacer-perf/pacer/internal/request"
)

// gitlab is the notes of a merge request.
// Source: docs.gitlab.com/api/notes, API version 4.
type gitlab struct {
	thread *Thread
	me     int64 // who the token is of, once it is known
}

type gitlabUser struct {
	ID int64 `json:"id"`
}

type gitlabNote struct {
	ID     int64      `json:"id"`
	Body   string     `json:"body"`
	System bool       `json:"system"`
	Author gitlabUser `json:"author"`
}

// jobToken is the variable with the token of a job, which goes into a header of
// its own and may do little: by default not comment.
const jobToken = "CI_JOB_TOKEN"

func (g *gitlab) header() http.Header {
	if g.thread.Token.Name == jobToken {
		return http.Header{"Job-Token": {g.thread.Token.Value}}
	}
	return http.Header{"Private-Token": {g.thread.Token.Value}}
}

func (g *gitlab) call(ctx context.Context, method, url string, body, result any) (*request.Response, error) {
	return g.thread.call(ctx, method, url, g.thread.name(), g.header(), body, result)
}

func (g *gitlab) url(format string, args ...any) string {
	return fmt.Sprintf("%s/projects/%s/merge_requests/%d/notes%s", g.thread.API, url.PathEscape(g.thread.Project), g.thread.Number, fmt.Sprintf(format, args...))
}

func (g *gitlab) list(ctx context.Context, stop func(Comment) bool) error {
	page := "1"
	for range maxPages {
		var notes []gitlabNote
		answer, err := g.call(ctx, http.MethodGet, g.url("?order_by=created_at&sort=asc&per_page=100&page=%s", url.QueryEscape(page)), nil, &notes)
		if err != nil {
			return err
		}
		if g.me == 0 {
			if err := g.ask(ctx); err != nil {
				return err
			}
		}
		for _, n := range notes {
			if !n.System && n.Author.ID == g.me && stop(Comment{ID: n.ID, Body: n.Body}) {
				return nil
			}
		}
		if page = answer.Header.Get("X-Next-Page"); page == "" {
			return nil
		}
	}
	return nil
}

// ask finds out who the token is of: a person or a bot; of a job, who started
// it.
func (g *gitlab) ask(ctx context.Context) error {
	var who struct {
		gitlabUser
		User gitlabUser `json:"user"`
	}
	what := "user"
	if g.thread.Token.Name == jobToken {
		what = "job"
	}
	if _, err := g.thread.call(ctx, http.MethodGet, g.thread.API+"/"+what, what, g.header(), nil, &who); err != nil {
		return err
	}
	g.me = who.ID
	if what == "job" {
		g.me = who.User.ID
	}
	if g.me == 0 {
		return errors.New("GET " + what + ": the answer names nobody")
	}
	return nil
}

func (g *gitlab) create(ctx context.Context, body string) (Comment, error) {
	var made gitlabNote
	_, err := g.call(ctx, http.MethodPost, g.url(""), map[string]string{"body": body}, &made)
	return Comment{ID: made.ID, Body: made.Body}, err
}

func (g *gitlab) edit(ctx context.Context, id int64, body string) (Comment, error) {
	var now gitlabNote
	_, err := g.call(ctx, http.MethodPut, g.url("/%d", id), map[string]string{"body": body}, &now)
	return Comment{ID: now.ID, Body: now.Body}, err
}

func (g *gitlab) remove(ctx context.Context, id int64) error {
	_, err := g.call(ctx, http.MethodDelete, g.url("/%d", id), nil, nil)
	return err
}
