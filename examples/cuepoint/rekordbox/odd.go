package rekordbox

import (
	"fmt"
	"math"
	"strconv"
)

// oddities parses numbers and counts those that are none, so that a file full
// of them yields one warning for each attribute and not one for each track.
type oddities struct {
	kinds []*oddity
}

type oddity struct {
	attr  string
	n     int    // values
	first string // value
	track string // that has it
}

func (o *oddities) add(track, attr, value string) {
	for _, k := range o.kinds {
		if k.attr == attr {
			k.n++
			return
		}
	}
	o.kinds = append(o.kinds, &oddity{attr: attr, n: 1, first: value, track: track})
}

func (o *oddities) warnings() []string {
	var list []string
	for _, k := range o.kinds {
		first := []rune(k.first)
		if len(first) > 40 {
			first = append(first[:40], '…')
		}
		tracks := "tracks"
		if k.n == 1 {
			tracks = "track"
		}
		list = append(list, fmt.Sprintf("%s is unreadable in %d %s and taken as unknown (first: %q in track %q)",
			k.attr, k.n, tracks, string(first), k.track))
	}
	return list
}

// bpm parses beats per minute; 0.00 is how rekordbox says unknown.
func (o *oddities) bpm(track, attr, v string) float64 {
	if v == "" {
		return 0
	}
	bpm, err := strconv.ParseFloat(v, 64)
	if err != nil || math.IsNaN(bpm) || bpm < 0 || bpm > 10_000 {
		o.add(track, attr, v)
		return 0
	}
	return bpm
}

// count parses a number that cannot be negative.
func (o *oddities) count(track, attr, v string) int {
	if v == "" {
		return 0
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > math.MaxInt32 {
		o.add(track, attr, v)
		return 0
	}
	return n
}

// stars parses a rating: 0, 51, 102, 153, 204 or 255 for none to five stars.
func (o *oddities) stars(track, v string) int {
	n := o.count(track, "Rating", v)
	if n%51 != 0 || n > 255 {
		o.add(track, "Rating", v)
		return 0
	}
	return n / 51
}
