// Package golden compares what a test made with a file of its testdata.
//
// UPDATE=1 go test ./... rewrites the files; the difference is for a person to
// read.
package golden

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// Check fails the test if got is not what testdata/name holds.
func Check(t testing.TB, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", filepath.FromSlash(name))
	if os.Getenv("UPDATE") != "" {
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: UPDATE=1 go test makes it", err)
	}
	if bytes.Equal(got, want) {
		return
	}
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	t.Errorf("%s differs from byte %d on (UPDATE=1 go test rewrites it):\ngot  ...%s\nwant ...%s", file, i, around(got, i), around(want, i))
}

// around returns what stands near byte i.
func around(text []byte, i int) []byte {
	return text[max(0, i-60):min(len(text), i+140)]
}
