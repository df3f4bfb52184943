package baseline

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/changepoint"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// ids writes the runs of a baseline.
func ids(b judge.Baseline) string {
	var list []string
	for _, r := range b.Runs {
		list = append(list, r.ID)
	}
	return strings.Join(list, " ")
}

// A baseline is never the run itself, nor a newer one unless its id is given,
// nor one of changes that were not committed unless its id is given.
func TestNamed(t *testing.T) {
	t.Parallel()
	src := source()
	current := src.runs[2] // 01BA, the newest of main
	for word, want := range map[string]string{
		"latest": "01B", "1": "01B", "01BA": "", "01B": "01B", "cafe1": "01B", "beef1": "", "01C": "01C", "2": "",
	} {
		b, err := Choose(t.Context(), src, Question{Current: &current, App: "a"}, word)
		if ids(b) != want || (want == "") != errors.Is(err, history.ErrNotFound) {
			t.Errorf("%s: %q, %v; want %q", word, ids(b), err, want)
		}
	}
}

// mainline is a source of runs of one app, 01 to n, oldest 01, each of a commit
// of its own on main, an hour apart; edit may change them.
func mainline(n int, edit func(i int, r *run.Run)) *fake {
	f := &fake{}
	for i := n; i >= 1; i-- {
		r := run.Run{
			ID: fmt.Sprintf("%02d", i), App: "a", Version: "1", Branch: "main", Commit: fmt.Sprintf("c0ffee%02d", i),
			Timestamp: at(0).Add(hours(i)), Environment: &run.Environment{CPU: "A"},
			Metrics: []run.Metric{{Name: "startup", Unit: "s", Samples: []float64{1}}, {Name: "filter", Unit: "s", Samples: []float64{1}}},
		}
		if edit != nil {
			edit(i, &r)
		}
		f.runs = append(f.runs, r)
	}
	return f
}

// steps is a finder of change points that sees each whole number in the values
// as a level.
func steps(values []float64, _ changepoint.Options) ([]changepoint.Point, error) {
	var list []changepoint.Point
	for i := 1; i < len(values); i++ {
		if values[i] != values[i-1] {
			list = append(list, changepoint.Point{Index: i, End: i, Before: values[i-1], After: values[i]})
		}
	}
	return list, nil
}

