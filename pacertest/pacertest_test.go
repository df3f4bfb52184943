package pacertest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/pacertest"
)

// spy is a test that keeps what it is told.
type spy struct {
	testing.TB
	failed   []string
	logged   []string
	fatal    bool
	cleanups []func()
}

func (s *spy) Helper()                      {}
func (s *spy) Cleanup(f func())             { s.cleanups = append(s.cleanups, f) }
func (s *spy) Logf(form string, a ...any)   { s.logged = append(s.logged, fmt.Sprintf(form, a...)) }
func (s *spy) Errorf(form string, a ...any) { s.failed = append(s.failed, fmt.Sprintf(form, a...)) }
func (s *spy) Fatalf(form string, a ...any) { s.fatal = true; s.Errorf(form, a...) }

func (s *spy) end() {
	for i := len(s.cleanups) - 1; i >= 0; i-- {
		s.cleanups[i]()
	}
}

// recorded is a recorder with one of everything.
func recorded(t *testing.T) *pacer.Recorder {
	rec, clock := pacertest.New(t, pacer.Config{Main: "table.filter"})
	for i := range 100 { // 1ms to 100ms; p95 is 95.05ms by hand
		timing := rec.Timer("table.filter").Start()
		clock.Advance(time.Duration(i+1) * time.Millisecond)
		timing.Stop()
	}
	rec.Timer("table.sort", pacer.L("rows", "1000"), pacer.L("kind", "text")).Record(time.Second)
	rec.Timer("table.sort", pacer.L("rows", "10")).Record(time.Millisecond)
	rec.Counter("cache.miss").Add(5)
	rec.Gauge("cache.size", pacer.Bytes).Set(3 << 20)
	rec.Value("rows.read", pacer.Unit("rows")).Record(30)
	rec.Rate("parse.speed").Record(30, time.Second)
	_, span := rec.Start(context.Background(), "import")
	span.Fail(errors.New("no such file"))
	span.End()
	return rec
}

