package server

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/parallel"
	"github.com/pacer-perf/pacer/run"
)

// Kept says what became of runs that were sent.
type Kept struct {
	Added    int        `json:"added"`    // that are new
	Known    int        `json:"known"`    // that were there already
	Runs     []string   `json:"runs"`     // ids of both, in the order in which they came
	Rejected []Rejected `json:"rejected"` // that were not kept, and why
}

// Rejected is a run that was not kept.
type Rejected struct {
	Line int    `json:"line"` // of the body, from 1
	ID   string `json:"id,omitempty"`
	// Status is that of the answer to a request of this run alone: 413 says that
	// it is too large.
	Status int    `json:"status"`
	Error  string `json:"error"`
	Hint   string `json:"hint,omitempty"` // what to do
}

const (
	chunkRuns   = 400
	chunkBytes  = 4 << 20
	chunkWeight = 16 << 20
	// mostRejected ends a request: whoever sends that is no sender of runs.
	mostRejected = 1000
	// judgedAtOnce is the largest request whose runs are judged as they come.
	// A larger one is a past that is brought in: its verdicts are worked out
	// when somebody asks.
	judgedAtOnce = 50
	// largeDocument is from which size on few documents are held at a time.
	largeDocument = 1 << 20
)

// postRuns serves POST /api/v1/runs: one run, or a line each.
func (s *Server) postRuns(w http.ResponseWriter, r *http.Request) error {
	kind, err := wantType(r, "application/json", "application/x-ndjson")
	if err != nil {
		return err
	}
	b, err := s.bodyOf(w, r, s.Limits.Decoded)
	if err != nil {
		return err
	}
	defer b.close()
	in := &intake{server: s, who: whoOf(r), kept: Kept{Runs: []string{}, Rejected: []Rejected{}}}
	if in.store, err = s.made(r.Context()); err != nil {
		return err
	}
	if kind == "application/json" {
		b.left, b.limit = min(b.left, s.Limits.Run), min(b.limit, s.Limits.Run)
		text, err := b.all()
		if err != nil {
			return err
		}
		s.counters.bytes.Add(b.raw.bytes)
		return in.one(w, r, text)
	}
	err = in.lines(r.Context(), b)
	s.counters.bytes.Add(b.raw.bytes)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, in.kept)
	return nil
}

// intake takes the runs of one request in.
type intake struct {
	server *Server
	store  history.Store
	who    *Who
	kept   Kept
	judge  bool // the runs are to be judged
}

// document is one run of a request.
type document struct {
	line    int
	text    []byte
	weight  int64 // see weightOf, as for objects
	objects int
	entry   *history.Entry
	err     error
}

// one takes a request of one document, whose fault is that of the request.
func (in *intake) one(w http.ResponseWriter, r *http.Request, text []byte) error {
	d := document{line: 1, text: text}
	d.weight, d.objects = weightOf(text)
	ctx, cancel := context.WithTimeout(r.Context(), in.server.Limits.StoreTime)
	defer cancel()
	leave, err := in.server.room.take(ctx, min(d.weight, mostWeight))
	if err != nil {
		return err
	}
	defer leave()
	if in.pack(&d); d.err != nil {
		in.server.counters.invalid.Add(1)
		return d.err
	}
	in.judge = true
	outcomes, err := in.append(r.Context(), []*history.Entry{d.entry})
	if err != nil {
		return err
	}
	if outcomes[0].Err != nil {
		return outcomes[0].Err
	}
	in.answer(w)
	return nil
}

// answer says what was kept: 201 if something of it is new.
func (in *intake) answer(w http.ResponseWriter) {
	status := http.StatusOK
	if in.kept.Added > 0 {
		status = http.StatusCreated
	}
	writeJSON(w, status, in.kept)
}

// lines takes the lines of a body in, so many at a time. What was appended
// before something goes wrong stays: sending it again does no harm.
func (in *intake) lines(ctx context.Context, b *body) error {
	l := &lines{in: bufio.NewReaderSize(b, 64<<10), most: in.server.Limits.Run, grow: b.grow}
	for first := true; ; first = false {
		var chunk []*document
		size, weight := 0, int64(0)
		var end error
		for len(chunk) < chunkRuns && size < chunkBytes && weight < chunkWeight {
			var line []byte
			var tooLong *refusal
			if line, tooLong, end = l.next(); end != nil {
				break
			}
			if tooLong != nil {
				chunk = append(chunk, &document{line: l.n, err: tooLong})
			} else if line = bytes.TrimSpace(line); len(line) > 0 {
				d := &document{line: l.n, text: line}
				d.weight, d.objects = weightOf(line)
				chunk = append(chunk, d)
				size += len(line)
				weight += min(d.weight, mostWeight)
			}
		}
		in.judge = first && end == io.EOF && len(chunk) <= judgedAtOnce
		if err := in.chunk(ctx, chunk, weight); err != nil {
			if end != nil && end != io.EOF {
				return end // with a body that breaks off, the context of its request ends
			}
			return err
		}
		b.small()
		switch {
		case end == io.EOF:
			return nil
		case end != nil:
			return end
		case len(in.kept.Rejected) > mostRejected:
			return refuse(http.StatusBadRequest, "a run in a line, each; what came before is kept", "more than %d lines are no runs; line %d: %s", mostRejected, in.kept.Rejected[0].Line, in.kept.Rejected[0].Error)
		}
	}
}

