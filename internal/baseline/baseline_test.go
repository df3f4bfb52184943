package baseline

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// fake is a Source of runs, newest first.
type fake struct {
	runs    []run.Run
	set     string
	queries int // for series
}

func (f *fake) Heads(_ context.Context, by history.Filter) ([]run.Run, error) {
	var list []run.Run
	for _, r := range f.runs {
		if by.App != "" && r.App != by.App || by.Branch != "" && r.Branch != by.Branch || by.Version != "" && r.Version != by.Version ||
			!strings.HasPrefix(strings.ToLower(r.ID), strings.ToLower(by.IDPrefix)) || !strings.HasPrefix(r.Commit, by.Commit) {
			continue
		}
		list = append(list, r)
		if len(list) == by.Limit {
			break
		}
	}
	return list, nil
}

func (f *fake) Run(_ context.Context, id string) (run.Run, error) {
	for _, r := range f.runs {
		if r.ID == id {
			return r, nil
		}
	}
	return run.Run{}, history.ErrNotFound
}

func (f *fake) Series(_ context.Context, by history.SeriesFilter) ([]history.Series, error) {
	f.queries++
	var list []history.Series
	for i := len(f.runs) - 1; i >= 0; i-- {
		r := &f.runs[i]
		if by.App != "" && r.App != by.App || by.Runs != nil && !slices.Contains(by.Runs, r.ID) {
			continue
		}
		for _, m := range r.Metrics {
			at := slices.IndexFunc(list, func(s history.Series) bool { return s.Key() == m.Key() && s.Unit == m.Unit })
			if at < 0 {
				at = len(list)
				list = append(list, history.Series{App: r.App, Name: m.Name, Unit: m.Unit, Labels: m.Labels})
			}
			p := history.Point{Run: r, Resolution: m.Resolution}
			p.Center, p.Statistic = m.Center()
			list[at].Points = append(list[at].Points, p)
		}
	}
	slices.SortFunc(list, func(a, b history.Series) int { return strings.Compare(a.Key()+a.Unit, b.Key()+b.Unit) })
	return list, nil
}

func (f *fake) Baseline(context.Context, string, map[string]string) (string, error) {
	if f.set == "" {
		return "", history.ErrNotFound
	}
	return f.set, nil
}

func at(hour int) time.Time { return time.Date(2026, 1, 1, hour, 0, 0, 0, time.UTC) }

func source() *fake {
	env := &run.Environment{CPU: "A"}
	return &fake{runs: []run.Run{
		{ID: "01D", App: "b", Version: "9", Timestamp: at(9), Environment: env},
		{ID: "01C", App: "a", Version: "2", Branch: "fix", Commit: "beef2", Timestamp: at(3), Environment: env},
		{ID: "01BA", App: "a", Version: "1", Branch: "main", Commit: "beef1", Timestamp: at(2), Environment: &run.Environment{CPU: "B"}},
		{ID: "01B", App: "a", Version: "1", Branch: "main", Commit: "cafe1", Timestamp: at(1), Environment: env},
	}}
}

func TestFind(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ app, word, want string }{
		{"", "01D", "01D"},
		{"", "01d", "01D"},
		{"a", "01C", "01C"},
		{"a", "01D", ""}, // another app's
		{"", "latest", "01D"},
		{"a", "latest", "01C"},
		{"a", "branch:main", "01BA"},
		{"a", "branch:none", ""},
		{"a", "branch:", ""},
		{"a", "1", "01BA"}, // the newest of the version
		{"a", "beef", "01C"},
		{"a", "BEEF1", "01BA"},
		{"a", "bee", ""}, // too short for a commit
		{"a", "nothing", ""},
		{"a", "", ""},
		{"a", "01B", "01B"}, // an id, though another one begins with it
	} {
		r, err := Find(t.Context(), source(), tt.app, tt.word)
		if r.ID != tt.want || (tt.want == "") != errors.Is(err, history.ErrNotFound) {
			t.Errorf("%q of app %q: %q, %v; want %q", tt.word, tt.app, r.ID, err, tt.want)
		}
	}
	var ambiguous *AmbiguousError
	if _, err := Find(t.Context(), source(), "a", "01"); !errors.As(err, &ambiguous) || len(ambiguous.IDs) != 3 {
		t.Errorf("the beginning of three ids: %v", err)
	}
}

func hours(n int) time.Duration { return time.Duration(n) * time.Hour }
