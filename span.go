package pacer

import (
	"context"
	"fmt"
	"maps"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pacer-perf/pacer/run"
)

// Span is one execution of a stage, begun by Start. A nil Span is of a
// recorder that is disabled, and does nothing.
//
// Spans nest through the context and are folded at once into a tree of stages
// of bounded size; there is no trace to store. A span records into the timer
// of its path, such as track.process/search, and adds to the stage's own time
// the time in which it had no child running:
//
//   - Children that run at the same time are counted each in full; of their
//     parent's own time the moments are taken once in which at least one ran.
//   - A child that outlives its parent is counted in full; the parent's own
//     time ends with the parent.
//   - End again does nothing.
//   - A span that is never ended is not counted. What its parent did meanwhile
//     counts as having had a child.
type Span struct {
	context spanContext
	rec     *Recorder
	node    *node
	parent  *Span
	start   time.Duration
	ended   atomic.Bool
	failed  atomic.Bool

	mu      sync.Mutex // of the children
	running int
	since   time.Duration // when the first of those running started
	covered time.Duration // how long there was at least one
	longest time.Duration // of one that ended
	slowest *node         // which that was
	closed  bool
	notes   []Note
}

// spanContext is the context that a span puts itself into. It is a part of the
// span, so that a span costs one allocation.
type spanContext struct {
	context.Context
	span *Span
}

type spanKey struct{}

func (c *spanContext) Value(key any) any {
	if key == (spanKey{}) {
		return c.span
	}
	return c.Context.Value(key)
}

type recorderKey struct{}

// NewContext returns a context in which Start uses the recorder, below a span
// of its own if there is one in ctx.
func NewContext(ctx context.Context, rec *Recorder) context.Context {
	if span, _ := ctx.Value(spanKey{}).(*Span); span != nil && span.rec != rec {
		ctx = context.WithValue(ctx, spanKey{}, (*Span)(nil)) // another recorder's
	}
	return context.WithValue(ctx, recorderKey{}, rec)
}

var defaultRecorder atomic.Pointer[Recorder]

// SetDefault makes rec the recorder of Start where the context names none.
func SetDefault(rec *Recorder) { defaultRecorder.Store(rec) }

// Default returns the recorder that SetDefault set, or nil.
func Default() *Recorder { return defaultRecorder.Load() }

// Start begins a span below the one in ctx, or else a root of the stage tree
// of the recorder in ctx (see NewContext) or of the default one. Its name is a
// metric's (track.process); below another span it is what comes behind the
// slash (search).
//
//	ctx, span := pacer.Start(ctx, "track.process")
//	defer span.End()
//
// A span records into the timer of its path: an operation that a Timer of that
// name times as well counts twice. It costs one allocation beside what a Timer
// costs.
func Start(ctx context.Context, name string) (context.Context, *Span) {
	if parent, ok := ctx.Value(spanKey{}).(*Span); ok && parent != nil {
		return parent.rec.start(ctx, parent, name)
	}
	rec, ok := ctx.Value(recorderKey{}).(*Recorder)
	if !ok {
		rec = Default()
	}
	return rec.start(ctx, nil, name)
}

// Start begins a span of this recorder: below the one in ctx if that is the
// recorder's too, else a root. See the function Start.
func (r *Recorder) Start(ctx context.Context, name string) (context.Context, *Span) {
	parent, _ := ctx.Value(spanKey{}).(*Span)
	if parent != nil && parent.rec != r {
		parent = nil
	}
	return r.start(ctx, parent, name)
}

func (r *Recorder) start(ctx context.Context, parent *Span, name string) (context.Context, *Span) {
	if r == nil || r.off.Load() {
		return ctx, nil
	}
	var above *node
	if parent != nil {
		above = parent.node
	}
	n := r.tree.child(r, above, name)
	if n == nil {
		return ctx, nil
	}
	s := &Span{rec: r, node: n, parent: parent}
	s.context = spanContext{Context: ctx, span: s}
	s.start = r.now()
	if parent != nil {
		parent.childStarted(s.start)
	}
	return &s.context, s
}

// Context returns the context that Start returned with the span.
func (s *Span) Context() context.Context {
	if s == nil {
		return context.Background()
	}
	return &s.context
}

func (s *Span) childStarted(at time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running++; s.running == 1 && !s.closed {
		s.since = at
	}
}

func (s *Span) childEnded(at time.Duration, child *node, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if took > s.longest {
		s.longest, s.slowest = took, child
	}
	if s.running--; s.running == 0 && !s.closed {
		s.covered += max(0, at-s.since)
	}
}

// close returns how long at least one child was running until the span ended.
func (s *Span) close(at time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.running > 0 {
		s.covered += max(0, at-s.since)
	}
	return s.covered
}

