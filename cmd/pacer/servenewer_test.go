//go:build unix

package main

import (
	"path/filepath"
	"strings"
	"testing"

	sqlite3 "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// A history of a newer pacer is not served.
func TestServeNewer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keep(t, dir, "01", 1)
	c, err := sqlite3.OpenConn(filepath.Join(dir, ".pacer", "history.db"), sqlite3.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := sqlitex.ExecuteTransient(c, "PRAGMA user_version = 99", nil); err != nil {
		t.Fatal(err)
	}
	status, out, stderr := said(t, dir, nil, "serve", "--addr", "127.0.0.1:0")
	if status != 2 || out != "" || !strings.Contains(stderr, "history.db has schema version 99") {
		t.Errorf("status %d: %s%s", status, out, stderr)
	}
}
