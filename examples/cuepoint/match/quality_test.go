package match_test

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/pacer-perf/pacer/examples/cuepoint/library"
	"github.com/pacer-perf/pacer/examples/cuepoint/match"
	"github.com/pacer-perf/pacer/examples/cuepoint/rekordbox"
)

// readAll returns the tracks of a library.
func readAll(t testing.TB, r io.Reader) []rekordbox.Track {
	t.Helper()
	var tracks []rekordbox.Track
	if _, err := rekordbox.Read(r, library.Name, func(t rekordbox.Track) error {
		tracks = append(tracks, t)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return tracks
}

func generated(t testing.TB, c library.Config) []rekordbox.Track {
	t.Helper()
	var b bytes.Buffer
	if err := library.Generate(&b, c); err != nil {
		t.Fatal(err)
	}
	return readAll(t, &b)
}

func choose(t testing.TB, c match.Catalogue, track rekordbox.Track) match.Result {
	t.Helper()
	s := match.Normalise(track)
	found, err := match.Search(context.Background(), c, s.Queries())
	if err != nil {
		t.Fatal(err)
	}
	return s.Choose(found)
}

// Most tracks find their recording, and hardly one finds another's.
func TestQuality(t *testing.T) {
	t.Parallel()
	for name, tracks := range map[string][]rekordbox.Track{
		"embedded":  readAll(t, library.Open()),
		"generated": generated(t, library.Config{Seed: 21, Tracks: 2000, Rekordbox: 7}),
	} {
		recordings := match.Invent(tracks)
		catalogue := match.NewLocal(recordings)
		has := make(map[string]bool)
		for _, r := range recordings {
			has[r.ID] = true
		}

		var present, right, wrong, absent, claimed int
		for _, track := range tracks {
			got := choose(t, catalogue, track)
			if got.Status == match.Unmatchable {
				continue
			}
			id := match.RecordingID(track)
			matched := got.Status == match.Matched
			switch {
			case has[id]:
				present++
				switch {
				case matched && got.Recording.ID == id:
					right++
				case matched:
					wrong++
					t.Logf("%q by %q: %.3f %+v", track.Name, track.Artist, got.Score, got.Recording)
				}
			default:
				absent++
				if matched && got.Recording.ID != id+"-mix" { // another mix is a fair answer
					claimed++
					t.Logf("absent: %q by %q: %.3f %+v", track.Name, track.Artist, got.Score, got.Recording)
				}
			}
		}
		t.Logf("%s: %d in the catalogue: %d right, %d wrong; %d not in it: %d claimed", name, present, right, wrong, absent, claimed)
		if absent == 0 || present < len(tracks)*8/10 {
			t.Errorf("%s: %d tracks are in the catalogue and %d are not; want most, and some", name, present, absent)
		}
		if float64(right) < 0.9*float64(present) {
			t.Errorf("%s: %d of %d tracks in the catalogue found; want 90 %%", name, right, present)
		}
		if float64(wrong) > 0.02*float64(present) {
			t.Errorf("%s: %d of %d tracks in the catalogue took another's recording; want under 2 %%", name, wrong, present)
		}
		if float64(claimed) > 0.05*float64(absent) {
			t.Errorf("%s: %d of %d tracks not in the catalogue took another's recording; want under 5 %%", name, claimed, absent)
		}
	}
}
