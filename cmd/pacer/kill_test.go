//go:build unix

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/examples/cuepoint/library"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/sqlite"
)

// Killed at any moment, run and demo leave a history that opens with every
// earlier run.
func TestKilled(t *testing.T) {
	t.Parallel()
	small := filepath.Join(t.TempDir(), "small.xml")
	f, err := os.Create(small)
	if err != nil {
		t.Fatal(err)
	}
	if err := library.Generate(f, library.Config{Seed: 1, Tracks: 50}); err != nil {
		t.Fatal(err)
	}
	f.Close()
	for name, args := range map[string][]string{
		"run":     {"run", "--app", "prog", "--runs", "2", "--", "true"},
		"compare": {"compare", "--app", "prog", "--pairs", "1", "--exec", "true", "true"},
		"demo":    {"demo", "--runs", "1", "--library", small},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, ".pacer", "history.db")
			// How long one takes sets the range of moments. What it measures
			// is not tested: only where the blows fall.
			start := time.Now()
			if out, err := pacerIn(dir, args...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			whole := time.Since(start)
			rng := rand.New(rand.NewPCG(4, 2))
			known := ids(t, path)
			for killed, tries := 0, 0; killed < 50; tries++ {
				if tries == 1000 {
					t.Fatalf("%d of %d were killed before their end", killed, tries)
				}
				cmd := pacerIn(dir, args...)
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				done := make(chan error, 1)
				go func() { done <- cmd.Wait() }()
				select {
				case <-time.After(time.Duration(rng.Int64N(int64(whole)))):
					cmd.Process.Kill()
					if <-done != nil {
						killed++
					}
				case err := <-done:
					if err != nil {
						t.Fatalf("after %d kills: ended by itself: %v", killed, err)
					}
					whole = min(whole, time.Since(start)) // the first was slow
				}
				now := ids(t, path)
				for id := range known {
					if !now[id] {
						t.Fatalf("after %d kills: run %s is gone", killed, id)
					}
				}
				known = now
			}
			more := 1
			if name == "compare" { // both sides
				more = 2
			}
			if out, err := pacerIn(dir, args...).CombinedOutput(); err != nil || len(ids(t, path)) != len(known)+more {
				t.Errorf("afterwards: %v: %s", err, out)
			}
		})
	}
}

// ids opens a history and reads every run of it, whole.
func ids(t *testing.T, path string) map[string]bool {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	heads, err := s.Heads(t.Context(), history.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]bool)
	for _, h := range heads {
		if _, err := s.Run(t.Context(), h.ID); err != nil {
			t.Fatal(err)
		}
		all[h.ID] = true
	}
	return all
}

// Interrupted, run keeps the repetitions that were complete, says so, and
// exits with 130.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// The third repetition says that it has begun, and hangs.
	script := `n=$(cat n 2>/dev/null || echo 0); n=$((n+1)); echo $n >n; [ $n -lt 3 ] || { echo begun >begun; exec sleep 60; }`
	cmd := pacerIn(dir, "run", "--app", "prog", "--runs", "9", "--", "sh", "-c", script)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, filepath.Join(dir, "begun"))
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit status %d, want 130: %s", code, &stderr)
	}
	if !bytes.Contains(stderr.Bytes(), []byte("interrupted: 2 of 9 repetitions are kept")) {
		t.Errorf("stderr: %s", &stderr)
	}
	if !bytes.Contains(stdout.Bytes(), []byte("process.wall")) {
		t.Errorf("stdout: %s", &stdout)
	}
	if n := len(ids(t, filepath.Join(dir, ".pacer", "history.db"))); n != 1 {
		t.Errorf("%d runs in the history", n)
	}
}

// The first interrupt asks a command to stop and says so, the second does not
// wait for it.
func TestInterruptedTwice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := `n=$(cat n 2>/dev/null || echo 0); n=$((n+1)); echo $n >n; [ $n -lt 3 ] && exit; trap "" INT TERM; echo $$ >pid.tmp; mv pid.tmp pid; while :; do sleep 600; done`
	cmd := pacerIn(dir, "run", "--app", "prog", "--runs", "9", "--grace", "1h", "--", "sh", "-c", script)
	said, err := os.Create(filepath.Join(dir, "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, filepath.Join(dir, "pid"))
	text, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	saying := func(what string) bool {
		text, err := os.ReadFile(said.Name())
		return err == nil && strings.Contains(string(text), what)
	}
	cmd.Process.Signal(os.Interrupt)
	poll(t, func() bool {
		return saying("stopping the command, which has 1h0m0s (--grace); interrupt again to kill it at once")
	}, "word of it")
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 || !saying("interrupted: 2 of 9 repetitions are kept") {
		text, _ := os.ReadFile(said.Name())
		t.Errorf("exit status %d, want 130: %s", code, text)
	}
	poll(t, func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err == nil && bytes.Contains(stat, []byte(") Z ")) || syscall.Kill(pid, 0) != nil
	}, "the command to end")
	if n := len(ids(t, filepath.Join(dir, ".pacer", "history.db"))); n != 1 {
		t.Errorf("%d runs in the history", n)
	}
}