func TestPrevious(t *testing.T) {
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
		{"a file without a time", "", current(func(r *run.Run) { r.ID = "x"; r.Timestamp = run.Run{}.Timestamp }), "01C"},
		{"none comparable", "", current(func(r *run.Run) { r.Environment = &run.Environment{CPU: "C"} }), "none of 2 earlier runs is comparable (the newest: cpu: B and C"},
		{"other labels are another thing", "", current(func(r *run.Run) { r.Labels = map[string]string{"x": "1"} }), "no earlier run"},
		{"one, not comparable", "", current(func(r *run.Run) {
			r.ID = "x"
			r.Timestamp = at(2)
			r.Environment = &run.Environment{CPU: "C"}
		}), "the earlier run is not comparable"},
		{"another app", "", current(func(r *run.Run) { r.ID = "x"; r.App = "new" }), "no earlier run"},
		{"no app", "", current(func(r *run.Run) { r.ID = "x"; r.App = "" }), "no earlier run"},
	} {
		src := source()
		src.set = tt.set
		b, err := Choose(t.Context(), src, Question{Current: tt.current}, "")
		got := b.Chosen
		if len(b.Runs) > 0 {
			got = ids(b)
		}
		if err != nil || !strings.HasPrefix(got, tt.want) || b.First != strings.HasPrefix(tt.want, "no earlier run") {
			t.Errorf("%s: %q, first %v, %v; want %q", tt.name, got, b.First, err, tt.want)
		}
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	// Commits 12 (the newest) to 01 of main; the current run's commit forked
	// from 09.
	lineage := func(first int) Lineage {
		return func(_ context.Context, _, branch string) (Ancestry, error) {
			a := Ancestry{Branch: branch}
			if branch == "" {
				a.Branch = "main"
			}
			for i := first; i >= 1; i-- {
				a.Commits = append(a.Commits, fmt.Sprintf("c0ffee%02d%032d", i, 0))
			}
			return a, nil
		}
	}
	level := func(m int, from int) func(int, *run.Run) {
		return func(i int, r *run.Run) {
			if i >= from {
				r.Metrics[m].Samples = []float64{2}
			}
		}
	}
	twice := func(i int, r *run.Run) { // two runs of each commit, the later of another version from 11 on
		r.Commit = fmt.Sprintf("c0ffee%02d", (i+1)/2)
	}
	for _, tt := range []struct {
		name    string
		edit    func(i int, r *run.Run)
		current func(*run.Run) // of a copy of a run that comes after 12
		q       Question
		rule    string
		want    string
		chosen  string // or a part of the error
	}{
		{"previous", nil, nil, Question{}, "previous", "12", "the newest earlier comparable run"},
		{"previous, with more of its code", twice, nil, Question{}, "", "11 12", "the newest earlier comparable run and one more of the same commit"},
		{"previous, of an unknown commit", func(_ int, r *run.Run) { r.Commit = "" }, nil, Question{}, "", "12", "the newest earlier comparable run"},
		{"previous, of another version", func(i int, r *run.Run) { twice(i, r); r.Version = fmt.Sprint(i) }, nil, Question{}, "", "12", "the newest earlier comparable run"},
		{"previous skips what was not committed", func(i int, r *run.Run) { r.Dirty = i > 7 }, nil, Question{}, "", "07", "the newest earlier comparable run"},
		{"previous, nothing was committed", func(i int, r *run.Run) { r.Dirty = true }, nil, Question{}, "", "", "all 12 earlier runs measured changes that were not committed"},
		{"previous, two reasons", func(i int, r *run.Run) {
			r.Dirty = i%2 == 0
			if !r.Dirty {
				r.Environment = &run.Environment{CPU: "B"}
			}
		}, nil, Question{}, "", "", "none of 12 earlier runs is comparable: 6 measured changes that were not committed, 6 are of other environments (the newest: cpu: B and A)"},
		{"previous, any environment", func(_ int, r *run.Run) { r.Environment = &run.Environment{CPU: "B"} }, nil, Question{AnyEnvironment: []string{"cpu"}}, "", "12", "the newest earlier comparable run"},

		{"a version", nil, nil, Question{}, "1", "01 02 03 04 05 06 07 08 09 10 11 12", "the 12 runs of version 1"},
		{"a version, what is comparable of it", func(i int, r *run.Run) {
			if i > 3 {
				r.Environment = &run.Environment{CPU: "B"}
			}
		}, nil, Question{}, "1", "01 02 03", "the 3 runs of version 1"},
		{"a version, nothing comparable", func(_ int, r *run.Run) { r.Environment = &run.Environment{CPU: "B"} }, nil, Question{}, "1", "12", "named 1"},
		{"a commit", twice, nil, Question{}, "c0ffee05", "09 10", "the 2 runs of commit c0ffee05"},
		{"the beginning of many commits", twice, nil, Question{}, "c0ff", "11 12", "the 2 runs of commit c0ffee06"},
		{"a commit, not committed", func(_ int, r *run.Run) { r.Dirty = true }, nil, Question{}, "c0ffee05", "", "c0ffee05: its runs measured changes that were not committed"},
		{"an id, not committed", func(_ int, r *run.Run) { r.Dirty = true }, nil, Question{}, "05", "05", "named 05"},
		{"latest", nil, nil, Question{}, "latest", "12", "named latest"},

		{"a branch", nil, nil, Question{}, "branch:main", "03 04 05 06 07 08 09 10 11 12", "the last 10 runs of branch main"},
		{"a branch, since a change point", func(i int, r *run.Run) { level(0, 9)(i, r); level(1, 9)(i, r) }, nil, Question{}, "branch:main", "09 10 11 12",
			"the last 4 runs of branch main since its last change point (run 09, 2026-01-01)"},
		{"a branch, one metric moved", level(0, 9), nil, Question{}, "branch:main", "03 04 05 06 07 08 09 10 11 12 startup=6",
			"the last 10 runs of branch main; startup since its own last change point (run 09, 2026-01-01)"},
		{"a branch, both moved", func(i int, r *run.Run) { level(0, 9)(i, r); level(1, 11)(i, r) }, nil, Question{}, "branch:main", "09 10 11 12 filter=2",
			"the last 4 runs of branch main since its last change point (run 09, 2026-01-01); filter since its own last change point (run 11, 2026-01-01)"},
		{"a branch that moved long ago", level(0, 2), nil, Question{}, "branch:main", "03 04 05 06 07 08 09 10 11 12", "the last 10 runs of branch main"},
		{"a branch, not its other runs", func(i int, r *run.Run) {
			switch {
			case i%4 == 0:
				r.Dirty = true
			case i%4 == 1:
				r.Branch = "fix"
			case i%4 == 2:
				r.Environment = &run.Environment{CPU: "B"}
			}
		}, nil, Question{}, "branch:main", "03 07 11", "the last 3 runs of branch main"},
		{"a branch, not the own commit", nil, func(r *run.Run) { r.Commit = "c0ffee12" }, Question{}, "branch:main", "02 03 04 05 06 07 08 09 10 11", "the last 10 runs of branch main"},
		{"a branch, the own commit and changes", nil, func(r *run.Run) { r.Commit = "c0ffee12"; r.Dirty = true }, Question{}, "branch:main", "03 04 05 06 07 08 09 10 11 12", "the last 10 runs of branch main"},
		{"a branch, only the own commit", func(_ int, r *run.Run) { r.Commit = "c0ffee13" }, nil, Question{}, "branch:main", "", "branch:main: all its earlier runs are of the current run's own commit, c0ffee13"},
		{"a branch that is not there", nil, nil, Question{}, "branch:fix", "", "branch:fix: no earlier run of this branch: there are runs of main"},

		{"merge-base", nil, nil, Question{Lineage: lineage(9)}, "merge-base", "09", "the run of commit c0ffee090, where c0ffee13 forked from main"},
		{"merge-base, of a branch", nil, nil, Question{Lineage: lineage(9)}, "merge-base:next", "09", "the run of commit c0ffee090, where c0ffee13 forked from next"},
		{"merge-base, all its runs", twice, nil, Question{Lineage: lineage(4)}, "merge-base", "07 08", "the 2 runs of commit c0ffee040, where c0ffee13 forked from main"},
		{"merge-base, the nearest", func(i int, r *run.Run) { r.Dirty = i > 6 }, nil, Question{Lineage: lineage(9)}, "merge-base", "06",
			"the run of commit c0ffee060, the nearest with runs: 3 commits before c0ffee090, where c0ffee13 forked from main"},
		{"merge-base, on the branch itself", nil, func(r *run.Run) { r.Commit = "c0ffee12" }, Question{Lineage: lineage(12)}, "merge-base", "11", "the run of commit c0ffee110, 1 commit before c0ffee120 on main"},
		{"merge-base, none", nil, nil, Question{Lineage: func(context.Context, string, string) (Ancestry, error) {
			return Ancestry{Branch: "main", Commits: []string{"beef", "feed"}, Shallow: true}, nil
		}}, "merge-base", "", "merge-base: no run of commit beef, where c0ffee13 forked from main, nor of the 1 commit before it: the repository is a shallow clone"},
		{"merge-base, none that is fit", func(_ int, r *run.Run) { r.Dirty = true }, nil, Question{Lineage: lineage(9)}, "merge-base", "", "merge-base: of commit c0ffee09: the run measured changes that were not committed"},
		{"merge-base, no commit", nil, func(r *run.Run) { r.Commit = "" }, Question{Lineage: lineage(9)}, "merge-base", "", "merge-base: the current run does not say its commit"},
		{"merge-base, no repository", nil, nil, Question{}, "merge-base", "", "merge-base: there is no repository to ask"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			src := mainline(13, nil)
			current := src.runs[0]
			if tt.current != nil {
				tt.current(&current)
			}
			src = mainline(12, tt.edit)
			src.runs = slices.Insert(src.runs, 0, current)
			q := tt.q
			q.Current, q.App, q.Find = &current, "a", steps
			b, err := Choose(t.Context(), src, q, tt.rule)
			got, chosen := ids(b), b.Chosen
			for _, m := range current.Metrics {
				if from := b.Since[judge.Identity(m.Key(), m.Unit)]; from > 0 {
					got += fmt.Sprintf(" %s=%d", m.Name, from)
				}
			}
			if err != nil {
				if chosen = err.Error(); !errors.Is(err, history.ErrNotFound) {
					t.Errorf("%v is not history.ErrNotFound", err)
				}
			}
			if got != tt.want || chosen != tt.chosen {
				t.Errorf("got  %q, %q\nwant %q, %q", got, chosen, tt.want, tt.chosen)
			}
		})
	}
}

