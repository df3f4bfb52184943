// Package sqlite keeps runs in one SQLite file, without cgo.
//
// The file is in WAL mode with full synchronisation: a process that is killed
// at any moment, or a machine that loses power, leaves a file that opens with
// every run whose Append returned. Processes that write at once wait for one
// another; nobody waits to read.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/schema"
)

// applicationID marks a file as a history: "Pacr".
const applicationID = 0x50616372

// busy is how long a writer waits for another one.
const busy = 10 * time.Second

// Store is a history in a file. Its methods may be called from any goroutine.
type Store struct {
	path    string
	readers *pool
	writer  *pool // of one connection
	known   names // of the writer
	discard func()
}

var _ history.Store = (*Store)(nil)

// Open opens the history at path, and makes it if it is not there, with its
// directory. It fails with *history.NewerError if a newer Pacer wrote it.
func Open(ctx context.Context, path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	s, err := connect(path, path, "")
	if err != nil {
		return nil, err
	}
	if err := s.prepare(ctx); err != nil {
		s.Close()
		return nil, s.explain(err)
	}
	return s, nil
}

// OpenToRead opens the history at path for reading alone: it makes and changes
// nothing, and works where the file or its folder cannot be written. A file
// that an older Pacer wrote last is copied to a temporary file, and read there.
// What Open says of a newer Pacer holds here too.
func OpenToRead(ctx context.Context, path string) (*Store, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	var failed error
	// A reader of a file in WAL mode shares memory through a file beside it.
	// Where that cannot be made, nobody else can be writing: the file stands
	// still.
	for _, mode := range []string{"mode=ro", "immutable=1"} {
		s, err := connect(path, path, mode)
		if err != nil {
			return nil, err
		}
		version, err := s.readVersion(ctx)
		switch {
		case err == nil && version == 0:
			err = errors.New("the file is empty")
		case err == nil && version < len(schema.SQLite()):
			copied, err := s.brought(ctx)
			s.Close()
			return copied, s.explain(err)
		case err == nil:
			return s, nil
		}
		s.Close()
		if failed == nil {
			failed = s.explain(err)
		}
		if code := sqlite.ErrCode(err).ToPrimary(); code != sqlite.ResultCantOpen && code != sqlite.ResultReadOnly {
			break
		}
	}
	return nil, failed
}

// brought returns a copy of the store that is up to date, which goes when it
// is closed.
func (s *Store) brought(ctx context.Context) (*Store, error) {
	dir, err := os.MkdirTemp("", "pacer-history-")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "history.db")
	copied, err := connect(s.path, file, "")
	if err == nil {
		copied.discard = func() { os.RemoveAll(dir) }
		err = s.copyInto(ctx, copied)
		if err == nil {
			err = copied.prepare(ctx)
		}
		if err == nil {
			return copied, nil
		}
		copied.Close()
	}
	os.RemoveAll(dir)
	return nil, err
}

func (s *Store) copyInto(ctx context.Context, to *Store) error {
	return s.read(ctx, func(from *sqlite.Conn) error {
		return to.read(ctx, func(into *sqlite.Conn) error {
			b, err := sqlite.NewBackup(into, "main", from, "main")
			if err != nil {
				return err
			}
			_, err = b.Step(-1)
			return errors.Join(err, b.Close())
		})
	})
}

// connect makes the store of a file without opening it. name is what people
// call it; a mode restricts it to reading.
func connect(name, path, mode string) (*Store, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	file := url.URL{Scheme: "file", Path: filepath.ToSlash(absolute), RawQuery: mode}
	if !strings.HasPrefix(file.Path, "/") {
		file.Path = "/" + file.Path // C:/ of Windows
	}
	flags := sqlite.OpenURI | sqlite.OpenReadWrite | sqlite.OpenCreate
	if mode != "" {
		flags = sqlite.OpenURI | sqlite.OpenReadOnly
	}
	return &Store{path: name, readers: newPool(file.String(), flags, readers), writer: newPool(file.String(), flags, 1)}, nil
}

// Address is the path.
func (s *Store) Address() string { return s.path }

// Close closes the file.
func (s *Store) Close() error {
	err := errors.Join(s.writer.close(), s.readers.close())
	if s.discard != nil {
		s.discard()
	}
	return err
}

