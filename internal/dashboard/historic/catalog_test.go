package historic

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/storetest"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// counting counts how often a history is asked for its apps and for heads. It may
// fail.
type counting struct {
	history.Reader
	apps, heads int
	err         error
}

func (c *counting) Revision(ctx context.Context) (string, error) {
	if c.err != nil {
		return "", c.err
	}
	return history.Revision(ctx, c.Reader)
}

func (c *counting) Apps(ctx context.Context) ([]history.App, error) {
	c.apps++
	return c.Reader.Apps(ctx)
}

func (c *counting) Heads(ctx context.Context, f history.Filter) ([]run.Run, error) {
	c.heads++
	if c.err != nil {
		return nil, c.err
	}
	return c.Reader.Heads(ctx, f)
}

// Of a history with more runs than are read at once, an app is known by its newest
// runs, however many newer ones others have; what is older is found all the same.
func TestManyRuns(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	const most = 30
	runs := some(100) // of which 11 are of another app
	quiet := storetest.Sample("Q1")
	quiet.App, quiet.Timestamp = "quiet", start.Add(-1000*time.Hour)
	store := file(t, append(runs, quiet)...)
	whole := over(store, judge.Policy{})
	s := over(store, judge.Policy{})
	s.most = most

	want, err := whole.Apps(ctx)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Apps(ctx)
	if err != nil || len(got) != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	for i := range want {
		if a, b := want[i], got[i]; a.Name != b.Name || a.Runs != b.Runs || !a.Newest.Equal(b.Newest) || b.Branches != nil {
			t.Errorf("%+v, want %+v", b, a)
		}
		one, err := s.App(ctx, want[i].Name)
		if err != nil || one.Runs != want[i].Runs || len(one.Branches) != len(want[i].Branches) || len(one.Environments) != len(want[i].Environments) {
			t.Errorf("%+v, want %+v, %v", one, want[i], err)
		}
	}
	all, err := whole.Runs(ctx, dashboard.Filter{App: "app"})
	if err != nil || all.Newest != 0 {
		t.Fatal(all.Newest, err)
	}
	list, err := s.Runs(ctx, dashboard.Filter{App: "app", Skip: 2})
	if err != nil || list.Newest != most || list.Total != most || !cmp.Equal(list.Heads, all.Heads[2:most]) {
		t.Errorf("%d of %d of %d runs, %v", len(list.Heads), list.Total, list.Newest, err)
	}
	if list, err := s.Runs(ctx, dashboard.Filter{App: "quiet"}); err != nil || list.Newest != 0 || list.Total != 1 {
		t.Errorf("of an app that was measured long ago: %+v, %v", list, err)
	}
	for i, h := range all.Heads {
		if i%8 > 0 && i < len(all.Heads)-2 {
			continue
		}
		want, err := whole.Verdict(ctx, h.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Verdict(ctx, h.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.Baseline, got.Baseline, storetest.Same); diff != "" || got.Current.ID != h.ID {
			t.Errorf("run %s:\n%s", h.ID, diff)
		}
		a, err := whole.Trends(ctx, h.ID, 10)
		b, err2 := s.Trends(ctx, h.ID, 10)
		if diff := cmp.Diff(a, b); errors.Join(err, err2) != nil || h.Branch == "main" && h.Environment == here && h.Labels == nil && diff != "" {
			t.Errorf("trends of %s: %v, %v\n%s", h.ID, err, err2, diff)
		}
		if _, err := s.Versions(ctx, h.ID, 5); err != nil {
			t.Errorf("versions of %s: %v", h.ID, err)
		}
	}
	for _, word := range []string{"R0001", "r0001", "1.0", runs[0].Commit[:12], "latest", "branch:fix"} {
		a, err := whole.Find(ctx, "app", word)
		b, err2 := s.Find(ctx, "app", word)
		if errors.Join(err, err2) != nil || a.ID != b.ID {
			t.Errorf("%s is %s, %v; want %s, %v", word, b.ID, err2, a.ID, err)
		}
	}
	for _, id := range []string{"R", "R00", "nobody", ""} {
		if _, err := s.Verdict(ctx, id, ""); !errors.Is(err, history.ErrNotFound) {
			t.Errorf("run %q: %v", id, err)
		}
	}
	if _, err := s.Find(ctx, "app", "R0008"); !errors.Is(err, history.ErrNotFound) {
		t.Errorf("a run of another app: %v", err)
	}
	if list, err := s.Runs(ctx, dashboard.Filter{App: "nobody"}); err != nil || list.Total != 0 {
		t.Errorf("of an app that is not there: %+v, %v", list, err)
	}
	if a, err := s.Alerts(ctx, dashboard.AlertQuery{App: "app", Patience: time.Minute}); err != nil || a.Runs == 0 || a.Branch != "main" {
		t.Errorf("%+v, %v", a, err)
	}

	// A run that went is gone, also an old one.
	if _, err := store.Delete(ctx, "R0001"); err != nil {
		t.Fatal(err)
	}
	s.Apps(ctx)
	if _, err := s.Verdict(ctx, "R0001", ""); !errors.Is(err, history.ErrNotFound) {
		t.Errorf("a run that was deleted: %v", err)
	}
}

// What comes to one app leaves the others alone, and apps are not counted again and
// again.
func TestManyRunsFollow(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	runs := some(100)
	kept := file(t, runs[:90]...)
	store := &counting{Reader: kept}
	now := start.Add(1000 * time.Hour)
	s := New(Config{Open: func(context.Context) (history.Reader, error) { return store, nil }, Now: func() time.Time { return now }})
	s.most = 30
	newest := func(app string) string {
		t.Helper()
		if _, err := s.Apps(ctx); err != nil { // as each page begins
			t.Fatal(err)
		}
		list, err := s.Runs(ctx, dashboard.Filter{App: app, Limit: 1})
		if err != nil || len(list.Heads) != 1 {
			t.Fatal(list, err)
		}
		return list.Heads[0].ID
	}
	newest("app")
	newest("other")
	before, err := s.Verdict(ctx, "R0089", "")
	if err != nil {
		t.Fatal(err)
	}
	if store.apps != 1 || store.heads != 3 { // all of them once, to see that there are many
		t.Errorf("asked %d times for apps, %d times for heads", store.apps, store.heads)
	}
	if _, err := kept.Append(ctx, runs[90]); err != nil {
		t.Fatal(err)
	}
	if got := newest("app"); got != "R0090" {
		t.Errorf("the newest is %s", got)
	}
	newest("other")
	if again, err := s.Verdict(ctx, "R0089", ""); again != before || err != nil {
		t.Errorf("a run of another app has the verdict worked out anew: %v", err)
	}
	if store.apps != 1 {
		t.Errorf("apps were counted %d times", store.apps)
	}
	late := storetest.Sample("L1")
	late.App, late.Timestamp = "late", now
	if _, err := kept.Append(ctx, late); err != nil {
		t.Fatal(err)
	}
	now = now.Add(s.catalog.countedFor() + 1)
	if apps, err := s.Apps(ctx); err != nil || len(apps) != 3 || apps[0].Name != "late" || apps[1].Runs != 81 {
		t.Errorf("some time later: %+v, %v", apps, err)
	}
	if err := kept.SetBaseline(ctx, "R0001"); err != nil {
		t.Fatal(err)
	}
	newest("app")
	if v, err := s.Verdict(ctx, "R0090", "previous"); err != nil || len(v.Baseline.Runs) != 1 || v.Baseline.Runs[0].ID != "R0001" {
		t.Errorf("the baseline that was set does not count: %v", err)
	}

	// While the store fails, what is known is shown.
	store.err = errors.New("away")
	if got := newest("app"); got != "R0090" {
		t.Errorf("the newest is %s", got)
	}
	if _, err := s.Lag(); err == nil {
		t.Error("it does not say that the store fails")
	}
	if _, err := s.Runs(ctx, dashboard.Filter{App: "late"}); !errors.Is(err, store.err) {
		t.Errorf("of an app that nobody asked for: %v", err)
	}
	store.err = nil

	// Few are left: they are known as a whole again.
	var ids []string
	for _, r := range runs[:91] {
		if r.ID > "R0010" {
			ids = append(ids, r.ID)
		}
	}
	if _, err := kept.Delete(ctx, ids...); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	apps, err := s.Apps(ctx)
	if err != nil || !s.catalog.whole || len(apps) != 3 || apps[1].Branches == nil {
		t.Errorf("%+v, %v", apps, err)
	}
}

// The apps that were asked for last are remembered.
func TestCatalogRoom(t *testing.T) {
	t.Parallel()
	c := &catalog{revision: "1"}
	for i, app := range []string{"a", "b", "c", "a", "d", "e"} {
		c.keep(newIndex(app, make([]run.Run, 10), nil), 30)
		if len(c.order) != len(c.indexes) || len(c.order) > 3 {
			t.Errorf("after %d: %v", i, c.order)
		}
	}
	if !slices.Equal(c.order, []string{"a", "d", "e"}) {
		t.Error(c.order)
	}
	c.keep(newIndex("large", make([]run.Run, 50), nil), 30)
	if !slices.Equal(c.order, []string{"large"}) || len(c.indexes) != 1 {
		t.Error(c.order, len(c.indexes))
	}
	if a, b := newIndex("a", []run.Run{{ID: "1"}, {ID: "23"}}, nil), newIndex("a", []run.Run{{ID: "12"}, {ID: "3"}}, nil); a.stamp == b.stamp {
		t.Error("other runs have the same stamp", fmt.Sprintf("%x", a.stamp))
	}
}

// anybody may read.
type anybody struct{ dashboard.Accounts }

func (anybody) Account(*http.Request) dashboard.Account { return dashboard.Account{Read: true} }

// The list of apps says nothing of what was not looked at, and the list of runs of how
// many it is.
func TestManyRunsPages(t *testing.T) {
	t.Parallel()
	s := over(file(t, some(100)...), judge.Policy{})
	s.most = 30
	h := dashboard.New(dashboard.Config{Source: s, Accounts: anybody{}})
	for target, want := range map[string]string{
		"/apps":                          `<td class="num">–</td><td class="num">–</td>`,
		"/runs?app=app":                  "of 30 runs, of the newest 30 of this app",
		"/runs?app=app&q=no.such":        "among the newest 30",
		"/?app=app&run=" + some(1)[0].ID: "R0000",
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d, without %s: %s", target, w.Code, want, w.Body)
		}
	}
}
