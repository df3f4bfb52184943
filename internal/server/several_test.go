package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/pgtest"
	"github.com/pacer-perf/pacer/internal/history/postgres"
)

// openPostgres opens a store of its own over a database.
func openPostgres(t *testing.T, address string) *postgres.Store {
	t.Helper()
	store, err := postgres.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// Several servers over one database are one: a run that comes to both is kept
// once, a token holds at both, and a verdict is worked out by one of them.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	address := pgtest.Address(t)
	servers := []*harness{over(t, openPostgres(t, address), nil), over(t, openPostgres(t, address), nil)}
	token := servers[0].token("", "admin")
	const runs = 24
	var wait sync.WaitGroup
	for i, h := range servers {
		for part := range 3 {
			wait.Go(func() {
				from := part * runs / 3
				w := h.ask("POST", "/api/v1/runs", token, lined("app", from, from+runs/3), "Content-Type", ndjson)
				if w.Code != 200 {
					t.Errorf("server %d: %d: %s", i, w.Code, w.Body)
				}
			})
		}
	}
	wait.Wait()
	if n := servers[1].runs(); n != runs {
		t.Errorf("%d runs, want %d", n, runs)
	}
	judged := make([]int, len(servers))
	for i, h := range servers {
		wait.Go(func() {
			for {
				did, err := h.judging.once(t.Context())
				if err != nil {
					t.Error(err)
				}
				if !did {
					return
				}
				judged[i]++
			}
		})
	}
	wait.Wait()
	if judged[0]+judged[1] != runs || judged[0] == 0 || judged[1] == 0 {
		t.Errorf("the servers worked out %v verdicts of %d", judged, runs)
	}
	var list Verdicts
	servers[1].want(200, &list, "GET", "/api/v1/verdicts", token, nil)
	for _, v := range list.Verdicts {
		if v.State != "done" || v.Verdict == "" {
			t.Errorf("%s: %s %s", v.Run.ID, v.State, v.Verdict)
		}
	}
	var tokens Tokens
	servers[0].want(200, &tokens, "GET", "/api/v1/tokens", token, nil)
	servers[0].want(200, nil, "DELETE", "/api/v1/tokens/"+tokens.Tokens[0].ID, token, nil)
	servers[1].want(401, nil, "GET", "/api/v1/apps", token, nil)
}

