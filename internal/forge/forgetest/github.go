package forgetest

import (
	"fmt"
	"net/http"
	"strings"
)

// limitGitHub is how many characters a comment may have there.
const limitGitHub = 65536

func (f *Forge) github(mux *http.ServeMux) {
	const repository = "/repos/acme/app/"
	mux.HandleFunc("GET "+repository+"issues/7/comments", f.read(func(w http.ResponseWriter, r *http.Request, _ string) {
		notes, page, more := f.page(r)
		list := make([]any, len(notes))
		for i := range notes {
			list[i] = githubJSON(&notes[i])
		}
		if more {
			u := *r.URL
			q := u.Query()
			q.Set("page", fmt.Sprint(page+1))
			u.RawQuery = q.Encode()
			w.Header().Set("Link", fmt.Sprintf(`<http://%s%s>; rel="next", <http://%s%s>; rel="last"`, r.Host, u.RequestURI(), r.Host, u.RequestURI()))
		}
		write(w, http.StatusOK, list)
	}))
	mux.HandleFunc("POST "+repository+"issues/7/comments", f.write(func(w http.ResponseWriter, r *http.Request, token string) {
		if text, ok := body(w, r, limitGitHub); ok {
			author, bot := "pacer", false
			if token == App {
				author, bot = "github-actions[bot]", true
			}
			n := f.create(author, bot, text)
			write(w, http.StatusCreated, githubJSON(&n))
		}
	}))
	mux.HandleFunc("PATCH "+repository+"issues/comments/{id}", f.write(func(w http.ResponseWriter, r *http.Request, _ string) {
		text, ok := body(w, r, limitGitHub)
		if !ok {
			return
		}
		n, found := f.change(r.PathValue("id"), rewrite(text))
		if !found {
			say(w, http.StatusNotFound, "Not Found")
			return
		}
		write(w, http.StatusOK, githubJSON(&n))
	}))
	mux.HandleFunc("DELETE "+repository+"issues/comments/{id}", f.write(func(w http.ResponseWriter, r *http.Request, _ string) {
		if _, found := f.change(r.PathValue("id"), gone); !found {
			say(w, http.StatusNotFound, "Not Found")
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	mux.HandleFunc("GET "+repository+"pulls", f.read(func(w http.ResponseWriter, r *http.Request, _ string) {
		list := []any{}
		for _, p := range f.pulls(r.FormValue("head")) {
			list = append(list, map[string]any{"number": p.Number, "head": map[string]string{"sha": p.Commit}})
		}
		write(w, http.StatusOK, list)
	}))
	mux.HandleFunc("GET /user", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case token(r) == Person:
			write(w, http.StatusOK, map[string]any{"login": "pacer", "type": "User", "id": 1})
		case token(r) == App, token(r) == Fork:
			say(w, http.StatusForbidden, "Resource not accessible by integration")
		default:
			say(w, http.StatusUnauthorized, "Bad credentials")
		}
	})
}

func githubJSON(n *Note) any {
	kind := "User"
	if n.Bot {
		kind = "Bot"
	}
	return map[string]any{
		"id": n.ID, "body": strings.ReplaceAll(n.Body, "\n", "\r\n"), "html_url": fmt.Sprintf("https://github.com/acme/app/pull/7#issuecomment-%d", n.ID),
		"user": map[string]string{"login": n.Author, "type": kind},
	}
}

// token is what a request is allowed by, in whichever header.
func token(r *http.Request) string {
	if t, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); found {
		return t
	}
	return r.Header.Get("Private-Token") + r.Header.Get("Job-Token")
}

type handler func(w http.ResponseWriter, r *http.Request, token string)

// read lets those in who may read.
func (f *Forge) read(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch t := token(r); {
		case t == App, t == Person, t == Fork:
			h(w, r, t)
		case t == Job:
			say(w, http.StatusForbidden, "403 Forbidden")
		default:
			say(w, http.StatusUnauthorized, "Bad credentials")
		}
	}
}

// write lets those in who may write.
func (f *Forge) write(h handler) http.HandlerFunc {
	return f.read(func(w http.ResponseWriter, r *http.Request, t string) {
		switch {
		case t == Fork:
			say(w, http.StatusForbidden, "Resource not accessible by integration")
		case f.locked():
			say(w, http.StatusForbidden, "Unable to create comment because issue is locked.")
		default:
			h(w, r, t)
		}
	})
}
