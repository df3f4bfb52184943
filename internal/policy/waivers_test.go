package policy

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/judge"
)

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}

func text(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestReadWaivers(t *testing.T) {
	t.Parallel()
	got, err := ReadWaivers(strings.NewReader(text(t, "testdata/waivers/all.yaml")), "w")
	if err != nil {
		t.Fatal(err)
	}
	want := []judge.Waiver{
		{Metric: "track.process", Reason: "fuzzier matching is worth 8 % (issue 41)", Author: "A. Person", Since: day(2026, 11, 23), UntilVersion: "2.0", Until: day(2027, 2, 2), WorseBy: 0.1, Place: "w:4:5"},
		{Metric: "table.filter{rows=*}", Reason: "sorted by relevance", Until: day(2027, 2, 1).Add(12 * time.Hour), Place: "w:12:5"},
		{Metric: "memory.*", Reason: "The catalogue is kept in memory,\nbecause disks are slow.", WorseBy: 0.25, Place: "w:13:5"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadWaiversRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"waivers:\n  - metric: a.b\n    reason: long enough\n", "w:2:5: waivers: the waiver of a.b has no end: expected until, until_version or worse_by"},
		{"waivers:\n  - metric: a.b\n    reason: short\n", `w:3:13: waivers.reason: "short" tells the next reader nothing: expected at least 8 characters`},
		{"waivers:\n  - metric: a.b\n    until: 2027-01-01\n", "has no reason"},
		{"waivers:\n  - reason: long enough\n", "a waiver without a metric"},
		{"waivers:\n  - metric: a{b\n", "w:2:13: waivers.metric: \"a{b\" has a brace"},
		{"waivers:\n  - metric: a\n    util: 3\n", "w:3:5: waivers.util: unknown key: expected metric, reason, author, since, until_version, until or worse_by; did you mean until?"},
		{"waivers:\n  - metric: a\n    until: soon\n", `w:3:12: waivers.until: "soon" is no date: expected one such as 2027-02-01`},
		{"waivers:\n  - metric: a\n    until: 2027-02-30\n", "is no date"},
		{"waivers:\n  - metric: a\n    until: 0001-01-01\n", "no year to measure in"},
		{"waivers:\n  - metric: a\n    until_version: ''\n", "expected a version"},
		{"waivers:\n  - metric: a\n    worse_by: 0%\n", "expected more than 0%"},
		{"waivers:\n  - metric: a\n    worse_by: 10\n", "expected a percentage"},
		{"waivers:\n  - {metric: a, reason: long enough, since: 2027-02-01, until: 2027-01-01}\n", "ends before it begins"},
		{"waivers:\n  track.process: {reason: long enough}\n", "w:2:3: waivers: expected a list of waivers"},
		{"- metric: a\n", "expected the key waivers before the list"},
		{"budgets:\n", "w:1:1: budgets: unknown key: expected waivers"},
		{"waivers:\n  - a\n", "expected keys with values, found a single value"},
	}
	for _, tt := range tests {
		_, err := ReadWaivers(strings.NewReader(tt.text), "w")
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: error = %v; want an Error with %q", tt.text, err, tt.want)
		}
	}
	for _, empty := range []string{"", "# none\n", "waivers:\n", "waivers: []\n", "null\n"} {
		if w, err := ReadWaivers(strings.NewReader(empty), "w"); err != nil || len(w) != 0 {
			t.Errorf("%q: %v, %v", empty, w, err)
		}
	}
}

var accepted = judge.Waiver{Metric: "table.filter{rows=1000}", Reason: `"quoted" \ and: # odd — ☃`, Author: "A. Person", Since: day(2026, 11, 23), Until: day(2027, 2, 22)}

const acceptedText = `  - metric: "table.filter{rows=1000}"
    reason: "\"quoted\" \\ and: # odd — ☃"
    author: "A. Person"
    since: 2026-11-23
    until: 2027-02-21
`

