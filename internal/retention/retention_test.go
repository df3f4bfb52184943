package retention

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/sqlite"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

var start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// A history of 60 days, a run a day, whose level moves for good at run 25.
func sixty(t *testing.T) history.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "h.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 60 {
		level := 1.0
		if i >= 25 {
			level = 2
		}
		r := &run.Run{ID: fmt.Sprintf("R%02d", i), App: "app", Timestamp: start.AddDate(0, 0, i)}
		m := run.Metric{Name: "startup", Unit: "s"}
		for range 20 {
			m.Samples = append(m.Samples, level*(1+0.01*rng.Float64()))
		}
		r.Metrics = []run.Metric{m}
		if _, err := s.Append(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	lone := &run.Run{ID: "lone", App: "other", Timestamp: start, Metrics: []run.Metric{{Name: "x", Unit: "s", Samples: []float64{1}}}}
	if _, err := s.Append(t.Context(), lone); err != nil {
		t.Fatal(err)
	}
	return s
}

// short writes a plan in few words.
func short(p Plan) string {
	var b strings.Builder
	for _, part := range []struct {
		what string
		ids  []string
	}{{"histograms", p.Histograms}, {"summaries", p.Summaries}, {"delete", p.Delete}} {
		if n := len(part.ids); n > 0 {
			fmt.Fprintf(&b, "%s %d %s-%s\n", part.what, n, part.ids[0], part.ids[n-1])
		}
	}
	for _, k := range p.Kept {
		fmt.Fprintf(&b, "%s: %s\n", k.ID, k.Why)
	}
	return b.String()
}

func TestPlan(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := sixty(t)
	now := start.AddDate(0, 0, 60)
	if err := s.SetBaseline(ctx, "R03"); err != nil {
		t.Fatal(err)
	}
	for i, f := range []*history.Finding{{App: "app", Name: "startup", Unit: "s", Run: "R07", Baseline: []string{"R06"}}, {App: "app", Name: "startup", Unit: "s", Run: "R09"}} {
		a, err := s.Act(ctx, history.Act{Kind: history.Opened, Finding: f, Author: history.Pacer})
		if err == nil && i == 1 {
			_, err = s.Act(ctx, history.Act{Alert: a.Alert, Kind: history.Fixed, Author: history.Pacer})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	pattern, err := judge.ParsePattern("startup")
	if err != nil {
		t.Fatal(err)
	}
	waivers := Waivers{App: "app", List: []judge.Waiver{{Metric: pattern, Since: start.AddDate(0, 0, 12).Truncate(24 * time.Hour)}}}
	kept := `R03: the baseline of app
R06: an alert that is open
R07: an alert that is open
R11: the waiver of startup rests on it
R12: the waiver of startup rests on it
R24: a change of startup
R25: a change of startup
`
	days := func(n int) Limit { return Limit{Age: time.Duration(n) * 24 * time.Hour} }
	for name, tt := range map[string]struct {
		rules Rules
		want  string
	}{
		"nothing":                     {Rules{}, ""},
		"samples of the newest 30":    {Rules{Samples: Limit{Runs: 30}}, "histograms 23 R00-R29\n" + kept},
		"by days, as many":            {Rules{Samples: days(31)}, "histograms 23 R00-R29\n" + kept + "lone: the newest run of other\n"},
		"three levels and the end":    {Rules{Limit{Runs: 10}, Limit{Runs: 20}, Limit{Runs: 30}}, "histograms 10 R40-R49\nsummaries 10 R30-R39\ndelete 23 R00-R29\n" + kept},
		"the newest, whatever it is":  {Rules{days(1), days(1), days(1)}, "delete 52 R00-R58\n" + kept + "R59: the newest run of app\nlone: the newest run of other\n"},
		"nothing is as old as a year": {Rules{days(365), days(365), days(365)}, ""},
	} {
		plan, err := Make(ctx, s, "", tt.rules, waivers, now, func(int, int) {})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, short(plan)); diff != "" || plan.Runs != 61 {
			t.Errorf("%s: %d runs (-want +got):\n%s", name, plan.Runs, diff)
		}
	}
	// What is thin already is not thinned again.
	if _, err := s.Thin(ctx, history.Summaries, "R00", "R01"); err != nil {
		t.Fatal(err)
	}
	plan, err := Make(ctx, s, "app", Rules{Samples: Limit{Runs: 30}}, waivers, now, func(int, int) {})
	if err != nil || !strings.HasPrefix(short(plan), "histograms 21 R02-R29\n") {
		t.Errorf("%s, %v", short(plan), err)
	}
}

// What is read page by page is what is there, wherever a page ends.
func TestPages(t *testing.T) {
	t.Parallel()
	s := sixty(t)
	m := &history.Metric{App: "app", Name: "startup", Unit: "s"}
	for name, days := range map[string][]int{"whole": nil, "before, at and after the change": {24, 25, 26}, "every few days": {0, 7, 20, 40, 59}} {
		var p pagesOf
		for _, day := range days {
			p.cuts = append(p.cuts, start.AddDate(0, 0, day))
		}
		ids, err := changes(t.Context(), s, m, &p)
		if got := strings.Join(ids, " "); got != "R24 R25" || err != nil {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	var p pagesOf
	for i := range 3*pageRuns + 10 {
		at := start.Add(time.Duration(i) * time.Second)
		if i > pageRuns/2 && i < 2*pageRuns {
			at = start.Add(pageRuns / 2 * time.Second) // of one time: on one page
		}
		p.add(at)
	}
	want := []time.Time{start.Add(2 * pageRuns * time.Second), start.Add(3 * pageRuns * time.Second)}
	if diff := cmp.Diff(want, p.cuts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
