// Package postgres keeps runs in PostgreSQL 15 or newer, for teams that share a
// history and for several servers beside one another.
//
// A run is there once its Append has returned, as the server is configured to
// keep what it acknowledged. Nothing here remembers more of the database than
// numbers that never change, so that any number of processes may use it.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/schema"
)

// Store is a history in a database. Its methods may be called from any
// goroutine.
type Store struct {
	pool    *pgxpool.Pool
	address string // without a password

	mu     sync.Mutex
	known  names
	months map[string]time.Time // when to look again whether their partitions are there
	// By number, as they were read last.
	environments map[int32]string
	traits       map[int32]trait

	making   chan struct{} // held while partitions are made
	patience time.Duration // that one is waited for
}

var _ history.Store = (*Store)(nil)

// Open opens the history at an address, postgres://USER:PASSWORD@HOST/DATABASE
// with pgx's parameters, and makes its tables if they are not there. It fails
// with *history.NewerError if a newer Pacer made them.
func Open(ctx context.Context, address string) (*Store, error) {
	s, err := connect(ctx, address, false)
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx); err != nil {
		s.Close()
		return nil, s.explain(err)
	}
	return s, nil
}

// oldestRead is the schema version from which on a store is read as it is: what came
// later is needed for writing alone.
const oldestRead = 6

// OpenToRead opens the history at an address for reading alone: it makes and
// changes nothing, and needs no right to. It fails with *history.OlderError if the
// tables have to be changed before.
func OpenToRead(ctx context.Context, address string) (*Store, error) {
	s, err := connect(ctx, address, true)
	if err != nil {
		return nil, err
	}
	version, err := s.version(ctx, s.pool)
	switch {
	case err != nil:
	case version == 0:
		err = history.ErrNone
	case version < oldestRead:
		err = &history.OlderError{Store: s.address, Has: version, Needs: oldestRead}
	}
	if err != nil {
		s.Close()
		return nil, s.explain(err)
	}
	return s, nil
}

func connect(ctx context.Context, address string, readOnly bool) (*Store, error) {
	shown := Redact(address)
	config, err := pgxpool.ParseConfig(address)
	if err != nil || strayAt(address) {
		// What the parser says may quote the address with its password.
		return nil, fmt.Errorf("history %s: the address is not valid: expected postgres://USER:PASSWORD@HOST:PORT/DATABASE, with characters such as @ : / %% # in the password written as %%40 %%3A %%2F %%25 %%23", shown)
	}
	parameters := config.ConnConfig.RuntimeParams
	if parameters["application_name"] == "" {
		parameters["application_name"] = "pacer"
	}
	if readOnly {
		parameters["default_transaction_read_only"] = "on"
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("history %s: %w", shown, err)
	}
	return &Store{pool: pool, address: shown, months: make(map[string]time.Time), making: make(chan struct{}, 1), patience: 500 * time.Millisecond}, nil
}

// strayAt tells whether an address has an @ in its password that is not written
// %40: the host would be looked for by the name of what follows it, and errors
// would tell that.
func strayAt(address string) bool {
	_, rest, _ := strings.Cut(address, "://")
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	return strings.Count(rest, "@") > 1
}

// Redact returns an address without its password.
func Redact(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		// What cannot be read cannot be told from a password.
		scheme, _, _ := strings.Cut(address, ":")
		return scheme + "://..."
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), "xxxxx")
	}
	q := u.Query()
	for key := range q {
		if key == "password" || key == "sslpassword" {
			q.Set(key, "xxxxx")
			u.RawQuery = q.Encode()
		}
	}
	return u.String()
}

// Address is the address without a password.
func (s *Store) Address() string { return s.address }

// Close closes the connections.
func (s *Store) Close() error {
	s.pool.Close()
	return nil
}

// explain adds the address to an error that does not name it, and says whether
// trying again may help.
func (s *Store) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case history.IsAnswer(err):
		return err
	case codeOf(err) == diskFull:
		return fmt.Errorf("history %s: %w: %w", s.address, history.ErrFull, err)
	case passing(err):
		return fmt.Errorf("history %s: %w: %w", s.address, history.ErrUnavailable, err)
	}
	return fmt.Errorf("history %s: %w", s.address, err)
}

const diskFull = "53100"

// codeOf is what the server calls an error: its SQLSTATE, or "".
func codeOf(err error) string {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		return said.Code
	}
	return ""
}

