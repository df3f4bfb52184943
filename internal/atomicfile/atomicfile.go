// Package atomicfile writes a file whole or not at all.
//
// A reader, or a process that was killed half way, never meets a half-written
// file: what is written goes into a temporary file beside the target, which
// takes the target's name only after it has reached the disk.
package atomicfile

import (
	"bufio"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Write makes the file at path out of what write sends to its argument.
//
// Missing directories are made. When write, the disk or the rename fails,
// Write returns that error, removes what it began, and an older file at path
// stays as it was. A new file gets mode 0644 less the umask; an older file's
// mode is kept. A symbolic link is followed, and its target replaced.
func Write(path string, write func(io.Writer) error) (err error) {
	path = target(path)
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	mode := fs.FileMode(0)
	if old, err := os.Stat(path); err == nil {
		if !old.Mode().IsRegular() {
			return writeThrough(path, write)
		}
		mode = old.Mode().Perm()
	}
	tmp, err := create(dir, filepath.Base(path), mode)
	if err != nil {
		return err
	}
	// done tells a panic inside write from success: the temporary file must
	// not stay behind in either.
	done := false
	defer func() {
		if !done {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	buf := bufio.NewWriter(tmp)
	if err := firstOf(write(buf), buf.Flush()); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	done = true
	syncDir(dir)
	return nil
}

// create makes a new file in dir with mode, or with 0666 less the umask when
// mode is zero, as os.Create would.
func create(dir, base string, mode fs.FileMode) (*os.File, error) {
	tmp, err := os.CreateTemp(dir, "."+base+".*.tmp")
	if err != nil {
		return nil, err
	}
	if mode != 0 {
		if err := tmp.Chmod(mode); err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
			return nil, err
		}
		return tmp, nil
	}
	// CreateTemp gives 0600, for secrets. Made anew under the same name, the
	// file gets what the umask of the process says, which cannot be read
	// without changing it.
	name := tmp.Name()
	tmp.Close()
	if err := os.Remove(name); err != nil {
		return nil, err
	}
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
}

// writeThrough serves paths that cannot be replaced, such as /dev/stdout or a
// named pipe.
func writeThrough(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	buf := bufio.NewWriter(f)
	return firstOf(write(buf), buf.Flush(), f.Close())
}

// firstOf returns the first error: the others follow from it.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// target follows symbolic links, also one that leads to nothing yet.
func target(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	to, err := os.Readlink(path)
	if err != nil {
		return path
	}
	if filepath.IsAbs(to) {
		return to
	}
	return filepath.Join(filepath.Dir(path), to)
}

// syncDir makes the rename itself durable where a directory can be synced.
// Where it cannot (Windows), the file is whole all the same.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		d.Sync()
		d.Close()
	}
}
