package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/pacer-perf/pacer/internal/history"
)

const tokenColumns = "t.id, t.hash, t.name, t.app, t.roles, t.creator, t.created, t.expires, t.used, t.revoked"

func token(r *sqlite.Stmt) (t history.Token, err error) {
	t = history.Token{ID: r.ColumnText(0), Name: r.ColumnText(2), App: r.ColumnText(3), Creator: r.ColumnText(5),
		Created: moment(r, 6), Expires: moment(r, 7), Used: moment(r, 8), Revoked: moment(r, 9)}
	copy(t.Hash[:], blob(r, 1))
	return t, json.Unmarshal([]byte(r.ColumnText(4)), &t.Roles)
}

// moment reads a time: zero for null.
func moment(r *sqlite.Stmt, column int) time.Time {
	if r.ColumnIsNull(column) {
		return time.Time{}
	}
	return time.Unix(0, r.ColumnInt64(column)).UTC()
}

// orNever is what is bound for a time: null for zero.
func orNever(t time.Time) any {
	if t.IsZero() {
		return []byte(nil)
	}
	return nanos(t)
}

// HasTokens tells whether any token was ever made.
func (s *Store) HasTokens(ctx context.Context) (has bool, err error) {
	err = s.read(ctx, func(c *sqlite.Conn) error {
		return query(c, "SELECT EXISTS (SELECT 1 FROM tokens)", func(r *sqlite.Stmt) error { has = r.ColumnBool(0); return nil })
	})
	return has, s.explain(err)
}

// AddToken keeps a new token.
func (s *Store) AddToken(ctx context.Context, t history.Token) error {
	roles, err := json.Marshal(t.Roles)
	if err != nil {
		return err
	}
	return s.explain(s.write(ctx, func(c *sqlite.Conn) error {
		return query(c, "INSERT INTO tokens (id, hash, name, app, roles, creator, created, expires, used, revoked) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", nil,
			t.ID, t.Hash[:], t.Name, t.App, string(roles), t.Creator, nanos(t.Created), orNever(t.Expires), orNever(t.Used), orNever(t.Revoked))
	}))
}

// Token returns a token by its id.
func (s *Store) Token(ctx context.Context, id string) (history.Token, error) {
	list, err := s.tokens(ctx, "WHERE t.id = ?", id)
	if err == nil && len(list) == 0 {
		return history.Token{}, fmt.Errorf("token %s: %w", id, history.ErrNotFound)
	}
	if err != nil {
		return history.Token{}, err
	}
	return list[0], nil
}

// Tokens returns all tokens, or those of one app.
func (s *Store) Tokens(ctx context.Context, app string) ([]history.Token, error) {
	const order = " ORDER BY t.created DESC, t.id DESC"
	if app == "" {
		return s.tokens(ctx, order)
	}
	return s.tokens(ctx, "WHERE t.app = ?"+order, app)
}

func (s *Store) tokens(ctx context.Context, where string, args ...any) (list []history.Token, err error) {
	err = s.read(ctx, func(c *sqlite.Conn) error {
		return query(c, "SELECT "+tokenColumns+" FROM tokens t "+where, func(r *sqlite.Stmt) error {
			t, err := token(r)
			list = append(list, t)
			return err
		}, args...)
	})
	return list, s.explain(err)
}

// RevokeToken ends a token and its sessions.
func (s *Store) RevokeToken(ctx context.Context, id string, at time.Time) error {
	return s.explain(s.write(ctx, func(c *sqlite.Conn) error {
		if err := query(c, "UPDATE tokens SET revoked = coalesce(revoked, ?) WHERE id = ?", nil, nanos(at), id); err != nil {
			return err
		}
		if c.Changes() == 0 {
			return fmt.Errorf("token %s: %w", id, history.ErrNotFound)
		}
		return query(c, "DELETE FROM sessions WHERE token = ?", nil, id)
	}))
}

// briefly is how long a change waits for another writer that may as well be
// made a minute later.
const briefly = 250 * time.Millisecond

// UseToken notes when a token was used. It does not wait for another process
// that goes on writing.
func (s *Store) UseToken(ctx context.Context, id string, at time.Time) error {
	err := s.writer.with(ctx, func(c *sqlite.Conn) error {
		c.SetBusyTimeout(briefly)
		defer c.SetBusyTimeout(busy)
		return s.change(ctx, c, func(c *sqlite.Conn) error {
			return query(c, "UPDATE tokens SET used = ?1 WHERE id = ?2 AND (used IS NULL OR used < ?1)", nil, nanos(at), id)
		})
	})
	if sqlite.ErrCode(err).ToPrimary() == sqlite.ResultBusy {
		return fmt.Errorf("history %s: %w: another process is writing to it", s.path, history.ErrUnavailable)
	}
	return s.explain(err)
}

// AddSession keeps a session.
func (s *Store) AddSession(ctx context.Context, session history.Session) error {
	return s.explain(s.write(ctx, func(c *sqlite.Conn) error {
		if err := query(c, "DELETE FROM sessions WHERE expires <= ?", nil, nanos(session.Created)); err != nil {
			return err
		}
		return query(c, "INSERT INTO sessions (hash, token, created, expires) VALUES (?, ?, ?, ?)", nil,
			session.Hash[:], session.Token, nanos(session.Created), nanos(session.Expires))
	}))
}

// Session returns a session by its hash, with its token.
func (s *Store) Session(ctx context.Context, hash [sha256.Size]byte) (session history.Session, of history.Token, err error) {
	found := false
	err = s.read(ctx, func(c *sqlite.Conn) error {
		return query(c, "SELECT "+tokenColumns+", s.created, s.expires FROM sessions s JOIN tokens t ON t.id = s.token WHERE s.hash = ?", func(r *sqlite.Stmt) (err error) {
			found = true
			of, err = token(r)
			session = history.Session{Hash: hash, Token: of.ID, Created: moment(r, 10), Expires: moment(r, 11)}
			return err
		}, hash[:])
	})
	if err == nil && !found {
		err = fmt.Errorf("session: %w", history.ErrNotFound)
	}
	return session, of, s.explain(err)
}

// EndSession forgets a session.
func (s *Store) EndSession(ctx context.Context, hash [sha256.Size]byte) error {
	return s.explain(s.write(ctx, func(c *sqlite.Conn) error {
		return query(c, "DELETE FROM sessions WHERE hash = ?", nil, hash[:])
	}))
}
