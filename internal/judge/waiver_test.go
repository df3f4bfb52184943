package judge

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestWaiverCovers(t *testing.T) {
	t.Parallel()
	day := func(s string) time.Time {
		at, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	now := day("2026-11-23")
	tests := []struct {
		name    string
		waiver  Waiver
		version string
		ratio   float64
		want    bool
		expired string
	}{
		{name: "until a date", waiver: Waiver{Until: day("2026-11-24")}, ratio: 3, want: true},
		{name: "at its end", waiver: Waiver{Until: now}, ratio: 1.1, expired: "it ended with 2026-11-22"},
		{name: "long after", waiver: Waiver{Until: day("2020-01-01")}, ratio: 1.1, expired: "2019-12-31"},
		{name: "before the version", waiver: Waiver{UntilVersion: "2.0"}, version: "1.9.9", ratio: 3, want: true},
		{name: "at the version", waiver: Waiver{UntilVersion: "2.0"}, version: "v2.0.0", ratio: 1.1, expired: "it was for versions before 2.0, this is v2.0.0"},
		{name: "no version", waiver: Waiver{UntilVersion: "2.0"}, ratio: 1.1, expired: "does not say its version"},
		{name: "no version, but a date", waiver: Waiver{UntilVersion: "2.0", Until: day("2027-01-01")}, ratio: 1.1, want: true},
		{name: "the first end ends it", waiver: Waiver{UntilVersion: "2.0", Until: day("2027-01-01")}, version: "2.1", ratio: 1.1, expired: "versions before 2.0"},
		{name: "worse by less", waiver: Waiver{WorseBy: 0.1}, ratio: 1.09, want: true},
		{name: "worse by as much", waiver: Waiver{WorseBy: 0.1}, ratio: 0.55 / 0.5, want: true}, // 1.1 and 2 ulp
		{name: "worse by more", waiver: Waiver{WorseBy: 0.1}, ratio: 1.101},
		{name: "better", waiver: Waiver{WorseBy: 0.1}, ratio: 0.5, want: true},
		{name: "ratio unknown", waiver: Waiver{WorseBy: 0.1}, ratio: math.NaN()},
		{name: "ratio unknown, no limit", waiver: Waiver{Until: day("2027-01-01")}, ratio: math.NaN(), want: true},
		{name: "from zero", waiver: Waiver{Until: day("2027-01-01")}, ratio: math.Inf(1), want: true},
		{name: "no end", waiver: Waiver{}, ratio: 1.1, expired: "it has no end"},
	}
	for _, tt := range tests {
		tt.waiver.Metric = "track.*"
		if got := tt.waiver.Covers("track.process", nil, tt.version, tt.ratio, now); got != tt.want {
			t.Errorf("%s: Covers = %v", tt.name, got)
		}
		if tt.waiver.Covers("table.filter", nil, tt.version, tt.ratio, now) {
			t.Errorf("%s: covers another metric", tt.name)
		}
		got := tt.waiver.Expired(tt.version, now)
		if (got == "") != (tt.expired == "") || !strings.Contains(got, tt.expired) {
			t.Errorf("%s: Expired = %q; want %q", tt.name, got, tt.expired)
		}
	}
}

// The order of Semantic Versioning 2.0.0, section 11, with its own examples,
// and of versions around it.
func TestOlderVersion(t *testing.T) {
	t.Parallel()
	order := []string{"0.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0",
		"1.0.1", "v1.2", "1.10", "2.0.0", "2.1.0", "2.1.1", "10", "20261123", "99999999999999999999999"}
	for i, a := range order {
		for j, b := range order {
			if got := olderVersion(a, b); got != (i < j) {
				t.Errorf("olderVersion(%s, %s) = %v", a, b, got)
			}
		}
	}
	equal := [][2]string{{"1", "1.0.0"}, {"v1.4", "1.4.0"}, {"1.4.0+build", "1.4.0"}, {"1.4.0-3-gabcdef0", "1.4.0"}, {"1.4.0-3-gabcdef0-dirty", "1.4.0"}, {"1.4.0-dirty", "1.4"}, {"1.04", "1.4"}, {"nightly", "nightly"}}
	for _, e := range equal {
		if olderVersion(e[0], e[1]) || olderVersion(e[1], e[0]) {
			t.Errorf("%s and %s are not the same", e[0], e[1])
		}
	}
	if !olderVersion("nightly", "2.0") || !olderVersion("2.0", "nightly") {
		t.Error("of what is no number only the same text ends a waiver")
	}
	if !olderVersion("1.4.0-rc1-3-gabcdef0", "1.4.0") {
		t.Error("commits after a release candidate come before the release")
	}
}

func TestWaiverEnd(t *testing.T) {
	t.Parallel()
	w := Waiver{Until: time.Date(2027, 2, 2, 0, 0, 0, 0, time.UTC), UntilVersion: "2.0", WorseBy: 0.1}
	if got, want := w.End(), "after 2027-02-01 or with version 2.0 or when worse by more than 10%"; got != want {
		t.Errorf("End() = %q; want %q", got, want)
	}
	w = Waiver{Until: time.Date(2027, 2, 2, 9, 30, 0, 0, time.UTC)}
	if got, want := w.LastDay(), "2027-02-02T09:30:00Z"; got != want {
		t.Errorf("LastDay() = %q; want %q", got, want)
	}
}

// A rule for a glob says nothing of metrics in another unit, one for a metric
// by name is an error.
func TestMinChangeUnits(t *testing.T) {
	t.Parallel()
	r := parse(`{"metrics": [{"name": "a", "unit": "s", "samples": [1]}, {"name": "b", "unit": "bytes", "samples": [1]}]}`)
	p := Policy{Thresholds: []Threshold{{Metric: "*", MinChange: &Quantity{0.001, "s"}, Place: "p:1:1"}}}
	a, errA := p.minChange(r.Find("a", nil))
	b, errB := p.minChange(r.Find("b", nil))
	if a != 0.001 || b != 0 || errA != nil || errB != nil {
		t.Errorf("min_change of a and b: %v, %v, %v, %v", a, errA, b, errB)
	}
	p.Thresholds[0].Metric = "b"
	if _, err := p.minChange(r.Find("b", nil)); err == nil || !strings.Contains(err.Error(), `p:1:1: b is measured in "bytes", not in "s"`) {
		t.Errorf("error = %v", err)
	}
}

func TestBudgetDirection(t *testing.T) {
	t.Parallel()
	r := parse(`{"metrics": [{"name": "a", "unit": "s", "samples": [1]}, {"name": "b", "unit": "frames", "samples": [30]}]}`)
	b := Budget{Better: "higher", Limits: map[Tier]Quantity{Target: {2, "s"}}, Place: "p:1:1"}
	if _, _, err := b.hold(r.Find("a", nil)); err == nil || err.Error() != "p:1:1: budget of a: lower is better there: write < in place of >" {
		t.Errorf("error = %v", err)
	}
	// Where nobody else knows it, the operator says what is better.
	b.Limits[Target] = Quantity{60, ""}
	if result, over, err := b.hold(r.Find("b", nil)); err != nil || over != Target || result.Status != OverTarget {
		t.Errorf("%+v, %q, %v", result, over, err)
	}
}
