package server

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
)

// openPages count themselves.
type openPages struct {
	http.Handler
	app  string
	mu   *sync.Mutex
	open map[string]int
}

func (p *openPages) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[p.app]--
	return errors.New(p.app)
}

// Pages are kept for so many views: those that were used longest ago are
// closed, and not under anybody who uses them.
func TestViews(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	open, made := make(map[string]int), 0
	s := New(Config{Pages: func(v View) http.Handler {
		mu.Lock()
		defer mu.Unlock()
		open[v.App]++
		made++
		return &openPages{app: v.App, mu: &mu, open: open}
	}})
	app := func(i int) View { return View{App: fmt.Sprint("app", i)} }
	isOpen := func(v View) bool {
		mu.Lock()
		defer mu.Unlock()
		return open[v.App] == 1
	}
	for i := range mostViews {
		s.UsePages(app(i), func(http.Handler) {})
	}
	s.UsePages(app(0), func(http.Handler) {}) // so that the second one is the oldest
	if made != mostViews {
		t.Fatalf("%d made for %d views", made, mostViews)
	}
	s.UsePages(app(0), func(http.Handler) {
		s.UsePages(app(mostViews), func(http.Handler) {})
		if isOpen(app(1)) || !isOpen(app(0)) || !isOpen(app(2)) {
			t.Errorf("the one used longest ago was to go: %v", open)
		}
		for i := range 2 * mostViews {
			s.UsePages(app(mostViews+1+i), func(http.Handler) {})
		}
		if !isOpen(app(0)) {
			t.Error("pages were closed under who uses them")
		}
	})
	if isOpen(app(0)) {
		t.Error("pages that were put out stay open after their last use")
	}
	n := 0
	for _, k := range open {
		n += k
	}
	if n != mostViews {
		t.Errorf("%d are open: %v", n, open)
	}

	// As many requests as may be, for more views than are kept.
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 200 {
				v := app((worker*31 + i*7) % (3 * mostViews))
				s.UsePages(v, func(h http.Handler) {
					p := h.(*openPages)
					mu.Lock()
					defer mu.Unlock()
					if p.app != v.App || open[v.App] < 1 {
						t.Errorf("%s was given %s, of which %d are open", v.App, p.app, open[v.App])
					}
				})
			}
		})
	}
	all.Wait()
	if err := s.Close(); err == nil {
		t.Error("what closing says is lost")
	}
	for app, k := range open {
		if k != 0 {
			t.Errorf("%d of %s are open at the end", k, app)
		}
	}
}
