//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/pgtest"
	"github.com/pacer-perf/pacer/internal/history/sqlite"
	"github.com/pacer-perf/pacer/internal/history/storetest"
	"github.com/pacer-perf/pacer/internal/server"
)

// asked is a number that scripts/soak-server.sh sets.
func asked(name string, usual int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return usual
}

// bodies makes bodies of typical runs under ids and at times of their own: of a
// few, since making runs takes longer than keeping them. They are encoded before
// anything is measured, and cut where id and time go: an app has its runs ready
// too, and what a client of a test does is done on the processors of the server.
type bodies struct {
	texts [][3][]byte
	first time.Time
}

func newBodies(n int) *bodies {
	const mark = "R99999999"
	rng := rand.New(rand.NewPCG(7, 7))
	b := &bodies{first: time.Now().UTC().Truncate(time.Second).AddDate(-1, 0, 0)}
	for range n {
		text, err := storetest.Typical(rng, "app", mark, b.first).Encode()
		if err != nil {
			panic(err)
		}
		var line bytes.Buffer
		if err := json.Compact(&line, text); err != nil {
			panic(err)
		}
		before, after, _ := bytes.Cut(line.Bytes(), []byte(mark))
		between, after, _ := bytes.Cut(after, []byte(b.first.Format(time.RFC3339)))
		b.texts = append(b.texts, [3][]byte{before, between, append(after, '\n')})
	}
	return b
}

// lines appends to buf the lines of runs from one number on, a minute apart, and
// returns their ids too.
func (b *bodies) lines(buf []byte, from, n int) (body []byte, ids []string) {
	for i := from; i < from+n; i++ {
		id := fmt.Sprintf("R%08d", i)
		ids = append(ids, id)
		text := &b.texts[i%len(b.texts)]
		buf = append(append(append(buf, text[0]...), id...), text[1]...)
		buf = append(b.first.Add(time.Duration(i)*time.Minute).AppendFormat(buf, time.RFC3339), text[2]...)
	}
	return buf, ids
}

// post sends lines, and returns the ids that the server says it has. It is an
// error if the server went away.
func post(client *http.Client, url string, body []byte) (kept []string, err error) {
	answer, err := client.Post(url+"api/v1/runs", "application/x-ndjson", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode == http.StatusTooManyRequests {
		time.Sleep(100 * time.Millisecond)
		return nil, nil
	}
	var k server.Kept
	if err := json.Unmarshal(text, &k); err != nil || answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d: %s", answer.StatusCode, text)
	}
	return k.Runs, nil
}

// A server that is killed at any moment has every run that it answered, once,
// and of the rest whole runs or none. SOAK_KILLS says how often.
func TestServeKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, ".pacer", "history.db")
	made := newBodies(20)
	rng := rand.New(rand.NewPCG(1, 1))
	var mu sync.Mutex
	kept := make(map[string]bool)
	next := 0
	for kill := range asked("SOAK_KILLS", 3) {
		s := startServer(t, dir, "serve", "--addr", "127.0.0.1:0")
		goal := len(kept) + 60 + rng.IntN(200)
		reached := make(chan struct{})
		var once sync.Once
		var wait sync.WaitGroup
		for i := range 4 {
			batch := []int{5, 100}[i%2] // few are written in another way than many
			wait.Go(func() {
				client := &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}
				defer client.CloseIdleConnections()
				for {
					mu.Lock()
					body, _ := made.lines(nil, next, batch)
					next += batch
					mu.Unlock()
					ids, err := post(client, s.url, body)
					if err != nil {
						return // it was killed
					}
					mu.Lock()
					for _, id := range ids {
						kept[id] = true
					}
					if len(kept) >= goal {
						once.Do(func() { close(reached) })
					}
					mu.Unlock()
				}
			})
		}
		select {
		case <-reached:
		case <-time.After(time.Minute):
			t.Errorf("kill %d: no runs are kept within a minute: %s", kill, s.errors)
		}
		s.Process.Signal(syscall.SIGKILL)
		s.Wait()
		wait.Wait()
		store, err := sqlite.Open(t.Context(), file)
		if err != nil {
			t.Fatalf("kill %d: %v", kill, err)
		}
		heads, err := store.Heads(t.Context(), history.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		there := make(map[string]int)
		for i := range heads {
			there[heads[i].ID]++
		}
		for id := range kept {
			if there[id] != 1 {
				t.Errorf("kill %d: %s was answered, and is there %d times", kill, id, there[id])
			}
		}
		// The structure (integrity_check) and every run.
		problems, err := history.Verify(t.Context(), store, func(int) {})
		if err != nil || len(problems) > 0 {
			t.Errorf("kill %d: %v, %v", kill, err, problems)
		}
		store.Close()
		if t.Failed() {
			return
		}
	}
	t.Logf("%d runs were answered, of %d that were sent", len(kept), next)
}

