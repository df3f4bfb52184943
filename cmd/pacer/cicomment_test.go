package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/internal/forge/forgetest"
)

// However much regressed, the comment is one that the forge takes, with the
// gravest first, from push to push the same one.
func TestCommentLimit(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	document := func(factor float64) string {
		metrics := make([]map[string]any, 3000)
		for i := range metrics {
			metrics[i] = map[string]any{"name": fmt.Sprintf("op.%04d.%s", i, strings.Repeat("é|`", 30)), "unit": "s", "samples": []float64{factor}}
		}
		text, err := json.Marshal(map[string]any{"schema": "pacer.run/v1", "app": "big", "metrics": metrics})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	p.write("base.json", document(1))
	p.write("slow.json", document(2))
	p.write("event.json", `{"number": 7, "pull_request": {}}`)
	p.run(nil, "pacer", "check", "--exit-zero", "--baseline", "base.json", "-o", "verdict.json", "slow.json")
	env := []string{"GITHUB_ACTIONS=true", "GITHUB_REPOSITORY=acme/app", "GITHUB_API_URL=" + p.api, "GITHUB_EVENT_PATH=" + filepath.Join(p.dir, "event.json"),
		"GITHUB_TOKEN=" + forgetest.App, "GITHUB_STEP_SUMMARY=" + filepath.Join(p.dir, "summary.md")}
	for range 3 {
		p.run(env, "pacer", "ci", "comment", "--exit-zero", "--file", "verdict.json")
	}
	notes := p.forge.Notes()
	if len(notes) != 1 || notes[0].Edits != 2 {
		t.Fatalf("%d comments", len(notes))
	}
	body := notes[0].Body
	if n := utf8.RuneCountInString(body); n > 60_000 || n < 30_000 || !strings.Contains(body, "more in the full report") || !strings.Contains(body, "**3000 regressed**") {
		t.Errorf("%d characters:\n%.2000s", n, body)
	}
	if n := len(p.read("summary.md")); n > 3*1024*1024 || n < 300_000 {
		t.Errorf("the summary has %d bytes", n)
	}
}
