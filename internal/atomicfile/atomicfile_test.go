package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "dir", "file.json")
	for _, want := range []string{"first", "second"} {
		if err := Write(path, text(want)); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); string(got) != want {
			t.Errorf("file holds %q, want %q", got, want)
		}
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("left beside the file: %v", left)
	}
}

func TestWriteFails(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	fails := map[string]func(io.Writer) error{
		"error": func(w io.Writer) error { fmt.Fprint(w, "half"); return boom },
		"panic": func(w io.Writer) error { fmt.Fprint(w, "half"); panic(boom) },
	}
	for name, write := range fails {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "file")
			try := func() (err error) {
				defer func() {
					if p := recover(); p != nil {
						err = p.(error)
					}
				}()
				return Write(path, write)
			}
			if err := try(); !errors.Is(err, boom) {
				t.Errorf("error = %v, want boom", err)
			}
			if left, _ := os.ReadDir(dir); len(left) != 0 {
				t.Errorf("a failed write left %v", left)
			}
			if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
				t.Fatal(err)
			}
			if err := try(); !errors.Is(err, boom) {
				t.Errorf("error = %v, want boom", err)
			}
			if got, _ := os.ReadFile(path); string(got) != "old" {
				t.Errorf("the older file now holds %q", got)
			}
			if left, _ := os.ReadDir(dir); len(left) != 1 {
				t.Errorf("a failed write left %v", left)
			}
		})
	}
}

func TestWriteKeepsModeAndLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := Write(link, text("new")); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(target); string(got) != "new" {
		t.Errorf("the link's target holds %q", got)
	}
	if info, _ := os.Lstat(link); info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link became a file")
	}
	dangling, nowhere := filepath.Join(dir, "dangling"), filepath.Join(dir, "nowhere")
	if err := os.Symlink("nowhere", dangling); err != nil {
		t.Fatal(err)
	}
	if err := Write(dangling, text("there")); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(nowhere); string(got) != "there" {
		t.Errorf("behind a dangling link: %q", got)
	}
	if info, _ := os.Stat(target); info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, want the old file's 0600", info.Mode())
	}
}

func TestWriteThroughDevice(t *testing.T) {
	t.Parallel()
	if err := Write(os.DevNull, text("gone")); err != nil {
		t.Error(err)
	}
	if err := Write(filepath.Join(os.DevNull, "file"), text("x")); err == nil {
		t.Error("a file below a device was written")
	}
}
