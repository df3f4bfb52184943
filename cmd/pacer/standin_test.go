package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pacer-perf/pacer/internal/forge/forgetest"
)

// forgeKey is where a script keeps its servers.
type forgeKeyType struct{}

var forgeKey forgeKeyType

// standIn are the servers of a script: a forge, and the receiver of a webhook.
type standIn struct {
	atEnd func(func())

	mu    sync.Mutex
	forge *forgetest.Forge
	busy  int // requests that are still told to come back
	hooks []received
	says  []int // statuses of the next answers
}

// received is one request to the webhook.
type received struct {
	header http.Header
	body   []byte
}

func (s *standIn) serve(h http.Handler) string {
	server := httptest.NewServer(h)
	s.atEnd(server.Close)
	return server.URL
}

// forgeCommand is the forge of a script:
//
//	forge start              starts it; its address is in $FORGE
//	forge busy N             the next N requests are told to come back at once
//	forge locked             comments are locked
//	forge pull HEAD N SHA    pull request N has the head owner:branch at SHA
//	forge add AUTHOR FILE    somebody comments
//	forge comments N         there are so many comments
//	forge last FILE          writes the last comment into a file
func forgeCommand(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value(forgeKey).(*standIn)
	if neg || len(args) == 0 {
		ts.Fatalf("usage: forge start|busy|locked|pull|add|comments|last")
	}
	if args[0] == "start" {
		s.forge = new(forgetest.Forge)
		s.forge.Before = func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.busy == 0 {
				return false
			}
			s.busy--
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}
		ts.Setenv("FORGE", s.serve(s.forge))
		return
	}
	notes := s.forge.Notes()
	switch args[0] {
	case "busy":
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		s.mu.Lock()
		s.busy = n
		s.mu.Unlock()
	case "locked":
		s.forge.Lock()
	case "pull":
		n, err := strconv.Atoi(args[2])
		ts.Check(err)
		s.forge.Open(args[1], forgetest.Pull{Number: n, Commit: args[3]})
	case "add":
		s.forge.Add(forgetest.Note{Author: args[1], Body: ts.ReadFile(args[2])})
	case "comments":
		if n, err := strconv.Atoi(args[1]); err != nil || n != len(notes) {
			ts.Fatalf("%d comments, want %s", len(notes), args[1])
		}
	case "last":
		if len(notes) == 0 {
			ts.Fatalf("there is no comment")
		}
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(notes[len(notes)-1].Body), 0o666))
	default:
		ts.Fatalf("unknown: forge %s", args[0])
	}
}

// hookCommand is the receiver of a webhook:
//
//	hook start               starts it; its address is in $HOOK
//	hook says STATUS...      what it answers next, before 200
//	hook received N          it was asked so many times, with the same body
//	hook signed KEY          the last request is signed with a key
//	hook body FILE           writes the body of the last request into a file
func hookCommand(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value(forgeKey).(*standIn)
	if neg || len(args) == 0 {
		ts.Fatalf("usage: hook start|says|received|signed|body")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch args[0] {
	case "start":
		ts.Setenv("HOOK", s.serve(http.HandlerFunc(s.receive)))
	case "says":
		for _, word := range args[1:] {
			status, err := strconv.Atoi(word)
			ts.Check(err)
			s.says = append(s.says, status)
		}
	case "received":
		if fmt.Sprint(len(s.hooks)) != args[1] {
			ts.Fatalf("asked %d times, want %s", len(s.hooks), args[1])
		}
	case "signed":
		h := s.hooks[len(s.hooks)-1]
		mac := hmac.New(sha256.New, []byte(args[1]))
		io.WriteString(mac, h.header.Get("webhook-id")+"."+h.header.Get("webhook-timestamp")+"."+string(h.body))
		if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); h.header.Get("webhook-signature") != want {
			ts.Fatalf("signature %q, want %q", h.header.Get("webhook-signature"), want)
		}
	case "body":
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), s.hooks[len(s.hooks)-1].body, 0o666))
	default:
		ts.Fatalf("unknown: hook %s", args[0])
	}
}

func (s *standIn) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !strings.HasPrefix(r.Header.Get("User-Agent"), "pacer/") || r.Header.Get("Content-Type") != "application/json" {
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	}
	s.hooks = append(s.hooks, received{r.Header.Clone(), body})
	if len(s.says) > 0 {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(s.says[0])
		s.says = s.says[1:]
	}
}
