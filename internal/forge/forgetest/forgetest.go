// Package forgetest is a stand-in for the comments of GitHub and GitLab: it
// speaks the same routes, with pages, tokens and limits, and can be told to
// misbehave. For tests alone.
package forgetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Tokens that the stand-in knows.
const (
	App    = "app-token"    // of a workflow: may write, may not ask who it is
	Person = "person-token" // of the person or bot "pacer"
	Fork   = "fork-token"   // of a build of a fork: may read
	Job    = "job-token"    // of a job of GitLab: nothing but who started it
)

// Note is a comment that was made.
type Note struct {
	ID     int64
	Author string
	Body   string
	Bot    bool
	System bool
	Edits  int
}

// Forge is one repository, acme/app, with pull and merge request number 7.
type Forge struct {
	mu       sync.Mutex
	lastID   int64
	notes    []Note
	requests []string
	// Before is asked before each request is answered, with how many there
	// were, and answers it itself by returning true. Nil: nobody.
	Before func(n int, w http.ResponseWriter, r *http.Request) bool
	// After is called when a request was carried out, before it is answered;
	// if it returns true the answer is lost and 502 is said instead.
	After func(n int, r *http.Request) bool
	// Pulls are the heads of open pull requests by "owner:branch".
	Pulls map[string][]Pull
	// Closed tells that comments are locked.
	Locked bool
}

// Lock locks the comments of a forge that serves already.
func (f *Forge) Lock() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Locked = true
}

// Open opens a pull request of the head "owner:branch".
func (f *Forge) Open(head string, p Pull) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Pulls == nil {
		f.Pulls = make(map[string][]Pull)
	}
	f.Pulls[head] = append(f.Pulls[head], p)
}

// Pull is the head of an open pull request.
type Pull struct {
	Number int
	Commit string
}

// Add adds a comment of somebody's.
func (f *Forge) Add(n Note) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lastID++
	n.ID = f.lastID
	f.notes = append(f.notes, n)
}

// Notes returns the comments as they are now.
func (f *Forge) Notes() []Note {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.notes)
}

func (f *Forge) locked() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.Locked
}

func (f *Forge) pulls(head string) []Pull {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.Pulls[head])
}

// Requests returns what was asked: "GET /user".
func (f *Forge) Requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

func (f *Forge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.requests = append(f.requests, r.Method+" "+r.URL.RequestURI())
	n := len(f.requests)
	f.mu.Unlock()
	if f.Before != nil && f.Before(n, w, r) {
		return
	}
	answer := &lost{ResponseWriter: w}
	if f.After != nil {
		answer.hold = true
	}
	mux := http.NewServeMux()
	f.github(mux)
	f.gitlab(mux)
	mux.ServeHTTP(answer, r)
	if f.After != nil {
		if f.After(n, r) {
			say(w, http.StatusBadGateway, "Server Error")
			return
		}
		answer.release()
	}
}

// lost holds an answer back.
type lost struct {
	http.ResponseWriter
	hold   bool
	status int
	body   []byte
}

func (l *lost) WriteHeader(status int) {
	if l.hold {
		l.status = status
		return
	}
	l.ResponseWriter.WriteHeader(status)
}

func (l *lost) Write(p []byte) (int, error) {
	if l.hold {
		l.body = append(l.body, p...)
		return len(p), nil
	}
	return l.ResponseWriter.Write(p)
}

func (l *lost) release() {
	if l.status != 0 {
		l.ResponseWriter.WriteHeader(l.status)
	}
	l.ResponseWriter.Write(l.body)
}

func say(w http.ResponseWriter, status int, message string) {
	write(w, status, map[string]string{"message": message})
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

// page returns the comments of the page that is asked for, and whether there
// are more.
func (f *Forge) page(r *http.Request) (notes []Note, page int, more bool) {
	size, number := 30, 1
	if n, err := strconv.Atoi(r.FormValue("per_page")); err == nil && n > 0 {
		size = min(n, 100)
	}
	if n, err := strconv.Atoi(r.FormValue("page")); err == nil && n > 0 {
		number = n
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	from, to := min(len(f.notes), (number-1)*size), min(len(f.notes), number*size)
	return append([]Note(nil), f.notes[from:to]...), number, to < len(f.notes)
}

// body reads the body that a comment is to have, and refuses what is too long
// or blank.
func body(w http.ResponseWriter, r *http.Request, limit int) (string, bool) {
	var sent struct{ Body string }
	if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
		say(w, http.StatusBadRequest, "Problems parsing JSON")
		return "", false
	}
	if n := utf8.RuneCountInString(sent.Body); n > limit || strings.TrimSpace(sent.Body) == "" {
		write(w, http.StatusUnprocessableEntity, map[string]any{"message": "Validation Failed", "errors": []any{map[string]string{"message": fmt.Sprintf("body is too long (maximum is %d characters)", limit)}}})
		return "", false
	}
	return sent.Body, true
}

// create makes a comment.
func (f *Forge) create(author string, bot bool, text string) Note {
	f.Add(Note{Author: author, Bot: bot, Body: text})
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.notes[len(f.notes)-1]
}

// change edits or removes a comment, and tells whether it is there.
func (f *Forge) change(id string, edit func(*Note) (remove bool)) (Note, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.notes {
		n := &f.notes[i]
		if strconv.FormatInt(n.ID, 10) != id {
			continue
		}
		remove := edit(n)
		changed := *n
		if remove {
			f.notes = append(f.notes[:i:i], f.notes[i+1:]...)
		}
		return changed, true
	}
	return Note{}, false
}

func rewrite(text string) func(*Note) bool {
	return func(n *Note) bool {
		n.Body = text
		n.Edits++
		return false
	}
}

func gone(*Note) bool { return true }
