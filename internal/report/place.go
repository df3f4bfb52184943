package report

import (
	"cmp"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/pacer-perf/pacer/internal/judge"
)

// Problem names what is wrong with a metric, and how grave that is: error
// where it fails the run, else warning or note.
func Problem(m *judge.Metric) (about, level string) {
	level = "warning"
	switch c := classOf(m); {
	case m.Change == judge.Regressed:
		about = "regressed"
	case m.Change == judge.Missing:
		about = "missing"
	case c == critical, c == warning, c == overTarget:
		about = "over-budget"
	case m.Change == judge.Incomparable:
		about, level = "incomparable", "note"
	default:
		about, level = "inconclusive", "note"
	}
	switch {
	case m.Fails:
		level = "error"
	case m.Accepted != nil, classOf(m) == overTarget:
		level = "note"
	}
	return about, level
}

// Place is a place in a file of the repository.
type Place struct {
	File   string // a relative URI
	Line   int    // from 1
	Column int    // from 1; 0: not known
}

var placeForm = regexp.MustCompile(`^(.+?):(\d+)(?::(\d+))?$`)

// PlaceOf returns where the policy says what a metric was held to: the line of
// its budget or of its threshold, else the beginning of the file.
func PlaceOf(v *judge.Verdict, m *judge.Metric) Place {
	places := make([]string, 0, 3)
	if m.Budget != nil {
		places = append(places, m.Budget.Place)
	}
	if m.Test != nil {
		places = append(places, m.Test.Place, m.Test.MinChangePlace)
	}
	for _, text := range places {
		if parts := placeForm.FindStringSubmatch(text); parts != nil {
			line, _ := strconv.Atoi(parts[2])
			column, _ := strconv.Atoi(parts[3])
			return Place{relativeURI(parts[1]), max(1, line), column}
		}
	}
	return Place{relativeURI(cmp.Or(v.Policy.File, "pacer.yaml")), 1, 0}
}

// relativeURI writes a path as the URI that reports about repositories want.
func relativeURI(path string) string {
	return (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()
}
