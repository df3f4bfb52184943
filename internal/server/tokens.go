package server

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/access"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// Token is a token as it is listed: without its secret, which nobody has.
type Token struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	App     string     `json:"app,omitempty"` // that it is for; absent: any
	Roles   []string   `json:"roles"`
	Creator string     `json:"creator"`
	Created time.Time  `json:"created"`
	Expires *time.Time `json:"expires,omitempty"`
	Used    *time.Time `json:"used,omitempty"` // last, to the minute
	Revoked *time.Time `json:"revoked,omitempty"`
}

// Tokens answers GET /api/v1/tokens: newest first.
type Tokens struct {
	Tokens []Token `json:"tokens"`
}

// NewToken asks for a token.
type NewToken struct {
	Name  string   `json:"name"`
	App   string   `json:"app,omitempty"`
	Roles []string `json:"roles"`
	Days  int      `json:"days,omitempty"` // until it expires; 0: it does not
}

// MadeToken is a token that was made, with its secret: this once.
type MadeToken struct {
	Token  Token  `json:"token"`
	Secret string `json:"secret"`
}

// TokenOf is a token as it is listed.
func TokenOf(t *history.Token) Token {
	return Token{ID: t.ID, Name: t.Name, App: t.App, Roles: t.Roles, Creator: t.Creator, Created: t.Created, Expires: since(t.Expires), Used: since(t.Used), Revoked: since(t.Revoked)}
}

const (
	mostName = 100    // characters of a token's name
	mostDays = 10_000 // until a token expires
)

// CreateToken makes a token in a history, and enters it into the audit log.
func CreateToken(ctx context.Context, store history.Store, who Who, want NewToken, now time.Time) (history.Token, string, error) {
	name := strings.TrimSpace(want.Name)
	roles, err := access.ParseRoles(want.Roles...)
	switch {
	case name == "" || len([]rune(name)) > mostName || strings.ContainsFunc(name, func(c rune) bool { return c < ' ' }):
		return history.Token{}, "", refuse(http.StatusBadRequest, "say what it is for: ci, laptop of the team", "name: expected 1 to %d characters", mostName)
	case err != nil:
		return history.Token{}, "", refuse(http.StatusBadRequest, "", "roles: %v", err)
	case want.Days < 0 || want.Days > mostDays:
		return history.Token{}, "", refuse(http.StatusBadRequest, "", "days: expected 0 to %d", mostDays)
	case len(want.App) > run.MaxName:
		return history.Token{}, "", refuse(http.StatusBadRequest, "", "app: expected at most %d bytes", run.MaxName)
	case !who.Sees(want.App):
		return history.Token{}, "", refuse(http.StatusForbidden, "name that app", "the token may make tokens for %s alone", who.App)
	}
	secret, id := access.NewToken()
	t := history.Token{ID: id, Hash: access.HashOf(secret), Name: name, App: want.App, Creator: who.Actor(), Created: now.UTC()}
	for _, role := range roles {
		t.Roles = append(t.Roles, string(role))
	}
	if want.Days > 0 {
		t.Expires = t.Created.AddDate(0, 0, want.Days)
	}
	ctx = history.WithAudit(ctx, history.Audit{Actor: who.Actor(), Remote: who.Remote, Action: "token.create", App: t.App, Subject: id,
		Detail: map[string]string{"name": name, "roles": roles.String()}})
	return t, secret, store.AddToken(ctx, t)
}

// RevokeToken ends a token of those that somebody sees, at once.
func RevokeToken(ctx context.Context, store history.Store, who Who, id string, now time.Time) (history.Token, error) {
	t, err := store.Token(ctx, id)
	if err != nil {
		return t, err
	}
	if !who.Sees(t.App) {
		return t, nothing()
	}
	if !t.Revoked.IsZero() {
		return t, nil
	}
	t.Revoked = now.UTC()
	ctx = history.WithAudit(ctx, history.Audit{Actor: who.Actor(), Remote: who.Remote, Action: "token.revoke", App: t.App, Subject: id, Detail: map[string]string{"name": t.Name}})
	return t, store.RevokeToken(ctx, id, now)
}

func (s *Server) getTokens(w http.ResponseWriter, r *http.Request) error {
	tokens, err := s.tokens(r)
	if err != nil {
		return err
	}
	list := Tokens{Tokens: []Token{}}
	for i := range tokens {
		list.Tokens = append(list.Tokens, TokenOf(&tokens[i]))
	}
	writeJSON(w, http.StatusOK, list)
	return nil
}

// tokens returns the tokens that who asks sees.
func (s *Server) tokens(r *http.Request) ([]history.Token, error) {
	store, err := s.keeper.get(r.Context(), false)
	if err != nil || store == nil {
		return nil, err
	}
	return store.Tokens(r.Context(), whoOf(r).App)
}

func (s *Server) postToken(w http.ResponseWriter, r *http.Request) error {
	var in NewToken
	if err := s.readJSON(w, r, &in); err != nil {
		return err
	}
	store, err := s.made(r.Context())
	if err != nil {
		return err
	}
	who := whoOf(r)
	if in.App == "" {
		in.App = who.App
	}
	t, secret, err := CreateToken(r.Context(), store, *who, in, s.Now())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, MadeToken{Token: TokenOf(&t), Secret: secret})
	return nil
}

func (s *Server) deleteToken(w http.ResponseWriter, r *http.Request) error {
	store, err := s.existing(r.Context())
	if err != nil {
		return err
	}
	t, err := RevokeToken(r.Context(), store, *whoOf(r), r.PathValue("id"), s.Now())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, TokenOf(&t))
	return nil
}