// explain adds the file to an error that does not name it, and says whether
// trying again may help.
func (s *Store) explain(err error) error {
	code := sqlite.ErrCode(err).ToPrimary()
	switch {
	case err == nil:
		return nil
	case history.IsAnswer(err):
		return err
	case code == sqlite.ResultFull:
		return fmt.Errorf("history %s: %w", s.path, history.ErrFull)
	case refused(err):
		return fmt.Errorf("history %s: %w: its disk does not take what is written: %w", s.path, history.ErrUnavailable, err)
	case code == sqlite.ResultNotADB, code == sqlite.ResultCorrupt:
		return fmt.Errorf("%s is damaged or no history: %w", s.path, err)
	case code == sqlite.ResultBusy, code == sqlite.ResultLocked:
		return fmt.Errorf("history %s: %w: another process has been writing to it for %v", s.path, history.ErrUnavailable, busy)
	}
	return fmt.Errorf("history %s: %w", s.path, err)
}

// refused tells whether the operating system did not take what was written:
// over quota, an error of the disk, no room for the file of shared memory.
func refused(err error) bool {
	switch sqlite.ErrCode(err) {
	case sqlite.ResultIOErrWrite, sqlite.ResultIOErrFsync, sqlite.ResultIOErrDirFsync, sqlite.ResultIOErrTruncate, sqlite.ResultIOErrSHMSize:
		return true
	}
	return false
}

// read calls f with a connection. What f reads in one transaction is of one
// moment; without one, each statement is.
func (s *Store) read(ctx context.Context, f func(*sqlite.Conn) error) error {
	return s.readers.with(ctx, f)
}

// write calls f in a transaction, which holds if f returns nil.
func (s *Store) write(ctx context.Context, f func(*sqlite.Conn) error) error {
	return s.writer.with(ctx, func(c *sqlite.Conn) error { return s.change(ctx, c, f) })
}

// change is write on the writer's connection.
func (s *Store) change(ctx context.Context, c *sqlite.Conn, f func(*sqlite.Conn) error) (err error) {
	held := false
	defer func() {
		if !held || err != nil { // also if f panics
			s.known.forget() // what was numbered in the transaction is not
		}
	}()
	end, err := sqlitex.ImmediateTransaction(c)
	if err != nil {
		return err
	}
	defer end(&err)
	if err := f(c); err != nil {
		return err
	}
	if a := history.AuditOf(ctx); a != nil {
		if err := record(c, *a); err != nil {
			return err
		}
	}
	held = true
	return nil
}

func (s *Store) prepare(ctx context.Context) error {
	// Two processes that make the file at once: SQLite answers one of them
	// "busy" without waiting while the other turns on the WAL.
	deadline := time.Now().Add(busy)
	for {
		// A file that is new gets pages of 8 kB, into which two documents go:
		// appending takes a sixth less time than with 4 kB.
		err := s.read(ctx, func(c *sqlite.Conn) error { return execute(c, "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL") })
		if err == nil {
			break
		}
		if sqlite.ErrCode(err).ToPrimary() != sqlite.ResultBusy || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	return s.migrate(ctx)
}

// migrate brings the schema to the newest version, in one transaction.
func (s *Store) migrate(ctx context.Context) error {
	migrations := schema.SQLite()
	if version, err := s.readVersion(ctx); err == nil && version == len(migrations) {
		return nil
	}
	// What was just read may be from before and after another process's
	// migration: what is wrong is judged inside the transaction, where whoever
	// comes second waits.
	return s.write(ctx, func(c *sqlite.Conn) error {
		had, err := s.version(c)
		if err != nil {
			return err
		}
		for i := had; i < len(migrations); i++ {
			if err := sqlitex.ExecuteScript(c, migrations[i].SQL, nil); err != nil {
				return fmt.Errorf("%s: %w", migrations[i].Name, err)
			}
		}
		if had == 1 {
			// The first release kept no points.
			if err := fillPoints(c); err != nil {
				return err
			}
		}
		return execute(c, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, len(migrations)))
	})
}

func (s *Store) readVersion(ctx context.Context) (version int, err error) {
	err = s.read(ctx, func(c *sqlite.Conn) (err error) {
		version, err = s.version(c)
		return err
	})
	return version, err
}

// version returns the schema version of the file: 0 for a new one.
func (s *Store) version(c *sqlite.Conn) (version int, err error) {
	var application, tables int
	err = query(c, `
		SELECT (SELECT user_version FROM pragma_user_version),
		       (SELECT application_id FROM pragma_application_id),
		       (SELECT count(*) FROM sqlite_schema)`, func(r *sqlite.Stmt) error {
		version, application, tables = r.ColumnInt(0), r.ColumnInt(1), r.ColumnInt(2)
		return nil
	})
	known := len(schema.SQLite())
	switch {
	case err != nil:
		return 0, err
	case application != applicationID && (version != 0 || tables != 0):
		return 0, errors.New("the file is a database of another program")
	case version > known:
		return 0, &history.NewerError{Store: s.path, Has: version, Newest: known}
	}
	return version, nil
}
