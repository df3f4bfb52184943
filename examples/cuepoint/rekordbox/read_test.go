package rekordbox_test

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/examples/cuepoint/rekordbox"
)

// read returns what Read hands on and sums up.
func read(r io.Reader) ([]rekordbox.Track, rekordbox.Summary, error) {
	var tracks []rekordbox.Track
	sum, err := rekordbox.Read(r, "library.xml", func(t rekordbox.Track) error {
		tracks = append(tracks, t)
		return nil
	})
	return tracks, sum, err
}

func TestRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		file   string
		tracks []rekordbox.Track
		sum    rekordbox.Summary
	}{
		{
			file: "v5.xml",
			tracks: []rekordbox.Track{
				{ID: "1", Name: "Silent Tide (Extended Mix)", Artist: "Velmor", Album: "Tides", Genre: "Deep House",
					Label: "Lunar Audio", Remixer: "Sator", Comments: "8A - Energy 7", Key: "Am", BPM: 124.5, Year: 2014,
					Rating: 4, Seconds: 371, Tempos: 2, Marks: 3,
					Location: "file://localhost/C:/Music/Velmor%20-%20Silent%20Tide.mp3"},
				{ID: "2", Name: "No Numbers"},
			},
			sum: rekordbox.Summary{Product: "rekordbox", Version: "5.8.6", Entries: 2, Tracks: 2, Playlists: 2, References: 3},
		},
		{
			file: "v7.xml",
			tracks: []rekordbox.Track{
				{ID: "77", Name: "Ночь & День", Artist: "夜光 / ЛУНА", Key: "8A", BPM: 174, Rating: 5, Mix: "VIP"},
				{ID: "78", Name: `Rock & "Roll" <3`, Artist: "R&B", Comments: `=SUM(1) 'x' "y" two lines`},
				{ID: "79", Name: "👩‍🎤 e\u0301toile", Artist: "نور", Key: "F#m"},
			},
			sum: rekordbox.Summary{Product: "rekordbox", Version: "7.0.9", Entries: 3, Tracks: 3},
		},
		{
			file: "odd.xml",
			tracks: []rekordbox.Track{
				{ID: "1", Name: "Outer", Marks: 1},
				{ID: "2", Name: "Inner", BPM: 120},
				{ID: "3", Name: "Innermost", Tempos: 1},
				{ID: "4", Name: "Deep under something else"},
				{ID: "5", Name: "After"},
				{ID: "6", Name: "In a second collection"},
			},
			sum: rekordbox.Summary{Product: "rekordbox", Version: "6.8.5", Entries: -1, Tracks: 6, Playlists: 1, References: 1,
				Warnings: []string{
					"2 collections in the file; their tracks are taken together",
					`the collection states "many" entries; found 6 tracks`,
					`Rating is unreadable in 2 tracks and taken as unknown (first: "x" in track "1")`,
					`AverageBpm is unreadable in 3 tracks and taken as unknown (first: "abc" in track "1")`,
					`Year is unreadable in 1 track and taken as unknown (first: "` + strings.Repeat("9", 40) + `…" in track "4")`,
				}},
		},
		{
			file: "empty.xml",
			sum:  rekordbox.Summary{Entries: 7, Warnings: []string{"the collection states 7 entries; found 0 tracks"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join("testdata", tt.file))
			if err != nil {
				t.Fatal(err)
			}
			for name, r := range map[string]io.Reader{
				"whole":        strings.NewReader(string(data)),
				"byte by byte": iotest.OneByteReader(strings.NewReader(string(data))),
				"with BOM":     strings.NewReader("\ufeff" + string(data)),
				"CRLF":         strings.NewReader(strings.ReplaceAll(string(data), "\n", "\r\n")),
			} {
				tracks, sum, err := read(r)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if diff := cmp.Diff(tt.tracks, tracks); diff != "" {
					t.Errorf("%s: tracks (-want +got):\n%s", name, diff)
				}
				if diff := cmp.Diff(tt.sum, sum); diff != "" {
					t.Errorf("%s: summary (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

const head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DJ_PLAYLISTS Version=\"1.0.0\">\n"

func TestSyntaxError(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in, want string // lines and columns by hand
	}{
		{"empty", "", "1:1: the file is empty; expected <DJ_PLAYLISTS>"},
		{"blank", "  \n\n ", "3:2: no element in the file; expected <DJ_PLAYLISTS>"},
		{"declaration only", "<?xml version=\"1.0\"?>\n", "2:1: no element in the file; expected <DJ_PLAYLISTS>"},
		{"text", "hello", "1:1: text that is not XML; expected <DJ_PLAYLISTS>"},
		{"text below", "\n  hello", "2:3: text that is not XML; expected <DJ_PLAYLISTS>"},
		{"another root", "<?xml version=\"1.0\"?>\n <playlist/>", "2:2: the root element is <playlist>; expected <DJ_PLAYLISTS>"},
		{"no collection", head + "</DJ_PLAYLISTS>\n", "4:1: no collection in the file; expected <COLLECTION> in <DJ_PLAYLISTS>"},
		{"collection elsewhere", head + "<X><COLLECTION/></X></DJ_PLAYLISTS>", "3:36: no collection in the file; expected <COLLECTION> in <DJ_PLAYLISTS>"},
		{"truncated between", head + "  <COLLECTION Entries=\"1\">\n    <TRACK Name=\"a\"/>\n", "5:1: the file ends too early; expected </COLLECTION> for the element from 3:3"},
		{"truncated in text", head + "  <COLLECTION>\n    ", "4:5: the file ends too early; expected </COLLECTION> for the element from 3:3"},
		{"truncated in tag", head + "<COLLECTION>\n    <TRACK Name=\"a", "4:19: the file ends in the middle of what starts at 4:5, inside <COLLECTION> from 3:1"},
		{"truncated in comment", head + "<COLLECTION>\n<!-- a\nb", "5:2: the file ends in the middle of what starts at 4:1, inside <COLLECTION> from 3:1"},
		{"truncated before the root's end", head + "<COLLECTION/>", "3:14: the file ends too early; expected </DJ_PLAYLISTS> for the element from 2:1"},
		{"mismatch", head + "<COLLECTION>\n  <TRACK>\n  </COLLECTION>", "5:3: </COLLECTION> where <TRACK> from 4:3 is open; expected </TRACK>"},
		{"nothing to close", "</DJ_PLAYLISTS>", "1:1: </DJ_PLAYLISTS> closes nothing"},
		{"no value", head + "<COLLECTION Entries>", "3:21: attribute name without = in element, inside <DJ_PLAYLISTS> from 2:1"},
		{"no quotes", head + "<COLLECTION Entries=1>", "3:22: unquoted or missing attribute value in element, inside <DJ_PLAYLISTS> from 2:1"},
		{"line end in a tag", head + "<COLLECTION\nEntries\n>", "5:2: attribute name without = in element, inside <DJ_PLAYLISTS> from 2:1"},
		{"unknown entity", head + "<COLLECTION>\n<TRACK Name=\"&nope;\"/></COLLECTION>", "4:20: invalid character entity &nope;, inside <COLLECTION> from 3:1"},
		{"name after a slash", head + "</\nX>", "3:3: expected element name after </, inside <DJ_PLAYLISTS> from 2:1"},
		{"second root", head + "<COLLECTION/></DJ_PLAYLISTS>\n<DJ_PLAYLISTS/>", "4:1: <DJ_PLAYLISTS> after </DJ_PLAYLISTS>; expected the end of the file"},
		{"text after", head + "<COLLECTION/></DJ_PLAYLISTS>\n\n x", "5:2: text after </DJ_PLAYLISTS>; expected the end of the file"},
		{"text after, same line", head + "<COLLECTION/></DJ_PLAYLISTS> x", "3:30: text after </DJ_PLAYLISTS>; expected the end of the file"},
		{"encoding", "<?xml version=\"1.0\" encoding=\"windows-1252\"?>\n<DJ_PLAYLISTS/>", `1:1: the encoding is not UTF-8 but "windows-1252"; expected an export in UTF-8`},
		{"UTF-16", "\xff\xfe<\x00?\x00", "1:1: text that is not UTF-8; expected an export in UTF-8"},
		{"Latin-1 inside", head + "<COLLECTION>\n<TRACK Name=\"caf\xe9\"/></COLLECTION>", "4:17: text that is not UTF-8; expected an export in UTF-8"},
		{"stray continuation", head + "<COLLECTION>\n<TRACK Name=\"夜\x80\"/></COLLECTION>", "4:17: text that is not UTF-8; expected an export in UTF-8"},
		{"cut rune", head + "<COLLECTION>\n\xe5\xa4</COLLECTION>", "4:1: text that is not UTF-8; expected an export in UTF-8"},
		{"control character", head + "<COLLECTION>\na\u0001</COLLECTION>", "4:2: illegal character code U+0001, inside <COLLECTION> from 3:1"},
		{"XML 1.1", "<?xml version=\"1.1\"?>", `1:1: unsupported version "1.1"; only version 1.0 is supported`},
		{"binary", "\x00\x01\x02", "1:1: illegal character code U+0000"},
		{"too deep", head + strings.Repeat("<A>", 20_000), "3:29998: elements nest more than 10000 deep"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := read(strings.NewReader(tt.in))
			var syntax *rekordbox.SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("%v; want a *SyntaxError", err)
			}
			if want := "library.xml:" + tt.want; err.Error() != want {
				t.Errorf("got  %v\nwant %v", err, want)
			}
		})
	}
}

// However short a file is cut, it is not taken for a whole one.
func TestTruncated(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/v5.xml")
	if err != nil {
		t.Fatal(err)
	}
	whole := strings.TrimRight(string(data), "\n")
	for n := range len(whole) {
		_, _, err := read(strings.NewReader(whole[:n]))
		var syntax *rekordbox.SyntaxError
		if !errors.As(err, &syntax) {
			t.Fatalf("the first %d bytes: %v; want a *SyntaxError", n, err)
		}
		if want := 1 + strings.Count(whole[:n], "\n"); syntax.Line != want || syntax.Column != n-strings.LastIndexByte(whole[:n], '\n') {
			t.Errorf("the first %d bytes: %v; want the end of the file, line %d", n, err, want)
		}
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	stop := errors.New("stop")
	data := head + "<COLLECTION><TRACK/><TRACK/></COLLECTION></DJ_PLAYLISTS>"

	calls := 0
	_, err := rekordbox.Read(strings.NewReader(data), "library.xml", func(rekordbox.Track) error {
		calls++
		return stop
	})
	if err != stop || calls != 1 {
		t.Errorf("got %v after %d calls; want the callback's error after one", err, calls)
	}

	for _, cause := range []error{errors.New("disk on fire"), io.ErrUnexpectedEOF} {
		broken := io.MultiReader(strings.NewReader(data[:len(data)-20]), iotest.ErrReader(cause))
		_, _, err = read(broken)
		var syntax *rekordbox.SyntaxError
		if !errors.Is(err, cause) || errors.As(err, &syntax) || !strings.HasPrefix(err.Error(), "reading library.xml: ") {
			t.Errorf("got %v; want the reader's error %v", err, cause)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"plain", "Silent Tide", "Silent Tide"},
		{"empty", "", ""},
		{"blank", " \t ", ""},
		{"escaped once more", "Rock &amp; Roll", "Rock & Roll"},
		{"escaped twice more", "a &amp;lt; b", "a < b"},
		{"escaped four times", "&amp;amp;amp;amp;", "&amp;"},
		{"not an entity", "R&B & more", "R&B & more"},
		{"line ends", "a\r\nb\tc", "a b c"},
		{"other spaces", "a\u00a0\u2003b\u2028c\u0085d", "a b c d"},
		{"ends", "  a  ", "a"},
		{"escaped line end", "a&#10;b", "a b"},
		{"control characters", "a\u001b[31m &#27; b\u007f", "a[31m b"},
		{"emoji with joiner", "👩‍🎤", "👩‍🎤"},
		{"combining mark", "e\u0301", "e\u0301"},
		{"right to left", "نور  שמש", "نور שמש"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := rekordbox.Text(tt.in); got != tt.want {
				t.Errorf("Text(%q) = %q; want %q", tt.in, got, tt.want)
			}
		})
	}
}

// FuzzRead checks what holds for any input: no panic, no track counted that
// was not handed on, one line of text, an error with a place. What is
// accepted has as many TRACK elements in COLLECTION as another decoder finds.
func FuzzRead(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, seed := range seeds {
		data, err := os.ReadFile(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Fuzz(func(t *testing.T, in string) {
		tracks, sum, err := read(strings.NewReader(in))
		if sum.Tracks != len(tracks) {
			t.Errorf("a summary of %d tracks; %d handed on", sum.Tracks, len(tracks))
		}
		for _, track := range tracks {
			if strings.ContainsAny(track.Name+track.Artist+track.Genre, "\n\r\t\u00a0") {
				t.Errorf("more than a line: %+v", track)
			}
		}
		if err != nil {
			var syntax *rekordbox.SyntaxError
			if !errors.As(err, &syntax) || syntax.Line < 1 || syntax.Column < 1 || syntax.Msg == "" {
				t.Errorf("%#v; want a *SyntaxError with a place", err)
			}
			return
		}
		if want := countTracks(t, in); len(tracks) != want {
			t.Errorf("%d tracks; another decoder finds %d", len(tracks), want)
		}
	})
}

// countTracks counts TRACK elements under DJ_PLAYLISTS/COLLECTION.
func countTracks(t *testing.T, in string) int {
	dec := xml.NewDecoder(strings.NewReader(in))
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	var path []string
	n := 0
	for {
		token, err := dec.Token()
		if err == io.EOF {
			return n
		}
		if err != nil {
			t.Errorf("accepted, but another decoder says: %v", err)
			return n
		}
		switch e := token.(type) {
		case xml.StartElement:
			if len(path) > 1 && path[1] == "COLLECTION" && e.Name.Local == "TRACK" {
				n++
			}
			path = append(path, e.Name.Local)
		case xml.EndElement:
			path = path[:len(path)-1]
		}
	}
}
