package dashboard

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/pacer-perf/pacer/internal/history"
)

// tokensView lists tokens, and makes and revokes them.
type tokensView struct {
	view
	Secret string // of the token that was just made
	Made   string // its name
	Wrong  string // why the last form did nothing
	Form   NewToken
	Days   string
	Own    string // app that tokens can be made for; "": any
	Rows   []tokenRow
	Log    []logEntry
}

type tokenRow struct {
	history.Token
	Ended string // revoked, expired; "": it is good
}

// logEntry is an entry of the log of changes.
type logEntry struct {
	history.Audit
	IDs  []string // of the runs that it is about, if those are several
	More int      // of them that are not shown
}

// Count is how many runs it is about.
func (e logEntry) Count() int { return len(e.IDs) + e.More }

func logged(a history.Audit) logEntry {
	ids := strings.Fields(a.Detail["ids"])
	shown := ids[:min(len(ids), mostIDs)]
	return logEntry{a, shown, len(ids) - len(shown)}
}

// Has tells whether the form asks for a role.
func (v *tokensView) Has(role string) bool {
	for _, r := range v.Form.Roles {
		if r == role {
			return true
		}
	}
	return false
}

// newestChanges is how much of the log of changes is shown.
const newestChanges = 50

// mostIDs is how many ids of one change are shown: as many as a prune enters
// at once.
const mostIDs = 100

func (h *Handler) tokens(w http.ResponseWriter, r *http.Request) error {
	return h.showTokens(w, r, http.StatusOK, &tokensView{Form: NewToken{Roles: []string{"ingest"}}})
}

func (h *Handler) showTokens(w http.ResponseWriter, r *http.Request, status int, t *tokensView) error {
	if err := h.forAdmins(r); err != nil {
		return err
	}
	var err error
	if t.view, err = h.view(r); err != nil {
		return err
	}
	t.Title, t.Own = "Tokens", h.account(r).App
	list, err := h.Accounts.Tokens(r)
	if err != nil {
		return err
	}
	if len(list) == 0 && status == http.StatusOK {
		t.Form.Roles = []string{"admin"} // without one nobody could make the next
	}
	for _, token := range list {
		t.Rows = append(t.Rows, tokenRow{token, token.Ended(t.Now)})
	}
	log, err := h.Accounts.Audit(r, newestChanges)
	if err != nil {
		return err
	}
	for _, a := range log {
		t.Log = append(t.Log, logged(a))
	}
	return h.render(w, r, status, "tokens", t)
}

// changeTokens makes a token, or revokes one.
func (h *Handler) changeTokens(w http.ResponseWriter, r *http.Request) error {
	if err := h.forAdmins(r); err != nil {
		return err
	}
	if err := smallForm(w, r); err != nil {
		return err
	}
	if id := r.PostForm.Get("revoke"); id != "" {
		if _, err := h.Accounts.RevokeToken(r, id); err != nil {
			return refused("The token was not revoked", err)
		}
		goTo(w, "tokens")
		return nil
	}
	t := &tokensView{Days: strings.TrimSpace(r.PostForm.Get("days"))}
	t.Form = NewToken{Name: r.PostForm.Get("name"), App: strings.TrimSpace(r.PostForm.Get("app-of-token")), Roles: r.PostForm["role"]}
	var err error
	if t.Days != "" {
		if t.Form.Days, err = strconv.Atoi(t.Days); err != nil || t.Form.Days < 0 {
			t.Wrong = "Days: expected a number, or nothing."
			return h.showTokens(w, r, http.StatusBadRequest, t)
		}
	}
	made, secret, err := h.Accounts.CreateToken(r, t.Form)
	var wrong *AccountError
	switch {
	case errors.As(err, &wrong):
		t.Wrong = wrong.Text
		return h.showTokens(w, r, wrong.Status, t)
	case err != nil:
		return err
	}
	return h.showTokens(w, r, http.StatusCreated, &tokensView{Secret: secret, Made: made.Name, Form: NewToken{Roles: []string{"ingest"}}})
}