// Servers take runs in, in batches, and stay small. SOAK_RUNS says how many.
func TestServeLoad(t *testing.T) {
	t.Parallel()
	runs := asked("SOAK_RUNS", 400)
	made := newBodies(100)
	load := func(t *testing.T, servers []*child) {
		batch := min(200, runs/4)
		var mu sync.Mutex
		next, kept := 0, 0
		began := time.Now()
		var wait sync.WaitGroup
		for i := range 2 * len(servers) {
			s := servers[i%len(servers)]
			wait.Go(func() {
				client := &http.Client{Timeout: time.Minute}
				var body []byte // the same for each: the answer comes when all of it is read
				for {
					mu.Lock()
					from := next
					next += batch
					mu.Unlock()
					if from >= runs {
						return
					}
					var ids []string
					body, ids = made.lines(body[:0], from, batch)
					got, err := post(client, s.url, body)
					if err != nil || len(got) != len(ids) {
						t.Errorf("%d of %d runs are kept: %v", len(got), len(ids), err)
						return
					}
					mu.Lock()
					kept += len(got)
					mu.Unlock()
				}
			})
		}
		wait.Wait()
		took := time.Since(began)
		t.Logf("%d runs in %v: %.0f runs/s", kept, took.Round(time.Millisecond), float64(kept)/took.Seconds())
		for _, s := range servers {
			peak := peakMemory(s.Process.Pid)
			t.Logf("memory at most %d MiB", peak>>20)
			if peak > 300<<20 {
				t.Errorf("a server took %d MiB", peak>>20)
			}
		}
		// The pages of what is there now, and a whole series.
		for _, path := range []string{"", "runs", "api/v1/series?metric=metric.03&last=10000", "api/v1/series?metric=metric.04&last=10000"} {
			at := time.Now()
			if code, body := fetch(t, "GET", servers[0].url+path, nil); code != 200 {
				t.Errorf("%s: status %d: %.200s", path, code, body)
			}
			t.Logf("GET /%s: %v", path, time.Since(at).Round(time.Millisecond))
		}
		if peak := peakMemory(servers[0].Process.Pid); peak > 300<<20 {
			t.Errorf("with pages a server took %d MiB", peak>>20)
		} else {
			t.Logf("with pages %d MiB", peak>>20)
		}
		cpu := time.Duration(0)
		for _, s := range servers {
			s.interrupt(t)
			cpu += s.ProcessState.UserTime() + s.ProcessState.SystemTime()
		}
		t.Logf("%v of processor time a run, with start and pages", (cpu / time.Duration(kept)).Round(time.Microsecond))
	}
	t.Run("sqlite", func(t *testing.T) {
		load(t, []*child{startServer(t, t.TempDir(), "serve", "--addr", "127.0.0.1:0")})
	})
	t.Run("postgres", func(t *testing.T) {
		address := pgtest.Address(t)
		if os.Getenv("SOAK_RUNS") != "" { // with every sync
			pg, err := pgtest.Start()
			pgtest.Check(t, err)
			t.Cleanup(func() { pg.Stop() })
			address = pg.Address("postgres")
		}
		dir := t.TempDir()
		load(t, []*child{startServer(t, dir, "serve", "--addr", "127.0.0.1:0", "--history", address), startServer(t, dir, "serve", "--addr", "127.0.0.1:0", "--history", address)})
	})
}

// peakMemory is the most memory that a process had resident, in bytes; 0 where
// the system does not tell.
func peakMemory(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if kb, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(kb), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}
