package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/examples/cuepoint/library"
)

// scripts/performance-check.sh in short: green against the budgets, red where
// the catalogue answers a hundred times as late as it does.
func TestPerformanceCheck(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	file := filepath.Join(t.TempDir(), "library.xml")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := library.Generate(f, library.Config{Seed: 41, Tracks: 20}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("../../scripts/performance-check.sh")
	if err != nil {
		t.Fatal(err)
	}
	p.dir = filepath.Dir(filepath.Dir(script))
	env := []string{"PACER=" + filepath.Join(p.bin, "pacer")}
	verdict := filepath.Join(t.TempDir(), "verdict.json")

	out := p.run(env, "bash", script, "--library", file, "--base", "none", "--rounds", "2", "--label", "test="+filepath.Base(t.TempDir()))
	if !strings.Contains(out, "PASS  ") && !strings.Contains(out, "WARN  ") {
		t.Errorf("held to its budgets:\n%s", out)
	}
	out, err = p.try(env, "bash", script, "--library", file, "--base", "HEAD", "--rounds", "5", "--slower", "20ms", "-o", verdict, "--label", "test="+filepath.Base(t.TempDir()))
	if err == nil || !strings.Contains(out, "FAIL  ") || !strings.Contains(out, "track.process/search: ") || !strings.Contains(out, `the stage "track.process/search" took `) {
		t.Errorf("with a catalogue that answers late: %v\n%s", err, out)
	}
	if _, err := os.Stat(verdict); err != nil {
		t.Error(err)
	}
}
