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
}

// Open opens the history at path, and makes it if it is not there, with its
// directory. It fails with *history.NewerError if a newer Pacer wrote it.
func Open(ctx context.Context, path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	file := url.URL{Scheme: "file", Path: filepath.ToSlash(absolute), RawQuery: strings.Join([]string{
		fmt.Sprintf("_pragma=busy_timeout(%d)", busy.Milliseconds()),
		"_pragma=foreign_keys(1)", "_pragma=synchronous(FULL)", "_txlock=immediate",
	}, "&")}
	db, err := sql.Open("sqlite", file.String())
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	// One connection: SQLite writes one at a time anyway, and a command needs
	// no more.
	db.SetMaxOpenConns(1)
	s := &Store{db: db, path: path}
	if err := s.prepare(ctx); err != nil {
		db.Close()
		return nil, s.explain(err)
	}
	return s, nil
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
	if version, err := s.version(ctx, s.db); err != nil || version == len(migrations) {
		return err
	}
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
	err := errors.Join(
		db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version),
		db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&application),
		db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables),
	)
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
	result, err := s.db.ExecContext(ctx, `
		INSERT INTO runs (id, app, version, commit_id, branch, dirty, time, timed, labels, environment, digest, document)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
		r.ID, r.App, r.Version, r.Commit, r.Branch, r.Dirty, at.UnixNano(), timed, labels(r.Labels), string(environment), digest[:], packed.Bytes())
	if err != nil {
		return false, s.explain(err)
	}
	if n, _ := result.RowsAffected(); n == 1 {
		return true, nil
	}
	var kept []byte
	if err := s.db.QueryRowContext(ctx, "SELECT digest FROM runs WHERE id = ?", r.ID).Scan(&kept); err != nil {
		return false, s.explain(err)
	}
	if !bytes.Equal(kept, digest[:]) {
		return false, &history.ConflictError{ID: r.ID}
	}
	return false, nil
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
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return run.Run{}, s.explain(fmt.Errorf("run %s: %w", id, err))
	}
	// Read to the end, so that the checksum is looked at.
	text, err := io.ReadAll(io.LimitReader(z, run.MaxSize+1))
	if err != nil {
		return run.Run{}, s.explain(fmt.Errorf("run %s: %w", id, err))
	}
	return run.Read(bytes.NewReader(text), "run "+id)
}

// Heads returns the runs that the filter selects, newest first, without their
// metrics and stages. A run that came without a timestamp has the time when it
// was appended.
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
	query += " ORDER BY time DESC, seq DESC"
	if f.Limit > 0 {
		query += fmt.Sprintf(" LIMIT %d", f.Limit)
	}
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	var heads []run.Run
	for rows.Next() {
		var r run.Run
		var at int64
		var labels, environment string
		if err := rows.Scan(&r.ID, &r.App, &r.Version, &r.Commit, &r.Branch, &r.Dirty, &at, &labels, &environment); err != nil {
			return nil, s.explain(err)
		}
		r.Timestamp = time.Unix(0, at).UTC()
		if err := errors.Join(json.Unmarshal([]byte(labels), &r.Labels), json.Unmarshal([]byte(environment), &r.Environment)); err != nil {
			return nil, s.explain(fmt.Errorf("run %s: %w", r.ID, err))
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
