package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pacer-perf/pacer/internal/history"
)

const tokenColumns = "t.id, t.hash, t.name, t.app, t.roles, t.creator, t.created, t.expires, t.used, t.revoked"

// scanToken reads a token, and what stands behind it.
func scanToken(row pgx.Row, more ...any) (t history.Token, err error) {
	var hash []byte
	var roles string
	var created int64
	var expires, used, revoked *int64
	if err := row.Scan(append([]any{&t.ID, &hash, &t.Name, &t.App, &roles, &t.Creator, &created, &expires, &used, &revoked}, more...)...); err != nil {
		return t, err
	}
	copy(t.Hash[:], hash)
	t.Name, t.App, t.Creator = unescape(t.Name), unescape(t.App), unescape(t.Creator)
	t.Created, t.Expires, t.Used, t.Revoked = moment(&created), moment(expires), moment(used), moment(revoked)
	return t, json.Unmarshal([]byte(roles), &t.Roles)
}

// moment is the time of a column: zero for null.
func moment(nanos *int64) time.Time {
	if nanos == nil {
		return time.Time{}
	}
	return time.Unix(0, *nanos).UTC()
}

// orNever is what a column holds of a time: null for zero.
func orNever(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return nanos(t)
}

// HasTokens tells whether any token was ever made.
func (s *Store) HasTokens(ctx context.Context) (has bool, err error) {
	err = s.pool.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM tokens)").Scan(&has)
	return has, s.explain(err)
}

// AddToken keeps a new token.
func (s *Store) AddToken(ctx context.Context, t history.Token) error {
	roles, err := json.Marshal(t.Roles)
	if err != nil {
		return err
	}
	return s.change(ctx, "token "+t.ID, "INSERT INTO tokens (id, hash, name, app, roles, creator, created, expires, used, revoked) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		t.ID, t.Hash[:], escape(t.Name), escape(t.App), string(roles), escape(t.Creator), nanos(t.Created), orNever(t.Expires), orNever(t.Used), orNever(t.Revoked))
}

// Token returns a token by its id.
func (s *Store) Token(ctx context.Context, id string) (history.Token, error) {
	t, err := scanToken(s.pool.QueryRow(ctx, "SELECT "+tokenColumns+" FROM tokens t WHERE t.id = $1", escape(id)))
	if errors.Is(err, pgx.ErrNoRows) {
		err = fmt.Errorf("token %s: %w", id, history.ErrNotFound)
	}
	return t, s.explain(err)
}

// Tokens returns all tokens, or those of one app.
func (s *Store) Tokens(ctx context.Context, app string) ([]history.Token, error) {
	var c conditions
	c.add(app != "", "t.app = ?", escape(app))
	var list []history.Token
	err := each(ctx, s.pool, "SELECT "+tokenColumns+" FROM tokens t"+c.where()+" ORDER BY t.created DESC, t.id DESC", c.args, func(rows pgx.Rows) error {
		t, err := scanToken(rows)
		list = append(list, t)
		return err
	})
	return list, s.explain(err)
}

// RevokeToken ends a token and its sessions.
func (s *Store) RevokeToken(ctx context.Context, id string, at time.Time) error {
	return s.explain(s.write(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, "UPDATE tokens SET revoked = coalesce(revoked, $1) WHERE id = $2", nanos(at), escape(id))
		if err == nil && tag.RowsAffected() == 0 {
			err = fmt.Errorf("token %s: %w", id, history.ErrNotFound)
		}
		if err == nil {
			_, err = tx.Exec(ctx, "DELETE FROM sessions WHERE token = $1", escape(id))
		}
		return err
	}))
}

// UseToken notes when a token was used.
func (s *Store) UseToken(ctx context.Context, id string, at time.Time) error {
	_, err := s.pool.Exec(ctx, "UPDATE tokens SET used = $1 WHERE id = $2 AND (used IS NULL OR used < $1)", nanos(at), escape(id))
	return s.explain(err)
}

// AddSession keeps a session.
func (s *Store) AddSession(ctx context.Context, session history.Session) error {
	return s.explain(s.write(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM sessions WHERE expires <= $1", nanos(session.Created)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO sessions (hash, token, created, expires) VALUES ($1, $2, $3, $4)",
			session.Hash[:], escape(session.Token), nanos(session.Created), nanos(session.Expires))
		return err
	}))
}

// Session returns a session by its hash, with its token.
func (s *Store) Session(ctx context.Context, hash [sha256.Size]byte) (history.Session, history.Token, error) {
	var created, expires int64
	t, err := scanToken(s.pool.QueryRow(ctx, "SELECT "+tokenColumns+", s.created, s.expires FROM sessions s JOIN tokens t ON t.id = s.token WHERE s.hash = $1", hash[:]), &created, &expires)
	if errors.Is(err, pgx.ErrNoRows) {
		err = fmt.Errorf("session: %w", history.ErrNotFound)
	}
	return history.Session{Hash: hash, Token: t.ID, Created: moment(&created), Expires: moment(&expires)}, t, s.explain(err)
}

// EndSession forgets a session.
func (s *Store) EndSession(ctx context.Context, hash [sha256.Size]byte) error {
	return s.explain(s.write(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM sessions WHERE hash = $1", hash[:])
		return err
	}))
}
