package postgres

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/pgtest"
	"github.com/pacer-perf/pacer/internal/history/storetest"
	"github.com/pacer-perf/pacer/run"
)

// A series with few points among many runs reads its own runs, one with most of
// them reads along: what comes back is the same.
func TestSparseSeries(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := open(t, pgtest.Address(t))
	const n, every = 4000, 7
	var b history.Batch
	for i := range n {
		r := storetest.Sample(fmt.Sprintf("R%05d", i))
		r.Timestamp = r.Timestamp.Add(time.Duration(i/2) * time.Hour) // two at a time, over months
		r.Branch = []string{"main", "fix"}[i/100%2]
		r.Metrics[0].Samples = []float64{float64(i)}
		if i%every == 0 {
			r.Metrics = append(r.Metrics, run.Metric{Name: "sparse", Unit: "s", Samples: []float64{float64(i)}})
		}
		e, err := history.Pack(r)
		if err != nil {
			t.Fatal(err)
		}
		b.Entries = append(b.Entries, e)
	}
	if _, err := s.AppendBatch(ctx, b); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		key    string
		branch string
		step   int
		dense  bool
	}{{"startup", "", 1, true}, {"startup", "fix", 1, true}, {"sparse", "", every, false}, {"sparse", "main", every, false}} {
		f := history.SeriesFilter{Key: tt.key, Unit: "s", Branch: tt.branch}
		list, err := s.Series(ctx, f)
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v: %d series, %v", f, len(list), err)
		}
		var want []string
		for i := 0; i < n; i += tt.step {
			if branch := []string{"main", "fix"}[i/100%2]; tt.branch == "" || branch == tt.branch {
				want = append(want, fmt.Sprintf("R%05d=%d on %s", i, i, branch))
			}
		}
		var got []string
		for _, p := range list[0].Points {
			got = append(got, fmt.Sprintf("%s=%v on %s", p.Run.ID, p.Center, p.Run.Branch))
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%+v: %d points, want %d: %.200s", f, len(got), len(want), got)
		}

		r := reader{store: s, heads: make(map[int64]*run.Run)}
		metrics, err := r.metrics(ctx, f)
		if err != nil || len(metrics) != 1 {
			t.Fatalf("%d metrics, %v", len(metrics), err)
		}
		if err := r.ofMetric(ctx, metrics[0], f); err != nil {
			t.Fatal(err)
		}
		if dense, err := r.dense(ctx, metrics[0], metrics[0].times); dense != tt.dense || err != nil {
			t.Errorf("%s is dense: %v, %v", tt.key, dense, err)
		}
	}
	// One by one, each run is looked for where it is.
	err := s.read(ctx, func(tx pgx.Tx) error {
		var lines []string
		at := storetest.Sample("").Timestamp.UnixNano()
		err := each(ctx, tx, "EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) SELECT r.seq FROM "+oneByOne, []any{[]int64{at, at}, []int64{1, 2}}, func(rows pgx.Rows) error {
			var line string
			err := rows.Scan(&line)
			lines = append(lines, line)
			return err
		})
		all := strings.Join(lines, "\n")
		if !strings.Contains(all, "Index Cond: ((\"time\" = x.t) AND (seq = x.s))") || !strings.Contains(all, "never executed") || strings.Contains(all, "Seq Scan") {
			t.Errorf("the plan is another one:\n%s", all)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
