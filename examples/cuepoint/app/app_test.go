package app_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/examples/cuepoint/app"
	"github.com/pacer-perf/pacer/examples/cuepoint/library"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/policy"
	"github.com/pacer-perf/pacer/run"
)

// asProgram makes the test binary be CuePoint, for what only a process of its
// own can tell: start-up and peak memory.
const asProgram = "CUEPOINT_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(app.Main(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// cuepoint runs the program in this process.
func cuepoint(args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = app.Main(context.Background(), args, &out, &err)
	return status, out.String(), err.String()
}

// generate writes a library into a file and returns its name and content.
func generate(t testing.TB, c library.Config) (path string, data []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := library.Generate(&b, c); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "library.xml")
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return path, b.Bytes()
}

// trackIDs returns the IDs of the TRACK elements in COLLECTION, found without
// package rekordbox.
func trackIDs(t *testing.T, data []byte) []string {
	t.Helper()
	dec := xml.NewDecoder(bytes.NewReader(data))
	var ids []string
	inside := false
	for {
		token, err := dec.Token()
		if err == io.EOF {
			return ids
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			switch {
			case e.Name.Local == "COLLECTION":
				inside = true
			case inside && e.Name.Local == "TRACK":
				for _, a := range e.Attr {
					if a.Name.Local == "TrackID" {
						ids = append(ids, a.Value)
					}
				}
			}
		case xml.EndElement:
			inside = inside && e.Name.Local != "COLLECTION"
		}
	}
}

// rows parses a CSV and checks its shape.
func rows(t *testing.T, data string) [][]string {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	const header = "track_id,title,artist,mix,bpm,key,genre,label,year,rating,status,score,match_id,match_title,match_artist,match_mix"
	if len(all) == 0 || strings.Join(all[0], ",") != header {
		t.Fatalf("the CSV begins %.200q; want %s", data, header)
	}
	if lines := strings.Count(data, "\n"); lines != len(all) {
		t.Errorf("%d rows in %d lines; want one line a row", len(all), lines)
	}
	return all[1:]
}

// Every track gets its row, in the order of the library, whatever its oddities.
func TestEveryTrack(t *testing.T) {
	t.Parallel()
	for _, c := range []library.Config{
		{Seed: 31, Tracks: 2000, Rekordbox: 5, WrongEntries: true},
		{Seed: 32, Tracks: 4000, Rekordbox: 7},
		{Seed: 33, Tracks: 1},
		{Seed: 34, Tracks: 0},
	} {
		path, data := generate(t, c)
		out := filepath.Join(filepath.Dir(path), "new", "folder", "table.csv")
		status, stdout, stderr := cuepoint("--library", path, "--out", out)
		if status != 0 {
			t.Fatalf("%+v: status %d\n%s", c, status, stderr)
		}
		if c.WrongEntries != strings.Contains(stderr, "entries; found 2000 tracks") {
			t.Errorf("%+v: stderr says\n%s", c, stderr)
		}
		if !strings.Contains(stdout, "table: "+out) {
			t.Errorf("%+v: the summary does not name the table:\n%s", c, stdout)
		}
		table, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		want := trackIDs(t, data)
		var got []string
		statuses := make(map[string]int)
		for _, row := range rows(t, string(table)) {
			got = append(got, row[0])
			statuses[row[10]]++
			if row[4] == "0.00" {
				t.Errorf("track %s has the BPM 0.00; want an empty cell", row[0])
			}
			if (row[12] != "") != (row[10] == "matched" || row[10] == "unsure") {
				t.Errorf("track %s is %s with the recording %q", row[0], row[10], row[12])
			}
		}
		if len(want) != c.Tracks || !slices.Equal(got, want) {
			t.Errorf("%+v: %d rows for %d tracks, or in another order", c, len(got), len(want))
		}
		if c.Tracks >= 2000 {
			for _, s := range []string{"matched", "unsure", "unmatched", "unmatchable"} {
				if statuses[s] == 0 {
					t.Errorf("%+v: no track is %s", c, s)
				}
			}
		}
		if entries, err := os.ReadDir(filepath.Dir(out)); err != nil || len(entries) != 1 {
			t.Errorf("%+v: left beside the table: %v, %v", c, entries, err)
		}
	}
}

