// Package forge speaks with GitHub and GitLab about one pull or merge request:
// it keeps one comment there, made once and edited in place.
//
// A token is sent to the forge's API alone and appears in no error.
package forge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/internal/request"
)

// Kind is a forge.
type Kind string

const (
	GitHub Kind = "github"
	GitLab Kind = "gitlab"
)

// Thread is the conversation of one pull or merge request.
type Thread struct {
	Kind    Kind
	API     string // of the forge: https://api.github.com
	Project string // owner/name, of GitLab also the number of the project
	Number  int    // of the pull or merge request
	Token   Token
	Client  request.Client
}

// Token is what the forge knows us by.
type Token struct {
	Name  string // the variable that it is from: GITHUB_TOKEN
	Value string
}

func (Token) String() string   { return "[redacted]" }
func (Token) GoString() string { return "[redacted]" }

// Comment is a comment of a thread.
type Comment struct {
	ID   int64
	Body string
	URL  string // for people; empty where the forge does not say it
}

// routes are what differs between forges.
type routes interface {
	// list reads the comments that are ours, oldest first, until stop says so.
	list(ctx context.Context, stop func(Comment) bool) error
	create(ctx context.Context, body string) (Comment, error)
	edit(ctx context.Context, id int64, body string) (Comment, error)
	remove(ctx context.Context, id int64) error
}

func (t *Thread) routes() routes {
	if t.Kind == GitLab {
		return &gitlab{thread: t}
	}
	return &github{thread: t}
}

// Done says what became of a comment.
type Done string

const (
	Created Done = "created"
	Edited  Done = "edited"
	Nothing Done = "nothing" // there is none, and none was wanted
)

// ErrDenied says that the token may not do it, or that there is none: what a
// build of a fork meets.
var ErrDenied = errors.New("not allowed")

// Publish makes there be one comment of ours whose first line is the marker.
// Compose returns what it is to say, given what it says (empty: there is none),
// and whether it is to be.
//
// If two jobs do this at the same time, one comment is left. Errors are
// ErrDenied where the token may not.
func (t *Thread) Publish(ctx context.Context, marker string, compose func(earlier string) (body string, wanted bool)) (Done, Comment, error) {
	r := t.routes()
	for attempt := 1; ; attempt++ {
		old, err := ours(ctx, r, marker, false)
		if err != nil {
			return Nothing, Comment{}, t.said(err)
		}
		earlier := ""
		if len(old) > 0 {
			earlier = old[0].Body
		}
		body, wanted := compose(earlier)
		if !wanted {
			return Nothing, Comment{}, nil
		}
		if n, most := utf8.RuneCountInString(body), t.limit(); n > most {
			return Nothing, Comment{}, fmt.Errorf("%s: a comment of %d characters: at most %d are taken", t.name(), n, most)
		}
		if len(old) > 0 {
			now, err := r.edit(ctx, old[0].ID, body)
			return Edited, now, t.said(err)
		}
		now, err := r.create(ctx, body)
		switch {
		case errors.Is(err, request.ErrUnsure) && attempt < 3:
			continue // look whether it is there
		case err != nil:
			return Nothing, Comment{}, t.said(err)
		}
		kept, err := t.settle(ctx, r, marker, now, body)
		return Created, kept, t.said(err)
	}
}

// limit is how many characters a comment may have.
func (t *Thread) limit() int {
	if t.Kind == GitLab {
		return 1_000_000
	}
	return 65_536
}

// settle removes the comment that was made if another job made one before.
func (t *Thread) settle(ctx context.Context, r routes, marker string, made Comment, body string) (Comment, error) {
	all, err := ours(ctx, r, marker, true)
	if err != nil || len(all) < 2 || all[0].ID == made.ID {
		return made, err
	}
	kept, err := r.edit(ctx, all[0].ID, body)
	if err != nil {
		return made, err
	}
	err = r.remove(ctx, made.ID)
	if s := (*request.StatusError)(nil); errors.As(err, &s) && s.Status == http.StatusNotFound {
		err = nil // somebody else did
	}
	return kept, err
}

// ours returns the comments of ours that begin with the marker, oldest first:
// the first one, or all.
func ours(ctx context.Context, r routes, marker string, all bool) ([]Comment, error) {
	var found []Comment
	err := r.list(ctx, func(c Comment) bool {
		if line, _, _ := strings.Cut(c.Body, "\n"); strings.TrimRight(line, "\r ") == marker {
			found = append(found, c)
		}
		return !all && len(found) > 0
	})
	return found, err
}

// said marks errors that come of what the token may do.
func (t *Thread) said(err error) error {
	var s *request.StatusError
	if !errors.As(err, &s) {
		return err
	}
	switch s.Status {
	case http.StatusUnauthorized:
		return fmt.Errorf("%w: %w: %s is not valid here", ErrDenied, err, t.Token.Name)
	case http.StatusForbidden, http.StatusNotFound:
		if s.RetryAfter == 0 {
			return fmt.Errorf("%w: %w", ErrDenied, err)
		}
	}
	return err
}

// name is what errors call the thread's comments.
func (t *Thread) name() string {
	if t.Kind == GitLab {
		return fmt.Sprintf("notes of %s!%d", t.Project, t.Number)
	}
	return fmt.Sprintf("comments of %s#%d", t.Project, t.Number)
}

// call sends a request to the API and reads the JSON that it answers with into
// result, unless that is nil.
func (t *Thread) call(ctx context.Context, method, url, name string, header http.Header, body, result any) (*request.Response, error) {
	r := request.Request{Method: method, URL: url, Name: name, Header: header, Once: method == http.MethodPost}
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		r.Body = text
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := t.Client.Do(ctx, r)
	if err != nil || result == nil {
		return answer, err
	}
	if err := json.Unmarshal(answer.Body, result); err != nil {
		return nil, fmt.Errorf("%s %s: the answer is not what the API promises: %w", method, name, err)
	}
	return answer, nil
}

// maxPages is how many pages of a hundred comments are read.
const maxPages = 100
