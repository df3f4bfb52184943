package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// sentList is which runs a server has from here: a file of ids, a line each,
// which only grows. A line that was cut off by an interrupt names no run, so
// that run is sent again, which does no harm.
type sentList struct {
	file *os.File
	ids  map[string]bool
}

// openSentList opens the list of what was sent to an address out of a history.
func openSentList(dir, address, history string) (*sentList, error) {
	sum := sha256.Sum256([]byte(address + "\x00" + history))
	path := filepath.Join(dir, "pushed-"+hex.EncodeToString(sum[:6])+".txt")
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	l := &sentList{ids: make(map[string]bool)}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	lines := bufio.NewScanner(bytes.NewReader(whole))
	for lines.Scan() {
		if id := lines.Text(); id != "" && !strings.HasPrefix(id, "#") {
			l.ids[id] = true
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
		_, err = fmt.Fprintf(l.file, "# Runs that %s has from here: pacer push does not send them again.\n", address)
	}
	return l, err
}

func (l *sentList) has(id string) bool { return l.ids[id] }

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
