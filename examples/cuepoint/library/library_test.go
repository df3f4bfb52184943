package library_test

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/examples/cuepoint/library"
	"github.com/pacer-perf/pacer/examples/cuepoint/match"
	"github.com/pacer-perf/pacer/examples/cuepoint/rekordbox"
)

func TestEmbedded(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	if err := library.Generate(&want, library.Embedded); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(library.Name, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := io.ReadAll(library.Open())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("the embedded library is not what the generator writes; put it right with: UPDATE=1 go test ./examples/cuepoint/library")
	}
	if limit := 900_000; len(got) > limit {
		t.Errorf("the embedded library has %d bytes; want at most %d", len(got), limit)
	}
}

// read returns the tracks of a generated library, and its summary.
func read(t *testing.T, c library.Config) ([]rekordbox.Track, rekordbox.Summary) {
	t.Helper()
	var b bytes.Buffer
	if err := library.Generate(&b, c); err != nil {
		t.Fatal(err)
	}
	var tracks []rekordbox.Track
	sum, err := rekordbox.Read(&b, "library.xml", func(t rekordbox.Track) error {
		tracks = append(tracks, t)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tracks, sum
}

// The reader finds in a generated library what the generator put there.
func TestGenerate(t *testing.T) {
	t.Parallel()
	for _, c := range []library.Config{
		{Seed: 1, Tracks: 0},
		{Seed: 2, Tracks: 1, WrongEntries: true},
		{Seed: 3, Tracks: 500, Rekordbox: 5},
		{Seed: 4, Tracks: 500, Rekordbox: 6, WrongEntries: true},
		{Seed: 5, Tracks: 500, Rekordbox: 7},
	} {
		tracks, sum := read(t, c)
		songs := library.Songs(c)
		if len(tracks) != c.Tracks || len(songs) != c.Tracks || sum.Tracks != c.Tracks {
			t.Errorf("%+v: %d tracks, %d songs, a summary of %d", c, len(tracks), len(songs), sum.Tracks)
			continue
		}
		if (sum.Entries != sum.Tracks) != c.WrongEntries {
			t.Errorf("%+v: states %d entries", c, sum.Entries)
		}
		if want := max(c.Rekordbox, 5); c.Rekordbox > 0 && !strings.HasPrefix(sum.Version, strconv.Itoa(want)) {
			t.Errorf("%+v: version %q", c, sum.Version)
		}
		bpm, key := 0, 0
		for i, track := range tracks {
			if track.ID != songs[i].TrackID {
				t.Fatalf("%+v: track %d has the ID %q; want %q", c, i, track.ID, songs[i].TrackID)
			}
			if track.BPM > 0 {
				bpm++
			}
			if track.Key != "" {
				key++
			}
		}
		if c.Tracks >= 500 && (bpm < c.Tracks*8/10 || key < c.Tracks*7/10) {
			t.Errorf("%+v: only %d tracks with a BPM, %d with a key", c, bpm, key)
		}
	}
}

// A generated library has the oddities that it promises.
func TestOddities(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := library.Generate(&b, library.Config{Seed: 7, Tracks: 2000, Rekordbox: 7}); err != nil {
		t.Fatal(err)
	}
	xml := b.String()
	for _, want := range []string{
		"&amp;amp;", `Name=""`, `Artist=""`, "djsite.com", "Free Download", "(Extended Mix)", "Remix]", `"0.00"`,
		`Rating="255"`, `Rating="51"`, "=SUM(", "&#10;", "</TRACK>", "feat.", "<TEMPO", "<POSITION_MARK", `<TRACK Key=`,
		`Tonality=`, ` BPM=`, "🔥", "夜", "ба", "با", "\u0301", "é",
	} {
		if !strings.Contains(xml, want) {
			t.Errorf("no %s in a library of 2000 tracks", want)
		}
	}
	longest, seen, repeated := 0, make(map[string]bool), 0
	for _, s := range library.Songs(library.Config{Seed: 7, Tracks: 2000, Rekordbox: 7}) {
		longest = max(longest, len(s.Title))
		if name := s.Artist + s.Title + s.Mix; s.Title != "" && seen[name] {
			repeated++
		} else {
			seen[name] = true
		}
	}
	if longest < 400 || repeated == 0 {
		t.Errorf("the longest title has %d bytes, %d songs repeat; want at least 400, and some", longest, repeated)
	}
}

// Normalise finds the truth under what the library did to the names.
func TestTruth(t *testing.T) {
	t.Parallel()
	c := library.Config{Seed: 11, Tracks: 4000, Rekordbox: 7}
	tracks, _ := read(t, c)
	wrong := 0
	for i, song := range library.Songs(c) {
		got := match.Normalise(tracks[i])
		if song.Title == "" {
			if got.Queries() != nil {
				t.Errorf("track %s says nothing, but became %+v", song.TrackID, got)
			}
			continue
		}
		want := match.Normalise(rekordbox.Track{Name: "-", Artist: song.Artist})
		want.Title, want.Mix = rekordbox.Text(song.Title), song.Mix
		if !slices.Equal(got.Queries(), want.Queries()) {
			if wrong++; wrong <= 20 {
				t.Logf("%q by %q became %+v; want %+v", tracks[i].Name, tracks[i].Artist, got, song)
			}
		}
	}
	if share := float64(wrong) / float64(c.Tracks); share > 0.04 {
		t.Errorf("%d of %d names, %.1f %%, were not put right; want under 4 %%", wrong, c.Tracks, 100*share)
	}
}
