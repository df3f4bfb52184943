package server

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"
)

// A line that is too large is rejected by itself, wherever it stands.
func TestIngestLargeLine(t *testing.T) {
	t.Parallel()
	_, one := typical("app", 1)
	_, two := typical("app", 2)
	most := max(len(one), len(two))
	large := append(bytes.Repeat([]byte("x"), 3*most), '\n')
	for name, tt := range map[string]struct {
		body  [][]byte
		lines []int // that are rejected
		error string
	}{
		"first":        {[][]byte{large, one, two}, []int{1}, "larger than"},
		"between":      {[][]byte{one, large, large, []byte("\n"), two}, []int{2, 3}, "larger than"},
		"last":         {[][]byte{one, two, large}, []int{3}, "larger than"},
		"without end":  {[][]byte{one, two, bytes.TrimSpace(large)}, []int{3}, "larger than"},
		"just fitting": {[][]byte{one, append(bytes.Repeat([]byte(" "), most-1), '\n'), two}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, func(c *Config) { c.Limits.Run = int64(most) })
			token := h.token("app", "ingest")
			for again := range 2 {
				var kept Kept
				h.want(200, &kept, "POST", "/api/v1/runs", token, zstded(bytes.Join(tt.body, nil)), "Content-Type", ndjson, "Content-Encoding", "zstd")
				if kept.Added != 2-2*again || kept.Known != 2*again || len(kept.Rejected) != len(tt.lines) {
					t.Fatalf("kept %+v", kept)
				}
				for i, r := range kept.Rejected {
					if r.Line != tt.lines[i] || !strings.Contains(r.Error, tt.error) || r.Hint == "" {
						t.Errorf("rejected %+v", r)
					}
				}
			}
		})
	}
}

// Of a line that is too large nothing is kept in memory; a body that is stays
// refused, however its lines are cut.
func TestLargeLineIsBounded(t *testing.T) {
	t.Parallel()
	body := io.MultiReader(io.LimitReader(zeros{}, 64<<20), strings.NewReader("\nnext"))
	l := &lines{in: bufio.NewReaderSize(body, 64<<10), most: 1 << 20}
	line, tooLong, err := l.next()
	if line != nil || tooLong == nil || err != nil || l.n != 1 {
		t.Errorf("%d bytes, %v, %v, line %d", len(line), tooLong, err, l.n)
	}
	if line, tooLong, err = l.next(); string(line) != "next" || tooLong != nil || err != nil || l.n != 2 {
		t.Errorf("%q, %v, %v, line %d", line, tooLong, err, l.n)
	}
	h := newHarness(t, func(c *Config) { c.Limits.Run, c.Limits.Decoded, c.Limits.Body = 1<<10, 1<<20, 1<<16 })
	token := h.token("app", "ingest")
	h.want(413, nil, "POST", "/api/v1/runs", token, zstded(make([]byte, 2<<20)), "Content-Type", ndjson, "Content-Encoding", "zstd")
	h.want(413, nil, "POST", "/api/v1/runs", token, make([]byte, 1<<17), "Content-Type", ndjson)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
