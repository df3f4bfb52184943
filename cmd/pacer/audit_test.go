//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/sqlite"
)

// auditLog is the audit log of a history, oldest entry first.
func auditLog(t *testing.T, path string) []history.Audit {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	list, err := s.AuditLog(t.Context(), history.AuditFilter{})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(list)
	return list
}

// What a command changes in a history is in its audit log, by whoever called it.
func TestCommandsAreAudited(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	here := filepath.Join(".pacer", "history.db")
	do := func(args ...string) string {
		t.Helper()
		status, out, errs := said(t, dir, nil, args...)
		if status != 0 {
			t.Fatalf("%v: status %d: %s", args, status, errs)
		}
		return out
	}
	seen := 0
	// entries are those that came since it was asked last, in short.
	entries := func(path string, want ...string) []history.Audit {
		t.Helper()
		list := auditLog(t, filepath.Join(dir, path))
		if path != here {
			seen = 0
		}
		list = list[min(seen, len(list)):]
		seen += len(list)
		var got []string
		for _, e := range list {
			if !strings.HasSuffix(e.Actor, " on the command line") || e.Time.IsZero() {
				t.Errorf("%+v", e)
			}
			got = append(got, strings.TrimSpace(fmt.Sprint(e.Action, " ", e.App, " ", e.Subject)))
		}
		if !slices.Equal(got, want) {
			t.Errorf("the entries are\n%q, want\n%q", got, want)
		}
		return list
	}
	keep(t, dir, "01", 1) // by the store itself, which makes no entry
	keep(t, dir, "02", 1)
	do("history", "export", "-o", "some.ndjson")
	entries(here)
	do("run", "--app", "app", "--", "true")
	if list := auditLog(t, filepath.Join(dir, here)); len(list) != 1 || list[0].Action != "run.add" || list[0].App != "app" || list[0].Detail["runs"] != "1" || len(list[0].Subject) != 26 {
		t.Fatalf("of pacer run: %+v", list)
	}
	seen = 1
	do("baseline", "set", "01")
	entries(here, "baseline.set app 01")
	do("baseline", "clear", "01")
	entries(here, "baseline.clear app 01")
	if status, _, _ := said(t, dir, nil, "baseline", "clear", "01"); status != 2 {
		t.Errorf("clearing nothing: status %d", status)
	}
	entries(here)
	do("baseline", "set", "01")
	entries(here, "baseline.set app 01")
	do("history", "import", "some.ndjson") // all of it is there
	entries(here)
	do("history", "export", "-o", "all.ndjson")
	do("history", "import", "--history", "other.db", "all.ndjson")
	if list := entries("other.db", "run.add app", "baseline.set app 01"); len(list) == 2 && (list[0].Detail["runs"] != "3" || list[0].Detail["from"] != "all.ndjson") {
		t.Errorf("of the import: %+v", list[0])
	}
	do("history", "copy", "other.db", "third.db")
	// Those of the copy, and what was copied of the log, which is older.
	if list := entries("third.db", "run.add app", "baseline.set app 01", "run.add app", "baseline.set app 01"); len(list) == 4 && list[2].Detail["from"] != "other.db" {
		t.Errorf("of the copy: %+v", list[2])
	}
	do("history", "copy", "other.db", "third.db")
	entries("third.db", "run.add app", "baseline.set app 01", "run.add app", "baseline.set app 01")
}

// Alerts that are acted on, and runs that are pruned, batch by batch with their
// ids.
func TestActsAndPruningAreAudited(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	here := filepath.Join(dir, ".pacer", "history.db")
	said(t, dir, nil, "version") // makes the folder
	keep(t, dir, "01", 1)
	keep(t, dir, "02", 2)
	_, out, _ := said(t, dir, nil, "alerts")
	m := regexp.MustCompile(`(?m)^.*\b([0-9a-f]{8})\b`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("there is no alert: %s", out)
	}
	if status, _, errs := said(t, dir, nil, "alerts", "ack", m[1], "--reason", "looking into it", "--author", "Ann"); status != 0 {
		t.Fatalf("status %d: %s", status, errs)
	}
	var got []string
	for _, e := range auditLog(t, here) {
		got = append(got, e.Action+" "+e.App+" "+e.Subject[:8])
	}
	if want := []string{"alert.opened app " + m[1], "alert.acknowledged app " + m[1]}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}

	dir = t.TempDir()
	here = filepath.Join(dir, ".pacer", "history.db")
	said(t, dir, nil, "version") // makes the folder
	many := make([]string, 0, 250)
	for i := range 250 {
		many = append(many, fmt.Sprintf(`{"schema":"pacer.run/v1","id":"R%03d","app":"app","timestamp":"2026-01-01T00:%02d:%02dZ","metrics":[{"name":"m","unit":"s","samples":[1]}]}`, i, i/60, i%60))
	}
	if err := os.WriteFile(filepath.Join(dir, "many.ndjson"), []byte(strings.Join(many, "\n")), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"history", "import", "many.ndjson"}, {"history", "prune", "--summaries", "10"}} {
		if status, _, errs := said(t, dir, nil, args...); status != 0 {
			t.Fatalf("%v: status %d: %s", args, status, errs)
		}
	}
	deleted := make(map[string]bool)
	list := auditLog(t, here)
	for _, e := range list[1:] {
		ids := strings.Fields(e.Detail["ids"])
		if e.Action != "history.prune" || !strings.HasSuffix(e.Actor, " on the command line") || e.Detail["deleted"] != fmt.Sprint(len(ids)) {
			t.Errorf("%+v", e)
		}
		for _, id := range ids {
			deleted[id] = true
		}
	}
	s, err := sqlite.Open(t.Context(), here)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	heads, err := s.Heads(t.Context(), history.Filter{})
	if err != nil || len(list) != 4 || len(heads)+len(deleted) != 250 {
		t.Errorf("%d entries, %d runs are left, %d were deleted: %v", len(list), len(heads), len(deleted), err)
	}
	for _, head := range heads {
		if deleted[head.ID] {
			t.Errorf("run %s is there", head.ID)
		}
	}
}
