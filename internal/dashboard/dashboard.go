// Package dashboard shows what Pacer knows, as pages that a server renders.
//
// A Handler stands under any path, prefix or proxy: its addresses are relative
// and flat. The pages work without script; a few kilobytes of it add keys,
// filters that apply while one types, and zoom. Every page comes with a strict
// content security policy. What can be seen is the query string's; nothing is
// kept for a visitor but the theme and whether keys are on, in the browser.
//
// It shows a Source, and what a Source may do beyond that: small interfaces
// that it may also implement, such as Located. Each page is one file and one
// template, and a line in the list of pages.
//
// The package opens no database, no file and no connection.
package dashboard

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/judge"
)

// Config holds the settings of a Handler. Every zero field means its default.
type Config struct {
	Source  Source   // what is shown; required
	Exports []Export // documents that can be made of a verdict, beside JSON and CSV
	Notice  string   // said on every page: that the data are made up
	Version string   // of Pacer
	Name    string   // of what is shown; "": that of the app
	Shows   string   // tells what is shown from other data, for programs that ask healthz
	Secure  bool     // browsers reach it by TLS, though a proxy may end that
	// FrameAncestors may show the pages in a frame, as in a content security
	// policy; nil: pages of the same origin.
	FrameAncestors []string
	// Editing says who sends a request and what they may change; nil: the pages
	// only read. Requests of other sites never change anything.
	Editing  func(*http.Request) Editing
	Accounts Accounts         // who may see and do what; nil: nobody is asked
	Log      *slog.Logger     // of what goes wrong; nil: slog.Default
	Now      func() time.Time // nil: time.Now
}

// Export is a document that is made of a verdict: a report, a comment.
type Export struct {
	Path  string // the last part of its address: report.html
	Title string // in menus: HTML report
	// Write makes it. Headers may be set before the first byte is written; a
	// page of its own needs a policy of its own.
	Write func(ctx context.Context, w http.ResponseWriter, d Document) error
}

// Document is what an export is made of.
type Document struct {
	Verdict  *judge.Verdict
	Baseline string // as it was asked for: a word or a rule; "": by the policy
}

// Handler serves the pages.
type Handler struct {
	Config
	policy      string // content security policy
	crossOrigin *http.CrossOriginProtection
}

// New returns a Handler.
func New(c Config) *Handler {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	frames := "'self'"
	if c.FrameAncestors != nil {
		frames = cmp.Or(strings.Join(c.FrameAncestors, " "), "'none'")
	}
	return &Handler{Config: c, crossOrigin: http.NewCrossOriginProtection(), policy: "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
		"base-uri 'none'; form-action 'self'; frame-ancestors " + frames + "; require-trusted-types-for 'script'"}
}

// ServeHTTP serves a page, a file beside it, or an error page.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", h.policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")
	if r.URL.Path == "" {
		// Behind StripPrefix, without the slash at the end: relative addresses
		// would lead elsewhere. http.Redirect would resolve against the
		// stripped path.
		target := path.Base(strings.SplitN(r.RequestURI, "?", 2)[0]) + "/"
		if r.URL.RawQuery != "" {
			target += "?" + r.URL.RawQuery
		}
		header.Set("Location", target)
		w.WriteHeader(http.StatusTemporaryRedirect)
		return
	}
	dir, name := path.Split(r.URL.Path)
	if path.Base(dir) == "static" {
		asset(w, r, name)
		return
	}
	serve := h.find(name)
	if serve == nil {
		h.fail(w, r, &problem{status: http.StatusNotFound, Title: "There is no such page", Text: "Nothing is called " + name + " here."})
		return
	}
	if err := serve(h, w, r); err != nil {
		h.fail(w, r, err)
	}
}

// find returns what serves an address: the last part of its path.
func (h *Handler) find(name string) func(*Handler, http.ResponseWriter, *http.Request) error {
	for _, p := range pages() {
		if p.path != name || !h.shows(&p) {
			continue
		}
		return func(h *Handler, w http.ResponseWriter, r *http.Request) error {
			if r.Method == http.MethodPost && p.post != nil {
				return p.post(h, w, r)
			}
			if r.Method != http.MethodGet && r.Method != http.MethodHead {
				w.Header().Set("Allow", "GET, HEAD")
				return &problem{status: http.StatusMethodNotAllowed, Title: "This address is for reading", Text: "It takes GET, not " + r.Method + "."}
			}
			return p.get(h, w, r)
		}
	}
	for _, e := range h.Exports {
		if e.Path == name {
			return func(h *Handler, w http.ResponseWriter, r *http.Request) error { return h.export(w, r, e) }
		}
	}
	return nil
}

// shows tells whether the source can show a page.
func (h *Handler) shows(p *page) bool {
	return (p.needs == nil || p.needs(h.Source)) && (p.who == nil || h.Accounts != nil)
}

// health answers programs that ask whether somebody is here, and who.
func (h *Handler) health(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]string{"status": "ok", "program": "pacer", "version": h.Version, "shows": h.Shows})
}

// render writes a page, whole or not at all.
func (h *Handler) render(w http.ResponseWriter, r *http.Request, status int, name string, data any) error {
	var out bytes.Buffer
	if err := templates()[name].ExecuteTemplate(&out, "layout.html", data); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(out.Bytes())
	}
	return nil
}

// newRequestID names a request, for its error page and the log.
func newRequestID() string {
	var b [6]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// gone tells that the reader went away: nobody is there to be told.
func gone(r *http.Request, err error) bool {
	return r.Context().Err() != nil && errors.Is(err, context.Canceled)
}
