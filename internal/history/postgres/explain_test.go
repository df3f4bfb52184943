package postgres

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pacer-perf/pacer/internal/history"
)

// What the server is short of may be there later; a full disk is said as such.
func TestExplain(t *testing.T) {
	t.Parallel()
	s := &Store{address: "postgres://db/pacer"}
	for code, want := range map[string][2]bool{ // unavailable, full
		"53000": {true, false}, "53100": {true, true}, "53200": {true, false}, "53300": {true, false}, "53400": {true, false},
		"57P01": {true, false}, "08006": {true, false}, "40001": {true, false},
		"54000": {}, "22021": {}, "23505": {},
	} {
		err := s.explain(fmt.Errorf("appending: %w", &pgconn.PgError{Code: code, Message: "no"}))
		if got := [2]bool{errors.Is(err, history.ErrUnavailable), errors.Is(err, history.ErrFull)}; got != want {
			t.Errorf("%s: %v: unavailable and full are %v, want %v", code, err, got, want)
		}
		var said interface{ SQLState() string }
		if !errors.As(err, &said) || said.SQLState() != code {
			t.Errorf("%v does not tell %s", err, code)
		}
	}
}
