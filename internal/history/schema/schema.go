// Package schema holds the SQL that makes and migrates stores, one folder a
// dialect, one file a version; the files of the dialects have the same names. A
// released file never changes: the next one puts it right.
package schema

import (
	"embed"
	"io/fs"
	"path"
)

//go:embed sqlite/*.sql postgres/*.sql
var files embed.FS

// Migration is one version of a schema.
type Migration struct {
	Name string // 0001_runs.sql
	SQL  string
}

// SQLite returns the migrations in order; the first makes version 1.
func SQLite() []Migration { return dialect("sqlite") }

// Postgres returns the migrations in order; the first makes version 1.
func Postgres() []Migration { return dialect("postgres") }

func dialect(name string) []Migration {
	entries, err := fs.ReadDir(files, name) // sorted by name
	if err != nil {
		panic(err)
	}
	list := make([]Migration, len(entries))
	for i, e := range entries {
		text, err := fs.ReadFile(files, path.Join(name, e.Name()))
		if err != nil {
			panic(err)
		}
		list[i] = Migration{Name: e.Name(), SQL: string(text)}
	}
	return list
}
