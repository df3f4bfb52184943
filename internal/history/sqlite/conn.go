package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// readers is how many may read at once. There is one writer beside them, on a
// connection of its own: what that has of the file in memory stays true from one
// transaction to the next, as long as no other process writes.
const readers = 3

// pool hands out connections, which it opens as they are wanted. Who has to wait
// gets one in turn, rather than with SQLite, which lets the luckiest go first.
type pool struct {
	uri   string
	flags sqlite.OpenFlags
	slots chan *sqlite.Conn // nil: not yet opened
	once  sync.Once
}

func newPool(uri string, flags sqlite.OpenFlags, connections int) *pool {
	p := &pool{uri: uri, flags: flags, slots: make(chan *sqlite.Conn, connections)}
	for range connections {
		p.slots <- nil
	}
	return p
}

// take returns a connection that gives up when the context ends.
func (p *pool) take(ctx context.Context) (*sqlite.Conn, error) {
	select {
	case c, open := <-p.slots:
		if !open {
			return nil, errors.New("the history is closed")
		}
		if c == nil {
			var err error
			if c, err = p.open(); err != nil {
				p.slots <- nil
				return nil, err
			}
		}
		c.SetInterrupt(ctx.Done())
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// put gives a connection back: none that is still in a transaction, which could
// not be rolled back, and none that does not guard references.
func (p *pool) put(c *sqlite.Conn) {
	c.SetInterrupt(nil)
	guards := false
	err := query(c, "PRAGMA foreign_keys", func(r *sqlite.Stmt) error { guards = r.ColumnBool(0); return nil })
	if err != nil || !guards || !c.AutocommitEnabled() {
		c.Close() // which rolls back
		c = nil
	}
	p.slots <- c
}

// with calls f with a connection.
func (p *pool) with(ctx context.Context, f func(*sqlite.Conn) error) error {
	c, err := p.take(ctx)
	if err != nil {
		return err
	}
	defer p.put(c)
	if err = f(c); err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (p *pool) open() (*sqlite.Conn, error) {
	c, err := sqlite.OpenConn(p.uri, p.flags)
	if err != nil {
		return nil, err
	}
	c.SetBusyTimeout(busy)
	// 16 MB of pages: the tails of some thousand series fit, so that appending
	// to them reads nothing. The log grows to as much before it goes into the
	// file, for what is appended changes the same pages again and again: a sixth
	// less work than at 4 MB (go test -bench Store/packed).
	if err := execute(c, "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 2000"); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// close waits for the connections that are in use.
func (p *pool) close() (err error) {
	p.once.Do(func() {
		for range cap(p.slots) {
			if c := <-p.slots; c != nil {
				err = errors.Join(err, c.Close())
			}
		}
		close(p.slots)
	})
	return err
}

// execute runs statements that return nothing of interest.
func execute(c *sqlite.Conn, script string) error {
	for script != "" {
		stmt, rest, err := c.PrepareTransient(script)
		if err != nil {
			return err
		}
		for more := true; more && err == nil; {
			more, err = stmt.Step()
		}
		if err := errors.Join(err, stmt.Finalize()); err != nil {
			return err
		}
		script = script[len(script)-rest:]
	}
	return nil
}

// query runs a prepared statement with arguments and calls each with every
// row; nil: there are none.
func query(c *sqlite.Conn, text string, each func(*sqlite.Stmt) error, args ...any) error {
	stmt, err := c.Prepare(text)
	if err != nil {
		return err
	}
	defer stmt.Reset()
	for i, arg := range args {
		bind(stmt, i+1, arg)
	}
	for {
		more, err := stmt.Step()
		if err != nil || !more {
			return err
		}
		if each != nil {
			if err := each(stmt); err != nil {
				return err
			}
		}
	}
}

func bind(stmt *sqlite.Stmt, i int, arg any) {
	switch v := arg.(type) {
	case string:
		stmt.BindText(i, v)
	case int64:
		stmt.BindInt64(i, v)
	case int:
		stmt.BindInt64(i, int64(v))
	case bool:
		stmt.BindBool(i, v)
	case float64:
		bindFloat(stmt, i, v)
	case []byte:
		if v == nil {
			stmt.BindNull(i)
		} else {
			stmt.BindBytes(i, v)
		}
	default:
		panic(fmt.Sprintf("binding a %T", arg))
	}
}

// bindFloat binds a statistic: null if it is not known.
func bindFloat(stmt *sqlite.Stmt, i int, v float64) {
	if math.IsNaN(v) {
		stmt.BindNull(i)
	} else {
		stmt.BindFloat(i, v)
	}
}

// number reads a statistic: NaN if it is not known.
func number(r *sqlite.Stmt, column int) float64 {
	v := r.ColumnFloat(column)
	if v == 0 && r.ColumnIsNull(column) {
		return math.NaN()
	}
	return v
}

// blob reads bytes: nil for null.
func blob(r *sqlite.Stmt, column int) []byte {
	if r.ColumnIsNull(column) {
		return nil
	}
	b := make([]byte, r.ColumnLen(column))
	r.ColumnBytes(column, b)
	return b
}

// transaction calls f with all that it reads of one moment.
func transaction(c *sqlite.Conn, f func() error) (err error) {
	defer sqlitex.Transaction(c)(&err)
	return f()
}
