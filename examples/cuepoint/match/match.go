// Package match finds the recording that a track of a DJ's library is.
//
// The steps are apart so that each can be timed: Normalise makes a Subject of
// a track, Subject.Queries says what to look for, Search asks a Catalogue, and
// Subject.Choose scores what came back. All of them are deterministic, and
// their cost is bounded whatever the length of the names: only the first 512
// bytes of one take part in matching.
package match

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/examples/cuepoint/rekordbox"
)

// Status says how a track's search ended.
type Status string

// The four ends of a search.
const (
	Matched     Status = "matched"     // the recording is the track
	Unsure      Status = "unsure"      // it may be; a person should look
	Unmatched   Status = "unmatched"   // nothing in the catalogue is like it
	Unmatchable Status = "unmatchable" // the track says nothing to search for
)

// Recording is an entry of a catalogue. A zero BPM, Key or Year is unknown.
type Recording struct {
	ID     string
	Title  string
	Artist string
	Mix    string
	Key    string
	BPM    float64
	Year   int
}

// Catalogue finds recordings; an online store would go here.
type Catalogue interface {
	// Search returns at most limit recordings, the most likely first.
	Search(ctx context.Context, query string, limit int) ([]Recording, error)
}

// Result is the best recording for a track. Recording is empty unless the
// status is Matched or Unsure; Score, from 0 to 1, is that of the best one
// even so.
type Result struct {
	Status    Status
	Score     float64
	Recording Recording
}

const (
	maxQueries    = 5
	maxCandidates = 20 // of one query
)

// Subject is a track with its names in order: what it is called, by whom, in
// which mix, without what shops and sites add. The names keep their spelling.
type Subject struct {
	Title    string
	Artist   string
	Featured string // guests, out of "feat. X"
	Mix      string // "Extended Mix", "Someone Remix"
	Key      string
	BPM      float64
	Year     int
}

// Normalise makes a Subject of a track. A track without a name takes it from
// its file's; one that has neither keeps an empty title, and so no queries.
func Normalise(t rekordbox.Track) Subject {
	s := clean(t.Name, t.Artist)
	if len(words(s.Title)) == 0 {
		if file := clean(fileName(t.Location), t.Artist); len(words(file.Title)) > 0 {
			s = file
		}
	}
	if s.Mix == "" {
		s.Mix = t.Mix
	}
	if s.Mix == "" && t.Remixer != "" {
		s.Mix = t.Remixer + " Remix"
	}
	s.Key, s.BPM, s.Year = t.Key, t.BPM, t.Year
	return s
}

// Queries returns what to ask a catalogue for, the most exact first: at most
// five, folded, none twice. There are none if the title has no words.
func (s Subject) Queries() []string {
	title := strings.Join(words(s.Title), " ")
	if title == "" {
		return nil
	}
	artist := strings.Join(words(s.Artist), " ")
	first := strings.Join(words(firstArtist(s.Artist)), " ")
	mix := strings.Join(mixWords(s.Mix), " ")

	list := make([]string, 0, maxQueries)
	for _, q := range [maxQueries][]string{
		{artist, title, mix},
		{artist, title},
		{first, title},
		{title, mix},
		{title},
	} {
		q := strings.TrimSpace(strings.Join(slices.DeleteFunc(q, func(part string) bool { return part == "" }), " "))
		if !slices.Contains(list, q) {
			list = append(list, q)
		}
	}
	return list
}

// Search asks the catalogue every query and returns all it found, none twice.
func Search(ctx context.Context, c Catalogue, queries []string) ([]Recording, error) {
	var found []Recording
	seen := make(map[string]bool)
	for _, q := range queries {
		list, err := c.Search(ctx, q, maxCandidates)
		if err != nil {
			return nil, fmt.Errorf("searching the catalogue for %q: %w", q, err)
		}
		for _, r := range list {
			if !seen[r.ID] {
				seen[r.ID] = true
				found = append(found, r)
			}
		}
	}
	return found, nil
}

// Choose returns the best of the candidates. Of two that score the same, the
// one with the smaller ID wins, so the order of the candidates is no matter.
func (s Subject) Choose(candidates []Recording) Result {
	p := prepare(s)
	if len(p.title) == 0 {
		return Result{Status: Unmatchable}
	}
	best := Result{Status: Unmatched}
	for _, r := range candidates {
		status, score := p.score(r)
		if score > best.Score || score == best.Score && r.ID < best.Recording.ID {
			best = Result{Status: status, Score: score, Recording: r}
		}
	}
	if best.Status == Unmatched {
		best.Recording = Recording{}
	}
	return best
}