func TestAssertions(t *testing.T) {
	t.Parallel()
	rec := recorded(t)
	const ms = time.Millisecond
	tests := []struct {
		name string
		do   func(t testing.TB)
		want string // contained in the one failure; empty: passes
	}{
		{"under", func(t testing.TB) { pacertest.Under(t, rec, "table.filter", "p95", 96*ms) }, ""},
		{"equal is under", func(t testing.TB) { pacertest.Under(t, rec, "table.filter", "max", 100*ms) }, ""},
		{"over", func(t testing.TB) { pacertest.Under(t, rec, "table.filter", "p95", 80*ms) },
			"table.filter p95 is 95.05ms, want at most 80.00ms (n=100)"},
		{"over by a hair", func(t testing.TB) { pacertest.Under(t, rec, "table.filter", "max", 100*ms-1) },
			"table.filter max is 0.1 s, want at most 0.099999999 s (n=100)"},
		{"labels", func(t testing.TB) { pacertest.Under(t, rec, "table.sort{rows=1000,kind=text}", "max", time.Second) }, ""},
		{"labels over", func(t testing.TB) { pacertest.Under(t, rec, "table.sort{rows=1000, kind=text}", "max", 900*ms) },
			"table.sort{kind=text,rows=1000} max is 1.00s, want at most 900.00ms (n=1)"},
		{"other labels", func(t testing.TB) { pacertest.Under(t, rec, "table.sort{rows=11}", "max", time.Second) },
			`no metric "table.sort{rows=11}" was observed; nearest: table.sort{rows=10}, table.sort{kind=text,rows=1000}, `},
		{"no labels", func(t testing.TB) { pacertest.Under(t, rec, "table.sort", "max", time.Second) },
			`no metric "table.sort" was observed; nearest: table.sort{rows=10}, `},
		{"misspelt", func(t testing.TB) { pacertest.Under(t, rec, "tabel.filter", "max", time.Second) },
			`no metric "tabel.filter" was observed; nearest: table.filter, `},
		{"bad labels", func(t testing.TB) { pacertest.Under(t, rec, "table.sort{rows}", "max", time.Second) },
			`no metric "table.sort{rows}"`},
		{"statistic", func(t testing.TB) { pacertest.Under(t, rec, "table.filter", "p", time.Second) },
			`table.filter: statistic "p": expected p followed by a percentile`},
		{"unknown statistic", func(t testing.TB) { pacertest.Under(t, rec, "table.sort{rows=10}", "stddev", time.Second) },
			"table.sort{rows=10} stddev is not known (n=1)"},
		{"no time", func(t testing.TB) { pacertest.Under(t, rec, "cache.size", "max", time.Second) },
			"cache.size is in bytes and no time: use AtMost"},
		{"nil", func(t testing.TB) { pacertest.Under(t, nil, "table.filter", "max", time.Second) },
			`no metric "table.filter": the recorder is nil, as a disabled one is`},

		{"at most", func(t testing.TB) { pacertest.AtMost(t, rec, "cache.size", "max", "3MB") }, ""},
		{"not at most", func(t testing.TB) { pacertest.AtMost(t, rec, "cache.size", "max", "2MB") },
			"cache.size max is 3.00MB, want at most 2.00MB (n=1)"},
		{"at most a time", func(t testing.TB) { pacertest.AtMost(t, rec, "table.filter", "median", "51ms") }, ""},
		{"bare", func(t testing.TB) { pacertest.AtMost(t, rec, "rows.read", "max", "29") },
			"rows.read max is 30 rows, want at most 29 rows (n=1)"},
		{"bare size", func(t testing.TB) { pacertest.AtMost(t, rec, "cache.size", "max", "5000000") },
			`limit of cache.size: "5000000" does not fit its unit, bytes`},
		{"other unit", func(t testing.TB) { pacertest.AtMost(t, rec, "cache.size", "max", "1s") },
			`limit of cache.size: "1s" does not fit its unit, bytes`},
		{"no quantity", func(t testing.TB) { pacertest.AtMost(t, rec, "cache.size", "max", "much") },
			`limit of cache.size: "much" is no quantity`},
		{"at most missing", func(t testing.TB) { pacertest.AtMost(t, rec, "cache.sice", "max", "1MB") },
			`no metric "cache.sice" was observed; nearest: cache.size, `},
		{"at least", func(t testing.TB) { pacertest.AtLeast(t, rec, "parse.speed", "median", "30 items/s") }, ""},
		{"not at least", func(t testing.TB) { pacertest.AtLeast(t, rec, "parse.speed", "median", "40/s") },
			"parse.speed median is 30 items/s, want at least 40 items/s (n=1)"},

		{"count", func(t testing.TB) { pacertest.Count(t, rec, "table.filter", 100) }, ""},
		{"miscount", func(t testing.TB) { pacertest.Count(t, rec, "table.filter", 1) },
			"table.filter was observed 100 times, want once"},
		{"never", func(t testing.TB) { pacertest.Count(t, rec, "table.drop", 0) }, ""},
		{"not never", func(t testing.TB) { pacertest.Count(t, rec, "table.filter", 0) },
			"table.filter was observed 100 times, want never"},
		{"count missing", func(t testing.TB) { pacertest.Count(t, rec, "table.drop", 2) }, `no metric "table.drop"`},
		{"total", func(t testing.TB) { pacertest.Total(t, rec, "cache.miss", 5) }, ""},
		{"total of times", func(t testing.TB) { pacertest.Total(t, rec, "table.filter", 5.05) }, ""},
		{"other total", func(t testing.TB) { pacertest.Total(t, rec, "cache.miss", 4) },
			"cache.miss sums up to 5, want 4 (n=1)"},
		{"total missing", func(t testing.TB) { pacertest.Total(t, rec, "cache.mist", 4) }, `no metric "cache.mist"`},

		{"failures", func(t testing.TB) { pacertest.Failures(t, rec, "import", 1) }, ""},
		{"other failures", func(t testing.TB) { pacertest.Failures(t, rec, "import", 0) },
			"import failed once, want never (n=1)"},
		{"failures missing", func(t testing.TB) { pacertest.Failures(t, rec, "export", 0) },
			`no stage "export"; nearest: import`},
		{"no errors", func(t testing.TB) { pacertest.NoErrors(t, rec) }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &spy{TB: t}
			tt.do(s)
			switch {
			case tt.want == "" && len(s.failed) > 0:
				t.Errorf("fails: %q", s.failed)
			case tt.want != "" && (len(s.failed) != 1 || !strings.Contains(s.failed[0], tt.want)):
				t.Errorf("fails with %q, want one with %q", s.failed, tt.want)
			case s.fatal:
				t.Error("ends the test")
			}
		})
	}
}

