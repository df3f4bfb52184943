package baseline

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// fake is a Source of runs, newest first.
type fake struct {
	runs []run.Run
	set  string
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

// A baseline is never the run itself, nor a newer one unless its id is given.
func TestNamed(t *testing.T) {
	t.Parallel()
	src := source()
	current := src.runs[2] // 01BA, the newest of main
	for word, want := range map[string]string{
		"latest": "01B", "branch:main": "01B", "1": "01B", "branch:fix": "", "01BA": "", "01B": "01B", "cafe1": "01B", "beef1": "", "01C": "01C", "2": "",
	} {
		r, err := Named(t.Context(), src, "a", word, &current)
		if r.ID != want || (want == "") != errors.Is(err, history.ErrNotFound) {
			t.Errorf("%s: %q, %v; want %q", word, r.ID, err, want)
		}
	}
}

func TestFor(t *testing.T) {
	t.Parallel()
	src := source()
	current := func(edit func(*run.Run)) *run.Run {
		r := src.runs[1] // 01C
		if edit != nil {
			edit(&r)
		}
		return &r
	}
	for _, tt := range []struct {
		name    string
		set     string
		current *run.Run
		want    string // an id, or a part of why there is none
	}{
		{"skips other environments", "", current(nil), "01B"},
		{"what was set goes first", "01BA", current(nil), "01BA"},
		{"a run is not its own baseline", "01C", current(nil), "01B"},
		{"a file, by its time", "", current(func(r *run.Run) { r.ID = "x"; r.Timestamp = at(2) }), "01B"},
		{"a file newer than all", "", current(func(r *run.Run) { r.ID = "x"; r.Timestamp = at(8) }), "01C"},
		{"a file without a time", "", current(func(r *run.Run) { r.ID = "x"; r.Timestamp = time.Time{} }), "01C"},
		{"none comparable", "", current(func(r *run.Run) { r.Environment = &run.Environment{CPU: "C"} }), "none of 2 earlier runs is comparable (the newest: cpu: B and C"},
		{"other labels are another thing", "", current(func(r *run.Run) { r.Labels = map[string]string{"x": "1"} }), "no earlier run"},
		{"one, not comparable", "", current(func(r *run.Run) { r.ID = "x"; r.Timestamp = at(2); r.Environment = &run.Environment{CPU: "C"} }), "the earlier run is not comparable"},
		{"another app", "", current(func(r *run.Run) { r.ID = "x"; r.App = "new" }), "no earlier run"},
		{"no app", "", current(func(r *run.Run) { r.ID = "x"; r.App = "" }), "no earlier run"},
	} {
		src := source()
		src.set = tt.set
		b, err := For(t.Context(), src, tt.current)
		got := b.Chosen
		if b.Run != nil {
			got = b.Run.ID
		}
		if err != nil || !strings.HasPrefix(got, tt.want) || b.First != strings.HasPrefix(tt.want, "no earlier run") {
			t.Errorf("%s: %q, first %v, %v; want %q", tt.name, got, b.First, err, tt.want)
		}
	}
}
