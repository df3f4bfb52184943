package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/server"
)

// sentList is which runs a server has from here, and which it told to be too
// large: a file of ids and refusals, a line each, which only grows. A line that
// was cut off by an interrupt names no run, so that run is sent again, which
// does no harm.
type sentList struct {
	file    *os.File
	ids     map[string]bool
	refused map[string]refusal // by id: the last one
}

// refusal is what a server said of a run that is too large for it: no other
// token and nothing that the server has would make it take that run. Which is
// why this alone is remembered of what it rejects.
type refusal struct {
	ID    string `json:"id"`
	Of    string `json:"of"` // what there was of the run: see contentOf
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
}

// contentOf tells what there is of a run from what there was, or will be once
// it is thinned.
func contentOf(e *history.Entry) string {
	return fmt.Sprintf("%x %v", e.Digest[:8], e.Detail)
}

// openSentList opens the list of what was sent to an address out of a history.
func openSentList(dir, address, history string) (*sentList, error) {
	sum := sha256.Sum256([]byte(address + "\x00" + history))
	path := filepath.Join(dir, "pushed-"+hex.EncodeToString(sum[:6])+".txt")
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	l := &sentList{ids: make(map[string]bool), refused: make(map[string]refusal)}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	for line := range strings.Lines(string(whole)) {
		line = strings.TrimSpace(line)
		var r refusal
		switch {
		case line == "", strings.HasPrefix(line, "#"):
		case !strings.HasPrefix(line, "{"):
			l.ids[line] = true
		case json.Unmarshal([]byte(line), &r) == nil:
			l.refused[r.ID] = r
		}
	}
	if len(whole) < len(text) {
		if err := os.Truncate(path, int64(len(whole))); err != nil {
			return nil, err
		}
	}
	if l.file, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666); err != nil {
		return nil, err
	}
	if len(whole) == 0 {
		_, err = fmt.Fprintf(l.file, "# Runs that %s has from here, and {...} what is too large for it: pacer push does not send them again.\n", address)
	}
	return l, err
}

func (l *sentList) has(id string) bool { return l.ids[id] }

// tooLarge tells whether the server has refused a run as it is now, and why.
func (l *sentList) tooLarge(e *history.Entry) (server.Rejected, bool) {
	r, there := l.refused[e.Head.ID]
	return server.Rejected{ID: r.ID, Error: r.Error, Hint: r.Hint}, there && r.Of == contentOf(e)
}

// refuse notes that the server refused a run.
func (l *sentList) refuse(r refusal) error {
	l.refused[r.ID] = r
	text, err := json.Marshal(r)
	if err == nil {
		_, err = l.file.Write(append(text, '\n'))
	}
	return err
}

// add notes runs that the server has.
func (l *sentList) add(ids []string) error {
	var b strings.Builder
	for _, id := range ids {
		if !l.ids[id] {
			l.ids[id] = true
			b.WriteString(id + "\n")
		}
	}
	_, err := l.file.WriteString(b.String())
	return err
}

func (l *sentList) close() { l.file.Close() }
