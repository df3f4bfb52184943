package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/examples/cuepoint/app"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/measure"
	"github.com/pacer-perf/pacer/internal/policy"
	"github.com/pacer-perf/pacer/internal/report/text"
	"github.com/pacer-perf/pacer/run"
)

func (c *cli) demo() *cobra.Command {
	library, runs := "", 0
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See it work on a built-in program",
		Long: `Demo runs CuePoint, a small program that matches a DJ's rekordbox library,
several times, keeps what it measured as one run, holds it to CuePoint's
budgets, and shows the change against the demo before. It is no gate: it exits
with 0 unless there is trouble.`,
		Example: `  pacer demo
  pacer demo --runs 10
  pacer demo --library rekordbox.xml`,
		Args: exactArgs(0),
	}
	cmd.Flags().StringVar(&library, "library", "", "rekordbox XML export `FILE` (default: 1,000 made-up tracks)")
	cmd.Flags().IntVar(&runs, "runs", 5, "how many `TIMES` to run the program")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if runs < 1 {
			return fmt.Errorf("--runs %d: expected 1 or more", runs)
		}
		r, err := c.measureDemo(cmd.Context(), library, runs)
		if r == nil {
			return err
		}
		return errors.Join(c.showDemo(context.WithoutCancel(cmd.Context()), r), err)
	}
	return cmd
}

// measureDemo runs CuePoint as a child process: this same program, executed
// anew.
func (c *cli) measureDemo(ctx context.Context, library string, runs int) (*run.Run, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	// The table is written to be timed, and nobody reads it.
	table, err := os.CreateTemp("", "pacer-demo-*.csv")
	if err != nil {
		return nil, err
	}
	table.Close()
	defer os.Remove(table.Name())
	args := []string{self, "cuepoint", "--filter", "remix", "--out", table.Name()}
	label := "built-in"
	if library != "" {
		args = append(args, "--library", library)
		if label, err = libraryLabel(library); err != nil {
			return nil, err
		}
	}
	s, err := c.newSession(ctx, true)
	if err != nil {
		return nil, err
	}
	defer s.close()
	return s.measure(ctx, batch{runs: runs, subject: subject{
		own: demoApp, labels: map[string]string{"library": label},
		task: measure.Task{Command: measure.Command{Args: args}},
	}})
}

// demoApp is the app that demo measures.
const demoApp = "cuepoint"

// demoPolicy is the policy that comes with it.
func demoPolicy(failOn judge.Tier) (judge.Policy, error) {
	p, err := policy.Read(bytes.NewReader(app.Policy), "built-in pacer.yaml of "+demoApp)
	p.FailOn = failOn
	return p, err
}

// libraryLabel names a library by its file and content, so that only runs of
// the same library are compared.
func libraryLabel(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return "", fmt.Errorf("reading %s: %w", file, err)
	}
	return filepath.Base(file) + "@" + hex.EncodeToString(hash.Sum(nil)[:4]), nil
}

// showDemo shows the verdict on a demo run, and what to type next.
func (c *cli) showDemo(ctx context.Context, r *run.Run) error {
	p, err := demoPolicy("")
	if err != nil {
		return err
	}
	base, past, err := loadBasis(ctx, demoApp, nil, &p, r)
	if err != nil {
		return err
	}
	found := judge.Case{Current: r, Baseline: base, History: past, Policy: p, Now: time.Now()}
	v, err := judge.Judge(found)
	if err != nil {
		return err
	}
	if err := text.Verdict(c.stdout, reportOn(found, &v, &checkOptions{app: demoApp}), c.text()); err != nil {
		return err
	}
	self := invocation()
	_, err = fmt.Fprintf(c.stdout, `
next:
  %[1]s demo           again: the change against this run
  %[1]s show latest    everything that this run measured
  %[1]s check          judge it with an exit status, for CI
  %[1]s run --help     measure a program of your own
`, self)
	return err
}

// invocation is what to type to call this program again from this folder.
func invocation() string {
	self, err := os.Executable()
	if err != nil {
		return "pacer"
	}
	if found, err := exec.LookPath("pacer"); err == nil && sameFile(found, self) {
		return "pacer"
	}
	// go run puts the program into a folder of its own.
	if _, err := os.Stat(filepath.Join("cmd", "pacer", "main.go")); err == nil && !sameFile(os.Args[0], filepath.Join(".", filepath.Base(self))) {
		return "go run ./cmd/pacer"
	}
	return os.Args[0]
}

func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// cuepoint is the program that demo measures.
func (c *cli) cuepoint() *cobra.Command {
	return &cobra.Command{
		Use:                "cuepoint",
		Short:              "The program that demo measures",
		Example:            "  pacer cuepoint --help",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			c.status = app.Main(cmd.Context(), args, c.stdout, c.stderr)
			return nil
		},
	}
}
