package historic

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// interrupted is a history in which something happens while it is read.
type interrupted struct {
	history.Reader
	series, run func() // the next time that these are asked for
	err         error
}

func (i *interrupted) Close() error { return nil }

func (i *interrupted) Revision(ctx context.Context) (string, error) {
	if i.err != nil {
		return "", i.err
	}
	return history.Revision(ctx, i.Reader)
}

func (i *interrupted) Series(ctx context.Context, f history.SeriesFilter) ([]history.Series, error) {
	once(&i.series)
	return i.Reader.Series(ctx, f)
}

func (i *interrupted) Run(ctx context.Context, id string) (run.Run, error) {
	r, err := i.Reader.Run(ctx, id)
	once(&i.run)
	return r, err
}

func once(f *func()) {
	if next := *f; next != nil {
		*f = nil
		next()
	}
}

// looking is a source with a small memory over a history, by a clock.
func looking(t *testing.T, store history.Reader) (s *Source, pass func()) {
	now := start.Add(1000 * time.Hour)
	s = New(Config{Open: func(context.Context) (history.Reader, error) { return store, nil }, Now: func() time.Time { return now }})
	s.most = 30
	look := func() {
		t.Helper()
		if _, err := s.Apps(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	look()
	return s, func() {
		now = now.Add(time.Hour)
		look()
	}
}

// plain makes runs comparable, of one app.
func plain(n int) []*run.Run {
	runs := some(n)
	for _, r := range runs {
		r.App, r.Branch, r.Labels, r.Environment = "app", "main", nil, here
	}
	return runs
}

// A new app among many runs is found at once by its run's address, and listed soon,
// though nothing comes after it.
func TestNewApp(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store := file(t, some(100)...)
	s, pass := looking(t, store)
	r := some(1)[0]
	r.ID, r.App, r.Timestamp = "NEW", "new", s.Now()
	if _, err := store.Append(ctx, r); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := s.Apps(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Verdict(ctx, "NEW", ""); err != nil {
		t.Errorf("at once: %v", err)
	}
	pass()
	if apps, err := s.Apps(ctx); err != nil || len(apps) != 3 || apps[0].Name != "new" {
		t.Errorf("later: %+v, %v", apps, err)
	}
	for i := range 50 {
		s.Runs(ctx, dashboard.Filter{App: fmt.Sprint("nobody", i)})
		s.Alerts(ctx, dashboard.AlertQuery{App: "app", Branch: fmt.Sprint("nobody", i), Patience: time.Minute})
	}
	if n, k := len(s.catalog.indexes), len(s.desk.known); n != 2 || k != 0 {
		t.Errorf("%d indexes and %d branches are remembered", n, k)
	}
}

// A run that was deleted and recorded anew, with the same head, is the new one; what
// was read of it meanwhile is not kept.
func TestRecordedAnew(t *testing.T) {
	t.Parallel()
	for _, n := range []int{20, 100} {
		ctx := t.Context()
		runs := plain(n)
		store := file(t, runs...)
		slow := &interrupted{Reader: store}
		s, pass := looking(t, slow)
		for _, i := range []int{n - 1, 3} {
			id := runs[i].ID
			if _, err := s.Trends(ctx, id, 3); err != nil {
				t.Fatal(err)
			}
			again := *runs[i]
			again.Metrics = []run.Metric{{Name: "startup", Unit: "s", Samples: []float64{99, 99, 99}}}
			slow.run = func() {
				if _, err := store.Delete(ctx, id); err != nil {
					t.Error(err)
				}
				if _, err := store.Append(ctx, &again); err != nil {
					t.Error(err)
				}
				pass()
			}
			if _, err := s.Run(ctx, id); err != nil {
				t.Error(err)
			}
			pass()
			if r, err := s.Run(ctx, id); err != nil || len(r.Metrics) != 1 {
				t.Errorf("%s of %d: %d metrics, %v", id, n, len(r.Metrics), err)
			}
			list, err := s.Trends(ctx, id, 3)
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range list {
				if last := one.Values[len(one.Values)-1]; one.Key == "startup" && last != 99 {
					t.Errorf("%s of %d: its trend ends with %v", id, n, last)
				}
			}
		}
	}
}

// What comes or goes among old runs changes what an old run is compared with.
func TestAmongOldRuns(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	runs := plain(100)
	store := file(t, runs...)
	s, pass := looking(t, store)
	compared := func() string {
		t.Helper()
		v, err := s.Verdict(ctx, "R0010", "")
		if err != nil || len(v.Baseline.Runs) == 0 {
			t.Fatalf("%+v, %v", v, err)
		}
		return v.Baseline.Runs[0].ID
	}
	if id := compared(); id != "R0008" {
		t.Errorf("compared with %s", id)
	}
	if _, err := store.Delete(ctx, "R0009", "R0008"); err != nil {
		t.Fatal(err)
	}
	pass()
	if id := compared(); id != "R0006" {
		t.Errorf("after two were deleted: with %s", id)
	}
	late := *runs[0]
	late.ID, late.Timestamp, late.Version, late.Commit = "LATE", runs[10].Timestamp.Add(-time.Minute), "9", "fff"
	if _, err := store.Append(ctx, &late); err != nil {
		t.Fatal(err)
	}
	pass()
	if id := compared(); id != "LATE" {
		t.Errorf("after one came late: with %s", id)
	}
	if _, err := s.Run(ctx, "R0005"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Delete(ctx, "R0005"); err != nil {
		t.Fatal(err)
	}
	pass()
	if _, err := s.Run(ctx, "R0005"); !errors.Is(err, history.ErrNotFound) {
		t.Errorf("a run that was deleted: %v", err)
	}
}

// Ids that are the beginning of many others name their runs.
func TestShortIDs(t *testing.T) {
	t.Parallel()
	runs := plain(60)
	for i, r := range runs {
		r.ID = fmt.Sprint("build-", i)
		if i == 1 {
			r.Timestamp = time.Time{}
		}
	}
	s, _ := looking(t, file(t, runs...))
	for i := range 6 {
		if _, err := s.Verdict(t.Context(), fmt.Sprint("build-", i), ""); err != nil {
			t.Error(err)
		}
	}
}

// A file that was replaced, and cannot be read yet, ends nothing.
func TestReplacedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, n := range []int{20, 100} {
		ctx := t.Context()
		store := &interrupted{Reader: file(t, some(n)...)}
		s, _ := looking(t, store)
		s.Moved = func() bool { return store.err != nil }
		away := func() {
			store.err = errors.New("busy")
			s.Apps(ctx)
		}
		store.series = away
		s.Alerts(ctx, dashboard.AlertQuery{App: "app", Patience: time.Minute}) // must not panic
		if store.err == nil {
			t.Error("nothing happened")
		}

		again, _ := looking(t, &interrupted{Reader: store.Reader})
		again.Runs(ctx, dashboard.Filter{App: "app"})
		again.Moved = func() bool { return true }
		again.Open = func(context.Context) (history.Reader, error) { return nil, store.err }
		again.Apps(ctx)
		if list, err := again.Runs(ctx, dashboard.Filter{App: "app"}); err != nil || list.Total == 0 {
			t.Errorf("what is known: %d runs, %v", list.Total, err)
		}
		if _, err := again.Runs(ctx, dashboard.Filter{App: "other"}); n == 100 && !errors.Is(err, store.err) {
			t.Errorf("what is not: %v", err)
		}
		if _, err := again.Verdict(ctx, "R0001", ""); n == 100 && !errors.Is(err, store.err) {
			t.Errorf("a run that is not known: %v", err)
		}
	}
}

// The app that is asked for between all others is the last to be forgotten.
func TestUsedLast(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	var runs []*run.Run
	for k, r := range some(160) {
		r.App, r.ID = fmt.Sprint("app", k%4), fmt.Sprintf("X%04d", k)
		runs = append(runs, r)
	}
	store := &counting{Reader: file(t, runs...)}
	s, _ := looking(t, store)
	for _, app := range []string{"app0", "app1", "app0", "app2", "app0", "app3", "app0"} {
		before := store.heads
		list, err := s.Runs(ctx, dashboard.Filter{App: app, Limit: 1})
		if err != nil || list.Newest != 30 {
			t.Fatalf("%+v, %v", list, err)
		}
		if app == "app0" && before > 2 && store.heads != before {
			t.Error("app0 was forgotten")
		}
	}
}

// Who has as many runs as are remembered is known whole; what is judged stays so while
// the oldest give way.
func TestFull(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	runs := some(61)
	for i, r := range runs {
		r.App = fmt.Sprint("app", i%2)
	}
	store := file(t, runs[:60]...)
	s, pass := looking(t, store)
	x, err := s.current(ctx, "app0")
	if err != nil || x.partial || len(x.heads) != 30 {
		t.Fatalf("%d heads, partial %v, %v", len(x.heads), x.partial, err)
	}
	if _, err := store.Append(ctx, runs[60]); err != nil {
		t.Fatal(err)
	}
	pass()
	y, err := s.current(ctx, "app0")
	if err != nil || !y.partial || len(y.heads) != 30 || y.losses != x.losses {
		t.Fatalf("%d heads, partial %v, losses %d, %v", len(y.heads), y.partial, y.losses, err)
	}
	again := runs[0]
	again.ID, again.App, again.Timestamp = "LATER", "app0", runs[60].Timestamp.Add(time.Hour)
	if _, err := store.Append(ctx, again); err != nil {
		t.Fatal(err)
	}
	pass()
	if z, err := s.current(ctx, "app0"); err != nil || z.before("R0058") != y.before("R0058") {
		t.Errorf("what is before a run is something else now: %v", err)
	}
}
