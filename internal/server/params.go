package server

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/nearest"
)

// knows refuses a query that says what the route does not listen to: with a slip
// in a name the answer would be about something else, without a word.
func (rt *route) knows(r *http.Request) error {
	if r.URL.RawQuery == "" || !strings.HasPrefix(rt.path, "/api/") {
		return nil
	}
	var names []string
	for _, p := range rt.params {
		if !strings.Contains(rt.path, "{"+p.name+"}") {
			names = append(names, p.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.URL.Query())) {
		if slices.Contains(names, name) {
			continue
		}
		hint := "it takes none"
		if near := nearest.Words(name, names, nearest.Slips, 1); len(near) > 0 {
			hint = fmt.Sprintf("did you mean %s?", near[0])
		} else if len(names) > 0 {
			hint = "it takes " + strings.Join(names, ", ")
		}
		return refuse(http.StatusBadRequest, hint, "%s %s has no parameter %.40q", rt.method, rt.path, name)
	}
	return nil
}
