// Package sqlite keeps runs in one SQLite file, without cgo.
//
// The file is in WAL mode with full synchronisation: a process that is killed
// at any moment, or a machine that loses power, leaves a file that opens with
// every run whose Append returned. Processes that write at once wait for one
// another.
package sqlite

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/schema"
	"github.com/pacer-perf/pacer/run"
)

// applicationID marks a file as a history: "Pacr".
const applicationID = 0x50616372

// busy is how long a writer waits for another one.
const busy = 10 * time.Second

// Store is a history in a file. Its methods may be called from any goroutine.
type Store struct {
	db   *sql.DB
	path string

	deriving sync.Mutex
	has      int // schema version of what can be asked
}

// Open opens the history at path, and makes it if it is not there, with its
// directory. It fails with *history.NewerError if a newer Pacer wrote it.
func Open(ctx context.Context, path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	s, err := connect(path, "_pragma=foreign_keys(1)", "_pragma=synchronous(FULL)", "_txlock=immediate")
	if err != nil {
		return nil, err
	}
	if err := s.prepare(ctx); err != nil {
		s.db.Close()
		return nil, s.explain(err)
	}
	return s, nil
}

// OpenToRead opens the history at path for reading alone: it makes and changes
// nothing, and works where the file or its folder cannot be written. A file
// that an older Pacer wrote last is read as it is; its series are worked out
// when they are asked for, from every run. What Open says of a newer Pacer
// holds here too.
func OpenToRead(ctx context.Context, path string) (*Store, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	var failed error
	// A reader of a file in WAL mode shares memory through a file beside it.
	// Where that cannot be made, nobody else can be writing: the file stands
	// still.
	for _, mode := range []string{"mode=ro", "immutable=1"} {
		s, err := connect(path, mode)
		if err != nil {
			return nil, err
		}
		s.has, err = s.version(ctx, s.db)
		if err == nil && s.has == 0 {
			err = errors.New("the file is empty")
		}
		if err == nil {
			return s, nil
		}
		s.db.Close()
		if failed == nil {
			failed = s.explain(err)
		}
		var code *sqlite.Error
		if !errors.As(err, &code) || code.Code()&0xff != sqlite3.SQLITE_CANTOPEN && code.Code()&0xff != sqlite3.SQLITE_READONLY {
			break
		}
	}
	return nil, failed
}

// connect makes the one connection that a Store has: SQLite writes one at a
// time anyway, and a command needs no more.
func connect(path string, parameters ...string) (*Store, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	parameters = append(parameters, fmt.Sprintf("_pragma=busy_timeout(%d)", busy.Milliseconds()))
	file := url.URL{Scheme: "file", Path: filepath.ToSlash(absolute), RawQuery: strings.Join(parameters, "&")}
	db, err := sql.Open("sqlite", file.String())
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	return &Store{db: db, path: path}, nil
}

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }

// explain adds the file to an error that does not name it.
func (s *Store) explain(err error) error {
	var newer *history.NewerError
	var broken *sqlite.Error
	switch {
	case err == nil || errors.As(err, &newer):
		return err
	case errors.As(err, &broken) && (broken.Code()&0xff == sqlite3.SQLITE_NOTADB || broken.Code()&0xff == sqlite3.SQLITE_CORRUPT):
		return fmt.Errorf("%s is damaged or no history: %w", s.path, err)
	}
	return fmt.Errorf("history %s: %w", s.path, err)
}

