package match

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/examples/cuepoint/rekordbox"
)

func TestNormalise(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		track rekordbox.Track
		want  Subject
	}{
		{"nothing to do", rekordbox.Track{Name: "Silent Tide", Artist: "Velmor", BPM: 124, Key: "8A", Year: 2014},
			Subject{Title: "Silent Tide", Artist: "Velmor", BPM: 124, Key: "8A", Year: 2014}},
		{"mix", rekordbox.Track{Name: "Silent Tide (Extended Mix)", Artist: "Velmor"},
			Subject{Title: "Silent Tide", Artist: "Velmor", Mix: "Extended Mix"}},
		{"mix in square brackets", rekordbox.Track{Name: "Silent Tide [Sator Remix]", Artist: "Velmor"},
			Subject{Title: "Silent Tide", Artist: "Velmor", Mix: "Sator Remix"}},
		{"mix behind a dash", rekordbox.Track{Name: "Silent Tide - Radio Edit", Artist: "Velmor"},
			Subject{Title: "Silent Tide", Artist: "Velmor", Mix: "Radio Edit"}},
		{"two mixes", rekordbox.Track{Name: "Silent Tide (Sator Remix) [Instrumental]", Artist: "Velmor"},
			Subject{Title: "Silent Tide", Artist: "Velmor", Mix: "Sator Remix, Instrumental"}},
		{"brackets that belong", rekordbox.Track{Name: "Silent Tide (Not Yet) (Dub)", Artist: "Velmor"},
			Subject{Title: "Silent Tide (Not Yet)", Artist: "Velmor", Mix: "Dub"}},
		{"brackets not closed", rekordbox.Track{Name: "Silent Tide (Extended Mix", Artist: "Velmor"},
			Subject{Title: "Silent Tide (Extended Mix", Artist: "Velmor"}},
		{"mix attribute", rekordbox.Track{Name: "Silent Tide", Artist: "Velmor", Mix: "VIP"},
			Subject{Title: "Silent Tide", Artist: "Velmor", Mix: "VIP"}},
		{"remixer attribute", rekordbox.Track{Name: "Silent Tide", Artist: "Velmor", Remixer: "Sator"},
			Subject{Title: "Silent Tide", Artist: "Velmor", Mix: "Sator Remix"}},
		{"artist in the name", rekordbox.Track{Name: "Velmor & Sator - Silent Tide"},
			Subject{Title: "Silent Tide", Artist: "Velmor & Sator"}},
		{"artist in both", rekordbox.Track{Name: "VELMOR - Silent Tide", Artist: "Velmor"},
			Subject{Title: "Silent Tide", Artist: "Velmor"}},
		{"a dash that belongs", rekordbox.Track{Name: "Silent - Tide", Artist: "Velmor"},
			Subject{Title: "Silent - Tide", Artist: "Velmor"}},
		{"unknown artist", rekordbox.Track{Name: "Velmor - Silent Tide", Artist: "Unknown Artist"},
			Subject{Title: "Silent Tide", Artist: "Velmor"}},
		{"guest in brackets", rekordbox.Track{Name: "Silent Tide (feat. Lora) [Extended Mix]", Artist: "Velmor"},
			Subject{Title: "Silent Tide", Artist: "Velmor", Featured: "Lora", Mix: "Extended Mix"}},
		{"guest in the title", rekordbox.Track{Name: "Silent Tide ft Lora (Extended Mix)", Artist: "Velmor"},
			Subject{Title: "Silent Tide", Artist: "Velmor", Featured: "Lora", Mix: "Extended Mix"}},
		{"guest in the artist", rekordbox.Track{Name: "Silent Tide", Artist: "Velmor Featuring Lora"},
			Subject{Title: "Silent Tide", Artist: "Velmor", Featured: "Lora"}},
		{"guest with the artist in the name", rekordbox.Track{Name: "Velmor feat. Lora - Silent Tide"},
			Subject{Title: "Silent Tide", Artist: "Velmor", Featured: "Lora"}},
		{"number", rekordbox.Track{Name: "01 - Velmor - Silent Tide"},
			Subject{Title: "Silent Tide", Artist: "Velmor"}},
		{"side of a record", rekordbox.Track{Name: "A1. Silent Tide", Artist: "Velmor"},
			Subject{Title: "Silent Tide", Artist: "Velmor"}},
		{"nothing but a number", rekordbox.Track{Name: "1999", Artist: "Velmor"},
			Subject{Title: "1999", Artist: "Velmor"}},
		{"number that belongs", rekordbox.Track{Name: "1-800 Tide", Artist: "Velmor"},
			Subject{Title: "1-800 Tide", Artist: "Velmor"}},
		{"underscores", rekordbox.Track{Name: "02_-_Velmor_-_Silent_Tide_(Extended_Mix)"},
			Subject{Title: "Silent Tide", Artist: "Velmor", Mix: "Extended Mix"}},
		{"site", rekordbox.Track{Name: "Silent Tide www.djsite.com", Artist: "Velmor [site.net]"},
			Subject{Title: "Silent Tide", Artist: "Velmor"}},
		{"site in front", rekordbox.Track{Name: "www.djsite.co.uk - Velmor - Silent Tide"},
			Subject{Title: "Silent Tide", Artist: "Velmor"}},
		{"offers", rekordbox.Track{Name: "Silent Tide (Official Video) - FREE DL!!! [free download]", Artist: "Velmor"},
			Subject{Title: "Silent Tide", Artist: "Velmor"}},
		{"offer that is the name", rekordbox.Track{Name: "Free Download", Artist: "Velmor"},
			Subject{Title: "Free Download", Artist: "Velmor"}},
		{"name out of the file", rekordbox.Track{Location: "file://localhost/C:/Music/01%20-%20Velmor%20-%20Silent%20Tide%20(Dub).mp3"},
			Subject{Title: "Silent Tide", Artist: "Velmor", Mix: "Dub"}},
		{"file name badly encoded", rekordbox.Track{Location: `C:\Music\100% Tide.flac`, Artist: "Velmor"},
			Subject{Title: "100% Tide", Artist: "Velmor"}},
		{"nothing", rekordbox.Track{Artist: "Velmor", Location: "file://localhost/C:/Music/.mp3"},
			Subject{Artist: "Velmor"}},
		{"punctuation only", rekordbox.Track{Name: "???", Artist: "Velmor"},
			Subject{Title: "???", Artist: "Velmor"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, Normalise(tt.track)); diff != "" {
				t.Errorf("%+v (-want +got):\n%s", tt.track, diff)
			}
		})
	}
}

