package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/request"
	"github.com/pacer-perf/pacer/internal/server"
)

// stretch is a part of a history in which there are runs to send.
type stretch struct{ from, to time.Time }

// unsent counts the runs that are to be sent and says where they are: mostly in
// one stretch, at the end. It reads no documents.
func unsent(ctx context.Context, src history.Source, f history.Filter, wanted func(*history.Entry) bool) (todo int, list []stretch, err error) {
	going := false // the run before is to be sent
	err = src.Walk(ctx, f, history.Parts{}, func(e *history.Entry) error {
		was := going
		if going = wanted(e); !going {
			return nil
		}
		todo++
		// Runs of one time are in one stretch, or they would be in two.
		if n := len(list); n > 0 && (was || list[n-1].to.Equal(e.At)) {
			list[n-1].to = e.At
		} else {
			list = append(list, stretch{e.At, e.At})
		}
		return nil
	})
	return todo, list, err
}

// of narrows a filter to the stretch.
func (s stretch) of(f history.Filter) history.Filter {
	f.Since = s.from
	if after := s.to.Add(1); history.Clamp(after).Equal(after) {
		f.Until = after
	} // else it is the end of time
	return f
}

// pusher sends runs in batches.
type pusher struct {
	client request.Client
	to     request.Request
	sent   *sentList
	show   func(int)

	batch []line
	size  int // bytes of the batch
	most  int // bytes that a batch may have: less once the server has refused that

	added, known int
	before       int // of those that are rejected: they were before, and are not sent again
	rejected     []server.Rejected
}

// line is a run as it is sent, with what ends a line.
type line struct {
	id, of string // of: see contentOf
	text   []byte
}

const (
	pushRuns  = 400
	pushBytes = 4 << 20
	// waitedFor is from which size on a server is asked whether it takes a
	// body before that is sent.
	waitedFor = 4 << 20
)

// add puts a run into the batch, which is sent when it is full. A run that is
// larger than a batch is one by itself, so that it holds up no others.
func (p *pusher) add(ctx context.Context, e *history.Entry) error {
	text, err := history.Text(e.Document)
	var b bytes.Buffer
	if err == nil {
		b.Grow(len(text) + 1)
		err = json.Compact(&b, text)
	}
	if err != nil {
		return hint(fmt.Errorf("run %s is damaged: %w", e.Head.ID, err), "pacer history verify")
	}
	b.WriteByte('\n')
	if p.size+b.Len() > p.most || len(p.batch) >= pushRuns {
		if err := p.flush(ctx); err != nil {
			return err
		}
	}
	p.batch, p.size = append(p.batch, line{e.Head.ID, contentOf(e), b.Bytes()}), p.size+b.Len()
	return nil
}

// flush sends the batch.
func (p *pusher) flush(ctx context.Context) error {
	batch := p.batch
	p.batch, p.size = nil, 0
	return p.send(ctx, batch)
}

// send sends lines, and notes what the server has. What is too large for it as a
// whole is sent in halves, down to the run that is too large.
func (p *pusher) send(ctx context.Context, batch []line) error {
	if len(batch) == 0 {
		return nil
	}
	body, size, err := packed(batch)
	if err != nil {
		return err
	}
	to := p.to
	to.Body = body
	if len(body) > waitedFor {
		to.Header = to.Header.Clone()
		to.Header.Set("Expect", "100-continue")
	}
	answer, err := p.client.Do(ctx, to)
	var status *request.StatusError
	switch {
	case errors.As(err, &status) && status.Status == http.StatusRequestEntityTooLarge && len(batch) > 1:
		p.most = max(min(p.most, size/2), 1)
		half := len(batch) / 2
		if err := p.send(ctx, batch[:half]); err != nil {
			return err
		}
		return p.send(ctx, batch[half:])
	case errors.As(err, &status) && status.Status == http.StatusRequestEntityTooLarge:
		todo := server.TooLarge
		if status.Message == "" { // a pacer would say why
			todo += "; if what stands before the server refuses it, let that take more (client_max_body_size 32m in nginx) and send again: --again"
		}
		err := p.reject(server.Rejected{Line: 1, Status: status.Status, Error: fmt.Sprintf("its %d bytes are more than the server takes: %s", size, first(status.Message, status.Error())), Hint: todo}, batch)
		p.show(p.done())
		return err
	case err != nil:
		return err
	}
	var kept server.Kept
	if err := json.Unmarshal(answer.Body, &kept); err != nil || kept.Runs == nil {
		return hint(fmt.Errorf("POST %s: the answer is not that of a pacer serve", p.to.Name), "is the address right?")
	}
	p.added += kept.Added
	p.known += kept.Known
	for _, r := range kept.Rejected {
		if err := p.reject(r, batch); err != nil {
			return err
		}
	}
	p.show(p.done())
	return p.sent.add(kept.Runs)
}

// packed is the body that is sent, and its size without compression.
func packed(batch []line) (body []byte, size int, err error) {
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(4<<20)) // half of what servers allow
	if err != nil {
		return nil, 0, err
	}
	for _, l := range batch {
		size += len(l.text)
		if _, err := z.Write(l.text); err != nil {
			return nil, 0, err
		}
	}
	err = z.Close()
	return b.Bytes(), size, err
}

// done counts the runs that were sent and of which it is known what became of
// them.
func (p *pusher) done() int { return p.added + p.known + len(p.rejected) - p.before }

// reject notes a run that the server did not take.
func (p *pusher) reject(r server.Rejected, batch []line) error {
	of := ""
	if r.Line >= 1 && r.Line <= len(batch) {
		l := batch[r.Line-1]
		r.ID, of = l.id, l.of
	}
	r.Error = strings.TrimLeft(strings.TrimPrefix(r.Error, fmt.Sprintf("line %d", r.Line)), ",: ")
	if !strings.Contains(r.Error, r.ID) {
		r.Error = "run " + r.ID + ": " + r.Error
	}
	p.rejected = append(p.rejected, r)
	if r.Status != http.StatusRequestEntityTooLarge || of == "" {
		return nil
	}
	return p.sent.refuse(refusal{ID: r.ID, Of: of, Error: r.Error, Hint: r.Hint})
}