func (s *Store) prepare(ctx context.Context) error {
	// Two processes that make the file at once: SQLite answers one of them
	// "busy" without waiting while the other turns on the WAL.
	deadline := time.Now().Add(busy)
	for {
		var mode string
		err := s.db.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode)
		var code *sqlite.Error
		if err == nil {
			break
		}
		if !errors.As(err, &code) || code.Code()&0xff != sqlite3.SQLITE_BUSY || time.Now().After(deadline) {
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
	s.has = len(migrations)
	if version, err := s.version(ctx, s.db); err == nil && version == len(migrations) {
		return nil
	}
	// What was just read may be from before and after another process's
	// migration: what is wrong is judged inside the transaction.
	tx, err := s.db.BeginTx(ctx, nil) // immediate: whoever comes second waits here
	if err != nil {
		return err
	}
	defer tx.Rollback()
	version, err := s.version(ctx, tx)
	if err != nil {
		return err
	}
	for i := version; i < len(migrations); i++ {
		if _, err := tx.ExecContext(ctx, migrations[i].SQL); err != nil {
			return fmt.Errorf("%s: %w", migrations[i].Name, err)
		}
		if migrations[i].Name == seriesMigration {
			if err := fillSeries(ctx, tx); err != nil {
				return fmt.Errorf("%s: %w", migrations[i].Name, err)
			}
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, len(migrations))); err != nil {
		return err
	}
	return tx.Commit()
}

type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// version returns the schema version of the file: 0 for a new one.
func (s *Store) version(ctx context.Context, db queryer) (int, error) {
	var version, application, tables int
	err := db.QueryRowContext(ctx, `
		SELECT (SELECT user_version FROM pragma_user_version),
		       (SELECT application_id FROM pragma_application_id),
		       (SELECT count(*) FROM sqlite_schema)`).Scan(&version, &application, &tables)
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

// Append keeps a run, and tells whether it is new: the same run again changes
// nothing. A *history.ConflictError says that the id is taken by another run.
func (s *Store) Append(ctx context.Context, r *run.Run) (added bool, err error) {
	if r.ID == "" {
		return false, errors.New("a run without an id cannot be kept")
	}
	text, err := r.Encode()
	if err != nil {
		return false, err
	}
	digest := sha256.Sum256(text)
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	z.Write(text) // into memory: cannot fail
	if err := z.Close(); err != nil {
		return false, err
	}
	environment, err := json.Marshal(r.Environment)
	if err != nil {
		return false, err
	}
	at, timed := time.Now(), 0
	if !r.Timestamp.IsZero() {
		at, timed = r.Timestamp, 1
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return false, s.explain(err)
	}
	defer tx.Rollback()
	result, err := tx.ExecContext(ctx, `
		INSERT INTO runs (id, app, version, commit_id, branch, dirty, time, timed, labels, environment, digest, document)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
		r.ID, r.App, r.Version, r.Commit, r.Branch, r.Dirty, at.UnixNano(), timed, labels(r.Labels), string(environment), digest[:], packed.Bytes())
	if err != nil {
		return false, s.explain(err)
	}
	if n, _ := result.RowsAffected(); n == 1 {
		return true, s.explain(finish(ctx, tx, result, r, at))
	}
	var kept []byte
	if err := tx.QueryRowContext(ctx, "SELECT digest FROM runs WHERE id = ?", r.ID).Scan(&kept); err != nil {
		return false, s.explain(err)
	}
	if !bytes.Equal(kept, digest[:]) {
		return false, &history.ConflictError{ID: r.ID}
	}
	return false, nil
}

// finish adds the metrics of a run that was inserted to their series.
func finish(ctx context.Context, tx *sql.Tx, inserted sql.Result, r *run.Run, at time.Time) error {
	seq, err := inserted.LastInsertId()
	if err != nil {
		return err
	}
	w, err := newSeriesWriter(ctx, tx)
	if err != nil {
		return err
	}
	if err := w.write(ctx, r, seq, at.UnixNano()); err != nil {
		return err
	}
	return tx.Commit()
}

// labels is the canonical text of labels, so that equal labels are equal text.
func labels(m map[string]string) string {
	if len(m) == 0 {
		return "{}"
	}
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // a map of strings always encodes
	}
	return string(text)
}

// Run returns a whole run, or history.ErrNotFound.
func (s *Store) Run(ctx context.Context, id string) (run.Run, error) {
	var packed []byte
	err := s.db.QueryRowContext(ctx, "SELECT document FROM runs WHERE id = ?", id).Scan(&packed)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return run.Run{}, fmt.Errorf("run %s: %w", id, history.ErrNotFound)
	case err != nil:
		return run.Run{}, s.explain(err)
	}
	text, err := unpack(packed)
	if err != nil {
		return run.Run{}, s.explain(fmt.Errorf("run %s is damaged: %w", id, err))
	}
	return run.Read(bytes.NewReader(text), "run "+id)
}

// unpack decompresses a document, to the end, so that its checksum is looked
// at.
func unpack(packed []byte) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(z, run.MaxSize+1))
}

// Heads returns the runs that the filter selects, newest first, without their
// metrics and stages; they share labels and environments. A run that came
// without a timestamp has the time when it was appended.
func (s *Store) Heads(ctx context.Context, f history.Filter) ([]run.Run, error) {
	query := "SELECT id, app, version, commit_id, branch, dirty, time, labels, environment FROM runs"
	var where []string
	var args []any
	match := func(condition string, value string) {
		if value != "" {
			where = append(where, condition)
			args = append(args, value)
		}
	}
	match("app = ?", f.App)
	match("branch = ?", f.Branch)
	match("version = ?", f.Version)
	match(`id LIKE ? || '%' ESCAPE '\'`, literal(f.IDPrefix)) // LIKE takes ASCII letters in either case
	match(`commit_id LIKE ? || '%' ESCAPE '\'`, literal(f.Commit))
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	query += " ORDER BY time DESC, id DESC"
	if f.Limit > 0 {
		query += fmt.Sprintf(" LIMIT %d", f.Limit)
	}
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	var heads []run.Run
	decode := headDecoder{}
	for rows.Next() {
		var r run.Run
		var at int64
		var labels, environment string
		if err := rows.Scan(&r.ID, &r.App, &r.Version, &r.Commit, &r.Branch, &r.Dirty, &at, &labels, &environment); err != nil {
			return nil, s.explain(err)
		}
		if err := decode.into(&r, at, labels, environment); err != nil {
			return nil, s.explain(err)
		}
		heads = append(heads, r)
	}
	return heads, s.explain(rows.Err())
}

// literal takes the meaning from what LIKE would read as wildcards.
func literal(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

// SetBaseline makes a run the baseline of its app for runs with its labels.
func (s *Store) SetBaseline(ctx context.Context, id string) error {
	result, err := s.db.ExecContext(ctx, `
		INSERT INTO baselines (app, labels, run) SELECT app, labels, seq FROM runs WHERE id = ?
		ON CONFLICT (app, labels) DO UPDATE SET run = excluded.run`, id)
	if err != nil {
		return s.explain(err)
	}
	if n, _ := result.RowsAffected(); n == 0 {
		return fmt.Errorf("run %s: %w", id, history.ErrNotFound)
	}
	return nil
}

// Baseline returns the id of the baseline that was set for an app and labels,
// or history.ErrNotFound.
func (s *Store) Baseline(ctx context.Context, app string, of map[string]string) (string, error) {
	var id string
	err := s.db.QueryRowContext(ctx, `
		SELECT runs.id FROM baselines JOIN runs ON runs.seq = baselines.run
		WHERE baselines.app = ? AND baselines.labels = ?`, app, labels(of)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("baseline of %s: %w", app, history.ErrNotFound)
	}
	return id, s.explain(err)
}

// ClearBaseline removes the baseline that was set for an app and labels, or
// returns history.ErrNotFound.
func (s *Store) ClearBaseline(ctx context.Context, app string, of map[string]string) error {
	result, err := s.db.ExecContext(ctx, "DELETE FROM baselines WHERE app = ? AND labels = ?", app, labels(of))
	if err != nil {
		return s.explain(err)
	}
	if n, _ := result.RowsAffected(); n == 0 {
		return fmt.Errorf("baseline of %s: %w", app, history.ErrNotFound)
	}
	return nil
}
