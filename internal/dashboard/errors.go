package dashboard

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/pacer-perf/pacer/internal/history"
)

// problem is an error that a page shows: what, and what to do.
type problem struct {
	status int
	Title  string // the heading
	Text   string
	Hint   string // a command to type
	Near   []Link // what may have been meant
	cause  error
}

func (p *problem) Error() string {
	if p.cause != nil {
		return p.Title + ": " + p.cause.Error()
	}
	return p.Title + ": " + p.Text
}

func (p *problem) Unwrap() error { return p.cause }

// errorView is the page of an error.
type errorView struct {
	view
	Problem   *problem
	RequestID string
}

// Fail answers with the page of an error that was met before the pages were
// asked.
func (h *Handler) Fail(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("Content-Security-Policy", h.policy)
	h.fail(w, r, err)
}

// fail answers with an error page. It alone turns errors into statuses.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	if gone(r, err) {
		return
	}
	// What an error says of the place of the history is for those who run it, and
	// while that is away nobody can be told from a stranger.
	said := "The log of the server says why."
	if h.Accounts == nil || h.account(r).Admin {
		said = err.Error() + "."
	}
	id := cmp.Or(w.Header().Get("X-Request-Id"), newRequestID())
	var p *problem
	var refused *AccountError
	switch {
	case errors.As(err, &p):
	case errors.As(err, &refused):
		p = &problem{status: refused.Status, Title: "That was refused", Text: refused.Text + ".", Hint: refused.Hint, cause: err}
	case errors.Is(err, history.ErrNotFound):
		p = &problem{status: http.StatusNotFound, Title: "Not found", Text: err.Error() + ".", cause: err}
	case errors.Is(err, history.ErrUnavailable):
		p = &problem{status: http.StatusServiceUnavailable, Title: "The history is not available now", Text: "Try again in a moment. " + said, cause: err}
	default:
		p = &problem{status: http.StatusInternalServerError, Title: "Something went wrong", Text: said, cause: err}
		var newer *history.NewerError
		if errors.As(err, &newer) {
			p.Title, p.Hint = "This history was written by a newer pacer", "pacer version"
		}
	}
	level := h.Log.Info
	if p.status >= 500 {
		level = h.Log.Error
	}
	level("dashboard: "+p.Title, "id", id, "status", p.status, "method", r.Method, "path", r.URL.Path, "err", err)
	w.Header().Set("X-Request-Id", id)
	if p.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "2")
	}
	v := h.bare(r)
	v.Title = p.Title
	if err := h.render(w, r, p.status, "error", &errorView{view: v, Problem: p, RequestID: id}); err != nil {
		h.Log.Error("dashboard: error page", "id", id, "err", err)
		http.Error(w, p.Title+" ("+id+")", p.status)
	}
}
