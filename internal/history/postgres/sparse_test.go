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
// them reads along, and one that was away for long does both: what comes back is
// the same.
func TestSparseSeries(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := open(t, pgtest.Address(t))
	const n = 4000
	has := map[string]func(i int) bool{
		"startup": func(int) bool { return true },
		"sparse":  func(i int) bool { return i%7 == 0 },
		"gap":     func(i int) bool { return i < 700 || i >= n-900 },
		"seldom":  func(i int) bool { return i < 1100 || i%12 == 0 }, // from some day on
	}
	var b history.Batch
	for i := range n {
		r := storetest.Sample(fmt.Sprintf("R%05d", i))
		r.Timestamp = r.Timestamp.Add(time.Duration(i/2) * time.Hour) // two at a time, over months
		r.Branch = []string{"main", "fix"}[i/100%2]
		r.Metrics[0].Samples = []float64{float64(i)}
		for _, name := range []string{"sparse", "gap", "seldom"} {
			if has[name](i) {
				r.Metrics = append(r.Metrics, run.Metric{Name: name, Unit: "s", Samples: []float64{float64(i)}})
			}
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
		key, branch   string
		dense, sparse int // stretches that are read along, runs that are looked up
	}{
		{"startup", "", 1, 0}, {"startup", "fix", 1, 0},
		{"sparse", "", 0, 572}, {"sparse", "main", 0, 572},
		{"gap", "", 2, 0}, {"gap", "fix", 2, 0},
		{"seldom", "", 1, 342}, {"seldom", "main", 1, 342},
	} {
		f := history.SeriesFilter{Key: tt.key, Unit: "s", Branch: tt.branch}
		list, err := s.Series(ctx, f)
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v: %d series, %v", f, len(list), err)
		}
		var want []string
		for i := range n {
			if branch := []string{"main", "fix"}[i/100%2]; has[tt.key](i) && (tt.branch == "" || branch == tt.branch) {
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

		r := newReader(s)
		metrics, err := r.metrics(ctx, f)
		if err != nil || len(metrics) != 1 {
			t.Fatalf("%d metrics, %v", len(metrics), err)
		}
		if err := r.ofMetric(ctx, metrics[0], f); err != nil {
			t.Fatal(err)
		}
		m := metrics[0]
		var seqs, times []int64
		for _, p := range m.points {
			seqs, times = append(seqs, p.run), append(times, p.time)
		}
		if dense, sparse, err := r.ways(ctx, m, seqs, times); len(dense.from) != tt.dense || len(sparse.seqs) != tt.sparse || err != nil {
			t.Errorf("%s: %d stretches are read along, %d runs one by one, %v", tt.key, len(dense.from), len(sparse.seqs), err)
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
