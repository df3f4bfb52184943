package sqlite

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/schema"
	"github.com/pacer-perf/pacer/run"
)

// several are runs that have little in common, three of them of one time.
func several() []*run.Run {
	var list []*run.Run
	for i, edit := range []func(*run.Run){
		func(*run.Run) {},
		func(r *run.Run) { r.Branch = "fix"; r.Dirty = true; r.Environment = nil },
		func(r *run.Run) { r.Timestamp = r.Timestamp.Add(-time.Hour) }, // as the first two // of the time of the first
		func(r *run.Run) { r.Labels = map[string]string{"dataset": "1k"} },
		func(r *run.Run) { r.App = "other" },
		func(r *run.Run) {
			r.Metrics = append(r.Metrics,
				run.Metric{Name: "filter", Unit: "s", Labels: map[string]string{"rows": "10"}, Samples: []float64{4}, Resolution: 1e-9},
				run.Metric{Name: "startup", Unit: "ms", Summary: &run.Stats{Mean: 7, Min: math.NaN(), Max: math.NaN(), Stddev: math.NaN(),
					P50: math.NaN(), P90: math.NaN(), P95: math.NaN(), P99: math.NaN(), P999: math.NaN()}},
				run.Metric{Name: "nothing", Unit: "s"})
		},
	} {
		r := sample(fmt.Sprintf("R%d", i))
		r.Timestamp = r.Timestamp.Add(time.Duration(i/2) * time.Hour)
		r.Metrics[0].Samples = []float64{float64(i), float64(i + 1)}
		edit(r)
		list = append(list, r)
	}
	return list
}

