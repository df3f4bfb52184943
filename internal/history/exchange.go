package history

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pacer-perf/pacer/run"
)

// extra is the key "history" that an exported run has beside those of its
// document, which readers of runs pass over: what the store knows of it.
type extra struct {
	Baseline bool      `json:"baseline,omitempty"` // it is that of its app and labels
	Detail   string    `json:"detail,omitempty"`   // what is left of it, if not all
	Digest   string    `json:"digest,omitempty"`   // of the document as it was appended, if not all is left
	Time     time.Time `json:"time,omitzero"`      // when it was appended, if it has no time of its own
}

// ActSchema marks a line that is an act.
const ActSchema = "pacer.act/v1"

type actLine struct {
	Schema string `json:"schema"`
	Act    Act    `json:"act"`
}

// Export writes the runs that a filter selects as documents, oldest first, a
// line each: pacer.run/v1. Without a filter the acts on alerts follow. It
// returns the number of runs.
func Export(ctx context.Context, s Source, f Filter, w io.Writer, progress func(int)) (int, error) {
	set := make(map[string]bool)
	baselines, err := s.Baselines(ctx)
	if err != nil {
		return 0, err
	}
	for _, b := range baselines {
		set[b.Run] = true
	}
	n := 0
	err = s.Walk(ctx, f, Parts{Document: true}, func(e *Entry) error {
		x := extra{Baseline: set[e.Head.ID]}
		if e.Detail > Samples {
			x.Detail, x.Digest = e.Detail.String(), hex.EncodeToString(e.Digest[:])
		}
		if !e.Timed {
			x.Time = e.At
		}
		line, err := e.line(x)
		if err != nil {
			return err
		}
		n++
		progress(n)
		_, err = w.Write(line)
		return err
	})
	if err != nil || f != (Filter{}) {
		return n, err
	}
	acts, err := s.Acts(ctx, ActFilter{})
	if err != nil {
		return n, err
	}
	out := json.NewEncoder(w)
	for _, a := range acts {
		if err := out.Encode(actLine{ActSchema, a}); err != nil {
			return n, err
		}
	}
	return n, nil
}

// line is the document in one line, with what the store adds.
func (e *Entry) line(x extra) ([]byte, error) {
	text, err := Text(e.Document)
	if err != nil {
		return nil, fmt.Errorf("run %s is damaged: %w", e.Head.ID, err)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		return nil, fmt.Errorf("run %s is damaged: %w", e.Head.ID, err)
	}
	if x != (extra{}) {
		more, err := json.Marshal(x)
		if err != nil {
			return nil, err
		}
		b.Truncate(b.Len() - 1) // the closing brace
		fmt.Fprintf(&b, `,"history":%s}`, more)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// Imported is what Import did.
type Imported struct {
	Runs, Known int
	Conflicts   []string
	Baselines   int
	Acts        int
}

// Import adds the runs that Export wrote, or any documents pacer.run/v1 one
// after the other; name stands for the input in errors. What is there already
// stays as it is. An error leaves what came before it in the store. An entry of
// WithAudit says who imports, as in Copy.
func Import(ctx context.Context, s Store, r io.Reader, name string, progress func(int)) (Imported, error) {
	in := importer{ctx: ctx, store: s, progress: progress}
	d := json.NewDecoder(r)
	for n := 1; ; n++ {
		var raw json.RawMessage
		err := d.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return in.done, in.finish()
		}
		if err == nil {
			err = in.add(raw, fmt.Sprintf("%s, document %d", name, n))
		} else if ctx.Err() == nil {
			err = fmt.Errorf("%s, document %d, byte %d: not JSON: %w", name, n, d.InputOffset(), err)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil && !in.failed {
			err = errors.Join(err, in.finish())
		}
		if err != nil {
			return in.done, err
		}
	}
}

type importer struct {
	ctx       context.Context
	store     Store
	progress  func(int)
	batch     []*Entry
	size      int      // bytes of the batch
	baselines []string // of the batch
	acts      []Act
	done      Imported
	failed    bool // a batch could not be written: nor could another one now
}

func (in *importer) add(raw []byte, name string) error {
	var line struct {
		Schema  string `json:"schema"`
		Act     Act    `json:"act"`
		History extra  `json:"history"`
	}
	// What is wrong with a run, its own reader tells with the place.
	if err := json.Unmarshal(raw, &line); err == nil && line.Schema == ActSchema {
		in.acts = append(in.acts, line.Act)
		return nil
	}
	r, err := run.Read(bytes.NewReader(raw), name)
	if err != nil {
		return err
	}
	e, err := Pack(&r)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if x := line.History; x != (extra{}) {
		if x.Detail != "" {
			digest, err := hex.DecodeString(x.Digest)
			if e.Detail, err = parseBoth(x.Detail, err); err != nil || len(digest) != len(e.Digest) {
				return fmt.Errorf("%s: history: expected a detail of samples, histograms or summaries and a digest of 64 digits", name)
			}
			copy(e.Digest[:], digest)
		}
		if !e.Timed && !x.Time.IsZero() {
			e.At = Clamp(x.Time)
		}
		if x.Baseline {
			in.baselines = append(in.baselines, r.ID)
		}
	}
	in.batch, in.size = append(in.batch, e), in.size+e.size()
	if len(in.batch) >= CopyBatch || in.size >= copyBytes {
		return in.flush()
	}
	return nil
}

func parseBoth(detail string, err error) (Detail, error) {
	d, e := ParseDetail(detail)
	return d, errors.Join(err, e)
}

// flush writes the batch. It does so also when the context has ended: what was
// read is kept.
func (in *importer) flush() error {
	ctx := context.WithoutCancel(in.ctx)
	outcomes, err := in.store.AppendBatch(auditOf(ctx, "run.add", in.batch, ofEntry), Batch{Entries: in.batch})
	if err != nil {
		in.failed = true
		return err
	}
	conflicts := make(map[string]bool)
	for i, o := range outcomes {
		switch {
		case o.Err != nil:
			conflicts[in.batch[i].Head.ID] = true
			in.done.Conflicts = append(in.done.Conflicts, in.batch[i].Head.ID)
		case o.Added:
			in.done.Runs++
		default:
			in.done.Known++
		}
	}
	heads := make(map[string]*Entry, len(in.batch))
	for _, e := range in.batch {
		heads[e.Head.ID] = e
	}
	for _, id := range in.baselines {
		if conflicts[id] {
			continue
		}
		if _, err := in.store.Baseline(ctx, heads[id].Head.App, heads[id].Head.Labels); !errors.Is(err, ErrNotFound) {
			if err != nil {
				return err
			}
			continue // another one was set here
		}
		if err := in.store.SetBaseline(auditFor(ctx, "baseline.set", heads[id].Head.App, id), id); err != nil {
			return err
		}
		in.done.Baselines++
	}
	in.batch, in.size, in.baselines = nil, 0, nil
	in.progress(in.done.Runs + in.done.Known + len(in.done.Conflicts))
	return nil
}

func (in *importer) finish() error {
	if len(in.batch) > 0 {
		if err := in.flush(); err != nil {
			return err
		}
	}
	if len(in.acts) == 0 {
		return nil
	}
	n, err := keepActs(context.WithoutCancel(in.ctx), in.store, in.acts)
	in.done.Acts = n
	return err
}
