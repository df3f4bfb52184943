package match

import (
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// What each likeness weighs; they add up to 1. Title and artist decide; the
// rest tells mixes and namesakes apart.
const (
	titleWeight  = 0.48
	artistWeight = 0.30
	mixWeight    = 0.10
	bpmWeight    = 0.06
	keyWeight    = 0.03
	yearWeight   = 0.03
)

// The limits come from a generated library of 4,000 tracks: 99 of 100 tracks
// score over 0.86 with their own recording, and under 0.78 with the best of
// the others, not counting other mixes of the same title.
const (
	matchedScore = 0.80
	unsureScore  = 0.62
	sureTitle    = 0.75 // without which a match is not sure
	sureArtist   = 0.50
	sureMix      = 0.30
)

// unknown is the likeness of a value that one side does not state.
const unknown = 0.5

// prepared is a subject, or a recording, ready to be compared.
type prepared struct {
	title, artist, mix []string
	bpm                float64
	year               int
	key                int
}

func prepare(s Subject) prepared {
	return prepared{
		title:  words(s.Title),
		artist: words(join(s.Artist, s.Featured)),
		mix:    mixWords(s.Mix),
		bpm:    s.BPM,
		year:   s.Year,
		key:    parseKey(s.Key),
	}
}

// score compares a recording with the subject.
func (p prepared) score(r Recording) (Status, float64) {
	// A catalogue has guests where it likes, as a library does.
	var named Subject
	named.Title, named.Artist, named.Mix = named.guests(r.Title), named.guests(r.Artist), r.Mix
	named.BPM, named.Year, named.Key = r.BPM, r.Year, r.Key
	q := prepare(named)

	title := wordsLike(p.title, q.title)
	if title < 1 {
		// Words apart on one side and together on the other.
		if a, b := joinWords(p.title), joinWords(q.title); 0.95*editBound(a, b) > title {
			title = max(title, 0.95*edit(a, b))
		}
	}
	artist := unknown
	if len(p.artist) > 0 && len(q.artist) > 0 {
		artist = artistLike(p.artist, q.artist)
	}
	mix := mixLike(p.mix, q.mix)
	score := titleWeight*title + artistWeight*artist + mixWeight*mix +
		bpmWeight*bpmLike(p.bpm, q.bpm) +
		keyWeight*keyLike(p.key, q.key) +
		yearWeight*yearLike(p.year, q.year)
	score = math.Round(score*1e6) / 1e6 // so that sums in another order tie

	switch {
	case score >= matchedScore && title >= sureTitle && artist >= sureArtist && mix >= sureMix:
		return Matched, score
	case score >= unsureScore:
		return Unsure, score
	}
	return Unmatched, score
}

// wordsLike returns how much of both lists is in the other one, from 0 to 1,
// in any order. Words that are nearly the same count in part.
func wordsLike(a, b []string) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	return (covered(a, b) + covered(b, a)) / float64(len(a)+len(b))
}

// artistLike is wordsLike, but forgives names that one side leaves out.
func artistLike(a, b []string) float64 {
	ab, ba := covered(a, b), covered(b, a)
	all := (ab + ba) / float64(len(a)+len(b))
	fewer := ab / float64(len(a))
	if len(b) < len(a) {
		fewer = ba / float64(len(b))
	}
	return 0.4*all + 0.6*fewer
}

// covered adds up, for every word of a, how well b has it.
func covered(a, b []string) float64 {
	sum := 0.0
	for _, w := range a {
		if slices.Contains(b, w) {
			sum++
			continue
		}
		best := 0.0
		for _, v := range b {
			best = max(best, wordLike(w, v))
		}
		sum += best
	}
	return sum
}

// wordLike compares two words that differ: 0 unless they are long enough, and
// alike enough, for it to be a matter of spelling.
func wordLike(a, b string) float64 {
	const size = 32
	if len(a) < 4 || len(b) < 4 || len(a) > size || len(b) > size || len(a)-len(b) > 2 || len(b)-len(a) > 2 {
		return 0
	}
	const least = 0.7
	var x, y [size]rune
	ra, rb := appendRunes(x[:0], a), appendRunes(y[:0], b)
	if editBound(ra, rb) < least {
		return 0
	}
	if like := edit(ra, rb); like >= least {
		return like
	}
	return 0
}

func appendRunes(list []rune, s string) []rune {
	for _, r := range s {
		list = append(list, r)
	}
	return list
}