func TestQueries(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		s    Subject
		want []string
	}{
		{"all", Subject{Title: "Silent Tide", Artist: "Vélmor & Sator", Mix: "Lora Remix"}, []string{
			"velmor sator silent tide lora remix", "velmor sator silent tide", "velmor silent tide", "silent tide lora remix", "silent tide"}},
		{"original mix", Subject{Title: "Silent Tide", Artist: "Velmor", Mix: "Original Mix"}, []string{
			"velmor silent tide", "silent tide"}},
		{"title", Subject{Title: "Don’t"}, []string{"dont"}},
		{"emoji", Subject{Title: "🔥"}, []string{"🔥"}},
		{"no words", Subject{Title: "???", Artist: "Velmor"}, nil},
		{"nothing", Subject{}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, tt.s.Queries()); diff != "" {
				t.Errorf("queries of %+v (-want +got):\n%s", tt.s, diff)
			}
		})
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"  -- ", nil},
		{"Silent Tide", []string{"silent", "tide"}},
		{"don't  DON’T", []string{"dont", "dont"}},
		{"Ébène Łódź straße İz", []string{"ebene", "lodz", "strasse", "iz"}},
		{"E\u0301be\u0300ne", []string{"ebene"}},
		{"ＦＵＬＬ ﬁne", []string{"full", "fine"}},
		{"ночь ЁЛКА", []string{"ночь", "елка"}},
		{"ΨΥΧΗΣ ψυχής", []string{"ψυχησ", "ψυχησ"}},
		{"夜", []string{"夜"}},
		{"夜光海 DJ", []string{"夜光", "光海", "dj"}},
		{"abc夜光", []string{"abc", "夜光"}},
		{"별달 빛", []string{"별달", "빛"}}, // below: as NFKD writes them
		{"🔥🔥", []string{"🔥", "🔥"}},
		{"नाता", []string{"नाता"}},
		{"'94", []string{"94"}},
	}
	for _, tt := range tests {
		want := slices.Clone(tt.want)
		for i := range want {
			want[i] = Fold(want[i])
		}
		if got := words(tt.in); !slices.Equal(got, want) {
			t.Errorf("words(%q) = %q; want %q", tt.in, got, want)
		}
	}
	if n := len(words(strings.Repeat("夜光", 5000))); n > maxWords {
		t.Errorf("%d words of a long text; want at most %d", n, maxWords)
	}
}