// The same library gives the same bytes.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	status, first, stderr := cuepoint("--out", "-")
	if status != 0 {
		t.Fatal(stderr)
	}
	if n := len(rows(t, first)); n != 1000 {
		t.Errorf("%d rows of the embedded library; want 1000", n)
	}
	if _, again, _ := cuepoint("--out", "-", "--filter", "house"); again != first {
		t.Error("the table differs between two runs")
	}
}

// A table on standard output is alone there.
func TestPipe(t *testing.T) {
	t.Parallel()
	_, stdout, stderr := cuepoint("--out", "-", "--filter", "a")
	rows(t, stdout)
	for _, want := range []string{"library.xml: 1000 tracks", "matched", "unmatchable", `filter "a": `} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no %q on stderr:\n%s", want, stderr)
		}
	}
}

// failing is a pipe that nobody reads.
type failing struct{ room int }

func (f *failing) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errors.New("broken pipe")
	}
	return len(p), nil
}

func TestBrokenPipe(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--out", "-"}, {}, {"--version"}} {
		var stderr bytes.Buffer
		if status := app.Main(context.Background(), args, &failing{}, &stderr); status != 2 || !strings.Contains(stderr.String(), "broken pipe") {
			t.Errorf("%q: status %d, stderr %q; want 2 and the error", args, status, stderr.String())
		}
	}
}

const filterable = `<DJ_PLAYLISTS><COLLECTION>
<TRACK TrackID="1" Name="Été Électrique" Artist="Velmor" Genre="Deep House" Label="Lunar" Tonality="8A" AverageBpm="124.00"/>
<TRACK TrackID="2" Name="Silent Tide (Dub)" Artist="Sator" Genre="Techno" Label="Étoile" Tonality="Am" AverageBpm="130.50"/>
<TRACK TrackID="3" Name="Ночь" Artist="夜光" Genre="" Tonality="" AverageBpm="0.00"/>
</COLLECTION></DJ_PLAYLISTS>`

func TestFilter(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "library.xml")
	if err := os.WriteFile(path, []byte(filterable), 0o666); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		text  string
		lines []string // of the preview
		timed int      // keystrokes
	}{
		{"ete", []string{"Velmor - Été Électrique"}, 3},
		{"ÉTO", []string{"Sator - Silent Tide (Dub)"}, 3},
		{"house deep", []string{"Velmor - Été Électrique"}, 10},
		{"124", []string{"Velmor - Été Électrique"}, 3},
		{"8a", []string{"Velmor - Été Électrique"}, 2},
		{"t", []string{"Velmor - Été Électrique", "Sator - Silent Tide (Dub)"}, 1},
		{"НОЧЬ", []string{"夜光 - Ночь"}, 4},
		{"夜", []string{"夜光 - Ночь"}, 1},
		{"nowhere", nil, 7},
		{"velmorlunar", nil, 11},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			metrics := filepath.Join(t.TempDir(), "metrics.json")
			status, stdout, stderr := cuepoint("--library", path, "--filter", tt.text, "--metrics", metrics)
			if status != 0 {
				t.Fatal(stderr)
			}
			var got []string
			for _, line := range strings.Split(stdout, "\n") {
				if strings.Contains(line, " - ") {
					got = append(got, strings.TrimSpace(line))
				}
			}
			if !slices.Equal(got, tt.lines) {
				t.Errorf("shows %q; want %q", got, tt.lines)
			}
			r := readRun(t, metrics)
			if m := r.Find("table.filter", nil); m == nil || m.Count() != int64(tt.timed)+1 {
				t.Errorf("table.filter is %+v; want one observation for the empty filter and %d for the letters", m, tt.timed)
			}
		})
	}
}

