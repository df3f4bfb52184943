package pacer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/run"
)

// hand is a clock that the test moves.
type hand struct {
	mu  sync.Mutex
	now time.Duration
}

func (h *hand) read() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hand) move(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now += d
}

func TestSpans(t *testing.T) {
	t.Parallel()
	const s = time.Second
	tests := []struct {
		name string
		do   func(ctx context.Context, clock *hand)
		want []run.Stage
	}{
		{"nested", func(ctx context.Context, clock *hand) {
			for range 2 {
				ctx, root := Start(ctx, "track.process")
				clock.move(1 * s)
				cctx, child := Start(ctx, "search")
				clock.move(2 * s)
				_, grandchild := Start(cctx, "index")
				clock.move(4 * s)
				grandchild.End()
				child.End()
				clock.move(8 * s)
				root.End()
			}
		}, []run.Stage{
			{Path: "track.process", Count: 2, Total: 30, Self: 18},
			{Path: "track.process/search", Count: 2, Total: 12, Self: 4},
			{Path: "track.process/search/index", Count: 2, Total: 8, Self: 8},
		}},
		{"children at the same time", func(ctx context.Context, clock *hand) {
			ctx, root := Start(ctx, "a")
			clock.move(1 * s)
			_, x := Start(ctx, "x")
			clock.move(1 * s)
			_, y := Start(ctx, "y")
			clock.move(1 * s)
			x.End()
			clock.move(1 * s)
			y.End()
			clock.move(1 * s)
			root.End()
		}, []run.Stage{
			{Path: "a", Count: 1, Total: 5, Self: 2}, // x and y together cover 3
			{Path: "a/x", Count: 1, Total: 2, Self: 2},
			{Path: "a/y", Count: 1, Total: 2, Self: 2},
		}},
		{"a child outlives its parent", func(ctx context.Context, clock *hand) {
			ctx, root := Start(ctx, "a")
			clock.move(1 * s)
			_, x := Start(ctx, "x")
			clock.move(2 * s)
			root.End()
			clock.move(4 * s)
			x.End()
		}, []run.Stage{{Path: "a", Count: 1, Total: 3, Self: 1}, {Path: "a/x", Count: 1, Total: 6, Self: 6}}},
		{"a child of a parent that has ended", func(ctx context.Context, clock *hand) {
			ctx, root := Start(ctx, "a")
			clock.move(1 * s)
			root.End()
			_, x := Start(ctx, "x")
			clock.move(1 * s)
			x.End()
		}, []run.Stage{{Path: "a", Count: 1, Total: 1, Self: 1}, {Path: "a/x", Count: 1, Total: 1, Self: 1}}},
		{"end twice", func(ctx context.Context, clock *hand) {
			_, root := Start(ctx, "a")
			clock.move(1 * s)
			root.End()
			clock.move(1 * s)
			root.End()
		}, []run.Stage{{Path: "a", Count: 1, Total: 1, Self: 1}}},
		{"a missing end", func(ctx context.Context, clock *hand) {
			ctx, root := Start(ctx, "a")
			clock.move(1 * s)
			Start(ctx, "x")
			clock.move(2 * s)
			root.End()
		}, []run.Stage{{Path: "a", Count: 1, Total: 3, Self: 1}}},
		{"failures", func(ctx context.Context, clock *hand) {
			for _, err := range []error{nil, errors.New("boom"), nil} {
				_, root := Start(ctx, "a")
				root.Fail(err)
				root.Fail(nil)
				root.End()
				root.Fail(errors.New("too late"))
			}
		}, []run.Stage{{Path: "a", Count: 3, Failures: 1}}},
		{"bad names", func(ctx context.Context, clock *hand) {
			for range 3 {
				bctx, bad := Start(ctx, "Bad Name")
				bad.Fail(errors.New("x"))
				_, x := Start(bctx, "a") // below what was refused: a root
				_, slash := Start(ctx, "b/c")
				slash.End()
				clock.move(1 * s)
				x.End()
				bad.End()
			}
		}, []run.Stage{{Path: "a", Count: 3, Total: 3, Self: 3}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var clock hand
			rec, log := fake(t, Config{Clock: clock.read})
			tt.do(NewContext(t.Context(), rec), &clock)
			snapshot := rec.Snapshot()
			if diff := cmp.Diff(tt.want, snapshot.Stages); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, stage := range snapshot.Stages {
				m := snapshot.Find(stage.Path, nil)
				if m == nil || m.Count() != stage.Count || math.Abs(m.Sum()-stage.Total) > 1e-9 {
					t.Errorf("the timer of %s holds %+v", stage.Path, m)
				}
			}
			if bad := strings.Count(log.String(), "not recorded"); (tt.name == "bad names") != (bad == 2) {
				t.Errorf("%d complaints: %s", bad, log)
			}
		})
	}
}

