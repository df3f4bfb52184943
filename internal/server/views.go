package server

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// View is whom pages are made for: those who see one app, or all.
type View struct {
	App string // "": all
}

func viewOf(who *Who) View { return View{App: who.App} }

// mostViews is how many views keep their pages, with what these remember, some
// tens of MB each at most. Beyond, those of the view that was used longest ago
// are closed, and made anew when they are asked for.
const mostViews = 16

// UsePages calls use with the pages of a view, which are not closed before it
// returns.
func (s *Server) UsePages(v View, use func(http.Handler)) {
	p := s.views.take(v, s.Pages)
	defer s.views.give(p)
	use(p.handler)
}

// views keeps the pages of the views that were used last.
type views struct {
	mu    sync.Mutex
	kept  map[View]*viewPages
	clock int
}

// viewPages are the pages of one view.
type viewPages struct {
	handler http.Handler
	used    int  // when, last
	users   int  // that use them now
	out     bool // the last user closes them
}

// take returns the pages of a view, to be given back.
func (k *views) take(v View, made func(View) http.Handler) *viewPages {
	k.mu.Lock()
	p := k.kept[v]
	var old *viewPages
	if p == nil {
		if len(k.kept) >= mostViews {
			old = k.evict()
		}
		p = &viewPages{handler: made(v)}
		if k.kept == nil {
			k.kept = make(map[View]*viewPages)
		}
		k.kept[v] = p
	}
	k.clock++
	p.used = k.clock
	p.users++
	k.mu.Unlock()
	old.close()
	return p
}

// evict takes out the pages that were used longest ago, and returns them if
// nobody uses them. The lock is held.
func (k *views) evict() *viewPages {
	var least View
	first := true
	for v, p := range k.kept {
		if first || p.used < k.kept[least].used {
			least, first = v, false
		}
	}
	p := k.kept[least]
	delete(k.kept, least)
	p.out = true
	if p.users > 0 {
		return nil
	}
	return p
}

func (k *views) give(p *viewPages) {
	k.mu.Lock()
	p.users--
	last := p.out && p.users == 0
	k.mu.Unlock()
	if last {
		p.close()
	}
}

// close closes all pages.
func (k *views) close() error {
	k.mu.Lock()
	kept := k.kept
	k.kept = nil
	k.mu.Unlock()
	var errs []error
	for _, p := range kept {
		errs = append(errs, p.close())
	}
	return errors.Join(errs...)
}

func (p *viewPages) close() error {
	if p == nil {
		return nil
	}
	if c, ok := p.handler.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
