package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"zombiezen.com/go/sqlite"

	"github.com/pacer-perf/pacer/internal/history"
)

// Check runs SQLite's own checks, and looks for rows that belong to no run.
func (s *Store) Check(ctx context.Context) ([]history.Problem, error) {
	var list []history.Problem
	err := s.read(ctx, func(c *sqlite.Conn) error {
		add := func(prefix string) func(*sqlite.Stmt) error {
			return func(r *sqlite.Stmt) error {
				if text := r.ColumnText(0); text != "ok" {
					list = append(list, history.Problem{What: prefix + text})
				}
				return nil
			}
		}
		return errors.Join(
			query(c, "PRAGMA integrity_check(20)", add("")),
			query(c, "PRAGMA foreign_key_check", add("rows that belong to nothing in table ")),
			query(c, "SELECT id FROM runs WHERE seq NOT IN (SELECT run FROM documents)", func(r *sqlite.Stmt) error {
				list = append(list, history.Problem{Run: r.ColumnText(0), What: "it has no document"})
				return nil
			}))
	})
	return list, s.explain(err)
}

// Size is that of the file and the log beside it.
func (s *Store) Size(context.Context) (int64, error) {
	total := int64(0)
	for _, name := range []string{s.path, s.path + "-wal"} {
		info, err := os.Stat(name)
		switch {
		case err == nil:
			total += info.Size()
		case !errors.Is(err, fs.ErrNotExist):
			return 0, err
		}
	}
	return total, nil
}

// Vacuum writes the file anew without unused pages, which takes as much room
// again while it goes on.
func (s *Store) Vacuum(ctx context.Context) error {
	return s.explain(s.writer.with(ctx, func(c *sqlite.Conn) error {
		return execute(c, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA optimize")
	}))
}