func readRun(t testing.TB, path string) run.Run {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := run.Read(f, path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "new", "metrics.json")
	status, stdout, stderr := cuepoint("--metrics", path, "--out", filepath.Join(dir, "table.csv"))
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, stderr %q; want 0 and nothing", status, stderr)
	}
	if !strings.Contains(stdout, "metrics: "+path) {
		t.Errorf("the summary does not name the metrics:\n%s", stdout)
	}
	r := readRun(t, path)
	if r.App != "cuepoint" || r.Version != app.Version || r.Main != "track.process" || r.Items["tracks"] != 1000 {
		t.Errorf("a run of %s %s, mainly %s, of %v", r.App, r.Version, r.Main, r.Items)
	}
	for name, count := range map[string]int64{
		"startup": 1, "library.parse": 1, "export.csv": 1, "memory.peak": 1, "memory.current": 1, "track.process": 1000,
		"track.process/queries": 1000, "track.process/search": 1000, "track.process/score": 1000,
	} {
		if m := r.Find(name, nil); m == nil || m.Count() != count {
			t.Errorf("%s is %+v; want %d observations", name, m, count)
		}
	}
	if m := r.Find("table.filter", nil); m == nil || m.Count() != 1 {
		t.Errorf("without --filter the table is filtered once, to be shown: %+v", m)
	}
}

// Interrupted, CuePoint writes nothing and says so.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	status := app.Main(ctx, []string{"--out", filepath.Join(dir, "t.csv"), "--metrics", filepath.Join(dir, "m.json")}, &stdout, &stderr)
	if left, _ := os.ReadDir(dir); status != 130 || len(left) != 0 || stdout.Len() != 0 || stderr.String() != "cuepoint: interrupted\n" {
		t.Errorf("status %d, stdout %q, stderr %q, files %v", status, &stdout, &stderr, left)
	}
}

// What the policy speaks of, the program measures.
func TestPolicy(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "metrics.json")
	if status, _, stderr := cuepoint("--metrics", path, "--filter", "a", "--out", filepath.Join(t.TempDir(), "t.csv")); status != 0 {
		t.Fatal(stderr)
	}
	r := readRun(t, path)
	p, err := policy.Read(bytes.NewReader(app.Policy), "pacer.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, b := range p.Budgets {
		named = append(named, string(b.Metric))
	}
	if want := []string{"startup", "track.process", "table.filter", "memory.peak"}; !slices.Equal(named, want) {
		t.Errorf("budgets of %q, want %q", named, want)
	}
	for _, threshold := range p.Thresholds {
		named = append(named, string(threshold.Metric))
	}
	for _, name := range named {
		// process.* is what the runner measures from outside.
		measured := slices.ContainsFunc(r.Metrics, func(m run.Metric) bool { return m.Name == name })
		if !measured && !strings.HasPrefix(name, "process.") {
			t.Errorf("the policy has %s, which is not measured", name)
		}
	}
	// Units fit. How fast it was is for the benchmark.
	v, err := judge.Judge(judge.Case{Current: &r, Baseline: judge.Baseline{Runs: []*run.Run{&r}, Chosen: "itself"}, Policy: p})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range v.Metrics {
		if m.Budget != nil && m.Budget.Value == nil {
			t.Errorf("%s has a budget but no value", m.Name)
		}
	}
}

func TestVerbose(t *testing.T) {
	t.Parallel()
	status, _, stderr := cuepoint("--verbose")
	if status != 0 || strings.Count(stderr, "level=INFO") != 1 || !strings.Contains(stderr, "track.process.count=1000") {
		t.Errorf("status %d, stderr\n%s\nwant one record of the metrics", status, stderr)
	}
	if !strings.Contains(stderr, "cuepoint: warning: library.xml: the collection states") {
		t.Errorf("no warnings about the library:\n%s", stderr)
	}
}

