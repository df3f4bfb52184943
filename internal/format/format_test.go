package format

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding/unicode"

	"github.com/pacer-perf/pacer/internal/format/formattest"
	"github.com/pacer-perf/pacer/internal/format/input"
)

// samples returns every file of testdata with the format whose it is.
func samples(t testing.TB) map[string]Format {
	t.Helper()
	files := make(map[string]Format)
	for _, f := range list {
		folder := map[string]string{"pacer": "runfile"}[f.Name]
		if folder == "" {
			folder = f.Name
		}
		found, err := filepath.Glob(filepath.Join(folder, "testdata", "*.*"))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, file := range found {
			if info, err := os.Stat(file); err != nil || info.IsDir() || filepath.Base(file) == "README.md" {
				continue
			}
			files[file] = f
			n++
		}
		if n == 0 && f.looks != nil {
			t.Fatalf("%s has no testdata", f.Name)
		}
	}
	return files
}

// Every file is told from those of all other formats by its content, however
// it comes in.
func TestDetect(t *testing.T) {
	t.Parallel()
	for file, f := range samples(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for name, head := range map[string][]byte{
			"as it is": text, "with a byte order mark": append([]byte("\ufeff"), text...), "with other ends of lines": bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")),
			"in part": text[:min(len(text), max(600, len(text)/2))],
		} {
			if got, err := Detect(head); err != nil || got.Name != f.Name {
				t.Errorf("%s, %s: taken for %q, %v; want %s", file, name, got.Name, err, f.Name)
			}
		}
		got, runs, err := Read(&input.Source{Name: file, Reader: iotest.HalfReader(bytes.NewReader(text))})
		if err != nil || got.Name != f.Name || len(runs) == 0 || runs[0].ID == "" {
			t.Errorf("%s: %d runs, %v", file, len(runs), err)
		}
		again, _ := f.Read(&input.Source{Name: "other", Reader: bytes.NewReader(text)})
		wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes(text)
		if err != nil {
			t.Fatal(err)
		}
		as, same, err := Read(&input.Source{Name: file, Reader: bytes.NewReader(wide)})
		if err != nil || as.Name != f.Name || len(same) != len(runs) || same[0].ID != runs[0].ID {
			t.Errorf("%s in UTF-16: %d runs of %s, %v", file, len(same), as.Name, err)
		}
		for i := range runs {
			if runs[i].ID != again[i].ID {
				t.Errorf("%s: run %d has the ids %s and %s", file, i, runs[i].ID, again[i].ID)
			}
		}
	}
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"hello", "[1]", "a,b\n1,2\n", "\x00\x01\x02", "<html>", "PASS\n", `"text"`, "123"} {
		if f, _, err := Read(&input.Source{Name: "f", Reader: strings.NewReader(text)}); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q is taken for %q, %v", text, f.Name, err)
		}
	}
	// An object could be a run: what is wrong with it is said.
	for text, want := range map[string]string{"{}": "", `{"a":`: "ends too early", "": "the file is empty", " \n": "the file is empty"} {
		_, runs, err := Read(&input.Source{Name: "f", Reader: strings.NewReader(text)})
		if want == "" && (err != nil || len(runs) != 1) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, %v; want %q", text, runs, err, want)
		}
	}
	if _, err := Named("nope"); err == nil {
		t.Error("nope is a format")
	}
	for _, name := range Names() {
		if f, err := Named(strings.ToUpper(name)); err != nil || f.Name != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	failing := iotest.ErrReader(errors.New("broken pipe"))
	if _, _, err := Read(&input.Source{Name: "f", Reader: failing}); err == nil || !strings.Contains(err.Error(), "reading f: broken pipe") {
		t.Errorf("error = %v", err)
	}
}

// Files that were cut off or damaged are read or refused, with a place; nothing
// else happens. What a text has before the cut is kept.
func TestDamage(t *testing.T) {
	t.Parallel()
	for file, f := range samples(t) {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(1, uint64(len(text))))
			for range 40 {
				formattest.Check(t, f.read, text[:rng.IntN(len(text))])
				damaged := bytes.Clone(text)
				for range 1 + rng.IntN(5) {
					damaged[rng.IntN(len(damaged))] = `{}[]",:0-eN`[rng.IntN(11)]
				}
				formattest.Check(t, f.read, damaged)
			}
		})
	}
}

// Every file of testdata is named in the README beside it, which says where it
// comes from.
func TestREADMEs(t *testing.T) {
	t.Parallel()
	for file := range samples(t) {
		readme, err := os.ReadFile(filepath.Join(filepath.Dir(file), "README.md"))
		if err != nil {
			t.Error(err)
		} else if !strings.Contains(string(readme), "`"+filepath.Base(file)+"`") {
			t.Errorf("%s: the README does not name it", file)
		}
	}
}

// docs/formats.md has a section on every format.
func TestDocs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Names() {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/formats.md does not name `%s`", name)
		}
	}
	if !slices.IsSortedFunc(Names(), func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) }) {
		t.Errorf("names %v", Names())
	}
}

// Whatever a file holds, it is read or refused.
func FuzzRead(f *testing.F) {
	for file := range samples(f) {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		_, runs, err := Read(&input.Source{Name: "f", Reader: bytes.NewReader(text)})
		if err == nil && len(runs) == 0 {
			t.Fatal("neither a run nor an error")
		}
		for i := range runs {
			formattest.RoundTrip(t, &runs[i])
		}
	})
}
