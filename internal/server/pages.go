package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pacer-perf/pacer/internal/access"
	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/history"
)

// servePages serves what is no route: the pages, to those who may see them. Who
// did not sign in is asked to.
func (s *Server) servePages(w http.ResponseWriter, r *http.Request) {
	noteOf(r).route = "pages"
	if s.Pages == nil {
		s.fail(w, r, refuse(http.StatusNotFound, "what there is: GET /api/v1/openapi.json", "there is no such address"))
		return
	}
	who := whoOf(r)
	free := r.URL.Path == "/"+dashboard.SignInPath || strings.HasPrefix(r.URL.Path, "/static/")
	switch {
	case free || who.May(access.Read):
		s.UsePages(viewOf(who), func(pages http.Handler) { pages.ServeHTTP(w, r) })
	case len(who.Roles) > 0:
		s.fail(w, r, refuse(http.StatusForbidden, "sign in with a token of the role read", "the token may send runs, not see them"))
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		w.Header().Set("Location", dashboard.SignInPath+"?"+url.Values{"next": {strings.TrimPrefix(r.URL.RequestURI(), "/")}}.Encode())
		w.WriteHeader(http.StatusSeeOther)
	default:
		s.fail(w, r, allow(who, access.Read))
	}
}

// failPage answers with a page, where a browser asked for one.
func (s *Server) failPage(w http.ResponseWriter, r *http.Request, err error) bool {
	if s.Pages == nil || strings.HasPrefix(r.URL.Path, "/api/") || !strings.Contains(r.Header.Get("Accept"), "text/html") {
		return false
	}
	ok := false
	s.UsePages(View{}, func(h http.Handler) {
		var pages interface {
			Fail(http.ResponseWriter, *http.Request, error)
		}
		if pages, ok = h.(interface {
			Fail(http.ResponseWriter, *http.Request, error)
		}); ok {
			pages.Fail(w, r, told(err))
		}
	})
	return ok
}

// History is the history as the pages of a view see it: open returns nil where there
// is none yet, moved tells that it is to be opened again.
func (s *Server) History(v View) (open func(context.Context) (history.Reader, error), moved func() bool) {
	var opened atomic.Pointer[history.Store]
	open = func(ctx context.Context) (history.Reader, error) {
		store, err := s.keeper.get(ctx, false)
		if err != nil || store == nil {
			return nil, err
		}
		opened.Store(&store)
		return &lent{scope(store, v.App)}, nil
	}
	moved = func() bool {
		store, err := s.keeper.get(context.Background(), false)
		was := opened.Load()
		return err == nil && (was == nil || store != *was)
	}
	return open, moved
}

// Accounts are the accounts of the pages.
func (s *Server) Accounts() dashboard.Accounts { return accounts{s} }

// accounts answers pages for who asks.
type accounts struct{ s *Server }

// Account says who makes a request.
func (a accounts) Account(r *http.Request) dashboard.Account {
	who := whoOf(r)
	return dashboard.Account{Name: who.Name, App: who.App, Roles: who.Roles.String(), SignedIn: who.Session,
		Read: who.May(access.Read), Write: who.May(access.Write), Admin: who.May(access.Admin)}
}

// sessionTime is for how long somebody who signed in is remembered.
const sessionTime = 14 * 24 * time.Hour

// SignIn begins a session with a token.
func (a accounts) SignIn(w http.ResponseWriter, r *http.Request, token string) error {
	return told(a.s.signIn(w, r, token))
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request, token string) error {
	ctx := r.Context()
	store, err := s.existing(ctx)
	if errors.Is(err, history.ErrNone) {
		return unknownToken()
	}
	if err != nil {
		return err
	}
	t, err := s.tokenOf(ctx, store, strings.TrimSpace(token))
	if err != nil {
		return s.refused(s.remote(r), s.Now(), err)
	}
	who := s.who(r, &t, true)
	if !who.May(access.Read) {
		return refuse(http.StatusForbidden, "", "This token may send runs, not see them: sign in with one of the role read.")
	}
	secret := access.NewSecret()
	now := s.Now().UTC()
	expires := now.Add(sessionTime)
	if !t.Expires.IsZero() && t.Expires.Before(expires) {
		expires = t.Expires
	}
	if err := store.AddSession(ctx, history.Session{Hash: access.HashOf(secret), Token: t.ID, Created: now, Expires: expires}); err != nil {
		return err
	}
	http.SetCookie(w, s.cookie(r, secret, expires))
	return nil
}