// The window of a branch is cut by the change points that changepoint finds,
// for which it looks at more runs than those of the window.
func TestWindowFindsSteps(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(13, 14))
	src := mainline(60, func(i int, r *run.Run) {
		startup, filter := 1.0, 1.0
		if i >= 54 {
			startup = 1.3
		}
		if i >= 20 {
			filter = 1.3
		}
		r.Metrics[0].Samples[0] = startup * (1 + 0.01*rng.NormFloat64())
		r.Metrics[1].Samples[0] = filter * (1 + 0.01*rng.NormFloat64())
	})
	current := src.runs[0]
	current.ID, current.Commit, current.Timestamp = "x", "beef1234", current.Timestamp.Add(hours(1))
	b, err := Choose(t.Context(), src, Question{Current: &current}, "branch:main")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"startup\x00s": 3}, b.Since); len(b.Runs) != 10 || b.Runs[3].ID != "54" || diff != "" {
		t.Errorf("runs %s, since (-want +got):\n%s", ids(b), diff)
	}
}

// A run of changes that were not committed is a baseline with a warning, where
// somebody chose it.
func TestDirtyWarns(t *testing.T) {
	t.Parallel()
	src := mainline(3, func(_ int, r *run.Run) { r.Dirty = true })
	src.set = "01"
	for _, rule := range []string{"", "02"} {
		b, err := Choose(t.Context(), src, Question{Current: &src.runs[0]}, rule)
		if err != nil || len(b.Warnings) != 1 || !strings.Contains(b.Warnings[0], "not committed") {
			t.Errorf("%q: %v, %v", rule, b.Warnings, err)
		}
	}
}

