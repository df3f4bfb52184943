package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/history/promtest"
)

// The history of a real Prometheus: its trend, and a gate against it.
func TestPrometheusHistory(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC().Truncate(time.Hour)
	e := engine{t, t.TempDir(), "prom+" + promtest.Prometheus(t, promtest.Scraped(t, now)) + "?since=3d"}
	e.read()
}

// The same of a VictoriaMetrics cluster, also while one of its two storage
// nodes is away. PACER_VICTORIAMETRICS names the folder with its programs, which
// take minutes to build: scripts/soak-prometheus.sh.
func TestVictoriaMetricsHistory(t *testing.T) {
	bin := os.Getenv("PACER_VICTORIAMETRICS")
	if bin == "" {
		return // the soak's
	}
	if left := time.Until(time.Now().Truncate(time.Hour).Add(time.Hour)); left < 2*time.Minute {
		time.Sleep(left) // windows end with the hour: answers are compared
	}
	now := time.Now().UTC().Truncate(time.Hour)
	c := promtest.VictoriaMetrics(t, bin, promtest.Scraped(t, now))
	e := engine{t, t.TempDir(), "prom+" + c.URL + "?since=3d"}
	before := e.read()
	c.KillStorage(0)
	if after := e.read(); after != before {
		t.Errorf("with a storage node killed the answers are others:\n%s\nbefore:\n%s", after, before)
	}
	t.Logf("the same answers, %d bytes, with one storage node killed", len(before))
	c.KillStorage(1)
	out, err := e.pacer("trend", "track.process").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "not available now") {
		t.Errorf("with both killed: %v: %s", err, out)
	}
}

type engine struct {
	t            *testing.T
	dir, address string
}

func (e *engine) pacer(args ...string) *exec.Cmd {
	cmd := pacerIn(e.dir, args...)
	cmd.Env = append(cmd.Env, "PACER_HISTORY="+e.address, "PACER_APP="+promtest.App)
	return cmd
}

// read calls the verbs that read a history and returns what they said.
func (e *engine) read() string {
	e.t.Helper()
	var all strings.Builder
	say := func(want int, args ...string) string {
		e.t.Helper()
		cmd := e.pacer(args...)
		var errors strings.Builder
		cmd.Stderr = &errors
		out, _ := cmd.Output()
		if got := cmd.ProcessState.ExitCode(); got != want {
			e.t.Errorf("pacer %s: exit status %d, want %d: %s%s", strings.Join(args, " "), got, want, out, &errors)
		}
		all.Write(out)
		return string(out)
	}
	var trend struct {
		Metrics []struct {
			N            int `json:"n"`
			ChangePoints []struct {
				Version string  `json:"version"`
				Ratio   float64 `json:"ratio"`
			} `json:"change_points"`
		} `json:"metrics"`
	}
	if err := json.Unmarshal([]byte(say(0, "trend", "track.process", "--format", "json")), &trend); err != nil {
		e.t.Fatal(err)
	}
	if len(trend.Metrics) != 1 || trend.Metrics[0].N < 60 || len(trend.Metrics[0].ChangePoints) != 1 || trend.Metrics[0].ChangePoints[0].Version != "2.0" ||
		trend.Metrics[0].ChangePoints[0].Ratio < 1.25 || trend.Metrics[0].ChangePoints[0].Ratio > 1.35 {
		e.t.Errorf("trend: %+v", trend)
	}
	if out := say(0, "log", "-n", "3"); strings.Count(out, "shop 2.0") != 3 {
		e.t.Errorf("log: %s", out)
	}
	// A build that is as slow as version 2.0, and one that is slower.
	for status, seconds := range []string{"0.13", "0.20"} {
		file := filepath.Join(e.dir, "run"+seconds+".json")
		samples := strings.TrimSuffix(strings.Repeat(seconds+","+seconds+"1,", 10), ",")
		text := `{"schema":"pacer.run/v1","id":"current","app":"shop","version":"2.1","timestamp":"` + time.Now().UTC().Add(time.Hour).Format(time.DateOnly) + `T23:59:59Z",` +
			`"metrics":[{"name":"track.process","kind":"timer","unit":"s","better":"lower","samples":[` + samples + `]}]}`
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			e.t.Fatal(err)
		}
		out := say(status, "check", "--baseline", e.address, file)
		if !strings.Contains(out, "the newest earlier comparable run") || !strings.Contains(out, "against  2.0") {
			e.t.Errorf("check: %s", out)
		}
	}
	return all.String()
}