func (s *Server) cookie(r *http.Request, value string, expires time.Time) *http.Cookie {
	return &http.Cookie{Name: s.cookieName(r), Value: value, Path: "/", Expires: expires, HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode}
}

// SignOut ends the session of a request.
func (a accounts) SignOut(w http.ResponseWriter, r *http.Request) error {
	gone := a.s.cookie(r, "", time.Unix(1, 0))
	gone.MaxAge = -1
	http.SetCookie(w, gone)
	c, err := r.Cookie(a.s.cookieName(r))
	if err != nil {
		return nil
	}
	store, err := a.s.existing(r.Context())
	if err != nil {
		return err
	}
	return store.EndSession(r.Context(), access.HashOf(c.Value))
}

// Tokens lists the tokens that who asks may see.
func (a accounts) Tokens(r *http.Request) ([]history.Token, error) { return a.s.tokens(r) }

// CreateToken makes a token and returns it with its secret.
func (a accounts) CreateToken(r *http.Request, want dashboard.NewToken) (history.Token, string, error) {
	store, err := a.s.made(r.Context())
	if err != nil {
		return history.Token{}, "", err
	}
	who := whoOf(r)
	if want.App == "" {
		want.App = who.App
	}
	t, secret, err := CreateToken(r.Context(), store, *who, NewToken(want), a.s.Now())
	return t, secret, told(err)
}

// RevokeToken ends a token.
func (a accounts) RevokeToken(r *http.Request, id string) (history.Token, error) {
	store, err := a.s.existing(r.Context())
	if err != nil {
		return history.Token{}, err
	}
	t, err := RevokeToken(r.Context(), store, *whoOf(r), id, a.s.Now())
	return t, told(err)
}

// Audit returns the newest entries of the audit log that who asks may see.
func (a accounts) Audit(r *http.Request, most int) ([]history.Audit, error) {
	store, err := a.s.keeper.get(r.Context(), false)
	if err != nil || store == nil {
		return nil, err
	}
	return store.AuditLog(r.Context(), history.AuditFilter{App: whoOf(r).App, Limit: most})
}

// Status says how the server does.
func (a accounts) Status(r *http.Request) (dashboard.Status, error) {
	s := a.s
	st := dashboard.Status{Reading: "takes a token", Reached: "by whoever can reach its address", Limits: fmt.Sprintf("%d MB a request, %d MB a run, %d metrics a run, %g requests a second",
		s.Limits.Body>>20, s.Limits.Run>>20, s.Limits.Metrics, s.Limits.Rate)}
	store, err := s.keeper.get(r.Context(), false)
	if err != nil {
		return st, err
	}
	has := false
	if store != nil {
		if has, err = store.HasTokens(r.Context()); err != nil {
			return st, err
		}
		// The queue is everybody's.
		if whoOf(r).App == "" {
			if st.Waiting, err = store.Waiting(r.Context(), verdictKind); err != nil {
				return st, err
			}
		}
	}
	switch {
	case s.Local:
		st.Reached = "from this machine alone"
	case s.Secure:
		st.Reached = "by TLS"
	case s.BehindProxy:
		st.Reached = "through a proxy"
	}
	if s.PublicRead {
		st.Reading = "takes no token"
	} else if !has && (s.Local || s.Insecure) {
		st.Reading = "takes no token, as long as there is none"
	}
	return st, nil
}

// told makes what was refused fit for a page.
func told(err error) error {
	var e *refusal
	if errors.As(err, &e) {
		return &dashboard.AccountError{Status: e.status, Text: e.text, Hint: e.hint}
	}
	return err
}