// passing tells whether an error is of the moment: the server is away, starting
// or ending, is short of something (class 53: connections, memory, room), or chose
// this transaction to give way.
func passing(err error) bool {
	if code := codeOf(err); code != "" {
		switch code {
		case "40001", "40P01", "55P03", "57P01", "57P02", "57P03", "57P05":
			return true
		}
		return strings.HasPrefix(code, "08") || strings.HasPrefix(code, "53")
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || strings.Contains(err.Error(), "conn closed")
}

// The advisory locks of the store: arbitrary numbers of its own.
const (
	migrating    = 0x5061_6372_01
	partitioning = 0x5061_6372_02
)

// migrate brings the schema to the newest version, in one transaction. Whoever
// comes second waits for the lock: in PostgreSQL even CREATE TABLE IF NOT
// EXISTS races with itself. Of a large history it may take minutes, which a deadline
// does not end: it would begin anew each time.
func (s *Store) migrate(ctx context.Context) error {
	migrations := schema.Postgres()
	switch version, err := s.version(ctx, s.pool); {
	case err == nil && version == len(migrations):
		return nil
	case err == nil && version > 0:
		var end context.CancelFunc
		ctx, end = withoutDeadline(ctx)
		defer end()
	}
	return s.write(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", migrating); err != nil {
			return err
		}
		version, err := s.version(ctx, tx)
		if err != nil {
			return err
		}
		if version == 0 {
			if _, err := tx.Exec(ctx, "CREATE TABLE pacer_history (version integer NOT NULL); INSERT INTO pacer_history VALUES (0)"); err != nil {
				return err
			}
		}
		for i := version; i < len(migrations); i++ {
			if _, err := tx.Exec(ctx, migrations[i].SQL); err != nil {
				return fmt.Errorf("%s: %w", migrations[i].Name, err)
			}
		}
		_, err = tx.Exec(ctx, "UPDATE pacer_history SET version = $1", len(migrations))
		return err
	})
}

// withoutDeadline returns a context that ends when the given one is cancelled before
// its time is over, and not when that is.
func withoutDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	patient, end := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) {
			end()
		}
	})
	return patient, func() { stop(); end() }
}

// exists is the condition that there is a table. It looks into the catalogue:
// to_regclass answers from a cache that an advisory lock does not refresh.
func exists(table string) string {
	return "EXISTS (SELECT 1 FROM pg_class WHERE relname = " + table + " AND pg_table_is_visible(oid))"
}

type queryer interface {
	Query(ctx context.Context, text string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, text string, args ...any) pgx.Row
}

// version returns the schema version of the database: 0 for one without a
// history.
func (s *Store) version(ctx context.Context, db queryer) (int, error) {
	var ours, others bool
	if err := db.QueryRow(ctx, "SELECT "+exists("'pacer_history'")+", "+exists("'runs'")).Scan(&ours, &others); err != nil {
		return 0, err
	}
	if !ours {
		if others {
			return 0, errors.New("the database has a table runs of another program: use a database or a schema (search_path) of its own")
		}
		return 0, nil
	}
	version, known := 0, len(schema.Postgres())
	if err := db.QueryRow(ctx, "SELECT version FROM pacer_history").Scan(&version); err != nil {
		return 0, err
	}
	if version > known {
		return 0, &history.NewerError{Store: s.address, Has: version, Newest: known}
	}
	return version, nil
}

// write calls f in a transaction, which holds if f returns nil, with the entry
// of the audit log that the context asks for.
func (s *Store) write(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		if a := history.AuditOf(ctx); a != nil {
			return record(ctx, tx, *a)
		}
		return nil
	})
}

// change executes one statement in a transaction of its own. It returns
// history.ErrNotFound, of what is named, if no row was changed.
func (s *Store) change(ctx context.Context, what, text string, args ...any) error {
	return s.explain(s.write(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, text, args...)
		if err == nil && tag.RowsAffected() == 0 {
			err = fmt.Errorf("%s: %w", what, history.ErrNotFound)
		}
		return err
	}))
}

// read calls f in a transaction in which all that it reads is of one moment.
func (s *Store) read(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, f)
}

// each calls f with every row of a query.
func each(ctx context.Context, db queryer, text string, args []any, f func(pgx.Rows) error) error {
	rows, err := db.Query(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// PostgreSQL's text cannot hold the character 0. It is written as \x01\x01, and
// \x01 as \x01\x02.
var (
	escaper   = strings.NewReplacer("\x00", "\x01\x01", "\x01", "\x01\x02")
	unescaper = strings.NewReplacer("\x01\x01", "\x00", "\x01\x02", "\x01")
)

func escape(s string) string { return escaper.Replace(s) }

func unescape(s string) string {
	if strings.IndexByte(s, 1) < 0 {
		return s
	}
	return unescaper.Replace(s)
}