// Trouble is status 2, what is wrong on one line, what to do on the next, and
// nothing written.
func TestTrouble(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, data string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good.xml", filterable)
	cut := write("cut.xml", strings.TrimSuffix(filterable, "</COLLECTION></DJ_PLAYLISTS>"))
	mismatch := write("mismatch.xml", "<DJ_PLAYLISTS>\n  <COLLECTION></TRACK>")
	empty := write("empty.xml", "")
	file := write("file", "")
	nope := filepath.Join(dir, "nope.xml")
	_, notThere := os.Open(nope)
	const again = "hint: export the collection from rekordbox again; nothing was written\n"
	const flags = "hint: cuepoint -h lists the flags\n"
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"no such file", []string{"--library", nope},
			fmt.Sprintf("cuepoint: %v\n", notThere) + "hint: make one in rekordbox with File > Export Collection in xml format\n"},
		{"cut off", []string{"--library", cut},
			"cuepoint: " + cut + ":5:1: the file ends too early; expected </COLLECTION> for the element from 1:15\n" + again},
		{"mismatch", []string{"--library", mismatch},
			"cuepoint: " + mismatch + ":2:15: </TRACK> where <COLLECTION> from 2:3 is open; expected </COLLECTION>\n" + again},
		{"empty", []string{"--library", empty},
			"cuepoint: " + empty + ":1:1: the file is empty; expected <DJ_PLAYLISTS>\n" + again},
		{"unknown flag", []string{"--nope"}, "cuepoint: flag provided but not defined: -nope\n" + flags},
		{"argument", []string{good}, "cuepoint: unexpected argument \"" + good + "\"\n" + flags},
		{"over the library", []string{"--library", good, "--out", dir + "/x/../good.xml"},
			"cuepoint: --out would overwrite the library " + good + "\n" + flags},
		{"metrics over the library", []string{"--library", good, "--metrics", good}, "cuepoint: --metrics would overwrite " + good + "\n" + flags},
		{"metrics over the table", []string{"--out", "a", "--metrics", "./a"}, "cuepoint: --metrics would overwrite ./a\n" + flags},
		{"metrics on stdout", []string{"--metrics", "-"}, "cuepoint: --metrics cannot go to standard output\n" + flags},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(t.TempDir(), "table.csv")
			const older = "older,output\n"
			if err := os.WriteFile(out, []byte(older), 0o666); err != nil {
				t.Fatal(err)
			}
			args := tt.args
			if !slices.Contains(args, "--out") {
				args = append([]string{"--out", out}, args...)
			}
			status, stdout, stderr := cuepoint(args...)
			if status != 2 || stdout != "" || stderr != tt.want {
				t.Errorf("status %d, stdout %q, stderr\n%s\nwant status 2, nothing, and\n%s", status, stdout, stderr, tt.want)
			}
			if got, err := os.ReadFile(out); err != nil || string(got) != older {
				t.Errorf("the older output is %q, %v", got, err)
			}
		})
	}
	t.Run("output under a file", func(t *testing.T) {
		t.Parallel()
		for _, flag := range []string{"--out", "--metrics"} {
			status, _, stderr := cuepoint("--library", good, flag, filepath.Join(file, "under.csv"))
			if first, _, _ := strings.Cut(stderr, "\n"); status != 2 || !strings.Contains(stderr, "cuepoint: writing the ") {
				t.Errorf("%s: status %d, stderr %q; want 2 and the error", flag, status, first)
			}
		}
	})
	t.Run("the library is as it was", func(t *testing.T) {
		if got, err := os.ReadFile(good); err != nil || string(got) != filterable {
			t.Errorf("it is %q, %v", got, err)
		}
	})
}

func TestHelpAndVersion(t *testing.T) {
	t.Parallel()
	status, stdout, stderr := cuepoint("-h")
	if status != 0 || stderr != "" {
		t.Errorf("-h: status %d, stderr %q", status, stderr)
	}
	for _, want := range []string{"Usage:", "Examples:", "-library FILE", "-filter TEXT", "-out FILE", "-metrics FILE", "-verbose", "-version"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("-h does not say %q:\n%s", want, stdout)
		}
	}
	if status, stdout, stderr := cuepoint("--version"); status != 0 || stdout != "cuepoint "+app.Version+"\n" || stderr != "" {
		t.Errorf("--version: status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}

// The program in a process of its own exports through PACER_EXPORT too.
func TestProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := child(t, dir, "PACER_EXPORT="+dir)
	if m := r.Find("startup", nil); m == nil || m.Count() != 1 {
		t.Errorf("startup is %+v", m)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 2 {
		t.Errorf("the exports are %v, %v; want that of --metrics and that of PACER_EXPORT", files, err)
	}
}

// child runs the program as a process, with its metrics exported into dir, and
// returns them.
func child(t testing.TB, dir string, more ...string) run.Run {
	t.Helper()
	metrics := filepath.Join(dir, "metrics.json")
	args := []string{"--filter", "deep house", "--metrics", metrics}
	env := append(os.Environ(), asProgram+"=1")
	for _, m := range more {
		if strings.HasPrefix(m, "--") {
			args = append(args, m)
		} else {
			env = append(env, m)
		}
	}
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return readRun(t, metrics)
}
