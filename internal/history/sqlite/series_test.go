package sqlite

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/schema"
	"github.com/pacer-perf/pacer/internal/history/storetest"
	"github.com/pacer-perf/pacer/run"
)

// released makes a file as the first release left it, with runs.
func released(t *testing.T, path string, runs []*run.Run) {
	t.Helper()
	c, err := sqlite.OpenConn(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	do := func(text string, args ...any) {
		t.Helper()
		if err := query(c, text, nil, args...); err != nil {
			t.Fatal(err)
		}
	}
	if err := sqlitex.ExecuteScript(c, schema.SQLite()[0].SQL, nil); err != nil {
		t.Fatal(err)
	}
	do(fmt.Sprintf("PRAGMA application_id = %d", applicationID))
	do("PRAGMA user_version = 1")
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
		do(`INSERT INTO runs (id, app, version, commit_id, branch, dirty, time, timed, labels, environment, digest, document)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			r.ID, r.App, r.Version, r.Commit, r.Branch, r.Dirty, r.Timestamp.UnixNano(), 1, history.Labels(r.Labels), environment, digest[:], packed.Bytes())
	}
}

// A file of the first release is brought up to date by a writer, and read as
// it is by a reader, with the same series as if it had been written today.
func TestReleasedFiles(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dir := t.TempDir()
	runs := storetest.Several()
	many := storetest.Sample("many") // folds into a histogram, whose median is not quite the samples'
	many.Metrics[0].Samples = make([]float64, run.MaxSamples+1)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range many.Metrics[0].Samples {
		many.Metrics[0].Samples[i] = 1 + rng.Float64()
	}
	runs = append(runs, many)
	for i := range 70 { // more than one batch
		runs = append(runs, storetest.Sample(fmt.Sprintf("S%03d", i)))
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
	want := storetest.Describe(list)

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
		if list, err = reader.Series(ctx, history.SeriesFilter{}); err != nil || storetest.Describe(list) != want {
			t.Errorf("read as it is: %v\n%s", err, cmp.Diff(want, storetest.Describe(list)))
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
	if list, err = writer.Series(ctx, history.SeriesFilter{}); err != nil || storetest.Describe(list) != want {
		t.Errorf("brought up to date: %v\n%s", err, cmp.Diff(want, storetest.Describe(list)))
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
	released(t, path, storetest.Several())
	c, err := sqlite.OpenConn(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := execute(c, "UPDATE runs SET document = x'00' WHERE id = 'R0'"); err != nil {
		t.Fatal(err)
	}
	c.Close()
	s := open(t, path)
	list, err := s.Series(ctx, history.SeriesFilter{App: "app", Key: "startup", Unit: "s"})
	if err != nil || !strings.HasPrefix(storetest.Describe(list), "app startup s: R1=1.5 R2") {
		t.Errorf("%s, %v", storetest.Describe(list), err)
	}
	if _, err := s.Run(ctx, "R0"); err == nil || errors.Is(err, history.ErrNotFound) {
		t.Errorf("the damaged run: %v", err)
	}
}

// A file of the release before this one is brought up to date, too.
func TestSecondRelease(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "h.db")
	released(t, path, storetest.Several())
	c, err := sqlite.OpenConn(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := sqlitex.ExecuteScript(c, schema.SQLite()[1].SQL+`;
		INSERT INTO metrics (app, run_labels, key, unit, name, labels) VALUES ('app', '{}', 'startup', 's', 'startup', '{}');
		INSERT INTO series SELECT 1, time, seq, 'lower', 0, 2, 'median', seq, 2, 1, 3, 1, seq, NULL, 3 FROM runs WHERE app = 'app' AND labels = '{}';
		INSERT INTO baselines SELECT app, labels, seq FROM runs WHERE id = 'R1';
		PRAGMA user_version = 2`, nil); err != nil {
		t.Fatal(err)
	}
	c.Close()
	s := open(t, path)
	list, err := s.Series(ctx, history.SeriesFilter{App: "app", Key: "startup", Unit: "s"})
	if err != nil || storetest.Describe(list) != "app startup s: R0=1 R1=2 R2=3 R5=6\n" {
		t.Errorf("%s, %v", storetest.Describe(list), err)
	}
	if p := list[0].Points[1]; p.Stats.P50 != 2 || p.Stats.Max != 3 || p.Stats.P95 == p.Stats.P95 || p.Better != run.Lower {
		t.Errorf("%+v", p)
	}
	if id, err := s.Baseline(ctx, "app", nil); id != "R1" || err != nil {
		t.Errorf("baseline %s, %v", id, err)
	}
	if problems, err := s.Check(ctx); len(problems) > 0 || err != nil {
		t.Errorf("%v, %v", problems, err)
	}
	r, err := s.Run(ctx, "R0")
	if diff := cmp.Diff(*storetest.Several()[0], r); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// The queries that are made for every check walk along an index.
func TestQueriesUseIndexes(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "h.db"))
	plan := func(name, text string, args []any, indexes ...string) {
		t.Helper()
		used := ""
		err := s.read(t.Context(), func(c *sqlite.Conn) error {
			return query(c, "EXPLAIN QUERY PLAN "+text, func(r *sqlite.Stmt) error {
				detail := r.ColumnText(3)
				used += detail + "\n"
				if strings.HasPrefix(detail, "SCAN") && !strings.Contains(detail, "json_each") || strings.Contains(detail, "TEMP B-TREE") {
					t.Errorf("%s: %s", name, detail)
				}
				return nil
			}, args...)
		})
		if err != nil {
			t.Fatal(name, err)
		}
		for _, index := range indexes {
			if !strings.Contains(used, " INDEX "+index+" ") {
				t.Errorf("%s: without %s:\n%s", name, index, used)
			}
		}
	}
	for name, f := range map[string]history.SeriesFilter{
		"a series": {}, "the last of it": {Last: 10}, "a part of it": {Since: time.Unix(1, 0), Until: time.Unix(2, 0)},
	} {
		text, args := ofMetric(1, f)
		plan(name, text, args)
	}
	plan("jobs to lease", "SELECT seq FROM jobs WHERE kind = ? AND state = 0 AND free <= ? ORDER BY free, seq LIMIT ?", []any{"k", int64(1), 1}, "jobs_waiting")
	plan("jobs to give up", giveUp, []any{"k", int64(1)}, "jobs_worn")
	plan("whether a run is a baseline", "SELECT 1 FROM baselines WHERE run = ?", []any{1}, "baselines_by_run")
	plan("a run's jobs", "DELETE FROM jobs WHERE key = ?", []any{"A"})
	text, args := ofRuns(history.SeriesFilter{Runs: []string{"A", "B"}})
	plan("points of runs", text, args)
	for _, of := range []struct{ app, key string }{{"", "startup"}, {"app", "startup"}} {
		text, args := metricsOf(history.SeriesFilter{App: of.app, Key: of.key, Unit: "s"})
		plan("metrics of a key", text, args, "metrics_by_key")
	}
	text, args = auditOf(history.AuditFilter{App: "app", Limit: 10})
	plan("an app's audit log", text, args, "audit_of_app")
	for _, tt := range []struct {
		name, index string
		filter      history.Filter
	}{
		{"an app", "runs_of_app", history.Filter{App: "app", Limit: 10}},
		{"an app's page", "runs_of_app", history.Filter{App: "app", Before: &history.Position{ID: "A"}}},
		{"an id", "runs_by_id", history.Filter{IDPrefix: "01a"}},
		{"an app's id", "runs_by_id", history.Filter{App: "app", IDPrefix: "01a"}},
		{"a commit", "runs_of_commit", history.Filter{Commit: "abc"}},
		{"an app's commit", "runs_of_commit", history.Filter{App: "app", Commit: "abc"}},
		{"an app's branch", "runs_of_branch", history.Filter{App: "app", Branch: "main", Limit: 10}},
		{"an app's version", "runs_of_version", history.Filter{App: "app", Version: "1.0", Limit: 10}},
		{"a time", "runs_by_time", history.Filter{Since: time.Unix(1, 0)}},
	} {
		text, args := selected("SELECT seq FROM runs", tt.filter)
		if tt.filter.Limit > 0 || tt.filter.Before != nil {
			text += " ORDER BY time DESC, id DESC"
		}
		plan(tt.name, text, args, tt.index)
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

// filled is a store of runs with 20 metrics each.
func filled(b *testing.B, ctx context.Context, runs int) (*Store, []string) {
	b.Helper()
	s, err := Open(ctx, filepath.Join(b.TempDir(), "h.db"))
	if err != nil {
		b.Fatal(err)
	}
	r := storetest.Sample("x")
	r.Metrics = nil
	for i := range 20 {
		r.Metrics = append(r.Metrics, run.Metric{Name: fmt.Sprintf("metric.%02d", i), Unit: "s", Samples: []float64{1, 2, 3}})
	}
	packed, err := history.Pack(r)
	if err != nil {
		b.Fatal(err)
	}
	ids := make([]string, runs)
	var batch []*history.Entry
	for i := range ids {
		ids[i] = fmt.Sprintf("R%06d", i)
		e := *packed
		e.Head.ID, e.At = ids[i], r.Timestamp.Add(time.Duration(i)*time.Minute)
		if batch = append(batch, &e); len(batch) == 500 || i == runs-1 {
			if _, err := s.AppendBatch(ctx, history.Batch{Entries: batch}); err != nil {
				b.Fatal(err)
			}
			batch = batch[:0]
		}
	}
	return s, ids
}
