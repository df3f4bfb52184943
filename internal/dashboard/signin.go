package dashboard

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
)

// SignInPath is where one signs in.
const SignInPath = "signin"

// signInView asks for a token.
type signInView struct {
	view
	Next  string
	Wrong string // why the last try failed
	Hint  string
}

func (h *Handler) signIn(w http.ResponseWriter, r *http.Request) error {
	return h.askToken(w, r, http.StatusOK, r.URL.Query().Get("next"), nil)
}

func (h *Handler) askToken(w http.ResponseWriter, r *http.Request, status int, next string, wrong *AccountError) error {
	v := signInView{view: h.bare(r), Next: ownPage(next)}
	v.Title, v.Nav, v.Query = "Sign in", nil, nil
	if wrong != nil {
		v.Wrong, v.Hint = strings.TrimSuffix(wrong.Text, ".")+".", wrong.Hint
		if wrong.Status == http.StatusUnauthorized {
			v.Hint = "" // it is for programs; the page itself says who makes a token
		}
	}
	return h.render(w, r, status, "signin", &v)
}

// signedIn takes the token.
func (h *Handler) signedIn(w http.ResponseWriter, r *http.Request) error {
	if err := smallForm(w, r); err != nil {
		return err
	}
	next := r.PostForm.Get("next")
	err := h.Accounts.SignIn(w, r, r.PostForm.Get("token"))
	var wrong *AccountError
	switch {
	case errors.As(err, &wrong):
		return h.askToken(w, r, wrong.Status, next, wrong)
	case err != nil:
		return err
	}
	goTo(w, ownPage(next))
	return nil
}

func (h *Handler) signOut(w http.ResponseWriter, r *http.Request) error {
	if err := h.Accounts.SignOut(w, r); err != nil {
		return err
	}
	goTo(w, SignInPath)
	return nil
}

// onlyPost answers who asks to read what is only done.
func onlyPost(_ *Handler, w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Allow", "POST")
	return &problem{status: http.StatusMethodNotAllowed, Title: "This address is for a button", Text: "It takes POST."}
}

var pageForm = regexp.MustCompile(`^[a-z.]*(\?[^\\]*)?$`)

// ownPage is the address of a page of ours, whatever was asked for: nobody is
// led elsewhere.
func ownPage(next string) string {
	if next == "" || strings.HasPrefix(next, "?") || !pageForm.MatchString(next) || strings.HasPrefix(next, SignInPath) {
		return "./"
	}
	return next
}

// goTo sends the browser to a page of ours, after something was done.
func goTo(w http.ResponseWriter, address string) {
	// http.Redirect would resolve against a path whose prefix may have been
	// stripped.
	w.Header().Set("Location", address)
	w.WriteHeader(http.StatusSeeOther)
}

// smallForm reads a form of a few fields. That it comes from a page of ours is
// seen to before.
func smallForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	if err := r.ParseForm(); err != nil {
		return &problem{status: http.StatusBadRequest, Title: "The form cannot be read", Text: err.Error() + ".", cause: err}
	}
	return nil
}
