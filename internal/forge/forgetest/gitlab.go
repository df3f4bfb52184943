package forgetest

import (
	"fmt"
	"net/http"
)

// limitGitLab is how many characters a note may have there.
const limitGitLab = 1_000_000

func (f *Forge) gitlab(mux *http.ServeMux) {
	// The project is one part of the path, with its slash escaped.
	const notes = "/api/v4/projects/{project}/merge_requests/7/notes"
	mux.HandleFunc("GET "+notes, f.read(func(w http.ResponseWriter, r *http.Request, _ string) {
		if !ofProject(w, r) {
			return
		}
		found, page, more := f.page(r)
		list := make([]any, len(found))
		for i := range found {
			list[i] = gitlabJSON(&found[i])
		}
		w.Header().Set("X-Page", fmt.Sprint(page))
		if more {
			w.Header().Set("X-Next-Page", fmt.Sprint(page+1))
		}
		write(w, http.StatusOK, list)
	}))
	mux.HandleFunc("POST "+notes, f.write(func(w http.ResponseWriter, r *http.Request, _ string) {
		if !ofProject(w, r) {
			return
		}
		if text, ok := body(w, r, limitGitLab); ok {
			n := f.create("pacer", true, text)
			write(w, http.StatusCreated, gitlabJSON(&n))
		}
	}))
	mux.HandleFunc("PUT "+notes+"/{id}", f.write(func(w http.ResponseWriter, r *http.Request, _ string) {
		text, ok := body(w, r, limitGitLab)
		if !ok {
			return
		}
		n, found := f.change(r.PathValue("id"), rewrite(text))
		if !found {
			say(w, http.StatusNotFound, "404 Not found")
			return
		}
		write(w, http.StatusOK, gitlabJSON(&n))
	}))
	mux.HandleFunc("DELETE "+notes+"/{id}", f.write(func(w http.ResponseWriter, r *http.Request, _ string) {
		if _, found := f.change(r.PathValue("id"), gone); !found {
			say(w, http.StatusNotFound, "404 Not found")
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	mux.HandleFunc("GET /api/v4/user", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Private-Token") != Person {
			say(w, http.StatusUnauthorized, "401 Unauthorized")
			return
		}
		write(w, http.StatusOK, map[string]any{"id": 1, "username": "pacer"})
	})
	mux.HandleFunc("GET /api/v4/job", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Job-Token") != Job {
			say(w, http.StatusUnauthorized, "401 Unauthorized")
			return
		}
		write(w, http.StatusOK, map[string]any{"id": 99, "user": map[string]any{"id": 2, "username": "somebody"}})
	})
}

func ofProject(w http.ResponseWriter, r *http.Request) bool {
	if p := r.PathValue("project"); p == "acme/app" || p == "12" {
		return true
	}
	say(w, http.StatusNotFound, "404 Project Not Found")
	return false
}

func gitlabJSON(n *Note) any {
	id := 1000
	if n.Author == "pacer" {
		id = 1
	}
	return map[string]any{"id": n.ID, "body": n.Body, "system": n.System, "author": map[string]any{"id": id, "username": n.Author}}
}
