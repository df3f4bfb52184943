package dashboard

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/judge"
)

func TestOverview(t *testing.T) {
	t.Parallel()
	h := handler(example())
	page := check(t, "overview", h, "/")
	if !strings.Contains(page, "<title>2 regressions · cuepoint · pacer</title>") {
		t.Error("the title does not begin with the verdict")
	}
	if len(page) > 60<<10 {
		t.Errorf("the page has %d bytes", len(page))
	}
	check(t, "overview-embed", h, "/?embed=1")
	check(t, "overview-card", h, "/?embed=1&card=1")
	check(t, "overview-sorted", h, "/?sort=name&dir=desc&q=e&show=budget")
	check(t, "overview-no-match", h, "/?q=zebra&show=improved")
	check(t, "overview-odd", h, "/?sort=colour&group=no&q=%3Cscript%3E")
}

func TestOverviewStates(t *testing.T) {
	t.Parallel()
	check(t, "overview-empty", handler(&fake{}), "/")
	check(t, "overview-no-run", handler(example()), "/?branch=gone")

	first := example()
	first.verdict.Verdict = judge.Pass
	first.verdict.Baseline = judge.BaselineHead{Chosen: "no earlier run of this app and these labels"}
	first.verdict.Metrics = []judge.Metric{metric("startup", "s", judge.New, 0, 2.078, budget(judge.OverTarget, "median", 2.078, 2, 3, 5)), metric("track.process", "s", judge.New, 0, 0.194)}
	first.verdict.Reasons = nil
	check(t, "overview-first", handler(first), "/")

	calm := example()
	calm.verdict.Verdict, calm.verdict.Reasons, calm.verdict.Warnings = judge.Pass, nil, nil
	calm.verdict.Metrics = nil
	for i := range 24 {
		calm.verdict.Metrics = append(calm.verdict.Metrics, metric(fmt.Sprintf("%s.m%d", []string{"track", "table", "ui"}[i%3], i), "s", judge.Unchanged, 0.1, 0.1))
	}
	check(t, "overview-calm", handler(calm), "/")
	check(t, "overview-ungrouped", handler(calm), "/?group=none")

	stale := example()
	stale.lag = errors.New("/home/dj/.pacer/history.db is damaged or no history: file is not a database")
	check(t, "overview-stale", handler(stale), "/")

	part := example()
	part.trendErr = errors.New("disk I/O error")
	if page := pageOf(t, handler(part), "/"); !strings.Contains(page, "The trends could not be read: disk I/O error.") || !strings.Contains(page, "2 regressions") {
		t.Error("trends that fail take the page along")
	}

	elsewhere := example()
	elsewhere.verdict.Verdict = judge.Undecided
	elsewhere.verdict.Reasons = []string{"the baseline is not comparable (cpu: Xeon 8370C and AMD EPYC 7B13)"}
	elsewhere.verdict.Metrics = []judge.Metric{metric("startup", "s", judge.Incomparable, 1.7, 2.1, func(m *judge.Metric) { m.Ratio, m.Interval, m.Test = nil, nil, nil })}
	check(t, "overview-elsewhere", handler(elsewhere), "/")
}

// What is said on every page has no room on the card: it would push out the
// metrics.
func TestCardWithoutNotice(t *testing.T) {
	t.Parallel()
	h := New(Config{Source: example(), Notice: "all made up", Now: func() time.Time { return clock }})
	for target, said := range map[string]bool{"/": true, "/?embed=1": true, "/?embed=1&card=1": false} {
		if strings.Contains(get(t, h, target).Body.String(), "all made up") != said {
			t.Errorf("%s: the notice is said: %v", target, !said)
		}
	}
}