// describe writes series as short lines.
func describe(list []history.Series) string {
	var b strings.Builder
	for i := range list {
		s := &list[i]
		fmt.Fprintf(&b, "%s %s %s:", run.Key(s.App, s.RunLabels), s.Key(), s.Unit)
		for _, p := range s.Points {
			fmt.Fprintf(&b, " %s=%v", p.Run.ID, p.Center)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestSeries(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := open(t, filepath.Join(t.TempDir(), "h.db"))
	for _, r := range several() {
		if _, err := s.Append(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name   string
		filter history.SeriesFilter
		want   string
	}{
		{"one metric", history.SeriesFilter{App: "app", Key: "startup", Unit: "s"}, `
			app startup s: R0=0.5 R1=1.5 R2=2.5 R5=5.5
			app{dataset=1k} startup s: R3=3.5`},
		{"all units", history.SeriesFilter{App: "app", Key: "startup", Runs: []string{"R5"}}, `
			app startup ms: R5=7
			app startup s: R5=5.5`},
		{"labels", history.SeriesFilter{Key: "filter{rows=10}"}, `
			app filter{rows=10} s: R5=4`},
		{"a branch", history.SeriesFilter{Branch: "fix"}, `
			app startup s: R1=1.5`},
		{"all of some runs", history.SeriesFilter{Runs: []string{"R5", "R4", "R0", "nobody"}}, `
			app filter{rows=10} s: R5=4
			app startup ms: R5=7
			app startup s: R0=0.5 R5=5.5
			other startup s: R4=4.5`},
		{"of no runs", history.SeriesFilter{Runs: []string{}}, ""},
		{"nothing of that name", history.SeriesFilter{Key: "nothing"}, ""},
	} {
		list, err := s.Series(ctx, tt.filter)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.ReplaceAll(strings.TrimPrefix(tt.want+"\n", "\n"), "\t", "")
		if diff := cmp.Diff(want, describe(list)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}

	list, err := s.Series(ctx, history.SeriesFilter{Key: "filter{rows=10}"})
	if err != nil {
		t.Fatal(err)
	}
	head := sample("R5")
	head.Metrics, head.Timestamp = nil, head.Timestamp.Add(2*time.Hour)
	nan := math.NaN()
	want := []history.Series{{App: "app", Name: "filter", Labels: map[string]string{"rows": "10"}, Unit: "s", Points: []history.Point{{
		Run: head, Resolution: 1e-9, Center: 4, Statistic: "median",
		Stats: run.Stats{Count: 1, Mean: 4, Min: 4, Max: 4, Stddev: nan, P50: 4, P90: nan, P95: 4, P99: 4, P999: nan},
	}}}}
	same := cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })
	if diff := cmp.Diff(want, list, same); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	metrics, err := s.Metrics(ctx, "app")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]history.Metric{
		{App: "app", Name: "filter", Labels: map[string]string{"rows": "10"}, Unit: "s", Runs: 1},
		{App: "app", Name: "startup", Unit: "ms", Runs: 1},
		{App: "app", Name: "startup", Unit: "s", Runs: 5},
	}, metrics); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if metrics, err = s.Metrics(ctx, ""); err != nil || len(metrics) != 4 {
		t.Errorf("metrics of all apps: %v, %v", metrics, err)
	}
}

// The order in which runs were appended tells nothing.
func TestOrderOfAppending(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	want := ""
	for i := range 10 {
		s := open(t, filepath.Join(t.TempDir(), "h.db"))
		runs := several()
		rng.Shuffle(len(runs), func(a, b int) { runs[a], runs[b] = runs[b], runs[a] })
		for _, r := range runs {
			if _, err := s.Append(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		list, err := s.Series(t.Context(), history.SeriesFilter{})
		if err != nil {
			t.Fatal(err)
		}
		got := describe(list)
		heads, err := s.Heads(t.Context(), history.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range heads {
			got += " " + h.ID
		}
		if i == 0 {
			want = got
		}
		if got != want {
			t.Fatalf("appended in another order:\n%s\nwant\n%s", got, want)
		}
	}
}

// A run that is refused leaves no points behind.
func TestSeriesOfRefused(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := open(t, filepath.Join(t.TempDir(), "h.db"))
	for range 2 {
		if _, err := s.Append(ctx, sample("A")); err != nil {
			t.Fatal(err)
		}
	}
	other := sample("A")
	other.Metrics[0].Name = "another"
	if _, err := s.Append(ctx, other); err == nil {
		t.Fatal("no conflict")
	}
	if list, err := s.Series(ctx, history.SeriesFilter{}); err != nil || describe(list) != "app startup s: A=2\n" {
		t.Errorf("%s, %v", describe(list), err)
	}
}

// released makes a file as the first release left it, with runs.
func released(t *testing.T, path string, runs []*run.Run) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec("PRAGMA journal_mode = WAL")
	exec(schema.SQLite()[0].SQL)
	exec(fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = 1", applicationID))
	for _, r := range runs {
		text, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		digest := sha256.Sum256(text)
		var packed bytes.Buffer
		z := zlib.NewWriter(&packed)
		z.Write(text)
		z.Close()
		environment := "null"
		if r.Environment != nil {
			environment = `{"os":"linux","cores":2}`
		}
		exec(`INSERT INTO runs (id, app, version, commit_id, branch, dirty, time, timed, labels, environment, digest, document)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			r.ID, r.App, r.Version, r.Commit, r.Branch, r.Dirty, r.Timestamp.UnixNano(), 1, labels(r.Labels), environment, digest[:], packed.Bytes())
	}
}

// A file of the first release is brought up to date by a writer, and read as
// it is by a reader, with the same series as if it had been written today.
func TestReleasedFiles(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dir := t.TempDir()
	runs := several()
	many := sample("many") // folds into a histogram, whose median is not quite the samples'
	many.Metrics[0].Samples = make([]float64, run.MaxSamples+1)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range many.Metrics[0].Samples {
		many.Metrics[0].Samples[i] = 1 + rng.Float64()
	}
	runs = append(runs, many)
	for i := range 70 { // more than one batch
		runs = append(runs, sample(fmt.Sprintf("S%03d", i)))
	}
	fresh := open(t, filepath.Join(dir, "fresh.db"))
	for _, r := range runs {
		if _, err := fresh.Append(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	list, err := fresh.Series(ctx, history.SeriesFilter{})
	if err != nil {
		t.Fatal(err)
	}
	want := describe(list)

	old := filepath.Join(dir, "old.db")
	released(t, old, runs)
	before, err := os.ReadFile(old)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := OpenToRead(ctx, old)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if list, err = reader.Series(ctx, history.SeriesFilter{}); err != nil || describe(list) != want {
			t.Errorf("read as it is: %v\n%s", err, cmp.Diff(want, describe(list)))
		}
	}
	if metrics, err := reader.Metrics(ctx, "app"); err != nil || len(metrics) != 3 {
		t.Errorf("metrics, read as it is: %v, %v", metrics, err)
	}
	if heads, err := reader.Heads(ctx, history.Filter{}); err != nil || len(heads) != len(runs) {
		t.Errorf("read as it is: %d runs, %v", len(heads), err)
	}
	reader.Close()
	if after, _ := os.ReadFile(old); !bytes.Equal(before, after) {
		t.Error("reading changed the file")
	}

	writer := open(t, old)
	if list, err = writer.Series(ctx, history.SeriesFilter{}); err != nil || describe(list) != want {
		t.Errorf("brought up to date: %v\n%s", err, cmp.Diff(want, describe(list)))
	}
	if added, err := writer.Append(ctx, runs[0]); added || err != nil {
		t.Errorf("a run that was there: %v, %v", added, err)
	}
}

// A run that is damaged does not lock away the others.
func TestReleasedFileDamaged(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "h.db")
	released(t, path, several())
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("UPDATE runs SET document = x'00' WHERE id = 'R0'"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	s := open(t, path)
	list, err := s.Series(ctx, history.SeriesFilter{App: "app", Key: "startup", Unit: "s"})
	if err != nil || !strings.HasPrefix(describe(list), "app startup s: R1=1.5 R2") {
		t.Errorf("%s, %v", describe(list), err)
	}
	if _, err := s.Run(ctx, "R0"); err == nil || errors.Is(err, history.ErrNotFound) {
		t.Errorf("the damaged run: %v", err)
	}
}

// The queries that are made for every check walk along an index.
func TestSeriesUseIndexes(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "h.db"))
	for _, f := range []history.SeriesFilter{
		{App: "app", Key: "startup", Unit: "s"},
		{App: "app", Key: "startup"},
		{Runs: []string{"A", "B"}},
		{App: "app", Runs: []string{"A", "B"}},
	} {
		query, args := seriesQuery(f)
		rows, err := s.db.Query("EXPLAIN QUERY PLAN "+query, args...)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(detail, "SCAN") && !strings.Contains(detail, "json_each") {
				t.Errorf("%+v: %s", f, detail)
			}
		}
		rows.Close()
	}
}

func BenchmarkSeries(b *testing.B) {
	ctx := b.Context()
	for _, runs := range []int{1_000, 10_000} {
		s, ids := filled(b, ctx, runs)
		for _, c := range []struct {
			name   string
			filter history.SeriesFilter
		}{
			{"metrics=1", history.SeriesFilter{App: "app", Key: "metric.05", Unit: "s"}},
			{"metrics=20/last=200", history.SeriesFilter{App: "app", Runs: ids[len(ids)-200:]}},
		} {
			b.Run(fmt.Sprintf("runs=%d/%s", runs, c.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if list, err := s.Series(ctx, c.filter); err != nil || len(list) == 0 {
						b.Fatal(list, err)
					}
				}
			})
		}
		s.Close()
	}
}

// filled is a store of runs with 20 metrics each, in one transaction: with one
// for each run the disk would take minutes.
func filled(b *testing.B, ctx context.Context, runs int) (*Store, []string) {
	b.Helper()
	s, err := Open(ctx, filepath.Join(b.TempDir(), "h.db"))
	if err != nil {
		b.Fatal(err)
	}
	r := sample("x")
	r.Metrics = nil
	for i := range 20 {
		r.Metrics = append(r.Metrics, run.Metric{Name: fmt.Sprintf("metric.%02d", i), Unit: "s", Samples: []float64{1, 2, 3}})
	}
	document, err := r.Encode()
	if err != nil {
		b.Fatal(err)
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer tx.Rollback()
	w, err := newSeriesWriter(ctx, tx)
	if err != nil {
		b.Fatal(err)
	}
	ids := make([]string, runs)
	for i := range ids {
		ids[i] = fmt.Sprintf("R%06d", i)
		at := r.Timestamp.Add(time.Duration(i) * time.Minute).UnixNano()
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO runs (seq, id, app, version, commit_id, branch, dirty, time, timed, labels, environment, digest, document)
			VALUES (?, ?, 'app', '1', '', 'main', 0, ?, 1, '{}', '{"os":"linux","cores":2}', x'00', ?)`, i+1, ids[i], at, document); err != nil {
			b.Fatal(err)
		}
		if err := w.write(ctx, r, int64(i+1), at); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	return s, ids
}