// Interrupted, compare says what the pairs so far tell, and keeps both runs.
func TestCompareInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := `n=$(cat n 2>/dev/null || echo 0); n=$((n+1)); echo $n >n; [ $n -lt 6 ] || { echo begun >begun; exec sleep 60; }`
	cmd := pacerIn(dir, "compare", "--shell", "--app", "prog", "--exec", script, script)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, filepath.Join(dir, "begun"))
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit status %d, want 130: %s", code, &stderr)
	}
	if !bytes.Contains(stderr.Bytes(), []byte("interrupted: 2 pairs are kept")) {
		t.Errorf("stderr: %s", &stderr)
	}
	if !bytes.Contains(stdout.Bytes(), []byte("measured with it in 2 pairs, in random order")) {
		t.Errorf("stdout: %s", &stdout)
	}
	if n := len(ids(t, filepath.Join(dir, ".pacer", "history.db"))); n != 2 {
		t.Errorf("%d runs in the history", n)
	}
}

// Interrupted while another commit is measured, compare takes its work tree
// away; killed, the next one does.
func TestRefInterrupted(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=n", "-c", "user.email=e"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
		return string(out)
	}
	git("init", "-q", "-b", "main")
	git("commit", "-q", "--allow-empty", "-m", "one")
	begun := filepath.Join(dir, "begun")
	start := func() *exec.Cmd {
		t.Helper()
		os.Remove(begun)
		cmd := pacerIn(dir, "compare", "--ref", "main", "--build", "echo begun >"+begun+"; exec sleep 60", "--exec", "true")
		cmd.Env = append(cmd.Env, "TMPDIR="+temp)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waitFor(t, begun)
		return cmd
	}
	trees := func() int { return strings.Count(git("worktree", "list"), "\n") }

	cmd := start()
	if trees() != 2 {
		t.Errorf("there is no work tree of another commit: %s", git("worktree", "list"))
	}
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
	left, err := os.ReadDir(temp)
	if code := cmd.ProcessState.ExitCode(); code != 130 || trees() != 1 || err != nil || len(left) != 0 {
		t.Errorf("interrupted: exit status %d, %d trees, %v, %v", code, trees(), left, err)
	}
	cmd = start()
	cmd.Process.Kill()
	cmd.Wait()
	if trees() != 2 {
		t.Error("killed, it took its work tree away")
	}
	cmd = start()
	if n := trees(); n != 2 {
		t.Errorf("%d work trees: that of the process which was killed is still there", n)
	}
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
	if left, err := os.ReadDir(temp); trees() != 1 || err != nil || len(left) != 0 {
		t.Errorf("at last: %d trees, %v, %v", trees(), left, err)
	}
}

// Killed without warning, or interrupted, run and compare take the command
// along and what it started, even what does not listen, is in a session of its
// own, or was left behind before.
func TestNoChildStays(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		return // that is for Linux alone
	}
	const deaf = `trap "" INT TERM HUP; `
	scripts := map[string]string{
		"child":      `echo $$ >pids.tmp; mv pids.tmp pids; exec sleep 60`,
		"deaf":       deaf + `echo $$ >pids.tmp; mv pids.tmp pids; while :; do sleep 60; done`,
		"grandchild": deaf + `sh -c 'echo $$ >child.tmp; mv child.tmp child; while :; do sleep 60; done' & until [ -e child ]; do sleep 0.01; done; echo $$ $(cat child) >pids.tmp; mv pids.tmp pids; wait`,
		"daemon":     `setsid sh -c '` + `echo $$ >child.tmp; mv child.tmp child; exec sleep 60' >/dev/null 2>&1 & until [ -e child ]; do sleep 0.01; done; echo $$ $(cat child) >pids.tmp; mv pids.tmp pids; exec sleep 60`,
		// The first repetition leaves something behind, the second hangs.
		"left": `[ -e child ] || { sh -c 'echo $$ >child.tmp; mv child.tmp child; exec sleep 60' >/dev/null 2>&1 & until [ -e child ]; do sleep 0.01; done; exit; }; echo $$ $(cat child) >pids.tmp; mv pids.tmp pids; exec sleep 60`,
	}
	for name, script := range scripts {
		for _, verb := range []string{"run", "compare"} {
			for _, how := range []os.Signal{os.Kill, os.Interrupt} {
				t.Run(name+" "+verb+" "+how.String(), func(t *testing.T) {
					t.Parallel()
					dir := t.TempDir()
					args := []string{"run", "--runs", "2", "--grace", "50ms", "--", "sh", "-c", script}
					if verb == "compare" {
						args = []string{"compare", "--shell", "--grace", "50ms", "--exec", script, script}
					}
					cmd := pacerIn(dir, args...)
					if err := cmd.Start(); err != nil {
						t.Fatal(err)
					}
					waitFor(t, filepath.Join(dir, "pids"))
					text, err := os.ReadFile(filepath.Join(dir, "pids"))
					if err != nil {
						t.Fatal(err)
					}
					if err := cmd.Process.Signal(how); err != nil {
						t.Fatal(err)
					}
					cmd.Wait()
					for word := range strings.FieldsSeq(string(text)) {
						pid, err := strconv.Atoi(word)
						if err != nil {
							t.Fatal(err)
						}
						poll(t, func() bool {
							stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
							return err != nil || bytes.Contains(stat, []byte(") Z ")) || syscall.Kill(pid, 0) != nil
						}, "process "+word+" to end")
					}
					ids(t, filepath.Join(dir, ".pacer", "history.db"))
				})
			}
		}
	}
}

func waitFor(t *testing.T, file string) {
	t.Helper()
	poll(t, func() bool { _, err := os.Stat(file); return err == nil }, file)
}

// poll waits until something is so, for two minutes at most: machines have much
// else to do.
func poll(t *testing.T, so func() bool, what string) {
	t.Helper()
	deadline := time.NewTimer(2 * time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-deadline.C:
			t.Fatalf("waited two minutes for %s", what)
		case <-tick.C:
		}
	}
}
