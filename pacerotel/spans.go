package pacerotel

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/pacer-perf/pacer"
)

// NewSpanProcessor returns a SpanProcessor that makes the spans of a
// TracerProvider stages of the recorder: each is timed under its path, such as
// http.get/db.query, and counts a failure if its status is Error.
//
// A span is below its OpenTelemetry parent while that runs; else, as with a
// parent in another process, below the Pacer span in its context, if there is
// one; else a root. Pacer's clock is read when the span starts and ends:
// timestamps that the app sets are not used. Spans that are not sampled do not
// come here and are not counted.
//
// The stage is the span's name in lower case, in which whatever is not a
// letter of ASCII, a digit, _ or - becomes a dot, several of them one, and none
// at the ends: "HTTP GET /tracks" is http.get.tracks, "db.Query" is db.query. A
// name that would begin with something else than a letter, or is one that Pacer
// uses for itself (process.start, memory.), has span. before it. A name of which
// nothing is left is span. and its hash, the 32 bits of FNV-1a. Names are cut
// after 64 bytes. A span whose path would have more than 200 bytes is no stage:
// its time stays with the one above. Beyond 1000 stages they are recorded as
// other: span names should be few, as OpenTelemetry says as well.
//
// Of at most 10,000 spans it remembers that they run. Beyond that the oldest is
// given up, as one that never ends: the counter otel.span.lost counts it, its
// stage does not.
//
// Spans are recorded as they end: there is nothing to flush. After Shutdown
// spans are passed over. With a nil recorder all are.
func NewSpanProcessor(rec *pacer.Recorder) sdktrace.SpanProcessor {
	return &spanProcessor{rec: rec, open: make(map[spanKey]*list.Element)}
}

// maxOpen bounds how many spans are remembered: a few megabytes.
const maxOpen = 10_000

type spanProcessor struct {
	rec  *pacer.Recorder
	shut atomic.Bool

	mu   sync.Mutex
	open map[spanKey]*list.Element // of openSpan
	ages list.List                 // the oldest in front
}

type spanKey struct {
	trace trace.TraceID
	span  trace.SpanID
}

func keyOf(c trace.SpanContext) spanKey { return spanKey{c.TraceID(), c.SpanID()} }

// openSpan is a span that runs.
type openSpan struct {
	key   spanKey
	ctx   context.Context // in which children start
	path  int             // bytes of the path and the slash behind it
	stage *pacer.Span     // nil if the path would be too long
}

// OnStart starts a Pacer span.
func (p *spanProcessor) OnStart(parent context.Context, s sdktrace.ReadWriteSpan) {
	if p.rec == nil || p.shut.Load() {
		return
	}
	o := &openSpan{key: keyOf(s.SpanContext()), ctx: parent}
	if c := s.Parent(); c.IsValid() && !c.IsRemote() {
		if above := p.find(keyOf(c)); above != nil {
			o.ctx, o.path = above.ctx, above.path
		}
	}
	name := stageName(s.Name())
	if path := o.path + len(name); path <= maxPath {
		o.path = path + len("/")
		o.ctx, o.stage = p.rec.Start(o.ctx, name)
	}
	if p.remember(o) {
		p.rec.Counter("otel.span.lost").Add(1)
	}
}

// OnEnd ends it.
func (p *spanProcessor) OnEnd(s sdktrace.ReadOnlySpan) {
	o := p.forget(keyOf(s.SpanContext()))
	if o == nil {
		return
	}
	if status := s.Status(); status.Code == codes.Error {
		o.stage.Fail(errors.New(status.Description))
	}
	o.stage.End()
}

// Shutdown forgets the spans that run.
func (p *spanProcessor) Shutdown(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut.Store(true)
	clear(p.open)
	p.ages.Init()
	return nil
}

// ForceFlush has nothing to do.
func (p *spanProcessor) ForceFlush(context.Context) error { return nil }

func (p *spanProcessor) find(k spanKey) *openSpan {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e, ok := p.open[k]; ok {
		return e.Value.(*openSpan)
	}
	return nil
}

// remember keeps a span until it ends. It tells whether another one was given
// up for it.
func (p *spanProcessor) remember(o *openSpan) (gaveUp bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut.Load() {
		return false
	}
	if len(p.open) >= maxOpen {
		oldest := p.ages.Front()
		delete(p.open, p.ages.Remove(oldest).(*openSpan).key)
		gaveUp = true
	}
	p.open[o.key] = p.ages.PushBack(o)
	return gaveUp
}

func (p *spanProcessor) forget(k spanKey) *openSpan {
	p.mu.Lock()
	defer p.mu.Unlock()
	e, ok := p.open[k]
	if !ok {
		return nil
	}
	delete(p.open, k)
	return p.ages.Remove(e).(*openSpan)
}
