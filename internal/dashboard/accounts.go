package dashboard

import (
	"errors"
	"net/http"

	"github.com/pacer-perf/pacer/internal/history"
)

// Accounts is who may see and do what, where others than this machine see the
// pages. What it refuses is an *AccountError.
type Accounts interface {
	// Account says who makes a request.
	Account(r *http.Request) Account
	// SignIn begins a session with a token, SignOut ends it: both by a cookie.
	SignIn(w http.ResponseWriter, r *http.Request, token string) error
	SignOut(w http.ResponseWriter, r *http.Request) error

	Tokens(r *http.Request) ([]history.Token, error)
	// CreateToken makes a token and returns it with its secret, which is not
	// kept.
	CreateToken(r *http.Request, want NewToken) (made history.Token, secret string, err error)
	RevokeToken(r *http.Request, id string) (history.Token, error)
	// Audit returns the newest entries of the log of changes.
	Audit(r *http.Request, most int) ([]history.Audit, error)
	// Status says how the server does.
	Status(r *http.Request) (Status, error)
}

// Account is who makes a request.
type Account struct {
	Name     string // of the token; "": nobody said
	App      string // that it is for; "": any
	Roles    string // in words
	SignedIn bool
	// What they may do.
	Read, Write, Admin bool
}

// NewToken asks for a token.
type NewToken struct {
	Name  string
	App   string
	Roles []string
	Days  int // until it expires; 0: it does not
}

// Status is how a server does.
type Status struct {
	Waiting int    // verdicts that are still to be worked out
	Reading string // who may read
	Reached string // how it is reached
	Limits  string
}

// AccountError is something that was refused, and what to do.
type AccountError struct {
	Status     int
	Text, Hint string
}

func (e *AccountError) Error() string { return e.Text }

// account is who makes a request. Without accounts it is somebody at this
// machine, of whom nothing is asked.
func (h *Handler) account(r *http.Request) Account {
	if h.Accounts == nil {
		return Account{Read: true}
	}
	return h.Accounts.Account(r)
}

// Pages for anybody, for those who may read, for those who may do everything.
func anybody(Account) bool   { return true }
func readers(a Account) bool { return a.Read }
func admins(a Account) bool  { return a.Admin }

// lets tells whether a page is for who makes a request. It decides what the
// navigation shows; what a page gives away or does it sees to by itself.
func (h *Handler) lets(p *page, a Account) bool {
	if p.who == nil {
		return a.Read
	}
	return p.who(a)
}

// forAdmins refuses others.
func (h *Handler) forAdmins(r *http.Request) error {
	if h.account(r).Admin {
		return nil
	}
	return &problem{status: http.StatusForbidden, Title: "That takes the role admin", Text: "Your token does not have it.", Hint: "pacer token create --name me --role admin"}
}

// refused makes a page of what accounts refuse.
func refused(title string, err error) error {
	var e *AccountError
	if errors.As(err, &e) {
		return &problem{status: e.Status, Title: title, Text: e.Text, cause: err}
	}
	return err
}
