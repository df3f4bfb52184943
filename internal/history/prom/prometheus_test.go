package prom

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// TestPrometheus reads what the SDK's own text format says out of a real
// Prometheus, Debian's: three days of an app of which an operation takes 1.3
// times as long from version 2.0 on.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	prometheus, err := exec.LookPath("prometheus")
	promtool, err2 := exec.LookPath("promtool")
	if err != nil || err2 != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("prometheus and promtool are not installed: ./test.sh brings them")
		}
		t.Skip("prometheus and promtool are not installed (apt-get install prometheus)")
	}
	now := time.Now().UTC().Truncate(time.Hour)
	dir := t.TempDir()
	text := filepath.Join(dir, "metrics.txt")
	if err := os.WriteFile(text, exposed(t, now), 0o600); err != nil {
		t.Fatal(err)
	}
	storage := filepath.Join(dir, "data")
	if out, err := exec.Command(promtool, "tsdb", "create-blocks-from", "openmetrics", text, storage).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s := open(t, "prom+"+startPrometheus(t, prometheus, dir, storage)+"?step=1h&since=3d")
	s.now = func() time.Time { return now }
	s.Names([]run.Metric{{Name: "track.process", Unit: "s", Better: run.Lower}})
	ctx := t.Context()

	heads, err := s.Heads(ctx, history.Filter{App: "shop"})
	if err != nil || len(heads) < 60 || heads[0].Version != "2.0" || heads[len(heads)-1].Version != "1.0" {
		t.Fatalf("%d heads, %v", len(heads), err)
	}
	list, err := s.Series(ctx, history.SeriesFilter{App: "shop", Key: "track.process", Unit: "s"})
	if err != nil || len(list) != 1 || len(list[0].Points) < 60 {
		t.Fatalf("%+v, %v", list, err)
	}
	levels := make(map[string][]history.Point)
	for _, p := range list[0].Points {
		levels[p.Run.Version] = append(levels[p.Run.Version], p)
	}
	for version, want := range map[string]float64{"1.0": 0.1, "2.0": 0.13} {
		// The second of its windows: the first begins with the version.
		p := levels[version][1]
		if mean := p.Stats.Mean; math.Abs(mean/want-1) > 0.02 {
			t.Errorf("%s: mean %v, want %v", version, mean, want)
		}
		if p.Better != run.Lower || p.Stats.Count < 100 {
			t.Errorf("%s: %+v", version, p)
		}
	}
	r, err := s.Run(ctx, heads[1].ID)
	if err != nil {
		t.Fatal(err)
	}
	units := make(map[string]string)
	for _, m := range r.Metrics {
		units[m.Key()] = m.Unit
	}
	if want := map[string]string{"track.process": "s", "table.filter{rows=1000}": "s", "cache.hits": ""}; !includes(units, want) {
		t.Errorf("%v, want %v", units, want)
	}
}

func includes(all, some map[string]string) bool {
	for k, v := range some {
		if got, ok := all[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// exposed is what an app's endpoint would have said over three days, with times,
// as OpenMetrics.
func exposed(t *testing.T, now time.Time) []byte {
	t.Helper()
	kinds := make(map[string]string)
	lines := make(map[string][]string)
	for _, v := range []struct {
		version  string
		from, to time.Duration
		each     time.Duration
	}{{"1.0", -72 * time.Hour, -36 * time.Hour, 100 * time.Millisecond}, {"2.0", -36 * time.Hour, 0, 130 * time.Millisecond}} {
		rec := pacer.New(pacer.Config{App: "shop"})
		process, filter := rec.Timer("track.process"), rec.Timer("table.filter", pacer.Label{Key: "rows", Value: "1000"})
		hits := rec.Counter("cache.hits")
		n := 0
		for at := v.from; at <= v.to; at += 10 * time.Minute {
			for range 30 {
				n++
				process.Record(v.each + time.Duration(n%7-3)*time.Millisecond)
				filter.Record(time.Millisecond)
				hits.Add(1)
			}
			var b bytes.Buffer
			if err := rec.WriteOpenMetrics(&b); err != nil {
				t.Fatal(err)
			}
			collect(&b, v.version, now.Add(at), kinds, lines)
		}
		rec.Close()
	}
	var out bytes.Buffer
	for _, family := range slices.Sorted(maps.Keys(lines)) {
		fmt.Fprintf(&out, "# TYPE %s %s\n", family, kinds[family])
		slices.SortStableFunc(lines[family], func(a, b string) int { return strings.Compare(seriesOf(a), seriesOf(b)) })
		for _, line := range lines[family] {
			fmt.Fprintln(&out, line)
		}
	}
	out.WriteString("# EOF\n")
	return out.Bytes()
}

// seriesOf is the series of a line.
func seriesOf(line string) string { return line[:strings.LastIndex(line, "} ")] }

// collect adds the lines of an exposition with a version and a time.
func collect(b *bytes.Buffer, version string, at time.Time, kinds map[string]string, lines map[string][]string) {
	family := ""
	for line := range strings.Lines(b.String()) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(rest, " ")
			family, kinds[name] = name, kind
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		line = strings.Replace(line, "{", fmt.Sprintf("{version=%q,", version), 1)
		lines[family] = append(lines[family], fmt.Sprintf("%s %d", line, at.Unix()))
	}
}

// startPrometheus starts a server on loopback and returns its address.
func startPrometheus(t *testing.T, prometheus, dir, storage string) string {
	t.Helper()
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, []byte("global: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for try := 0; ; try++ {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := l.Addr().String()
		l.Close()
		ctx, cancel := context.WithCancel(context.Background())
		cmd := exec.CommandContext(ctx, prometheus, "--config.file", config, "--storage.tsdb.path", storage, "--storage.tsdb.retention.time", "10y",
			"--web.listen-address", address, "--log.level", "warn")
		var log bytes.Buffer
		cmd.Stdout, cmd.Stderr = &log, &log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { cmd.Wait(); close(ended) }()
		stop := func() { cancel(); <-ended }
		if ready(address, ended) {
			t.Cleanup(stop)
			return "http://" + address
		}
		stop()
		if try == 3 { // somebody else took the port, again and again?
			t.Fatalf("prometheus does not start: %s", &log)
		}
	}
}

// ready waits until a server says that it is.
func ready(address string, ended chan struct{}) bool {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		resp, err := http.Get("http://" + address + "/-/ready")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return true
			}
		}
		select {
		case <-ended:
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	return false
}
