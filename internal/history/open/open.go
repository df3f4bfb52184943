// Package open opens the history that an address names:
//
//	history.db, sqlite:history.db      a file
//	postgres://USER@HOST/DATABASE      PostgreSQL
//	prom+http://HOST:PORT              what speaks the API of Prometheus, to read
//
// It never puts a password into an error.
package open

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/postgres"
	"github.com/pacer-perf/pacer/internal/history/prom"
	"github.com/pacer-perf/pacer/internal/history/sqlite"
)

// IsAddress tells an address with a scheme from a path and from other words.
func IsAddress(word string) bool {
	scheme, _ := split(word)
	return scheme != ""
}

// split returns the scheme of an address, "" for a path, and what follows it.
func split(address string) (scheme, rest string) {
	scheme, rest, ok := strings.Cut(address, ":")
	switch {
	case !ok || len(scheme) < 2: // C:\history.db is a path
		return "", address
	case scheme == "sqlite", scheme == "postgres", scheme == "postgresql", strings.HasPrefix(scheme, "prom+"), strings.HasPrefix(rest, "//"):
		return scheme, rest
	}
	return "", address
}

// Redact returns an address without what is secret in it.
func Redact(address string) string {
	if IsAddress(address) {
		return postgres.Redact(address)
	}
	return address
}

// Store opens a history to read and write it, and makes it if there is none.
func Store(ctx context.Context, address string) (history.Store, error) {
	switch scheme, rest := split(address); {
	case scheme == "":
		return sqliteStore(ctx, rest)
	case scheme == "sqlite":
		return sqliteStore(ctx, file(rest))
	case scheme == "postgres", scheme == "postgresql":
		s, err := postgres.Open(ctx, address)
		if err != nil {
			return nil, err // not a nil *postgres.Store
		}
		return s, nil
	case strings.HasPrefix(scheme, "prom+"):
		return nil, &history.ReadOnlyError{Store: Redact(address)}
	default:
		return nil, unknown(scheme)
	}
}

// Reader opens a history to read it. It makes nothing: where there is none, it
// returns history.ErrNone.
func Reader(ctx context.Context, address string) (history.Reader, error) {
	switch scheme, rest := split(address); {
	case scheme == "":
		return sqliteReader(ctx, rest)
	case scheme == "sqlite":
		return sqliteReader(ctx, file(rest))
	case scheme == "postgres", scheme == "postgresql":
		s, err := postgres.OpenToRead(ctx, address)
		if err != nil {
			return nil, err
		}
		return s, nil
	case strings.HasPrefix(scheme, "prom+"):
		s, err := prom.Open(address)
		if err != nil {
			return nil, err
		}
		return s, nil
	default:
		return nil, unknown(scheme)
	}
}

// file is the path of sqlite:history.db, sqlite:/tmp/history.db and
// sqlite:///tmp/history.db.
func file(rest string) string {
	if path, ok := strings.CutPrefix(rest, "//"); ok {
		return path
	}
	return rest
}

func sqliteStore(ctx context.Context, path string) (history.Store, error) {
	s, err := sqlite.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func sqliteReader(ctx context.Context, path string) (history.Reader, error) {
	s, err := sqlite.OpenToRead(ctx, path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: %w", path, history.ErrNone)
	case err != nil:
		return nil, err
	}
	return s, nil
}

func unknown(scheme string) error {
	return fmt.Errorf("%s: is no kind of history: expected a path, sqlite:PATH, postgres://..., prom+http://... or prom+https://", scheme)
}
