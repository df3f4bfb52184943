package match

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/examples/cuepoint/rekordbox"
)

// Invent returns the recordings that a catalogue might have of a library's
// tracks: spelled a little differently, with artists in another order or left
// out, in other mixes, at half the BPM, some 8 % of them missing, and among
// others of similar names. What becomes of a track depends on its names alone
// and not on its place in the library, so tracks of the same names share
// their recording, and the recordings of a part are part of the whole's.
func Invent(tracks []rekordbox.Track) []Recording {
	var list []Recording
	seen := make(map[uint64]bool)
	for _, t := range tracks {
		s := Normalise(t)
		id := s.identity()
		if len(words(s.Title)) == 0 || seen[id] {
			continue
		}
		seen[id] = true
		list = append(list, invent(s, id)...)
	}
	return list
}

// RecordingID returns the ID that Invent gives the recording of a track,
// whether or not the catalogue has it.
func RecordingID(t rekordbox.Track) string {
	return recordingID(Normalise(t).identity(), "")
}

func recordingID(identity uint64, variant string) string {
	return fmt.Sprintf("rec-%012x%s", identity>>16, variant)
}

// identity hashes what a track is called.
func (s Subject) identity() uint64 {
	h := fnv.New64a()
	for _, part := range [][]string{words(s.Artist), words(s.Title), mixWords(s.Mix)} {
		for _, w := range part {
			h.Write([]byte(w))
			h.Write([]byte{' '})
		}
		h.Write([]byte{0})
	}
	return h.Sum64()
}

// invent returns the recordings around one track.
func invent(s Subject, id uint64) []Recording {
	rng := rand.New(rand.NewPCG(id, 0x6375_6570_6f69_6e74))
	chance := func(percent int) bool { return rng.IntN(100) < percent }

	base := Recording{
		ID:     recordingID(id, ""),
		Title:  strings.Clone(s.Title),
		Artist: strings.Clone(s.Artist),
		Mix:    strings.Clone(s.Mix),
		Key:    s.Key,
		BPM:    s.BPM,
		Year:   s.Year,
	}
	list := []Recording{base}
	if chance(8) {
		list = nil
	}
	if chance(35) {
		names := []string{"Extended Mix", "Radio Edit", "Instrumental", "Dub", "VIP Mix"}
		other := base
		other.ID = recordingID(id, "-mix")
		other.Mix = names[rng.IntN(len(names))]
		if !slices.Equal(mixWords(other.Mix), mixWords(base.Mix)) {
			list = append(list, other)
		}
	}
	if chance(20) {
		// A namesake: the title, by somebody else.
		list = append(list, Recording{
			ID:     recordingID(id, "-namesake"),
			Title:  base.Title,
			Artist: stranger(rng),
			BPM:    float64(90 + rng.IntN(90)),
			Year:   1980 + rng.IntN(45),
		})
	}
	if chance(15) && base.Artist != "" {
		// A sibling: the artist, with a title that begins alike.
		first, _, _ := strings.Cut(base.Title, " ")
		list = append(list, Recording{
			ID:     recordingID(id, "-sibling"),
			Title:  first + " " + stranger(rng),
			Artist: base.Artist,
			BPM:    base.BPM,
			Year:   base.Year,
		})
	}
	if len(list) > 0 && list[0].ID == base.ID {
		list[0] = disturb(list[0], rng, chance)
	}
	return list
}

// disturb spells and numbers a recording as another store would.
func disturb(r Recording, rng *rand.Rand, chance func(int) bool) Recording {
	if chance(20) {
		r.Title = misspell(r.Title, rng)
	}
	if chance(8) {
		r.Artist = misspell(r.Artist, rng)
	}
	if chance(10) {
		r.Title = Fold(r.Title)
	}
	if names := between.Split(r.Artist, -1); len(names) > 1 && chance(60) {
		if chance(50) {
			names = names[:len(names)-1]
		} else {
			slices.Reverse(names)
		}
		r.Artist = strings.Join(names, ", ")
	}
	if chance(15) {
		r.Mix = ""
	}
	switch {
	case chance(10):
		r.BPM /= 2
	case chance(5):
		r.BPM = 0
	}
	if r.Year > 0 && chance(10) {
		r.Year--
	}
	if chance(10) {
		r.Key = ""
	}
	return r
}

// misspell swaps, drops or doubles a letter inside a word of five or more.
func misspell(s string, rng *rand.Rand) string {
	fields := strings.Fields(s)
	long := make([]int, 0, len(fields))
	for i, f := range fields {
		if len([]rune(f)) >= 5 {
			long = append(long, i)
		}
	}
	if len(long) == 0 {
		return s
	}
	i := long[rng.IntN(len(long))]
	r := []rune(fields[i])
	at := 1 + rng.IntN(len(r)-3)
	switch rng.IntN(3) {
	case 0:
		r[at], r[at+1] = r[at+1], r[at]
	case 1:
		r = slices.Delete(r, at, at+1)
	case 2:
		r = slices.Insert(r, at, r[at])
	}
	fields[i] = string(r)
	return strings.Join(fields, " ")
}

// stranger makes up a name.
func stranger(rng *rand.Rand) string {
	const consonants, vowels = "bdfgklmnprstvz", "aeiou"
	var b strings.Builder
	for range 2 + rng.IntN(3) {
		b.WriteByte(consonants[rng.IntN(len(consonants))])
		b.WriteByte(vowels[rng.IntN(len(vowels))])
	}
	name := b.String()
	return strings.ToUpper(name[:1]) + name[1:]
}
