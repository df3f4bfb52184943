// Package formattest is what the tests of the formats share: files read, told
// metric by metric, and the laws that every reader keeps.
package formattest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/jsonscan"
	"github.com/pacer-perf/pacer/run"
)

// Reader is what a format has.
type Reader func(*input.Source) ([]run.Run, error)

// Open returns a file of testdata as a source, with the files beside it.
func Open(t testing.TB, file string) *input.Source {
	t.Helper()
	path := filepath.Join("testdata", filepath.FromSlash(file))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return &input.Source{Name: file, Reader: bytes.NewReader(text), Near: func(near string) ([]byte, error) {
		return os.ReadFile(filepath.Join(filepath.Dir(path), filepath.FromSlash(near)))
	}}
}

// All reads a file of testdata, and holds its runs to the laws.
func All(t testing.TB, read Reader, file string) []run.Run {
	t.Helper()
	runs, err := read(Open(t, file))
	if err != nil {
		t.Fatal(err)
	}
	for i := range runs {
		RoundTrip(t, &runs[i])
	}
	return runs
}

// One reads a file that holds one run.
func One(t testing.TB, read Reader, file string) *run.Run {
	t.Helper()
	runs := All(t, read, file)
	if len(runs) != 1 {
		t.Fatalf("%s: %d runs, want one", file, len(runs))
	}
	return &runs[0]
}

// Text reads a text as a file of that name.
func Text(read Reader, text string) ([]run.Run, error) {
	return read(&input.Source{Name: "f", Reader: strings.NewReader(text)})
}

// Tell writes what a run measured, a line for each metric, in order: its key,
// unit and direction, then its samples, or what is known instead.
func Tell(r *run.Run) string {
	var lines []string
	for i := range r.Metrics {
		m := &r.Metrics[i]
		better := string(m.Better)
		if better == "" {
			better = "-"
		}
		line := fmt.Sprintf("%s [%s] %s:", m.Key(), m.Unit, better)
		switch {
		case m.Histogram != nil:
			line += fmt.Sprintf(" histogram of %d from %.6g to %.6g, sum %.6g", m.Histogram.Count, m.Histogram.Min, m.Histogram.Max, m.Histogram.Sum())
		case m.Summary != nil:
			text, _ := m.Summary.MarshalJSON()
			line += " " + string(text)
		default:
			for _, v := range m.Samples {
				line += fmt.Sprintf(" %.12g", v)
			}
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

// Want compares what a run measured with lines, in any order.
func Want(t testing.TB, r *run.Run, want string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(want), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	slices.Sort(lines)
	got := strings.Split(strings.TrimSpace(Tell(r)), "\n")
	for _, line := range got {
		if !slices.Contains(lines, line) {
			t.Errorf("unexpected: %s", line)
		}
	}
	for _, line := range lines {
		if !slices.Contains(got, line) {
			t.Errorf("missing:    %s", line)
		}
	}
}

// RoundTrip holds a run to what every reader promises: it is a valid document,
// which is the same when it is read again.
func RoundTrip(t testing.TB, r *run.Run) {
	t.Helper()
	first, err := r.Encode()
	if err != nil {
		t.Fatalf("what was read does not encode: %v", err)
	}
	again, err := run.Read(bytes.NewReader(first), "again")
	if err != nil {
		t.Fatalf("what was encoded is refused: %v\n%.2000s", err, first)
	}
	again.ID = r.ID
	second, err := again.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Fatalf("the second round differs from the first:\n%.2000s\n%.2000s", first, second)
	}
}

// Fuzz feeds a reader with its testdata and what comes of them: what it accepts
// survives a round trip, and what it refuses says where.
func Fuzz(f *testing.F, read Reader) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			f.Fatal(err)
		}
		if info.IsDir() || filepath.Base(file) == "README.md" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) { Check(t, read, text) })
}

// Check reads a text that may be anything.
func Check(t testing.TB, read Reader, text []byte) {
	t.Helper()
	runs, err := read(&input.Source{Name: "f", Reader: bytes.NewReader(text)})
	if err != nil {
		var line *input.Error
		var place *jsonscan.SyntaxError
		var document *run.SyntaxError
		if !errors.As(err, &line) && !errors.As(err, &place) && !errors.As(err, &document) || !strings.HasPrefix(err.Error(), "f:") {
			t.Fatalf("an error without a place: %#v", err)
		}
		return
	}
	if len(runs) == 0 {
		t.Fatal("neither a run nor an error")
	}
	for i := range runs {
		RoundTrip(t, &runs[i])
	}
}

// Refuses holds a reader to an error that holds a text.
func Refuses(t testing.TB, read Reader, text, want string) {
	t.Helper()
	_, err := Text(read, text)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%.60q: error = %v, want one with %q", text, err, want)
	}
}

// Notes compares a list of warnings or failures with texts that they hold, in
// order.
func Notes(t testing.TB, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d notes, want %d: %q", len(got), len(want), got)
		return
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("note %q, want one with %q", got[i], want[i])
		}
	}
}