// What is folded stays as it is when folded again, and clip cuts whole runes.
func TestFoldLaws(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	alphabet := []rune("aZ é\u0301ßŁΣςЙ夜が한ﬁ①🔥\u200d'-(…\ufdfa")
	for range 2000 {
		r := make([]rune, rng.IntN(12))
		for i := range r {
			r[i] = alphabet[rng.IntN(len(alphabet))]
		}
		s := string(r)
		once := Fold(s)
		if twice := Fold(once); twice != once {
			t.Fatalf("Fold(%q) = %q, and folded again %q", s, once, twice)
		}
		n := rng.IntN(20)
		if cut := clip(s, n); len(cut) > n || !strings.HasPrefix(s, cut) || strings.ToValidUTF8(cut, "") != cut {
			t.Fatalf("clip(%q, %d) = %q", s, n, cut)
		}
	}
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	same := [][]string{
		{"Am", "A min", "Amin", "8A", "8a", "1m"},
		{"C", "CM", "C major", "8B", "1d"},
		{"F#m", "Gbm", "11A", "4m", "F♯m"},
		{"Eb", "D#", "E♭", "5B", "10d"},
		{"Abm", "G#m", "1A", "6m"},
		{"B", "1B", "6d", "Cb"},
	}
	seen := make(map[int]string)
	for _, names := range same {
		want := parseKey(names[0])
		if want == 0 || seen[want] != "" {
			t.Errorf("parseKey(%q) = %d, as of %q", names[0], want, seen[want])
		}
		seen[want] = names[0]
		for _, name := range names {
			if got := parseKey(name); got != want {
				t.Errorf("parseKey(%q) = %d; want %d as for %q", name, got, want, names[0])
			}
		}
	}
	for _, bad := range []string{"", " ", "H", "0A", "13B", "A#x", "8C", "🔥", "very long indeed", "#"} {
		if got := parseKey(bad); got != 0 {
			t.Errorf("parseKey(%q) = %d; want 0", bad, got)
		}
	}
}

func TestEdit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		a, b string
		want float64 // by hand
	}{
		{"", "", 1},
		{"tide", "tide", 1},
		{"tide", "", 0},
		{"tide", "tdie", 0.75},
		{"tide", "tides", 0.8},
		{"abcd", "wxyz", 0},
		{"ca", "abc", 0}, // not 1/3: the swap may not have an insertion inside it
	}
	for _, tt := range tests {
		if got := edit([]rune(tt.a), []rune(tt.b)); got != tt.want {
			t.Errorf("edit(%q, %q) = %v; want %v", tt.a, tt.b, got, tt.want)
		}
		if got := edit([]rune(tt.b), []rune(tt.a)); got != tt.want {
			t.Errorf("edit(%q, %q) = %v; want %v", tt.b, tt.a, got, tt.want)
		}
	}
}

// The bound is one: it is never below what it bounds.
func TestEditBound(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	alphabet := []rune("abcdé夜")
	text := func() []rune {
		r := make([]rune, rng.IntN(9))
		for i := range r {
			r[i] = alphabet[rng.IntN(len(alphabet))]
		}
		return r
	}
	for range 5000 {
		if a, b := text(), text(); editBound(a, b) < edit(a, b) {
			t.Fatalf("editBound(%q, %q) = %v; edit is %v", string(a), string(b), editBound(a, b), edit(a, b))
		}
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	s := Subject{Title: "Silent Tide", Artist: "Velmor & Sator", Mix: "Extended Mix", BPM: 124, Key: "8A", Year: 2014}
	right := Recording{ID: "b", Title: "Silent Tide", Artist: "Velmor & Sator", Mix: "Extended Mix", BPM: 124, Key: "Am", Year: 2014}
	with := func(change func(*Recording)) Recording {
		r := right
		change(&r)
		return r
	}
	tests := []struct {
		name       string
		candidates []Recording
		status     Status
		id         string
	}{
		{"exact", []Recording{right}, Matched, "b"},
		{"none", nil, Unmatched, ""},
		{"spelling", []Recording{with(func(r *Recording) { r.Title = "silnet tide" })}, Matched, "b"},
		{"spacing", []Recording{with(func(r *Recording) { r.Title = "Silenttide" })}, Matched, "b"},
		{"artists in another order", []Recording{with(func(r *Recording) { r.Artist = "Sator, Velmor" })}, Matched, "b"},
		{"artist left out", []Recording{with(func(r *Recording) { r.Artist = "Sator" })}, Matched, "b"},
		{"half the BPM", []Recording{with(func(r *Recording) { r.BPM = 62 })}, Matched, "b"},
		{"nothing but names", []Recording{{ID: "b", Title: "Silent Tide", Artist: "Velmor"}}, Matched, "b"},
		{"another mix", []Recording{with(func(r *Recording) { r.Mix = "Instrumental" })}, Unsure, "b"},
		{"namesake", []Recording{{ID: "a", Title: "Silent Tide", Artist: "Dobira"}}, Unmatched, ""},
		{"sibling", []Recording{{ID: "a", Title: "Silent Rupoda", Artist: "Velmor & Sator", BPM: 124}}, Unsure, "a"},
		{"among others", []Recording{
			{ID: "a", Title: "Silent Tide", Artist: "Dobira", BPM: 124},
			with(func(r *Recording) { r.ID, r.Mix = "c", "Dub" }),
			right,
			with(func(r *Recording) { r.ID, r.Title = "d", "Silent Rupoda" }),
		}, Matched, "b"},
		{"tie", []Recording{with(func(r *Recording) { r.ID = "z" }), right, with(func(r *Recording) { r.ID = "y" })}, Matched, "b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := s.Choose(tt.candidates)
			if got.Status != tt.status || got.Recording.ID != tt.id || got.Score < 0 || got.Score > 1 {
				t.Errorf("got %+v; want %s %q", got, tt.status, tt.id)
			}
			slices.Reverse(tt.candidates)
			if again := s.Choose(tt.candidates); again != got {
				t.Errorf("in another order %+v; want %+v", again, got)
			}
		})
	}
	if got := (Subject{Title: "?"}).Choose([]Recording{right}); got != (Result{Status: Unmatchable}) {
		t.Errorf("without words %+v; want %s", got, Unmatchable)
	}
}