func TestAddWaiver(t *testing.T) {
	t.Parallel()
	all := text(t, "testdata/waivers/all.yaml")
	tests := []struct{ name, text, want string }{
		{"no file", "", "waivers:\n" + acceptedText},
		{"comments alone", "# none yet\n", "# none yet\nwaivers:\n" + acceptedText},
		{"the key alone", "waivers:\n", "waivers:\n" + acceptedText},
		{"an empty list", text(t, "testdata/waivers/empty.yaml"), "# Nothing is accepted yet.\nwaivers: # not a thing\n" + acceptedText},
		{"others", all, all + acceptedText},
		{"no newline at the end", strings.TrimRight(all, "\n"), all + acceptedText},
		{"lines of Windows", strings.ReplaceAll(all, "\n", "\r\n"), strings.ReplaceAll(all+acceptedText, "\n", "\r\n")},
		{"dashes at the margin", "waivers:\n- {metric: a, reason: long enough, worse_by: 1%}\n", "waivers:\n- {metric: a, reason: long enough, worse_by: 1%}\n" + strings.ReplaceAll(strings.TrimPrefix(acceptedText, "  "), "\n  ", "\n")},
	}
	for _, tt := range tests {
		got, err := AddWaiver([]byte(tt.text), accepted, false)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if diff := cmp.Diff(tt.want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if _, err := AddWaiver([]byte(text(t, "testdata/waivers/flow.yaml")), accepted, false); !errors.Is(err, ErrByHand) {
		t.Errorf("a list in one line: error = %v", err)
	}
	spread := "waivers: [\n]\n"
	if _, err := AddWaiver([]byte(spread), accepted, false); !errors.Is(err, ErrByHand) {
		t.Errorf("an empty list on two lines: error = %v", err)
	}
	padded := accepted
	padded.Reason = " " + padded.Reason + "\n"
	if _, err := AddWaiver(nil, padded, false); err != nil {
		t.Errorf("blanks around the reason: %v", err)
	}
	if _, err := AddWaiver([]byte("waivers:\n...\n"), accepted, false); !errors.Is(err, ErrByHand) {
		t.Errorf("after the end of the document: error = %v", err)
	}
}

func TestAddWaiverTwice(t *testing.T) {
	t.Parallel()
	w := judge.Waiver{Metric: "track.process", Reason: "another reason", Since: day(2026, 12, 1), Until: day(2027, 1, 1)}
	all := text(t, "testdata/waivers/all.yaml")
	_, err := AddWaiver([]byte(all), w, false)
	var waived *WaivedError
	if !errors.As(err, &waived) || waived.Waiver.Place != "pacer.waivers.yaml:4:5" {
		t.Fatalf("error = %v; want a WaivedError", err)
	}
	got, err := AddWaiver([]byte(all), w, true)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(all, "  - metric: track.process")
	_, after, _ := strings.Cut(rest, "worse_by: 10%\n")
	want := before + after + "  - metric: track.process\n    reason: \"another reason\"\n    since: 2026-12-01\n    until: 2026-12-31\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("replaced (-want +got):\n%s", diff)
	}
	// One that has ended is in nobody's way.
	w.Since, w.Until = day(2027, 2, 2), day(2027, 3, 1)
	if _, err := AddWaiver([]byte(all), w, false); err != nil {
		t.Errorf("after the end of the first: %v", err)
	}
}

func TestAddWaiverRefuses(t *testing.T) {
	t.Parallel()
	for _, w := range []judge.Waiver{
		{Metric: "a.b", Reason: "for ever and ever"},
		{Metric: "a.b", Reason: "short", WorseBy: 0.1},
		{Metric: "a{b", Reason: "long enough", WorseBy: 0.1},
		{Metric: "a.b", Reason: "long\xff enough", WorseBy: 0.1},
	} {
		if out, err := AddWaiver(nil, w, false); err == nil {
			t.Errorf("%+v was added:\n%s", w, out)
		}
	}
}

// Whatever is read, adding to it keeps it, and the text reads back.
func FuzzWaivers(f *testing.F) {
	files, err := filepath.Glob("testdata/waivers/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		f.Add(text(f, file), "a long reason", "table.filter", false)
	}
	f.Fuzz(func(t *testing.T, text, reason, metric string, replace bool) {
		old, err := ReadWaivers(strings.NewReader(text), "w")
		var e *Error
		if err != nil {
			if !errors.As(err, &e) || e.Line < 1 || e.Column < 1 || e.Msg == "" {
				t.Fatalf("error without a place: %#v", err)
			}
			return
		}
		for _, w := range old {
			if w.End() == "" || w.Reason == "" || w.Metric == "" || w.Place == "" {
				t.Fatalf("an incomplete waiver: %+v", w)
			}
		}
		w := accepted
		w.Reason = strings.TrimSpace(reason)
		if w.Metric, err = judge.ParsePattern(metric); err != nil {
			return
		}
		out, err := AddWaiver([]byte(text), w, replace)
		if err != nil {
			return
		}
		got, err := ReadWaivers(strings.NewReader(string(out)), "w")
		if err != nil || len(got) == 0 || !equalWaivers(got[len(got)-1], w) {
			t.Fatalf("added %+v, read %+v, %v\n%s", w, got, err, out)
		}
		if !replace && len(got) != len(old)+1 {
			t.Fatalf("%d waivers became %d", len(old), len(got))
		}
	})
}
