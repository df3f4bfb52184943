package promtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// Prometheus starts Debian's Prometheus with samples and returns its URL. Where
// it is not installed the test is skipped; in CI it fails.
func Prometheus(t *testing.T, samples *Samples) string {
	t.Helper()
	prometheus, err := exec.LookPath("prometheus")
	promtool, err2 := exec.LookPath("promtool")
	if err != nil || err2 != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("prometheus and promtool are not installed: ./test.sh brings them")
		}
		t.Skip("prometheus and promtool are not installed (apt-get install prometheus)")
	}
	dir := t.TempDir()
	text, config, storage := filepath.Join(dir, "metrics.txt"), filepath.Join(dir, "prometheus.yml"), filepath.Join(dir, "data")
	if err := os.WriteFile(text, samples.OpenMetrics(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte("global: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(promtool, "tsdb", "create-blocks-from", "openmetrics", text, storage).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p := start(t, "/-/ready", func(ports []string) []string {
		return []string{prometheus, "--config.file", config, "--storage.tsdb.path", storage, "--storage.tsdb.retention.time", "10y", "--web.listen-address", ports[0], "--log.level", "warn"}
	})
	return "http://" + p.ports[0]
}

// Cluster is a VictoriaMetrics cluster in which every sample is twice.
type Cluster struct {
	URL     string // what speaks the API
	storage [2]*process
}

// VictoriaMetrics starts a cluster of the programs in a folder: two vmstorage,
// vminsert and vmselect with a replication of two; and puts samples into it.
func VictoriaMetrics(t *testing.T, bin string, samples *Samples) *Cluster {
	t.Helper()
	c := &Cluster{}
	for i := range c.storage {
		data := t.TempDir()
		c.storage[i] = start(t, "/health", func(ports []string) []string {
			return []string{filepath.Join(bin, "vmstorage"), "-storageDataPath", data, "-dedup.minScrapeInterval=1ms", "-httpListenAddr", ports[0], "-vminsertAddr", ports[1], "-vmselectAddr", ports[2]}
		})
	}
	insert := start(t, "/health", func(ports []string) []string {
		return []string{filepath.Join(bin, "vminsert"), "-replicationFactor=2", "-httpListenAddr", ports[0], "-storageNode=" + c.storage[0].ports[1] + "," + c.storage[1].ports[1]}
	})
	cache := t.TempDir()
	query := start(t, "/health", func(ports []string) []string {
		return []string{filepath.Join(bin, "vmselect"), "-replicationFactor=2", "-dedup.minScrapeInterval=1ms", "-search.latencyOffset=0s", "-cacheDataPath", cache, "-httpListenAddr", ports[0],
			"-clusternativeListenAddr", ports[1], "-storageNode=" + c.storage[0].ports[2] + "," + c.storage[1].ports[2]}
	})
	for _, s := range c.storage { // else the other one gets it all, once
		s.counts(t, "vm_vminsert_conns", 1)
	}
	text := samples.Text()
	resp, err := http.Post("http://"+insert.ports[0]+"/insert/0/prometheus/api/v1/import/prometheus", "text/plain", bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode >= 300 {
		t.Fatal(resp.Status)
	}
	for _, s := range c.storage { // the samples come some time after they were sent
		s.counts(t, "vm_rows_added_to_storage_total", bytes.Count(text, []byte("\n")))
		s.get(t, "/internal/force_flush") // so that they are seen
	}
	c.URL = "http://" + query.ports[0] + "/select/0/prometheus"
	return c
}

// counts waits until a server's counter has come to a number.
func (p *process) counts(t *testing.T, counter string, to int) {
	t.Helper()
	line := regexp.MustCompile(`(?m)^` + counter + ` ([0-9]+)$`)
	has := 0
	for deadline := time.Now().Add(time.Minute); has < to; {
		if time.Now().After(deadline) {
			t.Fatalf("%s is %d, not %d: %s", counter, has, to, &p.log)
		}
		if found := line.FindSubmatch(p.get(t, "/metrics")); found != nil {
			has, _ = strconv.Atoi(string(found[1]))
		}
		time.Sleep(20 * time.Millisecond) // from one look to the next
	}
}

// get returns what a server answers.
func (p *process) get(t *testing.T, path string) []byte {
	t.Helper()
	resp, err := http.Get("http://" + p.ports[0] + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// KillStorage ends one of the two storage nodes at once.
func (c *Cluster) KillStorage(i int) { c.storage[i].kill() }

// process is a server that was started.
type process struct {
	ports []string // addresses that it was given
	kill  func()
	ended chan struct{}
	log   bytes.Buffer
}

// start starts a server on ports that were free, and waits until the path on
// the first of them answers.
func start(t *testing.T, path string, command func(ports []string) []string) *process {
	t.Helper()
	for try := 0; ; try++ {
		p := &process{ended: make(chan struct{})}
		for range 3 {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			p.ports = append(p.ports, l.Addr().String())
			l.Close()
		}
		ctx, cancel := context.WithCancel(context.Background())
		args := command(p.ports)
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Stdout, cmd.Stderr = &p.log, &p.log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		go func() { cmd.Wait(); close(p.ended) }()
		p.kill = func() { cancel(); <-p.ended }
		if p.answers(path) {
			t.Cleanup(p.kill)
			return p
		}
		p.kill()
		if try == 3 { // somebody else took a port, again and again?
			t.Fatalf("%s does not start: %s", filepath.Base(args[0]), &p.log)
		}
	}
}

// answers waits until a server says that it is ready.
func (p *process) answers(path string) bool {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		resp, err := http.Get(fmt.Sprint("http://", p.ports[0], path))
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return true
			}
		}
		select {
		case <-p.ended:
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	return false
}
