// Package rekordbox reads the collection that rekordbox exports as XML.
//
// Read streams: a file of any size is read one element at a time, and a track
// is handed on as soon as it is complete. A file that is not well formed is
// an error with its line and column, even when all of its tracks have been
// handed on by then: only a nil error says that the export is whole. Odd
// values inside a well-formed file (a BPM that is no number, a count that does
// not add up) are never errors; they become zero and a warning.
package rekordbox

import (
	"fmt"
	"html"
	"strings"
	"unicode"
)

// Track is one TRACK element of the collection. Text is as Text returns it;
// what the export leaves out, or says wrongly, is zero.
type Track struct {
	ID       string // TrackID; unique in a sound export, which is not checked
	Name     string
	Artist   string
	Album    string
	Genre    string
	Label    string
	Mix      string
	Remixer  string
	Comments string
	Location string // the URL of the audio file, still percent-encoded
	Key      string // in any notation: Am, 8A, F#m
	BPM      float64
	Year     int
	Rating   int // stars, 0 to 5; 0 is unrated
	Seconds  int // playing time
	Tempos   int // beat grid entries, see Read
	Marks    int // cue points and loops, see Read
}

// Summary is what Read saw of the whole file.
type Summary struct {
	Product    string // the exporting program, "rekordbox"
	Version    string // of that program
	Entries    int    // tracks, as the collection states; -1 if it does not
	Tracks     int    // tracks, as found
	Playlists  int    // playlists, folders not counted
	References int    // entries of all playlists
	Warnings   []string
}

// A SyntaxError says where a file stops being a rekordbox export and what was
// expected there.
type SyntaxError struct {
	File   string
	Line   int // from 1
	Column int // from 1, in bytes
	Msg    string
}

// Error returns the message in the form file:line:column: message.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Msg)
}

// Text makes one clean line of an attribute's value. HTML entities are
// resolved, because rekordbox escapes some text a second time before it
// writes the XML; white space of any kind, line ends included, becomes single
// spaces; control characters are dropped.
func Text(s string) string {
	for range 3 { // "&amp;amp;amp;" has been seen, more has not
		if !strings.Contains(s, "&") {
			break
		}
		u := html.UnescapeString(s)
		if u == s {
			break
		}
		s = u
	}
	if plain(s) {
		return s
	}
	s = strings.Join(strings.Fields(s), " ")
	if strings.ContainsFunc(s, unicode.IsControl) {
		s = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return -1
			}
			return r
		}, s)
		s = strings.Join(strings.Fields(s), " ") // a control character may have stood alone
	}
	return s
}

// plain reports whether s is printable ASCII with single spaces inside only,
// as nearly all values are.
func plain(s string) bool {
	space := true
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c > '~' || c == ' ' && space {
			return false
		}
		space = c == ' '
	}
	return s == "" || !space
}