// What a worker had begun when it was killed is another one's once its lease is
// over; what it says later does not count.
func TestLeaseTakenOver(t *testing.T) {
	t.Parallel()
	h := over(t, openPostgres(t, pgtest.Address(t)), nil)
	token := h.token("", "admin")
	_, text := typical("app", 1)
	h.want(201, nil, "POST", "/api/v1/runs", token, text, "Content-Type", jsonType)
	jobs, err := h.store.Lease(t.Context(), verdictKind, "killed", 1, 300*time.Millisecond)
	if err != nil || len(jobs) != 1 {
		t.Fatal(jobs, err)
	}
	if did, err := h.judging.once(t.Context()); did || err != nil {
		t.Fatalf("a job that is leased was worked out: %v", err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		did, err := h.judging.once(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if did {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody takes the job over")
		}
	}
	if err := h.store.Complete(t.Context(), jobs[0], []byte("null")); err == nil {
		t.Error("the result of the worker that was killed counts")
	}
	var v Verdict
	h.want(200, &v, "GET", "/api/v1/verdicts/R00000001", token, nil)
	if v.State != "done" || v.Verdict == nil {
		t.Errorf("the verdict: %+v", v)
	}
}

// A worker goes on by itself as runs come, gives back what it had begun when it
// ends, and one run that cannot be judged does not stop it.
func TestWork(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	h.judging.idle = time.Hour // what wakes it is what came
	token := h.token("", "admin")
	ctx, end := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	wait.Go(func() { h.Work(ctx) })
	defer wait.Wait()
	defer end()
	if _, err := h.store.Enqueue(ctx, history.Task{Kind: verdictKind, Key: "gone"}); err != nil {
		t.Fatal(err)
	}
	_, text := typical("app", 1)
	h.want(201, nil, "POST", "/api/v1/runs", token, text, "Content-Type", jsonType)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		w := h.ask("GET", "/api/v1/verdicts/R00000001", token, nil)
		if w.Code == 200 {
			break
		}
		if w.Code != 202 || w.Header().Get("Retry-After") == "" || time.Now().After(deadline) {
			t.Fatalf("%d: %s", w.Code, w.Body)
		}
	}
}

// With the database killed under the server, requests fail with 503 and say when
// to come back; what was answered before is there afterwards, once.
func TestPostgresKilled(t *testing.T) {
	t.Parallel()
	pg, err := pgtest.Start()
	pgtest.Check(t, err)
	t.Cleanup(func() { pg.Stop() })
	h := over(t, openPostgres(t, pg.Address("postgres")), nil)
	token := h.token("app", "ingest", "read")
	var mu sync.Mutex
	kept := make(map[string]bool)
	refused := 0
	stop := make(chan struct{})
	const batch = 20
	var wait sync.WaitGroup
	for client := range 3 {
		wait.Go(func() {
			for n := client * 100_000; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				first, text := typical("app", n)
				ids, head := []string{first.ID}, []string{"Content-Type", jsonType}
				if client > 0 { // a batch, and compressed
					text, head, ids = lined("app", n*batch, (n+1)*batch), []string{"Content-Type", ndjson}, ids[:0]
					for i := range batch {
						ids = append(ids, fmt.Sprintf("R%08d", n*batch+i))
					}
				}
				if client > 1 {
					text, head = zstded(text), append(head, "Content-Encoding", "zstd")
				}
				w := h.ask("POST", "/api/v1/runs", token, text, head...)
				mu.Lock()
				switch w.Code {
				case http.StatusCreated, http.StatusOK:
					for _, id := range ids {
						kept[id] = true
					}
				case http.StatusServiceUnavailable:
					refused++
					if w.Header().Get("Retry-After") == "" {
						t.Errorf("503 without Retry-After: %s", w.Body)
					}
				default:
					t.Errorf("status %d: %s", w.Code, w.Body)
				}
				mu.Unlock()
			}
		})
	}
	until := func(what string, reached func() bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
			mu.Lock()
			ok := reached()
			mu.Unlock()
			if ok {
				return
			}
			if time.Now().After(deadline) {
				t.Errorf("waited for a minute: %s", what)
				return
			}
		}
	}
	until("runs are kept", func() bool { return len(kept) >= 20 })
	pg.Kill()
	until("requests are refused", func() bool { return refused >= 3 })
	before := len(kept)
	if err := pg.Restart(); err != nil {
		t.Fatal(err)
	}
	until("runs are kept again", func() bool { return len(kept) >= before+20 })
	close(stop)
	wait.Wait()
	heads, err := h.store.Heads(t.Context(), history.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	there := make(map[string]int)
	for i := range heads {
		there[heads[i].ID]++
	}
	for id := range kept {
		if there[id] != 1 {
			t.Errorf("%s was answered, and is there %d times", id, there[id])
		}
	}
	problems, err := history.Verify(t.Context(), h.store, func(int) {})
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

// Slow and endless bodies end.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(c *Config) {
		c.Limits = Limits{Rate: 1e6, Burst: 1e6, ReadTime: 300 * time.Millisecond, HeaderTime: 300 * time.Millisecond}
	})
	token := h.token("", "admin")
	server := httptest.NewUnstartedServer(nil)
	server.Config = h.HTTP()
	server.Start()
	t.Cleanup(server.Close)
	for _, kind := range []string{jsonType, ndjson} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/api/v1/runs", slowBody{})
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", kind)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			if !strings.Contains(err.Error(), "reset") && !strings.Contains(err.Error(), "EOF") && !strings.Contains(err.Error(), "broken pipe") {
				t.Error(err)
			}
			continue // the server closed the connection, which is as good
		}
		var e Error
		json.NewDecoder(answer.Body).Decode(&e)
		answer.Body.Close()
		if answer.StatusCode != http.StatusRequestTimeout {
			t.Errorf("%s: status %d: %+v", kind, answer.StatusCode, e)
		}
	}
	if n := h.runs(); n != 0 {
		t.Errorf("%d runs", n)
	}
}

// slowBody is a byte now and then, for ever.
type slowBody struct{}

func (slowBody) Read(p []byte) (int, error) {
	time.Sleep(20 * time.Millisecond)
	p[0] = ' '
	return 1, nil
}