func TestLocalSearch(t *testing.T) {
	t.Parallel()
	var list []Recording
	for i := range 3000 {
		list = append(list, Recording{ID: fmt.Sprint(i), Title: fmt.Sprintf("the common word%d", i%50), Artist: fmt.Sprintf("artist%d", i)})
	}
	l := NewLocal(list)
	ctx := context.Background()
	tests := []struct {
		name, query string
		limit, n    int
		first       string
	}{
		{"rare word first", "the common artist7", 20, 20, "7"},
		{"all words", "word7 artist57", 5, 5, "57"},
		{"common words only", "the common", 20, 20, "0"},
		{"unknown", "nowhere", 20, 0, ""},
		{"empty", "", 20, 0, ""},
		{"no room", "artist7", 0, 0, ""},
		{"negative", "artist7", -1, 0, ""},
		{"one", "artist7", 20, 1, "7"},
		{"folded", "ÁRTIST7", 20, 1, "7"},
		{"twice", "artist7 artist7", 20, 1, "7"},
	}
	for _, tt := range tests {
		for range 2 { // the second time with used working memory
			found, err := l.Search(ctx, tt.query, tt.limit)
			if err != nil || len(found) != tt.n || tt.n > 0 && found[0].ID != tt.first {
				t.Errorf("%s: Search(%q, %d) = %d found, %v; want %d, first %q", tt.name, tt.query, tt.limit, len(found), err, tt.n, tt.first)
			}
		}
	}

	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := Search(cancelled, l, []string{"artist7"}); !errors.Is(err, context.Canceled) {
		t.Errorf("Search with a cancelled context: %v", err)
	}
	if found, err := NewLocal(nil).Search(ctx, "artist7", 3); err != nil || len(found) != 0 {
		t.Errorf("an empty catalogue finds %v, %v", found, err)
	}
}

// The catalogue depends on the tracks' names, not on their order or number.
func TestInventLaws(t *testing.T) {
	t.Parallel()
	var tracks []rekordbox.Track
	for i := range 1000 {
		tracks = append(tracks, rekordbox.Track{ID: fmt.Sprint(i), Name: fmt.Sprintf("Title %d", i), Artist: "Some & Body", BPM: 120, Year: 2000})
	}
	byID := func(a, b Recording) int { return strings.Compare(a.ID, b.ID) }
	all := Invent(tracks)
	slices.SortFunc(all, byID)

	shuffled := slices.Clone(tracks)
	rand.New(rand.NewPCG(3, 4)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	other := Invent(append(shuffled, tracks[:10]...)) // duplicates add nothing
	slices.SortFunc(other, byID)
	if diff := cmp.Diff(all, other); diff != "" {
		t.Errorf("in another order (-want +got):\n%s", diff)
	}

	ids := make(map[string]bool)
	for _, r := range all {
		if ids[r.ID] {
			t.Errorf("two recordings with the ID %s", r.ID)
		}
		ids[r.ID] = true
	}
	missing := 0
	for _, track := range tracks {
		if !ids[RecordingID(track)] {
			missing++
		}
	}
	if missing < 50 || missing > 120 {
		t.Errorf("%d of 1000 recordings are missing; want about 80", missing)
	}
}

// The cost of a track is bounded, however long its names.
func BenchmarkLongNames(b *testing.B) {
	var list []Recording
	for i := range 2000 {
		list = append(list, Recording{ID: fmt.Sprint(i), Title: strings.Repeat(fmt.Sprintf("wotd%d ", i%7), 1500), Artist: strings.Repeat("arxist ", 1500)})
	}
	l := NewLocal(list)
	track := rekordbox.Track{Name: strings.Repeat("word1 (", 700) + strings.Repeat("wodr2 ", 900), Artist: strings.Repeat("artist ", 1500)}
	b.ReportAllocs()
	for b.Loop() {
		s := Normalise(track)
		found, err := Search(b.Context(), l, s.Queries())
		if err != nil {
			b.Fatal(err)
		}
		s.Choose(found)
	}
}
