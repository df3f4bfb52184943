package app

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/pacer-perf/pacer/examples/cuepoint/match"
	"github.com/pacer-perf/pacer/examples/cuepoint/rekordbox"
)

// row is a track and what was found for it.
type row struct {
	track   rekordbox.Track
	subject match.Subject
	result  match.Result
	folded  string // what the filter looks at, one field a line
}

// table is the rows in the order of the library.
type table []row

func newRow(t rekordbox.Track, s match.Subject, r match.Result) row {
	fields := []string{s.Title, s.Artist, t.Genre, t.Label, t.Key, bpm(t.BPM)}
	return row{track: t, subject: s, result: r, folded: match.Fold(strings.Join(fields, "\n"))}
}

// filter returns the indices of the rows that have every word of text in a
// field, whatever the case and the accents.
func (t table) filter(text string) []int {
	words := strings.Fields(match.Fold(text))
	var shown []int
rows:
	for i := range t {
		for _, w := range words {
			if !strings.Contains(t[i].folded, w) {
				continue rows
			}
		}
		shown = append(shown, i)
	}
	return shown
}

// columns are those of the CSV.
var columns = []string{"track_id", "title", "artist", "mix", "bpm", "key", "genre", "label", "year", "rating",
	"status", "score", "match_id", "match_title", "match_artist", "match_mix"}

// writeCSV writes a line of column names and one line a row. A number that is
// not known is an empty cell.
func (t table) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(columns); err != nil {
		return err
	}
	cells := make([]string, 0, len(columns))
	for _, r := range t {
		found := r.result.Recording
		cells = append(cells[:0],
			r.track.ID, r.subject.Title, r.subject.Artist, r.subject.Mix,
			bpm(r.track.BPM), r.track.Key, r.track.Genre, r.track.Label, year(r.track.Year), strconv.Itoa(r.track.Rating),
			string(r.result.Status), score(r.result),
			found.ID, found.Title, found.Artist, found.Mix)
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func bpm(v float64) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

func year(v int) string {
	if v == 0 {
		return ""
	}
	return strconv.Itoa(v)
}

func score(r match.Result) string {
	if r.Status == match.Unmatchable {
		return ""
	}
	return strconv.FormatFloat(r.Score, 'f', 3, 64)
}

// preview is how many rows of a filtered table are shown.
const preview = 5

// summarise tells a person what was done. shown is what the filter left.
func summarise(w io.Writer, o options, sum rekordbox.Summary, t table, shown []int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s, %s", o.libraryName(), count(len(t), "track"), count(sum.Playlists, "playlist"))
	if product := strings.TrimSpace(sum.Product + " " + sum.Version); product != "" {
		fmt.Fprintf(&b, ", from %s", product)
	}
	b.WriteByte('\n')
	ends := make(map[match.Status]int)
	for _, r := range t {
		ends[r.result.Status]++
	}
	for _, s := range []match.Status{match.Matched, match.Unsure, match.Unmatched, match.Unmatchable} {
		fmt.Fprintf(&b, "  %-11s %6d\n", s, ends[s])
	}
	if o.filter != "" {
		fmt.Fprintf(&b, "filter %q: %s\n", o.filter, count(len(shown), "track"))
		for _, i := range shown[:min(len(shown), preview)] {
			fmt.Fprintf(&b, "  %s\n", t[i])
		}
		if more := len(shown) - preview; more > 0 {
			fmt.Fprintf(&b, "  and %d more\n", more)
		}
	}
	switch o.out {
	case "", "-":
	default:
		fmt.Fprintf(&b, "table: %s\n", o.out)
	}
	if o.metrics != "" {
		fmt.Fprintf(&b, "metrics: %s\n", o.metrics)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// String names the row's track as a person would.
func (r row) String() string {
	name := r.subject.Title
	if r.subject.Artist != "" {
		name = r.subject.Artist + " - " + name
	}
	if r.subject.Mix != "" {
		name += " (" + r.subject.Mix + ")"
	}
	return name
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