// chunk takes documents in that weigh so much together.
func (in *intake) chunk(ctx context.Context, chunk []*document, weight int64) error {
	waiting, cancel := context.WithTimeout(ctx, in.server.Limits.StoreTime)
	leave, err := in.server.room.take(waiting, weight)
	cancel()
	if err != nil {
		return err
	}
	defer leave()
	parallel.Each(len(chunk), func(i int) {
		if chunk[i].err == nil {
			in.pack(chunk[i])
		}
	})
	var entries []*history.Entry
	var of []*document
	for _, d := range chunk {
		if d.err != nil {
			in.reject(d, d.err)
			in.server.counters.invalid.Add(1)
			continue
		}
		entries, of = append(entries, d.entry), append(of, d)
	}
	outcomes, err := in.append(ctx, entries)
	if err != nil {
		return err
	}
	for i, o := range outcomes {
		if o.Err != nil {
			in.reject(of[i], o.Err)
		}
	}
	slices.SortStableFunc(in.kept.Rejected, func(a, b Rejected) int { return cmp.Compare(a.Line, b.Line) })
	return nil
}

func (in *intake) reject(d *document, err error) {
	why := refusalOf(err)
	one := Rejected{Line: d.line, Status: why.status, Error: why.text, Hint: why.hint}
	if d.entry != nil {
		one.ID = d.entry.Head.ID
	}
	in.kept.Rejected = append(in.kept.Rejected, one)
}

// pack reads a document and makes it ready to be kept.
func (in *intake) pack(d *document) {
	if d.err = in.fits(d); d.err != nil {
		d.text = nil
		return
	}
	r, err := run.Parse(d.text, "the run")
	d.text = nil
	var syntax *run.SyntaxError
	if errors.As(err, &syntax) {
		err = misread(syntax, d.line)
	}
	if err == nil {
		err = in.check(&r)
	}
	if err == nil {
		d.entry, err = history.Pack(&r)
	}
	d.err = err
}

// fits refuses what would take too much memory to be read.
func (in *intake) fits(d *document) error {
	if err := tooManyParts(d.weight); err != nil {
		return err
	}
	if d.objects > in.server.Limits.Metrics { // else it has no more metrics
		if n := metricsIn(d.text); n > in.server.Limits.Metrics {
			return in.tooMany(n)
		}
	}
	return nil
}

func (in *intake) tooMany(metrics int) error {
	return refuse(http.StatusRequestEntityTooLarge, "split it, or leave metrics out", "the run has %d metrics: at most %d are taken", metrics, in.server.Limits.Metrics)
}

// misread is the answer to a document that begins in a line of a body, and is
// no run.
func misread(e *run.SyntaxError, line int) *refusal {
	key := e.Key
	if key != "" {
		key += ": "
	}
	return refuse(http.StatusBadRequest, "what a run is: the schema Run in GET /api/v1/openapi.json", "line %d, column %d: %s%s", line+e.Line-1, e.Column, key, e.Msg)
}

// check holds a run to what the server takes, and to the app of the token.
func (in *intake) check(r *run.Run) error {
	if r.App == "" {
		r.App = in.who.App
	}
	if !in.who.Sees(r.App) {
		return refuse(http.StatusForbidden, "send it with a token of its own app", "the token is for the runs of %s alone", in.who.App)
	}
	if r.App == "" {
		return refuse(http.StatusBadRequest, `say whose run it is: "app" in a run, ?app= of a file, or by a token of that app`, "the run has no app")
	}
	if n := len(r.Metrics); n > in.server.Limits.Metrics {
		return in.tooMany(n)
	}
	if err := history.Findable(r); err != nil {
		return refuse(http.StatusBadRequest, "", "%v", err)
	}
	for name, text := range map[string]string{"app": r.App, "version": r.Version, "commit": r.Commit, "branch": r.Branch} {
		if !utf8.ValidString(text) || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			return refuse(http.StatusBadRequest, "", "%s holds characters that are no text", name)
		}
	}
	if r.ID == "" {
		id, err := r.ContentID()
		if err != nil {
			return err
		}
		r.ID = id
	}
	return nil
}

// append keeps entries, and counts.
func (in *intake) append(ctx context.Context, entries []*history.Entry) ([]history.Outcome, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	batch := history.Batch{Entries: entries}
	if in.judge {
		batch.Enqueue = verdictKind
	}
	subject := ""
	if len(entries) == 1 {
		subject = entries[0].Head.ID
	}
	app := in.who.App
	if app == "" {
		app = entries[0].Head.App
		for _, e := range entries {
			if e.Head.App != app {
				app = ""
				break
			}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, in.server.Limits.StoreTime)
	defer cancel()
	outcomes, err := in.store.AppendBatch(audited(ctx, in.who, "run.add", app, subject), batch)
	if err != nil {
		return nil, err
	}
	c := in.server.counters
	added := in.kept.Added
	for i, o := range outcomes {
		var conflict *history.ConflictError
		switch {
		case errors.As(o.Err, &conflict):
			c.conflicts.Add(1)
			continue
		case o.Added:
			c.added.Add(1)
			in.kept.Added++
		default:
			c.known.Add(1)
			in.kept.Known++
		}
		in.kept.Runs = append(in.kept.Runs, entries[i].Head.ID)
	}
	if in.judge && in.kept.Added > added {
		in.server.judging.wake()
	}
	return outcomes, nil
}
