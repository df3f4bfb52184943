package server

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// isText tells whether bytes are text that every history can be asked for:
// UTF-8, and no NUL, which PostgreSQL has no place for.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// texts refuses addresses that are no text, so that no route and no page has to.
func (s *Server) texts(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isText(r.URL.Path) {
			s.fail(w, r, nothing())
			return
		}
		q, _ := url.ParseQuery(r.URL.RawQuery) // what is left is what routes see
		for _, name := range slices.Sorted(maps.Keys(q)) {
			if !isText(name) || !isText(strings.Join(q[name], "")) {
				s.fail(w, r, refuse(http.StatusBadRequest, "write it as UTF-8, with a percent sign before each byte", "a parameter of the address is no text: %+q", clip(name, 60)))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}
