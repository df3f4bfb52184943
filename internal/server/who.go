package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/access"
	"github.com/pacer-perf/pacer/internal/history"
)

// Who is who asks, and what they may do.
type Who struct {
	Name    string // of the token; "": nobody said
	Token   string // its id
	App     string // that the token is for; "": any
	Roles   access.Roles
	Session bool // signed in, in a browser
	Remote  string
}

// May tells whether a role is theirs.
func (w *Who) May(role access.Role) bool { return w.Roles.May(role) }

// Sees tells whether an app is theirs to see.
func (w *Who) Sees(app string) bool { return w.App == "" || w.App == app }

// Actor names them in the audit log and in what they do about alerts.
func (w *Who) Actor() string {
	if w.Name == "" {
		return "local"
	}
	return w.Name
}

// whoOf is who makes a request.
func whoOf(r *http.Request) *Who { return noteOf(r).who }

// WhoOf is who makes a request that the server has let in.
func WhoOf(r *http.Request) Who { return *whoOf(r) }

// cookieName is the cookie of a session. Over TLS its name has a prefix that
// keeps other hosts of the domain from setting it.
const cookieName = "pacer_session"

func (s *Server) cookieName(r *http.Request) string {
	name := cookieName
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		name += "_" + port // browsers send the cookies of a host to all its ports
	}
	if s.Secure {
		return "__Host-" + name
	}
	return name
}

// presented is the token that a request presents; "": none.
func presented(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	if scheme != "" {
		return "?" + scheme // which is no token
	}
	return ""
}

// unknownToken is the answer to every token that lets nobody in: it does not
// tell whether there ever was one.
func unknownToken() *refusal {
	return refuse(http.StatusUnauthorized, "make one: pacer token create; it goes into the header Authorization: Bearer pacer_...", "the token is not valid: it was revoked, has expired, or never was one")
}

// whoIs finds out who makes a request. A token that is wrong is refused also
// where none is needed.
func (s *Server) whoIs(ctx context.Context, r *http.Request) (*Who, error) {
	store, err := s.keeper.get(ctx, false)
	if err != nil {
		if s.alone(r) {
			return s.local(r), nil
		}
		return nil, err
	}
	if token := presented(r); token != "" {
		if store == nil {
			return nil, unknownToken()
		}
		t, err := s.tokenOf(ctx, store, token)
		if err != nil {
			return nil, err
		}
		return s.who(r, &t, false), nil
	}
	if c, err := r.Cookie(s.cookieName(r)); err == nil && store != nil {
		session, t, err := store.Session(ctx, access.HashOf(c.Value))
		switch {
		case err == nil && s.Now().Before(session.Expires) && t.Ended(s.Now()) == "":
			s.used(store, &t)
			return s.who(r, &t, true), nil
		case err != nil && !errors.Is(err, history.ErrNotFound):
			return nil, err
		}
	}
	if s.Local || s.Insecure {
		has := false
		if store != nil {
			if has, err = store.HasTokens(ctx); err != nil {
				if s.alone(r) {
					return s.local(r), nil
				}
				return nil, err
			}
		}
		s.unguarded.Store(!has)
		if !has {
			if !s.Insecure {
				if err := localName(r); err != nil {
					return nil, err
				}
			}
			return s.local(r), nil
		}
	}
	nobody := &Who{Remote: s.remote(r)}
	if s.PublicRead {
		nobody.Roles = access.Roles{access.Read}
	}
	return nobody, nil
}

// local is somebody of whom nothing is asked.
func (s *Server) local(r *http.Request) *Who {
	return &Who{Remote: s.remote(r), Roles: access.Roles{access.Admin}}
}

// alone tells whether a request comes from this machine to a server that serves
// it alone, and that had no tokens when it was known last: a history that cannot
// be read is no reason not to show what was known of it.
func (s *Server) alone(r *http.Request) bool {
	return s.Local && s.unguarded.Load() && presented(r) == "" && localName(r) == nil
}

// tokenOf returns the token that a secret belongs to.
func (s *Server) tokenOf(ctx context.Context, store history.Store, secret string) (history.Token, error) {
	id, err := access.ID(secret)
	if err != nil {
		return history.Token{}, unknownToken()
	}
	t, err := store.Token(ctx, id)
	switch {
	case errors.Is(err, history.ErrNotFound):
		return t, unknownToken()
	case err != nil:
		return t, err
	case !access.Equal(t.Hash, access.HashOf(secret)), t.Ended(s.Now()) != "":
		return t, unknownToken()
	}
	s.used(store, &t)
	return t, nil
}

// usedEvery is how exactly it is known when a token was used last.
const usedEvery = time.Minute

// used notes that a token was used. That this fails is no reason to refuse it.
// The request does not wait for it: who reads has no need to wait for those who
// write.
func (s *Server) used(store history.Store, t *history.Token) {
	now := s.Now()
	if now.Sub(t.Used) < usedEvery {
		return
	}
	s.uses.note(func(ctx context.Context) error { return store.UseToken(ctx, t.ID, now) })
}

func (s *Server) who(r *http.Request, t *history.Token, session bool) *Who {
	roles := make(access.Roles, len(t.Roles))
	for i, role := range t.Roles {
		roles[i] = access.Role(role)
	}
	if s.PublicRead && !roles.May(access.Read) {
		roles = append(roles, access.Read) // what nobody in particular may
	}
	return &Who{Name: t.Name, Token: t.ID, App: t.App, Roles: roles, Session: session, Remote: s.remote(r)}
}

// allow refuses those who lack a role.
func allow(who *Who, role access.Role) error {
	if role == "" || who.May(role) {
		return nil
	}
	if who.Token == "" {
		return refuse(http.StatusUnauthorized, "send a token: Authorization: Bearer pacer_...", "that takes a token")
	}
	return refuse(http.StatusForbidden, "make one that may: pacer token create --name me --role "+string(role), "the token may not do that: it takes the role %s", role)
}

// audited returns a context whose change is entered into the audit log.
func audited(ctx context.Context, who *Who, action, app, subject string) context.Context {
	return history.WithAudit(ctx, history.Audit{Actor: who.Actor(), Remote: who.Remote, Action: action, App: app, Subject: subject})
}