// Runs that are of one time, and of one commit, may come in any order.
func TestOrderOfRuns(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	lineage := func(context.Context, string, string) (Ancestry, error) {
		return Ancestry{Branch: "main", Commits: []string{"c0ffee05", "c0ffee04"}}, nil
	}
	want := make(map[string]judge.Baseline)
	for range 20 {
		src := mainline(40, func(i int, r *run.Run) {
			r.Commit = fmt.Sprintf("c0ffee%02d", i/4)
			r.Metrics[i%2].Samples[0] = float64(i / 9)
			rng.Shuffle(len(r.Metrics), func(a, b int) { r.Metrics[a], r.Metrics[b] = r.Metrics[b], r.Metrics[a] })
		})
		for _, rule := range []string{"", "branch:main", "merge-base", "1", "c0ffee03"} {
			b, err := Choose(t.Context(), src, Question{Current: &src.runs[0], Lineage: lineage, Find: steps}, rule)
			if err != nil {
				t.Fatal(rule, err)
			}
			for _, r := range b.Runs {
				r.Metrics = nil // these are in another order
			}
			if _, met := want[rule]; !met {
				want[rule] = b
			}
			if diff := cmp.Diff(want[rule], b); diff != "" {
				t.Errorf("%s:\n%s", rule, diff)
			}
		}
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	src := mainline(30, func(i int, r *run.Run) {
		r.Metrics[0].Samples[0] = float64(i)
		r.Metrics[0].Resolution = float64(i) / 100
		switch {
		case i%10 == 0:
			r.Dirty = true
		case i%10 == 1:
			r.Environment = &run.Environment{CPU: "B"}
		case i%10 == 2:
			r.Metrics[0] = run.Metric{Name: "startup", Unit: "ms", Samples: []float64{1}}
		case i%10 == 3:
			r.Metrics = r.Metrics[:1]
		case i >= 24:
			r.Branch = "fix"
		}
	})
	current := src.runs[0] // 30, of main
	for _, tt := range []struct {
		branch, rule, want string
	}{
		{"main", "", "startup 3 4 5 6 7 8 9 13 14 15 16 17 18 19 23"},
		{"fix", "", "startup 3 4 5 6 7 8 9 13 14 15 16 17 18 19 23 24 25 26 27 28 29"},
		{"main", "branch:fix", "startup 24 25 26 27 28 29"},
		{"main", "branch:none", ""},
	} {
		current.Branch = tt.branch
		src.queries = 0
		list, err := History(t.Context(), src, Question{Current: &current}, tt.rule)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, s := range list {
			if s.Name != "startup" {
				if s.Key() != "filter" || len(s.Values) != len(s.Runs) {
					t.Errorf("%+v", s)
				}
				continue
			}
			got = s.Name
			for i, v := range s.Values {
				got += fmt.Sprintf(" %v", v)
				if s.Runs[i].ID != fmt.Sprintf("%02v", v) {
					t.Errorf("value %v is of run %s", v, s.Runs[i].ID)
				}
			}
			if want := s.Values[len(s.Values)-1] / 100; s.Tick != want || s.Unit != "s" || s.Better != run.Lower {
				t.Errorf("tick %v, unit %s, better %s; want %v", s.Tick, s.Unit, s.Better, want)
			}
		}
		if got != tt.want {
			t.Errorf("current of %s, rule %q: %q, want %q", tt.branch, tt.rule, got, tt.want)
		}
		if src.queries > 1 {
			t.Errorf("%d queries for series", src.queries)
		}
	}
}
