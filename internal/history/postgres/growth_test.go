package postgres

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/pgtest"
)

// What is asked of one app walks along an index that has it.
func TestQueriesUseIndexes(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := open(t, pgtest.Address(t))
	plan := func(name, index, text string, args ...any) {
		t.Helper()
		err := s.read(ctx, func(tx pgx.Tx) error {
			// So small a table would be read whole.
			if _, err := tx.Exec(ctx, "SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off"); err != nil {
				return err
			}
			var lines []string
			err := each(ctx, tx, "EXPLAIN "+text, args, func(rows pgx.Rows) error {
				var line string
				err := rows.Scan(&line)
				lines = append(lines, line)
				return err
			})
			if all := strings.Join(lines, "\n"); err == nil && (!strings.Contains(all, index) || strings.Contains(all, "Sort")) {
				t.Errorf("%s: without %s:\n%s", name, index, all)
			}
			return err
		})
		if err != nil {
			t.Fatal(name, err)
		}
	}
	for _, tt := range []struct {
		name, index string
		filter      history.Filter
	}{
		{"an app's branch", `Index Cond: ((app = 'app'::text) AND ("left"(branch, 100) = `, history.Filter{App: "app", Branch: "main"}},
		{"an app's version", `Index Cond: ((app = 'app'::text) AND ("left"(version, 100) = `, history.Filter{App: "app", Version: "1"}},
	} {
		var c conditions
		c.filter(tt.filter)
		plan(tt.name, tt.index, "SELECT r.seq FROM runs r"+c.where()+" ORDER BY r.time DESC, r.id DESC LIMIT 10", c.args...)
	}
	plan("a series", "Index Only Scan using points_pkey ", "SELECT "+pointColumns+" FROM points p WHERE p.metric = 1 ORDER BY p.time")
	plan("jobs to give up", "using jobs_worn ", strings.TrimSpace(giveUp), "k")
	plan("an app's audit log", "using audit_of_app ", "SELECT entry FROM audit WHERE app = $1 ORDER BY id DESC LIMIT 10", "app")
}

// What is remembered of numbers is bounded, and right whatever was forgotten.
func TestLookUp(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var remembered map[int32]string
	asked := 0
	get := func(ids ...int32) {
		t.Helper()
		got, err := lookUp(&mu, &remembered, ids, func(missing []int32, found map[int32]string) error {
			asked += len(missing)
			for _, id := range missing {
				found[id] = fmt.Sprint(id)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			if got[id] != fmt.Sprint(id) {
				t.Errorf("%d is %q", id, got[id])
			}
		}
		if len(remembered) > mostRemembered {
			t.Errorf("%d are remembered", len(remembered))
		}
	}
	get(1, 1, 2, 1)
	get(2, 1, 3)
	if asked != 3 {
		t.Errorf("asked for %d, want 3", asked)
	}
	for i := int32(1); i <= 3*mostRemembered; i += 1000 {
		get(i, i+1, i+2, 1)
	}
	var many []int32
	for i := range int32(2 * mostRemembered) {
		many = append(many, i+1)
	}
	get(many...)
	get(1, mostRemembered)
}