// Own times add up to the root's total where one thing is done after another.
func TestSpansAddUp(t *testing.T) {
	t.Parallel()
	rec, _ := fake(t, Config{})
	for range 200 {
		ctx, root := rec.Start(t.Context(), "op")
		for _, name := range []string{"a", "b", "a"} {
			cctx, child := Start(ctx, name)
			_, leaf := Start(cctx, "leaf")
			leaf.End()
			child.End()
		}
		root.End()
	}
	s := rec.Snapshot()
	sum := 0.0
	for _, stage := range s.Stages {
		sum += stage.Self
	}
	if total := s.Stages[0].Total; math.Abs(sum-total) > 1e-9*float64(len(s.Stages)) {
		t.Errorf("own times add up to %v, the root took %v", sum, total)
	}
}

// The tree is bounded, in width and in depth.
func TestSpansBounded(t *testing.T) {
	t.Parallel()
	rec, _ := fake(t, Config{})
	for i := range maxStages + 500 {
		_, span := rec.Start(t.Context(), fmt.Sprint("op", i))
		span.End()
	}
	s := rec.Snapshot()
	last := s.Stages[len(s.Stages)-1]
	if len(s.Stages) != maxStages+1 || last.Path != otherStages || last.Count != 500 {
		t.Errorf("%d stages, the last %+v", len(s.Stages), last)
	}

	rec, _ = fake(t, Config{})
	ctx := t.Context()
	var spans []*Span
	for range 100 { // recursion
		var span *Span
		ctx, span = rec.Start(ctx, "again")
		spans = append(spans, span)
	}
	for i := range spans {
		spans[len(spans)-1-i].End()
	}
	s = rec.Snapshot()
	if len(s.Stages) > maxStageDepth+2 {
		t.Errorf("%d stages of a recursion", len(s.Stages))
	}
	n := int64(0)
	for _, stage := range s.Stages {
		n += stage.Count
	}
	if n != 100 {
		t.Errorf("%d spans counted, want 100", n)
	}
}

func TestSpanRecorder(t *testing.T) {
	// The default recorder is the process's: not parallel.
	one, _ := fake(t, Config{})
	other, _ := fake(t, Config{})
	ctx, span := Start(context.Background(), "nobody") // no recorder
	if span != nil || ctx != context.Background() {
		t.Error("a span without a recorder")
	}
	span.End()
	SetDefault(one)
	defer SetDefault(nil)
	ctx, root := Start(context.Background(), "root")
	_, child := Start(ctx, "child")
	_, foreign := other.Start(ctx, "foreign") // another recorder's: a root there
	type key struct{}
	if v := context.WithValue(ctx, key{}, 1).Value(key{}); v != 1 {
		t.Errorf("other values of the context: %v", v)
	}
	for _, s := range []*Span{foreign, child, root} {
		s.End()
	}
	a, b := one.Snapshot(), other.Snapshot()
	if len(a.Stages) != 2 || len(b.Stages) != 1 || b.Stages[0].Path != "foreign" {
		t.Errorf("stages: %+v and %+v", a.Stages, b.Stages)
	}
}