// End ends the span and records how long it took. Only the first call counts.
func (s *Span) End() {
	if s == nil || s.ended.Swap(true) {
		return
	}
	now := s.rec.now()
	took := max(0, now-s.start)
	covered := s.close(now)
	if values := &s.node.timer.values; int64(took) > values.bar.Load() && !values.off.Load() {
		values.notice(int64(took), s)
	}
	s.node.timer.Record(took)
	s.node.self.Add(int64(max(0, took-covered)))
	s.node.ended.Add(1)
	s.node.total.Add(int64(took))
	if s.failed.Load() {
		s.node.failures.Add(1)
	}
	if s.parent != nil {
		s.parent.childEnded(now, s.node, took)
	}
}

// Fail marks the span as failed, unless err is nil: its stage counts one
// failure when the span ends.
func (s *Span) Fail(err error) {
	if s != nil && err != nil {
		s.failed.Store(true)
	}
}

// tree is the call tree that spans fold into.
type tree struct {
	mu    sync.Mutex // held to add nodes
	roots atomic.Pointer[map[string]*node]
	nodes []*node // parents before children
	rest  *node   // takes what does not fit; nil until something does not
}

// node is a stage.
type node struct {
	path     string
	depth    int
	timer    *Timer
	children atomic.Pointer[map[string]*node]
	ended    atomic.Int64
	total    atomic.Int64 // nanoseconds
	self     atomic.Int64
	failures atomic.Int64
}

const (
	// maxStages bounds the tree. What comes beyond is recorded as the stage
	// pacer.other.
	maxStages     = 1000
	maxStageDepth = 32 // or a path longer than maxName
	otherStages   = "pacer.other"
)

// child returns the stage called name below another one, or at the root. It
// returns nil if the name is refused.
func (t *tree) child(r *Recorder, above *node, name string) *node {
	known := &t.roots
	if above != nil {
		known = &above.children
	}
	if m := known.Load(); m != nil {
		if n, ok := (*m)[name]; ok {
			return n
		}
	}
	return t.add(r, above, name, known)
}

func (t *tree) add(r *Recorder, above *node, name string, known *atomic.Pointer[map[string]*node]) *node {
	path, depth := name, 1
	if above != nil {
		path, depth = above.path+"/"+name, above.depth+1
	}
	n := &node{path: path, depth: depth}
	var err error
	switch {
	case above != nil && above.path == otherStages:
		return above
	case strings.Contains(name, "/"):
		err = fmt.Errorf("stage name %.100q: expected a name without /: what is below a span nests by its context", name)
	case len(path) > maxName && checkName(name) == nil, depth > maxStageDepth, t.full():
		n = t.other()
	default:
		err = checkName(path)
	}
	if err != nil {
		r.mu.Lock()
		r.problem(err)
		r.unlock()
		n = nil
	} else if n.timer == nil {
		n.timer = r.Timer(path) // takes the recorder's lock, so before the tree's
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	old := known.Load()
	fresh := make(map[string]*node)
	if old != nil {
		if there, ok := (*old)[name]; ok {
			return there
		}
		if len(*old) >= 2*maxStages { // bad names without end
			if n == nil {
				return nil
			}
			return t.otherLocked()
		}
		maps.Copy(fresh, *old)
	}
	if n != nil && n.path == path {
		t.nodes = append(t.nodes, n)
	}
	fresh[name] = n
	known.Store(&fresh)
	return n
}

// full tells whether there are as many stages as there may be.
func (t *tree) full() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.nodes) >= maxStages
}

// other returns the stage that takes what does not fit.
func (t *tree) other() *node {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.otherLocked()
}

func (t *tree) otherLocked() *node {
	if t.rest == nil {
		// No timer of the recorder's: the name is not one that it gives.
		timer := &Timer{registered: new(registered)}
		timer.values.init(math.MaxInt64, nil)
		t.rest = &node{path: otherStages, depth: 1, timer: timer}
		t.nodes = append(t.nodes, t.rest)
	}
	return t.rest
}

// read returns the stages that were ended at least once, parents first.
func (t *tree) read() []run.Stage {
	t.mu.Lock()
	defer t.mu.Unlock()
	var stages []run.Stage
	for _, n := range t.nodes {
		if count := n.ended.Load(); count > 0 {
			// A span on its way may have added its own time and not yet the
			// whole.
			total := n.total.Load()
			stages = append(stages, run.Stage{
				Path: n.path, Count: count, Total: seconds(total), Self: seconds(min(n.self.Load(), total)), Failures: n.failures.Load(),
			})
		}
	}
	return stages
}