func TestErrorsFailTheTest(t *testing.T) {
	t.Parallel()
	s := &spy{TB: t}
	rec, _ := pacertest.New(s, pacer.Config{})
	rec.Timer("Bad Name")
	for i := range 1001 {
		rec.Counter("many", pacer.L("i", fmt.Sprint(i)))
	}
	if len(s.failed) != 2 || !strings.Contains(s.failed[0], `pacer: not recorded error=metric name "Bad Name"`) {
		t.Errorf("fails with %q, want the name and the labels that are refused", s.failed)
	}
	s.failed = nil
	pacertest.NoErrors(s, rec)
	if len(s.failed) != 2 || !strings.Contains(s.failed[1], "refused 1 metrics") {
		t.Errorf("NoErrors says %q", s.failed)
	}
	s.failed = nil
	s.end()
	rec.Timer("Another Name")
	if s.failed != nil {
		t.Errorf("used after the test: %q", s.failed)
	}
}

func TestLogger(t *testing.T) {
	t.Parallel()
	s := &spy{TB: t}
	rec, _ := pacertest.New(s, pacer.Config{})
	rec.Close()
	if s.logged != nil || s.failed != nil {
		t.Errorf("a recorder that closes says %q, %q", s.logged, s.failed)
	}
	log := pacertest.Logger(s)
	log.Info("quiet")
	log.With("a", 1).WithGroup("g").Warn("doubt", "b", 2)
	if diff := cmp.Diff([]string{"doubt a=1 g.b=2"}, s.logged); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDisabled(t *testing.T) {
	t.Parallel()
	s := &spy{TB: t}
	if rec, _ := pacertest.New(s, pacer.Config{Disabled: true}); rec != nil || s.failed != nil {
		t.Errorf("Disabled: %v, %q; want nil and no failure", rec, s.failed)
	}
	s.end()
}

func TestDisabledByEnvironment(t *testing.T) {
	t.Setenv("PACER_DISABLED", "1")
	s := &spy{TB: t}
	pacertest.New(s, pacer.Config{})
	if !s.fatal {
		t.Error("the test goes on with a recorder that records nothing")
	}
}

func TestExportsNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "export")
	t.Setenv("PACER_EXPORT", dir)
	s := &spy{TB: t}
	pacertest.New(s, pacer.Config{})
	s.end()
	if _, err := os.Stat(dir); err == nil {
		t.Error("the recorder of a test left a document")
	}
	// Any other recorder does, so the variable is the right one.
	if err := pacer.New(pacer.Config{Logger: slog.New(slog.DiscardHandler)}).Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}

// The documentation promises that a recorder follows the bubble's clock.
func TestSynctest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := pacer.New(pacer.Config{Logger: slog.New(slog.DiscardHandler)})
		timing := rec.Timer("wait").Start()
		time.Sleep(time.Hour)
		timing.Stop()
		pacertest.Total(t, rec, "wait", 3600)
	})
}
