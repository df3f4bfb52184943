package history

import (
	"context"
	"crypto/sha256"
	"time"
)

// Token is what lets a program or a person in, as it is kept: its secret is
// not, only a hash of it. Times that are zero: never.
type Token struct {
	ID      string // no secret: it names the token
	Hash    [sha256.Size]byte
	Name    string // what it is for
	App     string // whose runs it is for; "": any app's
	Roles   []string
	Creator string // who made it
	Created time.Time
	Expires time.Time
	Used    time.Time // last, about
	Revoked time.Time
}

// Ended tells why a token lets nobody in at a time: "" if it does.
func (t *Token) Ended(now time.Time) string {
	switch {
	case !t.Revoked.IsZero():
		return "revoked"
	case !t.Expires.IsZero() && !now.Before(t.Expires):
		return "expired"
	}
	return ""
}

// Session is a browser in which somebody signed in with a token. It ends with
// the token.
type Session struct {
	Hash             [sha256.Size]byte // of what the browser keeps
	Token            string            // id
	Created, Expires time.Time
}

// Keys are the tokens and sessions of a store.
type Keys interface {
	// HasTokens tells whether any token was ever made, also one that is revoked.
	HasTokens(ctx context.Context) (bool, error)
	// AddToken keeps a new token.
	AddToken(ctx context.Context, t Token) error
	// Token returns a token by its id, also one that has ended.
	Token(ctx context.Context, id string) (Token, error)
	// Tokens returns all tokens, or those of one app, the newest first.
	Tokens(ctx context.Context, app string) ([]Token, error)
	// RevokeToken ends a token and its sessions, from the next request on. One
	// that is revoked already stays as it is.
	RevokeToken(ctx context.Context, id string, at time.Time) error
	// UseToken notes when a token was used, unless a later time is noted.
	UseToken(ctx context.Context, id string, at time.Time) error

	// AddSession keeps a session, and forgets those that have expired.
	AddSession(ctx context.Context, s Session) error
	// Session returns a session by its hash, with its token.
	Session(ctx context.Context, hash [sha256.Size]byte) (Session, Token, error)
	// EndSession forgets a session. One that is not there is no error.
	EndSession(ctx context.Context, hash [sha256.Size]byte) error
}