// maxEdit bounds the quadratic cost of edit.
const maxEdit = 64

// joinWords returns the words without spaces, cut to what edit looks at.
func joinWords(list []string) []rune {
	joined := []rune(strings.Join(list, ""))
	return joined[:min(len(joined), maxEdit)]
}

// edit returns 1 - d/n, where d is the optimal string alignment distance (the
// least insertions, deletions, substitutions and swaps of neighbours, none
// inside another) of the first 64 runes of each, and n the longer length.
func edit(a, b []rune) float64 {
	a, b = a[:min(len(a), maxEdit)], b[:min(len(b), maxEdit)]
	n := max(len(a), len(b))
	if n == 0 {
		return 1
	}
	var rows [3][maxEdit + 1]int
	before, prev, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return 1 - float64(prev[len(b)])/float64(n)
}

// editBound returns what edit is at most, at a fraction of the cost: a change
// of one letter adds one to the letters in use and takes one away, so d is at
// least half the letters that only one side has. Nearly all pairs of words
// are told apart by it.
func editBound(a, b []rune) float64 {
	a, b = a[:min(len(a), maxEdit)], b[:min(len(b), maxEdit)]
	n := max(len(a), len(b))
	if n == 0 {
		return 1
	}
	only := bits.OnesCount64(letterSet(a) ^ letterSet(b))
	return 1 - float64((only+1)/2)/float64(n)
}

// letterSet is a set of letters; some share a place, which loosens the bound.
func letterSet(list []rune) uint64 {
	var set uint64
	for _, r := range list {
		set |= 1 << (uint(r) % 64)
	}
	return set
}

func mixLike(a, b []string) float64 {
	switch {
	case len(a) == 0 && len(b) == 0:
		return 1
	case len(a) == 0 || len(b) == 0:
		return unknown
	}
	return wordsLike(a, b)
}

// bpmLike allows for 2 % of drift and for programs that count every other
// beat, or twice as many.
func bpmLike(a, b float64) float64 {
	near := func(x, y float64) bool { return math.Abs(x-y) <= 0.02*y }
	switch {
	case a <= 0 || b <= 0:
		return unknown
	case near(a, b):
		return 1
	case near(a, 2*b), near(2*a, b):
		return 0.9
	}
	return 0
}

func yearLike(a, b int) float64 {
	if a == 0 || b == 0 {
		return unknown
	}
	switch d := max(a, b) - min(a, b); {
	case d == 0:
		return 1
	case d == 1:
		return 0.8
	case d == 2:
		return unknown
	}
	return 0
}

func keyLike(a, b int) float64 {
	switch {
	case a == 0 || b == 0:
		return unknown
	case a == b:
		return 1
	}
	return 0
}

// parseKey numbers a musical key, 1 to 12 for minor and 13 to 24 for major
// ones, from any of the notations that programs write: Am, F#min, Bb, 8A
// (Camelot), 1m and 1d (Open Key). It is 0 for anything else.
func parseKey(s string) int {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 12 {
		return 0
	}
	number := func(pitch int, minor bool) int {
		pitch = (pitch%12 + 12) % 12
		if minor {
			return 1 + pitch
		}
		return 13 + pitch
	}
	if n, err := strconv.Atoi(s[:len(s)-1]); err == nil {
		if n < 1 || n > 12 {
			return 0
		}
		// A step on the wheel is a fifth. 8A and 1m are A minor, pitch 9;
		// 8B and 1d are C major, pitch 0.
		switch s[len(s)-1] {
		case 'A', 'a':
			return number(9+7*(n-8), true)
		case 'B', 'b':
			return number(7*(n-8), false)
		case 'm':
			return number(9+7*(n-1), true)
		case 'd':
			return number(7*(n-1), false)
		}
		return 0
	}
	pitch := strings.IndexByte("C D EF G A B", s[0]&^0x20)
	if s[0] == ' ' || pitch < 0 {
		return 0
	}
	rest := s[1:]
	for _, sign := range []struct {
		text string
		step int
	}{{"#", 1}, {"♯", 1}, {"b", -1}, {"♭", -1}} {
		if after, ok := strings.CutPrefix(rest, sign.text); ok {
			pitch, rest = pitch+sign.step, after
			break
		}
	}
	switch strings.TrimSpace(rest) {
	case "", "M", "maj", "Maj", "major":
		return number(pitch, false)
	case "m", "min", "Min", "minor":
		return number(pitch, true)
	}
	return 0
}
